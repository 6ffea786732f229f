//! How many attempts to pay were decided how, and how many refunds succeeded, on a day.

use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "payment_stat")]
pub struct Model {
    /// `2026-02-28`, in UTC.
    #[sea_orm(primary_key, auto_increment = false)]
    pub day: String,
    /// `succeeded`, `declined`, `failed` or `refunded`.
    #[sea_orm(primary_key, auto_increment = false)]
    pub outcome: String,
    pub count: i64,
}

impl ActiveModelBehavior for ActiveModel {}
