//! The lock of a cart, which every change takes first, and the end of one that is bought.

use crate::auth::{Permission, Viewer};
use crate::cart::contents::Line;
use crate::cart::service::row::{COMPLETED, cart, column, is_open, is_usable_by};
use crate::cart::service::{Carts, Source};
use crate::cart::{Cart, CartError, Item};
use crate::db::{DbError, Timestamp, Tx};
use entity::cart::{Column, Entity, Model};
use entity::cart_line;
use sea_orm::sea_query::{
    Alias, Asterisk, CommonTableExpression, Expr, ExprTrait, JoinType, Order, Query,
    SelectStatement, SimpleExpr, UpdateStatement, WithClause, WithQuery,
};
use sea_orm::{DbErr, FromQueryResult, QueryResult};
use uuid::Uuid;

/// A cart that stays as it is until the transaction ends.
#[derive(Clone)]
pub struct LockedCart {
    /// The cart.
    pub cart: Cart,
    /// What is in it, in its order.
    pub items: Vec<Item>,
    /// When, by the database's clock.
    pub locked_at: Timestamp,
}

/// A cart that is locked, with one of its lines as they were when the statement began.
struct LockedRow {
    cart: Model,
    locked_at: Timestamp,
    /// The cart's version then.
    seen_version: i64,
    line: Option<Line>,
}

impl FromQueryResult for LockedRow {
    fn from_query_result(row: &QueryResult, prefix: &str) -> Result<Self, DbErr> {
        let id: Option<Uuid> = row.try_get(prefix, "line_id")?;
        let line = id.map(|id| {
            Ok::<_, DbErr>(Line {
                id,
                variant_id: row.try_get(prefix, "line_variant_id")?,
                position: row.try_get(prefix, "line_position")?,
                quantity: row.try_get(prefix, "line_quantity")?,
                seen_price: row.try_get(prefix, "line_seen_price")?,
            })
        });
        Ok(Self {
            cart: Model::from_query_result(row, prefix)?,
            locked_at: row.try_get(prefix, "locked_at")?,
            seen_version: row.try_get(prefix, "seen_version")?,
            line: line.transpose()?,
        })
    }
}

impl Carts {
    /// Locks an open cart that the viewer may use, without changing it.
    ///
    /// # Errors
    /// [`CartError::NotFound`], [`CartError::Completed`].
    pub async fn lock_in_txn(
        &self,
        tx: &Tx,
        viewer: &Viewer,
        cart_id: Uuid,
    ) -> Result<LockedCart, CartError> {
        viewer.may(Permission::CartUse)?;
        let rows: Vec<LockedRow> = tx.all(&locking(tx, viewer, cart_id)).await?;
        let Some(first) = rows.first() else {
            return Err(why_not_in_txn(tx, viewer, cart_id).await?);
        };
        let (model, locked_at) = (first.cart.clone(), first.locked_at);
        let lines = if first.seen_version == model.version {
            rows.into_iter().filter_map(|row| row.line).collect()
        } else {
            // Who held the lock before has changed it since this statement began.
            lines_in_txn(tx, cart_id).await?
        };
        let items = lines.iter().map(Item::from).collect();
        Ok(LockedCart { cart: cart(model)?, items, locked_at })
    }

    /// Closes a cart that is locked and open, for good: it becomes this order. Sent with what else
    /// waits to be written.
    pub fn complete_in_txn(&self, tx: &Tx, cart_id: Uuid, order_id: Uuid) {
        let mut update = self.update(tx, column(Column::Id).eq(cart_id));
        update.value(Column::Status, COMPLETED).value(Column::OrderId, order_id);
        tx.later(Entity, update, 1);
    }

    /// Locks an open cart that the viewer may use, as the first statement of a change of it.
    pub(super) async fn change_in_txn(
        &self,
        tx: &Tx,
        viewer: &Viewer,
        cart_id: Uuid,
        expected_version: Option<i64>,
    ) -> Result<Cart, CartError> {
        let mut update = self.update(tx, column(Column::Id).eq(cart_id));
        update.and_where(is_open(tx.db())).and_where(is_usable_by(viewer)).returning_all();
        let Some(model) = tx.one::<Model>(&update).await? else {
            return Err(why_not_in_txn(tx, viewer, cart_id).await?);
        };
        let actual = model.version.saturating_sub(1);
        match expected_version {
            Some(expected) if expected != actual => Err(CartError::VersionConflict { actual }),
            _ => Ok(cart(model)?),
        }
    }

    /// Changes carts, so that all who watch their versions can tell, and puts their end off.
    pub(super) fn update(&self, tx: &Tx, which: SimpleExpr) -> UpdateStatement {
        let db = tx.db();
        let expires_at =
            Expr::case(column(Column::CustomerId).is_null(), db.now_plus_sql(self.lifetimes.guest))
                .finally(db.now_plus_sql(self.lifetimes.customer));
        let mut update = Query::update();
        update
            .table(Entity)
            .value(Column::Version, column(Column::Version).add(1))
            .value(Column::UpdatedAt, db.now_sql())
            .value(Column::ExpiresAt, expires_at)
            .and_where(which);
        update
    }
}

/// Locks a cart and reads its lines, in one statement. Behind a lock that it waited for, Postgres
/// reads the newest version of the row, and the lines as they were before: the two versions tell.
fn locking(tx: &Tx, viewer: &Viewer, cart_id: Uuid) -> WithQuery {
    use cart_line::Column as L;
    let (locked, seen) = (Alias::new("locked"), Alias::new("seen"));
    let mut lock = select_carts(column(Column::Id).eq(cart_id));
    lock.and_where(is_open(tx.db())).and_where(is_usable_by(viewer)).lock_exclusive();
    let mut cart = CommonTableExpression::new();
    cart.table_name(locked.clone()).materialized(true).query(lock);
    let mut select = Query::select();
    select
        .column((locked.clone(), Asterisk))
        .expr_as(tx.db().now_sql(), "locked_at")
        .expr_as(Expr::col((seen.clone(), Column::Version)), "seen_version");
    for (column, name) in [
        (L::Id, "line_id"),
        (L::VariantId, "line_variant_id"),
        (L::Position, "line_position"),
        (L::Quantity, "line_quantity"),
        (L::SeenPrice, "line_seen_price"),
    ] {
        select.expr_as(Expr::col((cart_line::Entity, column)), name);
    }
    select
        .from(locked.clone())
        .join_as(
            JoinType::InnerJoin,
            Entity,
            seen.clone(),
            Expr::col((seen, Column::Id)).equals((locked.clone(), Column::Id)),
        )
        .left_join(
            cart_line::Entity,
            Expr::col((cart_line::Entity, L::CartId)).equals((locked, Column::Id)),
        )
        .order_by((cart_line::Entity, L::Position), Order::Asc)
        .order_by((cart_line::Entity, L::Id), Order::Asc);
    select.with(WithClause::new().cte(cart).to_owned())
}

/// Why a cart cannot be used.
async fn why_not_in_txn(tx: &Tx, viewer: &Viewer, cart_id: Uuid) -> Result<CartError, DbError> {
    let mut select = select_carts(column(Column::Id).eq(cart_id));
    select.and_where(is_usable_by(viewer));
    let model: Option<Model> = tx.one(&select).await?;
    Ok(match model {
        Some(model) if model.status == COMPLETED => CartError::Completed,
        _ => CartError::NotFound,
    })
}

pub(super) fn select_carts(which: SimpleExpr) -> SelectStatement {
    let mut select = Query::select();
    select.column((Entity, Asterisk)).from(Entity).and_where(which);
    select
}

/// The lines of a cart, in their order.
pub(super) async fn lines_in_txn(tx: &Tx, cart_id: Uuid) -> Result<Vec<Line>, DbError> {
    let models = lines_of(Source::Tx(tx), Expr::col(cart_line::Column::CartId).eq(cart_id));
    Ok(models.await?.into_iter().map(Line::from).collect())
}

/// Lines of carts, those of each in their order.
pub(super) async fn lines_of(
    source: Source<'_>,
    whose: SimpleExpr,
) -> Result<Vec<cart_line::Model>, DbError> {
    let mut select = Query::select();
    select
        .column((cart_line::Entity, Asterisk))
        .from(cart_line::Entity)
        .and_where(whose)
        .order_by(cart_line::Column::CartId, Order::Asc)
        .order_by(cart_line::Column::Position, Order::Asc)
        .order_by(cart_line::Column::Id, Order::Asc);
    source.all(&select).await
}
