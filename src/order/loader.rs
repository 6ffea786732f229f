//! Look-ups of orders, batched.

use crate::auth::Viewer;
use crate::db::page::{Page, Window};
use crate::graphql::{Batch, Fault};
use crate::order::{Fulfillment, Order, OrderError, OrderEvent, OrderLine, Orders};
use crate::payment::{Payment, Payments};
use std::collections::HashMap;
use std::hash::Hash;
use uuid::Uuid;

/// The part of the orders of an account that is asked for.
type ListKey = (Uuid, Window);

/// The look-ups of one request. What belongs to an order is looked up by whoever was found to be
/// allowed to see it.
pub struct OrderLoaders {
    /// Orders by key, those that the viewer may see.
    pub order: Batch<Uuid, Order>,
    /// Orders by key, for whoever was found to be allowed to see a payment of theirs.
    pub order_of_payment: Batch<Uuid, Order>,
    /// Orders by number, those that the viewer may see.
    pub order_by_number: Batch<String, Order>,
    /// A part of the orders of an account, the latest first.
    pub orders_of: Batch<ListKey, Page<Order>>,
    /// How many orders an account has.
    pub count_of: Batch<Uuid, u64>,
    /// The lines of an order.
    pub lines: Batch<Uuid, Vec<OrderLine>>,
    /// The history of an order.
    pub events: Batch<Uuid, Vec<OrderEvent>>,
    /// What was sent of an order.
    pub fulfillments: Batch<Uuid, Vec<Fulfillment>>,
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
            orders_of: batch(with(), move |orders, keys| load_orders_of(orders, viewer, keys)),
            count_of: batch(with(), move |orders, ids| async move {
                orders.count_of(&viewer, &ids).await
            }),
            lines: batch(with(), |orders, ids| async move { orders.lines_of(&ids).await }),
            events: batch(with(), |orders, ids| async move { orders.events_of(&ids).await }),
            fulfillments: batch(
                with(),
                |orders, ids| async move { orders.fulfillments_of(&ids).await },
            ),
            payments: batch(with(), move |_, ids| {
                let payments = payments.clone();
                async move { Ok(payments.of_orders(&ids).await?) }
            }),
        }
    }
}

/// One statement for each different part asked for, whatever the number of accounts.
async fn load_orders_of(
    orders: Orders,
    viewer: Viewer,
    keys: Vec<ListKey>,
) -> Result<HashMap<ListKey, Page<Order>>, OrderError> {
    let mut by_window: HashMap<Window, Vec<Uuid>> = HashMap::new();
    for (customer, window) in keys {
        by_window.entry(window).or_default().push(customer);
    }
    let mut found = HashMap::new();
    for (window, customers) in by_window {
        let pages = orders.list_of(&viewer, &customers, &window).await?;
        found.extend(pages.into_iter().map(|(customer, page)| ((customer, window.clone()), page)));
    }
    Ok(found)
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
