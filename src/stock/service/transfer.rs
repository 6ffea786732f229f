//! Moving pieces from one warehouse to another: two levels, two movements, one transaction.

use crate::auth::{Permission, Viewer};
use crate::db::Tx;
use crate::idempotency::{Claim, IdempotencyKey};
use crate::stock::service::change::{bind, text};
use crate::stock::service::ledger::{LedgerLine, record_in_txn};
use crate::stock::service::place::place_in_txn;
use crate::stock::service::row::{Delta, add_pieces_in_txn};
use crate::stock::service::{MAX_QUANTITY, Stock, count_rejection, select_levels};
use crate::stock::{Level, MovementKind, StockError};
use crate::validation::{Problem, ProblemKind};
use entity::stock_level::{Column, Entity, Model};
use sea_orm::sea_query::{Expr, ExprTrait};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Pieces to move.
#[derive(Debug, Clone, Serialize)]
pub struct Transfer {
    /// Of which variant.
    pub sku: String,
    /// From where; None for the default warehouse.
    pub from_warehouse_id: Option<Uuid>,
    /// To where.
    pub to_warehouse_id: Uuid,
    /// How many, 1 or more.
    pub quantity: i64,
    /// What it is for; made up when not given, so that the two movements name each other.
    pub reference_id: Option<String>,
    /// A remark.
    pub note: Option<String>,
    /// Only if the level that pieces leave still has this version.
    pub expected_version: Option<i64>,
    /// Makes repeating it harmless.
    #[serde(skip)]
    pub idempotency_key: Option<String>,
}

/// What a transfer came to.
#[derive(Debug, Clone)]
pub struct Transferred {
    /// The level that pieces left.
    pub from: Level,
    /// The level that pieces came to.
    pub to: Level,
    /// Whether this repeats an earlier answer.
    pub replayed: bool,
}

#[derive(Serialize, Deserialize)]
struct Outcome {
    from: Uuid,
    to: Uuid,
}

impl Stock {
    /// Moves pieces from one warehouse to another. Staff only.
    ///
    /// # Errors
    /// [`StockError::Insufficient`] when fewer are available, [`StockError::VersionConflict`],
    /// [`StockError::Invalid`].
    pub async fn transfer(
        &self,
        viewer: &Viewer,
        mut ask: Transfer,
    ) -> Result<Transferred, StockError> {
        viewer.may(Permission::StockWrite)?;
        let mut problems = Vec::new();
        if !(1..=MAX_QUANTITY).contains(&ask.quantity) {
            let message = format!("quantity must be between 1 and {MAX_QUANTITY}.");
            problems.push(Problem::new(ProblemKind::OutOfRange, ["quantity"], message));
        }
        ask.reference_id = text("referenceId", ask.reference_id, 255, &mut problems);
        ask.note = text("note", ask.note, 1_000, &mut problems);
        if !problems.is_empty() {
            return Err(StockError::Invalid(problems));
        }
        let key = bind(viewer, "stockTransfer", ask.idempotency_key.as_deref(), &ask)?;
        let (ask, key) = (&ask, key.as_ref());
        let transfer = || self.db.tx(|tx| self.transfer_in_txn(tx, viewer, ask, key));
        count_rejection(self.despite_dead_holds(transfer).await)
    }

    async fn transfer_in_txn(
        &self,
        tx: Tx,
        viewer: &Viewer,
        ask: &Transfer,
        key: Option<&IdempotencyKey>,
    ) -> Result<Transferred, StockError> {
        if let Some(earlier) = claim_in_txn(&tx, key).await? {
            return Ok(earlier);
        }
        let (from, to) = move_in_txn(&tx, viewer, ask).await?;
        if let Some(key) = key {
            key.record_in_txn(&tx, &Outcome { from: from.id, to: to.id }).await?;
        }
        self.tell_in_txn(&tx, [(&from, 1), (&to, 1)]);
        Ok(Transferred { from, to, replayed: false })
    }
}

async fn move_in_txn(
    tx: &Tx,
    viewer: &Viewer,
    ask: &Transfer,
) -> Result<(Level, Level), StockError> {
    let from = place_in_txn(tx, &ask.sku, ask.from_warehouse_id, "fromWarehouseId").await?;
    let to = place_in_txn(tx, &ask.sku, Some(ask.to_warehouse_id), "toWarehouseId").await?;
    if from == to {
        let message = "The two warehouses are the same.";
        return Err(Problem::new(ProblemKind::Invalid, ["toWarehouseId"], message).into());
    }
    let leaves = Delta {
        pieces: -ask.quantity,
        sku: &ask.sku,
        field: "quantity",
        expected_version: ask.expected_version,
    };
    let comes = Delta { pieces: ask.quantity, expected_version: None, ..leaves };
    // Levels are locked in the order of their keys, here as everywhere: no deadlocks.
    let (from, to) = if from < to {
        let from = add_pieces_in_txn(tx, from, &leaves).await?;
        (from, add_pieces_in_txn(tx, to, &comes).await?)
    } else {
        let to = add_pieces_in_txn(tx, to, &comes).await?;
        (add_pieces_in_txn(tx, from, &leaves).await?, to)
    };
    let reference =
        ask.reference_id.clone().unwrap_or_else(|| format!("transfer:{}", Uuid::now_v7()));
    let line = |level, kind, change| LedgerLine {
        note: ask.note.as_deref(),
        ..LedgerLine::of(level, kind, change, 0).by(viewer).reference(Some(&reference))
    };
    let out = line(&from, MovementKind::TransferOut, -ask.quantity);
    let into = line(&to, MovementKind::TransferIn, ask.quantity);
    record_in_txn(tx, &[out, into]);
    Ok((from, to))
}

async fn claim_in_txn(
    tx: &Tx,
    key: Option<&IdempotencyKey>,
) -> Result<Option<Transferred>, StockError> {
    let Some(key) = key else { return Ok(None) };
    let Claim::Earlier(outcome) = key.claim_in_txn::<Outcome>(tx).await? else {
        return Ok(None);
    };
    let mut select = select_levels();
    select.and_where(Expr::col((Entity, Column::Id)).is_in([outcome.from, outcome.to]));
    let levels: Vec<Level> = tx.all::<Model>(&select).await?.into_iter().map(Level::from).collect();
    let find = |id| levels.iter().find(|level| level.id == id).cloned();
    match (find(outcome.from), find(outcome.to)) {
        (Some(from), Some(to)) => Ok(Some(Transferred { from, to, replayed: true })),
        _ => Err(StockError::fault("a level of an earlier answer is gone")),
    }
}
