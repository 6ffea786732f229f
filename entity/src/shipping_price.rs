//! What a shipping method costs from a subtotal on, in one currency.

use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "shipping_price")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub method: String,
    /// ISO 4217 code.
    #[sea_orm(primary_key, auto_increment = false)]
    pub currency: String,
    /// Minor units.
    #[sea_orm(primary_key, auto_increment = false)]
    pub from_subtotal: i64,
    /// Minor units.
    pub price: i64,
    #[sea_orm(belongs_to, from = "method", to = "code")]
    pub shipping_method: BelongsTo<super::shipping_method::Entity>,
}

impl ActiveModelBehavior for ActiveModel {}
