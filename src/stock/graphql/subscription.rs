//! Live stock.

use crate::auth::{Permission, Viewer};
use crate::catalog::graphql::ProductVariant;
use crate::catalog::loader::CatalogLoaders;
use crate::graphql::scalars::{BigInt, DateTime};
use crate::graphql::{Auth, Fault, Freshness, NodeKind};
use crate::stock::graphql::types::VariantStock;
use crate::stock::live::{LiveStock, StockState};
use crate::stock::{Stock, Watchable};
use async_graphql::{Context, ID, Object, Subscription};
use futures::{Stream, StreamExt};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// SKUs that one subscription watches at most.
const MAX_SKUS: usize = 100;
/// Characters of a SKU that a message repeats at most: nobody chooses how long an answer is.
const QUOTED_CHARS: usize = 64;

/// The stock of a SKU, now or after a change.
pub struct StockChange {
    state: StockState,
    watched: Arc<HashMap<uuid::Uuid, Watchable>>,
}

/// The stock of a SKU: first as it is, then after each change.
#[Object]
impl StockChange {
    /// The SKU.
    async fn sku(&self) -> &str {
        self.watched.get(&self.state.variant_id).map_or("", |watched| &watched.sku)
    }

    /// The variant, with this stock.
    async fn variant(&self, ctx: &Context<'_>) -> Result<ProductVariant, Fault> {
        let loaders = ctx.data_unchecked::<CatalogLoaders>();
        let variant = loaders.variant.get(self.state.variant_id).await?;
        let variant = variant
            .ok_or_else(|| Fault::bad_user_input("The variant is not for sale any more."))?;
        Ok(ProductVariant::with_stock(variant, self.state.stock))
    }

    /// Its stock, as `variant.stock` has it.
    async fn stock(&self) -> VariantStock {
        self.state.stock.into()
    }

    /// Rises with each change: of two events of a SKU the one with the larger version is newer.
    async fn version(&self) -> BigInt {
        BigInt(self.state.stock.version)
    }

    /// When it changed last; for a SKU that was never stocked, when its variant was made.
    async fn occurred_at(&self) -> DateTime {
        let made = self.watched.get(&self.state.variant_id).map(|watched| watched.created_at);
        DateTime(self.state.occurred_at.or(made).unwrap_or_default())
    }
}

/// What can be watched of stock.
#[derive(Default)]
pub struct StockSubscription;

/// What can be watched of stock.
#[Subscription]
impl StockSubscription {
    /// The present stock of each SKU, then its changes. A slow reader gets the newest state of
    /// each SKU, never an older one after a newer one.
    #[graphql(directive = Auth::apply(Permission::CatalogRead))]
    async fn stock_changed(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "These SKUs; an unknown one is an error that names it.")] skus: Option<
            Vec<String>,
        >,
        #[graphql(desc = "The variants that these products have now; an unknown one is an error.")]
        product_ids: Option<Vec<ID>>,
    ) -> Result<impl Stream<Item = StockChange> + use<>, Fault> {
        let (skus, product_ids) = (skus.unwrap_or_default(), product_ids.unwrap_or_default());
        if skus.is_empty() && product_ids.is_empty() {
            return Err(Fault::bad_user_input("Name what to watch: skus, productIds, or both."));
        }
        if skus.len() > MAX_SKUS || product_ids.len() > MAX_SKUS {
            return Err(too_many());
        }
        let products: Result<Vec<_>, _> =
            product_ids.iter().map(|id| NodeKind::Product.key(id)).collect();
        let products = products?;
        let (stock, viewer) = (ctx.data_unchecked::<Stock>(), ctx.data_unchecked::<Viewer>());
        let found = stock.find_watchable(viewer, &skus, &products).await?;
        if let Some(unknown) = skus.iter().find(|sku| found.iter().all(|w| w.sku != **sku)) {
            let unknown: String = unknown.chars().take(QUOTED_CHARS).collect();
            return Err(Fault::bad_user_input(format!("There is no SKU {unknown:?}.")));
        }
        let mut asked = products.iter().zip(&product_ids);
        let unknown = asked.find(|(key, _)| found.iter().all(|w| w.product_id != **key));
        if let Some((_, id)) = unknown {
            return Err(Fault::bad_user_input(format!("There is no product {:?}.", id.as_str())));
        }
        if found.len() > MAX_SKUS {
            return Err(too_many());
        }
        let variants = found.iter().map(|watched| watched.variant_id).collect();
        let watched: Arc<HashMap<_, _>> =
            Arc::new(found.into_iter().map(|watched| (watched.variant_id, watched)).collect());
        let states = ctx.data_unchecked::<LiveStock>().watch(variants).await?;
        let (freshness, mut seen) = (ctx.data_unchecked::<Freshness>().clone(), HashSet::new());
        Ok(states.map(move |state| {
            // First comes the state as it is, which may be as old as it likes.
            let is_change = !seen.insert(state.variant_id);
            freshness.set_committed(state.pending_since.filter(|_| is_change));
            freshness.set_heard(state.heard_at);
            StockChange { state, watched: Arc::clone(&watched) }
        }))
    }
}

fn too_many() -> Fault {
    Fault::bad_user_input(format!("One subscription watches at most {MAX_SKUS} SKUs."))
}
