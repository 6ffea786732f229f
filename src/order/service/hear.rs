//! What providers tell by themselves.

use crate::auth::Viewer;
use crate::failpoint;
use crate::order::OrderError;
use crate::order::service::settle::{Rest, Settled, Source};
use crate::order::service::{Orders, lock_in_txn};
use crate::payment::{Payment, PaymentError, PaymentState, ProviderEvent, Said};

impl Orders {
    /// Acts on what a provider told, found to be genuine by `Payments::verify_webhook`. Told again,
    /// or in another order, it comes to the same.
    ///
    /// # Errors
    /// [`OrderError::Invalid`] when it is about nothing of this shop; otherwise when the database
    /// fails: then the provider is to tell again.
    pub async fn hear(&self, event: &ProviderEvent) -> Result<(), OrderError> {
        // Providers also tell what has nothing to do with payments.
        let Some(payment_id) = event.payment_id else { return Ok(()) };
        let payment = self.payments.get(payment_id).await;
        let payment = payment.map_err(|error| match error {
            PaymentError::NotFound => OrderError::not_found(),
            error => error.into(),
        })?;
        // Each provider speaks for its own payments.
        if event.provider != payment.provider {
            return Err(OrderError::not_found());
        }
        if let Said::Refund { refund_id, .. } = &event.said {
            let refunds = self.payments.refunds_of(&[payment.id]).await?;
            let known = refunds.values().flatten().any(|refund| refund.id == *refund_id);
            if !known {
                return Err(OrderError::not_found());
            }
        }
        let order_id = payment.order_id;
        let hearing = self.db.tx(|tx| {
            let (orders, event, payment) = (self.clone(), event.clone(), payment.clone());
            async move {
                let order = lock_in_txn(&tx, order_id).await?;
                let order = order.ok_or_else(|| OrderError::fault("a payment has no order"))?;
                if !orders.payments.record_event_in_txn(&tx, &event).await? {
                    return Ok(Settled::nothing(order));
                }
                failpoint::reach("webhook.after_insert").await;
                match &event.said {
                    Said::Nothing => Ok(Settled::nothing(order)),
                    Said::Changed if waits_for_news(&payment) => {
                        Ok(Settled { rest: Rest::Ask(payment), ..Settled::nothing(order) })
                    }
                    Said::Changed => Ok(Settled::nothing(order)),
                    Said::Refund { refund_id, outcome } => {
                        let id = *refund_id;
                        let order = orders.settle_refund_in_txn(&tx, order, id, outcome).await?;
                        Ok(Settled::nothing(order))
                    }
                    Said::Payment(outcome) => {
                        let told = (outcome, Source::Told(Viewer::System));
                        orders.settle_in_txn(&tx, order, &payment, told).await
                    }
                }
            }
        });
        let settled = hearing.await?;
        if let Err(error) = self.finish(settled.order, settled.rest).await {
            tracing::warn!(%error, "what is left to do for a payment is left to recovery");
        }
        Ok(())
    }
}

/// Whether it helps to ask what became of a payment: not while somebody is asking for its money, who
/// will hear by themselves, nor when it is settled.
fn waits_for_news(payment: &Payment) -> bool {
    payment.state.is_under_way()
        && !matches!(payment.state, PaymentState::Authorizing | PaymentState::Capturing)
}
