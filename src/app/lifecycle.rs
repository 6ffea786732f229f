//! The end of the process, in order: not ready, not accepting, then the work under way, and last
//! what runs in the background, which tells other replicas what that work has changed.

use std::time::Duration;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Where the process is in its life; clones share it.
#[derive(Clone, Default)]
pub struct Lifecycle {
    /// Cancelled when a load balancer should look elsewhere; requests are still served.
    pub draining: CancellationToken,
    /// Cancelled when nothing new is accepted and sockets close.
    pub stopping: CancellationToken,
    /// Work that ends before the process does, such as mutations whose clients hung up.
    pub tasks: TaskTracker,
    /// Cancelled when the requests have ended: background work finishes what it has to tell.
    pub ended: CancellationToken,
    /// Work in the background, which runs until `ended`.
    pub background: TaskTracker,
}

/// How long background work may take to finish.
const FINISH_LIMIT: Duration = Duration::from_secs(2);

impl Lifecycle {
    /// Ends the background work, after the requests.
    pub async fn end(&self) {
        self.ended.cancel();
        self.background.close();
        if tokio::time::timeout(FINISH_LIMIT, self.background.wait()).await.is_err() {
            tracing::warn!(tasks = self.background.len(), "background work did not end in time");
        }
    }
}
