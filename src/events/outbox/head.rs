//! Where a busy courier begins to look. What was delivered leaves the index on open events dead entries
//! until Postgres vacuums the table: whoever looks from the beginning walks along all of them each time.

use crate::db::{Db, DbError};
use crate::events::outbox::rows::OPEN;
use entity::outbox::{Column, Entity};
use sea_orm::FromQueryResult;
use sea_orm::sea_query::{Expr, ExprTrait, Query, SelectStatement};
use std::time::Duration;
use tokio::time::Instant;

/// What a courier knows of the beginning of what is open.
#[derive(Debug, Default)]
pub(super) struct Head {
    /// Nothing before this row was open; None when that is not known.
    from: Option<i64>,
    /// When it was looked at from the beginning, and the last row that there was then.
    looked: Option<(Instant, i64)>,
}

/// The rows of the outbox.
#[derive(Debug, Clone, Copy, FromQueryResult)]
pub(super) struct Extent {
    first_open: Option<i64>,
    last: Option<i64>,
}

impl Head {
    /// Whether it is time to look at it from the beginning.
    pub(super) fn is_due(&self, now: Instant, every: Duration) -> bool {
        self.looked.is_none_or(|(at, _)| now >= at + every)
    }

    /// From which row on there is something to find; None: from the beginning.
    pub(super) const fn from(&self) -> Option<i64> {
        self.from
    }

    /// Notes what there was. A row gets its number before others can see it: the next time it can be
    /// seen, or takes unusually long and is found the time after.
    pub(super) fn looked(&mut self, at: Instant, extent: Extent) {
        let visible = self.looked.map(|(_, last)| last.saturating_add(1));
        self.from = visible.map(|visible| Ord::min(extent.first_open.unwrap_or(visible), visible));
        self.looked = extent.last.map(|last| (at, last));
    }
}

/// Which rows there are. Walks along what was delivered since the last vacuum.
pub(super) async fn extent(db: &Db) -> Result<Extent, DbError> {
    let of = |what: Expr| -> SelectStatement {
        let mut select = Query::select();
        select.expr(what).from(Entity);
        select
    };
    let mut first_open = of(Expr::col(Column::Id).min());
    first_open.and_where(Expr::cust(OPEN));
    let last = of(Expr::col(Column::Id).max());
    let mut select = Query::select();
    select.expr_as(Expr::from(first_open), "first_open").expr_as(Expr::from(last), "last");
    let extent: Option<Extent> = db.one(&select).await?;
    Ok(extent.unwrap_or(Extent { first_open: None, last: None }))
}

#[cfg(test)]
mod tests {
    use super::*;

    const EVERY: Duration = Duration::from_secs(1);

    fn extent(first_open: impl Into<Option<i64>>, last: i64) -> Extent {
        Extent { first_open: first_open.into(), last: Some(last) }
    }

    #[test]
    fn it_begins_at_the_first_that_is_open_or_may_not_have_been_seen() {
        let now = Instant::now();
        let mut head = Head::default();
        assert!(head.is_due(now, EVERY));

        head.looked(now, extent(7, 100));
        assert!(!head.is_due(now, EVERY));
        assert_eq!(head.from(), None, "what is under way has numbers up to 100");

        let mut then = now + EVERY;
        for (there, from) in [
            (extent(50, 200), 50),
            // All that can be seen is delivered; those up to 200 could be seen by now.
            (extent(None, 300), 201),
            (extent(290, 400), 290),
            (extent(390, 500), 390),
            // Took unusually long.
            (extent(120, 600), 120),
        ] {
            assert!(head.is_due(then, EVERY));
            head.looked(then, there);
            assert!(!head.is_due(then, EVERY));
            assert_eq!(head.from(), Some(from), "{there:?}");
            then += EVERY;
        }
    }

    #[test]
    fn an_empty_outbox_tells_nothing() {
        let now = Instant::now();
        let mut head = Head::default();
        head.looked(now, Extent { first_open: None, last: None });
        head.looked(now, Extent { first_open: None, last: None });
        assert_eq!(head.from(), None);
        assert!(head.is_due(now, EVERY));
    }
}
