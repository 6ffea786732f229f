//! Forgetting what nobody asks for any more: keys that requests were repeated under, and what was
//! told of charges. Charges and refunds themselves stay.

use crate::db::{DbError, Tx};
use crate::payment::sandbox::service::Ledger;
use chrono::TimeDelta;
use entity::{sandbox_event, sandbox_idempotency};
use sea_orm::FromQueryResult;
use sea_orm::sea_query::{Expr, ExprTrait, Order, Query};
use std::collections::HashSet;
use uuid::Uuid;

/// Rows that one transaction looks at.
const AT_ONCE: u64 = 1_000;

#[derive(FromQueryResult)]
struct OldKey {
    key: String,
}

#[derive(FromQueryResult)]
struct OldEvent {
    id: Uuid,
    payment_id: Uuid,
}

impl Ledger {
    /// Forgets the keys and events that are older than this, a batch at a time, except those of
    /// `needed` payments; tells how many.
    pub async fn purge(&self, kept: TimeDelta, needed: &HashSet<Uuid>) -> Result<u64, DbError> {
        let mut all: u64 = 0;
        let mut last = Some(String::new());
        while let Some(after) = last {
            let after = &after;
            let batch =
                self.db.tx(|tx| async move { purge_keys_in_txn(&tx, kept, after, needed).await });
            let (purged, end) = batch.await?;
            all = all.saturating_add(purged);
            last = end;
        }
        let mut last = Some(Uuid::nil());
        while let Some(after) = last {
            let batch =
                self.db.tx(|tx| async move { purge_events_in_txn(&tx, kept, after, needed).await });
            let (purged, end) = batch.await?;
            all = all.saturating_add(purged);
            last = end;
        }
        Ok(all)
    }
}

/// One batch of keys, those after a key in their order; gives the last of them, if more may follow.
async fn purge_keys_in_txn(
    tx: &Tx,
    kept: TimeDelta,
    after: &str,
    needed: &HashSet<Uuid>,
) -> Result<(u64, Option<String>), DbError> {
    use sandbox_idempotency::{Column, Entity};
    let mut select = Query::select();
    select
        .column(Column::Key)
        .from(Entity)
        .and_where(Expr::col(Column::Key).gt(after))
        .and_where(Expr::col(Column::CreatedAt).lt(tx.db().now_plus_sql(-kept)))
        .order_by(Column::Key, Order::Asc)
        .limit(AT_ONCE);
    let found: Vec<OldKey> = tx.all(&select).await?;
    let end = found.get(full()).map(|last| last.key.clone());
    let keys: Vec<String> = found
        .into_iter()
        .map(|row| row.key)
        .filter(|key| !payment_of(key).is_some_and(|payment| needed.contains(&payment)))
        .collect();
    if keys.is_empty() {
        return Ok((0, end));
    }
    let mut delete = Query::delete();
    delete.from_table(Entity).and_where(Expr::col(Column::Key).is_in(keys));
    Ok((tx.run(&delete).await?, end))
}

/// One batch of events, as [`purge_keys_in_txn`].
async fn purge_events_in_txn(
    tx: &Tx,
    kept: TimeDelta,
    after: Uuid,
    needed: &HashSet<Uuid>,
) -> Result<(u64, Option<Uuid>), DbError> {
    use sandbox_event::{Column, Entity};
    let mut select = Query::select();
    select
        .columns([Column::Id, Column::PaymentId])
        .from(Entity)
        .and_where(Expr::col(Column::Id).gt(after))
        .and_where(Expr::col(Column::CreatedAt).lt(tx.db().now_plus_sql(-kept)))
        .order_by(Column::Id, Order::Asc)
        .limit(AT_ONCE);
    let found: Vec<OldEvent> = tx.all(&select).await?;
    let end = found.get(full()).map(|last| last.id);
    let ids: Vec<Uuid> = found
        .into_iter()
        .filter(|event| !needed.contains(&event.payment_id))
        .map(|event| event.id)
        .collect();
    if ids.is_empty() {
        return Ok((0, end));
    }
    let mut delete = Query::delete();
    delete.from_table(Entity).and_where(Expr::col(Column::Id).is_in(ids));
    Ok((tx.run(&delete).await?, end))
}

/// The index of the last row of a batch after which more may follow.
fn full() -> usize {
    usize::try_from(AT_ONCE).unwrap_or(usize::MAX).saturating_sub(1)
}

/// The payment that a key of the shop's is about: the second of the parts that it is made of.
fn payment_of(key: &str) -> Option<Uuid> {
    key.split(':').nth(1)?.parse().ok()
}
