//! Calling an order off.

use crate::auth::{Permission, Viewer};
use crate::db::Tx;
use crate::idempotency::{Claim, IdempotencyKey};
use crate::order::service::record::{Changes, Step};
use crate::order::service::settle::Rest;
use crate::order::service::{Orders, lock_in_txn};
use crate::order::{Cancel, EventKind, Order, OrderError, OrderKind, OrderStatus};
use sea_orm::sea_query::{Expr, ExprTrait, Query};
use uuid::Uuid;

impl Orders {
    /// Calls an order off: its stock is free again, its money is let go or goes back; of a purchase
    /// what has not arrived does not come any more. An order that is cancelled already stays so, and
    /// nothing is done twice.
    ///
    /// # Errors
    /// [`OrderError::Transition`] when it is too late.
    pub async fn cancel(&self, viewer: &Viewer, ask: &Cancel) -> Result<(Order, bool), OrderError> {
        viewer.may(Permission::OrderPlace)?;
        let reason = ask.reason()?;
        let input = (ask.access.order_id, &reason);
        let scope = ask.access.scope(viewer);
        let bind = |key: &str| IdempotencyKey::bind(scope, "orderCancel", key, &input);
        let key = ask.idempotency_key.as_deref().map(bind).transpose()?;
        let cancelling = self.db.tx(|tx| {
            let (orders, viewer, access) = (self.clone(), *viewer, ask.access.clone());
            let (key, reason) = (key.clone(), reason.clone());
            async move {
                if let Some(key) = &key {
                    if let Claim::Earlier(id) = key.claim_in_txn::<Uuid>(&tx).await? {
                        let order = locked_in_txn(&tx, id).await?;
                        return Ok((order, Rest::Nothing, true));
                    }
                    key.record_in_txn(&tx, &access.order_id).await?;
                }
                let order = orders.lock_for_in_txn(&tx, &viewer, &access).await?;
                let done = orders.cancel_in_txn(&tx, &viewer, order, reason.as_deref()).await?;
                Ok::<_, OrderError>((done.0, done.1, false))
            }
        });
        let (order, rest, replayed) = cancelling.await?;
        match self.finish(order.clone(), rest).await {
            Ok(order) => Ok((order, replayed)),
            Err(error) => {
                // The order is cancelled; recovery sees to its money.
                tracing::warn!(%error, order = %order.number, "its money is left to recovery");
                Ok((order, replayed))
            }
        }
    }

    async fn cancel_in_txn(
        &self,
        tx: &Tx,
        viewer: &Viewer,
        order: Order,
        reason: Option<&str>,
    ) -> Result<(Order, Rest), OrderError> {
        if order.status == OrderStatus::Cancelled {
            return Ok((order, Rest::Nothing));
        }
        let late = |because| OrderError::Transition {
            from: order.status,
            to: OrderStatus::Cancelled,
            because,
        };
        if !order.status.may_become(OrderStatus::Cancelled) {
            return Err(late(""));
        }
        if self.has_left_in_txn(tx, order.id).await? {
            return Err(late("A part of it has left the warehouse; it can be returned."));
        }
        let set = reason.map(Changes::because).unwrap_or_default();
        let step = Step::new(EventKind::Cancelled, OrderStatus::Cancelled, viewer);
        let was = order.status;
        let order = self.step_in_txn(tx, &order, Step { set, ..step }).await?;
        if order.kind == OrderKind::Purchase {
            if was == OrderStatus::Ordered {
                self.give_up_incoming_in_txn(tx, &order).await?;
            }
            return Ok((order, Rest::Nothing));
        }
        let rest = match self.payments.open_of_order_in_txn(tx, order.id).await? {
            Some(payment) => self.give_back_in_txn(tx, payment).await?,
            None => Rest::Nothing,
        };
        self.release_in_txn(tx, order.id).await?;
        Ok((order, rest))
    }

    /// Whether some of it has left the warehouse.
    async fn has_left_in_txn(&self, tx: &Tx, order_id: Uuid) -> Result<bool, OrderError> {
        use entity::order_line::Column as L;
        let mut select = Query::select();
        select
            .column(L::OrderId)
            .from(entity::order_line::Entity)
            .and_where(Expr::col(L::OrderId).eq(order_id))
            .and_where(Expr::col(L::QuantityFulfilled).gt(0))
            .limit(1);
        Ok(tx.one::<OrderKey>(&select).await?.is_some())
    }
}

#[derive(sea_orm::FromQueryResult)]
struct OrderKey {
    #[expect(dead_code, reason = "that there is one is all that is asked")]
    order_id: Uuid,
}

async fn locked_in_txn(tx: &Tx, id: Uuid) -> Result<Order, OrderError> {
    lock_in_txn(tx, id).await?.ok_or_else(OrderError::not_found)
}
