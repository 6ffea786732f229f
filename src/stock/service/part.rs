//! Parts of what an order holds: pieces that it will not need any more, and pieces that come back.

use crate::db::Tx;
use crate::stock::service::ledger::{LedgerLine, record_in_txn};
use crate::stock::service::row::{changed_in_txn, touch};
use crate::stock::service::{MAX_QUANTITY, Stock, count_conflict, select_levels};
use crate::stock::{Level, MovementKind, StockError};
use entity::reservation::{Column as R, Entity as Reservations, Model as ReservationModel};
use entity::stock_level::{Column as L, Entity as Levels, Model as LevelModel};
use sea_orm::sea_query::{Asterisk, Expr, ExprTrait, Order, Query};
use std::collections::HashMap;
use uuid::Uuid;

/// Some pieces of an order line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OrderPieces {
    /// The line.
    pub order_line_id: Uuid,
    /// How many.
    pub quantity: i64,
}

impl Stock {
    /// Gives back so many of the pieces that are committed to lines of an order, with a RELEASE
    /// movement; fewer when fewer lie there still. Gives how many of each line.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn release_pieces_in_txn(
        &self,
        tx: &Tx,
        order_id: Uuid,
        pieces: &[OrderPieces],
    ) -> Result<Vec<OrderPieces>, StockError> {
        if pieces.is_empty() {
            return Ok(Vec::new());
        }
        let mut select = Query::select();
        select
            .column(Asterisk)
            .from(Reservations)
            .and_where(Expr::col(R::OrderId).eq(order_id))
            .and_where(Expr::col(R::Status).eq("COMMITTED"))
            .order_by(R::Id, Order::Asc)
            .lock_exclusive();
        let committed: Vec<ReservationModel> = tx.all(&select).await?;
        let (mut ended, mut released) = (Vec::new(), Vec::new());
        for OrderPieces { order_line_id, quantity } in pieces.iter().copied() {
            let mut wanted = quantity;
            for reservation in committed.iter().filter(|it| it.order_line_id == order_line_id) {
                let part = Ord::min(wanted, reservation.quantity);
                if part > 0 {
                    end_part_in_txn(tx, reservation, part).await?;
                    ended.push(ReservationModel { quantity: part, ..reservation.clone() });
                    wanted -= part;
                }
            }
            released.push(OrderPieces { order_line_id, quantity: quantity - wanted });
        }
        self.give_back_in_txn(tx, &ended, MovementKind::Release).await?;
        Ok(released)
    }

    /// Puts pieces that had been sent back on the shelves that they came from, those first that were
    /// sent first, with a RETURN movement. With each comes how many of its line came back before.
    ///
    /// # Errors
    /// When the database fails. A level that cannot hold more stays as it is, and the log says so.
    pub async fn return_pieces_in_txn(
        &self,
        tx: &Tx,
        order_id: Uuid,
        pieces: &[(OrderPieces, i64)],
    ) -> Result<(), StockError> {
        if pieces.is_empty() {
            return Ok(());
        }
        let mut select = Query::select();
        select
            .column(Asterisk)
            .from(Reservations)
            .and_where(Expr::col(R::OrderId).eq(order_id))
            .and_where(Expr::col(R::Status).eq("CONSUMED"))
            .order_by(R::UpdatedAt, Order::Asc)
            .order_by(R::Id, Order::Asc);
        let sent: Vec<ReservationModel> = tx.all(&select).await?;
        let coming = shelves(&sent, pieces);
        let mut select = select_levels();
        select
            .and_where(Expr::col((Levels, L::Id)).is_in(coming.keys().copied()))
            .order_by((Levels, L::VariantId), Order::Asc)
            .order_by((Levels, L::WarehouseId), Order::Asc);
        let in_order: Vec<LevelModel> = tx.all(&select).await?;
        let mut changed = Vec::new();
        for (level, quantity) in
            in_order.iter().filter_map(|level| Some((level, *coming.get(&level.id)?)))
        {
            let mut update = touch(tx, 1);
            update
                .value(L::OnHand, Expr::col(L::OnHand).add(quantity))
                .and_where(Expr::col(L::Id).eq(level.id))
                .and_where(Expr::col(L::OnHand).add(quantity).lte(MAX_QUANTITY));
            match changed_in_txn(tx, &update).await? {
                Some(level) => changed.push((level, quantity)),
                None => tracing::error!(level = %level.id, "a level cannot hold what came back"),
            }
        }
        let reference = order_id.to_string();
        let line = |(level, quantity): &(Level, i64)| {
            LedgerLine::of(level, MovementKind::Return, *quantity, 0).reference(Some(&reference))
        };
        let lines: Vec<LedgerLine<'_>> = changed.iter().map(line).collect();
        record_in_txn(tx, &lines).await?;
        self.tell_in_txn(tx, changed.iter().map(|(level, _)| (level, 1))).await?;
        Ok(())
    }

    /// Whether anything is committed to an order and lies there still.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn is_waiting_in_txn(&self, tx: &Tx, order_id: Uuid) -> Result<bool, StockError> {
        let mut select = Query::select();
        select
            .column(Asterisk)
            .from(Reservations)
            .and_where(Expr::col(R::OrderId).eq(order_id))
            .and_where(Expr::col(R::Status).eq("COMMITTED"))
            .limit(1);
        Ok(tx.one::<ReservationModel>(&select).await?.is_some())
    }
}

/// How many pieces go to which level.
fn shelves(sent: &[ReservationModel], pieces: &[(OrderPieces, i64)]) -> HashMap<Uuid, i64> {
    let mut coming = HashMap::new();
    for (OrderPieces { order_line_id, quantity }, before) in pieces {
        let (mut skipped, mut wanted) = (*before, *quantity);
        for reservation in sent.iter().filter(|it| it.order_line_id == *order_line_id) {
            let earlier = Ord::min(skipped, reservation.quantity);
            skipped -= earlier;
            let part = Ord::min(wanted, reservation.quantity - earlier);
            wanted -= part;
            if part > 0 {
                *coming.entry(reservation.level_id).or_default() += part;
            }
        }
    }
    coming
}

/// Ends a part of a locked reservation, or all of it.
async fn end_part_in_txn(
    tx: &Tx,
    reservation: &ReservationModel,
    part: i64,
) -> Result<(), StockError> {
    let mut update = Query::update();
    update
        .table(Reservations)
        .value(R::UpdatedAt, tx.db().now_sql())
        .and_where(Expr::col(R::Id).eq(reservation.id));
    if part == reservation.quantity {
        update.value(R::Status, "RELEASED");
    } else {
        update.value(R::Quantity, Expr::col(R::Quantity).sub(part));
    }
    tx.run(&update).await.map_err(count_conflict)?;
    Ok(())
}
