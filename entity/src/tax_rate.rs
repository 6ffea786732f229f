//! The tax on what is sent to a place.

use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "tax_rate")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// An ISO 3166-1 code, or `*` for everywhere else.
    pub country: String,
    /// A region of the country; empty for the whole of it.
    pub region: String,
    pub name: String,
    /// Millionths: 190,000 are 19 %.
    pub rate_ppm: i64,
    /// Whether shipping is taxed as well.
    pub taxes_shipping: bool,
    pub version: i64,
    pub created_at: DateTimeUtc,
    pub updated_at: DateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}
