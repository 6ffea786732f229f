//! Products in the schema.

use crate::catalog;
use crate::catalog::graphql::category::Category;
use crate::catalog::graphql::variant::{ProductVariant, variant_connection};
use crate::catalog::loader::CatalogLoaders;
use crate::catalog::{Catalog, ListedProduct};
use crate::db::page::Page;
use crate::graphql::scalars::{BigInt, CurrencyCode, DateTime, Money};
use crate::graphql::{Connection, Fault, NodeKind, PageArgs};
use crate::stock::loader::StockLoaders;
use async_graphql::{Context, Enum, ID, Object, SimpleObject};
use futures::FutureExt;
use futures::future::BoxFuture;
use std::hash::Hash;
use std::sync::Arc;

/// Whether a product is sold.
#[derive(Enum, Debug, Clone, Copy, PartialEq, Eq)]
#[graphql(remote = "catalog::ProductStatus")]
pub enum ProductStatus {
    /// Being prepared: only staff see it.
    Draft,
    /// For sale: everybody sees it.
    Active,
    /// Not for sale any more: only staff see it.
    Archived,
}

/// A lowest and a highest price.
#[derive(SimpleObject)]
pub struct MoneyRange {
    /// The lowest.
    minimum: Money,
    /// The highest; the same as the lowest when there is one price.
    maximum: Money,
}

/// What is sold, in one or more variants.
pub struct Product(pub Arc<catalog::Product>);

/// What is sold, in one or more variants. Customers see ACTIVE products, staff see all.
#[Object]
impl Product {
    /// The opaque id, for `node`.
    pub async fn id(&self) -> ID {
        NodeKind::Product.id(self.0.id)
    }

    /// The display name.
    async fn name(&self) -> &str {
        &self.0.name
    }

    /// The unique name for addresses of pages, such as `mechanical-keyboard`.
    async fn slug(&self) -> &str {
        &self.0.slug
    }

    /// What the product's page says; empty when there is nothing to say.
    async fn description(&self) -> &str {
        &self.0.description
    }

    /// Whether it is sold.
    async fn status(&self) -> ProductStatus {
        self.0.status.into()
    }

    /// The category that it is sorted into; null only while that is being deleted.
    async fn category(&self, ctx: &Context<'_>) -> Option<Result<Category, Fault>> {
        let loaders = ctx.data_unchecked::<CatalogLoaders>();
        let found = loaders.find_category(self.0.category_id).await;
        found.map(|category| category.map(Category)).transpose()
    }

    /// Its variants in display order: 1 to 100. Customers see those that are sold.
    async fn variants(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "So many from the beginning, 0 to 100; 20 when neither is given.")]
        first: Option<i32>,
        #[graphql(desc = "Only what comes after this cursor.")] after: Option<String>,
        #[graphql(desc = "So many from the end, 0 to 100.")] last: Option<i32>,
        #[graphql(desc = "Only what comes before this cursor.")] before: Option<String>,
    ) -> Result<Connection<ProductVariant>, Fault> {
        let loaders = ctx.data_unchecked::<CatalogLoaders>();
        let id = self.0.id;
        let list = ("Product.variants", id);
        let window = PageArgs { first, after, last, before }.window(&list)?;
        let page = loaders.variants.get((id, window)).await?.unwrap_or_else(Page::empty);
        let count = loaders.variant_count.clone();
        Ok(variant_connection(page, &list, move || {
            let count = count.clone();
            async move { Ok(count.get(id).await?.unwrap_or_default()) }.boxed()
        }))
    }

    /// The lowest and the highest list price of the variants that are sold; null when none is sold
    /// in this currency.
    async fn price_range(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "In which currency; the shop's own when not given.")] currency: Option<
            CurrencyCode,
        >,
    ) -> Option<Result<MoneyRange, Fault>> {
        let currency = currency_or_shops(ctx, currency);
        let loaders = ctx.data_unchecked::<CatalogLoaders>();
        let ranges = match loaders.price_ranges.get(self.0.id).await {
            Ok(ranges) => ranges?,
            Err(fault) => return Some(Err(fault)),
        };
        let range = ranges.into_iter().find(|range| range.minimum.currency == currency)?;
        Some(Ok(MoneyRange { minimum: range.minimum.into(), maximum: range.maximum.into() }))
    }

    /// Whether a variant of it can be bought now.
    async fn in_stock(&self, ctx: &Context<'_>) -> Result<bool, Fault> {
        let loaders = ctx.data_unchecked::<StockLoaders>();
        Ok(loaders.product_in_stock.get(self.0.id).await?.unwrap_or_default())
    }

    /// Rises with each change of the product and of its variants; give it as `expectedVersion` to
    /// change only what you have seen.
    async fn version(&self) -> BigInt {
        BigInt(self.0.version)
    }

    /// When it was made.
    async fn created_at(&self) -> DateTime {
        DateTime(self.0.created_at)
    }

    /// When it or one of its variants was changed last.
    async fn updated_at(&self) -> DateTime {
        DateTime(self.0.updated_at)
    }
}

/// The currency asked for, or the shop's own.
pub(crate) fn currency_or_shops(
    ctx: &Context<'_>,
    currency: Option<CurrencyCode>,
) -> crate::money::Currency {
    currency.map_or_else(|| ctx.data_unchecked::<Catalog>().shop_currency(), |asked| asked.0)
}

/// A connection over a page of products.
pub(super) fn product_connection<F>(
    page: Page<ListedProduct>,
    list: &impl Hash,
    count: F,
) -> Connection<Product>
where
    F: Fn() -> BoxFuture<'static, Result<u64, Fault>> + Send + Sync + 'static,
{
    Connection::new(page, list, |p| p.cursor.clone(), |p| Product(p.product), count)
}
