//! What all writes of the catalogue share.

use crate::auth::Viewer;
use crate::catalog::draft::CheckedVariant;
use crate::catalog::search_text::SearchText;
use crate::catalog::service::create::CreatedRow;
use crate::catalog::{CatalogError, VariantOption, VariantStatus};
use crate::db::{DbError, Tx, TxError};
use crate::idempotency::IdempotencyKey;
use crate::money::Money;
use crate::stock::OpeningStock;
use crate::validation::Problem;
use entity::{product_search, product_variant, variant_price};
use sea_orm::sea_query::{Expr, IntoIden, IntoTableRef, OnConflict, Query, SimpleExpr};
use serde::Serialize;
use uuid::Uuid;

/// Rows of one INSERT at most: with a dozen columns well below what either database binds.
const MAX_ROWS: usize = 1_000;

/// Why rows were not made.
pub(crate) enum Refused {
    /// Something is wrong with these.
    Rows(Vec<CreatedRow>),
    /// Anything else.
    Because(CatalogError),
}

impl<E: Into<CatalogError>> From<E> for Refused {
    fn from(error: E) -> Self {
        Self::Because(error.into())
    }
}

impl Refused {
    /// See [`CatalogError::or_again`].
    pub(crate) fn or_again(self) -> Self {
        match self {
            Self::Because(error) => Self::Because(error.or_again()),
            rows @ Self::Rows(_) => rows,
        }
    }
}

impl TxError for Refused {
    fn db_error(&self) -> Option<&DbError> {
        match self {
            Self::Rows(_) => None,
            Self::Because(error) => error.db_error(),
        }
    }
}

/// Binds an idempotency key, if one was given.
pub(crate) fn bind(
    viewer: &Viewer,
    operation: &'static str,
    key: Option<&str>,
    input: &impl Serialize,
) -> Result<Option<IdempotencyKey>, Problem> {
    key.map(|key| IdempotencyKey::bind(viewer.scope(), operation, key, input)).transpose()
}

/// Inserts rows, by one statement for each thousand.
pub(crate) async fn insert_in_txn<C: IntoIden + Copy, const N: usize>(
    tx: &Tx,
    table: impl IntoTableRef + Copy,
    columns: [C; N],
    rows: Vec<[SimpleExpr; N]>,
) -> Result<(), CatalogError> {
    let mut rows = rows.into_iter();
    while rows.len() > 0 {
        let mut insert = Query::insert();
        insert.into_table(table).columns(columns);
        for row in rows.by_ref().take(MAX_ROWS) {
            insert.values_panic(row);
        }
        tx.run(&insert).await?;
    }
    Ok(())
}

/// Inserts the variants of products, each product with the place of its first new one, and tells
/// the stock to open them with.
pub(crate) async fn insert_variants_in_txn(
    tx: &Tx,
    products: Vec<(Uuid, i32, &[CheckedVariant])>,
) -> Result<Vec<OpeningStock>, CatalogError> {
    use product_variant::Column;
    let columns = [
        Column::Id,
        Column::ProductId,
        Column::Sku,
        Column::Name,
        Column::Position,
        Column::Options,
        Column::Status,
        Column::CreatedAt,
        Column::UpdatedAt,
    ];
    let now = tx.db().now_sql();
    let (mut rows, mut prices, mut opening) = (Vec::new(), Vec::new(), Vec::new());
    for (product_id, first, variants) in products {
        for (position, variant) in (first..).zip(variants) {
            let id = Uuid::now_v7();
            rows.push([
                Expr::value(id),
                Expr::value(product_id),
                Expr::value(variant.sku.as_str()),
                Expr::value(variant.name.as_str()),
                Expr::value(position),
                Expr::value(options_json(&variant.options)),
                Expr::value(VariantStatus::Active.as_str()),
                now.clone(),
                now.clone(),
            ]);
            prices.extend(variant.prices.iter().map(|price| (id, *price)));
            opening.push(OpeningStock {
                variant_id: id,
                quantity: variant.stock,
                reorder_point: variant.reorder_point,
            });
        }
    }
    insert_in_txn(tx, product_variant::Entity, columns, rows).await?;
    insert_prices_in_txn(tx, prices).await?;
    Ok(opening)
}

/// Options as they stand in the database.
pub(crate) fn options_json(options: &[VariantOption]) -> serde_json::Value {
    // Serialising these plain texts cannot fail.
    serde_json::to_value(options).unwrap_or_default()
}

/// Inserts prices of variants.
pub(crate) async fn insert_prices_in_txn(
    tx: &Tx,
    prices: Vec<(Uuid, Money)>,
) -> Result<(), CatalogError> {
    use variant_price::Column;
    let columns = [Column::VariantId, Column::Currency, Column::Amount];
    let rows = prices.into_iter().map(|(variant, price)| {
        [Expr::value(variant), Expr::value(price.currency.code()), Expr::value(price.minor)]
    });
    insert_in_txn(tx, variant_price::Entity, columns, rows.collect()).await
}

/// Inserts the search text of products that have none.
pub(crate) async fn insert_search_in_txn(
    tx: &Tx,
    texts: Vec<(Uuid, SearchText)>,
) -> Result<(), CatalogError> {
    use product_search::Column;
    let columns = [Column::ProductId, Column::Title, Column::Body];
    let rows = texts.into_iter().map(|(product, text)| {
        [Expr::value(product), Expr::value(text.title), Expr::value(text.body)]
    });
    insert_in_txn(tx, product_search::Entity, columns, rows.collect()).await
}

/// Writes the search text of a product anew.
pub(crate) async fn replace_search_in_txn(
    tx: &Tx,
    product: Uuid,
    text: SearchText,
) -> Result<(), CatalogError> {
    use product_search::Column;
    let mut insert = Query::insert();
    insert
        .into_table(product_search::Entity)
        .columns([Column::ProductId, Column::Title, Column::Body])
        .values_panic([Expr::value(product), Expr::value(text.title), Expr::value(text.body)])
        .on_conflict(
            OnConflict::column(Column::ProductId)
                .update_columns([Column::Title, Column::Body])
                .to_owned(),
        );
    tx.run(&insert).await?;
    Ok(())
}
