//! A price of a variant for a while, and for so many pieces.

use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "flash_sale")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub variant_id: Uuid,
    pub starts_at: DateTimeUtc,
    /// From then on it is over.
    pub ends_at: DateTimeUtc,
    /// Pieces that are sold at its price at most.
    pub allocation: i64,
    /// Pieces that orders have of them.
    pub taken: i64,
    /// None: as many as there are.
    pub limit_per_customer: Option<i64>,
    /// Rises when staff change it, not when something is taken.
    pub version: i64,
    pub created_at: DateTimeUtc,
    pub updated_at: DateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}
