//! What staff do to one order: the key first, the order's row after it, and an earlier answer for
//! an earlier key.

use crate::auth::Viewer;
use crate::db::Tx;
use crate::idempotency::{Claim, IdempotencyKey};
use crate::order::service::{Orders, lock_in_txn};
use crate::order::{Order, OrderError, OrderKind, OrderStatus};
use crate::validation::Problem;
use entity::order_line::{Column, Entity};
use sea_orm::sea_query::{Expr, ExprTrait, Query};
use serde::Serialize;
use uuid::Uuid;

/// A locked order, or what an earlier use of the key came to.
pub(super) enum Begun {
    Earlier(Order),
    New(Order),
}

/// Binds the key that the client gave, if any.
pub(super) fn bind(
    viewer: &Viewer,
    operation: &'static str,
    key: Option<&str>,
    input: &impl Serialize,
) -> Result<Option<IdempotencyKey>, Problem> {
    key.map(|key| IdempotencyKey::bind(viewer.scope(), operation, key, input)).transpose()
}

impl Orders {
    /// Claims the key and locks the order, in the order in which everybody locks.
    pub(super) async fn begin_in_txn(
        &self,
        tx: &Tx,
        key: Option<&IdempotencyKey>,
        order_id: Uuid,
    ) -> Result<Begun, OrderError> {
        let mut earlier = false;
        if let Some(key) = key {
            match key.claim_in_txn::<Uuid>(tx).await? {
                Claim::Earlier(_) => earlier = true,
                Claim::New => key.record_in_txn(tx, &order_id).await?,
            }
        }
        let order = lock_in_txn(tx, order_id).await?.ok_or_else(OrderError::not_found)?;
        Ok(if earlier { Begun::Earlier(order) } else { Begun::New(order) })
    }
}

/// Refuses what was decided on an older state of the order.
pub(super) fn check_version(order: &Order, expected: Option<i64>) -> Result<(), OrderError> {
    match expected {
        Some(expected) if expected != order.version => {
            Err(OrderError::VersionConflict { actual: order.version })
        }
        _ => Ok(()),
    }
}

/// Refuses what is not done with orders of this kind.
pub(super) fn check_kind(
    order: &Order,
    kind: OrderKind,
    to: OrderStatus,
) -> Result<(), OrderError> {
    if order.kind == kind {
        return Ok(());
    }
    let because = match kind {
        OrderKind::Sale => "It is a purchase.",
        OrderKind::Purchase => "It is a sale.",
    };
    Err(OrderError::Transition { from: order.status, to, because })
}

/// Raises one of a line's counts.
pub(super) async fn count_in_txn(
    tx: &Tx,
    line_id: Uuid,
    column: Column,
    more: i64,
) -> Result<(), OrderError> {
    let mut update = Query::update();
    update
        .table(Entity)
        .value(column, Expr::col(column).add(more))
        .and_where(Expr::col(Column::Id).eq(line_id));
    tx.run(&update).await?;
    Ok(())
}
