//! The schema: the domains' queries, mutations and subscriptions merged. It builds with no
//! database; the services come with each request.

mod audit;
mod audit_action;
mod node;
mod shared;

pub use crate::schema::shared::FIELDS as SHARED_FIELDS;

use crate::account::Accounts;
use crate::account::graphql::{AccountMutation, AccountQuery, ApiTokenQuery};
use crate::account::loader::AccountLoaders;
use crate::audit::AuditLog;
use crate::audit::loader::AuditLoaders;
use crate::auth::Viewer;
use crate::cart::Carts;
use crate::cart::graphql::{CartMutation, CartQuery, SalesSettingsMutation, SalesSettingsQuery};
use crate::cart::loader::CartLoaders;
use crate::catalog::Catalog;
use crate::catalog::graphql::{CatalogMutation, CatalogQuery};
use crate::catalog::loader::CatalogLoaders;
use crate::flash_sale::FlashSales;
use crate::flash_sale::graphql::{FlashSaleMutation, FlashSaleQuery};
use crate::flash_sale::loader::FlashSaleLoaders;
use crate::graphql::Freshness;
use crate::graphql::auth::Rules;
use crate::graphql::idempotency::Replayed;
use crate::metrics::Metrics;
use crate::metrics::alerts::Alerts;
use crate::metrics::alerts::graphql::{AlertMutation, AlertQuery, AlertSubscription};
use crate::metrics::alerts::loader::AlertLoaders;
use crate::metrics::graphql::{MetricsQuery, MetricsSubscription};
use crate::metrics::health::HealthLog;
use crate::metrics::health::graphql::HealthQuery;
use crate::metrics::health::loader::HealthLoaders;
use crate::metrics::scenarios::Scenarios;
use crate::metrics::scenarios::graphql::ScenarioQuery;
use crate::order::Orders;
use crate::order::graphql::{
    EntryMutation, GoodsMutation, OrderMutation, OrderQuery, OrderStatsQuery, OrderSubscription,
    PaymentMutation,
};
use crate::order::loader::OrderLoaders;
use crate::outbox::Outbox;
use crate::outbox::graphql::{OutboxMutation, OutboxQuery};
use crate::outbox::loader::OutboxLoaders;
use crate::payment::Payments;
use crate::payment::graphql::PaymentQuery;
use crate::payment::loader::PaymentLoaders;
use crate::schema::audit::AuditQuery;
use crate::schema::node::NodeQuery;
use crate::stock::Stock;
use crate::stock::graphql::{StockMutation, StockQuery, StockSubscription};
use crate::stock::live::LiveStock;
use crate::stock::loader::StockLoaders;
use async_graphql::{
    MergedObject, MergedSubscription, Request, SDLExportOptions, Schema, ValidationMode,
};

/// Everything that can be read.
#[derive(MergedObject, Default)]
pub struct Query(
    NodeQuery,
    CatalogQuery,
    FlashSaleQuery,
    StockQuery,
    AccountQuery,
    ApiTokenQuery,
    AuditQuery,
    PaymentQuery,
    CartQuery,
    SalesSettingsQuery,
    OrderQuery,
    OrderStatsQuery,
    OutboxQuery,
    MetricsQuery,
    HealthQuery,
    ScenarioQuery,
    AlertQuery,
);

/// Everything that can be changed. Mutations of one request run one after the other.
#[derive(MergedObject, Default)]
pub struct Mutation(
    CatalogMutation,
    FlashSaleMutation,
    StockMutation,
    AccountMutation,
    CartMutation,
    SalesSettingsMutation,
    OrderMutation,
    PaymentMutation,
    OutboxMutation,
    EntryMutation,
    GoodsMutation,
    AlertMutation,
);

/// Everything that can be watched, over WebSocket.
#[derive(MergedSubscription, Default)]
pub struct Subscription(
    StockSubscription,
    OrderSubscription,
    MetricsSubscription,
    AlertSubscription,
);

/// The engine's schema.
pub type StockroomSchema = Schema<Query, Mutation, Subscription>;

/// Builds the schema.
#[must_use]
pub fn build() -> StockroomSchema {
    Schema::build(Query::default(), Mutation::default(), Subscription::default())
        // Documents come through the document front, which validates them in full.
        .validation_mode(ValidationMode::Fast)
        // The front bounds depth where it can tell a client so; here it would be an odd error.
        .limit_recursive_depth(usize::MAX)
        .register_output_type::<Rules>()
        .finish()
}

/// The schema in GraphQL's own language, as `schema.graphql` has it.
#[must_use]
pub fn sdl() -> String {
    let options = SDLExportOptions::new().use_space_ident().prefer_single_line_descriptions();
    let sdl = build().sdl_with_options(options);
    // Empty lines of descriptions come with their indentation.
    let lines: Vec<&str> = sdl.trim_end().lines().map(str::trim_end).collect();
    lines.join("\n") + "\n"
}

/// What resolvers call.
#[derive(Clone)]
pub struct Services {
    /// Accounts and signing in.
    pub accounts: Accounts,
    /// Who did what.
    pub audit: AuditLog,
    /// What others are told.
    pub outbox: Outbox,
    /// Categories, products, variants.
    pub catalog: Catalog,
    /// Variants at a lower price for a while.
    pub flash_sales: FlashSales,
    /// What orders are paid with.
    pub payments: Payments,
    /// Warehouses, levels, the ledger.
    pub stock: Stock,
    /// Those who watch stock.
    pub live_stock: LiveStock,
    /// Orders.
    pub orders: Orders,
    /// Carts, and what sales cost besides the goods.
    pub carts: Carts,
    /// How the shop does.
    pub metrics: Metrics,
    /// How the components are and were.
    pub health: HealthLog,
    /// What those who run the shop should look at.
    pub alerts: Alerts,
    /// Whether the shop keeps its promises.
    pub scenarios: Scenarios,
}

impl Services {
    /// Gives a request what its resolvers need: who asks, the services, look-ups of its own.
    #[must_use]
    pub fn attach(&self, request: Request, viewer: Viewer, replayed: Replayed) -> Request {
        self.attach_watching(request, viewer, replayed, Freshness::default())
    }

    /// The same for a subscription, which tells how fresh is what it hands out.
    #[must_use]
    pub fn attach_watching(
        &self,
        request: Request,
        viewer: Viewer,
        replayed: Replayed,
        freshness: Freshness,
    ) -> Request {
        request
            .data(viewer)
            .data(replayed)
            .data(self.accounts.clone())
            .data(self.accounts.api_tokens().clone())
            .data(AccountLoaders::new(&self.accounts, viewer))
            .data(self.audit.clone())
            .data(AuditLoaders::new(&self.audit, viewer))
            .data(self.health.clone())
            .data(self.alerts.clone())
            .data(AlertLoaders::new(&self.alerts, viewer))
            .data(self.scenarios.clone())
            .data(HealthLoaders::new(&self.health, viewer))
            .data(self.outbox.clone())
            .data(OutboxLoaders::new(&self.outbox, viewer))
            .data(self.carts.clone())
            .data(CartLoaders::new(&self.carts, viewer))
            .data(self.catalog.clone())
            .data(CatalogLoaders::new(&self.catalog, viewer, freshness.clone()))
            .data(freshness)
            .data(self.flash_sales.clone())
            .data(FlashSaleLoaders::new(&self.flash_sales, viewer))
            .data(PaymentLoaders::new(&self.payments, viewer))
            .data(self.stock.clone())
            .data(self.live_stock.clone())
            .data(StockLoaders::new(&self.stock, viewer))
            .data(self.metrics.clone())
            .data(self.orders.clone())
            .data(OrderLoaders::new(&self.orders, &self.payments, viewer))
    }
}
