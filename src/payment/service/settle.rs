//! Settling: the one way by which what is known of a payment comes into its row, be it from an
//! answer, from a webhook or from recovery. Repeated, it changes nothing.

use crate::db::{Timestamp, Tx, Writes};
use crate::payment::attempt::Payment;
use crate::payment::decision::Decision;
use crate::payment::error::PaymentError;
use crate::payment::outcome::Outcome;
use crate::payment::service::refusal::keep_in_txn;
use crate::payment::service::row::to_json;
use crate::payment::service::stats::count_decision_in_txn;
use crate::payment::service::{Payments, pause};
use crate::payment::state::PaymentState;
use crate::telemetry;
use chrono::TimeDelta;
use entity::payment::{Column, Entity};
use sea_orm::sea_query::{Expr, ExprTrait, Query, UpdateStatement};
use uuid::Uuid;

/// When nobody could find out for so long, someone has to look.
const GIVEN_UP_AFTER: TimeDelta = TimeDelta::hours(24);
/// And was asked so often: the first hiccup of a late step is none.
const ASKED_BEFORE: i32 = 3;
/// A payer who has to do something is given time before the provider is asked how it went.
const PAYER_PAUSE: TimeDelta = TimeDelta::seconds(15);
/// What someone has to look at is asked about further, now and then.
const REVIEW_PAUSE: TimeDelta = TimeDelta::hours(1);

impl Payments {
    /// Writes what was told of a payment into its row: by the answer to a call, or by a webhook.
    /// None: there was nothing new. That the provider holds money of an attempt that is over is not
    /// believed at once, because answers and webhooks may be late: recovery asks.
    ///
    /// # Errors
    /// [`PaymentError::NotFound`] when there is no such payment.
    pub async fn settle_in_txn(
        &self,
        tx: &Tx,
        id: Uuid,
        outcome: &Outcome,
    ) -> Result<Option<Payment>, PaymentError> {
        let payment = self.lock_in_txn(tx, id).await?;
        self.settle_locked_in_txn(tx, &payment, outcome).await
    }

    async fn settle_locked_in_txn(
        &self,
        tx: &Tx,
        payment: &Payment,
        outcome: &Outcome,
    ) -> Result<Option<Payment>, PaymentError> {
        if payment.state.is_over() {
            if is_money(outcome) {
                tracing::warn!(payment = %payment.id, state = payment.state.name(),
                    "money came for a payment that is over");
                wait_in_txn(tx, payment, Some(TimeDelta::zero())).await?;
            }
            return Ok(None);
        }
        let Some(there) = payment.state.after(outcome) else { return Ok(None) };
        self.come_in_txn(tx, payment, there, outcome).await
    }

    /// Writes what the provider was found to know by [`Payments::ask`] of a payment as it was then:
    /// the truth of this moment, also of a payment that is over, unless something happened to it
    /// while the provider was asked.
    ///
    /// # Errors
    /// [`PaymentError::NotFound`] when there is no such payment.
    pub async fn settle_found_in_txn(
        &self,
        tx: &Tx,
        asked: &Payment,
        outcome: &Outcome,
    ) -> Result<Option<Payment>, PaymentError> {
        let payment = self.lock_in_txn(tx, asked.id).await?;
        if !payment.state.is_over() {
            return self.settle_locked_in_txn(tx, &payment, outcome).await;
        }
        if (payment.version, payment.lease_until) != (asked.version, asked.lease_until) {
            // It was changed, or there is news of it: the answer may be older than that. What it
            // says of money is asked anew, and nobody's note to ask is taken away.
            if is_money(outcome) {
                wait_in_txn(tx, &payment, Some(TimeDelta::zero())).await?;
            }
            return Ok(None);
        }
        let open = self.open_of_order_in_txn(tx, payment.order_id).await?;
        let pause = match payment.state.late(outcome, open.is_none()) {
            Some(there) if is_possible(&payment, outcome) => {
                return self.come_in_txn(tx, &payment, there, outcome).await;
            }
            // The log has it. Asked again, it would say the same.
            Some(_) => None,
            // It is asked again: nothing stays set aside for what is over.
            None if is_money(outcome) || is_open(outcome) => Some(pause(payment.attempts)),
            None => None,
        };
        wait_in_txn(tx, &payment, pause).await?;
        Ok(None)
    }

    async fn come_in_txn(
        &self,
        tx: &Tx,
        payment: &Payment,
        there: PaymentState,
        outcome: &Outcome,
    ) -> Result<Option<Payment>, PaymentError> {
        let possible = is_possible(payment, outcome);
        let there = match possible {
            true if there == payment.state && is_old(tx, payment) => there.given_up(),
            true => there,
            // A figure that cannot be is not written anywhere: someone has to look.
            false if payment.state.leads_to(PaymentState::ManualReview) => {
                PaymentState::ManualReview
            }
            false => payment.state,
        };
        if there == payment.state && !(possible && is_news(payment, outcome)) {
            wait_in_txn(tx, payment, Some(pause_of(payment, there))).await?;
            return Ok(None);
        }
        let now = told(payment, there, possible.then_some(outcome), tx.clock().await?);
        if tx.run(&writing(payment, &now)).await? == 0 {
            return Ok(None);
        }
        if now.step > payment.step {
            keep_in_txn(tx, payment, outcome).await?;
        }
        count_in_txn(tx, payment, &now);
        if there == PaymentState::ManualReview {
            tracing::error!(payment = %payment.id, "nobody can tell what became of a payment");
        }
        Ok(Some(now))
    }

    /// The payment as it will be when the provider says of an attempt, which is as it was opened, that it
    /// holds the money. None: it does not say so, or cannot have it.
    #[must_use]
    pub fn paid(opened: &Payment, outcome: &Outcome, at: Timestamp) -> Option<Payment> {
        let is_new = opened.state == PaymentState::Authorizing && opened.decided_as.is_none();
        if !(is_new && is_money(outcome) && opened.can_be(outcome)) {
            return None;
        }
        Some(told(opened, opened.state.after(outcome)?, Some(outcome), at))
    }

    /// The statement that makes of an attempt what [`Payments::paid`] says it will be, for who sends it
    /// with others: it touches no row when the attempt is not as it was opened. It is counted when that is
    /// committed.
    #[must_use]
    pub fn paying_in_txn(tx: &Writes, opened: &Payment, paid: &Payment) -> UpdateStatement {
        count_in_txn(tx, opened, paid);
        writing(opened, paid)
    }
}

/// Counts a decision.
fn count_in_txn(tx: &Writes, before: &Payment, now: &Payment) {
    count_decision_in_txn(tx, before, now);
    // What is corrected was counted when it was decided first.
    if let Some(decision) = now.decided_as
        && before.decided_as.is_none()
    {
        tx.after_commit(move || count_decided(decision));
    }
}

/// Whether the provider says that it holds money.
const fn is_money(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Authorized { .. } | Outcome::Captured { .. })
}

/// Whether the provider may still come to hold money, as far as is known.
const fn is_open(outcome: &Outcome) -> bool {
    match outcome {
        Outcome::Unknown | Outcome::Pending { .. } => true,
        Outcome::Unavailable { retry_after_seconds } => *retry_after_seconds > 0,
        _ => false,
    }
}

/// Whether as much was taken as can have been.
fn is_possible(payment: &Payment, outcome: &Outcome) -> bool {
    let possible = payment.can_be(outcome);
    if !possible {
        tracing::error!(payment = %payment.id, ?outcome, asked = payment.amount.minor,
            "a provider took what it was not asked for");
    }
    possible
}

/// Whether a payment that stays where it is has something else to show.
fn is_news(payment: &Payment, outcome: &Outcome) -> bool {
    let Outcome::Pending { reference, next_action } = outcome else { return false };
    let waits = payment.state == PaymentState::ActionRequired;
    (waits && payment.next_action.as_ref() != Some(next_action))
        || payment.provider_reference.as_deref() != Some(reference)
}

/// Nothing new is known: only when to ask next. Nobody is told, and the version stays.
async fn wait_in_txn(
    tx: &Tx,
    payment: &Payment,
    pause: Option<TimeDelta>,
) -> Result<(), PaymentError> {
    let until =
        pause.map_or(Expr::value(Option::<Timestamp>::None), |pause| tx.db().now_plus_sql(pause));
    let mut update = Query::update();
    update
        .table(Entity)
        .value(Column::LeaseUntil, until)
        .and_where(Expr::col(Column::Id).eq(payment.id))
        .and_where(Expr::col(Column::State).eq(payment.state.name()));
    if payment.state.is_over() && payment.lease_until.is_none() {
        update.value(Column::Attempts, 0_i32);
    }
    tx.run(&update).await?;
    Ok(())
}

/// How long until a payment is asked about again when it stands there.
fn pause_of(payment: &Payment, there: PaymentState) -> TimeDelta {
    match there {
        PaymentState::ManualReview => REVIEW_PAUSE,
        PaymentState::ActionRequired => pause(payment.attempts).max(PAYER_PAUSE),
        _ => pause(payment.attempts),
    }
}

/// An update of a payment that is as it was read, to another state or again to the same.
pub(super) fn changing(tx: &Tx, payment: &Payment, there: PaymentState) -> UpdateStatement {
    let mut update = guarded(payment, there);
    update.value(Column::UpdatedAt, tx.db().now_sql()).returning(Query::returning().all());
    update
}

fn guarded(payment: &Payment, there: PaymentState) -> UpdateStatement {
    let mut update = Query::update();
    update
        .table(Entity)
        .value(Column::State, there.name())
        .value(Column::Version, Expr::col(Column::Version).add(1))
        .and_where(Expr::col(Column::Id).eq(payment.id))
        .and_where(Expr::col(Column::State).eq(payment.state.name()))
        .and_where(Expr::col(Column::Version).eq(payment.version));
    update
}

/// A payment as it is from this moment on: it came there, and this is known of it. None: what was told
/// cannot be, and stands nowhere.
fn told(
    payment: &Payment,
    there: PaymentState,
    outcome: Option<&Outcome>,
    at: Timestamp,
) -> Payment {
    let mut now = Payment {
        state: there,
        version: payment.version.saturating_add(1),
        updated_at: at,
        lease_until: there.is_under_way().then(|| at + pause_of(payment, there)),
        ..payment.clone()
    };
    if !matches!(there, PaymentState::Capturing | PaymentState::CaptureUnknown) {
        now.capturing = 0;
    }
    if there != PaymentState::ActionRequired {
        now.next_action = None;
    }
    if payment.state.is_over() {
        // It failed, and did not after all.
        (now.failure_code, now.retry_after_seconds) = (None, None);
    }
    if let Some(decision) = Decision::by(payment.decided_as, there) {
        // The day on which that was first stays.
        (now.decided_as, now.decided_at) = (Some(decision), payment.decided_at.or(Some(at)));
    }
    if let Some(outcome) = outcome {
        tell(&mut now, payment, outcome);
    }
    now
}

/// What the provider said, into the payment as it is from now on.
fn tell(now: &mut Payment, payment: &Payment, outcome: &Outcome) {
    match outcome {
        Outcome::Authorized { reference } => {
            now.provider_reference = Some(reference.clone());
            now.authorized = payment.amount.minor;
        }
        Outcome::Captured { reference, amount } => {
            if payment.capturing > 0 && payment.capturing != *amount {
                tracing::error!(payment = %payment.id, amount, asked = payment.capturing,
                    "a provider took another amount than it was asked for");
            }
            now.provider_reference = Some(reference.clone());
            now.authorized = payment.amount.minor;
            now.captured = *amount;
            if payment.authorized > 0 {
                // What was set aside can be taken in part elsewhere too: then that was asked for.
                now.capture_asked = (*amount < payment.amount.minor).then_some(*amount);
            }
        }
        Outcome::Pending { reference, next_action } => {
            now.provider_reference = Some(reference.clone());
            if now.state == PaymentState::ActionRequired {
                now.next_action = Some(next_action.clone());
            }
        }
        Outcome::Declined { code } => {
            now.failure_code = Some(code.clone());
            next_step(now);
        }
        Outcome::Unavailable { retry_after_seconds } => {
            now.retry_after_seconds = Some(*retry_after_seconds);
            next_step(now);
        }
        Outcome::Voided | Outcome::Unknown => {}
    }
}

/// What failed for certain is tried under another key the next time.
const fn next_step(now: &mut Payment) {
    if matches!(now.state, PaymentState::Authorized) {
        now.step = now.step.saturating_add(1);
        now.attempts = 0;
    }
}

/// The update that makes the one of the other, if that is as it was read.
fn writing(before: &Payment, now: &Payment) -> UpdateStatement {
    let seconds = now.retry_after_seconds.map(|it| i32::try_from(it).unwrap_or(i32::MAX));
    let mut update = guarded(before, now.state);
    update
        .value(Column::UpdatedAt, now.updated_at)
        .value(Column::LeaseUntil, now.lease_until)
        .value(Column::Authorized, now.authorized)
        .value(Column::Capturing, now.capturing)
        .value(Column::Captured, now.captured)
        .value(Column::CaptureAsked, now.capture_asked)
        .value(Column::ProviderReference, now.provider_reference.as_deref())
        .value(Column::NextAction, now.next_action.as_ref().map(to_json))
        .value(Column::FailureCode, now.failure_code.as_deref())
        .value(Column::RetryAfterSeconds, seconds)
        .value(Column::DecidedAs, now.decided_as.map(Decision::name))
        .value(Column::DecidedAt, now.decided_at);
    if now.step != before.step {
        // Else whoever takes it up may have counted meanwhile.
        update.value(Column::Step, now.step).value(Column::Attempts, now.attempts);
    }
    update
}

fn is_old(tx: &Tx, payment: &Payment) -> bool {
    // By this process's clock: minutes are of no account here.
    tx.db().now() - payment.created_at > GIVEN_UP_AFTER && payment.attempts >= ASKED_BEFORE
}

fn count_decided(decision: Decision) {
    telemetry::count(match decision {
        Decision::Succeeded => telemetry::PAYMENTS_SUCCEEDED,
        Decision::Declined => telemetry::PAYMENTS_DECLINED,
        Decision::Failed => telemetry::PAYMENTS_FAILED,
    });
}
