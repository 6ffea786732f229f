//! Changes of one level by staff: adjust by a difference, set to a number.

use crate::auth::{Permission, Viewer};
use crate::db::Tx;
use crate::idempotency::{Claim, IdempotencyKey};
use crate::stock::service::hold::dead_holds_in_txn;
use crate::stock::service::ledger::{LedgerLine, record_in_txn};
use crate::stock::service::place::{Place, lock_level_in_txn, open_level_in_txn, place_in_txn};
use crate::stock::service::row::{Delta, add_pieces_in_txn, changed_in_txn, touch};
use crate::stock::service::{MAX_QUANTITY, Stock, count_rejection, select_levels};
use crate::stock::{Level, MovementKind, StockError};
use crate::validation::{Problem, ProblemKind, optional_text};
use entity::stock_level::{Column, Entity, Model};
use sea_orm::sea_query::{Expr, ExprTrait};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// A change of a level by a difference.
#[derive(Debug, Clone, Serialize)]
pub struct Adjust {
    /// Of which variant.
    pub sku: String,
    /// In which warehouse; None for the default one.
    pub warehouse_id: Option<Uuid>,
    /// Pieces more (or less, when negative).
    pub delta: i64,
    /// Why: a receipt or return adds, a sale takes, an adjustment does either.
    pub kind: MovementKind,
    /// What it is for.
    pub reference_id: Option<String>,
    /// A remark.
    pub note: Option<String>,
    /// Only if the level still has this version.
    pub expected_version: Option<i64>,
    /// Makes repeating it harmless.
    #[serde(skip)]
    pub idempotency_key: Option<String>,
}

/// A level set to numbers.
#[derive(Debug, Clone, Serialize)]
pub struct SetLevel {
    /// Of which variant.
    pub sku: String,
    /// In which warehouse; None for the default one.
    pub warehouse_id: Option<Uuid>,
    /// Pieces on hand; None leaves them.
    pub on_hand: Option<i64>,
    /// The reorder point; None leaves it.
    pub reorder_point: Option<i64>,
    /// A remark.
    pub note: Option<String>,
    /// Only if the level still has this version.
    pub expected_version: Option<i64>,
    /// Makes repeating it harmless.
    #[serde(skip)]
    pub idempotency_key: Option<String>,
}

/// What a change came to.
#[derive(Debug, Clone)]
pub struct Adjusted {
    /// The level as it is now.
    pub level: Level,
    /// The key of the movement; None when the number of pieces stayed.
    pub movement_id: Option<Uuid>,
    /// Whether this repeats an earlier answer.
    pub replayed: bool,
}

/// What an idempotency key remembers of a change.
#[derive(Serialize, Deserialize)]
struct Outcome {
    level_id: Uuid,
    movement_id: Option<Uuid>,
}

impl Stock {
    /// Changes a level by a difference, with a movement. Staff only.
    ///
    /// # Errors
    /// [`StockError::Insufficient`] when fewer are available than would go,
    /// [`StockError::VersionConflict`] when the level changed meanwhile, [`StockError::Invalid`].
    pub async fn adjust(&self, viewer: &Viewer, ask: Adjust) -> Result<Adjusted, StockError> {
        viewer.may(Permission::StockWrite)?;
        let ask = checked(ask)?;
        let key = bind(viewer, "stockAdjust", ask.idempotency_key.as_deref(), &ask)?;
        let (ask, key) = (&ask, key.as_ref());
        let adjust = || self.db.tx(|tx| self.adjust_in_txn(tx, viewer, ask, key));
        count_rejection(self.despite_dead_holds(adjust).await)
    }

    async fn adjust_in_txn(
        &self,
        tx: Tx,
        viewer: &Viewer,
        ask: &Adjust,
        key: Option<&IdempotencyKey>,
    ) -> Result<Adjusted, StockError> {
        if let Some(earlier) = claim_in_txn(&tx, key).await? {
            return Ok(earlier);
        }
        let place = place_in_txn(&tx, &ask.sku, ask.warehouse_id, "warehouseId").await?;
        let delta = Delta {
            pieces: ask.delta,
            sku: &ask.sku,
            field: "delta",
            expected_version: ask.expected_version,
        };
        let level = add_pieces_in_txn(&tx, place, &delta).await?;
        let line = LedgerLine {
            note: ask.note.as_deref(),
            ..LedgerLine::of(&level, ask.kind, ask.delta, 0).by(viewer)
        };
        let lines = [line.reference(ask.reference_id.as_deref())];
        let movement_id = record_in_txn(&tx, &lines).first().copied();
        self.tell_in_txn(&tx, [(&level, 1)]);
        finish_in_txn(&tx, key, level, movement_id).await
    }

    /// Sets a level to numbers, with a movement of the difference. Staff only.
    ///
    /// # Errors
    /// [`StockError::BelowReserved`] for fewer pieces than are reserved,
    /// [`StockError::VersionConflict`] when the level changed meanwhile, [`StockError::Invalid`].
    pub async fn set(&self, viewer: &Viewer, ask: SetLevel) -> Result<Adjusted, StockError> {
        viewer.may(Permission::StockWrite)?;
        let ask = checked_set(ask)?;
        let key = bind(viewer, "stockSet", ask.idempotency_key.as_deref(), &ask)?;
        let (ask, key) = (&ask, key.as_ref());
        let set = || self.db.tx(|tx| self.set_in_txn(tx, viewer, ask, key));
        count_rejection(self.despite_dead_holds(set).await)
    }

    async fn set_in_txn(
        &self,
        tx: Tx,
        viewer: &Viewer,
        ask: &SetLevel,
        key: Option<&IdempotencyKey>,
    ) -> Result<Adjusted, StockError> {
        if let Some(earlier) = claim_in_txn(&tx, key).await? {
            return Ok(earlier);
        }
        let place = place_in_txn(&tx, &ask.sku, ask.warehouse_id, "warehouseId").await?;
        let before = lock_or_open_in_txn(&tx, place).await?;
        check_set_in_txn(&tx, &before, ask).await?;
        let change = ask.on_hand.map_or(0, |on_hand| on_hand - before.on_hand);
        let reorder_point = ask.reorder_point.unwrap_or(before.reorder_point);
        if change == 0 && reorder_point == before.reorder_point {
            return finish_in_txn(&tx, key, before, None).await;
        }
        let mut update = touch(&tx, 1);
        update
            .value(Column::OnHand, Expr::col(Column::OnHand).add(change))
            .value(Column::ReorderPoint, reorder_point)
            .and_where(Expr::col(Column::Id).eq(before.id));
        let level = changed_in_txn(&tx, &update).await?;
        let level = level.ok_or_else(|| StockError::fault("a locked level is gone"))?;
        let mut movement_id = None;
        if change != 0 {
            let line = LedgerLine {
                note: ask.note.as_deref(),
                ..LedgerLine::of(&level, MovementKind::Adjustment, change, 0).by(viewer)
            };
            movement_id = record_in_txn(&tx, &[line]).first().copied();
        }
        self.tell_in_txn(&tx, [(&level, 1)]);
        finish_in_txn(&tx, key, level, movement_id).await
    }
}

pub(super) fn bind(
    viewer: &Viewer,
    operation: &'static str,
    key: Option<&str>,
    input: &impl Serialize,
) -> Result<Option<IdempotencyKey>, Problem> {
    key.map(|key| IdempotencyKey::bind(viewer.scope(), operation, key, input)).transpose()
}

async fn claim_in_txn(
    tx: &Tx,
    key: Option<&IdempotencyKey>,
) -> Result<Option<Adjusted>, StockError> {
    let Some(key) = key else { return Ok(None) };
    let Claim::Earlier(Outcome { level_id, movement_id }) = key.claim_in_txn(tx).await? else {
        return Ok(None);
    };
    let mut select = select_levels();
    select.and_where(Expr::col((Entity, Column::Id)).eq(level_id));
    let level = tx.one::<Model>(&select).await?;
    let level = level.ok_or_else(|| StockError::fault("a level of an earlier answer is gone"))?;
    Ok(Some(Adjusted { level: level.into(), movement_id, replayed: true }))
}

async fn finish_in_txn(
    tx: &Tx,
    key: Option<&IdempotencyKey>,
    level: Level,
    movement_id: Option<Uuid>,
) -> Result<Adjusted, StockError> {
    if let Some(key) = key {
        key.record_in_txn(tx, &Outcome { level_id: level.id, movement_id }).await?;
    }
    Ok(Adjusted { level, movement_id, replayed: false })
}

async fn lock_or_open_in_txn(tx: &Tx, place: Place) -> Result<Level, StockError> {
    if let Some(level) = lock_level_in_txn(tx, place).await? {
        return Ok(level);
    }
    open_level_in_txn(tx, place).await?;
    let level = lock_level_in_txn(tx, place).await?;
    level.ok_or_else(|| StockError::fault("a new level is not there"))
}

fn checked(mut ask: Adjust) -> Result<Adjust, StockError> {
    let mut problems = Vec::new();
    let word = match ask.kind {
        MovementKind::Receipt | MovementKind::Return if ask.delta <= 0 => Some("positive"),
        MovementKind::Sale if ask.delta >= 0 => Some("negative"),
        MovementKind::Adjustment if ask.delta == 0 => Some("other than 0"),
        _ => None,
    };
    if let Some(word) = word {
        let message = format!("The delta of a {} must be {word}.", ask.kind.as_str());
        problems.push(Problem::new(ProblemKind::OutOfRange, ["delta"], message));
    }
    if !matches!(
        ask.kind,
        MovementKind::Receipt
            | MovementKind::Sale
            | MovementKind::Return
            | MovementKind::Adjustment
    ) {
        let message = "The type must be RECEIPT, SALE, RETURN or ADJUSTMENT; the others are \
                       written by reservations and transfers.";
        problems.push(Problem::new(ProblemKind::Invalid, ["type"], message));
    }
    ask.reference_id = text("referenceId", ask.reference_id, 255, &mut problems);
    ask.note = text("note", ask.note, 1_000, &mut problems);
    if problems.is_empty() { Ok(ask) } else { Err(StockError::Invalid(problems)) }
}

fn checked_set(mut ask: SetLevel) -> Result<SetLevel, StockError> {
    let mut problems = Vec::new();
    for (field, number) in [("onHand", ask.on_hand), ("reorderPoint", ask.reorder_point)] {
        if number.is_some_and(|number| !(0..=MAX_QUANTITY).contains(&number)) {
            let message = format!("{field} must be between 0 and {MAX_QUANTITY}.");
            problems.push(Problem::new(ProblemKind::OutOfRange, [field], message));
        }
    }
    if ask.on_hand.is_none() && ask.reorder_point.is_none() {
        let message = "Give onHand, reorderPoint, or both.";
        problems.push(Problem::new(ProblemKind::Required, ["onHand"], message));
    }
    ask.note = text("note", ask.note, 1_000, &mut problems);
    if problems.is_empty() { Ok(ask) } else { Err(StockError::Invalid(problems)) }
}

async fn check_set_in_txn(tx: &Tx, before: &Level, ask: &SetLevel) -> Result<(), StockError> {
    if ask.expected_version.is_some_and(|expected| expected != before.version) {
        return Err(StockError::VersionConflict { actual: before.version });
    }
    if ask.on_hand.is_some_and(|on_hand| on_hand < before.reserved) {
        let dead_holds = dead_holds_in_txn(tx, [before.id]).await?;
        return Err(StockError::BelowReserved {
            reserved: before.reserved,
            dead_holds: dead_holds.into_iter().map(|dead| dead.order_id).collect(),
        });
    }
    Ok(())
}

/// An optional text without surrounding white space; None when nothing is left.
pub(super) fn text(
    field: &str,
    text: Option<String>,
    max: usize,
    problems: &mut Vec<Problem>,
) -> Option<String> {
    match optional_text(field, &text?, max) {
        Ok(text) => Some(text).filter(|text| !text.is_empty()),
        Err(problem) => {
            problems.push(problem);
            None
        }
    }
}
