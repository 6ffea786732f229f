//! A token of a program that calls the shop in its own name.

use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "api_token")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub name: String,
    /// SHA-256 of the token's text, which is kept nowhere.
    #[sea_orm(unique)]
    pub token_hash: Vec<u8>,
    /// The first characters of the text.
    pub prefix: String,
    /// A list of the permissions' names.
    pub permissions: Json,
    /// None when the account was erased, or the server itself made the token.
    pub created_by_id: Option<Uuid>,
    pub created_at: DateTimeUtc,
    /// None: it does not end by itself.
    pub expires_at: Option<DateTimeUtc>,
    /// To the minute; None: never used.
    pub last_used_at: Option<DateTimeUtc>,
    pub revoked_at: Option<DateTimeUtc>,
}

impl ActiveModelBehavior for ActiveModel {}
