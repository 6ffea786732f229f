//! Another attempt to pay an order.

use crate::auth::{Permission, Viewer};
use crate::db::Tx;
use crate::idempotency::{Claim, IdempotencyKey};
use crate::order::service::Orders;
use crate::order::service::at_once::Opened;
use crate::order::service::record::Step;
use crate::order::service::write::Written;
use crate::order::{EventKind, OrderError, OrderStatus, Pay, Placed};

impl Orders {
    /// Tries again to have an order paid, within the time that its stock is held; each try holds it
    /// anew.
    ///
    /// # Errors
    /// [`OrderError::Transition`] when the order does not wait for money any more,
    /// [`OrderError::PaymentInProgress`] when another attempt is not decided, or was charged late as
    /// was heard.
    pub async fn pay(&self, viewer: &Viewer, ask: &Pay) -> Result<Placed, OrderError> {
        viewer.may(Permission::OrderPlace)?;
        let scope = ask.access.scope(viewer);
        let input = (ask.access.order_id, &ask.payment);
        let key = IdempotencyKey::bind(scope, "orderPay", &ask.idempotency_key, &input)?;
        let opening = self.db.tx(|tx| {
            let (orders, viewer, ask, key) = (self.clone(), *viewer, ask.clone(), key.clone());
            async move {
                if let Claim::Earlier(earlier) = key.claim_in_txn::<Written>(&tx).await? {
                    return Ok((earlier, true));
                }
                let written = orders.open_in_txn(&tx, &viewer, &ask).await?;
                key.record_in_txn(&tx, &written).await?;
                Ok::<_, OrderError>((written, false))
            }
        });
        let (written, replayed) = opening.await?;
        self.see_through(&written, Some(&key), replayed).await
    }

    async fn open_in_txn(
        &self,
        tx: &Tx,
        viewer: &Viewer,
        ask: &Pay,
    ) -> Result<Written, OrderError> {
        // Only now: what was asked for before answers as it did, whatever the providers are by now.
        self.payments.check_method(&ask.payment.provider, &ask.payment.method)?;
        let order = self.lock_for_in_txn(tx, viewer, &ask.access).await?;
        let over =
            |because| OrderError::Transition { from: order.status, to: OrderStatus::Paid, because };
        if order.status != OrderStatus::PendingPayment {
            return Err(over(""));
        }
        if self.payments.may_hold_money_in_txn(tx, order.id).await? {
            // Whoever is asked about it may have been charged.
            return Err(OrderError::PaymentInProgress);
        }
        let payment =
            self.payments.open_in_txn(tx, &self.new_payment(&order, &ask.payment)).await?;
        self.tell_payment_in_txn(tx, &payment);
        let step = Step::new(EventKind::PaymentStarted, order.status, viewer);
        let order = self.step_in_txn(tx, &order, step).await?;
        let heard = self.db.heard(order.updated_at);
        if self.stock.extend_in_txn(tx, order.id, self.policy.hold).await? == 0 {
            return Err(over("Its stock was held for a while and is free again."));
        }
        Ok(Written::again(order.id, Some(Opened { order, payment, heard })))
    }
}
