//! Money that goes back: asked for by somebody, or because nothing is owed any more.

use crate::auth::Viewer;
use crate::db::{DbErrorKind, Tx};
use crate::failpoint;
use crate::money::Money;
use crate::order::refund::{Share, comes_back, shares};
use crate::order::service::record::{Changes, Step};
use crate::order::service::settle::Rest;
use crate::order::service::{Orders, lock_in_txn};
use crate::order::{EventKind, Order, OrderError, OrderStatus, RefundAsk, RefundOf};
use crate::payment::{
    NewRefund, OpenedRefund, Payment, PaymentError, PaymentState, PaymentStatus, Refund,
    RefundOutcome,
};
use crate::validation::{Problem, ProblemKind};
use uuid::Uuid;

/// The money of an order that is over is given back under this name.
const GIVEN_UP: &str = "order.given_up";
/// Money that came for an attempt that was over, while another one paid.
const LATE: &str = "late";
/// Refused refunds that are tried again at a time.
const REFUSED_AT_ONCE: u64 = 16;

impl Orders {
    /// Begins to give back all that is left of a payment, because nothing is owed any more; after
    /// one that was refused, the next try of it.
    pub(super) async fn open_full_refund_in_txn(
        &self,
        tx: &Tx,
        payment: &Payment,
        refused: Option<&Refund>,
    ) -> Result<Rest, OrderError> {
        let name = if payment.state == PaymentState::Surplus { LATE } else { GIVEN_UP };
        let (key, turn) = match refused {
            None => (name.to_owned(), 1),
            // Several can have been refused, of different amounts.
            Some(refused) => {
                let turn = refused.turn.saturating_add(1);
                (format!("{name}:{}:{turn}", refused.id), turn)
            }
        };
        let new = NewRefund {
            payment_id: payment.id,
            amount: Money { minor: payment.refundable(), ..payment.amount },
            // Whatever is left is given back once.
            key,
            reason: None,
            restock: false,
            turn,
        };
        match self.payments.open_refund_in_txn(tx, &new).await? {
            OpenedRefund::New(refund) => {
                let payment = self.payments.lock_in_txn(tx, payment.id).await?;
                self.tell_payment_in_txn(tx, &payment);
                Ok(Rest::Refund(payment, refund))
            }
            OpenedRefund::Earlier(_) => Ok(Rest::Nothing),
        }
    }

    /// Begins a refund that somebody asks for, of a locked order: the money is set aside for it,
    /// and the pieces that it is for are counted. To be followed by [`Orders::give`] after the
    /// commit. None: it was asked for before, under the same key.
    pub(super) async fn open_refund_ask_in_txn(
        &self,
        tx: &Tx,
        order: &Order,
        ask: &RefundAsk,
    ) -> Result<Option<(Payment, Refund)>, OrderError> {
        let payment = self.refunded_payment_in_txn(tx, order, ask).await?;
        let left = payment.refundable();
        let (minor, shares) = self.refund_parts_in_txn(tx, order, &payment, ask).await?;
        let maximum = Money { minor: left, ..payment.amount };
        if minor <= 0 {
            return Err(OrderError::RefundAmount { maximum });
        }
        let new = NewRefund {
            payment_id: payment.id,
            amount: Money { minor, ..payment.amount },
            key: ask.key.clone(),
            reason: ask.reason.clone(),
            restock: ask.restock,
            turn: 0,
        };
        let opened = self.payments.open_refund_in_txn(tx, &new).await;
        match opened.map_err(|error| too_much(error, maximum))? {
            OpenedRefund::Earlier(_) => Ok(None),
            OpenedRefund::New(refund) => {
                self.write_shares_in_txn(tx, refund.id, &shares).await?;
                let payment = self.payments.lock_in_txn(tx, payment.id).await?;
                self.tell_payment_in_txn(tx, &payment);
                Ok(Some((payment, refund)))
            }
        }
    }

    /// Of which payment money is to go back.
    async fn refunded_payment_in_txn(
        &self,
        tx: &Tx,
        order: &Order,
        ask: &RefundAsk,
    ) -> Result<Payment, OrderError> {
        let payment = match ask.payment_id {
            Some(id) => Some(self.payments.lock_in_txn(tx, id).await?),
            None => self.payments.open_of_order_in_txn(tx, order.id).await?,
        };
        let payment = payment.filter(|payment| payment.order_id == order.id);
        let payment = payment.ok_or_else(|| nothing_taken(PaymentStatus::Failed))?;
        if !payment.state.is_taken() {
            return Err(nothing_taken(payment.status()));
        }
        Ok(payment)
    }

    /// How much goes back, and for which pieces.
    async fn refund_parts_in_txn(
        &self,
        tx: &Tx,
        order: &Order,
        payment: &Payment,
        ask: &RefundAsk,
    ) -> Result<(i64, Vec<Share>), OrderError> {
        let left = payment.refundable();
        let late = payment.state == PaymentState::Surplus;
        let refused = |field: &str, message: &str| {
            Err(OrderError::from(Problem::new(ProblemKind::Invalid, [field], message)))
        };
        match &ask.of {
            RefundOf::Pieces(_) if late => {
                refused("lines", "This payment came too late: nothing was bought with it.")
            }
            RefundOf::Pieces(asked) => {
                let lines = self.lines_left_in_txn(tx, order).await?;
                let shares = shares(&lines, asked, ask.restock)?;
                let sum = shares.iter().fold(0_i64, |sum, share| sum.saturating_add(share.amount));
                Ok((sum, shares))
            }
            RefundOf::Amount(amount) if amount.currency != payment.amount.currency => {
                let message =
                    format!("The payment was made in {}.", payment.amount.currency.code());
                Err(Problem::new(ProblemKind::CurrencyMismatch, ["amount"], message).into())
            }
            of => {
                let minor = match of {
                    RefundOf::Amount(amount) => amount.minor,
                    _ => left,
                };
                if !ask.restock || late {
                    return Ok((minor, Vec::new()));
                }
                if minor != left {
                    let message = "With a part of the money, name the lines that go back on the \
                                   shelf.";
                    return refused("restock", message);
                }
                Ok((minor, comes_back(&self.lines_left_in_txn(tx, order).await?)))
            }
        }
    }

    /// Asks the provider to give money back, and tells how the order and the refund stand then.
    /// What is not known is left to recovery.
    pub(super) async fn give(
        &self,
        order: Order,
        payment: &Payment,
        refund: &Refund,
    ) -> Result<(Order, Refund), OrderError> {
        let outcome = self.payments.refund(payment, refund).await;
        let order = match self.settle_refund(refund, &outcome).await {
            Ok(order) => order,
            Err(error) => {
                tracing::warn!(%error, refund = %refund.id, "a refund is left to recovery");
                order
            }
        };
        Ok((order, self.payments.get_refund(refund.id).await?))
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
        self.tell_payment_in_txn(tx, &payment);
        if !matches!(outcome, RefundOutcome::Succeeded { .. }) {
            self.forget_shares_in_txn(tx, refund.id).await?;
            // Nobody else would notice: the order may be at its end, and its money is not back.
            tracing::error!(order = %order.number, refund = %refund.id, "a refund was refused");
            let unowed =
                order.status == OrderStatus::Cancelled || payment.state == PaymentState::Surplus;
            if unowed && refund.turn == 0 {
                // Somebody asked for it; by now the shop owes it anyway.
                self.payments.try_later_in_txn(tx, &refund).await?;
            }
            let note = refund.failure_code.as_deref();
            let step = Step::new(EventKind::RefundFailed, order.status, &Viewer::System);
            return self.step_in_txn(tx, &order, Step { note, ..step }).await;
        }
        if payment.state == PaymentState::Surplus {
            // It never was the order's money.
            let note = Some("What was paid twice went back.");
            let step = Step::new(EventKind::Refunded, order.status, &Viewer::System);
            return self.step_in_txn(tx, &order, Step { note, ..step }).await;
        }
        // Pieces, returns and the rest are given back one after another.
        self.stock.lock_levels_in_txn(tx, order.id).await?;
        self.restock_in_txn(tx, &order, refund.id).await?;
        let all = payment.refunded >= payment.captured;
        let to = self.after_refund_in_txn(tx, &order, all).await?;
        if to != OrderStatus::Refunded {
            // After all stock: the order of locks.
            self.flash_sales.give_back_cancelled_in_txn(tx, order.id).await?;
        }
        let refunded_total = Some(order.refunded_total.saturating_add(refund.amount));
        let set = Changes { refunded_total, ..Changes::paid(payment.captured) };
        let step = Step::new(EventKind::Refunded, to, &Viewer::System);
        let step = Step { note: refund.reason.as_deref(), set, ..step };
        self.step_in_txn(tx, &order, step).await
    }

    /// Gives back once more what was refused when the shop gave it back by itself; tells how many.
    pub(super) async fn refund_refused(&self) -> Result<u64, OrderError> {
        let mut tried = 0;
        for refused in self.payments.refused_refunds(REFUSED_AT_ONCE).await? {
            match self.refund_once_more(&refused).await {
                Ok(is_tried) => tried += u64::from(is_tried),
                Err(OrderError::Db(error)) if error.kind == DbErrorKind::Unavailable => {
                    return Err(error.into());
                }
                Err(error) => {
                    tracing::error!(%error, refund = %refused.id, "money could not be given back");
                    // The others must not wait for this one.
                    let putting_off = self.db.tx(|tx| {
                        let (payments, refused) = (self.payments.clone(), refused.clone());
                        async move { payments.try_later_in_txn(&tx, &refused).await }
                    });
                    putting_off.await?;
                }
            }
        }
        Ok(tried)
    }

    /// The next try of a refused refund. False: it is not needed, or somebody else's.
    async fn refund_once_more(&self, refused: &Refund) -> Result<bool, OrderError> {
        let order_id = self.payments.get(refused.payment_id).await?.order_id;
        let opening = self.db.tx(|tx| {
            let (orders, refused) = (self.clone(), refused.clone());
            async move {
                let order = lock_in_txn(&tx, order_id).await?;
                let order = order.ok_or_else(|| OrderError::fault("a payment has no order"))?;
                let rest = orders.open_again_in_txn(&tx, &refused).await?;
                Ok::<_, OrderError>((order, rest))
            }
        });
        let (order, rest) = opening.await?;
        let tried = matches!(rest, Rest::Refund(..));
        if let Err(error) = self.finish(order, rest).await {
            tracing::warn!(%error, "a refund is left to recovery");
        }
        Ok(tried)
    }

    async fn open_again_in_txn(&self, tx: &Tx, refused: &Refund) -> Result<Rest, OrderError> {
        let payment = self.payments.lock_in_txn(tx, refused.payment_id).await?;
        // Somebody may have given it back meanwhile.
        if !self.payments.take_up_in_txn(tx, refused.id).await? || payment.refundable() == 0 {
            return Ok(Rest::Nothing);
        }
        self.open_full_refund_in_txn(tx, &payment, Some(refused)).await
    }

    /// Where an order stands after money went back.
    async fn after_refund_in_txn(
        &self,
        tx: &Tx,
        order: &Order,
        all: bool,
    ) -> Result<OrderStatus, OrderError> {
        if all && order.status.may_become(OrderStatus::Refunded) {
            // What has not left the warehouse is free again.
            self.release_in_txn(tx, order.id).await?;
            return Ok(OrderStatus::Refunded);
        }
        // The last pieces that were to be sent are not any more.
        if order.status == OrderStatus::Paid && !self.stock.is_waiting_in_txn(tx, order.id).await? {
            let lines = self.lines_in_txn(tx, order).await?;
            // Also when none ever was: what is kept, such as for shipping, was paid for good.
            if lines.iter().any(|line| line.quantity_fulfilled > 0)
                || lines.iter().all(|line| line.quantity_cancelled >= line.quantity)
            {
                return Ok(OrderStatus::Fulfilled);
            }
        }
        Ok(order.status)
    }
}

fn nothing_taken(from: PaymentStatus) -> OrderError {
    OrderError::Payment { from, to: PaymentStatus::Refunded, because: "No money was taken." }
}

fn too_much(error: PaymentError, maximum: Money) -> OrderError {
    match error {
        PaymentError::Amount { .. } => OrderError::RefundAmount { maximum },
        error => error.into(),
    }
}
