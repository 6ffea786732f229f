//! Changes of one row of `stock_level`, each behind a guard: what must not happen does not, and
//! the answer says why.

use crate::db::Tx;
use crate::stock::service::hold::dead_holds_in_txn;
use crate::stock::service::place::{Place, lock_level_in_txn, open_level_in_txn};
use crate::stock::service::{MAX_QUANTITY, available, count_conflict};
use crate::stock::{Level, Shortage, StockError};
use crate::validation::{Problem, ProblemKind};
use entity::stock_level::{Column, Entity, Model};
use sea_orm::sea_query::{Expr, ExprTrait, Query, UpdateStatement};

/// A number of pieces that goes to a level, or leaves it when negative.
pub(super) struct Delta<'a> {
    pub(super) pieces: i64,
    /// The SKU and the input's field, for the answer when it is refused.
    pub(super) sku: &'a str,
    pub(super) field: &'a str,
    pub(super) expected_version: Option<i64>,
}

/// An update of one level by so many movements: each has a version of its own. What changes and
/// which level are to be added.
pub(super) fn touch(tx: &Tx, movements: i64) -> UpdateStatement {
    let mut update = Query::update();
    update
        .table(Entity)
        .value(Column::Version, Expr::col(Column::Version).add(movements))
        .value(Column::UpdatedAt, tx.db().now_sql());
    update
}

/// Runs an update of at most one level, with the writes that wait; None when its guard did not hold.
pub(super) async fn changed_in_txn(
    tx: &Tx,
    update: &UpdateStatement,
) -> Result<Option<Level>, StockError> {
    let mut update = update.clone();
    update.returning_all();
    let changed = tx.one_along::<Model>(Entity, update).await.map_err(count_conflict)?;
    Ok(changed.map(Level::from))
}

/// Adds pieces to a level or takes them, with a new version; opens the level when it does not
/// exist.
pub(super) async fn add_pieces_in_txn(
    tx: &Tx,
    place: Place,
    delta: &Delta<'_>,
) -> Result<Level, StockError> {
    let mut update = touch(tx, 1);
    update
        .value(Column::OnHand, Expr::col(Column::OnHand).add(delta.pieces))
        .and_where(Expr::col(Column::VariantId).eq(place.variant_id))
        .and_where(Expr::col(Column::WarehouseId).eq(place.warehouse_id))
        .and_where(available().add(delta.pieces).gte(0))
        .and_where(Expr::col(Column::OnHand).add(delta.pieces).lte(MAX_QUANTITY));
    if let Some(version) = delta.expected_version {
        update.and_where(Expr::col(Column::Version).eq(version));
    }
    if let Some(level) = changed_in_txn(tx, &update).await? {
        return Ok(level);
    }
    // A refusal is never decided on a row that may change meanwhile.
    let mut level = lock_level_in_txn(tx, place).await?;
    if level.is_none() && delta.pieces > 0 && delta.expected_version.is_none_or(|v| v == 0) {
        open_level_in_txn(tx, place).await?;
        level = lock_level_in_txn(tx, place).await?;
    }
    check(tx, place, delta, level.as_ref()).await?;
    let changed = changed_in_txn(tx, &update).await?;
    changed.ok_or_else(|| StockError::fault("the guard of a level differs from its check"))
}

/// The same conditions as the guard's, told one by one.
async fn check(
    tx: &Tx,
    place: Place,
    delta: &Delta<'_>,
    level: Option<&Level>,
) -> Result<(), StockError> {
    let version = level.map_or(0, |level| level.version);
    if delta.expected_version.is_some_and(|expected| expected != version) {
        return Err(StockError::VersionConflict { actual: version });
    }
    let available = level.map_or(0, Level::available);
    if available + delta.pieces < 0 {
        let levels = level.map(|level| level.id);
        let dead_holds = dead_holds_in_txn(tx, levels).await?;
        return Err(StockError::Insufficient(vec![Shortage {
            variant_id: place.variant_id,
            sku: delta.sku.to_owned(),
            requested: delta.pieces.saturating_neg(),
            available,
            dead_holds: dead_holds.into_iter().map(|dead| dead.order_id).collect(),
        }]));
    }
    if level.map_or(0, |level| level.on_hand) + delta.pieces > MAX_QUANTITY {
        let message = format!("A level holds at most {MAX_QUANTITY} pieces.");
        return Err(Problem::new(ProblemKind::OutOfRange, [delta.field], message).into());
    }
    Ok(())
}
