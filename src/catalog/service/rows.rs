//! How rows become categories, products and variants.

use crate::catalog::{Product, Variant, VariantOption, VariantStatus};
use crate::money::{Currency, Money};
use entity::{product, product_variant, variant_price};
use sea_orm::sea_query::{Asterisk, Expr, ExprTrait, JoinType, Query, SelectStatement, SimpleExpr};
use sea_orm::{DbErr, FromQueryResult, QueryResult};
use std::collections::HashMap;
use std::sync::Arc;
use uuid::Uuid;

/// A row of a statement for many parents: whose it is, and the row itself.
pub(crate) struct OfParent<T> {
    pub parent: Uuid,
    pub row: T,
}

/// The name of the column that tells whose a row is.
pub(crate) const PARENT: &str = "of_parent";

impl<T: FromQueryResult> FromQueryResult for OfParent<T> {
    fn from_query_result(row: &QueryResult, prefix: &str) -> Result<Self, DbErr> {
        Ok(Self { parent: row.try_get(prefix, PARENT)?, row: T::from_query_result(row, prefix)? })
    }
}

/// One price of a variant, with the variant; a variant without a price has one row.
#[derive(FromQueryResult)]
pub(crate) struct VariantRow {
    #[sea_orm(nested)]
    variant: product_variant::Model,
    price_currency: Option<String>,
    price_amount: Option<i64>,
}

/// A select of whole variants from `variants`, a table or a select of rows of `product_variant`
/// under that name, with their prices.
pub(crate) fn with_prices(mut variants: SelectStatement) -> SelectStatement {
    variants
        .column((product_variant::Entity, Asterisk))
        .expr_as(
            Expr::col((variant_price::Entity, variant_price::Column::Currency)),
            "price_currency",
        )
        .expr_as(Expr::col((variant_price::Entity, variant_price::Column::Amount)), "price_amount")
        .join(
            JoinType::LeftJoin,
            variant_price::Entity,
            Expr::col((variant_price::Entity, variant_price::Column::VariantId))
                .equals((product_variant::Entity, product_variant::Column::Id)),
        );
    variants
}

/// A select of whole variants that meet a condition.
pub(crate) fn select_variants(condition: SimpleExpr) -> SelectStatement {
    let mut select = Query::select();
    select.from(product_variant::Entity).and_where(condition);
    with_prices(select)
}

/// A select of whole products that meet a condition.
pub(crate) fn select_products(condition: SimpleExpr) -> SelectStatement {
    let mut select = Query::select();
    select.column((product::Entity, Asterisk)).from(product::Entity).and_where(condition);
    select
}

/// Puts the rows of variants together, in the order of their places.
pub(crate) fn gather_variants(rows: Vec<VariantRow>) -> Vec<Variant> {
    let mut variants: HashMap<Uuid, Variant> = HashMap::new();
    for row in rows {
        let variant = variants.entry(row.variant.id).or_insert_with(|| variant(row.variant));
        let currency = row.price_currency.as_deref().and_then(Currency::from_code);
        if let (Some(currency), Some(minor)) = (currency, row.price_amount) {
            variant.prices.push(Money { minor, currency });
        }
    }
    let mut variants: Vec<Variant> = variants.into_values().collect();
    for variant in &mut variants {
        variant.prices.sort_by_key(|price| price.currency.code());
    }
    variants.sort_by_key(|variant| (variant.position, variant.id));
    variants
}

fn variant(model: product_variant::Model) -> Variant {
    // Written by this program alone; what cannot be read is shown as no options.
    let options: Vec<VariantOption> = serde_json::from_value(model.options).unwrap_or_default();
    Variant {
        id: model.id,
        product_id: model.product_id,
        sku: model.sku,
        name: model.name,
        position: model.position,
        options,
        status: VariantStatus::from_word(&model.status),
        prices: Vec::new(),
        version: model.version,
        created_at: model.created_at,
        updated_at: model.updated_at,
    }
}

/// A product of a row, to be shared.
pub(crate) fn shared(model: product::Model) -> Arc<Product> {
    Arc::new(model.into())
}
