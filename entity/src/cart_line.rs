//! A variant in a cart, with how many of it.

use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "cart_line")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub cart_id: Uuid,
    pub variant_id: Uuid,
    /// Lines stand in the order of their positions.
    pub position: i32,
    pub quantity: i64,
    /// What one piece cost when the line was last added to or set, in minor units.
    pub seen_price: i64,
    pub created_at: DateTimeUtc,
    #[sea_orm(belongs_to, from = "cart_id", to = "id")]
    pub cart: BelongsTo<super::cart::Entity>,
    #[sea_orm(belongs_to, from = "variant_id", to = "id")]
    pub variant: BelongsTo<super::product_variant::Entity>,
}

impl ActiveModelBehavior for ActiveModel {}
