//! What the rules are asked about: figures of all processes, components, and stock that is low.

use crate::db::keys::{MAX_KEYS, among};
use crate::metrics::alerts::rules::{Called, ComponentSeen, Measured, Provider, StockSeen};
use crate::metrics::alerts::service::Alerts;
use crate::metrics::alerts::{Alert, AlertError, Rule};
use crate::metrics::health::{Component, Outage};
use crate::metrics::{Circuit, CircuitState, MetricsError};
use crate::telemetry::{
    GRAPHQL_FAULTS, GRAPHQL_REQUESTS, PAYMENTS_FAILED, PAYMENTS_SUCCEEDED, STOCK_CONFLICTS,
};
use chrono::TimeDelta;
use entity::{product, product_variant, stock_level, warehouse};
use sea_orm::FromQueryResult;
use sea_orm::sea_query::{Alias, Expr, ExprTrait, Order, Query, SelectStatement, SimpleExpr};
use std::collections::HashSet;
use std::time::Duration;

/// SKUs that are told of at once at most: a shop of which more are low has another trouble.
const LOW_MAX: usize = 1_000;
/// How long a source may take: the others, and the next turn, must not wait for it.
const PATIENCE: Duration = Duration::from_secs(4);

#[derive(FromQueryResult)]
struct Stock {
    sku: String,
    available: i64,
    reorder_point: i64,
}

/// How long ago an outage may have ended that is told of afterwards.
const REMEMBERED: TimeDelta = TimeDelta::hours(1);

impl Alerts {
    /// What is measured now, about the shop and about the subjects of these alerts. Each source
    /// fails alone: what it would have told is not known then.
    pub(super) async fn measure(&self, unresolved: &[Alert]) -> Measured {
        let components = source("components", async {
            let states = self.health.all_states().await?.into_iter();
            let seen = states.map(|state| ComponentSeen {
                component: state.component,
                health: state.health,
                message: state.message,
                is_confirmed: state.is_confirmed,
            });
            Ok(seen.collect())
        });
        let circuits = source("circuits", async {
            Ok(self.metrics.circuits().await?.into_iter().map(Provider::from).collect())
        });
        let since = |minutes| self.metrics.in_the_last(TimeDelta::minutes(minutes));
        Measured {
            components: components.await,
            outages: source("outages", self.outages()).await.unwrap_or_default(),
            circuits: circuits.await,
            operations: source("operations", async {
                let counts = since(5).await?;
                Ok((counts.total(GRAPHQL_REQUESTS), counts.total(GRAPHQL_FAULTS)))
            })
            .await,
            payments: source("payments", async {
                let counts = since(15).await?;
                Ok((counts.total(PAYMENTS_SUCCEEDED), counts.total(PAYMENTS_FAILED)))
            })
            .await,
            stock_conflicts: source("conflicts", async {
                Ok(since(60).await?.total(STOCK_CONFLICTS))
            })
            .await,
            stock: source("stock", self.stock(unresolved)).await,
        }
    }

    /// When the database was away, of late: nobody could raise anything then.
    async fn outages(&self) -> Result<Vec<Outage>, AlertError> {
        let since = self.db.now() - REMEMBERED;
        Ok(self.health.outages(Component::Database, since).await?)
    }

    /// How much there is of what is told of already, whatever that is, and of so many SKUs more
    /// that are low that no more than [`LOW_MAX`] are told of at once.
    async fn stock(&self, unresolved: &[Alert]) -> Result<Vec<StockSeen>, AlertError> {
        let told = unresolved.iter().filter(|alert| alert.rule == Rule::LowStock);
        let told: HashSet<&str> = told.filter_map(|alert| alert.subject.as_deref()).collect();
        let skus: Vec<String> = told.iter().map(|sku| (*sku).to_owned()).collect();
        let mut stock = Vec::new();
        for skus in skus.chunks(MAX_KEYS) {
            stock.extend(self.db.all::<Stock>(&select_of(skus)).await?);
        }
        let places = LOW_MAX.saturating_sub(told.len());
        if places > 0 {
            let low: Vec<Stock> = self.db.all(&select_low()).await?;
            let new = low.into_iter().filter(|low| !told.contains(low.sku.as_str()));
            stock.extend(new.take(places));
        }
        Ok(stock.into_iter().map(StockSeen::from).collect())
    }
}

/// What a source tells; None when it fails, or takes too long.
async fn source<T>(
    name: &'static str,
    asked: impl Future<Output = Result<T, AlertError>>,
) -> Option<T> {
    let told = tokio::time::timeout(PATIENCE, asked).await;
    match told {
        Ok(Ok(told)) => return Some(told),
        Ok(Err(error)) => tracing::warn!(%error, name, "the rules about this cannot be asked"),
        Err(_) => tracing::warn!(name, "the rules about this cannot be asked in time"),
    }
    None
}

/// Of the levels that are low themselves, which an index has, to the variants that are low as a
/// whole: what is low in one warehouse may lie in another. First those that somebody wants to have
/// in stock, then those that can still be sold, then those with the fewest pieces.
fn select_low() -> SelectStatement {
    let mut low = Query::select();
    // Written out, so that the planner knows that the partial index has all of them.
    low.column(stock_level::Column::VariantId)
        .from(stock_level::Entity)
        .and_where(Expr::cust("on_hand - reserved <= reorder_point"));
    let mut select = select_stock();
    select
        .and_where(variant(product_variant::Column::Id).in_subquery(low))
        .and_having(available().lte(point()))
        .order_by_expr(point().gt(0), Order::Desc)
        .order_by_expr(available().gt(0), Order::Desc)
        .order_by_expr(available(), Order::Asc)
        .order_by((product_variant::Entity, product_variant::Column::Sku), Order::Asc)
        .limit(u64::try_from(LOW_MAX).unwrap_or(u64::MAX));
    select
}

/// What there is of these SKUs, whether they are low or not. What is not on sale is left out.
fn select_of(skus: &[String]) -> SelectStatement {
    let mut select = select_stock();
    select.and_where(among(variant(product_variant::Column::Sku), skus));
    select
}

/// What can be sold of SKUs on sale, in all warehouses.
fn select_stock() -> SelectStatement {
    use product_variant::Column as V;
    let mut select = Query::select();
    select
        .column((product_variant::Entity, V::Sku))
        .expr_as(number(available()), "available")
        .expr_as(number(point()), "reorder_point")
        .from(product_variant::Entity)
        .inner_join(
            product::Entity,
            Expr::col((product::Entity, product::Column::Id))
                .equals((product_variant::Entity, V::ProductId)),
        )
        .inner_join(
            stock_level::Entity,
            level(stock_level::Column::VariantId).equals((product_variant::Entity, V::Id)),
        )
        .inner_join(
            warehouse::Entity,
            Expr::col((warehouse::Entity, warehouse::Column::Id))
                .equals((stock_level::Entity, stock_level::Column::WarehouseId)),
        )
        .and_where(variant(V::Status).eq("ACTIVE"))
        .and_where(Expr::col((product::Entity, product::Column::Status)).eq("ACTIVE"))
        .and_where(Expr::col((warehouse::Entity, warehouse::Column::Active)).eq(true))
        .group_by_col((product_variant::Entity, V::Id))
        .group_by_col((product_variant::Entity, V::Sku));
    select
}

fn variant(column: product_variant::Column) -> Expr {
    Expr::col((product_variant::Entity, column))
}

fn level(column: stock_level::Column) -> Expr {
    Expr::col((stock_level::Entity, column))
}

fn available() -> SimpleExpr {
    level(stock_level::Column::OnHand).sub(level(stock_level::Column::Reserved)).sum()
}

fn point() -> SimpleExpr {
    level(stock_level::Column::ReorderPoint).sum()
}

fn number(sum: SimpleExpr) -> SimpleExpr {
    sum.cast_as(Alias::new("bigint"))
}

impl From<Stock> for StockSeen {
    fn from(Stock { sku, available, reorder_point }: Stock) -> Self {
        Self { sku, available, reorder_point }
    }
}

impl From<Circuit> for Provider {
    fn from(circuit: Circuit) -> Self {
        let called = match circuit.state {
            CircuitState::Closed => Called::Yes,
            CircuitState::HalfOpen => Called::Trying,
            CircuitState::Open => Called::No,
        };
        Self { name: circuit.provider, called }
    }
}

impl From<MetricsError> for AlertError {
    fn from(error: MetricsError) -> Self {
        match error {
            MetricsError::Db(error) => Self::Db(error),
            MetricsError::Denied(denied) => Self::Denied(denied),
            MetricsError::Invalid(problems) => Self::Invalid(problems),
        }
    }
}
