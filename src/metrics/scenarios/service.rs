//! What the scenarios are judged by: figures of all processes, and what stands in the tables.

use crate::auth::{Denied, Permission, Viewer};
use crate::db::{Db, DbError};
use crate::metrics::scenarios::judge::{
    LiveStockSeen, PaymentsSeen, Scenario, StockSeen, flash_sale_concurrency, live_stock_freshness,
    payment_resilience,
};
use crate::metrics::{DayCounts, Metrics, MetricsError};
use crate::telemetry::{
    LIVE_STOCK_CLOCKS_DIFFER, LIVE_STOCK_DELAY, ORDERS_PLACED, PAYMENT_CALLS_WHILE_OPEN,
    PAYMENT_REFUSED_FAST, STOCK_CONFLICTS, STOCK_REJECTIONS,
};
use crate::validation::Problem;
use entity::{flash_sale, stock_level};
use sea_orm::FromQueryResult;
use sea_orm::sea_query::{Asterisk, Expr, ExprTrait, Query, SelectStatement};

/// The part of all refusals, and of all changes, that has to be fast.
const NEARLY_ALL: f64 = 0.99;

/// Why the scenarios cannot be judged.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// The input has to be mended.
    #[error("the input is invalid: {0:?}")]
    Invalid(Vec<Problem>),
    /// Not allowed.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// The database failed.
    #[error(transparent)]
    Db(#[from] DbError),
}

impl From<MetricsError> for Error {
    fn from(error: MetricsError) -> Self {
        match error {
            MetricsError::Db(error) => Self::Db(error),
            MetricsError::Denied(denied) => Self::Denied(denied),
            MetricsError::Invalid(problems) => Self::Invalid(problems),
        }
    }
}

/// The quality scenarios of the shop; cheap to clone.
#[derive(Clone)]
pub struct Scenarios {
    db: Db,
    metrics: Metrics,
}

#[derive(FromQueryResult)]
struct Count {
    count: i64,
}

impl Scenarios {
    /// Scenarios over this database and these figures.
    #[must_use]
    pub fn new(db: Db, metrics: Metrics) -> Self {
        Self { db, metrics }
    }

    /// All scenarios, judged by so many UTC days, today included. Staff only.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn judge(&self, viewer: &Viewer, days: u32) -> Result<Vec<Scenario>, Error> {
        viewer.may(Permission::MetricsRead)?;
        let figures = self.metrics.figures(viewer, i32::try_from(days).unwrap_or(i32::MAX)).await?;
        let counts = &figures.counts;
        let (placed, rejected) = (counts.total(ORDERS_PLACED), counts.total(STOCK_REJECTIONS));
        let stock = StockSeen {
            checkouts: placed,
            rejections: rejected,
            conflicts: counts.total(STOCK_CONFLICTS),
            oversold_levels: self.count(&oversold_levels()).await?,
            oversold_sales: self.count(&oversold_sales()).await?,
        };
        // Not what processes count: an attempt that was corrected later is one attempt.
        let decided = |of: fn(&DayCounts) -> i64| {
            let sum = figures.days.iter().map(of).fold(0_i64, i64::saturating_add);
            u64::try_from(sum).unwrap_or_default()
        };
        let payments = PaymentsSeen {
            succeeded: decided(|day| day.succeeded),
            failed: decided(|day| day.failed),
            declined: decided(|day| day.declined),
            refusals: counts.count_of(PAYMENT_REFUSED_FAST),
            refusal_p99_ms: counts.quantile_ms(PAYMENT_REFUSED_FAST, NEARLY_ALL),
            calls_while_open: counts.total(PAYMENT_CALLS_WHILE_OPEN),
        };
        let live = LiveStockSeen {
            changes: counts.count_of(LIVE_STOCK_DELAY),
            p99_ms: counts.quantile_ms(LIVE_STOCK_DELAY, NEARLY_ALL),
            mean_ms: counts.mean_ms(LIVE_STOCK_DELAY),
            unknown: counts.total(LIVE_STOCK_CLOCKS_DIFFER),
        };
        Ok(vec![
            flash_sale_concurrency(&stock),
            payment_resilience(&payments),
            live_stock_freshness(&live),
        ])
    }

    async fn count(&self, select: &SelectStatement) -> Result<u64, DbError> {
        let count: Option<Count> = self.db.one(select).await?;
        Ok(count.and_then(|row| u64::try_from(row.count).ok()).unwrap_or_default())
    }
}

/// Written out, so that the planner takes the partial index that has these levels, and none as long
/// as the constraints stand.
fn oversold_levels() -> SelectStatement {
    let mut select = Query::select();
    select
        .expr_as(Expr::col(Asterisk).count(), "count")
        .from(stock_level::Entity)
        .and_where(Expr::cust("on_hand < 0 OR reserved < 0 OR reserved > on_hand"));
    select
}

/// There are as many sales as staff have set: their rows are few, and no index is in the way of those
/// who buy.
fn oversold_sales() -> SelectStatement {
    let mut select = Query::select();
    select
        .expr_as(Expr::col(Asterisk).count(), "count")
        .from(flash_sale::Entity)
        .and_where(Expr::cust("taken < 0 OR taken > allocation"));
    select
}
