//! What is put into a cart: one SKU.

use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "product_variant")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub product_id: Uuid,
    #[sea_orm(unique)]
    pub sku: String,
    pub name: String,
    /// Place among the product's variants, from 0.
    pub position: i32,
    /// `[{"name": "Colour", "value": "Black"}]`, in display order.
    pub options: Json,
    /// ACTIVE or ARCHIVED.
    pub status: String,
    pub version: i64,
    pub created_at: DateTimeUtc,
    pub updated_at: DateTimeUtc,
    #[sea_orm(belongs_to, from = "product_id", to = "id")]
    pub product: BelongsTo<super::product::Entity>,
    #[sea_orm(has_many)]
    pub prices: HasMany<super::variant_price::Entity>,
    #[sea_orm(has_many)]
    pub levels: HasMany<super::stock_level::Entity>,
}

impl ActiveModelBehavior for ActiveModel {}
