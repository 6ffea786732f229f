//! Keys of mutations that were carried out, with what they made.

use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "idempotency")]
pub struct Model {
    /// `user:<id>`, or `guest:<hash of the secret>`.
    #[sea_orm(primary_key, auto_increment = false)]
    pub scope: String,
    /// The mutation's field name.
    #[sea_orm(primary_key, auto_increment = false)]
    pub operation: String,
    #[sea_orm(primary_key, auto_increment = false)]
    pub key: String,
    /// SHA-256 of the coerced input.
    pub fingerprint: Vec<u8>,
    /// What the mutation answered, enough to resolve it again.
    pub outcome: Json,
    pub created_at: DateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}
