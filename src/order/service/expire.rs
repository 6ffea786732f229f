//! The end of orders that nobody paid in time, and the recovery of payments that nobody knows the
//! end of.

use crate::auth::Viewer;
use crate::db::{DbErrorKind, Tx};
use crate::failpoint;
use crate::order::service::record::{Changes, Step};
use crate::order::service::settle::Rest;
use crate::order::service::{Orders, lock_in_txn};
use crate::order::{EventKind, Order, OrderError, OrderStatus};
use crate::payment::{Payment, PaymentState, Refund};
use entity::shop_order::Column;
use entity::{payment, reservation, shop_order};
use futures::FutureExt;
use futures::future::BoxFuture;
use sea_orm::FromQueryResult;
use sea_orm::sea_query::{Expr, ExprTrait, Order as Sort, Query, SelectStatement};
use uuid::Uuid;

/// What is written in the place of a reason.
const EXPIRED: &str = "EXPIRED";
/// Orders that one sweep looks at.
const BATCH: u64 = 200;
/// Payments, and refunds, that one recovery works on at a time, and how often before it ends.
const SIDE_BY_SIDE: u64 = 8;
const RECOVERY_ROUNDS: usize = 100;

#[derive(FromQueryResult)]
struct OrderKey {
    id: Uuid,
}

/// What became of an order that may be over.
enum Ending {
    Ended,
    Not,
    /// Its payer did nothing in time, and may not any more.
    Unpaid(Box<(Order, Rest)>),
}

impl Orders {
    /// Ends the orders whose time to be paid is over, one transaction an order; tells how many.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn expire_due(&self) -> Result<u64, OrderError> {
        let due: Vec<OrderKey> = self.db.all(&self.select_due()).await?;
        let mut ended = 0;
        for OrderKey { id } in due {
            match self.expire(id).await {
                Ok(is_ended) => ended += u64::from(is_ended),
                Err(OrderError::Db(error)) if error.kind == DbErrorKind::Unavailable => {
                    return Err(error.into());
                }
                // The others must not wait for this one.
                Err(error) => tracing::error!(%error, order = %id, "an order could not be ended"),
            }
        }
        // What is held in no order's name.
        self.stock.expire_holds().await?;
        Ok(ended)
    }

    /// Ends an order if its time to be paid is over. Tells whether it did.
    pub(super) async fn expire(&self, order_id: Uuid) -> Result<bool, OrderError> {
        let ending = self.db.tx(|tx| {
            let orders = self.clone();
            async move { orders.expire_in_txn(&tx, order_id).await }
        });
        match ending.await? {
            Ending::Ended => Ok(true),
            Ending::Not => Ok(false),
            // What waits for the payer is let go first; without it the order ends next time.
            Ending::Unpaid(unpaid) => {
                let (order, rest) = *unpaid;
                self.finish(order, rest).await.map(|_| false)
            }
        }
    }

    async fn expire_in_txn(&self, tx: &Tx, order_id: Uuid) -> Result<Ending, OrderError> {
        let order = lock_in_txn(tx, order_id).await?;
        let Some(order) = order.filter(|it| it.status == OrderStatus::PendingPayment) else {
            // Of a dead order nothing may be held any more, nor of one that never was.
            self.stock.expire_in_txn(tx, order_id).await?;
            return Ok(Ending::Not);
        };
        if let Some(payment) = self.payments.open_of_order_in_txn(tx, order_id).await? {
            let waits = payment.state == PaymentState::ActionRequired;
            if !waits || self.stock.is_held_in_txn(tx, order_id).await? {
                return Ok(Ending::Not);
            }
            let rest = self.give_back_in_txn(tx, payment).await?;
            return Ok(Ending::Unpaid(Box::new((order, rest))));
        }
        let freed = self.stock.expire_in_txn(tx, order_id).await?;
        if freed == 0 && self.stock.holds_in_txn(tx, order_id).await? {
            return Ok(Ending::Not);
        }
        self.flash_sales.give_back_in_txn(tx, order_id).await?;
        failpoint::reach("sweep.after_mark").await;
        let set = Changes::because(EXPIRED);
        let step = Step::new(EventKind::Expired, OrderStatus::Cancelled, &Viewer::System);
        self.step_in_txn(tx, &order, Step { set, ..step }).await?;
        Ok(Ending::Ended)
    }

    /// Finds out what became of payments and refunds that nobody works on; tells how many.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn recover(&self) -> Result<u64, OrderError> {
        let mut recovered = 0_u64;
        for _ in 0..RECOVERY_ROUNDS {
            // No more than are worked on side by side: a lease that nobody uses would run out.
            let payments = self.payments.claim_stuck(SIDE_BY_SIDE).await?;
            let refunds = self.payments.claim_stuck_refunds(SIDE_BY_SIDE).await?;
            let found = u64::try_from(payments.len().max(refunds.len())).unwrap_or(u64::MAX);
            let all = payments.len().saturating_add(refunds.len());
            recovered = recovered.saturating_add(u64::try_from(all).unwrap_or(u64::MAX));
            self.recover_these(payments, refunds).await;
            if found < SIDE_BY_SIDE {
                break;
            }
        }
        Ok(recovered.saturating_add(self.refund_refused().await?))
    }

    /// Side by side: one provider that hangs keeps nobody else waiting.
    async fn recover_these(&self, payments: Vec<Payment>, refunds: Vec<Refund>) {
        let payments = payments.into_iter().map(|payment| self.clone().find_out(payment).boxed());
        let refunds = refunds.into_iter().map(|refund| self.clone().refund_again(refund).boxed());
        let all: Vec<BoxFuture<'static, _>> = payments.chain(refunds).collect();
        for recovered in futures::future::join_all(all).await {
            if let Err(error) = recovered {
                // The others must not wait for this one; its turn comes again.
                tracing::warn!(%error, "what became of a payment could not be written");
            }
        }
    }

    async fn find_out(self, payment: Payment) -> Result<(), OrderError> {
        let outcome = self.learn(&payment).await?;
        self.settle_found(&payment, &outcome).await.map(drop)
    }

    async fn refund_again(self, refund: Refund) -> Result<(), OrderError> {
        let payment = self.payments.get(refund.payment_id).await?;
        let outcome = self.payments.refund(&payment, &refund).await;
        self.settle_refund(&refund, &outcome).await.map(drop)
    }

    /// Unpaid orders that nothing is held for any more, or only past its time, and whose payment is
    /// neither under way nor there: at most it waits for the payer.
    fn select_due(&self) -> SelectStatement {
        use reservation::Column as R;
        let mut held = Query::select();
        held.expr(Expr::value(1))
            .from(reservation::Entity)
            .and_where(
                Expr::col((reservation::Entity, R::OrderId))
                    .equals((shop_order::Entity, Column::Id)),
            )
            .and_where(Expr::col((reservation::Entity, R::Status)).eq("HELD"))
            .and_where(Expr::col((reservation::Entity, R::ExpiresAt)).gte(self.db.now_sql()));
        let mut paying = Query::select();
        paying
            .expr(Expr::value(1))
            .from(payment::Entity)
            .and_where(
                Expr::col((payment::Entity, payment::Column::OrderId))
                    .equals((shop_order::Entity, Column::Id)),
            )
            .and_where(Expr::col((payment::Entity, payment::Column::State)).is_not_in([
                "VOIDED",
                "DECLINED",
                "UNAVAILABLE",
                "SURPLUS",
                "ACTION_REQUIRED",
            ]));
        let mut select = Query::select();
        select
            .column((shop_order::Entity, Column::Id))
            .from(shop_order::Entity)
            .and_where(Expr::col((shop_order::Entity, Column::Status)).eq("PENDING_PAYMENT"))
            .and_where(Expr::exists(held).not())
            .and_where(Expr::exists(paying).not())
            .order_by((shop_order::Entity, Column::CreatedAt), Sort::Asc)
            .limit(BATCH);
        select
    }
}
