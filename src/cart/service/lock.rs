//! The lock of a cart, which every change takes first, and the end of one that is bought.

use crate::auth::{Permission, Viewer};
use crate::cart::contents::Line;
use crate::cart::service::row::{COMPLETED, OPEN, cart, column, is_open, is_usable_by};
use crate::cart::service::{Carts, Source};
use crate::cart::{Cart, CartError, Item};
use crate::db::{DbError, Tx};
use entity::cart::{Column, Entity, Model};
use entity::cart_line;
use sea_orm::sea_query::{
    Asterisk, Expr, ExprTrait, Order, Query, SelectStatement, SimpleExpr, UpdateStatement,
};
use uuid::Uuid;

/// A cart that stays as it is until the transaction ends.
#[derive(Clone)]
pub struct LockedCart {
    /// The cart.
    pub cart: Cart,
    /// What is in it, in its order.
    pub items: Vec<Item>,
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
        let mut select = select_carts(column(Column::Id).eq(cart_id));
        select.and_where(is_open(tx.db())).and_where(is_usable_by(viewer)).lock_exclusive();
        let Some(model) = tx.one::<Model>(&select).await? else {
            return Err(why_not_in_txn(tx, viewer, cart_id).await?);
        };
        let lines = lines_in_txn(tx, cart_id).await?;
        Ok(LockedCart { cart: cart(model)?, items: lines.iter().map(Item::from).collect() })
    }

    /// Closes an open cart for good: it became this order. What waits to be written goes along.
    ///
    /// # Errors
    /// [`CartError::Completed`] when it is not open any more.
    pub async fn complete_in_txn(
        &self,
        tx: &Tx,
        cart_id: Uuid,
        order_id: Uuid,
    ) -> Result<(), CartError> {
        let mut update = self.update(tx, column(Column::Id).eq(cart_id));
        update
            .value(Column::Status, COMPLETED)
            .value(Column::OrderId, order_id)
            .and_where(column(Column::Status).eq(OPEN));
        if tx.run_along(update).await? == 1 { Ok(()) } else { Err(CartError::Completed) }
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
