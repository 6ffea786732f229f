//! Figures about orders in the schema.

use crate::auth::{Permission, Viewer};
use crate::graphql::scalars::{Date, Money};
use crate::graphql::{Auth, Fault};
use crate::order::graphql::types::OrderStatus;
use crate::order::{self, DayFigures, Measure, Orders};
use async_graphql::{Context, Object, SimpleObject};

/// Queries for figures about orders.
#[derive(Default)]
pub struct OrderStatsQuery;

/// Queries for figures about orders.
#[Object]
impl OrderStatsQuery {
    /// How sales went in these last days, today included, and where orders stand now. The days are
    /// those of UTC. It costs the same whatever the number of orders.
    #[graphql(directive = Auth::apply(Permission::OrderRead))]
    async fn order_stats(
        &self,
        ctx: &Context<'_>,
        #[graphql(default = 30, desc = "How many days, 1 to 366.")] days: i32,
    ) -> Option<Result<OrderStats, Fault>> {
        let (orders, viewer) = (ctx.data_unchecked::<Orders>(), ctx.data_unchecked::<Viewer>());
        Some(orders.stats(viewer, days).await.map(OrderStats).map_err(Fault::from))
    }
}

/// How sales went, and where orders stand.
pub struct OrderStats(order::OrderStats);

/// How sales went in some days, and where orders stand now. Amounts are one for each currency that
/// there was something in: they are never mixed.
#[Object]
impl OrderStats {
    /// All of the days together.
    async fn total(&self) -> SalesFigures {
        let mut days = self.0.days.iter();
        let Some(first) = days.next() else { return SalesFigures::default() };
        let mut all = first.clone();
        days.for_each(|day| all.absorb(day));
        SalesFigures::of(&all)
    }

    /// Each day, the oldest first, also those on which nothing happened.
    async fn by_day(&self) -> Vec<DailySales> {
        let tell =
            |day: &DayFigures| DailySales { date: Date(day.date), figures: SalesFigures::of(day) };
        self.0.days.iter().map(tell).collect()
    }

    /// How many orders stand where now, sales and purchases, whenever they were placed.
    async fn by_status(&self) -> Vec<OrderStatusCount> {
        let standing = self.0.standing.iter();
        let tell = |(status, count): &(order::OrderStatus, i64)| OrderStatusCount {
            status: (*status).into(),
            count: whole(*count),
        };
        standing.map(tell).collect()
    }
}

/// What happened to sales on one day.
#[derive(SimpleObject)]
pub struct DailySales {
    /// The day, in UTC.
    date: Date,
    /// What happened on it.
    figures: SalesFigures,
}

/// How many orders stand at a status.
#[derive(SimpleObject)]
pub struct OrderStatusCount {
    /// The status.
    status: OrderStatus,
    /// How many orders.
    count: i32,
}

/// What happened to sales in some time. Each thing counts on the day on which it happened: an order
/// that was placed on Monday and cancelled on Tuesday is placed on Monday and cancelled on Tuesday.
#[derive(SimpleObject, Default)]
pub struct SalesFigures {
    /// Orders placed.
    orders_placed: i32,
    /// Their totals.
    placed_totals: Vec<Money>,
    /// Orders that became paid.
    orders_paid: i32,
    /// The money that was taken: less than the totals when only a part was captured. What came for
    /// an order that was cancelled by then is here too, and goes back.
    paid_totals: Vec<Money>,
    /// Orders cancelled, by somebody or because nobody paid in time.
    orders_cancelled: i32,
    /// Their totals.
    cancelled_totals: Vec<Money>,
    /// Refunds, of orders whenever placed.
    refunds: i32,
    /// What went back.
    refunded_totals: Vec<Money>,
}

impl SalesFigures {
    fn of(day: &DayFigures) -> Self {
        let count = |measure| whole(day.count(measure));
        let amounts =
            |measure| day.amounts(measure).into_iter().map(Money::from).collect::<Vec<_>>();
        Self {
            orders_placed: count(Measure::Placed),
            placed_totals: amounts(Measure::Placed),
            orders_paid: count(Measure::Paid),
            paid_totals: amounts(Measure::Paid),
            orders_cancelled: count(Measure::Cancelled),
            cancelled_totals: amounts(Measure::Cancelled),
            refunds: count(Measure::Refunded),
            refunded_totals: amounts(Measure::Refunded),
        }
    }
}

fn whole(count: i64) -> i32 {
    i32::try_from(count).unwrap_or(i32::MAX)
}
