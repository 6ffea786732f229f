//! Settling: the one way by which what is known of a payment comes into its row, be it from an
//! answer, from a webhook or from recovery. Repeated, it changes nothing.

use crate::db::Tx;
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
use entity::payment::{Column, Entity, Model};
use sea_orm::sea_query::{Expr, ExprTrait, Query, UpdateStatement};

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
    /// None: there was nothing new, or somebody else settled it; read it again. That the provider
    /// holds money of an attempt that is over is not believed at once, because answers and webhooks
    /// may be late: recovery asks. `known` is the payment as it was read before: most often it still
    /// is so.
    ///
    /// # Errors
    /// [`PaymentError::NotFound`] when there is no such payment.
    pub async fn settle_in_txn(
        &self,
        tx: &Tx,
        known: &Payment,
        outcome: &Outcome,
    ) -> Result<Option<Payment>, PaymentError> {
        if known.state == PaymentState::Authorizing
            && is_money(outcome)
            && known.can_be(outcome)
            && let Some(there) = known.state.after(outcome)
            && let Some(now) = self.come_in_txn(tx, known, there, outcome).await?
        {
            return Ok(Some(now));
        }
        let payment = self.lock_in_txn(tx, known.id).await?;
        if payment.state.is_over() {
            if is_money(outcome) {
                tracing::warn!(payment = %payment.id, state = payment.state.name(),
                    "money came for a payment that is over");
                wait_in_txn(tx, &payment, Some(TimeDelta::zero())).await?;
            }
            return Ok(None);
        }
        let Some(there) = payment.state.after(outcome) else { return Ok(None) };
        self.come_in_txn(tx, &payment, there, outcome).await
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
            return self.settle_in_txn(tx, &payment, outcome).await;
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
        let mut update = changing(tx, payment, there);
        write_place(&mut update, tx, payment, there);
        let decision = Decision::by(payment.decided_as, there);
        write_decision(&mut update, tx, payment, decision);
        if possible {
            write_outcome(&mut update, payment, there, outcome);
        }
        let row: Option<Model> = tx.one_along(update).await?;
        let Some(row) = row else { return Ok(None) };
        let now = Payment::try_from(row)?;
        if now.step > payment.step {
            keep_in_txn(tx, payment, outcome).await?;
        }
        count_decision_in_txn(tx, payment, &now);
        // What is corrected was counted when it was decided first.
        if let Some(decision) = decision
            && payment.decided_as.is_none()
        {
            tx.after_commit(move || count_decided(decision));
        }
        if there == PaymentState::ManualReview {
            tracing::error!(payment = %payment.id, "nobody can tell what became of a payment");
        }
        Ok(Some(now))
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
    let until = pause.map_or(Expr::value(Option::<crate::db::Timestamp>::None), |pause| {
        tx.db().now_plus_sql(pause)
    });
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
    let mut update = Query::update();
    update
        .table(Entity)
        .value(Column::State, there.name())
        .value(Column::Version, Expr::col(Column::Version).add(1))
        .value(Column::UpdatedAt, tx.db().now_sql())
        .and_where(Expr::col(Column::Id).eq(payment.id))
        .and_where(Expr::col(Column::State).eq(payment.state.name()))
        .and_where(Expr::col(Column::Version).eq(payment.version))
        .returning(Query::returning().all());
    update
}

/// When it is asked about next, and what is not so any more.
fn write_place(update: &mut UpdateStatement, tx: &Tx, payment: &Payment, there: PaymentState) {
    if there.is_under_way() {
        update.value(Column::LeaseUntil, tx.db().now_plus_sql(pause_of(payment, there)));
    } else {
        update.value(Column::LeaseUntil, Option::<crate::db::Timestamp>::None);
    }
    if !matches!(there, PaymentState::Capturing | PaymentState::CaptureUnknown) {
        update.value(Column::Capturing, 0_i64);
    }
    if there != PaymentState::ActionRequired {
        update.value(Column::NextAction, Option::<serde_json::Value>::None);
    }
    if payment.state.is_over() {
        // It failed, and did not after all.
        update
            .value(Column::FailureCode, Option::<String>::None)
            .value(Column::RetryAfterSeconds, Option::<i32>::None);
    }
}

/// How it was decided; the day on which that was first stays.
fn write_decision(
    update: &mut UpdateStatement,
    tx: &Tx,
    payment: &Payment,
    decision: Option<Decision>,
) {
    if let Some(decision) = decision {
        update.value(Column::DecidedAs, decision.name());
        if payment.decided_at.is_none() {
            update.value(Column::DecidedAt, tx.db().now_sql());
        }
    }
}

fn write_outcome(
    update: &mut UpdateStatement,
    payment: &Payment,
    there: PaymentState,
    outcome: &Outcome,
) {
    match outcome {
        Outcome::Authorized { reference } => {
            update
                .value(Column::ProviderReference, reference.as_str())
                .value(Column::Authorized, Expr::col(Column::Amount));
        }
        Outcome::Captured { reference, amount } => {
            if payment.capturing > 0 && payment.capturing != *amount {
                tracing::error!(payment = %payment.id, amount, asked = payment.capturing,
                    "a provider took another amount than it was asked for");
            }
            update
                .value(Column::ProviderReference, reference.as_str())
                .value(Column::Authorized, Expr::col(Column::Amount))
                .value(Column::Captured, *amount);
            if payment.authorized > 0 {
                // What was set aside can be taken in part elsewhere too: then that was asked for.
                let part = (*amount < payment.amount.minor).then_some(*amount);
                update.value(Column::CaptureAsked, part);
            }
        }
        Outcome::Pending { reference, next_action } => {
            update.value(Column::ProviderReference, reference.as_str());
            if there == PaymentState::ActionRequired {
                update.value(Column::NextAction, to_json(next_action));
            }
        }
        Outcome::Declined { code } => {
            update.value(Column::FailureCode, code.as_str());
            next_step(update, there);
        }
        Outcome::Unavailable { retry_after_seconds } => {
            let seconds = i32::try_from(*retry_after_seconds).unwrap_or(i32::MAX);
            update.value(Column::RetryAfterSeconds, seconds);
            next_step(update, there);
        }
        Outcome::Voided | Outcome::Unknown => {}
    }
}

/// What failed for certain is tried under another key the next time.
fn next_step(update: &mut UpdateStatement, there: PaymentState) {
    if there == PaymentState::Authorized {
        update.value(Column::Step, Expr::col(Column::Step).add(1)).value(Column::Attempts, 0_i32);
    }
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
