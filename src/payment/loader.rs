//! Look-ups of payments, batched.

use crate::auth::Viewer;
use crate::graphql::{Batch, Fault};
use crate::payment::{Payment, Payments, Refund};
use uuid::Uuid;

/// The look-ups of one request. What the viewer may not see is not there.
pub struct PaymentLoaders {
    /// Payments by key.
    pub payment: Batch<Uuid, Payment>,
    /// The payments of an order that the viewer sees, the first attempt first.
    pub of_order: Batch<Uuid, Vec<Payment>>,
    /// The refunds of a payment that the viewer sees, the first one first.
    pub refunds: Batch<Uuid, Vec<Refund>>,
}

impl PaymentLoaders {
    /// Look-ups as `viewer`.
    #[must_use]
    pub fn new(payments: &Payments, viewer: Viewer) -> Self {
        let (by_key, by_order, refunds) = (payments.clone(), payments.clone(), payments.clone());
        Self {
            payment: Batch::new(move |ids| {
                let payments = by_key.clone();
                async move { payments.find_many(&viewer, &ids).await.map_err(Fault::from) }
            }),
            of_order: Batch::new(move |orders| {
                let payments = by_order.clone();
                async move { payments.of_orders(&orders).await.map_err(Fault::from) }
            }),
            refunds: Batch::new(move |of| {
                let payments = refunds.clone();
                async move { payments.refunds_of(&of).await.map_err(Fault::from) }
            }),
        }
    }
}
