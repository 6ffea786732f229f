//! What clients see of flash sales.

use crate::catalog::graphql::{ProductVariant, currency_or_shops};
use crate::catalog::loader::CatalogLoaders;
use crate::flash_sale;
use crate::graphql::scalars::{BigInt, CurrencyCode, DateTime, Money};
use crate::graphql::{Fault, NodeKind};
use crate::stock::graphql::pieces;
use async_graphql::{Context, Enum, ID, Object};
use std::sync::Arc;

/// Where a flash sale stands.
#[derive(Enum, Debug, Clone, Copy, PartialEq, Eq)]
#[graphql(remote = "flash_sale::FlashSaleStatus")]
pub enum FlashSaleStatus {
    /// It has not begun: only staff see it.
    Scheduled,
    /// It has begun and is not over.
    Running,
    /// It is over: only staff see it.
    Over,
}

/// A variant at a lower price for a while.
pub struct FlashSale(pub Arc<flash_sale::FlashSale>);

/// A variant at a lower price for a while, for so many pieces. Customers see those that run, staff
/// see all. A buyer pays its price while it runs and something is left of it.
#[Object]
impl FlashSale {
    /// The opaque id, for `node`.
    pub async fn id(&self) -> ID {
        NodeKind::FlashSale.id(self.0.id)
    }

    /// What is on sale.
    async fn variant(&self, ctx: &Context<'_>) -> Result<ProductVariant, Fault> {
        let loaders = ctx.data_unchecked::<CatalogLoaders>();
        // Whoever sees the sale sees what it is of.
        let variant = loaders.variant_in_use.get(self.0.variant_id).await?;
        let gone = || Fault::bad_user_input("The variant is not there any more.");
        variant.map(ProductVariant::in_use).ok_or_else(gone)
    }

    /// What one piece costs in it, before tax; null when it has no price in this currency: then the
    /// list price is paid.
    async fn price(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "In which currency; the shop's own when not given.")] currency: Option<
            CurrencyCode,
        >,
    ) -> Option<Money> {
        self.0.price(currency_or_shops(ctx, currency)).map(Money::from)
    }

    /// Its prices in all currencies.
    async fn prices(&self) -> Vec<Money> {
        self.0.prices.iter().copied().map(Money::from).collect()
    }

    /// When it begins.
    async fn starts_at(&self) -> DateTime {
        DateTime(self.0.starts_at)
    }

    /// When it is over.
    async fn ends_at(&self) -> DateTime {
        DateTime(self.0.ends_at)
    }

    /// Where it stands now.
    async fn status(&self) -> FlashSaleStatus {
        self.0.status.into()
    }

    /// Pieces that are sold at its price at most. What lies in the warehouse is told by the
    /// variant's stock.
    async fn allocation(&self) -> i32 {
        pieces(self.0.allocation)
    }

    /// Pieces that are left of these; at 0 the list price is paid. What an order does not keep, such
    /// as one that nobody pays, comes back.
    async fn remaining(&self) -> i32 {
        pieces(self.0.remaining())
    }

    /// Pieces that one customer gets at most, in all orders together: of one account, or under one
    /// e-mail address. Null when as many as there are.
    async fn limit_per_customer(&self) -> Option<i32> {
        self.0.limit_per_customer.map(pieces)
    }

    /// Rises when staff change it; give it as `expectedVersion` to change only what you have seen.
    async fn version(&self) -> BigInt {
        BigInt(self.0.version)
    }

    /// When it was made.
    async fn created_at(&self) -> DateTime {
        DateTime(self.0.created_at)
    }

    /// When staff changed it last.
    async fn updated_at(&self) -> DateTime {
        DateTime(self.0.updated_at)
    }
}
