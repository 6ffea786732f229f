//! Warehouses: making and changing them.

use crate::auth::{Permission, Viewer};
use crate::db::Tx;
use crate::events::{BusMessage, EntityChange, EntityKind};
use crate::stock::service::Stock;
use crate::stock::{StockError, Warehouse};
use crate::validation::{Problem, ProblemKind, required_text};
use entity::stock_level::{Column as L, Entity as Levels};
use entity::warehouse::{Column, Entity, Model};
use sea_orm::sea_query::{Expr, ExprTrait, Order, Query, UpdateStatement};
use sea_orm::{EntityTrait, QueryTrait};
use uuid::Uuid;

/// Levels that one statement raises.
const LEVELS_AT_A_TIME: u64 = 5_000;

/// A warehouse to make.
#[derive(Debug, Clone)]
pub struct NewWarehouse {
    /// A short unique name of letters, digits, `-` and `_`; kept in capitals.
    pub code: String,
    /// The display name.
    pub name: String,
    /// Orders are served from the lowest number first.
    pub priority: i32,
}

/// What to change of a warehouse; None leaves it.
#[derive(Debug, Clone, Default)]
pub struct WarehouseChange {
    /// The display name.
    pub name: Option<String>,
    /// Orders are served from the lowest number first.
    pub priority: Option<i32>,
    /// Whether its stock is for sale.
    pub active: Option<bool>,
    /// Make it the default one.
    pub make_default: bool,
    /// Only if it still has this version.
    pub expected_version: Option<i64>,
}

impl Stock {
    /// Makes a warehouse. Staff only.
    ///
    /// # Errors
    /// [`StockError::Invalid`] for a bad or taken code.
    pub async fn create_warehouse(
        &self,
        viewer: &Viewer,
        new: NewWarehouse,
    ) -> Result<Warehouse, StockError> {
        viewer.may(Permission::StockWrite)?;
        let (code, name) = checked(&new)?;
        let (code, name) = (&code, &name);
        let made = self
            .db
            .tx(|tx| async move {
                let mut insert = Query::insert();
                insert
                    .into_table(Entity)
                    .columns([
                        Column::Id,
                        Column::Code,
                        Column::Name,
                        Column::Priority,
                        Column::Active,
                        Column::IsDefault,
                        Column::CreatedAt,
                        Column::UpdatedAt,
                    ])
                    .values_panic([
                        Expr::value(Uuid::now_v7()),
                        Expr::value(code.as_str()),
                        Expr::value(name.as_str()),
                        Expr::value(new.priority),
                        Expr::value(true),
                        Expr::value(false),
                        tx.db().now_sql(),
                        tx.db().now_sql(),
                    ])
                    .returning_all();
                let model: Option<Model> = tx.one(&insert).await?;
                self.announce_after_commit(&tx);
                model.map(Warehouse::from).ok_or_else(|| StockError::fault("no row returned"))
            })
            .await;
        made.map_err(|error| match error {
            StockError::Db(error) if error.violates("warehouse_code_key", "warehouse.code") => {
                let message = "Another warehouse has this code.";
                Problem::new(ProblemKind::AlreadyExists, ["code"], message).into()
            }
            error => error,
        })
    }

    /// Changes a warehouse. Taking one out of service takes its stock off sale at once, and raises
    /// the versions of its levels, so that those who watch see the sums in order. Staff only.
    ///
    /// # Errors
    /// [`StockError::Invalid`], [`StockError::VersionConflict`].
    pub async fn update_warehouse(
        &self,
        viewer: &Viewer,
        id: Uuid,
        change: WarehouseChange,
    ) -> Result<Warehouse, StockError> {
        viewer.may(Permission::StockWrite)?;
        let name = change.name.as_deref().map(|name| required_text("name", name, 200));
        let name = name.transpose()?;
        let (name, change) = (name.as_deref(), &change);
        let updated = self.db.tx(|tx| self.update_warehouse_in_txn(tx, id, name, change)).await;
        updated.map_err(|error| match error {
            StockError::Db(error)
                if error.violates("warehouse_default_key", "warehouse.is_default") =>
            {
                let message = "Another warehouse was made the default at the same time.";
                Problem::new(ProblemKind::InUse, ["makeDefault"], message).into()
            }
            error => error,
        })
    }

    async fn update_warehouse_in_txn(
        &self,
        tx: Tx,
        id: Uuid,
        name: Option<&str>,
        change: &WarehouseChange,
    ) -> Result<Warehouse, StockError> {
        let before = lock_in_txn(&tx, id).await?;
        check_change(&before, change)?;
        if change.make_default && !before.is_default {
            let mut update = changed(&tx);
            update
                .value(Column::IsDefault, false)
                .and_where(Expr::col(Column::IsDefault).eq(true))
                .returning_all();
            let former: Vec<Model> = tx.all(&update).await?;
            former.iter().for_each(|former| self.forget_after_commit(&tx, former));
        }
        let active = change.active.unwrap_or(before.active);
        let mut update = changed(&tx);
        update
            .value(Column::Name, name.unwrap_or(&before.name))
            .value(Column::Priority, change.priority.unwrap_or(before.priority))
            .value(Column::Active, active)
            .value(Column::IsDefault, before.is_default || change.make_default)
            .and_where(Expr::col(Column::Id).eq(id))
            .returning_all();
        let model: Option<Model> = tx.one(&update).await?;
        if active != before.active {
            raise_levels_in_txn(&tx, id).await?;
        }
        model.iter().for_each(|changed| self.forget_after_commit(&tx, changed));
        self.announce_after_commit(&tx);
        model.map(Warehouse::from).ok_or_else(|| StockError::fault("no row returned"))
    }

    fn forget_after_commit(&self, tx: &Tx, changed: &Model) {
        let cache = self.cache.clone();
        let (kind, id, version) = (EntityKind::Warehouse, changed.id, changed.version);
        tx.after_commit(move || cache.invalidate(vec![EntityChange { kind, id, version }]));
    }

    fn announce_after_commit(&self, tx: &Tx) {
        let bus = self.bus.clone();
        tx.after_commit(move || bus.publish(BusMessage::WarehousesChanged));
    }
}

/// An update of warehouses with a new version; what changes and which are to be added.
fn changed(tx: &Tx) -> UpdateStatement {
    let mut update = Query::update();
    update
        .table(Entity)
        .value(Column::Version, Expr::col(Column::Version).add(1))
        .value(Column::UpdatedAt, tx.db().now_sql());
    update
}

/// Raises the version of every level of a warehouse, some thousands at a time: no statement takes
/// longer than one may, however much the warehouse holds.
async fn raise_levels_in_txn(tx: &Tx, warehouse_id: Uuid) -> Result<(), StockError> {
    #[derive(sea_orm::FromQueryResult)]
    struct Raised {
        variant_id: Uuid,
    }
    let mut after = Uuid::nil();
    loop {
        // An UPDATE alone would lock them in any order; all writers lock levels in that of their
        // keys.
        let mut next = Query::select();
        next.column(L::Id)
            .from(Levels)
            .and_where(Expr::col(L::WarehouseId).eq(warehouse_id))
            .and_where(Expr::col(L::VariantId).gt(after))
            .order_by(L::VariantId, Order::Asc)
            .limit(LEVELS_AT_A_TIME)
            .lock_exclusive();
        let mut update = Query::update();
        update
            .table(Levels)
            .value(L::Version, Expr::col(L::Version).add(1))
            .value(L::UpdatedAt, tx.db().now_sql())
            .and_where(Expr::col(L::Id).in_subquery(next))
            .returning(Query::returning().column(L::VariantId));
        let raised: Vec<Raised> = tx.all(&update).await?;
        match raised.iter().map(|level| level.variant_id).max() {
            Some(last) => after = last,
            None => return Ok(()),
        }
    }
}

async fn lock_in_txn(tx: &Tx, id: Uuid) -> Result<Model, StockError> {
    let mut select = Entity::find_by_id(id).into_query();
    select.lock_exclusive();
    let found: Option<Model> = tx.one(&select).await?;
    found.ok_or_else(|| {
        let message = "There is no warehouse with this id.";
        Problem::new(ProblemKind::NotFound, ["id"], message).into()
    })
}

fn check_change(before: &Model, change: &WarehouseChange) -> Result<(), StockError> {
    if change.expected_version.is_some_and(|expected| expected != before.version) {
        return Err(StockError::VersionConflict { actual: before.version });
    }
    let active = change.active.unwrap_or(before.active);
    if !active && (before.is_default || change.make_default) {
        let message = "The default warehouse must be active: make another one the default first.";
        return Err(Problem::new(ProblemKind::InUse, ["active"], message).into());
    }
    Ok(())
}

fn checked(new: &NewWarehouse) -> Result<(String, String), StockError> {
    let mut problems = Vec::new();
    let name = required_text("name", &new.name, 200).map_err(|p| problems.push(p));
    let code = required_text("code", &new.code, 32).map_err(|p| problems.push(p));
    let plain =
        |code: &String| code.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'));
    if code.as_ref().is_ok_and(|code| !plain(code)) {
        let message = "The code may have letters, digits, - and _ only.";
        problems.push(Problem::new(ProblemKind::Invalid, ["code"], message));
    }
    match (code, name) {
        (Ok(code), Ok(name)) if problems.is_empty() => Ok((code.to_uppercase(), name)),
        _ => Err(StockError::Invalid(problems)),
    }
}
