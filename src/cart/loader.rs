//! Look-ups of carts, batched.

use crate::auth::Viewer;
use crate::cart::{Cart, CartError, Carts, Contents};
use crate::graphql::{Batch, Fault};
use std::collections::HashMap;
use std::sync::Arc;
use uuid::Uuid;

/// The look-ups of one request. What the viewer may not use is not there.
pub struct CartLoaders {
    /// Carts by key.
    pub cart: Batch<Uuid, Arc<Cart>>,
    /// The open cart of a customer.
    pub cart_of: Batch<Uuid, Arc<Cart>>,
    /// What is in a cart, priced.
    pub contents: Batch<Uuid, Arc<Contents>>,
}

impl CartLoaders {
    /// Look-ups as `viewer`.
    #[must_use]
    pub fn new(carts: &Carts, viewer: Viewer) -> Self {
        let with = || carts.clone();
        Self {
            cart: batch(
                with(),
                move |carts, ids| async move { carts.find_carts(&viewer, &ids).await },
            ),
            cart_of: batch(with(), move |carts, customers| async move {
                carts.find_carts_of(&viewer, &customers).await
            }),
            contents: batch(with(), move |carts, ids| async move {
                carts.find_contents(&viewer, &ids).await
            }),
        }
    }
}

fn batch<V, F, Fut>(carts: Carts, find: F) -> Batch<Uuid, V>
where
    V: Clone + Send + Sync + 'static,
    F: Fn(Carts, Vec<Uuid>) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<HashMap<Uuid, V>, CartError>> + Send + 'static,
{
    Batch::new(move |keys| {
        let found = find(carts.clone(), keys);
        async move { found.await.map_err(Fault::from) }
    })
}
