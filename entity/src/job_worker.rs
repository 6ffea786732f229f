//! Processes that take jobs.

use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "job_worker")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// When it last looked for jobs.
    pub seen_at: DateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}
