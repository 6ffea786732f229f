//! What the handlers share.

use crate::app::App;
use crate::http::socket::Registry;
use std::sync::Arc;
use tokio::sync::Semaphore;

/// The application, and what is counted across requests.
#[derive(Clone)]
pub struct HttpState {
    /// The application, which is too large to be copied for every request.
    pub app: Arc<App>,
    /// A permit for each request that is worked on.
    pub gate: Arc<Semaphore>,
    /// The open sockets.
    pub sockets: Registry,
}

impl HttpState {
    /// The state of a router.
    pub fn new(app: App) -> Self {
        let gate = Arc::new(Semaphore::new(app.settings.transport.requests_in_flight));
        Self { app: Arc::new(app), gate, sockets: Registry::default() }
    }
}
