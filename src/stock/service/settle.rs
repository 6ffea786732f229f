//! The ends of a reservation: committed when paid, consumed when fulfilled, released otherwise.
//! Each step is a guarded change of status, so that of two that race exactly one wins.

use crate::db::{Tx, Writes};
use crate::stock::service::ledger::{LedgerLine, record_in_txn};
use crate::stock::service::row::{changed_in_txn, touch};
use crate::stock::service::{Stock, select_levels};
use crate::stock::{Level, MovementKind, StockError};
use chrono::TimeDelta;
use entity::reservation::{Column as R, Entity as Reservations, Model as ReservationModel};
use entity::stock_level::{Column, Entity, Model};
use sea_orm::sea_query::{
    CaseStatement, Expr, ExprTrait, Order, Query, SimpleExpr, UpdateStatement,
};
use std::collections::HashMap;
use uuid::Uuid;

impl Stock {
    /// Keeps the holds of an order for good: it is paid. Gives how many there were; 0 when they
    /// had ended before.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn commit_in_txn(&self, tx: &Tx, order_id: Uuid) -> Result<u64, StockError> {
        Ok(tx.run_along(Reservations, Self::committing(tx, order_id)).await?)
    }

    /// The statement by which [`Stock::commit_in_txn`] does so, for who sends it with others.
    pub fn committing(tx: &Writes, order_id: Uuid) -> UpdateStatement {
        let mut update = of_order(tx, order_id, &["HELD"], "COMMITTED");
        update.value(R::ExpiresAt, Expr::value(Option::<crate::db::Timestamp>::None));
        update
    }

    /// Lets the holds of an order last so long from now at least. Gives how many there were; 0 when they
    /// had ended before, and then the order must not be paid.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn extend_in_txn(
        &self,
        tx: &Tx,
        order_id: Uuid,
        hold: TimeDelta,
    ) -> Result<u64, StockError> {
        let mut update = of_order(tx, order_id, &["HELD"], "HELD");
        let (until, kept) = (tx.db().now_plus_sql(hold), Expr::col(R::ExpiresAt));
        // Never shorter than it is: staff may have promised more time.
        let longer = CaseStatement::new().case(kept.clone().gt(until.clone()), kept).finally(until);
        update.value(R::ExpiresAt, longer);
        Ok(tx.run(&update).await?)
    }

    /// Takes the committed pieces of an order out of the warehouse: on hand and reserved fall
    /// together, with a SALE movement. Gives how many pieces went.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn consume_in_txn(&self, tx: &Tx, order_id: Uuid) -> Result<i64, StockError> {
        let ended = end_in_txn(tx, of_order(tx, order_id, &["COMMITTED"], "CONSUMED")).await?;
        self.give_back_in_txn(tx, &ended, MovementKind::Sale).await
    }

    /// Gives back what an order holds or has committed. Gives how many pieces; 0 when it was done
    /// before, so that repeating it is harmless.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn release_in_txn(&self, tx: &Tx, order_id: Uuid) -> Result<i64, StockError> {
        let update = of_order(tx, order_id, &["HELD", "COMMITTED"], "RELEASED");
        let ended = end_in_txn(tx, update).await?;
        self.give_back_in_txn(tx, &ended, MovementKind::Release).await
    }

    /// Lowers what ended reservations had raised, level by level in key order.
    pub(super) async fn give_back_in_txn(
        &self,
        tx: &Tx,
        ended: &[ReservationModel],
        kind: MovementKind,
    ) -> Result<i64, StockError> {
        if ended.is_empty() {
            return Ok(0);
        }
        let mut by_level: HashMap<Uuid, Vec<&ReservationModel>> = HashMap::new();
        for reservation in ended {
            by_level.entry(reservation.level_id).or_default().push(reservation);
        }
        let mut select = select_levels();
        select
            .and_where(Expr::col((Entity, Column::Id)).is_in(by_level.keys().copied()))
            .order_by((Entity, Column::VariantId), Order::Asc)
            .order_by((Entity, Column::WarehouseId), Order::Asc);
        let in_order: Vec<Model> = tx.all(&select).await?;
        let consumed = kind == MovementKind::Sale;
        let mut changed: Vec<(Level, &Vec<&ReservationModel>)> = Vec::new();
        for model in in_order {
            let Some(reservations) = by_level.get(&model.id) else { continue };
            let quantity: i64 = reservations.iter().map(|r| r.quantity).sum();
            let movements = i64::try_from(reservations.len()).unwrap_or(i64::MAX);
            let mut update = touch(tx, movements);
            update
                .value(Column::Reserved, Expr::col(Column::Reserved).sub(quantity))
                .and_where(Expr::col(Column::Id).eq(model.id));
            if consumed {
                update.value(Column::OnHand, Expr::col(Column::OnHand).sub(quantity));
            }
            let level = changed_in_txn(tx, &update).await?;
            let level = level.ok_or_else(|| StockError::fault("a reserved level is gone"))?;
            changed.push((level, reservations));
        }
        record_ends_in_txn(tx, &changed, kind).await?;
        let risen = |ended: &[_]| i64::try_from(ended.len()).unwrap_or(i64::MAX);
        self.tell_in_txn(tx, changed.iter().map(|(level, ended)| (level, risen(ended))));
        Ok(ended.iter().map(|reservation| reservation.quantity).sum())
    }
}

/// A guarded change of status of an order's reservations.
pub(super) fn of_order(tx: &Writes, order_id: Uuid, from: &[&str], to: &str) -> UpdateStatement {
    let mut update = Query::update();
    update
        .table(Reservations)
        .value(R::Status, SimpleExpr::from(to))
        .value(R::UpdatedAt, tx.db().now_sql())
        .and_where(Expr::col(R::OrderId).eq(order_id))
        .and_where(Expr::col(R::Status).is_in(from.iter().copied()));
    update
}

pub(super) async fn end_in_txn(
    tx: &Tx,
    mut update: UpdateStatement,
) -> Result<Vec<ReservationModel>, StockError> {
    update.returning_all();
    Ok(tx.all(&update).await?)
}

async fn record_ends_in_txn(
    tx: &Tx,
    changed: &[(Level, &Vec<&ReservationModel>)],
    kind: MovementKind,
) -> Result<(), StockError> {
    let references: HashMap<Uuid, String> = changed
        .iter()
        .flat_map(|(_, reservations)| reservations.iter())
        .map(|reservation| (reservation.id, reservation.order_id.to_string()))
        .collect();
    let mut lines = Vec::new();
    for (level, reservations) in changed {
        let total: i64 = reservations.iter().map(|r| r.quantity).sum();
        let leaves = |quantity: i64| if kind == MovementKind::Sale { -quantity } else { 0 };
        let mut on_hand = level.on_hand - leaves(total);
        let mut reserved = level.reserved + total;
        let first = level.version + 1 - i64::try_from(reservations.len()).unwrap_or(i64::MAX);
        for (version, reservation) in (first..).zip(*reservations) {
            on_hand += leaves(reservation.quantity);
            reserved -= reservation.quantity;
            lines.push(LedgerLine {
                on_hand_after: on_hand,
                reserved_after: reserved,
                version,
                ..LedgerLine::of(level, kind, leaves(reservation.quantity), -reservation.quantity)
                    .reference(references.get(&reservation.id).map(String::as_str))
            });
        }
    }
    record_in_txn(tx, &lines);
    Ok(())
}
