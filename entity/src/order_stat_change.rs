//! What a change of an order adds to `order_stat`, until it is added there.

use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "order_stat_change")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i64,
    pub day: String,
    pub currency: String,
    pub measure: String,
    pub count: i64,
    pub amount: i64,
}

impl ActiveModelBehavior for ActiveModel {}
