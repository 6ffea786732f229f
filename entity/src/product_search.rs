//! The folded text that full-text search reads, one row a product.

use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "product_search")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i64,
    #[sea_orm(unique)]
    pub product_id: Uuid,
    /// Name and SKUs, lower case, without diacritics.
    pub title: String,
    /// Description and variant names, lower case, without diacritics.
    pub body: String,
}

impl ActiveModelBehavior for ActiveModel {}
