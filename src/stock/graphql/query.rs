//! Queries about stock, for staff.

use crate::auth::{Permission, Viewer};
use crate::db::page::{Cursor, CursorKey};
use crate::graphql::{Auth, Connection, Fault, PageArgs};
use crate::stock::graphql::input::{StockLevelWhere, StockMovementWhere};
use crate::stock::graphql::types::{StockLevel, StockMovement, Warehouse, list_movements};
use crate::stock::{Level, LevelFilter, Stock};
use async_graphql::{Context, Object};
use futures::FutureExt;

/// Queries about stock.
#[derive(Default)]
pub struct StockQuery;

/// Queries about stock.
#[Object]
impl StockQuery {
    /// Every warehouse, by priority.
    #[graphql(directive = Auth::apply(Permission::StockRead))]
    async fn warehouses(&self, ctx: &Context<'_>) -> Option<Result<Vec<Warehouse>, Fault>> {
        let (stock, viewer) = (ctx.data_unchecked::<Stock>(), ctx.data_unchecked::<Viewer>());
        let found = stock.list_warehouses(viewer).await;
        Some(found.map(|all| all.into_iter().map(Warehouse).collect()).map_err(Fault::from))
    }

    /// Stock levels, the oldest first.
    #[graphql(directive = Auth::apply(Permission::StockRead))]
    async fn stock_levels(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which levels; all when left out.", name = "where")] filter: Option<
            StockLevelWhere,
        >,
        #[graphql(desc = "So many from the beginning, 0 to 100; 20 when neither is given.")]
        first: Option<i32>,
        #[graphql(desc = "Only what comes after this cursor.")] after: Option<String>,
        #[graphql(desc = "So many from the end, 0 to 100.")] last: Option<i32>,
        #[graphql(desc = "Only what comes before this cursor.")] before: Option<String>,
    ) -> Option<Result<Connection<StockLevel>, Fault>> {
        let args = PageArgs { first, after, last, before };
        let filter = match filter.unwrap_or_default().read() {
            Ok(filter) => filter,
            Err(fault) => return Some(Err(fault)),
        };
        Some(list_levels(ctx, filter, args).await)
    }

    /// Levels at or below their reorder point (available ≤ reorderPoint) of variants that are
    /// sold, the fewest available first.
    #[graphql(directive = Auth::apply(Permission::StockRead))]
    async fn low_stock(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "So many from the beginning, 0 to 100; 20 when neither is given.")]
        first: Option<i32>,
        #[graphql(desc = "Only what comes after this cursor.")] after: Option<String>,
        #[graphql(desc = "So many from the end, 0 to 100.")] last: Option<i32>,
        #[graphql(desc = "Only what comes before this cursor.")] before: Option<String>,
    ) -> Option<Result<Connection<StockLevel>, Fault>> {
        let args = PageArgs { first, after, last, before };
        let filter = LevelFilter { low: true, ..LevelFilter::default() };
        Some(list_levels(ctx, filter, args).await)
    }

    /// The ledger, the latest movement first.
    #[graphql(directive = Auth::apply(Permission::StockRead))]
    async fn stock_movements(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which movements; all when left out.", name = "where")] filter: Option<
            StockMovementWhere,
        >,
        #[graphql(desc = "So many from the beginning, 0 to 100; 20 when neither is given.")]
        first: Option<i32>,
        #[graphql(desc = "Only what comes after this cursor.")] after: Option<String>,
        #[graphql(desc = "So many from the end, 0 to 100.")] last: Option<i32>,
        #[graphql(desc = "Only what comes before this cursor.")] before: Option<String>,
    ) -> Option<Result<Connection<StockMovement>, Fault>> {
        let args = PageArgs { first, after, last, before };
        let (stock, viewer) = (ctx.data_unchecked::<Stock>(), ctx.data_unchecked::<Viewer>());
        let filter = match filter.unwrap_or_default().read() {
            Ok(filter) => filter,
            Err(fault) => return Some(Err(fault)),
        };
        Some(list_movements(stock, *viewer, filter, args).await)
    }
}

async fn list_levels(
    ctx: &Context<'_>,
    filter: LevelFilter,
    args: PageArgs,
) -> Result<Connection<StockLevel>, Fault> {
    let (stock, viewer) = (ctx.data_unchecked::<Stock>(), *ctx.data_unchecked::<Viewer>());
    let page = stock.list_levels(&viewer, &filter, &args.window(&filter)?).await?;
    let low = filter.low;
    let cursor = move |level: &Level| Cursor {
        key: if low { CursorKey::Int(level.available()) } else { CursorKey::Id },
        id: level.id,
    };
    let (stock, counted) = (stock.clone(), filter.clone());
    let count = move || {
        let (stock, filter) = (stock.clone(), counted.clone());
        async move { Ok(stock.count_levels(&viewer, &filter).await?) }.boxed()
    };
    Ok(Connection::new(page, &filter, cursor, StockLevel, count))
}
