//! Look-ups of orders, batched.

use crate::auth::Viewer;
use crate::graphql::{Batch, Fault};
use crate::order::{Order, OrderError, OrderEvent, OrderLine, Orders};
use crate::payment::{Payment, Payments};
use std::collections::HashMap;
use std::hash::Hash;
use uuid::Uuid;

/// The look-ups of one request. What belongs to an order is looked up by whoever was found to be
/// allowed to see it.
pub struct OrderLoaders {
    /// Orders by key, those that the viewer may see.
    pub order: Batch<Uuid, Order>,
    /// Orders by key, for whoever was found to be allowed to see a payment of theirs.
    pub order_of_payment: Batch<Uuid, Order>,
    /// Orders by number, those that the viewer may see.
    pub order_by_number: Batch<String, Order>,
    /// The lines of an order.
    pub lines: Batch<Uuid, Vec<OrderLine>>,
    /// The history of an order.
    pub events: Batch<Uuid, Vec<OrderEvent>>,
    /// The payments of an order.
    pub payments: Batch<Uuid, Vec<Payment>>,
}

impl OrderLoaders {
    /// Look-ups as `viewer`.
    #[must_use]
    pub fn new(orders: &Orders, payments: &Payments, viewer: Viewer) -> Self {
        let with = || orders.clone();
        let payments = payments.clone();
        Self {
            order: batch(with(), move |orders, ids| async move {
                orders.find_many(&viewer, &ids).await
            }),
            order_of_payment: batch(with(), |orders, ids| async move {
                orders.find_many(&Viewer::System, &ids).await
            }),
            order_by_number: batch(with(), move |orders, numbers| async move {
                orders.find_by_number(&viewer, &numbers).await
            }),
            lines: batch(with(), |orders, ids| async move { orders.lines_of(&ids).await }),
            events: batch(with(), |orders, ids| async move { orders.events_of(&ids).await }),
            payments: batch(with(), move |_, ids| {
                let payments = payments.clone();
                async move { Ok(payments.of_orders(&ids).await?) }
            }),
        }
    }
}

fn batch<K, V, F, Fut>(orders: Orders, find: F) -> Batch<K, V>
where
    K: Eq + Hash + Clone + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
    F: Fn(Orders, Vec<K>) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<HashMap<K, V>, OrderError>> + Send + 'static,
{
    Batch::new(move |keys| {
        let found = find(orders.clone(), keys);
        async move { found.await.map_err(Fault::from) }
    })
}
