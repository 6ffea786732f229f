//! Sending goods: pieces leave the warehouses, and the buyer is told.

use crate::auth::{Permission, Viewer};
use crate::db::Tx;
use crate::idempotency::{Claim, IdempotencyKey};
use crate::jobs::{NewJob, enqueue_in_txn};
use crate::order::goods::{in_words, pick};
use crate::order::jobs::Sent;
use crate::order::service::asked::{Asked, Judge, Kept};
use crate::order::service::capture::verdict;
use crate::order::service::keyed::{bind, check_kind, check_version, count_in_txn};
use crate::order::service::record::Step;
use crate::order::service::{Orders, lock_in_txn};
use crate::order::{
    EventKind, Fulfill, Order, OrderError, OrderKind, OrderLine, OrderStatus, Refusal,
};
use crate::payment::{Payment, PaymentState};
use crate::stock::Waiting;
use crate::validation::{Problem, ProblemKind};
use entity::order_line::Column as L;
use entity::{fulfillment, fulfillment_line};
use sea_orm::sea_query::{Expr, Query};
use serde::{Deserialize, Serialize};
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

/// What a key remembers of goods that are to be sent.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(untagged)]
enum Remembered {
    /// They left; the order.
    Sent(Uuid),
    /// The capture of their money was begun.
    Paying(Kept),
}

/// How far it came in the first transaction.
enum Begun {
    /// The goods left, now or before.
    Sent(Order, bool),
    /// The provider can be asked for the money.
    Capturing(Payment),
    /// An earlier use of the key asks for it, or did.
    Paying(Kept),
}

impl Orders {
    /// Sends pieces of a paid order, or all that is left of it; tells whether it was done before,
    /// under the same key. Money that is only set aside is taken first. With the last piece the
    /// order is FULFILLED.
    ///
    /// # Errors
    /// [`OrderError::Transition`] when the order is not paid, [`OrderError::Invalid`] for more than
    /// is left: then nothing leaves. [`OrderError::Declined`] and [`OrderError::Unavailable`] when
    /// its money cannot be taken, [`OrderError::PaymentInProgress`] while nobody knows.
    pub async fn fulfill(
        &self,
        viewer: &Viewer,
        ask: Fulfill,
    ) -> Result<(Order, bool), OrderError> {
        viewer.may(Permission::OrderWrite)?;
        let ask = ask.checked().map_err(OrderError::Invalid)?;
        let key = bind(viewer, "orderFulfill", ask.idempotency_key.as_deref(), &ask)?;
        let beginning = self.db.tx(|tx| {
            let (orders, viewer, ask, key) = (self.clone(), *viewer, ask.clone(), key.clone());
            async move { orders.begin_to_fulfill_in_txn(&tx, &viewer, &ask, key.as_ref()).await }
        });
        match beginning.await? {
            Begun::Sent(order, replayed) => return Ok((order, replayed)),
            Begun::Capturing(payment) => self.take_money(&payment, key.clone()).await?,
            Begun::Paying(kept) => self.settled(&kept, PaymentState::Capturing).await?,
        }
        let sending = self.db.tx(|tx| {
            let (orders, viewer, ask, key) = (self.clone(), *viewer, ask.clone(), key.clone());
            async move { orders.send_paid_in_txn(&tx, &viewer, &ask, key.as_ref()).await }
        });
        sending.await
    }

    /// The key before all, so that nothing is taken or sent for one that cannot be used. Then what
    /// is to leave, or the capture of what it costs: nothing is taken for goods that cannot leave.
    async fn begin_to_fulfill_in_txn(
        &self,
        tx: &Tx,
        viewer: &Viewer,
        ask: &Fulfill,
        key: Option<&IdempotencyKey>,
    ) -> Result<Begun, OrderError> {
        match claim_in_txn(tx, key).await? {
            Some(Remembered::Sent(id)) => {
                return Ok(Begun::Sent(locked_in_txn(tx, id).await?, true));
            }
            Some(Remembered::Paying(kept)) => return Ok(Begun::Paying(kept)),
            None => {}
        }
        let order = locked_in_txn(tx, ask.order_id).await?;
        check_version(&order, ask.expected_version)?;
        if order.status != OrderStatus::Authorized {
            let sent = self.send_in_txn(tx, viewer, (&order, ask), key).await?;
            return Ok(Begun::Sent(sent, false));
        }
        let lines = self.lines_in_txn(tx, &order).await?;
        self.leaving_in_txn(tx, &order, ask, &lines).await?;
        let payment = self.payments.open_of_order_in_txn(tx, order.id).await?;
        let payment = payment.ok_or_else(|| OrderError::fault("no money is set aside"))?;
        let payment = self.open_capture_in_txn(tx, &payment, None).await?;
        if let Some(key) = key {
            let kept = Kept { step: Some(payment.step), ..Kept::of(payment.id) };
            key.record_in_txn(tx, &Remembered::Paying(kept)).await?;
        }
        Ok(Begun::Capturing(payment))
    }

    /// Takes the money that an order's goods cost; what the provider refuses is kept under the key.
    async fn take_money(
        &self,
        payment: &Payment,
        key: Option<IdempotencyKey>,
    ) -> Result<(), OrderError> {
        let outcome = self.payments.capture(payment).await;
        let asked = Asked { key, judge: Judge::Till(verdict) };
        let dealt = self.tell(&Viewer::System, (payment, &outcome), asked).await?;
        if dealt.pending { Err(OrderError::PaymentInProgress) } else { Ok(()) }
    }

    /// Sends what the money was taken for, by whoever comes first under the key. The order's version
    /// was checked before that, which changed it.
    async fn send_paid_in_txn(
        &self,
        tx: &Tx,
        viewer: &Viewer,
        ask: &Fulfill,
        key: Option<&IdempotencyKey>,
    ) -> Result<(Order, bool), OrderError> {
        // A key that is there already is read and not locked: what it says is final once those who
        // came to the order before are through.
        let order = locked_in_txn(tx, ask.order_id).await?;
        match claim_in_txn(tx, key).await? {
            Some(Remembered::Sent(_)) => return Ok((order, true)),
            Some(Remembered::Paying(kept)) => self.check_taken_in_txn(tx, kept).await?,
            None => {}
        }
        Ok((self.send_in_txn(tx, viewer, (&order, ask), key).await?, false))
    }

    /// Whether the capture that was begun under a key took the money, whoever settled it.
    async fn check_taken_in_txn(&self, tx: &Tx, kept: Kept) -> Result<(), OrderError> {
        if let Some(refusal) = kept.refusal {
            return Err(refusal.into());
        }
        let payment = self.payments.lock_in_txn(tx, kept.payment_id).await?;
        if let Some(step) = kept.step {
            let refused = self.payments.refused_in_txn(tx, &payment, step).await?;
            if let Some(refusal) = refused.as_ref().and_then(Refusal::of) {
                return Err(refusal.into());
            }
        }
        verdict(&payment)
    }

    async fn send_in_txn(
        &self,
        tx: &Tx,
        viewer: &Viewer,
        (order, ask): (&Order, &Fulfill),
        key: Option<&IdempotencyKey>,
    ) -> Result<Order, OrderError> {
        self.check_ready_in_txn(tx, order).await?;
        let lines = self.lines_in_txn(tx, order).await?;
        let Leaving { picked, parts, all } = self.leaving_in_txn(tx, order, ask, &lines).await?;
        insert_in_txn(tx, order, ask, &parts).await?;
        for (line, quantity) in &picked {
            count_in_txn(tx, line.id, L::QuantityFulfilled, *quantity).await?;
        }
        let gone: i64 = parts.iter().map(|(_, quantity)| quantity).sum();
        let to = if gone == all { OrderStatus::Fulfilled } else { order.status };
        let words = in_words(&picked);
        let step = Step::new(EventKind::Fulfilled, to, viewer);
        let changed = self.step_in_txn(tx, order, Step { note: Some(&words), ..step }).await?;
        if let Some(key) = key {
            key.record_in_txn(tx, &Remembered::Sent(order.id)).await?;
        }
        // Stock last: a hot level stays locked until the commit.
        self.stock.ship_in_txn(tx, viewer, &order.number, &parts).await?;
        Ok(changed)
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

/// Claims the key, if there is one; gives what an earlier use came to.
async fn claim_in_txn(
    tx: &Tx,
    key: Option<&IdempotencyKey>,
) -> Result<Option<Remembered>, OrderError> {
    let Some(key) = key else { return Ok(None) };
    Ok(match key.claim_in_txn(tx).await? {
        Claim::Earlier(remembered) => Some(remembered),
        Claim::New => None,
    })
}

async fn locked_in_txn(tx: &Tx, order_id: Uuid) -> Result<Order, OrderError> {
    lock_in_txn(tx, order_id).await?.ok_or_else(OrderError::not_found)
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
