//! What the rules are asked about: figures of all processes, components, and stock that is low.

use crate::db::DbError;
use crate::metrics::alerts::AlertError;
use crate::metrics::alerts::rules::{Called, LowStock, Measured, Provider};
use crate::metrics::alerts::service::Alerts;
use crate::metrics::{CircuitState, MetricsError};
use crate::telemetry::{
    GRAPHQL_FAULTS, GRAPHQL_REQUESTS, PAYMENTS_FAILED, PAYMENTS_SUCCEEDED, STOCK_CONFLICTS,
};
use chrono::TimeDelta;
use entity::{product, product_variant, stock_level, warehouse};
use sea_orm::FromQueryResult;
use sea_orm::sea_query::{Alias, Expr, ExprTrait, Order, Query, SelectStatement};

/// SKUs that are told of at most: a shop of which more are low has another trouble.
const LOW_MAX: u64 = 1_000;

#[derive(FromQueryResult)]
struct Low {
    sku: String,
    available: i64,
    reorder_point: i64,
}

impl Alerts {
    /// What is measured now.
    pub(super) async fn measure(&self) -> Result<Measured, AlertError> {
        let last = |minutes| self.metrics.in_the_last(TimeDelta::minutes(minutes));
        let (five, fifteen, hour) = (last(5).await?, last(15).await?, last(60).await?);
        let circuits = self.metrics.circuits().await?.into_iter().map(|circuit| Provider {
            name: circuit.provider,
            called: match circuit.state {
                CircuitState::Closed => Called::Yes,
                CircuitState::HalfOpen => Called::Trying,
                CircuitState::Open => Called::No,
            },
        });
        let circuits = circuits.collect();
        let mut low = self.low_stock().await?;
        let low_is_cut = u64::try_from(low.len()).is_ok_and(|found| found > LOW_MAX);
        low.truncate(usize::try_from(LOW_MAX).unwrap_or(usize::MAX));
        let components = self.health.all_states().await?.into_iter();
        let components = components.map(|state| (state.component, state.health, state.message));
        Ok(Measured {
            requests: five.total(GRAPHQL_REQUESTS),
            faults: five.total(GRAPHQL_FAULTS),
            payments_succeeded: fifteen.total(PAYMENTS_SUCCEEDED),
            payments_failed: fifteen.total(PAYMENTS_FAILED),
            stock_conflicts: hour.total(STOCK_CONFLICTS),
            circuits,
            low,
            low_is_cut,
            components: components.collect(),
        })
    }

    /// SKUs on sale of which no more than the reorder point can be sold, those with the fewest
    /// pieces first; one more than are told of at most, if there are more.
    async fn low_stock(&self) -> Result<Vec<LowStock>, DbError> {
        let rows: Vec<Low> = self.db.all(&select_low()).await?;
        let low =
            |Low { sku, available, reorder_point }| LowStock { sku, available, reorder_point };
        Ok(rows.into_iter().map(low).collect())
    }
}

/// Of the levels that are low themselves, which an index has, to the variants that are low as a
/// whole: what is low in one warehouse may lie in another.
fn select_low() -> SelectStatement {
    use product_variant::Column as V;
    use stock_level::Column as L;
    let mut low = Query::select();
    // Written out, so that the planner knows that the partial index has all of them.
    low.column(L::VariantId)
        .from(stock_level::Entity)
        .and_where(Expr::cust("on_hand - reserved <= reorder_point"));
    let level = |column| Expr::col((stock_level::Entity, column));
    let available = || level(L::OnHand).sub(level(L::Reserved)).sum();
    let point = || level(L::ReorderPoint).sum();
    let number = |expr: sea_orm::sea_query::SimpleExpr| expr.cast_as(Alias::new("bigint"));
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
            level(L::VariantId).equals((product_variant::Entity, V::Id)),
        )
        .inner_join(
            warehouse::Entity,
            Expr::col((warehouse::Entity, warehouse::Column::Id))
                .equals((stock_level::Entity, L::WarehouseId)),
        )
        .and_where(Expr::col((product_variant::Entity, V::Id)).in_subquery(low))
        .and_where(Expr::col((product_variant::Entity, V::Status)).eq("ACTIVE"))
        .and_where(Expr::col((product::Entity, product::Column::Status)).eq("ACTIVE"))
        .and_where(Expr::col((warehouse::Entity, warehouse::Column::Active)).eq(true))
        .group_by_col((product_variant::Entity, V::Id))
        .group_by_col((product_variant::Entity, V::Sku))
        .and_having(available().lte(point()))
        .order_by_expr(number(available()), Order::Asc)
        .order_by((product_variant::Entity, V::Sku), Order::Asc)
        .limit(LOW_MAX + 1);
    select
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
