//! The stock service: what it needs, and the SQL that stands once.

mod change;
mod find;
mod goods;
mod hold;
mod ledger;
mod list;
mod opening;
mod part;
mod place;
mod reserve;
mod row;
mod served;
mod settle;
mod transfer;
mod warehouse;

pub use change::{Adjust, Adjusted, SetLevel};
pub use find::Watchable;
pub(crate) use find::{WatchedLevel, select_availability};
pub use goods::{Coming, Waiting};
pub use opening::OpeningStock;
pub use part::OrderPieces;
pub use reserve::{Reservation, ReserveLine, ReserveOrder, ReserveOutcome};
pub use served::Served;
pub(crate) use served::{ServedRow, select_served};
pub use transfer::{Transfer, Transferred};
pub use warehouse::{NewWarehouse, WarehouseChange};

use crate::cache::EntityCache;
use crate::db::{Db, DbError, DbErrorKind, Tx};
use crate::events::{self, Bus, BusMessage, LevelState, NewEvent, Topic};
use crate::stock::{Level, StockError};
use crate::telemetry;
use entity::{product_variant, stock_level, warehouse as warehouse_table};
use sea_orm::sea_query::{Expr, ExprTrait, Query, SelectStatement, SimpleExpr};
use serde_json::json;

/// The largest number of pieces that a level holds: what a GraphQL Int can show.
pub(crate) const MAX_QUANTITY: i64 = 2_147_483_647;

/// The stock of the shop; cheap to clone.
#[derive(Clone)]
pub struct Stock {
    db: Db,
    bus: Bus,
    /// Of warehouses alone: what is in stock is never cached.
    cache: EntityCache,
}

impl Stock {
    /// Stock in this database, with changes told on this bus, and warehouses cached.
    #[must_use]
    pub fn new(db: Db, bus: Bus, cache: EntityCache) -> Self {
        Self { db, bus, cache }
    }

    /// Has changed levels told: an event each in the transaction, and a message to the bus once it
    /// is committed. With each level comes by how much its version rose.
    fn tell_in_txn<'a>(&self, tx: &Tx, changed: impl IntoIterator<Item = (&'a Level, i64)>) {
        let changed: Vec<(&Level, i64)> = changed.into_iter().collect();
        write_events_in_txn(tx, changed.iter().map(|(level, _)| *level));
        self.announce_in_txn(tx, changed);
    }

    /// The message alone.
    fn announce_in_txn<'a>(&self, tx: &Tx, changed: impl IntoIterator<Item = (&'a Level, i64)>) {
        let changed = changed.into_iter();
        let states = changed.map(|(level, risen)| state_of(level, risen)).collect();
        let bus = self.bus.clone();
        tx.after_commit(move || bus.publish(BusMessage::StockLevelsChanged(states)));
    }
}

/// The events alone.
fn write_events_in_txn<'a>(tx: &Tx, changed: impl Iterator<Item = &'a Level>) {
    let told: Vec<NewEvent> = changed.map(event_of).collect();
    events::write_in_txn(tx, &told);
}

fn state_of(level: &Level, risen: i64) -> LevelState {
    LevelState {
        variant_id: level.variant_id,
        warehouse_id: level.warehouse_id,
        on_hand: level.on_hand,
        reserved: level.reserved,
        reorder_point: level.reorder_point,
        version: level.version,
        previous_version: level.version - risen,
        occurred_at: level.updated_at,
    }
}

fn event_of(level: &Level) -> NewEvent {
    NewEvent {
        topic: Topic::Stock,
        kind: "stock.changed",
        aggregate_id: level.id,
        seq: level.version,
        payload: json!({
            "variantId": level.variant_id,
            "warehouseId": level.warehouse_id,
            "onHand": level.on_hand,
            "reserved": level.reserved,
            "available": level.available(),
            "incoming": level.incoming,
            "version": level.version,
        }),
    }
}

/// Pieces of a row of `stock_level` that can be sold. The one definition, for guards, filters and
/// sums.
pub(crate) fn available() -> SimpleExpr {
    Expr::col((stock_level::Entity, stock_level::Column::OnHand))
        .sub(Expr::col((stock_level::Entity, stock_level::Column::Reserved)))
}

/// Whether something of the product with this key can be bought now: an active variant has
/// pieces available in an active warehouse.
#[must_use]
pub fn in_stock(product_id: SimpleExpr) -> SimpleExpr {
    let mut select = Query::select();
    select
        .expr(Expr::value(1))
        .from(product_variant::Entity)
        .inner_join(
            stock_level::Entity,
            Expr::col((stock_level::Entity, stock_level::Column::VariantId))
                .equals((product_variant::Entity, product_variant::Column::Id)),
        )
        .inner_join(
            warehouse_table::Entity,
            Expr::col((warehouse_table::Entity, warehouse_table::Column::Id))
                .equals((stock_level::Entity, stock_level::Column::WarehouseId)),
        )
        .and_where(
            Expr::col((product_variant::Entity, product_variant::Column::ProductId)).eq(product_id),
        )
        .and_where(
            Expr::col((product_variant::Entity, product_variant::Column::Status)).eq("ACTIVE"),
        )
        .and_where(Expr::col((warehouse_table::Entity, warehouse_table::Column::Active)).eq(true))
        .and_where(available().gt(0));
    Expr::exists(select)
}

/// A select of whole levels, to be restricted further.
fn select_levels() -> SelectStatement {
    let mut select = Query::select();
    select.column((stock_level::Entity, sea_orm::sea_query::Asterisk)).from(stock_level::Entity);
    select
}

/// Counts clean "not enough" answers.
fn count_rejection<T>(result: Result<T, StockError>) -> Result<T, StockError> {
    if let Err(StockError::Insufficient(_) | StockError::BelowReserved { .. }) = &result {
        telemetry::count(telemetry::STOCK_REJECTIONS);
    }
    result
}

/// Counts it when a constraint of the database had to refuse what a guard should have.
fn count_conflict(error: DbError) -> StockError {
    note_conflict(&error);
    error.into()
}

/// The same, of writes that nothing waits for.
fn note_conflict(error: &DbError) {
    if matches!(error.kind, DbErrorKind::Check | DbErrorKind::Unique) {
        telemetry::count(telemetry::STOCK_CONFLICTS);
        tracing::error!(%error, "a constraint had to save the stock");
    }
}
