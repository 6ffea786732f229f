//! Look-ups of the components' history, batched: however many components are asked about.

use crate::auth::Viewer;
use crate::graphql::{Batch, Fault};
use crate::metrics::health::{Change, Component, Error, HealthLog, LatencyPoint};
use std::collections::{BTreeMap, HashMap};

/// The look-ups of one request.
pub struct HealthLoaders {
    /// How much of so many last days a component was well, in percent.
    pub availability: Batch<(Component, u32), f64>,
    /// So many last changes of a component, the newest first.
    pub changes: Batch<(Component, u64), Vec<Change>>,
    /// How fast it answered in the last 24 hours.
    pub latency: Batch<Component, Vec<LatencyPoint>>,
}

impl HealthLoaders {
    /// Look-ups as `viewer`.
    #[must_use]
    pub fn new(log: &HealthLog, viewer: Viewer) -> Self {
        let (shares, changes, latency) = (log.clone(), log.clone(), log.clone());
        Self {
            availability: Batch::new(move |keys: Vec<(Component, u32)>| {
                let log = shares.clone();
                async move {
                    let mut found = HashMap::new();
                    for (days, _) in by_argument(keys) {
                        let shares = log.availability(&viewer, days).await?;
                        found.extend(shares.into_iter().map(|(it, share)| ((it, days), share)));
                    }
                    Ok(found)
                }
            }),
            changes: Batch::new(move |keys: Vec<(Component, u64)>| {
                let log = changes.clone();
                async move {
                    let mut found = HashMap::new();
                    for (first, components) in by_argument(keys) {
                        let changes = log.changes(&viewer, &components, first).await?;
                        found.extend(changes.into_iter().map(|(it, own)| ((it, first), own)));
                    }
                    Ok(found)
                }
            }),
            latency: Batch::new(move |_: Vec<Component>| {
                let log = latency.clone();
                async move { log.latency(&viewer).await.map_err(Fault::from) }
            }),
        }
    }
}

/// The components by what else is asked: a field with other arguments is another statement.
fn by_argument<A: Ord>(keys: Vec<(Component, A)>) -> BTreeMap<A, Vec<Component>> {
    let mut arguments: BTreeMap<A, Vec<Component>> = BTreeMap::new();
    for (component, argument) in keys {
        arguments.entry(argument).or_default().push(component);
    }
    arguments
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        match error {
            Error::Denied(denied) => denied.into(),
            Error::Db(error) => error.into(),
        }
    }
}
