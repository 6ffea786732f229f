//! What staff do with the payment of an order: take the money, let go of it, give it back, and ask
//! the provider what it knows. One transaction that begins it, the call, one that settles it.

use crate::audit::{AuditAction, AuditSubject, NewAuditEvent, record_in_txn};
use crate::auth::{Permission, Viewer};
use crate::db::{Timestamp, Tx};
use crate::idempotency::IdempotencyKey;
use crate::money::Money;
use crate::order::service::asked::{Asked, Judge, Kept, claim_in_txn};
use crate::order::service::capture::verdict;
use crate::order::service::keyed::bind;
use crate::order::service::{Orders, lock_in_txn};
use crate::order::till::reason;
use crate::order::{CaptureAsk, Dealt, Order, OrderError, PayBack, RefundAsk, VoidAsk};
use crate::payment::{
    Outcome, Payment, PaymentError, PaymentState, PaymentStatus, Refund, RefundState,
};
use crate::validation::{Problem, ProblemKind};
use std::time::Duration;
use tokio::time::Instant;
use uuid::Uuid;

/// The first pause of whoever waits for the first use of a key; each further one is longer.
const FIRST_PAUSE: Duration = Duration::from_millis(10);
const LONGEST_PAUSE: Duration = Duration::from_millis(200);
/// How long it waits: a provider answers within that, or nobody knows.
const PATIENCE: Duration = Duration::from_secs(4);

/// A key was used before, or the provider can be asked now.
enum Opened<T> {
    Earlier(Kept),
    New(T),
}

impl Orders {
    /// Takes money that is set aside, all of it or a part; the rest is given up.
    ///
    /// # Errors
    /// [`OrderError::Payment`] when none is set aside, [`OrderError::Invalid`] for an amount that
    /// cannot be, [`OrderError::Declined`] and [`OrderError::Unavailable`]: nothing was taken.
    pub async fn capture(&self, viewer: &Viewer, ask: &CaptureAsk) -> Result<Dealt, OrderError> {
        viewer.may(Permission::PaymentWrite)?;
        let key = bind(viewer, "paymentCapture", ask.idempotency_key.as_deref(), ask)?;
        let order_id = self.order_of(ask.payment_id).await?;
        let opening = self.db.tx(|tx| {
            let (orders, ask, key) = (self.clone(), ask.clone(), key.clone());
            async move {
                if let Some(kept) = claim_in_txn(&tx, key.as_ref(), ask.payment_id).await? {
                    return Ok(Opened::Earlier(kept));
                }
                lock_in_txn(&tx, order_id).await?;
                let payment = orders.payments.lock_in_txn(&tx, ask.payment_id).await?;
                check_amount(&payment, &ask)?;
                let opened = orders.open_capture_in_txn(&tx, &payment, ask.amount).await?;
                if let Some(key) = &key {
                    let kept = Kept { step: Some(opened.step), ..Kept::of(opened.id) };
                    key.record_in_txn(&tx, &kept).await?;
                }
                Ok::<_, OrderError>(Opened::New(opened))
            }
        });
        let begun = match opening.await? {
            Opened::Earlier(kept) => {
                self.settled(&kept, PaymentState::Capturing).await?;
                return self.dealt_before(Asked { key, judge: Judge::Till(verdict) }, kept).await;
            }
            Opened::New(payment) => payment,
        };
        let outcome = self.payments.capture(&begun).await;
        self.tell(viewer, (&begun, &outcome), Asked { key, judge: Judge::Till(verdict) }).await
    }

    /// Lets go of money that is set aside, or of an attempt that waits for its payer. An order that
    /// lived on it is cancelled. An attempt that someone had to look at, and of which the provider
    /// says what cannot be, is closed by whoever gives a reason.
    ///
    /// # Errors
    /// [`OrderError::Payment`] when nothing is set aside, or it was taken at this moment.
    pub async fn void(&self, viewer: &Viewer, ask: &VoidAsk) -> Result<Dealt, OrderError> {
        viewer.may(Permission::PaymentWrite)?;
        let reason = reason(ask.reason.as_deref())?;
        let key = bind(viewer, "paymentVoid", ask.idempotency_key.as_deref(), ask)?;
        let order_id = self.order_of(ask.payment_id).await?;
        let opening = self.db.tx(|tx| {
            let (orders, key, reason) = (self.clone(), key.clone(), reason.clone());
            let (payment_id, viewer) = (ask.payment_id, *viewer);
            async move {
                if let Some(kept) = claim_in_txn(&tx, key.as_ref(), payment_id).await? {
                    return Ok(Opened::Earlier(kept));
                }
                lock_in_txn(&tx, order_id).await?;
                let before = orders.payments.lock_in_txn(&tx, payment_id).await?;
                let closes = before.state == PaymentState::ManualReview && reason.is_some();
                let payment = orders.open_void_in_txn(&tx, payment_id, reason.as_deref()).await?;
                // Whoever carries it out, which may be recovery.
                let asked = about(AuditAction::PaymentVoided, &before);
                record_in_txn(&tx, &viewer, asked).await?;
                Ok::<_, OrderError>(Opened::New((payment, closes)))
            }
        });
        let (begun, closes) = match opening.await? {
            Opened::Earlier(kept) => {
                self.settled(&kept, PaymentState::Voiding).await?;
                return self.dealt_before(Asked { key, judge: Judge::Till(let_go) }, kept).await;
            }
            Opened::New(opened) => opened,
        };
        let outcome = match self.payments.void(&begun).await {
            // Nothing else would ever come of it: whoever looked settles it with the provider.
            told if closes && !begun.can_be(&told) => {
                tracing::warn!(payment = %begun.id, ?told, "a payment was closed by hand");
                Outcome::Voided
            }
            told => told,
        };
        self.tell(viewer, (&begun, &outcome), Asked { key, judge: Judge::Till(let_go) }).await
    }

    async fn open_void_in_txn(
        &self,
        tx: &Tx,
        payment_id: Uuid,
        reason: Option<&str>,
    ) -> Result<Payment, OrderError> {
        let payment = self.payments.lock_in_txn(tx, payment_id).await?;
        let opened = self.payments.open_void_in_txn(tx, payment_id, reason).await;
        let opened = opened.map_err(|error| match error {
            PaymentError::InvalidState { state } if state.is_under_way() => {
                OrderError::PaymentInProgress
            }
            PaymentError::InvalidState { state } => OrderError::Payment {
                from: payment.status(),
                to: PaymentStatus::Voided,
                because: if state.is_taken() { TAKEN } else { "" },
            },
            error => error.into(),
        })?;
        self.tell_payment_in_txn(tx, &opened);
        Ok(opened)
    }

    /// Gives money back: a part, what was paid for some pieces, or all that is left.
    ///
    /// # Errors
    /// [`OrderError::RefundAmount`] for more than is left, or nothing; [`OrderError::Payment`] when
    /// no money was taken; [`OrderError::Declined`] when the provider refuses.
    pub async fn pay_back(&self, viewer: &Viewer, ask: &PayBack) -> Result<Dealt, OrderError> {
        viewer.may(Permission::PaymentWrite)?;
        let reason = reason(ask.reason.as_deref())?;
        let key = Some(ask.idempotency_key.as_str());
        let key = bind(viewer, "paymentRefund", key, ask)?;
        let order_id = self.order_of(ask.payment_id).await?;
        let ask = RefundAsk {
            payment_id: Some(ask.payment_id),
            of: ask.of.clone(),
            restock: ask.restock,
            reason,
            // The idempotency key sees to it that it is asked for once.
            key: format!("asked:{}", Uuid::now_v7()),
        };
        let opening = self.db.tx(|tx| {
            let (orders, ask, key) = (self.clone(), ask.clone(), key.clone());
            async move { orders.open_pay_back_in_txn(&tx, order_id, &ask, key.as_ref()).await }
        });
        match opening.await? {
            Opened::Earlier(kept) => {
                let Some(refund_id) = kept.refund_id else {
                    return Err(OrderError::fault("a key remembers no refund"));
                };
                let refund = self.refund_settled(refund_id).await?;
                let order = self.get(order_id).await?;
                let dealt = self.paid_back(order, &refund).await?;
                Ok(Dealt { replayed: true, ..dealt })
            }
            Opened::New((order, payment, refund)) => {
                let (order, refund) = self.give(order, &payment, &refund).await?;
                self.paid_back(order, &refund).await
            }
        }
    }

    async fn open_pay_back_in_txn(
        &self,
        tx: &Tx,
        order_id: Uuid,
        ask: &RefundAsk,
        key: Option<&IdempotencyKey>,
    ) -> Result<Opened<(Order, Payment, Refund)>, OrderError> {
        let payment_id = ask.payment_id.unwrap_or_default();
        if let Some(kept) = claim_in_txn(tx, key, payment_id).await? {
            return Ok(Opened::Earlier(kept));
        }
        let order = lock_in_txn(tx, order_id).await?.ok_or_else(unknown_payment)?;
        let Some((payment, refund)) = self.open_refund_ask_in_txn(tx, &order, ask).await? else {
            return Err(OrderError::fault("a new refund was asked for before"));
        };
        if let Some(key) = key {
            let kept = Kept { refund_id: Some(refund.id), ..Kept::of(payment_id) };
            key.record_in_txn(tx, &kept).await?;
        }
        Ok(Opened::New((order, payment, refund)))
    }

    async fn paid_back(&self, order: Order, refund: &Refund) -> Result<Dealt, OrderError> {
        if refund.state == RefundState::Failed {
            let code = refund.failure_code.clone().unwrap_or_else(|| "refused".to_owned());
            return Err(OrderError::Declined { code });
        }
        let payment = self.payments.get(refund.payment_id).await?;
        Ok(Dealt { order, payment, pending: refund.state.is_under_way(), replayed: false })
    }

    /// Asks the provider what it knows of a payment, now, and writes it down: of one that is not
    /// decided, that someone has to look at, or that is over. Repeated, it changes nothing.
    ///
    /// # Errors
    /// [`OrderError::PaymentInProgress`] while whoever began it has not been answered.
    pub async fn check(&self, viewer: &Viewer, payment_id: Uuid) -> Result<Dealt, OrderError> {
        viewer.may(Permission::PaymentWrite)?;
        self.order_of(payment_id).await?;
        let payment = self.payments.get(payment_id).await?;
        if is_at_work(&payment, self.db.now()) {
            return Err(OrderError::PaymentInProgress);
        }
        let order = if payment.state.is_taken() {
            self.get(payment.order_id).await?
        } else {
            // Before, so that nothing is found out of which nobody knows who asked.
            let asking = self.db.tx(|tx| {
                let (viewer, asked) = (*viewer, about(AuditAction::PaymentChecked, &payment));
                async move { record_in_txn(&tx, &viewer, asked).await }
            });
            asking.await?;
            let outcome = self.learn(&payment).await?;
            self.settle_found(&payment, &outcome).await?
        };
        let payment = self.payments.get(payment_id).await?;
        let pending = payment.state.is_under_way();
        Ok(Dealt { order, payment, pending, replayed: false })
    }

    /// Which order a payment is of.
    async fn order_of(&self, payment_id: Uuid) -> Result<Uuid, OrderError> {
        match self.payments.get(payment_id).await {
            Ok(payment) => Ok(payment.order_id),
            Err(PaymentError::NotFound) => Err(unknown_payment()),
            Err(error) => Err(error.into()),
        }
    }

    /// Waits until whoever began it was answered, for a while.
    pub(super) async fn settled(
        &self,
        kept: &Kept,
        working: PaymentState,
    ) -> Result<(), OrderError> {
        let deadline = Instant::now() + PATIENCE;
        let mut pause = FIRST_PAUSE;
        while Instant::now() < deadline {
            let payment = self.payments.get(kept.payment_id).await?;
            if payment.state != working || !is_at_work(&payment, self.db.now()) {
                return Ok(());
            }
            tokio::time::sleep(pause).await;
            pause = LONGEST_PAUSE.min(pause * 2);
        }
        Ok(())
    }

    /// The refund, once whoever began it was answered, or after a while.
    pub(super) async fn refund_settled(&self, refund_id: Uuid) -> Result<Refund, OrderError> {
        let deadline = Instant::now() + PATIENCE;
        let mut pause = FIRST_PAUSE;
        loop {
            let refund = self.payments.get_refund(refund_id).await?;
            let waits = refund.state == RefundState::Pending && refund.attempts == 0;
            if !waits || Instant::now() >= deadline {
                return Ok(refund);
            }
            tokio::time::sleep(pause).await;
            pause = LONGEST_PAUSE.min(pause * 2);
        }
    }
}

/// That this was done about a payment that stands so.
fn about(action: AuditAction, payment: &Payment) -> NewAuditEvent {
    NewAuditEvent::new(action, AuditSubject::Payment(payment.id)).old_value(payment.state.name())
}

const TAKEN: &str = "The money was taken: give it back with paymentRefund.";

/// Whether whoever began it may still be waiting for the provider.
fn is_at_work(payment: &Payment, now: Timestamp) -> bool {
    let calls = matches!(
        payment.state,
        PaymentState::Authorizing | PaymentState::Capturing | PaymentState::Voiding
    );
    calls && payment.lease_until.is_some_and(|until| until > now)
}

/// Whether nothing is set aside any more.
fn let_go(payment: &Payment) -> Result<(), OrderError> {
    match payment.state {
        state if state.is_over() => Ok(()),
        state if state.is_taken() => Err(OrderError::Payment {
            from: payment.status(),
            to: PaymentStatus::Voided,
            because: TAKEN,
        }),
        _ => Err(OrderError::PaymentInProgress),
    }
}

fn check_amount(payment: &Payment, ask: &CaptureAsk) -> Result<(), OrderError> {
    let Some(amount) = ask.amount else { return Ok(()) };
    let (kind, message) = if amount.currency != payment.amount.currency {
        let message = format!("The payment was made in {}.", payment.amount.currency.code());
        (ProblemKind::CurrencyMismatch, message)
    } else if payment.authorized > 0 && !(1..=payment.authorized).contains(&amount.minor) {
        let most = Money { minor: payment.authorized, ..payment.amount };
        let message = format!(
            "More than nothing and at most {} {} can be taken.",
            most.amount(),
            most.currency
        );
        (ProblemKind::OutOfRange, message)
    } else {
        return Ok(());
    };
    Err(Problem::new(kind, ["amount"], message).into())
}

fn unknown_payment() -> OrderError {
    Problem::new(ProblemKind::NotFound, ["paymentId"], "There is no such payment.").into()
}
