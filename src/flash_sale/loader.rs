//! Look-ups of flash sales, batched.

use crate::auth::Viewer;
use crate::flash_sale::{FlashSale, FlashSales};
use crate::graphql::{Batch, Fault};
use std::sync::Arc;
use uuid::Uuid;

/// The look-ups of one request.
pub struct FlashSaleLoaders {
    /// The sale that runs now, by variant; for variants that the viewer was found to be allowed to
    /// see.
    pub running: Batch<Uuid, Arc<FlashSale>>,
    /// Sales by key, those that the viewer may see.
    pub sale: Batch<Uuid, Arc<FlashSale>>,
}

impl FlashSaleLoaders {
    /// Look-ups as `viewer`.
    #[must_use]
    pub fn new(sales: &FlashSales, viewer: Viewer) -> Self {
        let (by_variant, by_key) = (sales.clone(), sales.clone());
        Self {
            running: Batch::new(move |variants: Vec<Uuid>| {
                let sales = by_variant.clone();
                async move { sales.find_running(&variants).await.map_err(Fault::from) }
            }),
            sale: Batch::new(move |ids: Vec<Uuid>| {
                let sales = by_key.clone();
                async move { sales.find_many(&viewer, &ids).await.map_err(Fault::from) }
            }),
        }
    }
}
