//! Capturing, voiding and refunding charges: guarded changes, each once a key.

use crate::db::Tx;
use crate::payment::provider::{
    CaptureRequest, ProviderError, RefundAnswer, RefundRequest, VoidRequest,
};
use crate::payment::sandbox::service::charge::{NewCharge, insert_in_txn};
use crate::payment::sandbox::service::once::{Earlier, claim_in_txn, keep_in_txn};
use crate::payment::sandbox::service::{
    Charge, ChargeState, Ledger, Refusal, find_in_txn, note_in_txn,
};
use entity::sandbox_charge::{Column, Entity, Model};
use entity::sandbox_refund;
use sea_orm::sea_query::{Expr, ExprTrait, Query, UpdateStatement};
use uuid::Uuid;

impl Ledger {
    /// Hands money over that was set aside; what is not asked for is free again.
    pub async fn capture(&self, request: &CaptureRequest) -> Result<i64, ProviderError> {
        let done = self.db.tx(|tx| async move { capture_in_txn(&tx, request).await }).await;
        done.map_err(ProviderError::from)
    }

    /// Lets go of money that was set aside, or sees to it that none ever is.
    pub async fn void(&self, request: &VoidRequest) -> Result<(), ProviderError> {
        let done = self.db.tx(|tx| async move { void_in_txn(&tx, request).await }).await;
        done.map_err(ProviderError::from)
    }

    /// Gives money back.
    pub async fn refund(&self, request: &RefundRequest) -> Result<RefundAnswer, ProviderError> {
        let done = self.db.tx(|tx| async move { refund_in_txn(&tx, request).await }).await;
        done.map_err(ProviderError::from)
    }
}

async fn capture_in_txn(tx: &Tx, request: &CaptureRequest) -> Result<i64, Refusal> {
    let key = &request.idempotency_key;
    if let Earlier::Answer(captured) = claim_in_txn(tx, key, request).await? {
        return Ok(captured);
    }
    let amount = request.amount.minor;
    let mut update = changing(tx, request.payment_id);
    update
        .value(Column::State, ChargeState::Captured.name())
        .value(Column::Captured, amount)
        .and_where(Expr::col(Column::State).eq(ChargeState::Authorized.name()))
        .and_where(Expr::col(Column::Amount).gte(amount))
        .and_where(Expr::col(Column::Currency).eq(request.amount.currency.code()));
    let row: Option<Model> = if amount > 0 { tx.one(&update).await? } else { None };
    let Some(row) = row else { return Err(refusal_in_txn(tx, request.payment_id).await?) };
    note_in_txn(tx, &Charge::try_from(row)?, None)?;
    keep_in_txn(tx, key, &amount).await?;
    Ok(amount)
}

async fn void_in_txn(tx: &Tx, request: &VoidRequest) -> Result<(), Refusal> {
    let key = &request.idempotency_key;
    if let Earlier::Answer(()) = claim_in_txn(tx, key, request).await? {
        return Ok(());
    }
    // Who charges at the same moment is waited for, and found the second time.
    while !let_go_in_txn(tx, request).await? {}
    keep_in_txn(tx, key, &()).await?;
    Ok(())
}

/// False: a charge came in between.
async fn let_go_in_txn(tx: &Tx, request: &VoidRequest) -> Result<bool, Refusal> {
    let mut update = changing(tx, request.payment_id);
    update.value(Column::State, ChargeState::Voided.name()).and_where(
        Expr::col(Column::State)
            .is_in([ChargeState::Pending.name(), ChargeState::Authorized.name()]),
    );
    let row: Option<Model> = tx.one(&update).await?;
    if let Some(row) = row {
        note_in_txn(tx, &Charge::try_from(row)?, None)?;
        return Ok(true);
    }
    match find_in_txn(tx, request.payment_id).await? {
        Some(charge) if charge.state == ChargeState::Voided => Ok(true),
        Some(charge) => Err(Refusal::Code(code(charge.state))),
        None => Ok(insert_in_txn(tx, &never_charged(request)).await?.is_some()),
    }
}

/// Stands where a charge would: who asks for one later finds it voided.
fn never_charged(request: &VoidRequest) -> NewCharge<'_> {
    NewCharge {
        payment_id: request.payment_id,
        method: "",
        currency: request.amount.currency.code(),
        amount: request.amount.minor,
        capture_at_once: false,
        state: ChargeState::Voided,
        decline_code: None,
    }
}

async fn refund_in_txn(tx: &Tx, request: &RefundRequest) -> Result<RefundAnswer, Refusal> {
    let key = &request.idempotency_key;
    if let Earlier::Answer(answer) = claim_in_txn(tx, key, request).await? {
        return Ok(answer);
    }
    let amount = request.amount.minor;
    let left = Expr::col(Column::Captured).sub(Expr::col(Column::Refunded));
    let mut update = changing(tx, request.payment_id);
    update
        .value(Column::Refunded, Expr::col(Column::Refunded).add(amount))
        .and_where(Expr::col(Column::State).eq(ChargeState::Captured.name()))
        .and_where(Expr::col(Column::Currency).eq(request.amount.currency.code()))
        .and_where(left.gte(amount));
    let row: Option<Model> = if amount > 0 { tx.one(&update).await? } else { None };
    let Some(row) = row else { return Err(Refusal::Code("refund_exceeds_charge")) };
    let charge = Charge::try_from(row)?;
    insert_refund_in_txn(tx, &charge, request).await?;
    note_in_txn(tx, &charge, Some((request.refund_id, amount)))?;
    let reference = format!("re_{}", request.refund_id.simple());
    let answer = RefundAnswer::Succeeded { reference };
    keep_in_txn(tx, key, &answer).await?;
    Ok(answer)
}

async fn insert_refund_in_txn(
    tx: &Tx,
    charge: &Charge,
    request: &RefundRequest,
) -> Result<(), Refusal> {
    use sandbox_refund::{Column, Entity};
    let mut insert = Query::insert();
    insert
        .into_table(Entity)
        .columns([
            Column::Id,
            Column::RefundId,
            Column::ChargeId,
            Column::Amount,
            Column::CreatedAt,
        ])
        .values_panic([
            Expr::value(Uuid::now_v7()),
            Expr::value(request.refund_id),
            Expr::value(charge.id),
            Expr::value(request.amount.minor),
            tx.db().now_sql(),
        ]);
    tx.run(&insert).await?;
    Ok(())
}

fn changing(tx: &Tx, payment_id: Uuid) -> UpdateStatement {
    let mut update = Query::update();
    update
        .table(Entity)
        .value(Column::UpdatedAt, tx.db().now_sql())
        .and_where(Expr::col(Column::PaymentId).eq(payment_id))
        .returning(Query::returning().all());
    update
}

/// Why a charge cannot be captured.
async fn refusal_in_txn(tx: &Tx, payment_id: Uuid) -> Result<Refusal, Refusal> {
    let charge = find_in_txn(tx, payment_id).await?;
    Ok(Refusal::Code(match charge.map(|charge| charge.state) {
        Some(ChargeState::Authorized) => "capture_exceeds_charge",
        Some(state) => code(state),
        None => "no_such_charge",
    }))
}

fn code(state: ChargeState) -> &'static str {
    match state {
        ChargeState::Pending => "charge_pending",
        ChargeState::Authorized => "charge_authorized",
        ChargeState::Captured => "charge_captured",
        ChargeState::Declined => "charge_declined",
        ChargeState::Voided => "charge_voided",
    }
}
