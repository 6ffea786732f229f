//! Figures about orders. Each change of an order writes what it adds, in its own transaction, as
//! rows that no other change waits for; now and then these are summed up. What is read is the sum
//! of both, so it is right also while nobody sums up, and costs the same whatever the number of
//! orders.

use crate::auth::{Permission, Viewer};
use crate::db::{Tx, Writes};
use crate::money::Currency;
use crate::order::service::Orders;
use crate::order::stats::{Moved, NO_DAY, added_by};
use crate::order::{
    DayFigures, Figures, Measure, Order, OrderError, OrderStats, OrderStatus, StatDifference,
};
use crate::validation::{Problem, ProblemKind};
use chrono::{Days, NaiveDate};
use entity::order_stat::{Column, Entity};
use entity::order_stat_change::{Column as Change, Entity as Changes};
use entity::{order_event, shop_order};
use sea_orm::FromQueryResult;
use sea_orm::sea_query::{
    Alias, Asterisk, Expr, ExprTrait, OnConflict, Order as Sort, Query, SelectStatement,
    SimpleExpr, UnionType,
};
use std::collections::BTreeMap;

/// The longest time that figures are told of at once, in days.
const LONGEST: i32 = 366;
/// Changes that one transaction sums up at most.
const SUMMED_AT_ONCE: u64 = 5_000;

/// A sum, or a change.
#[derive(Debug, FromQueryResult)]
struct Row {
    day: String,
    currency: String,
    measure: String,
    count: i64,
    amount: i64,
}

type Sums = BTreeMap<(String, String, String), Figures>;

fn sums(rows: Vec<Row>) -> Sums {
    let mut sums = Sums::new();
    for Row { day, currency, measure, count, amount } in rows {
        let sum = sums.entry((day, currency, measure)).or_default();
        *sum = sum.plus(Figures { count, amount });
    }
    sums
}

impl Orders {
    /// Counts a change of an order.
    pub(super) fn count_in_txn(
        tx: &Writes,
        before: Option<OrderStatus>,
        order: &Order,
        moved: Moved,
    ) {
        let added = added_by(before, order, moved);
        if added.is_empty() {
            return;
        }
        let today = order.updated_at.date_naive().to_string();
        let mut insert = Query::insert();
        insert.into_table(Changes).columns([
            Change::Day,
            Change::Currency,
            Change::Measure,
            Change::Count,
            Change::Amount,
        ]);
        let rows = added.len();
        for (measure, figures) in added {
            insert.values_panic([
                Expr::value(if measure.is_daily() { today.as_str() } else { NO_DAY }),
                Expr::value(order.currency.code()),
                Expr::value(measure.as_str()),
                Expr::value(figures.count),
                Expr::value(figures.amount),
            ]);
        }
        tx.later(Changes, insert, rows);
    }

    /// Sums up what changes have added; tells how many there were.
    ///
    /// # Errors
    /// When the database fails; what was summed up before is done.
    pub async fn sum_up(&self) -> Result<u64, OrderError> {
        let mut all = 0;
        loop {
            let summing = self.db.tx(|tx| async move { sum_up_in_txn(&tx).await });
            let summed = summing.await?;
            all += summed;
            if summed < SUMMED_AT_ONCE {
                return Ok(all);
            }
        }
    }

    /// How sales went in these last days, today included, and where orders stand. Staff only.
    ///
    /// # Errors
    /// [`OrderError::Invalid`] unless it is 1 to 366 days.
    pub async fn stats(&self, viewer: &Viewer, days: i32) -> Result<OrderStats, OrderError> {
        viewer.may(Permission::OrderRead)?;
        let back = u64::try_from(days).ok().filter(|_| (1..=LONGEST).contains(&days));
        let back = back.ok_or_else(|| {
            let message = format!("days is {days}; it must be between 1 and {LONGEST}.");
            Problem::new(ProblemKind::OutOfRange, ["days"], message)
        })?;
        let today = self.db.now().date_naive();
        let first = today.checked_sub_days(Days::new(back - 1)).unwrap_or(today);
        // A statement sees each change once: as a row of its own or in the sum.
        let kept = sums(self.db.all(&select_kept(Some(first))).await?);
        Ok(read(&kept, first, today))
    }

    /// Counts everything anew from the orders and their history, and tells what is kept otherwise.
    /// Takes as long as there are orders: for checks.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn recount(&self) -> Result<Vec<StatDifference>, OrderError> {
        let day = if self.db.is_postgres() {
            Expr::cust("to_char(order_event.created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD')")
        } else {
            Expr::cust("substr(order_event.created_at, 1, 10)")
        };
        // One statement, so that what is kept and what is counted are of the same moment.
        let mut both = tagged("kept", select_kept(None));
        for counted in select_counted(&day) {
            both.union(UnionType::All, tagged("counted", counted));
        }
        let (mut kept, mut counted) = (Vec::new(), Vec::new());
        for Tagged { tag, row } in self.db.all::<Tagged>(&both).await? {
            if tag == "kept" { kept.push(row) } else { counted.push(row) }
        }
        let (kept, counted) = (sums(kept), sums(counted));
        let keys = kept.keys().chain(counted.keys().filter(|key| !kept.contains_key(*key)));
        let of = |sums: &Sums, key| sums.get(key).copied().unwrap_or_default();
        let compared = keys.map(|key| (key, of(&kept, key), of(&counted, key)));
        let different = compared.filter(|(_, kept, counted)| kept != counted);
        let tell =
            |((day, currency, measure), kept, counted): (&(String, String, String), _, _)| {
                StatDifference {
                    day: day.clone(),
                    currency: currency.clone(),
                    measure: measure.clone(),
                    kept,
                    counted,
                }
            };
        Ok(different.map(tell).collect())
    }
}

#[derive(FromQueryResult)]
struct Tagged {
    tag: String,
    #[sea_orm(nested)]
    row: Row,
}

fn tagged(tag: &str, rows: SelectStatement) -> SelectStatement {
    let mut select = Query::select();
    select.expr_as(Expr::value(tag), "tag").column(Asterisk).from_subquery(rows, Alias::new("r"));
    select
}

async fn sum_up_in_txn(tx: &Tx) -> Result<u64, OrderError> {
    // One at a time: each sum is then added to by one transaction.
    tx.take_turn("order_stat").await?;
    let mut oldest = Query::select();
    oldest.column(Change::Id).from(Changes).order_by(Change::Id, Sort::Asc).limit(SUMMED_AT_ONCE);
    let mut delete = Query::delete();
    delete
        .from_table(Changes)
        .and_where(Expr::col(Change::Id).in_subquery(oldest))
        .returning(Query::returning().all());
    let rows: Vec<Row> = tx.all(&delete).await?;
    let count = u64::try_from(rows.len()).unwrap_or(u64::MAX);
    let sums: Vec<_> = sums(rows).into_iter().collect();
    for sums in sums.chunks(500) {
        let mut insert = Query::insert();
        insert.into_table(Entity).columns([
            Column::Day,
            Column::Currency,
            Column::Measure,
            Column::Count,
            Column::Amount,
        ]);
        for ((day, currency, measure), figures) in sums {
            insert.values_panic([
                Expr::value(day.as_str()),
                Expr::value(currency.as_str()),
                Expr::value(measure.as_str()),
                Expr::value(figures.count),
                Expr::value(figures.amount),
            ]);
        }
        let add = |column: Column| {
            let new = Expr::col((Alias::new("excluded"), column));
            (column, Expr::col((Entity, column)).add(new))
        };
        insert.on_conflict(
            OnConflict::columns([Column::Day, Column::Currency, Column::Measure])
                .values([add(Column::Count), add(Column::Amount)])
                .to_owned(),
        );
        tx.run(&insert).await?;
    }
    Ok(count)
}

/// What is kept, of these days and of no day; None: all of it. A key may come more than once.
fn select_kept(first: Option<NaiveDate>) -> SelectStatement {
    let recent =
        |day: SimpleExpr| first.map(|first| day.clone().eq(NO_DAY).or(day.gte(first.to_string())));
    let mut sums = Query::select();
    sums.columns([Column::Day, Column::Currency, Column::Measure, Column::Count, Column::Amount])
        .from(Entity)
        .and_where_option(recent(Expr::col(Column::Day)));
    let total = |column: Change| Expr::col(column).sum().cast_as(Alias::new("bigint"));
    let mut changes = Query::select();
    changes
        .columns([Change::Day, Change::Currency, Change::Measure])
        .expr_as(total(Change::Count), "count")
        .expr_as(total(Change::Amount), "amount")
        .from(Changes)
        .and_where_option(recent(Expr::col(Change::Day)))
        .group_by_columns([Change::Day, Change::Currency, Change::Measure]);
    sums.union(UnionType::All, changes);
    sums
}

/// What the orders and their history say.
fn select_counted(day: &SimpleExpr) -> Vec<SelectStatement> {
    use order_event::Column as E;
    use shop_order::Column as O;
    let event = |column: E| Expr::col((order_event::Entity, column));
    let order = |column: O| Expr::col((shop_order::Entity, column));
    let every = || Expr::col(Asterisk).count();
    let happened = |measure: Measure, count: SimpleExpr, amount: SimpleExpr, when: SimpleExpr| {
        let mut select = Query::select();
        select
            .expr_as(day.clone(), "day")
            .expr(order(O::Currency))
            .expr_as(Expr::value(measure.as_str()), "measure")
            .expr_as(count.cast_as(Alias::new("bigint")), "count")
            .expr_as(amount.sum().cast_as(Alias::new("bigint")), "amount")
            .from(order_event::Entity)
            .inner_join(shop_order::Entity, order(O::Id).eq(event(E::OrderId)))
            .and_where(order(O::Kind).eq("SALE"))
            .and_where(when)
            .add_group_by([day.clone(), order(O::Currency)]);
        select
    };
    let became = |status: &str| {
        let stood = event(E::FromStatus).ne(status).or(event(E::FromStatus).is_null());
        event(E::ToStatus).eq(status).and(stood)
    };
    let sales: SimpleExpr = Expr::case(became("PAID"), 1).finally(0).into();
    let sales = sales.sum();
    let mut standing = Query::select();
    standing
        .expr_as(Expr::value(NO_DAY), "day")
        .expr(order(O::Currency))
        .expr_as(order(O::Status), "measure")
        .expr_as(Expr::col(Asterisk).count(), "count")
        .expr_as(Expr::cust("0"), "amount")
        .from(shop_order::Entity)
        .add_group_by([order(O::Currency), order(O::Status)]);
    vec![
        happened(Measure::Placed, every(), order(O::Total), event(E::FromStatus).is_null()),
        happened(Measure::Paid, sales, event(E::Paid), became("PAID").or(event(E::Paid).gt(0))),
        happened(Measure::Cancelled, every(), order(O::Total), became("CANCELLED")),
        happened(Measure::Refunded, every(), event(E::Refunded), event(E::Refunded).gt(0)),
        standing,
    ]
}

fn read(kept: &Sums, first: NaiveDate, today: NaiveDate) -> OrderStats {
    let mut days: Vec<DayFigures> =
        first.iter_days().take_while(|date| *date <= today).map(DayFigures::quiet).collect();
    let mut standing: BTreeMap<OrderStatus, i64> = BTreeMap::new();
    for ((day, currency, measure), figures) in kept {
        match (Measure::from_word(measure), Currency::from_code(currency)) {
            (Some(Measure::Standing(status)), _) => {
                let count = standing.entry(status).or_default();
                *count = count.saturating_add(figures.count);
            }
            (Some(measure), Some(currency)) => {
                let day = days.iter_mut().find(|figures| figures.date.to_string() == *day);
                if let Some(day) = day {
                    day.add(measure, currency, *figures);
                }
            }
            // A newer program counts more.
            _ => {}
        }
    }
    let standing = OrderStatus::ALL
        .iter()
        .map(|status| (*status, standing.get(status).copied().unwrap_or_default()));
    OrderStats { days, standing: standing.collect() }
}
