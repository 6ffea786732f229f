//! The secret of a link that was mailed: good once, and not for long.

use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "account_token")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub user_id: Uuid,
    /// VERIFY_EMAIL, RESET_PASSWORD or CHANGE_EMAIL.
    pub purpose: String,
    /// SHA-256 of the secret; the secret itself is in the mail alone.
    #[sea_orm(unique)]
    pub token_hash: Vec<u8>,
    /// The address that it was mailed to.
    pub email: String,
    pub created_at: DateTimeUtc,
    pub expires_at: DateTimeUtc,
    pub used_at: Option<DateTimeUtc>,
}

impl ActiveModelBehavior for ActiveModel {}
