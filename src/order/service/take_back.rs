//! Goods that come back: onto the shelf that they left, and their money to who paid.

use crate::auth::{Permission, Viewer};
use crate::db::Tx;
use crate::idempotency::{Claim, IdempotencyKey};
use crate::order::goods::{in_words, pick};
use crate::order::service::keyed::{bind, check_kind, count_in_txn};
use crate::order::service::record::Step;
use crate::order::service::{Orders, lock_in_txn};
use crate::order::{
    EventKind, Order, OrderError, OrderKind, OrderLine, OrderStatus, Pieces, RefundAsk, RefundOf,
    TakeBack, TakenBack,
};
use crate::payment::{Payment, Refund};
use crate::stock::Coming;
use crate::validation::{Problem, ProblemKind};
use entity::fulfillment_line::{Column, Entity, Model};
use entity::order_line::Column as L;
use entity::warehouse;
use sea_orm::FromQueryResult;
use sea_orm::sea_query::{Asterisk, Expr, ExprTrait, Order as Sort, Query};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

#[derive(FromQueryResult)]
struct Key {
    #[expect(dead_code, reason = "that there is one is all that is asked")]
    id: Uuid,
}

/// What a key remembers of goods that came back.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Kept {
    Goods(Uuid),
    WithMoney { order_id: Uuid, refund_id: Uuid },
}

impl Kept {
    fn of(order_id: Uuid, refund_id: Option<Uuid>) -> Self {
        match refund_id {
            Some(refund_id) => Self::WithMoney { order_id, refund_id },
            None => Self::Goods(order_id),
        }
    }
}

/// A key was used before, or the goods are back and the provider can be asked for the money.
enum Opened {
    Earlier { order_id: Uuid, refund_id: Option<Uuid> },
    New(Box<(Order, Option<(Payment, Refund)>)>),
}

impl From<Kept> for Opened {
    fn from(kept: Kept) -> Self {
        match kept {
            Kept::Goods(order_id) => Self::Earlier { order_id, refund_id: None },
            Kept::WithMoney { order_id, refund_id } => {
                Self::Earlier { order_id, refund_id: Some(refund_id) }
            }
        }
    }
}

impl Orders {
    /// Takes back pieces that were sent, puts them on the shelf again and gives their money back,
    /// as it is asked. The goods are back also when the provider keeps the money.
    ///
    /// # Errors
    /// [`OrderError::Invalid`] for more than was sent and has not come back: then nothing happens.
    pub async fn take_back(&self, viewer: &Viewer, ask: TakeBack) -> Result<TakenBack, OrderError> {
        viewer.may(Permission::OrderWrite)?;
        let ask = ask.checked().map_err(OrderError::Invalid)?;
        let key = bind(viewer, "orderReturn", ask.idempotency_key.as_deref(), &ask)?;
        let returning = self.db.tx(|tx| {
            let (orders, viewer, ask, key) = (self.clone(), *viewer, ask.clone(), key.clone());
            async move { orders.take_back_once_in_txn(&tx, &viewer, &ask, key.as_ref()).await }
        });
        match returning.await? {
            Opened::Earlier { order_id, refund_id } => {
                let refund = match refund_id {
                    Some(id) => Some(self.refund_settled(id).await?),
                    None => None,
                };
                let order = self.get(order_id).await?;
                Ok(TakenBack { order, refund, replayed: true })
            }
            Opened::New(goods) => {
                let (order, money) = *goods;
                let Some((payment, refund)) = money else {
                    return Ok(TakenBack { order, refund: None, replayed: false });
                };
                let (order, refund) = self.give(order, &payment, &refund).await?;
                Ok(TakenBack { order, refund: Some(refund), replayed: false })
            }
        }
    }

    async fn take_back_once_in_txn(
        &self,
        tx: &Tx,
        viewer: &Viewer,
        ask: &TakeBack,
        key: Option<&IdempotencyKey>,
    ) -> Result<Opened, OrderError> {
        if let Some(key) = key
            && let Claim::Earlier(kept) = key.claim_in_txn::<Kept>(tx).await?
        {
            return Ok(kept.into());
        }
        let order = lock_in_txn(tx, ask.order_id).await?.ok_or_else(OrderError::not_found)?;
        check_kind(&order, OrderKind::Sale, OrderStatus::Refunded)?;
        check_warehouse_in_txn(tx, ask.warehouse_id).await?;
        let lines = self.lines_in_txn(tx, &order).await?;
        let left = |line: &OrderLine| line.quantity_fulfilled - line.quantity_returned;
        let picked =
            pick(Some(&ask.lines), &lines, left, "with the buyer").map_err(OrderError::Invalid)?;
        let words = note(&picked, ask.reason.as_deref());
        let step = Step::new(EventKind::Returned, order.status, viewer);
        let order = self.step_in_txn(tx, &order, Step { note: Some(&words), ..step }).await?;
        let refund = if ask.refund {
            self.open_return_refund_in_txn(tx, &order, ask, &picked).await?
        } else {
            None
        };
        let mut back = Vec::with_capacity(picked.len());
        for (line, quantity) in &picked {
            count_back_in_txn(tx, line.id, *quantity).await?;
            let (order_line_id, variant_id) = (line.id, line.variant_id);
            back.push(Back { order_line_id, variant_id, quantity: *quantity });
        }
        if let Some(key) = key {
            let refund_id = refund.as_ref().map(|(_, refund)| refund.id);
            key.record_in_txn(tx, &Kept::of(order.id, refund_id)).await?;
        }
        let coming = come_back_in_txn(tx, &back, ask.warehouse_id).await?;
        if ask.restock {
            // Stock last: a hot level stays locked until the commit.
            self.stock.take_back_in_txn(tx, viewer, &order.number, &coming).await?;
        }
        Ok(Opened::New(Box::new((order, refund))))
    }

    /// Begins to give back what pieces had cost, or as much as was asked for. What was given back
    /// before is not given back again.
    async fn open_return_refund_in_txn(
        &self,
        tx: &Tx,
        order: &Order,
        ask: &TakeBack,
        picked: &[(&OrderLine, i64)],
    ) -> Result<Option<(Payment, Refund)>, OrderError> {
        let of = match ask.amount {
            Some(amount) => RefundOf::Amount(amount),
            None => {
                let owed = |(line, quantity): &(&OrderLine, i64)| Pieces {
                    order_line_id: line.id,
                    quantity: Ord::min(*quantity, line.quantity - line.quantity_refunded),
                };
                // What costs nothing has no money to go back.
                let paid = picked.iter().filter(|(line, _)| line.line_total + line.tax > 0);
                let pieces: Vec<Pieces> = paid.map(owed).filter(|it| it.quantity > 0).collect();
                if pieces.is_empty() {
                    return Ok(None);
                }
                RefundOf::Pieces(pieces)
            }
        };
        let ask = RefundAsk {
            payment_id: None,
            of,
            restock: false,
            reason: ask.reason.clone(),
            key: format!("order.return:{}", Uuid::now_v7()),
        };
        self.open_refund_ask_in_txn(tx, order, &ask).await
    }
}

/// Counts pieces of a line as come back.
pub(super) async fn count_back_in_txn(
    tx: &Tx,
    line_id: Uuid,
    quantity: i64,
) -> Result<(), OrderError> {
    count_in_txn(tx, line_id, L::QuantityReturned, quantity).await
}

/// Pieces of a line that come back.
#[derive(Debug, Clone, Copy)]
pub(super) struct Back {
    pub order_line_id: Uuid,
    pub variant_id: Uuid,
    pub quantity: i64,
}

/// Marks pieces as come back in the parcels that they left in, the first parcel first; gives where
/// they go: to the warehouse that is named, else to those that they had left from. The lines count
/// them already.
pub(super) async fn come_back_in_txn(
    tx: &Tx,
    back: &[Back],
    warehouse_id: Option<Uuid>,
) -> Result<Vec<Coming>, OrderError> {
    let mut coming = Vec::new();
    for one in back {
        let mut select = Query::select();
        select
            .column(Asterisk)
            .from(Entity)
            .and_where(Expr::col(Column::OrderLineId).eq(one.order_line_id))
            .and_where(Expr::col(Column::QuantityReturned).lt(Expr::col(Column::Quantity)))
            .order_by(Column::Id, Sort::Asc);
        let sent: Vec<Model> = tx.all(&select).await?;
        let mut left = one.quantity;
        for part in sent {
            let quantity = Ord::min(left, part.quantity - part.quantity_returned);
            if quantity == 0 {
                break;
            }
            left -= quantity;
            let mut update = Query::update();
            update
                .table(Entity)
                .value(Column::QuantityReturned, Expr::col(Column::QuantityReturned).add(quantity))
                .and_where(Expr::col(Column::Id).eq(part.id));
            tx.run(&update).await?;
            let warehouse_id = warehouse_id.unwrap_or(part.warehouse_id);
            coming.push(Coming { variant_id: one.variant_id, warehouse_id, quantity });
        }
        if left > 0 {
            return Err(OrderError::fault("more pieces came back than were sent"));
        }
    }
    Ok(coming)
}

async fn check_warehouse_in_txn(tx: &Tx, id: Option<Uuid>) -> Result<(), OrderError> {
    let Some(id) = id else { return Ok(()) };
    if is_warehouse_in_txn(tx, id).await? {
        return Ok(());
    }
    let message = "There is no warehouse with this id.";
    Err(Problem::new(ProblemKind::NotFound, ["warehouseId"], message).into())
}

pub(super) async fn is_warehouse_in_txn(tx: &Tx, id: Uuid) -> Result<bool, OrderError> {
    let mut select = Query::select();
    select
        .column(warehouse::Column::Id)
        .from(warehouse::Entity)
        .and_where(Expr::col(warehouse::Column::Id).eq(id));
    Ok(tx.one::<Key>(&select).await?.is_some())
}

/// What the history says: `2 CUP: broken`.
fn note(picked: &[(&OrderLine, i64)], reason: Option<&str>) -> String {
    let words = in_words(picked);
    match reason {
        Some(reason) => format!("{words}: {reason}"),
        None => words,
    }
}
