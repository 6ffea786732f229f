//! Conditions on products as SQL, over a table or select named `product`.

use crate::auth::Viewer;
use crate::catalog::service::sees_all;
use crate::catalog::{
    PriceBounds, ProductFilter, ProductList, ProductSortField, ProductStatus, Search, TextMatch,
    TimeBounds,
};
use crate::db::Db;
use crate::db::keys::among;
use crate::db::page::Keyset;
use crate::db::text::contains;
use crate::text::name_key;
use entity::product::{Column, Entity};
use entity::{category_closure, product_search, product_variant, variant_price};
use sea_orm::sea_query::{Expr, ExprTrait, Query, SelectStatement, SimpleExpr};

/// What is true of every product that a list shows to a viewer, besides its search.
pub(crate) fn shown(viewer: &Viewer, list: &ProductList) -> Vec<SimpleExpr> {
    let status = (!sees_all(viewer)).then(|| column(Column::Status).eq("ACTIVE"));
    status.into_iter().chain(list.filter.as_ref().map(condition)).collect()
}

/// The order of a list that is not sorted by relevance.
pub(crate) fn keyset(list: &ProductList) -> Keyset {
    let key = list.sort.map(|sort| match sort.field {
        ProductSortField::Name => column(Column::NameKey),
        ProductSortField::Price => column(Column::LowestPrice),
        ProductSortField::CreatedAt => column(Column::CreatedAt),
        ProductSortField::UpdatedAt => column(Column::UpdatedAt),
    });
    let descending = list.sort.is_some_and(|sort| sort.descending);
    Keyset { key, id: column(Column::Id), descending }
}

pub(crate) fn column(column: Column) -> SimpleExpr {
    Expr::col((Entity, column))
}

fn condition(filter: &ProductFilter) -> SimpleExpr {
    match filter {
        ProductFilter::And(filters) => all(filters.iter().map(condition)),
        ProductFilter::Or(filters) => any(filters),
        ProductFilter::Not(filters) => any(filters).not(),
        ProductFilter::Id(ids) => among(column(Column::Id), ids),
        ProductFilter::Name(TextMatch::OneOf(names)) => among(column(Column::Name), names),
        ProductFilter::Name(TextMatch::Contains(text)) => {
            contains(column(Column::NameKey), &name_key(text))
        }
        ProductFilter::Category(ids) => in_categories(among(ancestor(), ids)),
        ProductFilter::Status(states) => {
            let words: Vec<&str> =
                states.iter().map(|status| ProductStatus::as_str(*status)).collect();
            among(column(Column::Status), &words)
        }
        ProductFilter::Price(bounds) => has_price(bounds),
        ProductFilter::InStock(wanted) => {
            let in_stock = crate::stock::in_stock(column(Column::Id));
            if *wanted { in_stock } else { in_stock.not() }
        }
        ProductFilter::Created(bounds) => within(column(Column::CreatedAt), bounds),
    }
}

/// All of the conditions; of none, true.
fn all(conditions: impl Iterator<Item = SimpleExpr>) -> SimpleExpr {
    conditions.reduce(ExprTrait::and).unwrap_or_else(|| Expr::cust("1 = 1"))
}

/// One of the conditions; of none, false.
fn any(filters: &[ProductFilter]) -> SimpleExpr {
    let conditions = filters.iter().map(condition);
    conditions.reduce(ExprTrait::or).unwrap_or_else(|| Expr::cust("1 = 2"))
}

fn ancestor() -> SimpleExpr {
    Expr::col((category_closure::Entity, category_closure::Column::AncestorId))
}

/// In a category, or a descendant of one, that meets a condition on the closure's ancestor.
fn in_categories(condition: SimpleExpr) -> SimpleExpr {
    let mut descendants = Query::select();
    descendants
        .column((category_closure::Entity, category_closure::Column::DescendantId))
        .from(category_closure::Entity)
        .and_where(condition);
    column(Column::CategoryId).in_subquery(descendants)
}

/// In the category or a descendant of it.
pub(crate) fn in_category(category: SimpleExpr) -> SimpleExpr {
    in_categories(ancestor().eq(category))
}

fn has_price(bounds: &PriceBounds) -> SimpleExpr {
    let amount = || Expr::col((variant_price::Entity, variant_price::Column::Amount));
    let variant = |column| Expr::col((product_variant::Entity, column));
    let mut select = Query::select();
    select
        .expr(Expr::value(1))
        .from(product_variant::Entity)
        .inner_join(
            variant_price::Entity,
            Expr::col((variant_price::Entity, variant_price::Column::VariantId))
                .equals((product_variant::Entity, product_variant::Column::Id)),
        )
        .and_where(variant(product_variant::Column::ProductId).eq(column(Column::Id)))
        .and_where(variant(product_variant::Column::Status).eq("ACTIVE"))
        .and_where(
            Expr::col((variant_price::Entity, variant_price::Column::Currency))
                .eq(bounds.currency.code()),
        )
        .and_where_option(bounds.gte.map(|least| amount().gte(least)))
        .and_where_option(bounds.lte.map(|most| amount().lte(most)));
    Expr::exists(select)
}

fn within(column: SimpleExpr, bounds: &TimeBounds) -> SimpleExpr {
    let column = || column.clone();
    let ends = [
        bounds.gte.map(|earliest| column().gte(earliest)),
        bounds.lte.map(|latest| column().lte(latest)),
    ];
    all(ends.into_iter().flatten())
}

/// The products that have all the words.
pub(crate) fn found_by(db: &Db, search: &Search) -> SimpleExpr {
    column(Column::Id).in_subquery(matches(db, search))
}

/// A select of the keys of products that have all the words, each as the beginning of a word.
pub(crate) fn matches(db: &Db, search: &Search) -> SelectStatement {
    let mut select = Query::select();
    select
        .column((product_search::Entity, product_search::Column::ProductId))
        .from(product_search::Entity);
    if search.words().is_empty() {
        select.and_where(Expr::cust("1 = 2"));
    } else if db.is_postgres() {
        select.and_where(Expr::cust_with_values(
            "product_search.document @@ to_tsquery('simple', $1)",
            [tsquery(search)],
        ));
    } else {
        select.inner_join(
            INDEX,
            Expr::col((INDEX, "rowid"))
                .equals((product_search::Entity, product_search::Column::Id)),
        );
        select.and_where(Expr::cust_with_values(
            "product_search_index MATCH ?",
            [fts5_query(search)],
        ));
    }
    select
}

/// The full-text index on SQLite.
pub(crate) const INDEX: &str = "product_search_index";

/// The words as a query of Postgres. They are letters and digits alone: the quotes hold.
pub(crate) fn tsquery(search: &Search) -> String {
    let terms: Vec<String> = search.words().iter().map(|word| format!("'{word}':*")).collect();
    terms.join(" & ")
}

/// The words as a query of SQLite's FTS5.
pub(crate) fn fts5_query(search: &Search) -> String {
    let terms: Vec<String> = search.words().iter().map(|word| format!("\"{word}\" *")).collect();
    terms.join(" ")
}
