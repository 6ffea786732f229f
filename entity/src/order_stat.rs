//! How often something happened to orders on a day, and how many stand where.

use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "order_stat")]
pub struct Model {
    /// `2026-02-28`, in UTC; empty for what stands and did not happen on a day.
    #[sea_orm(primary_key, auto_increment = false)]
    pub day: String,
    #[sea_orm(primary_key, auto_increment = false)]
    pub currency: String,
    #[sea_orm(primary_key, auto_increment = false)]
    pub measure: String,
    pub count: i64,
    /// In minor units of the currency.
    pub amount: i64,
}

impl ActiveModelBehavior for ActiveModel {}
