//! Sending goods: pieces leave the warehouses, and the buyer is told.

use crate::auth::{Permission, Viewer};
use crate::db::Tx;
use crate::idempotency::IdempotencyKey;
use crate::jobs::{NewJob, enqueue_in_txn};
use crate::order::goods::{in_words, pick};
use crate::order::jobs::Sent;
use crate::order::service::keyed::{Begun, bind, check_kind, check_version, count_in_txn};
use crate::order::service::record::Step;
use crate::order::service::{Orders, lock_in_txn};
use crate::order::{EventKind, Fulfill, Order, OrderError, OrderKind, OrderLine, OrderStatus};
use crate::stock::Waiting;
use crate::validation::{Problem, ProblemKind};
use entity::order_line::Column as L;
use entity::{fulfillment, fulfillment_line};
use sea_orm::sea_query::{Expr, Query};
use std::collections::BTreeMap;
use uuid::Uuid;

/// What is to leave.
struct Leaving<'a> {
    /// Of each line, how many pieces.
    picked: Vec<(&'a OrderLine, i64)>,
    /// From which reservations.
    parts: Vec<(Waiting, i64)>,
    /// How many lie there in all.
    all: i64,
}

impl Orders {
    /// Sends pieces of a paid order, or all that is left of it; tells whether it was done before,
    /// under the same key. Money that is only set aside is taken first. With the last piece the
    /// order is FULFILLED.
    ///
    /// # Errors
    /// [`OrderError::Transition`] when the order is not paid, [`OrderError::Invalid`] for more than
    /// is left: then nothing leaves.
    pub async fn fulfill(
        &self,
        viewer: &Viewer,
        ask: Fulfill,
    ) -> Result<(Order, bool), OrderError> {
        viewer.may(Permission::OrderWrite)?;
        let mut ask = ask.checked().map_err(OrderError::Invalid)?;
        let key = bind(viewer, "orderFulfill", ask.idempotency_key.as_deref(), &ask)?;
        if self.is_to_be_captured(&ask).await? {
            self.capture_order(ask.order_id).await?;
            // It was checked before the capture, which changed the order.
            ask.expected_version = None;
        }
        let sending = self.db.tx(|tx| {
            let (orders, viewer, ask, key) = (self.clone(), *viewer, ask.clone(), key.clone());
            async move { orders.fulfill_in_txn(&tx, &viewer, &ask, key.as_ref()).await }
        });
        sending.await
    }

    /// Whether the money of the order is only set aside, and all else is well: nothing is taken for
    /// goods that cannot leave.
    async fn is_to_be_captured(&self, ask: &Fulfill) -> Result<bool, OrderError> {
        let looking = self.db.tx(|tx| {
            let (orders, ask) = (self.clone(), ask.clone());
            async move {
                let order = lock_in_txn(&tx, ask.order_id).await?;
                let order = order.ok_or_else(OrderError::not_found)?;
                if order.status != OrderStatus::Authorized {
                    return Ok(false);
                }
                check_version(&order, ask.expected_version)?;
                let lines = orders.lines_in_txn(&tx, &order).await?;
                orders.leaving_in_txn(&tx, &order, &ask, &lines).await?;
                Ok::<_, OrderError>(true)
            }
        });
        looking.await
    }

    async fn fulfill_in_txn(
        &self,
        tx: &Tx,
        viewer: &Viewer,
        ask: &Fulfill,
        key: Option<&IdempotencyKey>,
    ) -> Result<(Order, bool), OrderError> {
        let order = match self.begin_in_txn(tx, key, ask.order_id).await? {
            Begun::Earlier(order) => return Ok((order, true)),
            Begun::New(order) => order,
        };
        check_version(&order, ask.expected_version)?;
        self.check_ready_in_txn(tx, &order).await?;
        let lines = self.lines_in_txn(tx, &order).await?;
        let Leaving { picked, parts, all } = self.leaving_in_txn(tx, &order, ask, &lines).await?;
        insert_in_txn(tx, &order, ask, &parts).await?;
        for (line, quantity) in &picked {
            count_in_txn(tx, line.id, L::QuantityFulfilled, *quantity).await?;
        }
        let gone: i64 = parts.iter().map(|(_, quantity)| quantity).sum();
        let to = if gone == all { OrderStatus::Fulfilled } else { order.status };
        let words = in_words(&picked);
        let step = Step::new(EventKind::Fulfilled, to, viewer);
        let changed = self.step_in_txn(tx, &order, Step { note: Some(&words), ..step }).await?;
        // Stock last: a hot level stays locked until the commit.
        self.stock.ship_in_txn(tx, viewer, &order.number, &parts).await?;
        Ok((changed, false))
    }

    /// What is to leave, of what lies there for a locked order.
    async fn leaving_in_txn<'a>(
        &self,
        tx: &Tx,
        order: &Order,
        ask: &Fulfill,
        lines: &'a [OrderLine],
    ) -> Result<Leaving<'a>, OrderError> {
        let waiting = self.stock.waiting_in_txn(tx, order.id).await?;
        let there: Vec<&Waiting> = waiting
            .iter()
            .filter(|it| ask.warehouse_id.is_none_or(|warehouse| warehouse == it.warehouse_id))
            .collect();
        let left = |line: &OrderLine| {
            there.iter().filter(|it| it.order_line_id == line.id).map(|it| it.quantity).sum()
        };
        let picked =
            pick(ask.lines.as_deref(), lines, left, "to be sent").map_err(OrderError::Invalid)?;
        if picked.is_empty() {
            let message = "Nothing of the order lies there to be sent.";
            return Err(Problem::new(ProblemKind::Invalid, ["warehouseId"], message).into());
        }
        let parts = take(&picked, &there);
        let all = waiting.iter().map(|it| it.quantity).sum();
        Ok(Leaving { picked, parts, all })
    }

    /// Whether goods of an order may leave: it is paid, and its money is not going back.
    async fn check_ready_in_txn(&self, tx: &Tx, order: &Order) -> Result<(), OrderError> {
        let to = OrderStatus::Fulfilled;
        check_kind(order, OrderKind::Sale, to)?;
        let refused = |because| OrderError::Transition { from: order.status, to, because };
        if order.status != OrderStatus::Paid {
            return Err(refused(""));
        }
        let payment = self.payments.open_of_order_in_txn(tx, order.id).await?;
        if payment.is_some_and(|payment| payment.refundable() == 0) {
            return Err(refused("Its money is going back."));
        }
        Ok(())
    }
}

/// From where so many pieces of each line are taken.
fn take(picked: &[(&OrderLine, i64)], there: &[&Waiting]) -> Vec<(Waiting, i64)> {
    let mut leaving = Vec::new();
    for (line, quantity) in picked {
        let mut wanted = *quantity;
        for waiting in there.iter().filter(|it| it.order_line_id == line.id) {
            let taken = wanted.min(waiting.quantity);
            if taken > 0 {
                leaving.push(((*waiting).clone(), taken));
                wanted -= taken;
            }
        }
    }
    leaving
}

/// Writes what leaves from where, and has the buyer told.
async fn insert_in_txn(
    tx: &Tx,
    order: &Order,
    ask: &Fulfill,
    leaving: &[(Waiting, i64)],
) -> Result<(), OrderError> {
    use fulfillment::Column as F;
    use fulfillment_line::Column as C;
    let id = Uuid::now_v7();
    let mut insert = Query::insert();
    insert
        .into_table(fulfillment::Entity)
        .columns([F::Id, F::OrderId, F::Carrier, F::TrackingNumber, F::Note, F::CreatedAt])
        .values_panic([
            Expr::value(id),
            Expr::value(order.id),
            Expr::value(ask.carrier.clone()),
            Expr::value(ask.tracking_number.clone()),
            Expr::value(ask.note.clone()),
            tx.db().now_sql(),
        ]);
    tx.run(&insert).await?;
    // A line may have been set aside twice in a warehouse; it is told once.
    let mut parts: BTreeMap<(Uuid, Uuid), i64> = BTreeMap::new();
    for (waiting, quantity) in leaving {
        *parts.entry((waiting.order_line_id, waiting.warehouse_id)).or_default() += quantity;
    }
    let mut insert = Query::insert();
    insert.into_table(fulfillment_line::Entity).columns([
        C::Id,
        C::FulfillmentId,
        C::OrderLineId,
        C::WarehouseId,
        C::Quantity,
    ]);
    for ((line_id, warehouse_id), quantity) in parts {
        insert.values_panic([
            Expr::value(Uuid::now_v7()),
            Expr::value(id),
            Expr::value(line_id),
            Expr::value(warehouse_id),
            Expr::value(quantity),
        ]);
    }
    tx.run(&insert).await?;
    let job = NewJob::new(&Sent { fulfillment_id: id, order_id: order.id });
    enqueue_in_txn(tx, &job.dedupe(format!("order.sent:{id}"))).await?;
    Ok(())
}
