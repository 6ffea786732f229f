//! Placing an order: the whole of it on one page.

use crate::auth::{Permission, Viewer};
use crate::cart::Quote;
use crate::db::Tx;
use crate::failpoint;
use crate::idempotency::IdempotencyKey;
use crate::order::service::Orders;
use crate::order::service::write::{Ready, Written};
use crate::order::{Checkout, GuestToken, OrderError, Placed};
use crate::telemetry;
use sha2::{Digest, Sha256};
use std::collections::BTreeSet;
use std::sync::Arc;
use uuid::Uuid;

/// How often a checkout is tried again because dead holds stood in its way.
pub(super) const ROUNDS: usize = 25;

/// Whether an order is tried again when dead ones are in its way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Round {
    Early,
    Last,
}

impl Orders {
    /// Turns a cart into an order and has it paid. A payment that is declined, or that cannot be
    /// made, leaves the order unpaid with its stock held, to be paid otherwise.
    ///
    /// # Errors
    /// [`OrderError`] when it was refused: then nothing happened.
    pub async fn place(&self, viewer: &Viewer, ask: &Checkout) -> Result<Placed, OrderError> {
        viewer.may(Permission::OrderPlace)?;
        let scope = scope(viewer, ask);
        let key = IdempotencyKey::bind(scope, "checkoutComplete", &ask.idempotency_key, ask)?;
        let ready = Arc::new(Ready { viewer: *viewer, ask: ask.clone(), key });
        let written = self.write(&ready).await;
        count_attempt(&written);
        let (written, replayed) = written?;
        failpoint::reach("checkout.after_t1").await;
        let token = viewer.user_id().is_none();
        let guest_token = token.then(|| GuestToken::of(ask.cart_id, written.order_id));
        let placed = self.see_through(&written, Some(&ready.key), replayed).await?;
        Ok(Placed { guest_token, ..placed })
    }

    /// One transaction: the order, its lines, its payment, its stock. Nobody is refused for a dead
    /// hold, or charged more for one: those in the way are ended, and the whole is tried again.
    async fn write(&self, ready: &Arc<Ready>) -> Result<(Written, bool), OrderError> {
        for _ in 0..ROUNDS {
            let result = self.write_once(ready, Round::Early).await;
            match &result {
                Err(error) if self.ends_dead_holds(error).await => {}
                _ => return result,
            }
        }
        self.write_once(ready, Round::Last).await
    }

    /// Ends the dead orders that may be why an order was refused; tells whether there were any, so
    /// that it is worth another try.
    pub(super) async fn ends_dead_holds(&self, refused: &OrderError) -> bool {
        let dead: BTreeSet<Uuid> = match refused {
            OrderError::Insufficient(short) => {
                short.iter().flat_map(|shortage| &shortage.dead_holds).copied().collect()
            }
            OrderError::FlashSaleLimit(limits) => {
                limits.iter().flat_map(|limit| &limit.dead_holds).copied().collect()
            }
            OrderError::DeadTakes(orders) => orders.iter().copied().collect(),
            _ => return false,
        };
        for order_id in &dead {
            if let Err(error) = self.expire(*order_id).await {
                // Then it refuses this order, and no other.
                tracing::error!(%error, order = %order_id, "an order could not be ended");
            }
        }
        !dead.is_empty()
    }

    /// Goes on when nobody is charged a list price because of orders that are dead. In the last
    /// round it is the price: they could not be ended.
    pub(super) async fn check_sold_out_in_txn(
        &self,
        tx: &Tx,
        quote: &Quote,
        round: Round,
    ) -> Result<(), OrderError> {
        if round == Round::Last {
            return Ok(());
        }
        let dead = self.flash_sales.dead_takes_in_txn(tx, &quote.sold_out).await?;
        if dead.is_empty() { Ok(()) } else { Err(OrderError::DeadTakes(dead)) }
    }
}

/// Counts an order that was written, or for which there is not enough; a repetition is neither.
pub(super) fn count_attempt(written: &Result<(Written, bool), OrderError>) {
    match written {
        Ok((_, false)) => telemetry::count(telemetry::ORDERS_PLACED),
        Err(OrderError::Insufficient(_)) => {
            telemetry::count(telemetry::ORDERS_PLACED);
            telemetry::count(telemetry::STOCK_REJECTIONS);
        }
        Ok((_, true)) | Err(_) => {}
    }
}

/// Under whose name the key is kept: a guest is whoever holds the cart.
fn scope(viewer: &Viewer, ask: &Checkout) -> String {
    match viewer {
        Viewer::Guest => {
            let digest = Sha256::digest(ask.cart_id.as_bytes());
            let hex: String = digest.iter().take(16).map(|byte| format!("{byte:02x}")).collect();
            format!("guest:{hex}")
        }
        viewer => viewer.scope(),
    }
}
