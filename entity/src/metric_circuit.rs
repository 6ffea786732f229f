//! Payment providers that a process does not call, or calls a few times to try.

use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "metric_circuit")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub process: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub provider: String,
    /// `HALF_OPEN` or `OPEN`.
    pub state: String,
    /// When the process last said so.
    pub seen_at: DateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}
