//! A line of an order, with names and prices as they were when it was placed.

use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "order_line")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub order_id: Uuid,
    pub position: i32,
    pub variant_id: Uuid,
    pub sku: String,
    pub product_name: String,
    pub variant_name: String,
    pub options: Json,
    pub quantity: i64,
    /// Net, in minor units of the order's currency.
    pub unit_price: i64,
    pub line_total: i64,
    /// Parts per million.
    pub tax_rate_ppm: i64,
    pub tax: i64,
    pub quantity_fulfilled: i64,
    pub quantity_returned: i64,
    /// Of a purchase.
    pub quantity_received: i64,
    /// Whose money went back, or is on its way.
    pub quantity_refunded: i64,
    /// How much money that is.
    pub refunded_amount: i64,
    /// Not to be sent any more, because their money goes back.
    pub quantity_cancelled: i64,
    /// The sale whose price it has; None: the list price.
    pub flash_sale_id: Option<Uuid>,
}

impl ActiveModelBehavior for ActiveModel {}
