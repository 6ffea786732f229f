//! Orders as they change, for who may see them.

use crate::auth::Viewer;
use crate::events::{BusEvent, BusMessage, BusSubscription};
use crate::order::service::Orders;
use crate::order::{Access, Order, OrderError};
use futures::{Stream, stream};
use std::collections::VecDeque;
use uuid::Uuid;

/// What a watcher knows.
struct Watch {
    orders: Orders,
    viewer: Viewer,
    access: Access,
    news: BusSubscription,
    /// What was read and not handed out yet.
    ready: VecDeque<Order>,
}

impl Orders {
    /// The order as it is, then again after each change of it or of its payment. Ends when it may
    /// not be seen any more.
    ///
    /// # Errors
    /// When there is no such order, or none that the viewer may see.
    pub async fn watch(
        &self,
        viewer: Viewer,
        access: Access,
    ) -> Result<impl Stream<Item = Result<Order, OrderError>> + use<>, OrderError> {
        // Before the first look, so that nothing happens unseen between.
        let news = self.bus.subscribe();
        let order = self.find_for(&viewer, &access).await?.ok_or_else(OrderError::not_found)?;
        let ready = VecDeque::from([order]);
        let watch = Watch { orders: self.clone(), viewer, access, news, ready };
        Ok(stream::unfold(watch, |mut watch| async move {
            let next = watch.next().await?;
            Some((next, watch))
        }))
    }
}

impl Watch {
    async fn next(&mut self) -> Option<Result<Order, OrderError>> {
        if let Some(order) = self.ready.pop_front() {
            return Some(Ok(order));
        }
        loop {
            let event = self.news.next().await?;
            if concerns(&event, self.access.order_id) {
                break;
            }
        }
        self.orders.find_for(&self.viewer, &self.access).await.transpose()
    }
}

/// Whether an order may have changed. Whoever missed something looks.
fn concerns(event: &BusEvent, order_id: Uuid) -> bool {
    match event {
        BusEvent::Message(message) => {
            matches!(&**message, BusMessage::OrdersChanged(ids) if ids.contains(&order_id))
        }
        BusEvent::Lagged | BusEvent::Resumed => true,
    }
}
