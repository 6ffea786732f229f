//! The stock service: what it needs, and the SQL that stands once.

mod change;
mod find;
mod list;
mod reserve;
mod settle;
mod transfer;
mod warehouse;

pub use change::{Adjust, Adjusted, OpeningStock, SetLevel};
pub use find::Watchable;
pub(crate) use find::WatchedLevel;
pub use reserve::{Reservation, ReserveLine, ReserveOrder};
pub use transfer::{Transfer, Transferred};
pub use warehouse::{NewWarehouse, WarehouseChange};

use crate::cache::EntityCache;
use crate::db::{Db, DbErrorKind, Tx};
use crate::events::{Bus, BusMessage, LevelState};
use crate::stock::{Level, MovementKind, StockError};
use crate::telemetry;
use entity::{product_variant, stock_level, stock_movement, warehouse as warehouse_table};
use sea_orm::sea_query::{Expr, ExprTrait, Query, SelectStatement, SimpleExpr};
use uuid::Uuid;

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

    /// Tells the bus of changed levels once the transaction is committed.
    fn publish_after_commit(&self, tx: &Tx, levels: &[Level]) {
        let states = levels
            .iter()
            .map(|level| LevelState {
                variant_id: level.variant_id,
                warehouse_id: level.warehouse_id,
                on_hand: level.on_hand,
                reserved: level.reserved,
                reorder_point: level.reorder_point,
                version: level.version,
                occurred_at: level.updated_at,
            })
            .collect();
        let bus = self.bus.clone();
        tx.after_commit(move || bus.publish(BusMessage::StockLevelsChanged(states)));
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

/// A change of one level, for the ledger.
struct LedgerLine<'a> {
    level_id: Uuid,
    kind: MovementKind,
    on_hand_change: i64,
    reserved_change: i64,
    on_hand_after: i64,
    reserved_after: i64,
    version: i64,
    reference_id: Option<&'a str>,
    note: Option<&'a str>,
    actor_id: Option<Uuid>,
}

impl<'a> LedgerLine<'a> {
    /// A change that left `level` as it is now.
    fn of(level: &Level, kind: MovementKind, on_hand_change: i64, reserved_change: i64) -> Self {
        Self {
            level_id: level.id,
            kind,
            on_hand_change,
            reserved_change,
            on_hand_after: level.on_hand,
            reserved_after: level.reserved,
            version: level.version,
            reference_id: None,
            note: None,
            actor_id: None,
        }
    }

    fn reference(mut self, reference_id: Option<&'a str>) -> Self {
        self.reference_id = reference_id;
        self
    }
}

/// Rows of one INSERT at most: SQLite allows 32,766 parameters.
const LEDGER_CHUNK: usize = 1_000;

/// Writes the ledger; gives the keys of the movements in the order of the lines.
async fn record_in_txn(tx: &Tx, lines: &[LedgerLine<'_>]) -> Result<Vec<Uuid>, StockError> {
    use stock_movement::Column;
    let ids: Vec<Uuid> = lines.iter().map(|_| Uuid::now_v7()).collect();
    let rows: Vec<_> = ids.iter().zip(lines).collect();
    for chunk in rows.chunks(LEDGER_CHUNK) {
        let mut insert = Query::insert();
        insert.into_table(stock_movement::Entity).columns([
            Column::Id,
            Column::LevelId,
            Column::Kind,
            Column::OnHandChange,
            Column::ReservedChange,
            Column::OnHandAfter,
            Column::ReservedAfter,
            Column::Version,
            Column::ReferenceId,
            Column::Note,
            Column::ActorId,
            Column::CreatedAt,
        ]);
        for (id, line) in chunk {
            insert.values_panic([
                Expr::value(**id),
                Expr::value(line.level_id),
                Expr::value(line.kind.as_str()),
                Expr::value(line.on_hand_change),
                Expr::value(line.reserved_change),
                Expr::value(line.on_hand_after),
                Expr::value(line.reserved_after),
                Expr::value(line.version),
                Expr::value(line.reference_id),
                Expr::value(line.note),
                Expr::value(line.actor_id),
                tx.db().now_sql(),
            ]);
        }
        tx.run(&insert).await?;
    }
    Ok(ids)
}

/// Counts it when a constraint of the database had to refuse what a guard should have.
fn watch_conflicts<T>(result: Result<T, StockError>) -> Result<T, StockError> {
    if let Err(StockError::Db(error)) = &result
        && matches!(error.kind, DbErrorKind::Check | DbErrorKind::Unique)
    {
        telemetry::count(telemetry::STOCK_CONFLICTS);
        tracing::error!(error = %error, "a constraint had to save the stock");
    }
    if let Err(StockError::Insufficient(_)) = &result {
        telemetry::count(telemetry::STOCK_REJECTIONS);
    }
    result
}
