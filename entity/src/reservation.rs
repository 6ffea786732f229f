//! A quantity set aside at one stock level for one order line.

use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "reservation")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// The order that holds it.
    pub order_id: Uuid,
    pub order_line_id: Uuid,
    pub level_id: Uuid,
    pub quantity: i64,
    /// HELD, COMMITTED, CONSUMED or RELEASED.
    pub status: String,
    /// When a hold ends; None once committed.
    pub expires_at: Option<DateTimeUtc>,
    pub created_at: DateTimeUtc,
    pub updated_at: DateTimeUtc,
    #[sea_orm(belongs_to, from = "level_id", to = "id")]
    pub level: BelongsTo<super::stock_level::Entity>,
}

impl ActiveModelBehavior for ActiveModel {}
