//! What a customer buys or the shop orders from a supplier. `order` is a word of SQL.

use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "shop_order")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// For people, unique.
    pub number: String,
    /// SALE or PURCHASE.
    pub kind: String,
    pub status: String,
    /// None: a guest's, or a purchase.
    pub customer_id: Option<Uuid>,
    pub email: String,
    /// The e-mail address as it is compared and searched.
    pub email_key: String,
    /// SHA-256 of the token that lets a guest see the order.
    pub guest_token_hash: Option<Vec<u8>>,
    /// The cart that it was made from; a cart becomes at most one order.
    pub cart_id: Option<Uuid>,
    /// ISO 4217; all amounts are minor units of it.
    pub currency: String,
    pub subtotal: i64,
    pub shipping_total: i64,
    /// Of the lines and of the shipping.
    pub tax_total: i64,
    pub total: i64,
    pub refunded_total: i64,
    pub shipping_address: Option<Json>,
    pub billing_address: Option<Json>,
    pub shipping_method: Option<String>,
    pub shipping_method_name: Option<String>,
    /// The part of the tax that is on shipping.
    pub shipping_tax: i64,
    pub cancel_reason: Option<String>,
    /// Rises with each change; each has its event.
    pub version: i64,
    pub created_at: DateTimeUtc,
    pub updated_at: DateTimeUtc,
    /// What was taken for it: less than the total when only a part was captured.
    pub paid_total: i64,
    /// Of a purchase: who sells to the shop.
    pub supplier_name: Option<String>,
    /// Of a purchase: where it goes.
    pub warehouse_id: Option<Uuid>,
    /// What a guest's token is made of when no cart became the order.
    pub token_key: Option<Uuid>,
}

impl ActiveModelBehavior for ActiveModel {}
