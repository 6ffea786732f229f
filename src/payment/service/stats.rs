//! Figures about payments. Each decision and each refund writes what it adds, in its own
//! transaction, as rows that no other waits for; now and then these are summed up. What is read is
//! the sum of both, so it is right also while nobody sums up.

use crate::db::{Timestamp, Tx, Writes};
use crate::payment::attempt::Payment;
use crate::payment::error::PaymentError;
use crate::payment::service::Payments;
use entity::payment_stat::{Column, Entity};
use entity::payment_stat_change::{Column as Change, Entity as Changes};
use sea_orm::FromQueryResult;
use sea_orm::sea_query::{Alias, Expr, ExprTrait, OnConflict, Order, Query};
use std::collections::BTreeMap;

/// Changes that one transaction sums up at most.
const SUMMED_AT_ONCE: u64 = 5_000;
/// What a refund that succeeded counts as.
const REFUNDED: &str = "refunded";

#[derive(FromQueryResult)]
struct Row {
    day: String,
    outcome: String,
    count: i64,
}

impl Payments {
    /// Sums up what decisions and refunds have added; tells how many there were.
    ///
    /// # Errors
    /// When the database fails; what was summed up before is done.
    pub async fn sum_up(&self) -> Result<u64, PaymentError> {
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
}

/// Counts that a payment was decided; `before` is how it stood until now.
pub(super) fn count_decision_in_txn(tx: &Writes, before: &Payment, now: &Payment) {
    let (Some(decision), Some(at)) = (now.decided_as, now.decided_at) else { return };
    if before.decided_as == Some(decision) {
        return;
    }
    if let Some(wrong) = before.decided_as {
        count_in_txn(tx, at, wrong.name(), -1);
    }
    count_in_txn(tx, at, decision.name(), 1);
}

/// Counts a refund that succeeded.
pub(super) fn count_refund_in_txn(tx: &Tx, at: Timestamp) {
    count_in_txn(tx, at, REFUNDED, 1);
}

fn count_in_txn(tx: &Writes, at: Timestamp, outcome: &str, count: i64) {
    let mut insert = Query::insert();
    insert.into_table(Changes).columns([Change::Day, Change::Outcome, Change::Count]).values_panic(
        [Expr::value(at.date_naive().to_string()), Expr::value(outcome), Expr::value(count)],
    );
    tx.later(Changes, insert, 1);
}

async fn sum_up_in_txn(tx: &Tx) -> Result<u64, PaymentError> {
    // One at a time: each sum is then added to by one transaction.
    tx.take_turn("payment_stat").await?;
    let mut oldest = Query::select();
    oldest.column(Change::Id).from(Changes).order_by(Change::Id, Order::Asc).limit(SUMMED_AT_ONCE);
    let mut delete = Query::delete();
    delete
        .from_table(Changes)
        .and_where(Expr::col(Change::Id).in_subquery(oldest))
        .returning(Query::returning().all());
    let rows: Vec<Row> = tx.all(&delete).await?;
    let count = u64::try_from(rows.len()).unwrap_or(u64::MAX);
    let mut sums: BTreeMap<(String, String), i64> = BTreeMap::new();
    for Row { day, outcome, count } in rows {
        let sum = sums.entry((day, outcome)).or_default();
        *sum = sum.saturating_add(count);
    }
    let sums: Vec<_> = sums.into_iter().collect();
    for sums in sums.chunks(500) {
        let mut insert = Query::insert();
        insert.into_table(Entity).columns([Column::Day, Column::Outcome, Column::Count]);
        for ((day, outcome), count) in sums {
            insert.values_panic([
                Expr::value(day.as_str()),
                Expr::value(outcome.as_str()),
                Expr::value(*count),
            ]);
        }
        let new = Expr::col((Alias::new("excluded"), Column::Count));
        insert.on_conflict(
            OnConflict::columns([Column::Day, Column::Outcome])
                .value(Column::Count, Expr::col((Entity, Column::Count)).add(new))
                .to_owned(),
        );
        tx.run(&insert).await?;
    }
    Ok(count)
}
