//! What the handlers share.

use crate::app::App;
use crate::db::Db;
use crate::http::socket::Registry;
use std::num::NonZero;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;

/// How long a query waits for its turn: as long as a statement waits for a connection.
const WAIT: Duration = Duration::from_secs(1);
/// Queries that keep a processor busy, with what each waits for.
const EACH_PROCESSOR: usize = 4;

/// The application, and what is counted across requests.
#[derive(Clone)]
pub struct HttpState {
    /// The application, which is too large to be copied for every request.
    pub app: Arc<App>,
    /// A permit for each request that is worked on.
    pub gate: Arc<Semaphore>,
    /// A place for each query that is being answered.
    pub turns: Arc<Turns>,
    /// The open sockets.
    pub sockets: Registry,
}

impl HttpState {
    /// The state of a router.
    pub fn new(app: App) -> Self {
        let gate = Arc::new(Semaphore::new(app.settings.transport.requests_in_flight));
        let turns = Arc::new(Turns::new(&app.db));
        Self { app: Arc::new(app), gate, turns, sockets: Registry::default() }
    }
}

/// Queries take turns: as many are answered at once as there are connections to read with, or a few
/// for each processor. More of them would be answered no sooner, but push each other's work out of the
/// processors' caches, and cost half as much again.
pub struct Turns {
    /// The places.
    pub places: Semaphore,
    /// How long a query waits for one before it is told to come back.
    pub wait: Duration,
}

impl Turns {
    fn new(db: &Db) -> Self {
        let connections = db.pools().first().map_or(1, |pool| pool.max);
        let processors = std::thread::available_parallelism().map_or(1, NonZero::get);
        let connections = usize::try_from(connections).unwrap_or(usize::MAX);
        let places = connections.max(processors.saturating_mul(EACH_PROCESSOR));
        Self { places: Semaphore::new(places.min(Semaphore::MAX_PERMITS)), wait: WAIT }
    }
}
