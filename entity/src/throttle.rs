//! How often something was tried of late, so that guessing is slowed down on every replica.

use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "throttle")]
pub struct Model {
    /// What is tried, and the hash of by whom or on whom.
    #[sea_orm(primary_key, auto_increment = false)]
    pub key: String,
    pub attempts: i32,
    /// When it was tried last.
    pub tried_at: DateTimeUtc,
    /// When it may be tried again.
    pub next_at: DateTimeUtc,
    /// When all this is forgotten.
    pub ends_at: DateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}
