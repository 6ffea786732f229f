//! Charging, and what becomes of a charge that waits for its payer.

use crate::db::{DbError, Tx};
use crate::payment::provider::{Authorization, AuthorizeRequest, ProviderError};
use crate::payment::sandbox::method::Method;
use crate::payment::sandbox::service::once::{Earlier, answer_in_txn, claim_in_txn, keep_in_txn};
use crate::payment::sandbox::service::{
    Charge, ChargeState, Ledger, Refusal, broken, find_in_txn, note_in_txn, waiting,
};
use entity::sandbox_charge::{Column, Entity, Model};
use sea_orm::sea_query::{Expr, ExprTrait, OnConflict, Query};
use uuid::Uuid;

/// A charge to write down.
pub(super) struct NewCharge<'a> {
    pub(super) payment_id: Uuid,
    pub(super) method: &'a str,
    pub(super) currency: &'a str,
    pub(super) amount: i64,
    pub(super) capture_at_once: bool,
    pub(super) state: ChargeState,
    pub(super) decline_code: Option<&'a str>,
}

impl Ledger {
    /// Charges, or declines, or waits, by the method.
    pub async fn charge(
        &self,
        request: &AuthorizeRequest,
        method: Method,
    ) -> Result<Authorization, ProviderError> {
        let done = self.db.tx(|tx| async move { charge_in_txn(&tx, request, method).await }).await;
        done.map_err(ProviderError::from)
    }

    /// The payer of a charge that waits confirms, or gives up. Gives the body of the webhook that
    /// tells so; None when nothing waits.
    pub async fn decide(
        &self,
        payment_id: Uuid,
        confirms: bool,
    ) -> Result<Option<String>, DbError> {
        self.db.tx(|tx| async move { decide_in_txn(&tx, payment_id, confirms).await }).await
    }
}

async fn charge_in_txn(
    tx: &Tx,
    request: &AuthorizeRequest,
    method: Method,
) -> Result<Authorization, Refusal> {
    let key = &request.idempotency_key;
    let (state, decline_code) = fate(method, request.capture);
    let new = NewCharge {
        payment_id: request.payment_id,
        method: &request.method,
        currency: request.amount.currency.code(),
        amount: request.amount.minor,
        capture_at_once: request.capture,
        state,
        decline_code,
    };
    // The usual case first: whoever comes second for a payment waits here, and finds its charge.
    if let Some(charge) = insert_in_txn(tx, &new).await? {
        let answer = answer(charge);
        answer_in_txn(tx, key, request, &answer).await?;
        return Ok(answer);
    }
    if let Earlier::Answer(answer) = claim_in_txn(tx, key, request).await? {
        return Ok(answer);
    }
    // Under another key, or after it was voided: a payment is charged once.
    let charge = find_in_txn(tx, request.payment_id).await?;
    let answer = answer(charge.ok_or_else(|| broken("a charge came and went"))?);
    keep_in_txn(tx, key, &answer).await?;
    Ok(answer)
}

fn fate(method: Method, capture: bool) -> (ChargeState, Option<&'static str>) {
    let approved = if capture { ChargeState::Captured } else { ChargeState::Authorized };
    match method {
        Method::Declined => (ChargeState::Declined, Some("card_declined")),
        Method::InsufficientFunds => (ChargeState::Declined, Some("insufficient_funds")),
        Method::Pending => (ChargeState::Pending, None),
        Method::Approved | Method::Slow | Method::Timeout | Method::Error | Method::Late => {
            (approved, None)
        }
    }
}

fn answer(charge: Charge) -> Authorization {
    let reference = charge.reference;
    match charge.state {
        ChargeState::Pending => Authorization::Pending { reference, next_action: waiting() },
        ChargeState::Authorized => Authorization::Authorized { reference },
        ChargeState::Captured => Authorization::Captured { reference, amount: charge.captured },
        ChargeState::Declined => {
            Authorization::Declined { code: charge.decline_code.unwrap_or_default() }
        }
        ChargeState::Voided => Authorization::Declined { code: "charge_voided".to_owned() },
    }
}

/// None: there is a charge of this payment.
pub(super) async fn insert_in_txn(tx: &Tx, new: &NewCharge<'_>) -> Result<Option<Charge>, DbError> {
    let captured = if new.state == ChargeState::Captured { new.amount } else { 0 };
    let mut insert = Query::insert();
    insert
        .into_table(Entity)
        .columns([
            Column::Id,
            Column::PaymentId,
            Column::Method,
            Column::Currency,
            Column::Amount,
            Column::CaptureAtOnce,
            Column::State,
            Column::Captured,
            Column::DeclineCode,
            Column::CreatedAt,
            Column::UpdatedAt,
        ])
        .values_panic([
            Expr::value(Uuid::now_v7()),
            Expr::value(new.payment_id),
            Expr::value(new.method),
            Expr::value(new.currency),
            Expr::value(new.amount),
            Expr::value(new.capture_at_once),
            Expr::value(new.state.name()),
            Expr::value(captured),
            Expr::value(new.decline_code.map(str::to_owned)),
            tx.db().now_sql(),
            tx.db().now_sql(),
        ])
        .on_conflict(OnConflict::column(Column::PaymentId).do_nothing().to_owned())
        .returning(Query::returning().all());
    let row: Option<Model> = tx.one(&insert).await?;
    let Some(row) = row else { return Ok(None) };
    let charge = Charge::try_from(row)?;
    note_in_txn(tx, &charge, None)?;
    Ok(Some(charge))
}

async fn decide_in_txn(
    tx: &Tx,
    payment_id: Uuid,
    confirms: bool,
) -> Result<Option<String>, DbError> {
    let Some(charge) = find_in_txn(tx, payment_id).await? else { return Ok(None) };
    let (state, captured, code) = match (confirms, charge.capture_at_once) {
        (true, true) => (ChargeState::Captured, charge.amount, None),
        (true, false) => (ChargeState::Authorized, 0, None),
        (false, _) => (ChargeState::Declined, 0, Some("not_confirmed".to_owned())),
    };
    let mut update = Query::update();
    update
        .table(Entity)
        .value(Column::State, state.name())
        .value(Column::Captured, captured)
        .value(Column::DeclineCode, code)
        .value(Column::UpdatedAt, tx.db().now_sql())
        .and_where(Expr::col(Column::Id).eq(charge.id))
        .and_where(Expr::col(Column::State).eq(ChargeState::Pending.name()))
        .returning(Query::returning().all());
    let row: Option<Model> = tx.one(&update).await?;
    let Some(row) = row else { return Ok(None) };
    note_in_txn(tx, &Charge::try_from(row)?, None)
}
