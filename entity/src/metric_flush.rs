//! Which of its figures a process has written last.

use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "metric_flush")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub process: Uuid,
    /// Rises with each time that the process writes.
    pub turn: i64,
    pub written_at: DateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}
