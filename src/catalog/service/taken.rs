//! What of the names that new products want is taken, by one statement a kind of name.

use crate::catalog::draft::{CheckedProduct, Problems, Slug};
use crate::db::keys::{MAX_KEYS, among};
use crate::db::{DbError, Tx};
use entity::{category, product, product_variant};
use sea_orm::sea_query::{Expr, IntoTableRef, Query, SimpleExpr, Value};
use sea_orm::{DbErr, FromQueryResult, QueryResult, TryGetable};
use std::collections::HashSet;
use std::hash::Hash;
use uuid::Uuid;

/// What is there.
pub(crate) struct Taken {
    /// Of the categories asked for, those that exist.
    pub categories: HashSet<Uuid>,
    /// Of the slugs, those that a product has.
    pub slugs: HashSet<String>,
    /// Of the SKUs, those that a variant has.
    pub skus: HashSet<String>,
}

/// How many slugs like one that is taken are looked at before chance chooses.
const CANDIDATES: u32 = 5;

/// Looks the names of new products up.
pub(crate) async fn look_up_in_txn(
    tx: &Tx,
    rows: &[(CheckedProduct, Problems)],
) -> Result<Taken, DbError> {
    let (mut categories, mut slugs, mut skus) = (HashSet::new(), HashSet::new(), HashSet::new());
    for (product, _) in rows {
        categories.insert(product.category_id);
        slugs.extend(candidates(&product.slug));
        skus.extend(product.variants.iter().map(|variant| variant.sku.clone()));
    }
    Ok(Taken {
        categories: keys_in_txn(tx, category::Entity, categories).await?,
        slugs: slugs_in_txn(tx, slugs).await?,
        skus: skus_in_txn(tx, skus).await?,
    })
}

/// Of the slugs, those that a product has.
pub(crate) async fn slugs_in_txn(
    tx: &Tx,
    slugs: HashSet<String>,
) -> Result<HashSet<String>, DbError> {
    let column = Expr::col((product::Entity, product::Column::Slug));
    present_in_txn(tx, (product::Entity, column), slugs).await
}

/// Of the slugs, those that a category has.
pub(crate) async fn category_slugs_in_txn(
    tx: &Tx,
    slugs: HashSet<String>,
) -> Result<HashSet<String>, DbError> {
    let column = Expr::col((category::Entity, category::Column::Slug));
    present_in_txn(tx, (category::Entity, column), slugs).await
}

/// Of the SKUs, those that a variant has.
pub(crate) async fn skus_in_txn(
    tx: &Tx,
    skus: HashSet<String>,
) -> Result<HashSet<String>, DbError> {
    let column = Expr::col((product_variant::Entity, product_variant::Column::Sku));
    present_in_txn(tx, (product_variant::Entity, column), skus).await
}

/// Of the keys, those that a row of the table has.
pub(crate) async fn keys_in_txn(
    tx: &Tx,
    table: impl IntoTableRef + Copy,
    keys: HashSet<Uuid>,
) -> Result<HashSet<Uuid>, DbError> {
    present_in_txn(tx, (table, Expr::col("id")), keys).await
}

/// A row with one value.
struct Name<T>(T);

impl<T: TryGetable> FromQueryResult for Name<T> {
    fn from_query_result(row: &QueryResult, prefix: &str) -> Result<Self, DbErr> {
        row.try_get(prefix, "name").map(Self)
    }
}

async fn present_in_txn<T: TryGetable + Clone + Eq + Hash + Into<Value>>(
    tx: &Tx,
    (table, column): (impl IntoTableRef + Copy, SimpleExpr),
    names: HashSet<T>,
) -> Result<HashSet<T>, DbError> {
    let names: Vec<T> = names.into_iter().collect();
    let mut present = HashSet::new();
    for names in names.chunks(MAX_KEYS) {
        let mut select = Query::select();
        select.expr_as(column.clone(), "name").from(table).and_where(among(column.clone(), names));
        present.extend(tx.all::<Name<T>>(&select).await?.into_iter().map(|row| row.0));
    }
    Ok(present)
}

/// The slugs that could be taken for this one, best first.
pub(crate) fn candidates(slug: &Slug) -> Vec<String> {
    match slug {
        Slug::Given(slug) => vec![slug.clone()],
        Slug::Like(base) => {
            let numbered = (2..=CANDIDATES).map(|number| format!("{base}-{number}"));
            std::iter::once(base.clone()).chain(numbered).collect()
        }
    }
}

/// A slug like `base` that is free; when many are taken, chance chooses its end.
pub(crate) fn free_slug(base: &str, taken: &HashSet<String>) -> String {
    let like = candidates(&Slug::Like(base.to_owned()));
    like.into_iter().find(|slug| !taken.contains(slug)).unwrap_or_else(|| {
        let chance = Uuid::new_v4().simple().to_string();
        let end: String = chance.chars().take(8).collect();
        format!("{base}-{end}")
    })
}
