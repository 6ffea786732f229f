//! What all processes found of a component within an hour.

use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "component_hour")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub component: String,
    #[sea_orm(primary_key, auto_increment = false)]
    pub starts_at: DateTimeUtc,
    /// How often somebody looked.
    pub looks: i64,
    /// How often it was well.
    pub healthy: i64,
    /// How long it took to answer in all, when it was well.
    pub latency_sum_us: i64,
    pub latency_max_us: i64,
}

impl ActiveModelBehavior for ActiveModel {}
