//! Settling: what a provider said of a payment, written into the payment and its order in one
//! transaction. Answers, webhooks and recovery all come here; repeated, it changes nothing.

use crate::auth::Viewer;
use crate::db::Tx;
use crate::jobs::{NewJob, enqueue_in_txn};
use crate::order::jobs::Confirmed;
use crate::order::service::record::Step;
use crate::order::service::{Orders, lock_in_txn};
use crate::order::{EventKind, Order, OrderError, OrderStatus};
use crate::payment::{Outcome, Payment, PaymentState};
use entity::shop_order::Column;
use sea_orm::sea_query::Expr;
use uuid::Uuid;

/// What is left to be done outside the transaction.
pub(super) enum Rest {
    Nothing,
    /// The money of a dead order is to be let go.
    Void(Payment),
    /// The money of a dead order is to go back.
    Refund(Payment, crate::payment::Refund),
}

impl Orders {
    /// Writes what is known of a payment, and what it means for its order.
    ///
    /// # Errors
    /// When the database fails. Recovery then finds out again.
    pub async fn settle(&self, payment: &Payment, outcome: &Outcome) -> Result<Order, OrderError> {
        let (order, rest) = self.settle_once(payment, outcome).await?;
        self.finish(order, rest).await
    }

    async fn settle_once(
        &self,
        payment: &Payment,
        outcome: &Outcome,
    ) -> Result<(Order, Rest), OrderError> {
        let (order_id, payment_id) = (payment.order_id, payment.id);
        let settling = self.db.tx(|tx| {
            let (orders, outcome) = (self.clone(), outcome.clone());
            async move {
                // The order before its payment: the order of locks.
                let order = lock_in_txn(&tx, order_id).await?;
                let order = order.ok_or_else(|| OrderError::fault("a payment has no order"))?;
                orders.settle_in_txn(&tx, order, payment_id, &outcome).await
            }
        });
        settling.await
    }

    /// The same, of an order that is locked.
    pub(super) async fn settle_in_txn(
        &self,
        tx: &Tx,
        order: Order,
        payment_id: Uuid,
        outcome: &Outcome,
    ) -> Result<(Order, Rest), OrderError> {
        let Some(payment) = self.payments.settle_in_txn(tx, payment_id, outcome).await? else {
            return Ok((order, Rest::Nothing));
        };
        self.tell_payment_in_txn(tx, &payment).await?;
        let viewer = &Viewer::System;
        match payment.state {
            PaymentState::Authorized | PaymentState::Captured => {
                self.receive_in_txn(tx, order, payment).await
            }
            // The payer can do nothing for a dead order any more.
            PaymentState::ActionRequired if order.status == OrderStatus::Cancelled => {
                let rest = self.give_back_in_txn(tx, payment).await?;
                Ok((order, rest))
            }
            // The provider let go of money that the order lived on.
            PaymentState::Voided if order.status == OrderStatus::Authorized => {
                let set = vec![(Column::CancelReason, Expr::value("PAYMENT_VOIDED"))];
                let step = Step::new(EventKind::Cancelled, OrderStatus::Cancelled, viewer);
                let order = self.step_in_txn(tx, &order, Step { set, ..step }).await?;
                self.stock.release_in_txn(tx, order.id).await?;
                Ok((order, Rest::Nothing))
            }
            state if state.is_over() && order.status == OrderStatus::PendingPayment => {
                let note = payment.failure_code.as_deref();
                let step = Step::new(EventKind::PaymentFailed, order.status, viewer);
                let order = self.step_in_txn(tx, &order, Step { note, ..step }).await?;
                Ok((order, Rest::Nothing))
            }
            _ => Ok((order, Rest::Nothing)),
        }
    }

    /// There is money. An order that waits for it is served; a dead one gives it back.
    async fn receive_in_txn(
        &self,
        tx: &Tx,
        order: Order,
        payment: Payment,
    ) -> Result<(Order, Rest), OrderError> {
        let paid = payment.state == PaymentState::Captured;
        let to = if paid { OrderStatus::Paid } else { OrderStatus::Authorized };
        match order.status {
            OrderStatus::PendingPayment => {
                if self.stock.commit_in_txn(tx, order.id).await? == 0 {
                    // Cannot be: what has an undecided payment does not expire. Were it so, nobody
                    // is charged for what is not theirs.
                    tracing::error!(order = %order.number, "money came for an order without stock");
                    let set = vec![(Column::CancelReason, Expr::value("EXPIRED"))];
                    let step =
                        Step::new(EventKind::Expired, OrderStatus::Cancelled, &Viewer::System);
                    let order = self.step_in_txn(tx, &order, Step { set, ..step }).await?;
                    return Ok((order, self.give_back_in_txn(tx, payment).await?));
                }
                let kind = if paid { EventKind::Paid } else { EventKind::Authorized };
                let step = Step::new(kind, to, &Viewer::System);
                let order = self.confirm_in_txn(tx, &order, step).await?;
                Ok((order, Rest::Nothing))
            }
            OrderStatus::Authorized if paid => {
                let step = Step::new(EventKind::Paid, to, &Viewer::System);
                Ok((self.step_in_txn(tx, &order, step).await?, Rest::Nothing))
            }
            OrderStatus::Cancelled => {
                let rest = self.give_back_in_txn(tx, payment).await?;
                Ok((order, rest))
            }
            _ => Ok((order, Rest::Nothing)),
        }
    }

    /// The order is as good as paid: its buyer is told.
    pub(super) async fn confirm_in_txn(
        &self,
        tx: &Tx,
        order: &Order,
        step: Step<'_>,
    ) -> Result<Order, OrderError> {
        let order = self.step_in_txn(tx, order, step).await?;
        let job = NewJob::new(&Confirmed { order_id: order.id });
        enqueue_in_txn(tx, &job.dedupe(format!("order.confirmed:{}", order.id))).await?;
        Ok(order)
    }

    /// Begins to give money back, whatever has become of it so far.
    pub(super) async fn give_back_in_txn(
        &self,
        tx: &Tx,
        payment: Payment,
    ) -> Result<Rest, OrderError> {
        match payment.state {
            PaymentState::Authorized | PaymentState::ActionRequired => {
                let payment = self.payments.open_void_in_txn(tx, payment.id).await?;
                self.tell_payment_in_txn(tx, &payment).await?;
                Ok(Rest::Void(payment))
            }
            PaymentState::Captured if payment.refundable() > 0 => {
                self.open_full_refund_in_txn(tx, &payment).await
            }
            // Whoever is asking will hear, and settle; then it is given back.
            _ => Ok(Rest::Nothing),
        }
    }

    /// Does outside the transaction what it left, and tells how the order stands then. What fails is
    /// left to recovery.
    pub(super) async fn finish(
        &self,
        mut order: Order,
        mut rest: Rest,
    ) -> Result<Order, OrderError> {
        loop {
            match rest {
                Rest::Nothing => return Ok(order),
                Rest::Void(payment) => {
                    let outcome = self.payments.void(&payment).await;
                    // Who takes the money at this moment leaves something to be given back.
                    (order, rest) = self.settle_once(&payment, &outcome).await?;
                }
                Rest::Refund(payment, refund) => {
                    let outcome = self.payments.refund(&payment, &refund).await;
                    return self.settle_refund(&refund, &outcome).await;
                }
            }
        }
    }
}
