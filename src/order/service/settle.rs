//! Settling: what a provider said of a payment, written into the payment and its order in one
//! transaction. Answers, webhooks and recovery all come here; repeated, it changes nothing.

use crate::auth::Viewer;
use crate::db::{Tx, Writes};
use crate::jobs::{NewJob, enqueue_later};
use crate::order::jobs::Confirmed;
use crate::order::service::asked::{Asked, Verdict};
use crate::order::service::record::{Changes, Step};
use crate::order::service::write::needed;
use crate::order::service::{Orders, lock_in_txn};
use crate::order::{EventKind, Order, OrderError, OrderStatus};
use crate::payment::{Outcome, Payment, PaymentState};
use std::collections::BTreeSet;
use uuid::Uuid;

/// What is left to be done outside the transaction.
pub(super) enum Rest {
    Nothing,
    /// Something became of the payment, and the provider knows what.
    Ask(Payment),
    /// The money of a dead order is to be let go.
    Void(Payment),
    /// The money of a dead order is to go back.
    Refund(Payment, crate::payment::Refund),
}

/// Where it is known from.
#[derive(Clone, Copy)]
pub(super) enum Source<'a> {
    /// The answer to a call, or a webhook: may be late, and overtaken. In whose name it is heard.
    Told(Viewer),
    /// The provider, when it was asked what it knows of a payment that was so.
    Found(&'a Payment),
}

/// What settling came to.
pub(super) struct Settled {
    pub order: Order,
    pub rest: Rest,
    /// The payment as it is now; None when that was not looked at.
    pub payment: Option<Payment>,
    /// What whoever asked is told; None when nobody did.
    pub verdict: Option<Verdict>,
}

impl Settled {
    /// Nothing was written.
    pub fn nothing(order: Order) -> Self {
        Self { order, rest: Rest::Nothing, payment: None, verdict: None }
    }

    /// All that there was to do.
    pub fn whole(order: Order, payment: Payment, verdict: Verdict) -> Self {
        Self { payment: Some(payment), verdict: Some(verdict), ..Self::nothing(order) }
    }
}

/// How often dead holds are ended so that late money is served.
const ROUNDS: usize = 5;
/// What stands in the history of an order whose money was let go, when recovery found that out. Who
/// wanted it is in the audit log.
const FOUND_OUT: &str = "The server asked the provider, and found that the money was let go.";
/// What stands in the history of an order of whose money a part was taken.
const PARTLY: &str = "A part of the money was taken; the rest was given up.";

/// The step of an order that waits for money and gets it.
pub(super) fn received(payment: &Payment) -> Step<'static> {
    let (kind, to) = match payment.state {
        PaymentState::Captured => (EventKind::Paid, OrderStatus::Paid),
        _ => (EventKind::Authorized, OrderStatus::Authorized),
    };
    Step { set: Changes::paid(payment.captured), ..Step::new(kind, to, &Viewer::System) }
}

impl Orders {
    /// Writes what is known of a payment, and what it means for its order.
    ///
    /// # Errors
    /// When the database fails. Recovery then finds out again.
    pub async fn settle(&self, payment: &Payment, outcome: &Outcome) -> Result<Order, OrderError> {
        let source = Source::Told(Viewer::System);
        let (order, rest) = self.settle_once(payment, outcome, source).await?;
        self.finish(order, rest).await
    }

    /// The same, of what the provider was found to know when it was asked.
    pub(super) async fn settle_found(
        &self,
        payment: &Payment,
        outcome: &Outcome,
    ) -> Result<Order, OrderError> {
        let source = Source::Found(payment);
        let (order, rest) = self.settle_once(payment, outcome, source).await?;
        self.finish(order, rest).await
    }

    async fn settle_once(
        &self,
        payment: &Payment,
        outcome: &Outcome,
        source: Source<'_>,
    ) -> Result<(Order, Rest), OrderError> {
        let settled = self.settle_asked(payment, outcome, source, None).await?;
        Ok((settled.order, settled.rest))
    }

    /// The same, and what it came to for whoever asked for it: judged, and a refusal kept under
    /// their key, before anybody can ask anew. Dead holds that lie where the stock for late money is
    /// to come from are ended first.
    pub(super) async fn settle_asked(
        &self,
        payment: &Payment,
        outcome: &Outcome,
        source: Source<'_>,
        asked: Option<&Asked>,
    ) -> Result<Settled, OrderError> {
        for _ in 0..ROUNDS {
            match self.settle_locked(payment, (outcome, source), asked).await {
                Err(OrderError::Insufficient(short)) => {
                    let dead = short.iter().flat_map(|shortage| &shortage.dead_holds);
                    for order_id in dead.copied().collect::<BTreeSet<_>>() {
                        self.stock.expire_orders(&[order_id]).await?;
                    }
                }
                settled => return settled,
            }
        }
        self.settle_locked(payment, (outcome, source), asked).await
    }

    async fn settle_locked(
        &self,
        payment: &Payment,
        (outcome, source): (&Outcome, Source<'_>),
        asked: Option<&Asked>,
    ) -> Result<Settled, OrderError> {
        let told_to = if let Source::Told(viewer) = source { Some(viewer) } else { None };
        let settling = self.db.tx(|tx| {
            let (orders, outcome, payment) = (self.clone(), outcome.clone(), payment.clone());
            let asked = asked.cloned();
            async move {
                // The order before its payment: the order of locks.
                let order = lock_in_txn(&tx, payment.order_id).await?;
                let order = order.ok_or_else(|| OrderError::fault("a payment has no order"))?;
                let source = told_to.map_or(Source::Found(&payment), Source::Told);
                let settled = if told_to.is_some()
                    && orders.is_overtaken_in_txn(&tx, &payment, &outcome).await?
                {
                    Settled::nothing(order)
                } else {
                    orders.settle_in_txn(&tx, order, &payment, (&outcome, source)).await?
                };
                let Some(asked) = asked else { return Ok(settled) };
                let now = match settled.payment {
                    Some(now) => now,
                    None => orders.payments.lock_in_txn(&tx, payment.id).await?,
                };
                let (told, rows) = ((&payment, &outcome), (&settled.order, &now));
                let verdict = asked.judge_in_txn(&tx, &orders.payments, told, rows).await?;
                Ok(Settled { payment: Some(now), verdict: Some(verdict), ..settled })
            }
        });
        settling.await
    }

    /// Whether an answer tells of nothing done, and of an attempt at it that is over: somebody has
    /// settled it since, and may have asked anew. That is not to be ended by the old answer.
    async fn is_overtaken_in_txn(
        &self,
        tx: &Tx,
        begun: &Payment,
        outcome: &Outcome,
    ) -> Result<bool, OrderError> {
        let nothing_done = matches!(
            outcome,
            Outcome::Declined { .. } | Outcome::Unavailable { .. } | Outcome::Unknown
        );
        Ok(nothing_done && self.payments.lock_in_txn(tx, begun.id).await?.step != begun.step)
    }

    /// The same, of an order that is locked, and a payment as it was read before.
    pub(super) async fn settle_in_txn(
        &self,
        tx: &Tx,
        order: Order,
        payment: &Payment,
        (outcome, source): (&Outcome, Source<'_>),
    ) -> Result<Settled, OrderError> {
        let settled = match source {
            Source::Told(_) => self.payments.settle_in_txn(tx, payment.id, outcome).await?,
            Source::Found(asked) => self.payments.settle_found_in_txn(tx, asked, outcome).await?,
        };
        let Some(payment) = settled else { return Ok(Settled::nothing(order)) };
        self.tell_payment_in_txn(tx, &payment);
        let (order, rest) = self.follow_in_txn(tx, order, payment.clone(), source).await?;
        let payment = matches!(rest, Rest::Nothing).then_some(payment);
        Ok(Settled { payment, rest, ..Settled::nothing(order) })
    }

    /// What follows for an order from a payment that has just come to be as it is.
    async fn follow_in_txn(
        &self,
        tx: &Tx,
        order: Order,
        payment: Payment,
        source: Source<'_>,
    ) -> Result<(Order, Rest), OrderError> {
        let found_out = matches!(source, Source::Found(_)).then_some(FOUND_OUT);
        let viewer = &if let Source::Told(viewer) = source { viewer } else { Viewer::System };
        match payment.state {
            PaymentState::Authorized | PaymentState::Captured => {
                self.receive_in_txn(tx, order, payment).await
            }
            // The order is paid otherwise.
            PaymentState::Surplus => {
                let rest = self.open_full_refund_in_txn(tx, &payment, None).await?;
                Ok((order, rest))
            }
            // The payer can do nothing for a dead order any more.
            PaymentState::ActionRequired if order.status == OrderStatus::Cancelled => {
                let rest = self.give_back_in_txn(tx, payment).await?;
                Ok((order, rest))
            }
            // The provider let go of money that the order lived on.
            state if state.is_over() && order.status == OrderStatus::Authorized => {
                let reason = payment.void_reason.as_deref().unwrap_or("PAYMENT_VOIDED");
                let set = Changes::because(reason);
                let step = Step::new(EventKind::Cancelled, OrderStatus::Cancelled, viewer);
                let step = Step { set, note: found_out, ..step };
                let order = self.step_in_txn(tx, &order, step).await?;
                self.release_in_txn(tx, order.id).await?;
                Ok((order, Rest::Nothing))
            }
            state if state.is_over() && order.status == OrderStatus::PendingPayment => {
                let note = payment.failure_code.as_deref().or(payment.void_reason.as_deref());
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
        match order.status {
            OrderStatus::PendingPayment => {
                let step = received(&payment);
                if !self.serve_in_txn(tx, &order).await? {
                    // The money came late, and what it was for is sold.
                    tracing::warn!(order = %order.number, "late money goes back: nothing is left");
                    let set = Changes::because("EXPIRED");
                    let step =
                        Step::new(EventKind::Expired, OrderStatus::Cancelled, &Viewer::System);
                    let order = self.step_in_txn(tx, &order, Step { set, ..step }).await?;
                    self.release_in_txn(tx, order.id).await?;
                    return Ok((order, self.give_back_in_txn(tx, payment).await?));
                }
                let order = self.confirm_in_txn(tx, &order, step).await?;
                Ok((order, Rest::Nothing))
            }
            OrderStatus::Authorized if paid => {
                let note = (payment.captured < order.total).then_some(PARTLY);
                let step = Step::new(EventKind::Paid, OrderStatus::Paid, &Viewer::System);
                let step = Step { set: Changes::paid(payment.captured), note, ..step };
                Ok((self.step_in_txn(tx, &order, step).await?, Rest::Nothing))
            }
            OrderStatus::Cancelled => {
                let rest = self.give_back_in_txn(tx, payment).await?;
                Ok((order, rest))
            }
            _ => Ok((order, Rest::Nothing)),
        }
    }

    /// Keeps the stock of an order for good; when its hold has ended, takes it once more if it is
    /// there still. False: it is not.
    async fn serve_in_txn(&self, tx: &Tx, order: &Order) -> Result<bool, OrderError> {
        if self.stock.commit_in_txn(tx, order.id).await? > 0 {
            return Ok(true);
        }
        let lines = self.lines_in_txn(tx, order).await?;
        let needed = [needed(order.id, &lines)];
        let reserved = self.stock.reserve_in_txn(tx, &needed, self.policy.hold, None).await?;
        match reserved.into_iter().next() {
            Some(Ok(_)) => Ok(self.stock.commit_in_txn(tx, order.id).await? > 0),
            // These are ended first, then the whole is tried again.
            Some(Err(short)) if short.iter().any(|it| !it.dead_holds.is_empty()) => {
                Err(OrderError::Insufficient(short))
            }
            _ => Ok(false),
        }
    }

    /// The order is as good as paid: its buyer is told.
    pub(super) async fn confirm_in_txn(
        &self,
        tx: &Tx,
        order: &Order,
        step: Step<'_>,
    ) -> Result<Order, OrderError> {
        Self::tell_buyer_in_txn(tx, order.id)?;
        self.step_in_txn(tx, order, step).await
    }

    /// Has the buyer told by mail, once.
    pub(super) fn tell_buyer_in_txn(tx: &Writes, order_id: Uuid) -> Result<(), OrderError> {
        let job = NewJob::new(&Confirmed { order_id });
        Ok(enqueue_later(tx, &job.dedupe(format!("order.confirmed:{order_id}")))?)
    }

    /// Begins to give money back, whatever has become of it so far.
    pub(super) async fn give_back_in_txn(
        &self,
        tx: &Tx,
        payment: Payment,
    ) -> Result<Rest, OrderError> {
        match payment.state {
            PaymentState::Authorized | PaymentState::ActionRequired => {
                let payment = self.payments.open_void_in_txn(tx, payment.id, None).await?;
                self.tell_payment_in_txn(tx, &payment);
                Ok(Rest::Void(payment))
            }
            PaymentState::Captured if payment.refundable() > 0 => {
                self.open_full_refund_in_txn(tx, &payment, None).await
            }
            // Whoever is asking will hear, and settle; then it is given back.
            _ => Ok(Rest::Nothing),
        }
    }

    /// Does outside the transaction what is left of settling what somebody asked for; tells how the
    /// order and its payment stand then.
    pub(super) async fn finish_settled(
        &self,
        settled: Settled,
        payment_id: Uuid,
    ) -> Result<(Order, Payment), OrderError> {
        match settled {
            Settled { order, rest: Rest::Nothing, payment: Some(payment), .. } => {
                Ok((order, payment))
            }
            Settled { order, rest, .. } => {
                let order = self.finish(order, rest).await?;
                Ok((order, self.payments.get(payment_id).await?))
            }
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
                Rest::Ask(payment) => {
                    let outcome = self.learn(&payment).await?;
                    (order, rest) =
                        self.settle_once(&payment, &outcome, Source::Found(&payment)).await?;
                }
                Rest::Void(payment) => {
                    let outcome = self.payments.void(&payment).await;
                    // Who takes the money at this moment leaves something to be given back.
                    let source = Source::Told(Viewer::System);
                    (order, rest) = self.settle_once(&payment, &outcome, source).await?;
                }
                Rest::Refund(payment, refund) => {
                    let outcome = self.payments.refund(&payment, &refund).await;
                    return self.settle_refund(&refund, &outcome).await;
                }
            }
        }
    }
}
