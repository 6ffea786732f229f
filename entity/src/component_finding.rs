//! What a process found when it looked at a component last.

use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "component_finding")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub component: String,
    #[sea_orm(primary_key, auto_increment = false)]
    pub instance: Uuid,
    /// HEALTHY, DEGRADED or UNHEALTHY.
    pub status: String,
    pub message: Option<String>,
    pub latency_us: i64,
    /// A process that has not looked for long does not count.
    pub checked_at: DateTimeUtc,
    /// How many looks in a row found it not to be well.
    pub bad_looks: i64,
}

impl ActiveModelBehavior for ActiveModel {}
