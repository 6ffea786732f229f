//! Keyset pagination: page 1,000 costs what page 1 costs, because a page begins at a key and not
//! at a number of rows to skip.

use crate::db::Timestamp;
use sea_orm::sea_query::{Expr, ExprTrait, Order, SelectStatement, SimpleExpr};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Which part of a list is asked for.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Window {
    /// Items at most.
    pub limit: u64,
    /// Counted from the end of the list.
    pub backward: bool,
    /// Only what comes after this.
    pub after: Option<Cursor>,
    /// Only what comes before this.
    pub before: Option<Cursor>,
}

impl Window {
    /// The first `limit` items.
    #[must_use]
    pub fn first(limit: u64) -> Self {
        Self { limit, backward: false, after: None, before: None }
    }
}

/// A place in a list: the sort key and the id of the item there. Places of one list compare as the
/// list is sorted, smallest first.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Cursor {
    /// The sort key.
    #[serde(rename = "k")]
    pub key: CursorKey,
    /// The id, which breaks ties.
    #[serde(rename = "i")]
    pub id: Uuid,
}

/// The sort key in a cursor.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum CursorKey {
    /// The list is sorted by id alone.
    #[serde(rename = "-")]
    Id,
    /// A text column.
    #[serde(rename = "s")]
    Text(String),
    /// An integer column, or a place by number.
    #[serde(rename = "n")]
    Int(i64),
    /// A time column.
    #[serde(rename = "t")]
    Time(Timestamp),
}

impl CursorKey {
    fn value(&self) -> Option<SimpleExpr> {
        match self {
            Self::Id => None,
            Self::Text(text) => Some(Expr::value(text.clone())),
            Self::Int(number) => Some(Expr::value(*number)),
            Self::Time(time) => Some(Expr::value(*time)),
        }
    }
}

/// How a list is sorted. Every sort key is NOT NULL and the id breaks ties in the same direction.
#[derive(Debug, Clone)]
pub struct Keyset {
    /// The sort key, unless the id alone sorts.
    pub key: Option<SimpleExpr>,
    /// The id.
    pub id: SimpleExpr,
    /// Largest first.
    pub descending: bool,
}

impl Keyset {
    /// Restricts, orders and limits a query to the window, with one row more than asked for, by
    /// which [`Page::cut`] tells whether the list goes on.
    pub fn apply(&self, select: &mut SelectStatement, window: &Window) {
        for (cursor, after) in
            window.after.iter().map(|c| (c, true)).chain(window.before.iter().map(|c| (c, false)))
        {
            select.and_where(self.beyond(cursor, after != self.descending));
        }
        let order = if self.descending == window.backward { Order::Asc } else { Order::Desc };
        if let Some(key) = &self.key {
            select.order_by_expr(key.clone(), order.clone());
        }
        select.order_by_expr(self.id.clone(), order);
        select.limit(window.limit.saturating_add(1));
    }

    fn beyond(&self, cursor: &Cursor, greater: bool) -> SimpleExpr {
        let (place, here) = match (&self.key, cursor.key.value()) {
            (Some(key), Some(value)) => (
                Expr::tuple([key.clone(), self.id.clone()]),
                Expr::tuple([value, Expr::value(cursor.id)]),
            ),
            _ => (self.id.clone(), Expr::value(cursor.id)),
        };
        if greater { place.gt(here) } else { place.lt(here) }
    }
}

/// A part of a list, in the list's order.
#[derive(Debug, Clone)]
pub struct Page<T> {
    /// The items.
    pub items: Vec<T>,
    /// Whether the list has items before these.
    pub has_previous: bool,
    /// Whether the list has items after these.
    pub has_next: bool,
}

impl<T> Page<T> {
    /// Makes a page of the rows of a query that [`Keyset::apply`] has limited.
    #[must_use]
    pub fn cut(mut rows: Vec<T>, window: &Window) -> Self {
        let limit = usize::try_from(window.limit).unwrap_or(usize::MAX);
        let more = rows.len() > limit;
        rows.truncate(limit);
        let (has_previous, has_next) = if window.backward {
            rows.reverse();
            (more, window.before.is_some())
        } else {
            (window.after.is_some(), more)
        };
        Self { items: rows, has_previous, has_next }
    }

    /// A page with nothing in it.
    #[must_use]
    pub fn empty() -> Self {
        Self { items: Vec::new(), has_previous: false, has_next: false }
    }
}
