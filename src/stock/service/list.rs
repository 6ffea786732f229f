//! Lists for staff: warehouses, levels, movements. Pages by keyset, nested ones for many parents
//! in one statement.

use crate::auth::{Permission, Viewer};
use crate::db::page::{Keyset, Page, Window};
use crate::stock::service::{Stock, available, select_levels};
use crate::stock::{Level, LevelFilter, Movement, MovementFilter, StockError, Warehouse};
use entity::stock_level::{Column, Entity, Model};
use entity::{product_variant, stock_movement, warehouse};
use sea_orm::sea_query::{
    Alias, Asterisk, Expr, ExprTrait, Order, Query, SelectStatement, UnionType,
};
use sea_orm::{EntityTrait, QueryTrait};
use std::collections::HashMap;
use uuid::Uuid;

#[derive(sea_orm::FromQueryResult)]
struct Count {
    count: i64,
}

impl Stock {
    /// Every warehouse, by priority. Staff only.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn list_warehouses(&self, viewer: &Viewer) -> Result<Vec<Warehouse>, StockError> {
        viewer.may(Permission::StockRead)?;
        let mut select = warehouse::Entity::find().into_query();
        select
            .order_by(warehouse::Column::Priority, Order::Asc)
            .order_by(warehouse::Column::Id, Order::Asc);
        let models: Vec<warehouse::Model> = self.db.all(&select).await?;
        Ok(models.into_iter().map(Warehouse::from).collect())
    }

    /// A page of levels: by key, or the fewest available first when only low ones are asked for.
    /// Staff only.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn list_levels(
        &self,
        viewer: &Viewer,
        filter: &LevelFilter,
        window: &Window,
    ) -> Result<Page<Level>, StockError> {
        viewer.may(Permission::StockRead)?;
        let mut select = select_levels();
        restrict_levels(&mut select, filter);
        Keyset {
            key: filter.low.then(available),
            id: Expr::col((Entity, Column::Id)),
            descending: false,
        }
        .apply(&mut select, window);
        let models: Vec<Model> = self.db.all(&select).await?;
        Ok(Page::cut(models.into_iter().map(Level::from).collect(), window))
    }

    /// How many levels there are. Staff only.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn count_levels(
        &self,
        viewer: &Viewer,
        filter: &LevelFilter,
    ) -> Result<u64, StockError> {
        viewer.may(Permission::StockRead)?;
        let mut select = Query::select();
        select.expr_as(Expr::col(Asterisk).count(), "count").from(Entity);
        restrict_levels(&mut select, filter);
        self.count(&select).await
    }

    /// A page of movements, the latest first. Staff only.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn list_movements(
        &self,
        viewer: &Viewer,
        filter: &MovementFilter,
        window: &Window,
    ) -> Result<Page<Movement>, StockError> {
        viewer.may(Permission::StockRead)?;
        let mut select = stock_movement::Entity::find().into_query();
        restrict_movements(&mut select, filter);
        movement_keyset(filter).apply(&mut select, window);
        let models: Vec<stock_movement::Model> = self.db.all(&select).await?;
        Ok(Page::cut(models.into_iter().map(Movement::from).collect(), window))
    }

    /// How many movements there are. Staff only.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn count_movements(
        &self,
        viewer: &Viewer,
        filter: &MovementFilter,
    ) -> Result<u64, StockError> {
        viewer.may(Permission::StockRead)?;
        let mut select = Query::select();
        select.expr_as(Expr::col(Asterisk).count(), "count").from(stock_movement::Entity);
        restrict_movements(&mut select, filter);
        self.count(&select).await
    }

    /// The same page of the movements of many levels, in one statement. Staff only.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn list_movements_of(
        &self,
        viewer: &Viewer,
        levels: &[Uuid],
        window: &Window,
    ) -> Result<HashMap<Uuid, Page<Movement>>, StockError> {
        viewer.may(Permission::StockRead)?;
        let mut rows: HashMap<Uuid, Vec<Movement>> =
            levels.iter().map(|level| (*level, Vec::new())).collect();
        // SQLite takes at most 500 terms in a compound select; 100 keep its planner quick.
        for chunk in levels.chunks(100) {
            let mut parts = chunk.iter().map(|level| {
                let mut select = stock_movement::Entity::find().into_query();
                let filter = MovementFilter { level_id: Some(*level), ..MovementFilter::default() };
                restrict_movements(&mut select, &filter);
                movement_keyset(&filter).apply(&mut select, window);
                // A limited select can stand in a union only inside a select of its own.
                let mut outer = Query::select();
                outer.column(Asterisk).from_subquery(select, Alias::new("part"));
                outer
            });
            let Some(mut union) = parts.next() else { continue };
            for part in parts {
                union.union(UnionType::All, part);
            }
            for model in self.db.all::<stock_movement::Model>(&union).await? {
                rows.entry(model.level_id).or_default().push(model.into());
            }
        }
        Ok(rows.into_iter().map(|(level, rows)| (level, Page::cut(rows, window))).collect())
    }

    /// How many movements each of these levels has. Staff only.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn count_movements_of(
        &self,
        viewer: &Viewer,
        levels: &[Uuid],
    ) -> Result<HashMap<Uuid, u64>, StockError> {
        #[derive(sea_orm::FromQueryResult)]
        struct Row {
            level_id: Uuid,
            count: i64,
        }
        viewer.may(Permission::StockRead)?;
        let level_id = (stock_movement::Entity, stock_movement::Column::LevelId);
        let mut select = Query::select();
        select
            .column(level_id)
            .expr_as(Expr::col(Asterisk).count(), "count")
            .from(stock_movement::Entity)
            .and_where(Expr::col(level_id).is_in(levels.iter().copied()))
            .group_by_col(level_id);
        let rows: Vec<Row> = self.db.all(&select).await?;
        let mut found: HashMap<Uuid, u64> = levels.iter().map(|level| (*level, 0)).collect();
        found.extend(
            rows.into_iter().map(|row| (row.level_id, u64::try_from(row.count).unwrap_or(0))),
        );
        Ok(found)
    }

    async fn count(&self, select: &SelectStatement) -> Result<u64, StockError> {
        let count: Option<Count> = self.db.one(select).await?;
        Ok(count.and_then(|row| u64::try_from(row.count).ok()).unwrap_or(0))
    }
}

/// Keys of movements are in the order of time (UUIDv7), so the key alone sorts. Those of one level
/// have an order of their own, the versions, which no clock can mix up and an index serves.
fn movement_keyset(filter: &MovementFilter) -> Keyset {
    let version = || Expr::col((stock_movement::Entity, stock_movement::Column::Version));
    Keyset {
        key: filter.level_id.is_some().then(version),
        id: Expr::col((stock_movement::Entity, stock_movement::Column::Id)),
        descending: true,
    }
}

fn variants_of_skus(skus: &[String]) -> SelectStatement {
    let mut select = Query::select();
    select
        .column(product_variant::Column::Id)
        .from(product_variant::Entity)
        .and_where(Expr::col(product_variant::Column::Sku).is_in(skus.iter().cloned()));
    select
}

fn restrict_levels(select: &mut SelectStatement, filter: &LevelFilter) {
    let variant_id = || Expr::col((Entity, Column::VariantId));
    let variants_with = |condition: sea_orm::sea_query::SimpleExpr| {
        let mut variants = Query::select();
        variants
            .column(product_variant::Column::Id)
            .from(product_variant::Entity)
            .and_where(condition);
        variants
    };
    if let Some(skus) = &filter.skus {
        select.and_where(variant_id().in_subquery(variants_of_skus(skus)));
    }
    if let Some(product_id) = filter.product_id {
        let of_product = Expr::col(product_variant::Column::ProductId).eq(product_id);
        select.and_where(variant_id().in_subquery(variants_with(of_product)));
    }
    if let Some(warehouse_id) = filter.warehouse_id {
        select.and_where(Expr::col((Entity, Column::WarehouseId)).eq(warehouse_id));
    }
    if let Some(least) = filter.available_gte {
        select.and_where(available().gte(least));
    }
    if let Some(most) = filter.available_lte {
        select.and_where(available().lte(most));
    }
    if filter.low {
        let sold = Expr::col(product_variant::Column::Status).eq("ACTIVE");
        select
            .and_where(available().lte(Expr::col((Entity, Column::ReorderPoint))))
            .and_where(variant_id().in_subquery(variants_with(sold)));
    }
}

fn restrict_movements(select: &mut SelectStatement, filter: &MovementFilter) {
    use stock_movement::Column as M;
    let column = |column| Expr::col((stock_movement::Entity, column));
    if let Some(level_id) = filter.level_id {
        select.and_where(column(M::LevelId).eq(level_id));
    }
    if filter.skus.is_some() || filter.warehouse_id.is_some() {
        let mut levels = Query::select();
        levels.column(Column::Id).from(Entity);
        if let Some(skus) = &filter.skus {
            levels.and_where(Expr::col(Column::VariantId).in_subquery(variants_of_skus(skus)));
        }
        if let Some(warehouse_id) = filter.warehouse_id {
            levels.and_where(Expr::col(Column::WarehouseId).eq(warehouse_id));
        }
        select.and_where(column(M::LevelId).in_subquery(levels));
    }
    if let Some(kinds) = &filter.kinds {
        select.and_where(column(M::Kind).is_in(kinds.iter().map(|kind| kind.as_str())));
    }
    if let Some(reference_id) = &filter.reference_id {
        select.and_where(column(M::ReferenceId).eq(reference_id.as_str()));
    }
    if let Some(since) = filter.created_gte {
        select.and_where(column(M::CreatedAt).gte(since));
    }
    if let Some(until) = filter.created_lte {
        select.and_where(column(M::CreatedAt).lte(until));
    }
}
