//! What the shop itself orders: from a draft to the last piece that arrives. Pieces that a supplier
//! was asked for stand at their warehouse as incoming.

use crate::auth::{Permission, Viewer};
use crate::db::Tx;
use crate::idempotency::IdempotencyKey;
use crate::order::goods::{in_words, pick};
use crate::order::service::Orders;
use crate::order::service::keyed::{Begun, bind, check_kind, check_version, count_in_txn};
use crate::order::service::record::Step;
use crate::order::{
    Advance, EventKind, Order, OrderError, OrderKind, OrderLine, OrderStatus, Receive,
};
use crate::stock::Coming;
use entity::order_line::Column as L;
use uuid::Uuid;

impl Orders {
    /// Says that a purchase was ordered from its supplier; its pieces are incoming from now on. One
    /// that was ordered already is answered as it is.
    ///
    /// # Errors
    /// [`OrderError::Transition`] when it is no draft any more.
    pub async fn place_purchase(
        &self,
        viewer: &Viewer,
        ask: &Advance,
    ) -> Result<(Order, bool), OrderError> {
        viewer.may(Permission::OrderWrite)?;
        let key = bind(viewer, "purchaseOrderPlace", ask.idempotency_key.as_deref(), ask)?;
        let placing = self.db.tx(|tx| {
            let (orders, viewer, ask, key) = (self.clone(), *viewer, ask.clone(), key.clone());
            async move {
                let order = match orders.begin_in_txn(&tx, key.as_ref(), ask.order_id).await? {
                    Begun::Earlier(order) => return Ok((order, true)),
                    Begun::New(order) => order,
                };
                check_kind(&order, OrderKind::Purchase, OrderStatus::Ordered)?;
                if order.status == OrderStatus::Ordered {
                    return Ok((order, false));
                }
                check_version(&order, ask.expected_version)?;
                Ok::<_, OrderError>((orders.place_in_txn(&tx, &viewer, &order).await?, false))
            }
        });
        placing.await
    }

    /// Takes a locked draft to ORDERED.
    pub(super) async fn place_in_txn(
        &self,
        tx: &Tx,
        viewer: &Viewer,
        order: &Order,
    ) -> Result<Order, OrderError> {
        let lines = self.lines_in_txn(tx, order).await?;
        let step = Step::new(EventKind::Ordered, OrderStatus::Ordered, viewer);
        let changed = self.step_in_txn(tx, order, step).await?;
        let all: Vec<_> = lines.iter().map(|line| (line, line.quantity)).collect();
        self.stock.expect_in_txn(tx, &coming(order, &all)?).await?;
        Ok(changed)
    }

    /// What of a locked purchase has not arrived does not come any more.
    pub(super) async fn give_up_incoming_in_txn(
        &self,
        tx: &Tx,
        order: &Order,
    ) -> Result<(), OrderError> {
        let lines = self.lines_in_txn(tx, order).await?;
        let open: Vec<_> = lines.iter().map(|line| (line, open(line))).collect();
        Ok(self.stock.expect_no_more_in_txn(tx, &coming(order, &open)?).await?)
    }

    /// Puts pieces of a purchase on the shelf, or all that are open; tells whether it was done
    /// before, under the same key. With the last piece the purchase is RECEIVED.
    ///
    /// # Errors
    /// [`OrderError::Transition`] when it was not ordered, [`OrderError::Invalid`] for more than is
    /// open: then nothing happens.
    pub async fn receive(
        &self,
        viewer: &Viewer,
        ask: &Receive,
    ) -> Result<(Order, bool), OrderError> {
        viewer.may(Permission::OrderWrite)?;
        ask.check().map_err(OrderError::Invalid)?;
        let key = bind(viewer, "purchaseOrderReceive", ask.idempotency_key.as_deref(), ask)?;
        let receiving = self.db.tx(|tx| {
            let (orders, viewer, ask, key) = (self.clone(), *viewer, ask.clone(), key.clone());
            async move { orders.receive_goods_in_txn(&tx, &viewer, &ask, key.as_ref()).await }
        });
        receiving.await
    }

    async fn receive_goods_in_txn(
        &self,
        tx: &Tx,
        viewer: &Viewer,
        ask: &Receive,
        key: Option<&IdempotencyKey>,
    ) -> Result<(Order, bool), OrderError> {
        let order = match self.begin_in_txn(tx, key, ask.order_id).await? {
            Begun::Earlier(order) => return Ok((order, true)),
            Begun::New(order) => order,
        };
        let to = OrderStatus::Received;
        check_kind(&order, OrderKind::Purchase, to)?;
        check_version(&order, ask.expected_version)?;
        if order.status != OrderStatus::Ordered {
            return Err(OrderError::Transition { from: order.status, to, because: "" });
        }
        let lines = self.lines_in_txn(tx, &order).await?;
        let picked =
            pick(ask.lines.as_deref(), &lines, open, "to come").map_err(OrderError::Invalid)?;
        for (line, quantity) in &picked {
            count_in_txn(tx, line.id, L::QuantityReceived, *quantity).await?;
        }
        let arrived: i64 = picked.iter().map(|(_, quantity)| quantity).sum();
        let all: i64 = lines.iter().map(open).sum();
        let to = if arrived == all { to } else { order.status };
        let words = in_words(&picked);
        let step = Step::new(EventKind::Received, to, viewer);
        let changed = self.step_in_txn(tx, &order, Step { note: Some(&words), ..step }).await?;
        let coming = coming(&order, &picked)?;
        self.stock.receive_in_txn(tx, viewer, &order.number, &coming).await?;
        Ok((changed, false))
    }
}

fn open(line: &OrderLine) -> i64 {
    line.quantity - line.quantity_received
}

/// Pieces of a purchase at its warehouse.
fn coming(order: &Order, pieces: &[(&OrderLine, i64)]) -> Result<Vec<Coming>, OrderError> {
    let warehouse_id: Uuid =
        order.warehouse_id.ok_or_else(|| OrderError::fault("a purchase goes nowhere"))?;
    let one = |(line, quantity): &(&OrderLine, i64)| Coming {
        variant_id: line.variant_id,
        warehouse_id,
        quantity: *quantity,
    };
    Ok(pieces.iter().filter(|(_, quantity)| *quantity > 0).map(one).collect())
}
