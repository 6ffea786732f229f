//! A page for each of many parents in one statement, which reads no more rows than it shows:
//! LATERAL with LIMIT on Postgres, a UNION ALL of limited selects on SQLite.

use crate::catalog::service::rows::PARENT;
use crate::db::keys::among;
use crate::db::{Db, keys};
use sea_orm::sea_query::{
    Asterisk, DynIden, Expr, IntoIden, JoinType, Query, SelectStatement, SimpleExpr, UnionType,
};
use uuid::Uuid;

/// Parts of one compound select at most; SQLite allows 500.
const MAX_PARTS: usize = 100;

/// Statements that answer, under the name `rows`, what `of_one` selects for each parent, with the
/// parent's key in the column [`PARENT`]. One statement, but for very many parents.
pub(crate) fn of_each(
    db: &Db,
    (parents, table): (&[Uuid], impl IntoIden),
    rows: impl IntoIden,
    of_one: impl Fn(SimpleExpr) -> SelectStatement,
) -> Vec<SelectStatement> {
    let (table, rows) = (table.into_iden(), rows.into_iden());
    if db.is_postgres() {
        let chunks = parents.chunks(keys::MAX_KEYS);
        return chunks.map(|parents| lateral(parents, &table, &rows, &of_one)).collect();
    }
    parents.chunks(MAX_PARTS).map(|parents| union(parents, &rows, &of_one)).collect()
}

fn lateral(
    parents: &[Uuid],
    table: &DynIden,
    rows: &DynIden,
    of_one: &impl Fn(SimpleExpr) -> SelectStatement,
) -> SelectStatement {
    let parent = Expr::col(("parent", "id"));
    let mut select = Query::select();
    select
        .expr_as(parent.clone(), PARENT)
        .column((rows.clone(), Asterisk))
        .from_as(table.clone(), "parent")
        .join_lateral(JoinType::InnerJoin, of_one(parent.clone()), rows.clone(), Expr::cust("TRUE"))
        .and_where(among(parent, parents));
    select
}

fn union(
    parents: &[Uuid],
    rows: &DynIden,
    of_one: &impl Fn(SimpleExpr) -> SelectStatement,
) -> SelectStatement {
    let part = |parent: &Uuid| {
        let parent = Expr::value(*parent);
        let mut select = Query::select();
        select
            .expr_as(parent.clone(), PARENT)
            .column((rows.clone(), Asterisk))
            .from_subquery(of_one(parent), rows.clone());
        select
    };
    let mut parts = parents.iter().map(part);
    let mut select = parts.next().unwrap_or_default();
    select.unions(parts.map(|part| (UnionType::All, part)));
    select
}
