//! Changes of one level by staff: adjust by a difference, set to a number; and the opening stock
//! of new variants.

use crate::auth::{Permission, Viewer};
use crate::db::Tx;
use crate::idempotency::{Claim, IdempotencyKey};
use crate::stock::service::{
    LedgerLine, MAX_QUANTITY, Stock, available, record_in_txn, select_levels, watch_conflicts,
};
use crate::stock::{Level, MovementKind, Shortage, StockError};
use crate::validation::{Problem, ProblemKind, optional_text};
use entity::stock_level::{Column, Entity, Model};
use sea_orm::sea_query::{Expr, ExprTrait, OnConflict, Query, UpdateStatement};
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

/// The first stock of a new variant.
#[derive(Debug, Clone, Copy)]
pub struct OpeningStock {
    /// The variant.
    pub variant_id: Uuid,
    /// Pieces on hand, 0 or more.
    pub quantity: i64,
    /// The reorder point.
    pub reorder_point: i64,
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
        let result = self
            .db
            .tx(|tx| async move {
                if let Some(earlier) = claim_in_txn(&tx, key).await? {
                    return Ok(earlier);
                }
                let (variant_id, warehouse_id) =
                    place_in_txn(&tx, &ask.sku, ask.warehouse_id, "warehouseId").await?;
                let level = add_in_txn(&tx, ask, variant_id, warehouse_id).await?;
                let line = LedgerLine {
                    note: ask.note.as_deref(),
                    actor_id: viewer.user_id(),
                    ..LedgerLine::of(&level, ask.kind, ask.delta, 0)
                };
                let lines = [line.reference(ask.reference_id.as_deref())];
                let movement_id = record_in_txn(&tx, &lines).await?.first().copied();
                finish_in_txn(self, &tx, key, level, movement_id).await
            })
            .await;
        watch_conflicts(result)
    }

    /// Sets a level to numbers, with a movement of the difference. Staff only.
    ///
    /// # Errors
    /// As [`Stock::adjust`]; fewer pieces than are reserved are refused.
    pub async fn set(&self, viewer: &Viewer, ask: SetLevel) -> Result<Adjusted, StockError> {
        viewer.may(Permission::StockWrite)?;
        let ask = checked_set(ask)?;
        let key = bind(viewer, "stockSet", ask.idempotency_key.as_deref(), &ask)?;
        let (ask, key) = (&ask, key.as_ref());
        let result = self
            .db
            .tx(|tx| async move {
                if let Some(earlier) = claim_in_txn(&tx, key).await? {
                    return Ok(earlier);
                }
                let (variant_id, warehouse_id) =
                    place_in_txn(&tx, &ask.sku, ask.warehouse_id, "warehouseId").await?;
                let before = lock_or_open_in_txn(&tx, variant_id, warehouse_id).await?;
                check_set(&before, ask)?;
                let change = ask.on_hand.map_or(0, |on_hand| on_hand - before.on_hand);
                let reorder_point = ask.reorder_point.unwrap_or(before.reorder_point);
                if change == 0 && reorder_point == before.reorder_point {
                    return finish_in_txn(self, &tx, key, before, None).await;
                }
                let mut update = touch(&tx);
                update
                    .value(Column::OnHand, Expr::col(Column::OnHand).add(change))
                    .value(Column::ReorderPoint, reorder_point)
                    .and_where(Expr::col(Column::Id).eq(before.id))
                    .and_where(Expr::col(Column::Version).eq(before.version));
                let level =
                    changed_in_txn(&tx, &update).await?.ok_or_else(StockError::stale_plan)?;
                let mut movement_id = None;
                if change != 0 {
                    let line = LedgerLine {
                        note: ask.note.as_deref(),
                        actor_id: viewer.user_id(),
                        ..LedgerLine::of(&level, MovementKind::Adjustment, change, 0)
                    };
                    movement_id = record_in_txn(&tx, &[line]).await?.first().copied();
                }
                finish_in_txn(self, &tx, key, level, movement_id).await
            })
            .await;
        watch_conflicts(result)
    }

    /// Opens a level in the default warehouse for each new variant, with a receipt where there
    /// are pieces. Part of the transaction that makes the variants.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn open_in_txn(
        &self,
        tx: &Tx,
        viewer: &Viewer,
        opening: &[OpeningStock],
    ) -> Result<(), StockError> {
        let warehouse_id = default_warehouse_in_txn(tx).await?;
        let mut levels = Vec::with_capacity(opening.len());
        // Few enough for one statement: a level has seven parameters, SQLite takes 32,766.
        for chunk in opening.chunks(1_000) {
            let mut insert = Query::insert();
            insert.into_table(Entity).columns([
                Column::Id,
                Column::VariantId,
                Column::WarehouseId,
                Column::OnHand,
                Column::ReorderPoint,
                Column::Version,
                Column::UpdatedAt,
            ]);
            for opening in chunk {
                insert.values_panic([
                    Expr::value(Uuid::now_v7()),
                    Expr::value(opening.variant_id),
                    Expr::value(warehouse_id),
                    Expr::value(opening.quantity),
                    Expr::value(opening.reorder_point),
                    Expr::value(i64::from(opening.quantity > 0)),
                    tx.db().now_sql(),
                ]);
            }
            insert.returning_all();
            levels.extend(tx.all::<Model>(&insert).await?.into_iter().map(Level::from));
        }
        let lines: Vec<_> = levels
            .iter()
            .filter(|level| level.on_hand > 0)
            .map(|level| LedgerLine {
                actor_id: viewer.user_id(),
                ..LedgerLine::of(level, MovementKind::Receipt, level.on_hand, 0)
            })
            .collect();
        record_in_txn(tx, &lines).await?;
        self.publish_after_commit(tx, &levels);
        Ok(())
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
    stock: &Stock,
    tx: &Tx,
    key: Option<&IdempotencyKey>,
    level: Level,
    movement_id: Option<Uuid>,
) -> Result<Adjusted, StockError> {
    if let Some(key) = key {
        key.record_in_txn(tx, &Outcome { level_id: level.id, movement_id }).await?;
    }
    stock.publish_after_commit(tx, std::slice::from_ref(&level));
    Ok(Adjusted { level, movement_id, replayed: false })
}

/// The keys of a SKU's variant and of a warehouse, the default one when none is named.
pub(super) async fn place_in_txn(
    tx: &Tx,
    sku: &str,
    warehouse_id: Option<Uuid>,
    field: &str,
) -> Result<(Uuid, Uuid), StockError> {
    let mut select = Query::select();
    select
        .column(entity::product_variant::Column::Id)
        .from(entity::product_variant::Entity)
        .and_where(Expr::col(entity::product_variant::Column::Sku).eq(sku));
    let row: Option<Key> = tx.one(&select).await?;
    let Some(variant) = row else {
        let message = format!("There is no variant with the SKU {sku:?}.");
        return Err(Problem::new(ProblemKind::NotFound, ["sku"], message).into());
    };
    let Some(id) = warehouse_id else {
        return Ok((variant.id, default_warehouse_in_txn(tx).await?));
    };
    let mut select = Query::select();
    select
        .column(entity::warehouse::Column::Id)
        .from(entity::warehouse::Entity)
        .and_where(Expr::col(entity::warehouse::Column::Id).eq(id));
    if tx.one::<Key>(&select).await?.is_none() {
        let message = "There is no warehouse with this id.";
        return Err(Problem::new(ProblemKind::NotFound, [field], message).into());
    }
    Ok((variant.id, id))
}

#[derive(sea_orm::FromQueryResult)]
struct Key {
    id: Uuid,
}

async fn default_warehouse_in_txn(tx: &Tx) -> Result<Uuid, StockError> {
    let mut select = Query::select();
    select
        .column(entity::warehouse::Column::Id)
        .from(entity::warehouse::Entity)
        .and_where(Expr::col(entity::warehouse::Column::IsDefault).eq(true));
    let row: Option<Key> = tx.one(&select).await?;
    row.map(|row| row.id).ok_or_else(|| StockError::fault("there is no default warehouse"))
}

/// An update of one level with one movement; what changes and which level are to be added.
pub(super) fn touch(tx: &Tx) -> UpdateStatement {
    touch_by(tx, 1)
}

/// An update of one level with so many movements: each has a version of its own.
pub(super) fn touch_by(tx: &Tx, movements: i64) -> UpdateStatement {
    let mut update = Query::update();
    update
        .table(Entity)
        .value(Column::Version, Expr::col(Column::Version).add(movements))
        .value(Column::UpdatedAt, tx.db().now_sql());
    update
}

/// Runs an update of at most one level; None when its guard did not hold.
pub(super) async fn changed_in_txn(
    tx: &Tx,
    update: &UpdateStatement,
) -> Result<Option<Level>, StockError> {
    let mut update = update.clone();
    update.returning_all();
    Ok(tx.one::<Model>(&update).await?.map(Level::from))
}

/// Adds pieces to a level (or takes them) behind its guard; opens it when it does not exist.
pub(super) async fn add_pieces_in_txn(
    tx: &Tx,
    (variant_id, warehouse_id): (Uuid, Uuid),
    delta: i64,
    expected_version: Option<i64>,
) -> Result<Option<Level>, StockError> {
    let mut update = touch(tx);
    update
        .value(Column::OnHand, Expr::col(Column::OnHand).add(delta))
        .and_where(Expr::col(Column::VariantId).eq(variant_id))
        .and_where(Expr::col(Column::WarehouseId).eq(warehouse_id))
        .and_where(available().add(delta).gte(0))
        .and_where(Expr::col(Column::OnHand).add(delta).lte(MAX_QUANTITY));
    if let Some(version) = expected_version {
        update.and_where(Expr::col(Column::Version).eq(version));
    }
    if let Some(level) = changed_in_txn(tx, &update).await? {
        return Ok(Some(level));
    }
    if delta > 0 && expected_version.is_none_or(|version| version == 0) {
        open_level_in_txn(tx, variant_id, warehouse_id).await?;
        return changed_in_txn(tx, &update).await;
    }
    Ok(None)
}

async fn add_in_txn(
    tx: &Tx,
    ask: &Adjust,
    variant_id: Uuid,
    warehouse_id: Uuid,
) -> Result<Level, StockError> {
    let place = (variant_id, warehouse_id);
    if let Some(level) = add_pieces_in_txn(tx, place, ask.delta, ask.expected_version).await? {
        return Ok(level);
    }
    // The guard did not hold: tell which part of it.
    let level = level_in_txn(tx, variant_id, warehouse_id).await?;
    let version = level.as_ref().map_or(0, |level| level.version);
    if ask.expected_version.is_some_and(|expected| expected != version) {
        return Err(StockError::VersionConflict { actual: version });
    }
    if ask.delta > 0 {
        let message = format!("A level holds at most {MAX_QUANTITY} pieces.");
        return Err(Problem::new(ProblemKind::OutOfRange, ["delta"], message).into());
    }
    Err(StockError::Insufficient(vec![Shortage {
        variant_id,
        sku: ask.sku.clone(),
        requested: ask.delta.saturating_neg(),
        available: level.map_or(0, |level| level.available()),
    }]))
}

async fn level_in_txn(
    tx: &Tx,
    variant_id: Uuid,
    warehouse_id: Uuid,
) -> Result<Option<Level>, StockError> {
    let mut select = select_levels();
    select
        .and_where(Expr::col((Entity, Column::VariantId)).eq(variant_id))
        .and_where(Expr::col((Entity, Column::WarehouseId)).eq(warehouse_id));
    Ok(tx.one::<Model>(&select).await?.map(Level::from))
}

/// Makes an empty level, unless someone else just did.
async fn open_level_in_txn(
    tx: &Tx,
    variant_id: Uuid,
    warehouse_id: Uuid,
) -> Result<(), StockError> {
    let mut insert = Query::insert();
    insert
        .into_table(Entity)
        .columns([Column::Id, Column::VariantId, Column::WarehouseId, Column::UpdatedAt])
        .values_panic([
            Expr::value(Uuid::now_v7()),
            Expr::value(variant_id),
            Expr::value(warehouse_id),
            tx.db().now_sql(),
        ])
        .on_conflict(
            OnConflict::columns([Column::VariantId, Column::WarehouseId]).do_nothing().to_owned(),
        );
    tx.run(&insert).await?;
    Ok(())
}

/// The level behind its row lock (SQLite locks all rows for the writer anyway).
async fn lock_or_open_in_txn(
    tx: &Tx,
    variant_id: Uuid,
    warehouse_id: Uuid,
) -> Result<Level, StockError> {
    let mut select = select_levels();
    select
        .and_where(Expr::col((Entity, Column::VariantId)).eq(variant_id))
        .and_where(Expr::col((Entity, Column::WarehouseId)).eq(warehouse_id))
        .lock_exclusive();
    if let Some(level) = tx.one::<Model>(&select).await? {
        return Ok(level.into());
    }
    open_level_in_txn(tx, variant_id, warehouse_id).await?;
    let level = tx.one::<Model>(&select).await?;
    level.map(Level::from).ok_or_else(|| StockError::fault("a new level is not there"))
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

fn check_set(before: &Level, ask: &SetLevel) -> Result<(), StockError> {
    if ask.expected_version.is_some_and(|expected| expected != before.version) {
        return Err(StockError::VersionConflict { actual: before.version });
    }
    if ask.on_hand.is_some_and(|on_hand| on_hand < before.reserved) {
        let message =
            format!("{} pieces are reserved for orders; onHand cannot be less.", before.reserved);
        return Err(Problem::new(ProblemKind::OutOfRange, ["onHand"], message).into());
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
