//! Parts of what an order holds: pieces that it will not need any more.

use crate::db::Tx;
use crate::stock::service::{Stock, count_conflict, select_levels};
use crate::stock::{MovementKind, StockError};
use entity::reservation::{Column as R, Entity as Reservations, Model as ReservationModel};
use entity::stock_level::{Column as L, Entity as Levels, Model as LevelModel};
use sea_orm::sea_query::{Asterisk, Expr, ExprTrait, LockType, Order, Query};
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

    /// Locks the levels that anything of an order is held on, or was sent from, in the order in
    /// which everybody locks: for who changes them in several steps.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn lock_levels_in_txn(&self, tx: &Tx, order_id: Uuid) -> Result<(), StockError> {
        if !tx.db().is_postgres() {
            // On SQLite whoever is in a transaction is alone.
            return Ok(());
        }
        let mut theirs = Query::select();
        theirs
            .column(R::LevelId)
            .from(Reservations)
            .and_where(Expr::col(R::OrderId).eq(order_id))
            .and_where(Expr::col(R::Status).is_in(["COMMITTED", "CONSUMED"]));
        let mut select = select_levels();
        select
            .and_where(Expr::col((Levels, L::Id)).in_subquery(theirs))
            .order_by((Levels, L::VariantId), Order::Asc)
            .order_by((Levels, L::WarehouseId), Order::Asc)
            .lock(LockType::Update);
        tx.all::<LevelModel>(&select).await?;
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
