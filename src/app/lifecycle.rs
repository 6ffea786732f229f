//! The end of the process, in order: not ready, not accepting, and then the work under way.

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
}
