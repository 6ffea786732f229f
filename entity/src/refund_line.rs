//! The pieces of an order that a refund is for.

use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "refund_line")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub refund_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub order_line_id: Uuid,
    /// Pieces whose money goes back; 0 for a line that only comes back to the shelf.
    pub quantity: i64,
    pub amount: i64,
    /// How many of them are not to be sent any more.
    pub cancelled: i64,
    /// How many come back to the shelf.
    pub returned: i64,
}

impl ActiveModelBehavior for ActiveModel {}
