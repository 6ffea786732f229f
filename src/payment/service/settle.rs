//! Settling: the one way by which what is known of a payment comes into its row, be it from an
//! answer, from a webhook or from recovery. Repeated, it changes nothing.

use crate::db::Tx;
use crate::payment::attempt::Payment;
use crate::payment::error::PaymentError;
use crate::payment::outcome::Outcome;
use crate::payment::service::row::to_json;
use crate::payment::service::{Payments, pause};
use crate::payment::state::PaymentState;
use crate::telemetry;
use chrono::TimeDelta;
use entity::payment::{Column, Entity, Model};
use sea_orm::sea_query::{Expr, ExprTrait, Query, UpdateStatement};
use uuid::Uuid;

/// When nobody could find out for so long, someone has to look.
const GIVEN_UP_AFTER: TimeDelta = TimeDelta::hours(24);
/// And was asked so often: the first hiccup of a late step is none.
const ASKED_BEFORE: i32 = 3;
/// A payer who has to do something is given time before the provider is asked how it went.
const PAYER_PAUSE: TimeDelta = TimeDelta::seconds(15);

impl Payments {
    /// Writes what is known of a payment into its row. None: the row knew already, or somebody else
    /// settled it; read it again.
    ///
    /// # Errors
    /// [`PaymentError::NotFound`] when there is no such payment.
    pub async fn settle_in_txn(
        &self,
        tx: &Tx,
        payment_id: Uuid,
        outcome: &Outcome,
    ) -> Result<Option<Payment>, PaymentError> {
        let payment = self.lock_in_txn(tx, payment_id).await?;
        let Some(there) = payment.state.after(outcome) else {
            note_surprise(&payment, outcome);
            return Ok(None);
        };
        let there =
            if there == payment.state && is_old(tx, &payment) { there.given_up() } else { there };
        let mut update = changing(tx, &payment, there);
        write_outcome(&mut update, tx, &payment, there, outcome);
        let row: Option<Model> = tx.one(&update).await?;
        let Some(row) = row else { return Ok(None) };
        if payment.state.is_undecided() && !there.is_undecided() {
            tx.after_commit(move || count_decided(there));
        }
        if there == PaymentState::ManualReview {
            tracing::error!(payment = %payment.id, "nobody can tell what became of a payment");
        }
        Payment::try_from(row).map(Some)
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

fn write_outcome(
    update: &mut UpdateStatement,
    tx: &Tx,
    payment: &Payment,
    there: PaymentState,
    outcome: &Outcome,
) {
    let db = tx.db();
    if there.is_under_way() {
        let payer = there == PaymentState::ActionRequired;
        let pause =
            pause(payment.attempts).max(if payer { PAYER_PAUSE } else { TimeDelta::zero() });
        update.value(Column::LeaseUntil, db.now_plus_sql(pause));
    } else {
        update.value(Column::LeaseUntil, Option::<crate::db::Timestamp>::None);
    }
    if !matches!(there, PaymentState::Capturing | PaymentState::CaptureUnknown) {
        update.value(Column::Capturing, 0_i64);
    }
    if there != PaymentState::ActionRequired {
        update.value(Column::NextAction, Option::<serde_json::Value>::None);
    }
    match outcome {
        Outcome::Authorized { reference } => {
            update
                .value(Column::ProviderReference, reference.as_str())
                .value(Column::Authorized, Expr::col(Column::Amount));
        }
        Outcome::Captured { reference, amount } => {
            update
                .value(Column::ProviderReference, reference.as_str())
                .value(Column::Authorized, Expr::col(Column::Amount))
                .value(Column::Captured, *amount);
        }
        Outcome::Pending { reference, next_action } => {
            update
                .value(Column::ProviderReference, reference.as_str())
                .value(Column::NextAction, to_json(next_action));
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

fn count_decided(there: PaymentState) {
    match there {
        PaymentState::Declined => telemetry::count(telemetry::PAYMENTS_DECLINED),
        PaymentState::Unavailable => telemetry::count(telemetry::PAYMENTS_FAILED),
        PaymentState::Authorized | PaymentState::Captured => {
            telemetry::count(telemetry::PAYMENTS_SUCCEEDED);
        }
        _ => {}
    }
}

/// Money that moved in a payment that is over: no later step will find it, so it is told now.
fn note_surprise(payment: &Payment, outcome: &Outcome) {
    let moved = matches!(outcome, Outcome::Authorized { .. } | Outcome::Captured { .. });
    if moved && payment.state.is_over() {
        tracing::error!(payment = %payment.id, state = payment.state.name(),
            "a provider holds money of a payment that is over");
    }
}
