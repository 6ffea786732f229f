//! The stock of one variant in one warehouse. Never deleted while its variant exists.

use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "stock_level")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub variant_id: Uuid,
    pub warehouse_id: Uuid,
    pub on_hand: i64,
    pub reserved: i64,
    pub incoming: i64,
    pub reorder_point: i64,
    /// Rises by one with each change.
    pub version: i64,
    pub updated_at: DateTimeUtc,
    #[sea_orm(belongs_to, from = "variant_id", to = "id")]
    pub variant: BelongsTo<super::product_variant::Entity>,
    #[sea_orm(belongs_to, from = "warehouse_id", to = "id")]
    pub warehouse: BelongsTo<super::warehouse::Entity>,
    #[sea_orm(has_many)]
    pub movements: HasMany<super::stock_movement::Entity>,
}

impl ActiveModelBehavior for ActiveModel {}
