//! Settling at once: a provider's answer to whoever has just opened a payment, written in one statement
//! as if nothing had happened to the order, its payment and its stock meanwhile. Where something did,
//! nothing is written, and it is settled behind locks.

use crate::db::{DbErrorKind, Heard, Writes};
use crate::order::service::Orders;
use crate::order::service::asked::Asked;
use crate::order::service::settle::{Settled, received};
use crate::order::{Order, OrderError, OrderStatus};
use crate::payment::{Outcome, Payment, Payments};
use crate::stock::Stock;
use sea_orm::sea_query::UpdateStatement;

/// A payment and its order, as they were committed by whoever opened it.
#[derive(Debug)]
pub(super) struct Opened {
    pub order: Order,
    pub payment: Payment,
    /// What time it was then.
    pub heard: Heard,
}

impl Orders {
    /// Writes that an order is paid, or its money set aside, when the provider said so. None: it said
    /// something else, or something has changed since; nothing was written.
    ///
    /// # Errors
    /// When the database fails. Recovery then finds out again.
    pub(super) async fn settle_at_once(
        &self,
        opened: &Opened,
        outcome: &Outcome,
        asked: &Asked,
    ) -> Result<Option<Settled>, OrderError> {
        let at = self.db.now_since(&opened.heard);
        let paid = Payments::paid(&opened.payment, outcome, at);
        let Some(paid) = paid.filter(|_| opened.order.status == OrderStatus::PendingPayment) else {
            return Ok(None);
        };
        let written = self.db.write_in_turn(|writes| {
            let (changes, order) = self.write_paid(writes, opened, &paid)?;
            let verdict = asked.judge.judge(&order, &paid);
            Ok((changes, Settled::whole(order, paid.clone(), verdict)))
        });
        match written.await {
            // Somebody else wrote what belongs to the version that it would be.
            Err(OrderError::Db(error)) if error.kind == DbErrorKind::Unique => Ok(None),
            written => written,
        }
    }

    /// What is written of an order whose payment is as good as money: the changes, in the order of
    /// locks, and the order as it is then.
    fn write_paid(
        &self,
        writes: &Writes,
        opened: &Opened,
        paid: &Payment,
    ) -> Result<(Vec<UpdateStatement>, Order), OrderError> {
        self.tell_payment_in_txn(writes, paid);
        Self::tell_buyer_in_txn(writes, opened.order.id)?;
        let step = received(paid);
        let (stepping, order) =
            self.stepping_in_txn(writes, &opened.order, step, paid.updated_at)?;
        let paying = Payments::paying_in_txn(writes, &opened.payment, paid);
        Ok((vec![stepping, paying, Stock::committing(writes, order.id)], order))
    }
}
