//! What refunds mean for the lines of an order: counted when they are asked for, so that no piece
//! is paid back or promised twice, and taken back when they come to nothing.

use crate::auth::Viewer;
use crate::db::Tx;
use crate::db::keys::among;
use crate::order::refund::Share;
use crate::order::service::Orders;
use crate::order::service::take_back::{Back, come_back_in_txn, count_back_in_txn};
use crate::order::{Order, OrderError, OrderLine};
use crate::payment::RefundState;
use crate::stock::OrderPieces;
use entity::order_line::{Column as L, Entity as Lines, Model as LineModel};
use entity::refund;
use entity::refund_line::{Column, Entity, Model};
use sea_orm::sea_query::{Asterisk, Expr, ExprTrait, Order as Sort, Query};
use uuid::Uuid;

/// Refunds that have neither succeeded nor failed.
const UNDER_WAY: [&str; 2] = [RefundState::Pending.name(), RefundState::Unknown.name()];

impl Orders {
    /// The lines of a locked order, as they are now.
    pub(super) async fn lines_in_txn(
        &self,
        tx: &Tx,
        order: &Order,
    ) -> Result<Vec<OrderLine>, OrderError> {
        let mut select = Query::select();
        select
            .column(Asterisk)
            .from(Lines)
            .and_where(Expr::col(L::OrderId).eq(order.id))
            .order_by(L::Position, Sort::Asc);
        let rows: Vec<LineModel> = tx.all(&select).await?;
        Ok(rows.into_iter().map(|row| OrderLine::of(row, order.currency)).collect())
    }

    /// The lines of a locked order as they will be when all its refunds under way have come to
    /// something: what those free or take back is not there for another one.
    pub(super) async fn lines_left_in_txn(
        &self,
        tx: &Tx,
        order: &Order,
    ) -> Result<Vec<OrderLine>, OrderError> {
        let mut lines = self.lines_in_txn(tx, order).await?;
        let ids: Vec<Uuid> = lines.iter().map(|line| line.id).collect();
        let mut under_way = Query::select();
        under_way
            .column(refund::Column::Id)
            .from(refund::Entity)
            .and_where(
                Expr::col((refund::Entity, refund::Column::Id)).equals((Entity, Column::RefundId)),
            )
            .and_where(Expr::col((refund::Entity, refund::Column::State)).is_in(UNDER_WAY));
        let mut select = Query::select();
        select
            .column((Entity, Asterisk))
            .from(Entity)
            .and_where(among(Expr::col((Entity, Column::OrderLineId)), &ids))
            .and_where(Expr::exists(under_way));
        let taken: Vec<Model> = tx.all(&select).await?;
        for line in &mut lines {
            for share in taken.iter().filter(|share| share.order_line_id == line.id) {
                line.quantity_cancelled = line.quantity_cancelled.saturating_add(share.cancelled);
                line.quantity_returned = line.quantity_returned.saturating_add(share.returned);
            }
        }
        Ok(lines)
    }

    /// Writes down which pieces a refund is for.
    pub(super) async fn write_shares_in_txn(
        &self,
        tx: &Tx,
        refund_id: Uuid,
        shares: &[Share],
    ) -> Result<(), OrderError> {
        if shares.is_empty() {
            return Ok(());
        }
        let mut insert = Query::insert();
        insert.into_table(Entity).columns([
            Column::RefundId,
            Column::OrderLineId,
            Column::Quantity,
            Column::Amount,
            Column::Cancelled,
            Column::Returned,
        ]);
        for share in shares {
            insert.values_panic([
                Expr::value(refund_id),
                Expr::value(share.order_line_id),
                Expr::value(share.quantity),
                Expr::value(share.amount),
                Expr::value(share.cancelled),
                Expr::value(share.returned),
            ]);
            count_in_txn(tx, share, 1).await?;
        }
        tx.run(&insert).await?;
        Ok(())
    }

    /// The refund came to nothing: its pieces are as if nobody had asked.
    pub(super) async fn forget_shares_in_txn(
        &self,
        tx: &Tx,
        refund_id: Uuid,
    ) -> Result<(), OrderError> {
        for share in shares_in_txn(tx, refund_id).await? {
            count_in_txn(tx, &share, -1).await?;
        }
        Ok(())
    }

    /// The money is back: what was not sent of its goods is free again, and what was sent goes back
    /// on the shelf that it left. What was to be sent still, and was sent meanwhile, is not: it can
    /// be taken back.
    pub(super) async fn restock_in_txn(
        &self,
        tx: &Tx,
        order: &Order,
        refund_id: Uuid,
    ) -> Result<(), OrderError> {
        let shares = shares_in_txn(tx, refund_id).await?;
        let unsent: Vec<OrderPieces> = shares
            .iter()
            .filter(|share| share.cancelled > 0)
            .map(|share| OrderPieces {
                order_line_id: share.order_line_id,
                quantity: share.cancelled,
            })
            .collect();
        let released = self.stock.release_pieces_in_txn(tx, order.id, &unsent).await?;
        for OrderPieces { order_line_id, quantity } in released {
            let mut update = Query::update();
            update
                .table(Lines)
                .value(L::QuantityCancelled, Expr::col(L::QuantityCancelled).add(quantity))
                .and_where(Expr::col(L::Id).eq(order_line_id));
            tx.run(&update).await?;
        }
        self.shelve_in_txn(tx, order, &shares).await
    }

    /// Puts what came back of sent goods on the shelf again.
    async fn shelve_in_txn(
        &self,
        tx: &Tx,
        order: &Order,
        shares: &[Share],
    ) -> Result<(), OrderError> {
        let lines = self.lines_in_txn(tx, order).await?;
        let mut back: Vec<Back> = Vec::new();
        for share in shares {
            let Some(line) = lines.iter().find(|line| line.id == share.order_line_id) else {
                continue;
            };
            // What came back meanwhile does not come back again.
            let away = line.quantity_fulfilled.saturating_sub(line.quantity_returned);
            let quantity = Ord::min(share.returned, away);
            if quantity > 0 {
                count_back_in_txn(tx, line.id, quantity).await?;
                let (order_line_id, variant_id) = (line.id, line.variant_id);
                back.push(Back { order_line_id, variant_id, quantity });
            }
        }
        if back.is_empty() {
            return Ok(());
        }
        let coming = come_back_in_txn(tx, &back, None).await?;
        let stock = &self.stock;
        Ok(stock.take_back_in_txn(tx, &Viewer::System, &order.number, &coming).await?)
    }
}

async fn shares_in_txn(tx: &Tx, refund_id: Uuid) -> Result<Vec<Share>, OrderError> {
    let mut select = Query::select();
    select
        .column(Asterisk)
        .from(Entity)
        .and_where(Expr::col(Column::RefundId).eq(refund_id))
        .order_by(Column::OrderLineId, Sort::Asc);
    let rows: Vec<Model> = tx.all(&select).await?;
    let share = |row: Model| Share {
        order_line_id: row.order_line_id,
        quantity: row.quantity,
        amount: row.amount,
        cancelled: row.cancelled,
        returned: row.returned,
    };
    Ok(rows.into_iter().map(share).collect())
}

/// Raises the counters of a line, or lowers them again. The order is locked, and CHECKs stand
/// behind that.
async fn count_in_txn(tx: &Tx, share: &Share, sign: i64) -> Result<(), OrderError> {
    let mut update = Query::update();
    update.table(Lines);
    for (column, change) in
        [(L::QuantityRefunded, share.quantity), (L::RefundedAmount, share.amount)]
    {
        update.value(column, Expr::col(column).add(change.saturating_mul(sign)));
    }
    update.and_where(Expr::col(L::Id).eq(share.order_line_id));
    tx.run(&update).await?;
    Ok(())
}
