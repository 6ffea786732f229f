//! Search results by how well they match. A place in such a list is a number: relevance has no key
//! that a later page could start from.

use crate::auth::Viewer;
use crate::catalog::service::Catalog;
use crate::catalog::service::filter::{INDEX, column, matches, shown, tsquery};
use crate::catalog::service::pages::{Count, number};
use crate::catalog::service::rows::shared;
use crate::catalog::{CatalogError, ListedProduct, ProductList, Search};
use crate::db::page::{Cursor, CursorKey, Page, Window};
use entity::{product, product_search};
use sea_orm::sea_query::{Asterisk, Expr, ExprTrait, Func, Order, Query, SelectStatement};
use std::cmp::{max, min};

/// Hits that can be paged through; whoever wants others searches for more words.
const MAX_HITS: u64 = 1_000;
/// Hits that are ranked; of more, the latest products. To rank means to read each hit's whole text:
/// a word that every tenth product of a large shop has would keep the database busy for a second.
const RANKED: u64 = 5_000;

/// A range of places, the end not included.
struct Places {
    start: u64,
    end: u64,
}

impl Catalog {
    pub(crate) async fn list_by_relevance(
        &self,
        viewer: &Viewer,
        list: &ProductList,
        search: &Search,
        window: &Window,
    ) -> Result<Page<ListedProduct>, CatalogError> {
        let from_the_end = window.backward && window.before.is_none();
        let hits =
            if from_the_end { self.count_hits(viewer, list, search).await? } else { MAX_HITS };
        let places = places(window, hits);
        let wanted = places.end.saturating_sub(places.start);
        // One more tells whether the list goes on.
        let limit = min(wanted.saturating_add(1), MAX_HITS.saturating_sub(places.start));
        let mut hits = Query::select();
        hits.columns(["id", "rank"])
            .from_subquery(self.select_ranked(viewer, list, search), "ranked")
            .order_by("rank", Order::Desc)
            .order_by("id", Order::Asc)
            .offset(places.start)
            .limit(limit);
        let mut select = Query::select();
        select
            .column((product::Entity, Asterisk))
            .from_subquery(hits, "hit")
            .inner_join(
                product::Entity,
                Expr::col((product::Entity, product::Column::Id)).equals(("hit", "id")),
            )
            .order_by(("hit", "rank"), Order::Desc)
            .order_by(("hit", "id"), Order::Asc);
        let mut rows = self.db.all::<product::Model>(&select).await?;
        let wanted = usize::try_from(wanted).unwrap_or(usize::MAX);
        let has_next = rows.len() > wanted || window.backward && window.before.is_some();
        rows.truncate(wanted);
        let items = (places.start..).zip(rows).map(|(place, model)| listed(place, model));
        Ok(Page { items: items.collect(), has_previous: places.start > 0, has_next })
    }

    pub(crate) async fn count_hits(
        &self,
        viewer: &Viewer,
        list: &ProductList,
        search: &Search,
    ) -> Result<u64, CatalogError> {
        let mut hits = self.select_hits(viewer, list, search);
        hits.expr_as(Expr::value(1), "one").limit(MAX_HITS);
        let mut select = Query::select();
        select.expr_as(Func::count(Expr::col(Asterisk)), "count").from_subquery(hits, "hit");
        Ok(number(self.db.one::<Count>(&select).await?))
    }

    fn select_hits(&self, viewer: &Viewer, list: &ProductList, search: &Search) -> SelectStatement {
        let mut select = matches(&self.db, search);
        select.clear_selects().inner_join(
            product::Entity,
            Expr::col((product::Entity, product::Column::Id))
                .equals((product_search::Entity, product_search::Column::ProductId)),
        );
        for condition in shown(viewer, list) {
            select.and_where(condition);
        }
        select
    }

    /// Hits with how well they match, more for a better one; a hit in the title counts for more.
    fn select_ranked(
        &self,
        viewer: &Viewer,
        list: &ProductList,
        search: &Search,
    ) -> SelectStatement {
        let mut hits = self.select_hits(viewer, list, search);
        hits.expr_as(column(product::Column::Id), "id").limit(RANKED);
        if search.words().is_empty() {
            return hits.expr_as(Expr::value(0), "rank").to_owned();
        }
        if !self.db.is_postgres() {
            // FTS5 tells the best match by the smallest number. It goes through its rows either way
            // as fast, and stops at the limit.
            let rank = Expr::cust(format!("-bm25({INDEX}, 10.0, 1.0)"));
            return hits.expr_as(rank, "rank").order_by((INDEX, "rowid"), Order::Desc).to_owned();
        }
        // The rank is told of those that are left, not before they are sorted and cut.
        hits.expr_as(Expr::col((product_search::Entity, "document")), "document")
            .order_by((product::Entity, product::Column::Id), Order::Desc);
        let rank = "ts_rank(hit.document, to_tsquery('simple', $1))";
        let mut ranked = Query::select();
        ranked
            .column("id")
            .expr_as(Expr::cust_with_values(rank, [tsquery(search)]), "rank")
            .from_subquery(hits, "hit");
        ranked
    }
}

fn listed(place: u64, model: product::Model) -> ListedProduct {
    let product = shared(model);
    let key = CursorKey::Int(i64::try_from(place).unwrap_or(i64::MAX));
    ListedProduct { cursor: Cursor { key, id: product.id }, product }
}

fn places(window: &Window, hits: u64) -> Places {
    let place = |cursor: &Cursor| match cursor.key {
        // Clients may make cursors up: a number below 0 is none of a place.
        CursorKey::Int(place) => u64::try_from(place).unwrap_or_default(),
        _ => 0,
    };
    let start = window.after.as_ref().map_or(0, |after| place(after).saturating_add(1));
    let end = window.before.as_ref().map_or(hits, |before| min(place(before), hits));
    let start = min(start, end);
    if window.backward {
        Places { start: max(start, end.saturating_sub(window.limit)), end }
    } else {
        Places { start, end: min(end, start.saturating_add(window.limit)) }
    }
}
