//! Reads of whole objects by one of their columns, straight from the database.

use crate::catalog::service::rows::{gather_variants, select_products, select_variants};
use crate::catalog::{Category, PriceRange, Product, Variant};
use crate::db::keys::{MAX_KEYS, among};
use crate::db::{Db, DbError};
use crate::money::{Currency, Money};
use entity::{category, product, product_variant, variant_price};
use sea_orm::FromQueryResult;
use sea_orm::sea_query::{Asterisk, Expr, ExprTrait, Query, SelectStatement, Value};
use std::collections::HashMap;
use uuid::Uuid;

/// Products with one of these values in a column.
pub(crate) async fn read_products<T: Clone + Into<Value>>(
    db: &Db,
    column: product::Column,
    values: &[T],
) -> Result<Vec<Product>, DbError> {
    let mut products = Vec::with_capacity(values.len());
    for values in values.chunks(MAX_KEYS) {
        let select = select_products(among(Expr::col((product::Entity, column)), values));
        products.extend(db.all::<product::Model>(&select).await?.into_iter().map(Product::from));
    }
    Ok(products)
}

/// Variants with one of these values in a column, with their prices.
pub(crate) async fn read_variants<T: Clone + Into<Value>>(
    db: &Db,
    column: product_variant::Column,
    values: &[T],
) -> Result<Vec<Variant>, DbError> {
    let mut variants = Vec::with_capacity(values.len());
    for values in values.chunks(MAX_KEYS) {
        let select = select_variants(among(Expr::col((product_variant::Entity, column)), values));
        variants.append(&mut gather_variants(db.all(&select).await?));
    }
    Ok(variants)
}

/// Categories with one of these values in a column.
pub(crate) async fn read_categories<T: Clone + Into<Value>>(
    db: &Db,
    column: category::Column,
    values: &[T],
) -> Result<Vec<Category>, DbError> {
    let mut categories = Vec::with_capacity(values.len());
    for values in values.chunks(MAX_KEYS) {
        let mut select = Query::select();
        select
            .column((category::Entity, Asterisk))
            .from(category::Entity)
            .and_where(among(Expr::col((category::Entity, column)), values));
        let rows = db.all::<category::Model>(&select).await?;
        categories.extend(rows.into_iter().map(Category::from));
    }
    Ok(categories)
}

/// The price ranges of products, one a currency that an active variant has a price in.
pub(crate) async fn read_price_ranges(
    db: &Db,
    product_ids: &[Uuid],
) -> Result<HashMap<Uuid, Vec<PriceRange>>, DbError> {
    let mut ranges: HashMap<Uuid, Vec<PriceRange>> = HashMap::new();
    for ids in product_ids.chunks(MAX_KEYS) {
        for row in db.all::<PriceRangeRow>(&select_price_ranges(ids)).await? {
            let Some(currency) = Currency::from_code(&row.currency) else { continue };
            let minimum = Money { minor: row.minimum, currency };
            let maximum = Money { minor: row.maximum, currency };
            ranges.entry(row.product_id).or_default().push(PriceRange { minimum, maximum });
        }
    }
    Ok(ranges)
}

#[derive(FromQueryResult)]
struct PriceRangeRow {
    product_id: Uuid,
    currency: String,
    minimum: i64,
    maximum: i64,
}

fn select_price_ranges(product_ids: &[Uuid]) -> SelectStatement {
    let product_id = (product_variant::Entity, product_variant::Column::ProductId);
    let currency = (variant_price::Entity, variant_price::Column::Currency);
    let amount = Expr::col((variant_price::Entity, variant_price::Column::Amount));
    let mut select = Query::select();
    select
        .column(product_id)
        .column(currency)
        .expr_as(amount.clone().min(), "minimum")
        .expr_as(amount.max(), "maximum")
        .from(product_variant::Entity)
        .inner_join(
            variant_price::Entity,
            Expr::col((variant_price::Entity, variant_price::Column::VariantId))
                .equals((product_variant::Entity, product_variant::Column::Id)),
        )
        .and_where(among(Expr::col(product_id), product_ids))
        .and_where(
            Expr::col((product_variant::Entity, product_variant::Column::Status)).eq("ACTIVE"),
        )
        .group_by_columns([product_id])
        .group_by_columns([currency]);
    select
}
