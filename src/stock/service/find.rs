//! Look-ups by key, for the loaders and for those who watch.

use crate::auth::{Permission, Viewer};
use crate::cache::reads;
use crate::db::Tx;
use crate::db::keys::{MAX_KEYS, among};
use crate::stock::service::{Stock, available, in_stock, select_levels};
use crate::stock::{Availability, Level, Movement, StockError, Warehouse};
use entity::stock_level::{Column, Entity, Model};
use entity::{product, product_variant, reservation, stock_movement, warehouse};
use sea_orm::sea_query::{Expr, ExprTrait, Order, Query, SelectStatement, SimpleExpr};
use sea_orm::{EntityTrait, QueryTrait};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use uuid::Uuid;

#[derive(sea_orm::FromQueryResult)]
struct AvailabilityRow {
    variant_id: Uuid,
    available: i64,
    reorder_point: i64,
    version: i64,
}

/// A select of what can be bought of variants: `variant_id`, `available`, `reorder_point` and
/// `version`, as in [`Availability`]. Variants that were never stocked have no row.
pub(crate) fn select_availability(variants: &[Uuid]) -> SelectStatement {
    // Whole numbers: SUM of bigint is numeric on Postgres.
    let sum = |expr: SimpleExpr| Expr::expr(expr.sum()).cast_as("bigint");
    let sold = |expr: SimpleExpr| {
        Expr::case(Expr::col((warehouse::Entity, warehouse::Column::Active)).eq(true), expr)
            .finally(0)
            .into()
    };
    let mut select = Query::select();
    select
        .column((Entity, Column::VariantId))
        .expr_as(sum(sold(available())), "available")
        .expr_as(sum(sold(Expr::col((Entity, Column::ReorderPoint)))), "reorder_point")
        .expr_as(sum(Expr::col((Entity, Column::Version))), "version")
        .from(Entity)
        .inner_join(
            warehouse::Entity,
            Expr::col((warehouse::Entity, warehouse::Column::Id))
                .equals((Entity, Column::WarehouseId)),
        )
        .and_where(among(Expr::col((Entity, Column::VariantId)), variants))
        .group_by_col((Entity, Column::VariantId));
    select
}

/// A level with whether its warehouse sells.
#[derive(Debug, Clone, Copy, sea_orm::FromQueryResult)]
pub(crate) struct WatchedLevel {
    /// The variant.
    pub(crate) variant_id: Uuid,
    /// The warehouse.
    pub(crate) warehouse_id: Uuid,
    /// Pieces in the warehouse.
    pub(crate) on_hand: i64,
    /// Of these, pieces that orders have set aside.
    pub(crate) reserved: i64,
    /// The reorder point.
    pub(crate) reorder_point: i64,
    /// Rises with each change.
    pub(crate) version: i64,
    /// When it changed last.
    pub(crate) updated_at: crate::db::Timestamp,
    /// Whether the warehouse is active.
    pub(crate) active: bool,
}

/// A variant that the viewer may watch.
#[derive(Debug, Clone, sea_orm::FromQueryResult)]
pub struct Watchable {
    /// The variant.
    pub variant_id: Uuid,
    /// The product that it is one of.
    pub product_id: Uuid,
    /// Its SKU.
    pub sku: String,
    /// When it was made.
    pub created_at: crate::db::Timestamp,
}

impl Stock {
    /// The variants with these SKUs and of these products, as far as the viewer may see them.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn find_watchable(
        &self,
        viewer: &Viewer,
        skus: &[String],
        products: &[Uuid],
    ) -> Result<Vec<Watchable>, StockError> {
        let variant = |column| (product_variant::Entity, column);
        let mut select = Query::select();
        select
            .expr_as(Expr::col(variant(product_variant::Column::Id)), "variant_id")
            .column(variant(product_variant::Column::ProductId))
            .column(variant(product_variant::Column::Sku))
            .column(variant(product_variant::Column::CreatedAt))
            .from(product_variant::Entity)
            .inner_join(
                product::Entity,
                Expr::col((product::Entity, product::Column::Id))
                    .equals(variant(product_variant::Column::ProductId)),
            )
            .and_where(
                Expr::col(variant(product_variant::Column::Sku))
                    .is_in(skus.iter().cloned())
                    .or(Expr::col(variant(product_variant::Column::ProductId))
                        .is_in(products.iter().copied())),
            )
            .order_by(variant(product_variant::Column::Id), Order::Asc);
        if !viewer.can(Permission::CatalogReadAll) {
            select
                .and_where(Expr::col(variant(product_variant::Column::Status)).eq("ACTIVE"))
                .and_where(Expr::col((product::Entity, product::Column::Status)).eq("ACTIVE"));
        }
        Ok(self.db.all(&select).await?)
    }

    /// What shoppers may know of the stock of variants. Variants that were never stocked have
    /// none. Anyone may ask for a variant they can see.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn find_availability(
        &self,
        variants: &[Uuid],
    ) -> Result<HashMap<Uuid, Availability>, StockError> {
        reads::note_variants(variants);
        let mut rows: Vec<AvailabilityRow> = Vec::new();
        for variants in variants.chunks(MAX_KEYS) {
            rows.append(&mut self.db.all(&select_availability(variants)).await?);
        }
        let mut found: HashMap<Uuid, Availability> =
            variants.iter().map(|variant| (*variant, Availability::default())).collect();
        found.extend(rows.into_iter().map(|row| {
            let AvailabilityRow { variant_id, available, reorder_point, version } = row;
            (variant_id, Availability { available, reorder_point, version })
        }));
        Ok(found)
    }

    /// Which of these products have something that can be bought now.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn find_in_stock(
        &self,
        products: &[Uuid],
    ) -> Result<HashMap<Uuid, bool>, StockError> {
        #[derive(sea_orm::FromQueryResult)]
        struct Row {
            id: Uuid,
        }
        reads::note_all_stock();
        let id = (product::Entity, product::Column::Id);
        let mut select = Query::select();
        select
            .column(id)
            .from(product::Entity)
            .and_where(Expr::col(id).is_in(products.iter().copied()))
            .and_where(in_stock(Expr::col(id)));
        let rows: Vec<Row> = self.db.all(&select).await?;
        let mut found: HashMap<Uuid, bool> =
            products.iter().map(|product| (*product, false)).collect();
        found.extend(rows.into_iter().map(|row| (row.id, true)));
        Ok(found)
    }

    /// The levels of variants, by the priority of their warehouses. Staff only.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn find_levels_of(
        &self,
        viewer: &Viewer,
        variants: &[Uuid],
    ) -> Result<HashMap<Uuid, Vec<Level>>, StockError> {
        viewer.may(Permission::StockRead)?;
        let mut select = select_levels();
        select
            .inner_join(
                warehouse::Entity,
                Expr::col((warehouse::Entity, warehouse::Column::Id))
                    .equals((Entity, Column::WarehouseId)),
            )
            .and_where(Expr::col((Entity, Column::VariantId)).is_in(variants.iter().copied()))
            .order_by((warehouse::Entity, warehouse::Column::Priority), Order::Asc)
            .order_by((Entity, Column::WarehouseId), Order::Asc);
        let mut found: HashMap<Uuid, Vec<Level>> =
            variants.iter().map(|variant| (*variant, Vec::new())).collect();
        for model in self.db.all::<Model>(&select).await? {
            found.entry(model.variant_id).or_default().push(model.into());
        }
        Ok(found)
    }

    /// Levels by key. Staff only; for others there are none.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn find_levels(
        &self,
        viewer: &Viewer,
        ids: &[Uuid],
    ) -> Result<HashMap<Uuid, Level>, StockError> {
        if !viewer.can(Permission::StockRead) {
            return Ok(HashMap::new());
        }
        let mut select = select_levels();
        select.and_where(Expr::col((Entity, Column::Id)).is_in(ids.iter().copied()));
        let models: Vec<Model> = self.db.all(&select).await?;
        Ok(models.into_iter().map(|model| (model.id, model.into())).collect())
    }

    /// Movements by key. Staff only; for others there are none.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn find_movements(
        &self,
        viewer: &Viewer,
        ids: &[Uuid],
    ) -> Result<HashMap<Uuid, Movement>, StockError> {
        if !viewer.can(Permission::StockRead) {
            return Ok(HashMap::new());
        }
        let mut select = stock_movement::Entity::find().into_query();
        select.and_where(Expr::col(stock_movement::Column::Id).is_in(ids.iter().copied()));
        let models: Vec<stock_movement::Model> = self.db.all(&select).await?;
        Ok(models.into_iter().map(|model| (model.id, model.into())).collect())
    }

    /// Warehouses by key. Staff only; for others there are none.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn find_warehouses(
        &self,
        viewer: &Viewer,
        ids: &[Uuid],
    ) -> Result<HashMap<Uuid, Warehouse>, StockError> {
        if !viewer.can(Permission::StockRead) {
            return Ok(HashMap::new());
        }
        let db = self.db.clone();
        let read = async move |ids: Vec<Uuid>| {
            let mut select = warehouse::Entity::find().into_query();
            select.and_where(Expr::col(warehouse::Column::Id).is_in(ids));
            let models: Vec<warehouse::Model> = db.all(&select).await?;
            Ok(models.into_iter().map(Warehouse::from).collect())
        };
        let found = self.cache.get_many::<Warehouse, _, _>(ids, read).await?;
        Ok(found.into_iter().map(|(id, found)| (id, Arc::unwrap_or_clone(found))).collect())
    }

    /// The levels of variants as those who watch them need them, in one statement.
    ///
    /// # Errors
    /// When the database fails.
    pub(crate) async fn find_watched(
        &self,
        variants: &[Uuid],
    ) -> Result<Vec<WatchedLevel>, StockError> {
        let mut found = Vec::new();
        // Within SQLite's 32,766 parameters; one statement for all but the busiest servers.
        for chunk in variants.chunks(30_000) {
            let mut select = Query::select();
            select
                .columns([
                    (Entity, Column::VariantId),
                    (Entity, Column::WarehouseId),
                    (Entity, Column::OnHand),
                    (Entity, Column::Reserved),
                    (Entity, Column::ReorderPoint),
                    (Entity, Column::Version),
                    (Entity, Column::UpdatedAt),
                ])
                .column((warehouse::Entity, warehouse::Column::Active))
                .from(Entity)
                .inner_join(
                    warehouse::Entity,
                    Expr::col((warehouse::Entity, warehouse::Column::Id))
                        .equals((Entity, Column::WarehouseId)),
                )
                .and_where(Expr::col((Entity, Column::VariantId)).is_in(chunk.iter().copied()));
            found.extend(self.db.all::<WatchedLevel>(&select).await?);
        }
        Ok(found)
    }

    /// Which of these variants a movement or a reservation refers to: they can be archived, not
    /// deleted.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn referenced_in_txn(
        &self,
        tx: &Tx,
        variants: &[Uuid],
    ) -> Result<HashSet<Uuid>, StockError> {
        #[derive(sea_orm::FromQueryResult)]
        struct Row {
            id: Uuid,
        }
        let level_of = |table: SimpleExpr| {
            let mut select = Query::select();
            select
                .expr(Expr::value(1))
                .from(Entity)
                .and_where(
                    Expr::col((Entity, Column::VariantId))
                        .equals((product_variant::Entity, product_variant::Column::Id)),
                )
                .and_where(table);
            Expr::exists(select)
        };
        let refers = |select: &mut sea_orm::sea_query::SelectStatement| {
            Expr::exists(select.expr(Expr::value(1)).take())
        };
        let movements = refers(
            Query::select().from(stock_movement::Entity).and_where(
                Expr::col((stock_movement::Entity, stock_movement::Column::LevelId))
                    .equals((Entity, Column::Id)),
            ),
        );
        let reservations = refers(
            Query::select().from(reservation::Entity).and_where(
                Expr::col((reservation::Entity, reservation::Column::LevelId))
                    .equals((Entity, Column::Id)),
            ),
        );
        let id = (product_variant::Entity, product_variant::Column::Id);
        let mut select = Query::select();
        select
            .column(id)
            .from(product_variant::Entity)
            .and_where(Expr::col(id).is_in(variants.iter().copied()))
            .and_where(level_of(movements.or(reservations)));
        let rows: Vec<Row> = tx.all(&select).await?;
        Ok(rows.into_iter().map(|row| row.id).collect())
    }
}
