//! The sandbox's record: charges, refunds, the keys that it was called with, and what it has to
//! tell. Each call is one transaction, committed before the answer.

mod change;
mod charge;
mod once;
mod purge;

use crate::db::{Db, DbError, DbErrorKind, Timestamp, Tx, TxError};
use crate::payment::attempt::{NextAction, NextActionKind};
use crate::payment::provider::{Found, FoundState, ProviderError};
use crate::payment::sandbox::event::{Body, Kind};
use entity::{sandbox_charge, sandbox_event};
use sea_orm::sea_query::{
    Asterisk, Expr, ExprTrait, InsertStatement, Order, Query, SelectStatement,
};
use uuid::Uuid;

/// Where a charge stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChargeState {
    /// The payer has not confirmed.
    Pending,
    /// The money is set aside.
    Authorized,
    /// The money was handed over.
    Captured,
    /// No.
    Declined,
    /// Nothing is set aside any more, and nothing will be.
    Voided,
}

impl ChargeState {
    const ALL: [Self; 5] =
        [Self::Pending, Self::Authorized, Self::Captured, Self::Declined, Self::Voided];

    const fn name(self) -> &'static str {
        match self {
            Self::Pending => "PENDING",
            Self::Authorized => "AUTHORIZED",
            Self::Captured => "CAPTURED",
            Self::Declined => "DECLINED",
            Self::Voided => "VOIDED",
        }
    }
}

/// A charge as the sandbox has it. Amounts are minor units.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Charge {
    /// The sandbox's own name for it.
    pub reference: String,
    /// What the shop calls it.
    pub payment_id: Uuid,
    /// Where it stands.
    pub state: ChargeState,
    /// How much it is of.
    pub amount: i64,
    /// How much was handed over.
    pub captured: i64,
    /// How much went back.
    pub refunded: i64,
    /// Why it was declined.
    pub decline_code: Option<String>,
    /// When it was asked for.
    pub created_at: Timestamp,
    id: Uuid,
    capture_at_once: bool,
}

impl TryFrom<sandbox_charge::Model> for Charge {
    type Error = DbError;

    fn try_from(row: sandbox_charge::Model) -> Result<Self, DbError> {
        let state = ChargeState::ALL.into_iter().find(|state| state.name() == row.state);
        Ok(Self {
            reference: reference(row.id),
            payment_id: row.payment_id,
            state: state.ok_or_else(|| broken("a charge cannot be read"))?,
            amount: row.amount,
            captured: row.captured,
            refunded: row.refunded,
            decline_code: row.decline_code,
            created_at: row.created_at,
            id: row.id,
            capture_at_once: row.capture_at_once,
        })
    }
}

fn reference(id: Uuid) -> String {
    format!("ch_{}", id.simple())
}

impl From<Charge> for Found {
    fn from(charge: Charge) -> Self {
        let state = match charge.state {
            ChargeState::Pending => FoundState::Pending { next_action: waiting() },
            ChargeState::Authorized => FoundState::Authorized,
            ChargeState::Captured => FoundState::Captured { amount: charge.captured },
            ChargeState::Declined => {
                FoundState::Declined { code: charge.decline_code.unwrap_or_default() }
            }
            ChargeState::Voided => FoundState::Voided,
        };
        Self { reference: charge.reference, state }
    }
}

/// What the payer of a `card_pending` has to do.
fn waiting() -> NextAction {
    NextAction { kind: NextActionKind::Wait, redirect_url: None, client_secret: None }
}

/// Why a request was not carried out.
#[derive(Debug)]
enum Refusal {
    /// It cannot be, as things stand. Nothing was done.
    Code(&'static str),
    /// The record failed.
    Db(DbError),
}

impl From<DbError> for Refusal {
    fn from(error: DbError) -> Self {
        Self::Db(error)
    }
}

impl TxError for Refusal {
    fn db_error(&self) -> Option<&DbError> {
        match self {
            Self::Db(error) => Some(error),
            Self::Code(_) => None,
        }
    }
}

impl From<Refusal> for ProviderError {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Code(code) => Self::Refused { code: code.to_owned() },
            Refusal::Db(error) => fault(error),
        }
    }
}

/// A fault of the record: whether something was committed before it, nobody knows.
pub(super) fn fault(error: DbError) -> ProviderError {
    ProviderError::Unknown(error.to_string())
}

fn broken(message: &str) -> DbError {
    DbError { kind: DbErrorKind::Fault, constraint: None, message: message.to_owned() }
}

/// The record; cheap to clone.
#[derive(Clone)]
pub struct Ledger {
    db: Db,
}

impl Ledger {
    /// The record in this database.
    pub fn new(db: Db) -> Self {
        Self { db }
    }

    /// The sandbox's time.
    pub fn now(&self) -> Timestamp {
        self.db.now()
    }

    /// Closes the connections.
    pub async fn close(&self) {
        self.db.close().await;
    }

    /// The charge that the shop calls so.
    pub async fn find(&self, payment_id: Uuid) -> Result<Option<Charge>, DbError> {
        let row: Option<sandbox_charge::Model> = self.db.one(&charge_of(payment_id)).await?;
        row.map(Charge::try_from).transpose()
    }

    /// The bodies of all webhooks about a payment, in their order.
    pub async fn events_of(&self, payment_id: Uuid) -> Result<Vec<String>, DbError> {
        use sandbox_event::{Column, Entity, Model};
        let mut select = Query::select();
        select
            .column(Asterisk)
            .from(Entity)
            .and_where(Expr::col(Column::PaymentId).eq(payment_id))
            .order_by(Column::Id, Order::Asc);
        let rows: Vec<Model> = self.db.all(&select).await?;
        Ok(rows.into_iter().map(|row| row.body).collect())
    }
}

fn charge_of(payment_id: Uuid) -> SelectStatement {
    let mut select = Query::select();
    select
        .column(Asterisk)
        .from(sandbox_charge::Entity)
        .and_where(Expr::col(sandbox_charge::Column::PaymentId).eq(payment_id));
    select
}

async fn find_in_txn(tx: &Tx, payment_id: Uuid) -> Result<Option<Charge>, DbError> {
    let row: Option<sandbox_charge::Model> = tx.one(&charge_of(payment_id)).await?;
    row.map(Charge::try_from).transpose()
}

/// Writes down what is to be told of a charge; gives the body of the webhook, if there is one.
fn note_in_txn(
    tx: &Tx,
    charge: &Charge,
    refund: Option<(Uuid, i64)>,
) -> Result<Option<String>, DbError> {
    let Some(Told { insert, body }) = told(tx.db(), charge, refund)? else { return Ok(None) };
    tx.later(sandbox_event::Entity, insert, 1);
    Ok(Some(body))
}

/// Something that is to be told.
struct Told {
    insert: InsertStatement,
    body: String,
}

/// What is to be told of a charge, if anything is.
fn told(db: &Db, charge: &Charge, refund: Option<(Uuid, i64)>) -> Result<Option<Told>, DbError> {
    use sandbox_event::{Column, Entity};
    let kind = if refund.is_some() { Some(Kind::Refunded) } else { Kind::of(charge.state) };
    let Some(kind) = kind else { return Ok(None) };
    let id = Uuid::now_v7();
    let body = Body {
        id: format!("evt_{}", id.simple()),
        kind,
        payment_id: charge.payment_id,
        reference: refund.map_or_else(
            || charge.reference.clone(),
            |(refund_id, _)| format!("re_{}", refund_id.simple()),
        ),
        amount: match (kind, refund) {
            (_, Some((_, amount))) => amount,
            (Kind::Captured, None) => charge.captured,
            _ => charge.amount,
        },
        code: charge.decline_code.clone(),
        refund_id: refund.map(|(refund_id, _)| refund_id),
    };
    let body = serde_json::to_string(&body).map_err(|error| broken(&error.to_string()))?;
    let mut insert = Query::insert();
    insert
        .into_table(Entity)
        .columns([Column::Id, Column::PaymentId, Column::Body, Column::CreatedAt])
        .values_panic([
            Expr::value(id),
            Expr::value(charge.payment_id),
            Expr::value(body.as_str()),
            db.now_sql(),
        ]);
    Ok(Some(Told { insert, body }))
}
