//! Goods that come and go: pieces of orders that leave the warehouses, that come back, that are on
//! their way from a supplier, and that arrive. Each change is guarded, in key order, and written
//! into the ledger.

use crate::auth::Viewer;
use crate::db::Tx;
use crate::stock::service::ledger::{LedgerLine, record_in_txn};
use crate::stock::service::place::{Place, open_level_in_txn};
use crate::stock::service::row::{changed_in_txn, touch};
use crate::stock::service::{MAX_QUANTITY, Stock, count_conflict};
use crate::stock::{Level, MovementKind, StockError};
use crate::validation::{Problem, ProblemKind};
use entity::reservation::{Column as R, Entity as Reservations, Model as ReservationModel};
use entity::stock_level::{Column, Entity};
use sea_orm::FromQueryResult;
use sea_orm::sea_query::{Expr, ExprTrait, Order, Query, UpdateStatement};
use std::collections::BTreeMap;
use uuid::Uuid;

/// Pieces of an order line that lie in a warehouse and wait to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiting {
    /// The reservation that they are of.
    pub reservation_id: Uuid,
    /// The order line.
    pub order_line_id: Uuid,
    /// The variant.
    pub variant_id: Uuid,
    /// Where they lie.
    pub warehouse_id: Uuid,
    /// How many.
    pub quantity: i64,
}

/// Pieces of a variant that come to a warehouse.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Coming {
    /// The variant.
    pub variant_id: Uuid,
    /// The warehouse.
    pub warehouse_id: Uuid,
    /// How many, 1 or more.
    pub quantity: i64,
}

/// How a level changes.
#[derive(Debug, Clone, Copy, Default)]
struct Change {
    on_hand: i64,
    reserved: i64,
    incoming: i64,
}

#[derive(FromQueryResult)]
struct WaitingRow {
    #[sea_orm(nested)]
    reservation: ReservationModel,
    variant_id: Uuid,
    warehouse_id: Uuid,
}

impl Stock {
    /// What is committed to an order and lies there still, behind the locks of the reservations.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn waiting_in_txn(
        &self,
        tx: &Tx,
        order_id: Uuid,
    ) -> Result<Vec<Waiting>, StockError> {
        let mut lock = Query::select();
        lock.column(R::Id)
            .from(Reservations)
            .and_where(Expr::col(R::OrderId).eq(order_id))
            .and_where(Expr::col(R::Status).eq("COMMITTED"))
            .order_by(R::Id, Order::Asc)
            .lock_exclusive();
        tx.all::<Key>(&lock).await?;
        let mut select = Query::select();
        select
            .column((Reservations, sea_orm::sea_query::Asterisk))
            .columns([(Entity, Column::VariantId), (Entity, Column::WarehouseId)])
            .from(Reservations)
            .inner_join(Entity, Expr::col((Entity, Column::Id)).equals((Reservations, R::LevelId)))
            .and_where(Expr::col((Reservations, R::OrderId)).eq(order_id))
            .and_where(Expr::col((Reservations, R::Status)).eq("COMMITTED"))
            .order_by((Reservations, R::Id), Order::Asc);
        let rows: Vec<WaitingRow> = tx.all(&select).await?;
        let waiting = |row: WaitingRow| Waiting {
            reservation_id: row.reservation.id,
            order_line_id: row.reservation.order_line_id,
            variant_id: row.variant_id,
            warehouse_id: row.warehouse_id,
            quantity: row.reservation.quantity,
        };
        Ok(rows.into_iter().map(waiting).collect())
    }

    /// Takes pieces that wait out of their warehouses: on hand and reserved fall together, with a
    /// SALE movement. Each names its reservation and how many of it leave.
    ///
    /// # Errors
    /// When a reservation has fewer pieces, or is not committed any more: it was not locked.
    pub async fn ship_in_txn(
        &self,
        tx: &Tx,
        viewer: &Viewer,
        reference: &str,
        leaving: &[(Waiting, i64)],
    ) -> Result<(), StockError> {
        let mut changes: BTreeMap<Place, Change> = BTreeMap::new();
        for (waiting, quantity) in leaving {
            consume_in_txn(tx, waiting, *quantity).await?;
            let place =
                Place { variant_id: waiting.variant_id, warehouse_id: waiting.warehouse_id };
            let change = changes.entry(place).or_default();
            change.on_hand -= quantity;
            change.reserved -= quantity;
        }
        self.change_in_txn(tx, viewer, &changes, (MovementKind::Sale, reference)).await
    }

    /// Puts pieces that came back from a customer on the shelf, with a RETURN movement.
    ///
    /// # Errors
    /// [`StockError::Invalid`] when a level cannot hold so many.
    pub async fn take_back_in_txn(
        &self,
        tx: &Tx,
        viewer: &Viewer,
        reference: &str,
        coming: &[Coming],
    ) -> Result<(), StockError> {
        let changes = summed(coming, |quantity| Change { on_hand: quantity, ..Change::default() });
        for place in changes.keys() {
            open_level_in_txn(tx, *place).await?;
        }
        self.change_in_txn(tx, viewer, &changes, (MovementKind::Return, reference)).await
    }

    /// Puts pieces on the shelf that were on their way, with a RECEIPT movement.
    ///
    /// # Errors
    /// [`StockError::Invalid`] when a level cannot hold so many.
    pub async fn receive_in_txn(
        &self,
        tx: &Tx,
        viewer: &Viewer,
        reference: &str,
        coming: &[Coming],
    ) -> Result<(), StockError> {
        let here = |quantity: i64| Change { on_hand: quantity, incoming: -quantity, reserved: 0 };
        let changes = summed(coming, here);
        self.change_in_txn(tx, viewer, &changes, (MovementKind::Receipt, reference)).await
    }

    /// Notes that pieces are on their way; they come to a level of their own when there is none.
    ///
    /// # Errors
    /// [`StockError::Invalid`] when more are on their way than a level can hold.
    pub async fn expect_in_txn(&self, tx: &Tx, coming: &[Coming]) -> Result<(), StockError> {
        let changes = summed(coming, |quantity| Change { incoming: quantity, ..Change::default() });
        for place in changes.keys() {
            open_level_in_txn(tx, *place).await?;
        }
        self.change_in_txn(tx, &Viewer::System, &changes, (MovementKind::Receipt, "")).await
    }

    /// Notes that pieces which were on their way do not come.
    ///
    /// # Errors
    /// When fewer were on their way.
    pub async fn expect_no_more_in_txn(
        &self,
        tx: &Tx,
        coming: &[Coming],
    ) -> Result<(), StockError> {
        let gone = |quantity: i64| Change { incoming: -quantity, ..Change::default() };
        let changes = summed(coming, gone);
        self.change_in_txn(tx, &Viewer::System, &changes, (MovementKind::Receipt, "")).await
    }

    /// Changes levels in key order. What moves pieces stands in the ledger; what is only on its way
    /// does not.
    async fn change_in_txn(
        &self,
        tx: &Tx,
        viewer: &Viewer,
        changes: &BTreeMap<Place, Change>,
        (kind, reference): (MovementKind, &str),
    ) -> Result<(), StockError> {
        let mut changed: Vec<(Level, Change)> = Vec::with_capacity(changes.len());
        for (place, change) in changes {
            let level = changed_in_txn(tx, &guarded(tx, *place, *change)).await?;
            changed.push((level.ok_or_else(|| refused(*change))?, *change));
        }
        let moves = changed.iter().filter(|(_, it)| it.on_hand != 0 || it.reserved != 0);
        let lines: Vec<LedgerLine<'_>> = moves
            .map(|(level, change)| {
                LedgerLine::of(level, kind, change.on_hand, change.reserved)
                    .by(viewer)
                    .reference(Some(reference))
            })
            .collect();
        if !lines.is_empty() {
            record_in_txn(tx, &lines);
        }
        let levels: Vec<(&Level, i64)> = changed.iter().map(|(level, _)| (level, 1)).collect();
        self.tell_in_txn(tx, levels);
        Ok(())
    }
}

#[derive(FromQueryResult)]
struct Key {
    #[expect(dead_code, reason = "that the rows are locked is all that is asked")]
    id: Uuid,
}

/// One change a level, in key order.
fn summed(coming: &[Coming], change: impl Fn(i64) -> Change) -> BTreeMap<Place, Change> {
    let mut changes: BTreeMap<Place, Change> = BTreeMap::new();
    for one in coming {
        let place = Place { variant_id: one.variant_id, warehouse_id: one.warehouse_id };
        let (sum, more) = (changes.entry(place).or_default(), change(one.quantity));
        sum.on_hand = sum.on_hand.saturating_add(more.on_hand);
        sum.reserved = sum.reserved.saturating_add(more.reserved);
        sum.incoming = sum.incoming.saturating_add(more.incoming);
    }
    changes
}

fn guarded(tx: &Tx, place: Place, change: Change) -> UpdateStatement {
    let mut update = touch(tx, 1);
    update
        .and_where(Expr::col(Column::VariantId).eq(place.variant_id))
        .and_where(Expr::col(Column::WarehouseId).eq(place.warehouse_id));
    let parts = [
        (Column::OnHand, change.on_hand),
        (Column::Reserved, change.reserved),
        (Column::Incoming, change.incoming),
    ];
    for (column, part) in parts {
        if part == 0 {
            continue;
        }
        update
            .value(column, Expr::col(column).add(part))
            .and_where(Expr::col(column).add(part).between(0, MAX_QUANTITY));
    }
    update
}

/// Only too many pieces can be refused: what leaves or does not come was locked and counted.
fn refused(change: Change) -> StockError {
    if Ord::max(change.on_hand, change.incoming) <= 0 {
        return StockError::fault("a level has fewer pieces than orders count on");
    }
    let message = format!("A level holds at most {MAX_QUANTITY} pieces, and as many on their way.");
    Problem::new(ProblemKind::OutOfRange, ["lines"], message).into()
}

/// Marks pieces of a reservation as gone. When others of it stay, those that go are a row of their
/// own.
async fn consume_in_txn(tx: &Tx, waiting: &Waiting, quantity: i64) -> Result<(), StockError> {
    let whole = quantity == waiting.quantity;
    let mut update = Query::update();
    update
        .table(Reservations)
        .value(R::UpdatedAt, tx.db().now_sql())
        .and_where(Expr::col(R::Id).eq(waiting.reservation_id))
        .and_where(Expr::col(R::Status).eq("COMMITTED"))
        .and_where(Expr::col(R::Quantity).gte(quantity))
        .returning_all();
    if whole {
        update.value(R::Status, "CONSUMED");
    } else {
        update.value(R::Quantity, Expr::col(R::Quantity).sub(quantity));
    }
    let left: Option<ReservationModel> = tx.one(&update).await.map_err(count_conflict)?;
    let left = left.ok_or_else(|| StockError::fault("a locked reservation has changed"))?;
    if whole {
        return Ok(());
    }
    let mut insert = Query::insert();
    insert
        .into_table(Reservations)
        .columns([
            R::Id,
            R::OrderId,
            R::OrderLineId,
            R::LevelId,
            R::Quantity,
            R::Status,
            R::CreatedAt,
            R::UpdatedAt,
        ])
        .values_panic([
            Expr::value(Uuid::now_v7()),
            Expr::value(left.order_id),
            Expr::value(left.order_line_id),
            Expr::value(left.level_id),
            Expr::value(quantity),
            Expr::value("CONSUMED"),
            Expr::value(left.created_at),
            tx.db().now_sql(),
        ]);
    tx.run(&insert).await.map_err(count_conflict)?;
    Ok(())
}
