//! Queries for figures of the shop.

use crate::auth::{Permission, Viewer};
use crate::graphql::{Auth, Fault};
use crate::metrics;
use crate::metrics::graphql::types::Metrics;
use async_graphql::{Context, Object};

/// Queries for figures of the shop.
#[derive(Default)]
pub struct MetricsQuery;

/// Queries for figures of the shop.
#[Object]
impl MetricsQuery {
    /// How the shop did in these last days, today included. The days are those of UTC. It costs the
    /// same whatever the number of orders and of requests. What processes count is up to five
    /// seconds old; orders, refunds and payments are of this moment.
    #[graphql(directive = Auth::apply(Permission::MetricsRead))]
    async fn metrics(
        &self,
        ctx: &Context<'_>,
        #[graphql(default = 7, desc = "How many days, 1 to 90.")] days: i32,
    ) -> Option<Result<Metrics, Fault>> {
        let viewer = ctx.data_unchecked::<Viewer>();
        let report = ctx.data_unchecked::<metrics::Metrics>().report(viewer, days).await;
        Some(report.map(Metrics).map_err(Fault::from))
    }
}
