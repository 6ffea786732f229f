//! Charging, and what becomes of a charge that waits for its payer.

use crate::db::{Db, DbError, DbErrorKind, Tx};
use crate::payment::provider::{Authorization, AuthorizeRequest, ProviderError};
use crate::payment::sandbox::method::Method;
use crate::payment::sandbox::service::once::{Earlier, answering, claim_in_txn, keep_in_txn};
use crate::payment::sandbox::service::{
    Charge, ChargeState, Ledger, Refusal, broken, find_in_txn, note_in_txn, reference, told,
    waiting,
};
use entity::sandbox_charge::{Column, Entity, Model};
use sea_orm::sea_query::{Expr, ExprTrait, InsertStatement, OnConflict, Query};
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
        let charged = match self.charge_first(request, method).await {
            // It was charged before, or asked for under another key, or this key was used.
            Err(Refusal::Db(error)) if error.kind == DbErrorKind::Unique => {
                self.db.tx(|tx| async move { charge_in_txn(&tx, request, method).await }).await
            }
            charged => charged,
        };
        charged.map_err(ProviderError::from)
    }

    /// The usual case, in one go: nobody has asked for this payment. Whoever comes second waits here,
    /// and is refused by a constraint.
    async fn charge_first(
        &self,
        request: &AuthorizeRequest,
        method: Method,
    ) -> Result<Authorization, Refusal> {
        let (insert, charge) = new_charge(request, method).insert(&self.db);
        let told = told(&self.db, &charge, None)?;
        let answer = answer(charge);
        let key = answering(&self.db, &request.idempotency_key, request, &answer)?;
        let told = told.map(|told| told.insert.into());
        let writes = [insert.into()].into_iter().chain(told).chain([key.into()]);
        self.db.write_together(writes.collect()).await?;
        Ok(answer)
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
    if let Earlier::Answer(answer) = claim_in_txn(tx, key, request).await? {
        return Ok(answer);
    }
    // Under another key, or after it was voided: a payment is charged once.
    let charge = match insert_in_txn(tx, &new_charge(request, method)).await? {
        Some(charge) => Some(charge),
        None => find_in_txn(tx, request.payment_id).await?,
    };
    let answer = answer(charge.ok_or_else(|| broken("a charge came and went"))?);
    keep_in_txn(tx, key, &answer).await?;
    Ok(answer)
}

fn new_charge(request: &AuthorizeRequest, method: Method) -> NewCharge<'_> {
    let (state, decline_code) = fate(method, request.capture);
    NewCharge {
        payment_id: request.payment_id,
        method: &request.method,
        currency: request.amount.currency.code(),
        amount: request.amount.minor,
        capture_at_once: request.capture,
        state,
        decline_code,
    }
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

impl NewCharge<'_> {
    /// The statement that writes it down, and the charge as it is then.
    fn insert(&self, db: &Db) -> (InsertStatement, Charge) {
        let captured = if self.state == ChargeState::Captured { self.amount } else { 0 };
        let id = Uuid::now_v7();
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
                Expr::value(id),
                Expr::value(self.payment_id),
                Expr::value(self.method),
                Expr::value(self.currency),
                Expr::value(self.amount),
                Expr::value(self.capture_at_once),
                Expr::value(self.state.name()),
                Expr::value(captured),
                Expr::value(self.decline_code.map(str::to_owned)),
                db.now_sql(),
                db.now_sql(),
            ]);
        let charge = Charge {
            reference: reference(id),
            payment_id: self.payment_id,
            state: self.state,
            amount: self.amount,
            captured,
            refunded: 0,
            decline_code: self.decline_code.map(str::to_owned),
            created_at: db.estimated_clock(),
            id,
            capture_at_once: self.capture_at_once,
        };
        (insert, charge)
    }
}

/// None: there is a charge of this payment.
pub(super) async fn insert_in_txn(tx: &Tx, new: &NewCharge<'_>) -> Result<Option<Charge>, DbError> {
    let (mut insert, charge) = new.insert(tx.db());
    insert.on_conflict(OnConflict::column(Column::PaymentId).do_nothing().to_owned());
    if tx.run(&insert).await? == 0 {
        return Ok(None);
    }
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
