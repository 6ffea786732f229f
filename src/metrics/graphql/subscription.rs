//! Figures of the shop as they change.

use crate::auth::{Permission, Viewer};
use crate::graphql::{Auth, Fault};
use crate::metrics;
use crate::metrics::graphql::types::Metrics;
use async_graphql::{Context, Subscription};
use futures::{Stream, StreamExt};

/// What can be watched of the shop's figures.
#[derive(Default)]
pub struct MetricsSubscription;

/// What can be watched of the shop's figures.
#[Subscription]
impl MetricsSubscription {
    /// How the shop did in these last days, today included: as it is, then again whenever it has
    /// changed, at most once a second. Processes write what they count every five seconds; with
    /// Redis, those of all replicas are heard.
    #[graphql(directive = Auth::apply(Permission::MetricsRead))]
    async fn metrics_changed(
        &self,
        ctx: &Context<'_>,
        #[graphql(default = 7, desc = "How many days, 1 to 90.")] days: i32,
    ) -> Result<impl Stream<Item = Result<Metrics, Fault>> + use<>, Fault> {
        let viewer = *ctx.data_unchecked::<Viewer>();
        let watching = ctx.data_unchecked::<metrics::Metrics>().watch(viewer, days).await?;
        Ok(watching.map(|report| report.map(Metrics).map_err(Fault::from)))
    }
}
