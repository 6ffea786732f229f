//! What the lists of the catalogue have in common: pages of many parents, counts, cursors.

use crate::catalog::CatalogError;
use crate::catalog::service::Catalog;
use crate::db::keys::{MAX_KEYS, among};
use crate::db::page::{Cursor, Page, Window};
use sea_orm::FromQueryResult;
use sea_orm::sea_query::{SelectStatement, SimpleExpr};
use std::collections::HashMap;
use uuid::Uuid;

/// A number.
#[derive(FromQueryResult)]
pub(crate) struct Count {
    count: i64,
}

#[derive(FromQueryResult)]
struct CountOfParent {
    of_parent: Uuid,
    count: i64,
}

/// The number in the only row of a count.
pub(crate) fn number(count: Option<Count>) -> u64 {
    count.and_then(|row| u64::try_from(row.count).ok()).unwrap_or_default()
}

/// Cursors come from clients: one that was made up must not reach the database as a value of the
/// wrong type.
pub(crate) fn check_cursors(
    window: &Window,
    belongs: impl Fn(&Cursor) -> bool,
) -> Result<(), CatalogError> {
    if window.after.iter().chain(&window.before).all(belongs) {
        return Ok(());
    }
    Err(CatalogError::BadArgument("The cursor is not one of this list.".to_owned()))
}

/// Cuts the rows of many parents into a page each. Rows of one parent come in any order: what a
/// statement sorts inside a join or union need not stay sorted outside.
pub(crate) fn pages<T>(
    rows: impl Iterator<Item = (Uuid, T)>,
    window: &Window,
    descending: bool,
    place: impl Fn(&T) -> Cursor,
) -> HashMap<Uuid, Page<T>> {
    let mut of_parents: HashMap<Uuid, Vec<T>> = HashMap::new();
    for (parent, row) in rows {
        of_parents.entry(parent).or_default().push(row);
    }
    let cut = |mut rows: Vec<T>| {
        rows.sort_by_cached_key(&place);
        if descending != window.backward {
            rows.reverse();
        }
        Page::cut(rows, window)
    };
    of_parents.into_iter().map(|(parent, rows)| (parent, cut(rows))).collect()
}

impl Catalog {
    /// Runs a grouped count for some parents; those with nothing have 0.
    pub(crate) async fn counts(
        &self,
        select: SelectStatement,
        parent: SimpleExpr,
        parents: &[Uuid],
    ) -> Result<HashMap<Uuid, u64>, CatalogError> {
        let mut counts: HashMap<Uuid, u64> = parents.iter().map(|parent| (*parent, 0)).collect();
        for parents in parents.chunks(MAX_KEYS) {
            let mut select = select.clone();
            select.and_where(among(parent.clone(), parents));
            for row in self.db.all::<CountOfParent>(&select).await? {
                counts.insert(row.of_parent, u64::try_from(row.count).unwrap_or_default());
            }
        }
        Ok(counts)
    }
}
