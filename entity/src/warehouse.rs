//! A place that holds stock.

use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "warehouse")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    #[sea_orm(unique)]
    pub code: String,
    pub name: String,
    /// Orders are served from the lowest number first.
    pub priority: i32,
    /// An inactive warehouse's stock is not for sale.
    pub active: bool,
    /// The one that operations without a warehouse mean; exactly one row has true.
    pub is_default: bool,
    pub version: i64,
    pub created_at: DateTimeUtc,
    pub updated_at: DateTimeUtc,
    #[sea_orm(has_many)]
    pub levels: HasMany<super::stock_level::Entity>,
}

impl ActiveModelBehavior for ActiveModel {}
