//! Money that goes back.

use crate::auth::Viewer;
use crate::db::Tx;
use crate::failpoint;
use crate::order::service::record::Step;
use crate::order::service::settle::Rest;
use crate::order::service::{Orders, lock_in_txn};
use crate::order::{EventKind, Order, OrderError, OrderStatus};
use crate::payment::{NewRefund, OpenedRefund, Payment, Refund, RefundOutcome};
use entity::shop_order::Column;
use sea_orm::sea_query::{Expr, ExprTrait};
use uuid::Uuid;

impl Orders {
    /// Begins to give back all that is left of a payment.
    pub(super) async fn open_full_refund_in_txn(
        &self,
        tx: &Tx,
        payment: &Payment,
    ) -> Result<Rest, OrderError> {
        let amount = crate::money::Money { minor: payment.refundable(), ..payment.amount };
        let new = NewRefund {
            payment_id: payment.id,
            amount,
            // Whatever is left is given back once.
            key: "order.given_up".to_owned(),
            reason: None,
        };
        match self.payments.open_refund_in_txn(tx, &new).await? {
            OpenedRefund::New(refund) => Ok(Rest::Refund(payment.clone(), refund)),
            OpenedRefund::Earlier(_) => Ok(Rest::Nothing),
        }
    }

    /// Writes what became of a refund, and what it means for its order.
    ///
    /// # Errors
    /// When the database fails. Recovery then finds out again.
    pub async fn settle_refund(
        &self,
        refund: &Refund,
        outcome: &RefundOutcome,
    ) -> Result<Order, OrderError> {
        failpoint::reach("refund.after_call").await;
        let order_id = self.payments.get(refund.payment_id).await?.order_id;
        let refund_id = refund.id;
        let settling = self.db.tx(|tx| {
            let (orders, outcome) = (self.clone(), outcome.clone());
            async move {
                let order = lock_in_txn(&tx, order_id).await?;
                let order = order.ok_or_else(|| OrderError::fault("a payment has no order"))?;
                orders.settle_refund_in_txn(&tx, order, refund_id, &outcome).await
            }
        });
        settling.await
    }

    pub(super) async fn settle_refund_in_txn(
        &self,
        tx: &Tx,
        order: Order,
        refund_id: Uuid,
        outcome: &RefundOutcome,
    ) -> Result<Order, OrderError> {
        let settled = self.payments.settle_refund_in_txn(tx, refund_id, outcome).await?;
        let Some((payment, refund)) = settled else { return Ok(order) };
        self.tell_payment_in_txn(tx, &payment).await?;
        if !matches!(outcome, RefundOutcome::Succeeded { .. }) {
            // Nobody else would notice: the order is at its end, and its money is not back.
            tracing::error!(order = %order.number, refund = %refund.id, "a refund was refused");
            return Ok(order);
        }
        let all = order.refunded_total.saturating_add(refund.amount) >= order.total;
        let to = if all && order.status.may_become(OrderStatus::Refunded) {
            OrderStatus::Refunded
        } else {
            order.status
        };
        if to == OrderStatus::Refunded {
            // What has not left the warehouse is free again.
            self.stock.release_in_txn(tx, order.id).await?;
        }
        let refunded = Expr::col(Column::RefundedTotal).add(refund.amount);
        let step = Step::new(EventKind::Refunded, to, &Viewer::System);
        let step = Step {
            note: refund.reason.as_deref(),
            set: vec![(Column::RefundedTotal, refunded)],
            ..step
        };
        self.step_in_txn(tx, &order, step).await
    }
}
