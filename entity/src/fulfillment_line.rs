//! Pieces of an order line that left one warehouse.

use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "fulfillment_line")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub fulfillment_id: Uuid,
    pub order_line_id: Uuid,
    pub warehouse_id: Uuid,
    pub quantity: i64,
    /// How many of these came back.
    pub quantity_returned: i64,
}

impl ActiveModelBehavior for ActiveModel {}
