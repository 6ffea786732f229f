//! Someone who can sign in.

use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "user_account")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// As typed, for showing and for mail.
    pub email: String,
    /// Folded, for finding.
    #[sea_orm(unique)]
    pub email_key: String,
    pub name: String,
    /// The name in lower case and without diacritics, for sorting and finding.
    pub name_key: String,
    /// PHC string of argon2id.
    pub password_hash: String,
    /// CUSTOMER, STAFF or ADMIN.
    pub role: String,
    pub email_verified: bool,
    pub active: bool,
    /// Since when it is not active; null while it is.
    pub deactivated_at: Option<DateTimeUtc>,
    /// When its personal data was overwritten; null for most.
    pub erased_at: Option<DateTimeUtc>,
    pub created_at: DateTimeUtc,
    pub updated_at: DateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}
