//! Writes products by the thousand: a few statements with many rows each.

use crate::catalog::search_text::search_text;
use crate::db::{DbError, DbErrorKind, Timestamp, Tx};
use crate::seed::identity::{closing, opening};
use crate::seed::product::{Level, Place, Product, Sale, Variant};
use crate::text::name_key;
use entity::{
    flash_sale, flash_sale_price, product, product_search, product_variant, stock_level,
    stock_movement, variant_price,
};
use sea_orm::sea_query::{Expr, Query, Value};
use sea_orm::{ConnectionTrait, EntityTrait};
use std::collections::HashMap;
use uuid::Uuid;

/// Values in one statement at most: below SQLite's 32,766 parameters, and few enough that Postgres
/// is through long before its time limit.
const VALUES_MAX: usize = 12_000;

/// Where demo products go: keys that the database decided.
pub struct Places {
    /// Categories by slug.
    pub categories: HashMap<String, Uuid>,
    /// The shop's default warehouse.
    pub main: Uuid,
    /// The second one.
    pub east: Uuid,
}

/// Writes these products with all that belongs to them.
pub async fn insert_products_in_txn(
    tx: &Tx,
    products: &[&Product],
    places: &Places,
) -> Result<(), DbError> {
    let category = |product: &Product| {
        // `places` has every category that a product may name.
        places.categories.get(product.category).copied().unwrap_or_default()
    };
    let rows = products.iter().map(|product| product_row(product, category(product)));
    insert(tx, product::Entity, PRODUCT, rows).await?;
    let rows = products.iter().map(|product| search_row(product));
    insert(tx, product_search::Entity, SEARCH, rows).await?;
    let variants = || {
        products.iter().flat_map(|product| {
            product
                .variants
                .iter()
                .zip(0_i32..)
                .map(move |(variant, place)| (*product, variant, place))
        })
    };
    let rows = variants().map(|(product, variant, place)| variant_row(product, variant, place));
    insert(tx, product_variant::Entity, VARIANT, rows).await?;
    let prices = variants().flat_map(|(_, variant, _)| {
        variant.prices.iter().map(|(code, minor)| price_row(variant.id, code, *minor))
    });
    insert(tx, variant_price::Entity, PRICE, prices).await?;
    let sales =
        || variants().filter_map(|(_, variant, _)| Some((variant.id, variant.sale.as_ref()?)));
    insert(tx, flash_sale::Entity, SALE, sales().map(|(variant, sale)| sale_row(variant, sale)))
        .await?;
    let prices = sales().flat_map(|(_, sale)| {
        sale.prices.iter().map(|(code, minor)| price_row(sale.id, code, *minor))
    });
    insert(tx, flash_sale_price::Entity, SALE_PRICE, prices).await?;
    let levels = || {
        variants()
            .flat_map(|(_, variant, _)| variant.levels.iter().map(move |level| (variant, level)))
    };
    let rows = levels().map(|(variant, level)| level_row(variant.id, level, places));
    insert(tx, stock_level::Entity, LEVEL, rows).await?;
    let movements = levels().flat_map(|(_, level)| movement_rows(level));
    insert(tx, stock_movement::Entity, MOVEMENT, movements).await
}

/// Inserts rows whose values stand in the order of `columns`.
async fn insert<E: EntityTrait, const N: usize>(
    tx: &Tx,
    table: E,
    columns: [E::Column; N],
    rows: impl Iterator<Item = [Value; N]>,
) -> Result<(), DbError> {
    let rows_max = VALUES_MAX / N.max(1);
    let mut rows = rows.peekable();
    while rows.peek().is_some() {
        let mut statement = Query::insert();
        statement.into_table(table).columns(columns);
        for row in rows.by_ref().take(rows_max) {
            // Fails when a row has not one value for each column; the types see to that.
            statement.values(row.map(Expr::value)).map_err(|error| DbError {
                kind: DbErrorKind::Fault,
                constraint: None,
                message: error.to_string(),
            })?;
        }
        tx.run(&statement).await?;
    }
    Ok(())
}

const PRODUCT: [product::Column; 11] = [
    product::Column::Id,
    product::Column::CategoryId,
    product::Column::Name,
    product::Column::NameKey,
    product::Column::Slug,
    product::Column::Description,
    product::Column::Status,
    product::Column::LowestPrice,
    product::Column::Version,
    product::Column::CreatedAt,
    product::Column::UpdatedAt,
];

fn product_row(product: &Product, category: Uuid) -> [Value; 11] {
    [
        product.id.into(),
        category.into(),
        product.name.as_str().into(),
        name_key(&product.name).into(),
        product.slug.as_str().into(),
        product.description.as_str().into(),
        "ACTIVE".into(),
        product.lowest_price.into(),
        1_i64.into(),
        product.created_at.into(),
        product.created_at.into(),
    ]
}

const SEARCH: [product_search::Column; 3] = [
    product_search::Column::ProductId,
    product_search::Column::Title,
    product_search::Column::Body,
];

fn search_row(product: &Product) -> [Value; 3] {
    let variants = product.variants.iter().map(|variant| (variant.sku.as_str(), &*variant.name));
    let text = search_text(&product.name, &product.description, variants);
    [product.id.into(), text.title.into(), text.body.into()]
}

const VARIANT: [product_variant::Column; 10] = [
    product_variant::Column::Id,
    product_variant::Column::ProductId,
    product_variant::Column::Sku,
    product_variant::Column::Name,
    product_variant::Column::Position,
    product_variant::Column::Options,
    product_variant::Column::Status,
    product_variant::Column::Version,
    product_variant::Column::CreatedAt,
    product_variant::Column::UpdatedAt,
];

fn variant_row(product: &Product, variant: &Variant, position: i32) -> [Value; 10] {
    let options = variant.options.iter();
    let options: Vec<serde_json::Value> =
        options.map(|(name, value)| serde_json::json!({ "name": name, "value": value })).collect();
    [
        variant.id.into(),
        product.id.into(),
        variant.sku.as_str().into(),
        variant.name.as_str().into(),
        position.into(),
        serde_json::Value::from(options).into(),
        "ACTIVE".into(),
        1_i64.into(),
        product.created_at.into(),
        product.created_at.into(),
    ]
}

const PRICE: [variant_price::Column; 3] = [
    variant_price::Column::VariantId,
    variant_price::Column::Currency,
    variant_price::Column::Amount,
];

fn price_row(of: Uuid, currency: &str, minor: i64) -> [Value; 3] {
    [of.into(), currency.into(), minor.into()]
}

const SALE: [flash_sale::Column; 9] = [
    flash_sale::Column::Id,
    flash_sale::Column::VariantId,
    flash_sale::Column::StartsAt,
    flash_sale::Column::EndsAt,
    flash_sale::Column::Allocation,
    flash_sale::Column::LimitPerCustomer,
    flash_sale::Column::Version,
    flash_sale::Column::CreatedAt,
    flash_sale::Column::UpdatedAt,
];

fn sale_row(variant: Uuid, sale: &Sale) -> [Value; 9] {
    [
        sale.id.into(),
        variant.into(),
        opening().into(),
        closing().into(),
        sale.pieces.into(),
        sale.limit_per_customer.into(),
        1_i64.into(),
        opening().into(),
        opening().into(),
    ]
}

const SALE_PRICE: [flash_sale_price::Column; 3] = [
    flash_sale_price::Column::FlashSaleId,
    flash_sale_price::Column::Currency,
    flash_sale_price::Column::Amount,
];

const LEVEL: [stock_level::Column; 7] = [
    stock_level::Column::Id,
    stock_level::Column::VariantId,
    stock_level::Column::WarehouseId,
    stock_level::Column::OnHand,
    stock_level::Column::ReorderPoint,
    stock_level::Column::Version,
    stock_level::Column::UpdatedAt,
];

fn level_row(variant: Uuid, level: &Level, places: &Places) -> [Value; 7] {
    let warehouse = match level.place {
        Place::Main => places.main,
        Place::East => places.east,
    };
    let on_hand: i64 = level.movements.iter().map(|movement| movement.change).sum();
    let version = i64::try_from(level.movements.len()).unwrap_or_default();
    let changed_at = level.movements.last().map_or(Timestamp::default(), |last| last.created_at);
    [
        level.id.into(),
        variant.into(),
        warehouse.into(),
        on_hand.into(),
        level.reorder_point.into(),
        version.into(),
        changed_at.into(),
    ]
}

const MOVEMENT: [stock_movement::Column; 10] = [
    stock_movement::Column::Id,
    stock_movement::Column::LevelId,
    stock_movement::Column::Kind,
    stock_movement::Column::OnHandChange,
    stock_movement::Column::ReservedChange,
    stock_movement::Column::OnHandAfter,
    stock_movement::Column::ReservedAfter,
    stock_movement::Column::Version,
    stock_movement::Column::Note,
    stock_movement::Column::CreatedAt,
];

fn movement_rows(level: &Level) -> impl Iterator<Item = [Value; 10]> {
    let movements = level.movements.iter().zip(1_i64..);
    movements.scan(0, |on_hand, (movement, version)| {
        *on_hand += movement.change;
        Some([
            movement.id.into(),
            level.id.into(),
            movement.kind.into(),
            movement.change.into(),
            0_i64.into(),
            (*on_hand).into(),
            0_i64.into(),
            version.into(),
            "Demo data".into(),
            movement.created_at.into(),
        ])
    })
}

/// Gathers statistics of the tables that the products are in. Postgres only.
pub async fn analyze_in_txn(tx: &Tx) -> Result<(), DbError> {
    for table in [
        "product",
        "product_search",
        "product_variant",
        "variant_price",
        "stock_level",
        "stock_movement",
    ] {
        tx.connection().execute_unprepared(&format!("ANALYZE {table}")).await?;
    }
    Ok(())
}
