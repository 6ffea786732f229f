//! Settling at once: a provider's answer to whoever has just opened a payment, written in one statement
//! as if nothing had happened to the order, its payment and its stock meanwhile. Where something did,
//! nothing is written, and it is settled behind locks.

use crate::db::{DbError, DbErrorKind, Heard, Tx, TxError};
use crate::order::service::Orders;
use crate::order::service::asked::Asked;
use crate::order::service::settle::{Settled, received};
use crate::order::{Order, OrderError, OrderStatus};
use crate::payment::{Outcome, Payment, Payments};
use crate::stock::Stock;
use std::sync::Arc;

/// A payment and its order, as they were committed by whoever opened it.
#[derive(Debug)]
pub(super) struct Opened {
    pub order: Order,
    pub payment: Payment,
    /// What time it was then.
    pub heard: Heard,
}

/// Why nothing was written.
enum NotWritten {
    /// Something is not as it was.
    Changed,
    Failed(OrderError),
}

impl From<DbError> for NotWritten {
    fn from(error: DbError) -> Self {
        match error.kind {
            // Somebody else wrote what belongs to the version that it would be.
            DbErrorKind::Unique => Self::Changed,
            _ => Self::Failed(error.into()),
        }
    }
}

impl From<OrderError> for NotWritten {
    fn from(error: OrderError) -> Self {
        Self::Failed(error)
    }
}

impl TxError for NotWritten {
    fn db_error(&self) -> Option<&DbError> {
        match self {
            Self::Changed => None,
            Self::Failed(error) => error.db_error(),
        }
    }
}

impl Orders {
    /// Writes that an order is paid, or its money set aside, when the provider said so. None: it said
    /// something else, or something has changed since; nothing was written.
    ///
    /// # Errors
    /// When the database fails. Recovery then finds out again.
    pub(super) async fn settle_at_once(
        &self,
        opened: &Arc<Opened>,
        outcome: &Outcome,
        asked: &Asked,
    ) -> Result<Option<Settled>, OrderError> {
        let at = self.db.now_since(&opened.heard);
        let paid = Payments::paid(&opened.payment, outcome, at);
        let Some(paid) = paid.filter(|_| opened.order.status == OrderStatus::PendingPayment) else {
            return Ok(None);
        };
        let settling = self.db.tx(|tx| {
            let (orders, opened, asked) = (self.clone(), Arc::clone(opened), asked.clone());
            let (outcome, paid) = (outcome.clone(), paid.clone());
            async move {
                let order = orders.write_paid_in_txn(&tx, &opened, &paid).await?;
                let (told, rows) = ((&opened.payment, &outcome), (&order, &paid));
                let verdict = asked.judge_in_txn(&tx, &orders.payments, told, rows).await?;
                Ok(Settled::whole(order, paid, verdict))
            }
        });
        match settling.await {
            Ok(settled) => Ok(Some(settled)),
            Err(NotWritten::Changed) => Ok(None),
            Err(NotWritten::Failed(error)) => Err(error),
        }
    }

    async fn write_paid_in_txn(
        &self,
        tx: &Tx,
        opened: &Opened,
        paid: &Payment,
    ) -> Result<Order, NotWritten> {
        self.tell_payment_in_txn(tx, paid);
        Self::tell_buyer_in_txn(tx, opened.order.id)?;
        let step = received(paid);
        let (stepping, order) = self.stepping_in_txn(tx, &opened.order, step, paid.updated_at)?;
        let paying = Payments::paying_in_txn(tx, &opened.payment, paid);
        // The order of locks.
        let changes = vec![stepping, paying, Stock::committing(tx, order.id)];
        match tx.run_last_in_turn(changes).await? {
            0 => Err(NotWritten::Changed),
            _ => Ok(order),
        }
    }
}
