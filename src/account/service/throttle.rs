//! Counts tries in the database, where every replica sees them and a restart forgets none.

use crate::account::AccountError;
use crate::account::service::line::{Lines, Place};
use crate::account::throttle::{Slot, Tries};
use crate::db::{Db, DbError, Tx};
use crate::telemetry;
use chrono::TimeDelta;
use entity::throttle::{Column, Entity, Model};
use sea_orm::sea_query::{Expr, ExprTrait, OnConflict, Order, Query};

/// Slows down those who guess; cheap to clone.
#[derive(Clone)]
pub(crate) struct Throttle {
    db: Db,
    lines: Lines,
    enabled: bool,
}

impl Throttle {
    pub(crate) fn new(db: Db, enabled: bool) -> Self {
        Self { db, lines: Lines::default(), enabled }
    }

    /// Takes all of the slots or none. It comes before the work that it guards: those who try side
    /// by side get no further than those who try one after the other.
    ///
    /// # Errors
    /// [`AccountError::Throttled`] when one of them cannot be had yet.
    pub(crate) async fn take(
        &self,
        slots: impl IntoIterator<Item = Slot>,
    ) -> Result<(), AccountError> {
        let mut slots: Vec<Slot> = slots.into_iter().collect();
        if !self.enabled || slots.is_empty() {
            return Ok(());
        }
        // Rows are locked in the order of their keys, so that nobody waits in a circle.
        slots.sort_by(|one, other| one.key.cmp(&other.key));
        let slots = &slots;
        let taken = self
            .db
            .tx(|tx| async move {
                for slot in slots {
                    take_in_txn(&tx, slot).await?;
                }
                Ok(())
            })
            .await;
        if let Err(AccountError::Throttled { .. }) = taken {
            telemetry::count(telemetry::THROTTLED_REQUESTS);
        }
        taken
    }

    /// Waits until those who try the same are through, as far as this process knows of them. To be
    /// held until the try is decided: nobody is refused because of others who may be right.
    ///
    /// # Errors
    /// [`AccountError::Busy`] when that takes too long.
    pub(crate) async fn stand_in_line(
        &self,
        slots: impl IntoIterator<Item = &Slot>,
    ) -> Result<Vec<Place>, AccountError> {
        let mut places = Vec::new();
        if self.enabled {
            let mut slots: Vec<&Slot> = slots.into_iter().collect();
            slots.sort_by(|one, other| one.key.cmp(&other.key));
            for slot in slots {
                places.push(self.lines.enter(slot).await?);
            }
        }
        Ok(places)
    }

    /// Hands an outcome on. When it leaves open whether the try was good, because the server was
    /// busy or the database away, the try does not count: its slots are given back.
    pub(crate) async fn unless_decided<T>(
        &self,
        slots: impl IntoIterator<Item = &Slot>,
        outcome: Result<T, AccountError>,
    ) -> Result<T, AccountError> {
        use AccountError::{Busy, Db, Fault};
        if !self.enabled || !matches!(outcome, Err(Busy | Db(_) | Fault(_))) {
            return outcome;
        }
        let mut slots: Vec<&Slot> = slots.into_iter().collect();
        slots.sort_by(|one, other| one.key.cmp(&other.key));
        let slots = &slots;
        let given_back = self.db.tx(|tx| async move {
            for slot in slots {
                self.give_back_in_txn(&tx, slot).await?;
            }
            Ok::<_, DbError>(())
        });
        if let Err(error) = given_back.await {
            tracing::warn!(%error, "a try counts although it was not decided");
        }
        outcome
    }

    /// Gives a slot back: the try was a good one and does not count.
    pub(crate) async fn give_back_in_txn(&self, tx: &Tx, slot: &Slot) -> Result<(), DbError> {
        if !self.enabled {
            return Ok(());
        }
        let mut update = Query::update();
        update
            .table(Entity)
            .value(Column::Attempts, Expr::col(Column::Attempts).sub(1))
            .value(Column::NextAt, tx.db().now_sql())
            .and_where(Expr::col(Column::Key).eq(slot.key.as_str()))
            .and_where(Expr::col(Column::Attempts).gt(0));
        tx.run(&update).await.map(drop)
    }

    /// Forgets all tries: whoever tried knew the password.
    pub(crate) async fn forget_in_txn(&self, tx: &Tx, slot: &Slot) -> Result<(), DbError> {
        if !self.enabled {
            return Ok(());
        }
        let mut delete = Query::delete();
        delete.from_table(Entity).and_where(Expr::col(Column::Key).eq(slot.key.as_str()));
        tx.run(&delete).await.map(drop)
    }

    /// Deletes what is past; tells how much.
    ///
    /// # Errors
    /// [`DbError`] when the database refuses.
    pub(crate) async fn purge(&self) -> Result<u64, DbError> {
        let past = |db: &Db| {
            let mut past = Query::select();
            past.column(Column::Key)
                .from(Entity)
                .and_where(Expr::col(Column::EndsAt).lt(db.now_sql()))
                .order_by(Column::EndsAt, Order::Asc);
            past
        };
        self.db.delete_in_batches(Entity, Column::Key, past).await
    }
}

async fn take_in_txn(tx: &Tx, slot: &Slot) -> Result<(), AccountError> {
    let earlier = lock_in_txn(tx, slot).await?;
    let now = earlier.tried_at;
    let tries = (earlier.attempts > 0).then_some(Tries {
        attempts: earlier.attempts,
        next_at: earlier.next_at,
        ends_at: earlier.ends_at,
    });
    let tries = slot
        .rule
        .take(tries, now)
        .map_err(|wait| AccountError::Throttled { retry_after_seconds: whole_seconds(wait) })?;
    let mut update = Query::update();
    update
        .table(Entity)
        .value(Column::Attempts, tries.attempts)
        .value(Column::NextAt, tries.next_at)
        .value(Column::EndsAt, tries.ends_at)
        .and_where(Expr::col(Column::Key).eq(slot.key.as_str()));
    tx.run(&update).await?;
    Ok(())
}

/// The row of a slot, locked until the transaction ends; `tried_at` is the time of the lock.
async fn lock_in_txn(tx: &Tx, slot: &Slot) -> Result<Model, AccountError> {
    let now = || tx.db().now_sql();
    let mut insert = Query::insert();
    insert
        .into_table(Entity)
        .columns([Column::Key, Column::Attempts, Column::TriedAt, Column::NextAt, Column::EndsAt])
        .values_panic([Expr::value(slot.key.as_str()), Expr::value(0), now(), now(), now()])
        .on_conflict(OnConflict::column(Column::Key).value(Column::TriedAt, now()).to_owned())
        .returning_all();
    let row: Option<Model> = tx.one(&insert).await?;
    row.ok_or_else(|| AccountError::Fault("INSERT returned no row".to_owned()))
}

/// Rounded up: who waits so long is let through.
fn whole_seconds(wait: TimeDelta) -> u32 {
    let seconds = (wait + TimeDelta::milliseconds(999)).num_seconds();
    u32::try_from(seconds.clamp(1, i64::from(u32::MAX))).unwrap_or(u32::MAX)
}
