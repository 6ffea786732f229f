//! Captures that were refused, each under the number of its try: the payment's row tells of the last
//! one alone, and whoever asked for an earlier one is told what came of that.

use crate::db::{DbError, Tx};
use crate::payment::attempt::Payment;
use crate::payment::error::PaymentError;
use crate::payment::outcome::Outcome;
use crate::payment::service::Payments;
use entity::capture_refusal::{Column, Entity, Model};
use sea_orm::sea_query::{Asterisk, Expr, ExprTrait, Query, SelectStatement};

impl Payments {
    /// What became of an earlier try to take the money, when it came to nothing: declined, or the
    /// provider could not be asked. None: this try is not over, or is the one that the payment's row
    /// tells of.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn refused(
        &self,
        payment: &Payment,
        step: i32,
    ) -> Result<Option<Outcome>, PaymentError> {
        if !is_over(payment, step) {
            return Ok(None);
        }
        let row: Option<Model> = self.db.one(&select(payment, step)).await?;
        Ok(Some(outcome(row)))
    }

    /// The same, of a payment that is locked.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn refused_in_txn(
        &self,
        tx: &Tx,
        payment: &Payment,
        step: i32,
    ) -> Result<Option<Outcome>, PaymentError> {
        if !is_over(payment, step) {
            return Ok(None);
        }
        let row: Option<Model> = tx.one(&select(payment, step)).await?;
        Ok(Some(outcome(row)))
    }
}

/// A payment goes on to the next number when a capture has failed for certain, and only then.
const fn is_over(payment: &Payment, step: i32) -> bool {
    payment.step > step
}

fn select(payment: &Payment, step: i32) -> SelectStatement {
    let mut select = Query::select();
    select
        .column(Asterisk)
        .from(Entity)
        .and_where(Expr::col(Column::PaymentId).eq(payment.id))
        .and_where(Expr::col(Column::Step).eq(step));
    select
}

/// A release that kept none has settled it when there is no row: then nothing is known but that the
/// money was not taken.
fn outcome(row: Option<Model>) -> Outcome {
    let (code, seconds) = row.map_or((None, None), |it| (it.failure_code, it.retry_after_seconds));
    match code {
        Some(code) => Outcome::Declined { code },
        None => Outcome::Unavailable {
            retry_after_seconds: seconds.and_then(|it| u32::try_from(it).ok()).unwrap_or_default(),
        },
    }
}

/// Keeps what a try came to that was refused, as it is settled.
pub(super) async fn keep_in_txn(
    tx: &Tx,
    refused: &Payment,
    outcome: &Outcome,
) -> Result<(), DbError> {
    let (code, seconds) = match outcome {
        Outcome::Declined { code } => (Some(code.as_str()), None),
        Outcome::Unavailable { retry_after_seconds } => {
            (None, Some(i32::try_from(*retry_after_seconds).unwrap_or(i32::MAX)))
        }
        _ => return Ok(()),
    };
    let mut insert = Query::insert();
    insert
        .into_table(Entity)
        .columns([
            Column::PaymentId,
            Column::Step,
            Column::FailureCode,
            Column::RetryAfterSeconds,
            Column::RefusedAt,
        ])
        .values_panic([
            Expr::value(refused.id),
            Expr::value(refused.step),
            Expr::value(code),
            Expr::value(seconds),
            tx.db().now_sql(),
        ]);
    tx.run(&insert).await?;
    Ok(())
}
