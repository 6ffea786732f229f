//! What is sold, in one or more variants.

use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "product")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub category_id: Uuid,
    pub name: String,
    /// The name in lower case and without diacritics: what lists are sorted and searched by.
    pub name_key: String,
    #[sea_orm(unique)]
    pub slug: String,
    pub description: String,
    /// DRAFT, ACTIVE or ARCHIVED.
    pub status: String,
    /// The lowest list price of the active variants, in minor units of the shop's currency; the
    /// largest integer when none has a price in it, so that such products sort last.
    pub lowest_price: i64,
    pub version: i64,
    pub created_at: DateTimeUtc,
    pub updated_at: DateTimeUtc,
    #[sea_orm(belongs_to, from = "category_id", to = "id")]
    pub category: BelongsTo<super::category::Entity>,
    #[sea_orm(has_many)]
    pub variants: HasMany<super::product_variant::Entity>,
}

impl ActiveModelBehavior for ActiveModel {}
