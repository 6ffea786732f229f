//! Variants in the schema.

use crate::auth::Permission;
use crate::catalog::graphql::product::{Product, currency_or_shops};
use crate::catalog::loader::CatalogLoaders;
use crate::catalog::{self, Facet};
use crate::db::page::Page;
use crate::flash_sale;
use crate::flash_sale::graphql::FlashSale;
use crate::graphql::scalars::{BigInt, CurrencyCode, DateTime, Money};
use crate::graphql::{Auth, Connection, Fault, NodeKind};
use crate::stock::Availability;
use crate::stock::graphql::{StockLevel, VariantStock};
use crate::stock::loader::StockLoaders;
use async_graphql::{Context, Enum, ID, Object, SimpleObject};
use futures::future::BoxFuture;
use std::hash::Hash;
use std::sync::Arc;

/// Whether a variant is sold.
#[derive(Enum, Debug, Clone, Copy, PartialEq, Eq)]
#[graphql(remote = "catalog::VariantStatus")]
pub enum VariantStatus {
    /// For sale with its product.
    Active,
    /// Not for sale any more: only staff see it.
    Archived,
}

/// One way in which a variant differs from the others of its product.
#[derive(SimpleObject)]
pub struct VariantOption {
    /// What differs, such as `Colour`.
    name: String,
    /// How it is here, such as `Black`.
    value: String,
}

/// What is put into a cart: one SKU.
pub struct ProductVariant {
    variant: Arc<catalog::Variant>,
    /// Its stock, when that is known with it.
    stock: Option<Availability>,
    /// Whether a line refers to it: then it is shown with its product though neither is sold.
    is_in_use: bool,
}

impl From<Arc<catalog::Variant>> for ProductVariant {
    fn from(variant: Arc<catalog::Variant>) -> Self {
        Self { variant, stock: None, is_in_use: false }
    }
}

impl ProductVariant {
    /// A variant as it was with this stock: news of a change show both alike.
    pub fn with_stock(variant: Arc<catalog::Variant>, stock: Availability) -> Self {
        Self { variant, stock: Some(stock), is_in_use: false }
    }

    /// A variant that a cart or an order refers to.
    pub fn in_use(variant: Arc<catalog::Variant>) -> Self {
        Self { variant, stock: None, is_in_use: true }
    }

    /// The flash sale that runs now.
    async fn sale(&self, ctx: &Context<'_>) -> Result<Option<Arc<flash_sale::FlashSale>>, Fault> {
        let loaders = ctx.data_unchecked::<CatalogLoaders>();
        let offer = loaders.offer.get((self.variant.id, Facet::Sale)).await?;
        Ok(offer.and_then(|offer| offer.sale))
    }
}

/// What is put into a cart: one SKU. Customers see what is sold, staff see all.
#[Object]
impl ProductVariant {
    /// The opaque id, for `node`.
    pub async fn id(&self) -> ID {
        NodeKind::ProductVariant.id(self.variant.id)
    }

    /// The stock keeping unit, unique in the shop.
    async fn sku(&self) -> &str {
        &self.variant.sku
    }

    /// The display name, next to the product's; empty when nothing tells it from the others.
    async fn name(&self) -> &str {
        &self.variant.name
    }

    /// The product that it is a variant of.
    async fn product(&self, ctx: &Context<'_>) -> Result<Product, Fault> {
        let loaders = ctx.data_unchecked::<CatalogLoaders>();
        let product = match self.is_in_use {
            true => loaders.product_in_use.get(self.variant.product_id).await?,
            false => loaders.find_product(self.variant.product_id).await?,
        };
        product.map(Product).ok_or_else(|| {
            // It was sold when the variant was read and is not any more.
            Fault::bad_user_input("The product is not for sale any more.")
        })
    }

    /// What tells it from the other variants, in display order.
    async fn options(&self) -> Vec<VariantOption> {
        let options = self.variant.options.iter().cloned();
        options.map(|option| VariantOption { name: option.name, value: option.value }).collect()
    }

    /// Whether it is sold.
    async fn status(&self) -> VariantStatus {
        self.variant.status.into()
    }

    /// What a buyer pays for it now, flash sale included; null when it is not sold in this currency.
    async fn price(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "In which currency; the shop's own when not given.")] currency: Option<
            CurrencyCode,
        >,
    ) -> Option<Result<Money, Fault>> {
        let list = self.variant.price(currency_or_shops(ctx, currency))?;
        let paid = |sale: Option<Arc<flash_sale::FlashSale>>| {
            sale.and_then(|sale| sale.price_below(list)).unwrap_or(list)
        };
        Some(self.sale(ctx).await.map(|sale| paid(sale).into()))
    }

    /// What it costs outside of any sale; null when it is not sold in this currency.
    async fn list_price(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "In which currency; the shop's own when not given.")] currency: Option<
            CurrencyCode,
        >,
    ) -> Option<Money> {
        self.variant.price(currency_or_shops(ctx, currency)).map(Money::from)
    }

    /// The flash sale that runs now; null when none does. At `remaining` 0 its price is not paid any
    /// more.
    async fn flash_sale(&self, ctx: &Context<'_>) -> Option<Result<FlashSale, Fault>> {
        self.sale(ctx).await.map(|sale| sale.map(FlashSale)).transpose()
    }

    /// What a shopper may know of its stock.
    async fn stock(&self, ctx: &Context<'_>) -> Result<VariantStock, Fault> {
        if let Some(stock) = self.stock {
            return Ok(stock.into());
        }
        let loaders = ctx.data_unchecked::<CatalogLoaders>();
        let offer = loaders.offer.get((self.variant.id, Facet::Stock)).await?;
        Ok(VariantStock::from(offer.unwrap_or_default().stock))
    }

    /// Its stock in each warehouse.
    #[graphql(directive = Auth::apply(Permission::StockRead))]
    async fn stock_levels(&self, ctx: &Context<'_>) -> Option<Result<Vec<StockLevel>, Fault>> {
        let levels = ctx.data_unchecked::<StockLoaders>().levels.get(self.variant.id).await;
        let levels = levels.map(Option::unwrap_or_default);
        Some(levels.map(|levels| levels.into_iter().map(StockLevel).collect()))
    }

    /// Rises with each change; give it as `expectedVersion` to change only what you have seen.
    async fn version(&self) -> BigInt {
        BigInt(self.variant.version)
    }

    /// When it was made.
    async fn created_at(&self) -> DateTime {
        DateTime(self.variant.created_at)
    }

    /// When it was changed last.
    async fn updated_at(&self) -> DateTime {
        DateTime(self.variant.updated_at)
    }
}

/// A connection over a page of variants.
pub(super) fn variant_connection<F>(
    page: Page<Arc<catalog::Variant>>,
    list: &impl Hash,
    count: F,
) -> Connection<ProductVariant>
where
    F: Fn() -> BoxFuture<'static, Result<u64, Fault>> + Send + Sync + 'static,
{
    Connection::new(page, list, |variant| variant.place(), ProductVariant::from, count)
}
