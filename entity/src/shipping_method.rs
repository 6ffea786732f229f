//! A way in which goods are sent.

use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "shipping_method")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub code: String,
    pub name: String,
    pub description: String,
    /// ISO 3166-1 codes of where it goes; None: everywhere.
    pub countries: Option<Json>,
    /// Methods are shown in the order of their positions.
    pub position: i32,
    pub active: bool,
    pub version: i64,
    pub created_at: DateTimeUtc,
    pub updated_at: DateTimeUtc,
    #[sea_orm(has_many)]
    pub prices: HasMany<super::shipping_price::Entity>,
}

impl ActiveModelBehavior for ActiveModel {}
