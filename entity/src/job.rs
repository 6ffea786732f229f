//! Work that is done apart from the request that asked for it.

use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "job")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub queue: String,
    /// Which handler it is for.
    pub kind: String,
    pub args: Json,
    /// While a row with this key is there, no other is written.
    #[sea_orm(unique)]
    pub dedupe: Option<String>,
    /// queued, running, done or dead.
    pub status: String,
    /// How often it was begun, the one that runs included.
    pub attempts: i32,
    pub max_attempts: i32,
    /// When a queued job may begin; when the lease of a running one ends.
    pub run_at: DateTimeUtc,
    /// Rises with each claim: who has an older one has lost the job.
    pub token: i64,
    /// Why the last attempt failed.
    pub error: Option<String>,
    pub created_at: DateTimeUtc,
    pub finished_at: Option<DateTimeUtc>,
    /// Whom it is about, in a word that does not tell who that is; None for most.
    pub subject: Option<String>,
}

impl ActiveModelBehavior for ActiveModel {}
