//! What a decision about a payment adds to `payment_stat`, until it is added there.

use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "payment_stat_change")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i64,
    pub day: String,
    pub outcome: String,
    pub count: i64,
}

impl ActiveModelBehavior for ActiveModel {}
