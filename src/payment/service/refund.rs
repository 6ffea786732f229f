//! Refunds: what is asked for is set aside in the payment's row first, so that no two refunds give
//! the same money back, whoever asks.

use crate::db::{Timestamp, Tx};
use crate::payment::attempt::{NewRefund, OpenedRefund, Payment, Refund};
use crate::payment::error::PaymentError;
use crate::payment::outcome::RefundOutcome;
use crate::payment::service::stats::count_refund_in_txn;
use crate::payment::service::{LEASE, Payments, pause};
use crate::payment::state::{PaymentState, RefundState};
use chrono::TimeDelta;
use entity::refund::{Column, Entity, Model};
use sea_orm::sea_query::{Expr, ExprTrait, LockType, Order, Query, UpdateStatement};
use std::collections::HashMap;
use uuid::Uuid;

/// How often the shop gives money back by itself that the provider refuses to.
const TURNS: i32 = 6;
/// How long after it was refused it does so first.
const FIRST_RETRY: TimeDelta = TimeDelta::hours(1);
/// The states that money can go back from.
const TAKEN: [PaymentState; 2] = [PaymentState::Captured, PaymentState::Surplus];

impl Payments {
    /// Begins a refund. It is then `Payments::refund`ed and settled by whoever called, or by
    /// recovery. Under a key that was used before it is the earlier refund.
    ///
    /// # Errors
    /// [`PaymentError::InvalidState`] when nothing was captured, [`PaymentError::Amount`] for more
    /// than is left, nothing, or another currency, [`PaymentError::KeyReused`].
    pub async fn open_refund_in_txn(
        &self,
        tx: &Tx,
        new: &NewRefund,
    ) -> Result<OpenedRefund, PaymentError> {
        let payment = self.lock_in_txn(tx, new.payment_id).await?;
        if let Some(earlier) = find_by_key(tx, new).await? {
            if earlier.amount != new.amount.minor {
                return Err(PaymentError::KeyReused);
            }
            return Ok(OpenedRefund::Earlier(earlier));
        }
        if !payment.state.is_taken() {
            return Err(PaymentError::InvalidState { state: payment.state });
        }
        if !set_aside(tx, new).await? {
            return Err(PaymentError::Amount { maximum: payment.refundable() });
        }
        let mut insert = Query::insert();
        insert
            .into_table(Entity)
            .columns([
                Column::Id,
                Column::PaymentId,
                Column::Key,
                Column::Amount,
                Column::State,
                Column::Reason,
                Column::LeaseUntil,
                Column::CreatedAt,
                Column::UpdatedAt,
                Column::Restock,
                Column::Turn,
            ])
            .values_panic([
                Expr::value(Uuid::now_v7()),
                Expr::value(new.payment_id),
                Expr::value(new.key.as_str()),
                Expr::value(new.amount.minor),
                Expr::value(RefundState::Pending.name()),
                Expr::value(new.reason.clone()),
                tx.db().now_plus_sql(LEASE),
                tx.db().now_sql(),
                tx.db().now_sql(),
                Expr::value(new.restock),
                Expr::value(new.turn),
            ])
            .returning(Query::returning().all());
        let row: Option<Model> = tx.one(&insert).await?;
        let row = row.ok_or_else(|| PaymentError::fault("a refund was not written"))?;
        Refund::try_from(row).map(OpenedRefund::New)
    }

    /// Writes what is known of a refund: the money moves from pending to refunded, or back. Gives
    /// the payment as it is then; None when the refund was settled before, or nothing is new.
    ///
    /// # Errors
    /// [`PaymentError::NotFound`] when there is no such refund.
    pub async fn settle_refund_in_txn(
        &self,
        tx: &Tx,
        refund_id: Uuid,
        outcome: &RefundOutcome,
    ) -> Result<Option<(Payment, Refund)>, PaymentError> {
        let payment_id = find_by_id(tx, refund_id, false).await?.payment_id;
        // The payment's row first, in the order in which everybody locks.
        self.lock_in_txn(tx, payment_id).await?;
        let refund = find_by_id(tx, refund_id, true).await?;
        if !refund.state.is_under_way() {
            return Ok(None);
        }
        let there = match outcome {
            RefundOutcome::Succeeded { .. } => RefundState::Succeeded,
            RefundOutcome::Failed { .. } => RefundState::Failed,
            RefundOutcome::Unavailable { .. } => refund.state,
            RefundOutcome::Unknown => RefundState::Unknown,
        };
        let mut update = Query::update();
        update
            .table(Entity)
            .value(Column::State, there.name())
            .value(Column::UpdatedAt, tx.db().now_sql())
            .and_where(Expr::col(Column::Id).eq(refund_id))
            .and_where(Expr::col(Column::State).eq(refund.state.name()))
            .returning(Query::returning().all());
        write_outcome(&mut update, tx, &refund, there, outcome);
        let row: Option<Model> = tx.one(&update).await?;
        let Some(row) = row else { return Ok(None) };
        if there.is_under_way() {
            return Ok(None);
        }
        if there == RefundState::Succeeded {
            count_refund_in_txn(tx, row.updated_at);
        }
        let payment = move_money(tx, &refund, there).await?;
        Ok(Some((payment, row.try_into()?)))
    }

    /// Refunds that the shop made by itself, that were refused, and that are to be tried again by
    /// now.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn refused_refunds(&self, most: u64) -> Result<Vec<Refund>, PaymentError> {
        let mut select = Query::select();
        select
            .column(sea_orm::sea_query::Asterisk)
            .from(Entity)
            .and_where(Expr::col(Column::RetryAt).lt(self.db.now_sql()))
            .order_by(Column::RetryAt, Order::Asc)
            .limit(most);
        let rows: Vec<Model> = self.db.all(&select).await?;
        rows.into_iter().map(Refund::try_from).collect()
    }

    /// Takes up the next try of a refused refund. False: somebody else did.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn take_up_in_txn(&self, tx: &Tx, refund_id: Uuid) -> Result<bool, PaymentError> {
        let mut update = Query::update();
        update
            .table(Entity)
            .value(Column::RetryAt, Option::<Timestamp>::None)
            .and_where(Expr::col(Column::Id).eq(refund_id))
            .and_where(Expr::col(Column::RetryAt).is_not_null());
        Ok(tx.run(&update).await? == 1)
    }

    /// Has a refused refund tried again by the shop itself, in a while, whoever asked for it.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn try_later_in_txn(&self, tx: &Tx, refund: &Refund) -> Result<(), PaymentError> {
        let mut update = Query::update();
        update
            .table(Entity)
            .value(Column::Turn, Ord::max(refund.turn, 1))
            .value(Column::RetryAt, tx.db().now_plus_sql(FIRST_RETRY))
            .and_where(Expr::col(Column::Id).eq(refund.id))
            .and_where(Expr::col(Column::State).eq(RefundState::Failed.name()));
        tx.run(&update).await?;
        Ok(())
    }

    /// A refund as it is now, whoever asks: for the server's own work.
    ///
    /// # Errors
    /// [`PaymentError::NotFound`] when there is none.
    pub async fn get_refund(&self, id: Uuid) -> Result<Refund, PaymentError> {
        let mut select = Query::select();
        select
            .column(sea_orm::sea_query::Asterisk)
            .from(Entity)
            .and_where(Expr::col(Column::Id).eq(id));
        let row: Option<Model> = self.db.one(&select).await?;
        row.ok_or(PaymentError::NotFound)?.try_into()
    }

    /// The refunds of payments, in the order in which they were asked for; for payments that the
    /// caller was found to be allowed to see.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn refunds_of(
        &self,
        payments: &[Uuid],
    ) -> Result<HashMap<Uuid, Vec<Refund>>, PaymentError> {
        let mut select = Query::select();
        select
            .column(sea_orm::sea_query::Asterisk)
            .from(Entity)
            .and_where(crate::db::keys::among(Expr::col(Column::PaymentId), payments))
            .order_by(Column::Id, Order::Asc);
        let rows: Vec<Model> = self.db.all(&select).await?;
        let mut found: HashMap<Uuid, Vec<Refund>> = HashMap::new();
        for row in rows {
            found.entry(row.payment_id).or_default().push(row.try_into()?);
        }
        Ok(found)
    }
}

fn write_outcome(
    update: &mut UpdateStatement,
    tx: &Tx,
    refund: &Refund,
    there: RefundState,
    outcome: &RefundOutcome,
) {
    if there.is_under_way() {
        update.value(Column::LeaseUntil, tx.db().now_plus_sql(pause(refund.attempts)));
    } else {
        update.value(Column::LeaseUntil, Option::<Timestamp>::None);
    }
    match outcome {
        RefundOutcome::Succeeded { reference } => {
            update.value(Column::ProviderReference, reference.as_str());
        }
        RefundOutcome::Failed { code } => {
            update.value(Column::FailureCode, code.as_str());
            if let Some(pause) = refused_pause(refund.turn) {
                update.value(Column::RetryAt, tx.db().now_plus_sql(pause));
            }
        }
        RefundOutcome::Unavailable { .. } | RefundOutcome::Unknown => {}
    }
}

/// When a refund that the shop made by itself is tried again after it was refused: after 1 hour,
/// then 2, 4 … None: not any more, somebody has to.
fn refused_pause(turn: i32) -> Option<TimeDelta> {
    let doublings = u32::try_from(turn).ok()?.checked_sub(1)?;
    (turn < TURNS).then(|| FIRST_RETRY * (1_i32 << Ord::min(doublings, 16)))
}

/// Sets the money aside in the payment's row; false when so much is not left.
async fn set_aside(tx: &Tx, new: &NewRefund) -> Result<bool, PaymentError> {
    use entity::payment::{Column, Entity};
    if new.amount.minor <= 0 {
        return Ok(false);
    }
    let left = Expr::col(Column::Captured)
        .sub(Expr::col(Column::Refunded))
        .sub(Expr::col(Column::RefundPending));
    let mut update = Query::update();
    update
        .table(Entity)
        .value(Column::RefundPending, Expr::col(Column::RefundPending).add(new.amount.minor))
        .value(Column::Version, Expr::col(Column::Version).add(1))
        .value(Column::UpdatedAt, tx.db().now_sql())
        .and_where(Expr::col(Column::Id).eq(new.payment_id))
        .and_where(Expr::col(Column::Currency).eq(new.amount.currency.code()))
        .and_where(Expr::col(Column::State).is_in(TAKEN.map(PaymentState::name)))
        .and_where(left.gte(new.amount.minor));
    Ok(tx.run(&update).await? == 1)
}

/// Moves what was set aside to what went back, or lets it be again.
async fn move_money(tx: &Tx, refund: &Refund, there: RefundState) -> Result<Payment, PaymentError> {
    use entity::payment::{Column, Entity, Model};
    let went_back = if there == RefundState::Succeeded { refund.amount } else { 0 };
    let mut update = Query::update();
    update
        .table(Entity)
        .value(Column::RefundPending, Expr::col(Column::RefundPending).sub(refund.amount))
        .value(Column::Refunded, Expr::col(Column::Refunded).add(went_back))
        .value(Column::Version, Expr::col(Column::Version).add(1))
        .value(Column::UpdatedAt, tx.db().now_sql())
        .and_where(Expr::col(Column::Id).eq(refund.payment_id))
        .returning(Query::returning().all());
    let row: Option<Model> = tx.one(&update).await?;
    row.ok_or(PaymentError::NotFound)?.try_into()
}

async fn find_by_key(tx: &Tx, new: &NewRefund) -> Result<Option<Refund>, PaymentError> {
    let mut select = Query::select();
    select
        .column(sea_orm::sea_query::Asterisk)
        .from(Entity)
        .and_where(Expr::col(Column::PaymentId).eq(new.payment_id))
        .and_where(Expr::col(Column::Key).eq(new.key.as_str()));
    let row: Option<Model> = tx.one(&select).await?;
    row.map(Refund::try_from).transpose()
}

async fn find_by_id(tx: &Tx, id: Uuid, locked: bool) -> Result<Refund, PaymentError> {
    let mut select = Query::select();
    select
        .column(sea_orm::sea_query::Asterisk)
        .from(Entity)
        .and_where(Expr::col(Column::Id).eq(id));
    if locked && tx.db().is_postgres() {
        select.lock(LockType::Update);
    }
    let row: Option<Model> = tx.one(&select).await?;
    row.ok_or(PaymentError::NotFound)?.try_into()
}
