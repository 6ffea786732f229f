//! Look-ups of flash sales, batched.

use crate::auth::Viewer;
use crate::flash_sale::{FlashSale, FlashSales};
use crate::graphql::{Batch, Fault};
use std::sync::Arc;
use uuid::Uuid;

/// The look-ups of one request.
pub struct FlashSaleLoaders {
    /// Sales by key, those that the viewer may see.
    pub sale: Batch<Uuid, Arc<FlashSale>>,
}

impl FlashSaleLoaders {
    /// Look-ups as `viewer`.
    #[must_use]
    pub fn new(sales: &FlashSales, viewer: Viewer) -> Self {
        let by_key = sales.clone();
        Self {
            sale: Batch::new(move |ids: Vec<Uuid>| {
                let sales = by_key.clone();
                async move { sales.find_many(&viewer, &ids).await.map_err(Fault::from) }
            }),
        }
    }
}
