//! Orders as they change, for who may see them.

use crate::auth::Viewer;
use crate::events::{BusEvent, BusMessage, BusSubscription, Recall};
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
    /// What was handed out last.
    told: Versions,
}

/// The version of an order and of each of its payments: of two looks with the same ones, the second
/// is no news.
type Versions = (i64, Vec<(Uuid, i64)>);

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
        let found = self.find_versions(&viewer, &access).await?;
        let (order, told) = found.ok_or_else(OrderError::not_found)?;
        let ready = VecDeque::from([order]);
        let watch = Watch { orders: self.clone(), viewer, access, news, ready, told };
        Ok(stream::unfold(watch, |mut watch| async move {
            let next = watch.next().await?;
            Some((next, watch))
        }))
    }

    async fn find_versions(
        &self,
        viewer: &Viewer,
        access: &Access,
    ) -> Result<Option<(Order, Versions)>, OrderError> {
        let id = access.order_id;
        // The payments first: what changes in between is looked at twice, rather than not at all.
        let payments = self.payments.of_orders(&[id]).await?.remove(&id).unwrap_or_default();
        let payments = payments.iter().map(|payment| (payment.id, payment.version)).collect();
        let order = self.find_for(viewer, access).await?;
        Ok(order.map(|order| {
            let versions = (order.version, payments);
            (order, versions)
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
            if !concerns(&event, self.access.order_id) {
                continue;
            }
            match self.orders.find_versions(&self.viewer, &self.access).await {
                Ok(Some((_, versions))) if versions == self.told => {}
                Ok(Some((order, versions))) => {
                    self.told = versions;
                    return Some(Ok(order));
                }
                Ok(None) => return None,
                Err(error) => return Some(Err(error)),
            }
        }
    }
}

/// Whether an order may have changed. Whoever missed something looks.
fn concerns(event: &BusEvent, order_id: Uuid) -> bool {
    match event {
        BusEvent::Message(message) => match &**message {
            BusMessage::OrdersChanged(ids) => ids.contains(&order_id),
            BusMessage::Recalled(recalls) => recalls.contains(&Recall::Order { order_id }),
            _ => false,
        },
        BusEvent::Lagged | BusEvent::Resumed => true,
    }
}
