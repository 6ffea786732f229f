//! Commits of this process whose news is on its way: they stand in the database already, and nobody
//! here was told yet.

use crate::failpoint;
use parking_lot::Mutex;
use std::collections::BTreeSet;
use std::sync::Arc;
use tokio::sync::Notify;

/// The commits that are under way; clones are the same.
#[derive(Clone, Default)]
pub(super) struct Commits(Arc<Shared>);

#[derive(Default)]
struct Shared {
    open: Mutex<Open>,
    told: Notify,
}

#[derive(Default)]
struct Open {
    next: u64,
    numbers: BTreeSet<u64>,
}

/// A commit, from before it is made until what follows from it is done.
pub(super) struct Committing {
    commits: Commits,
    number: u64,
}

impl Commits {
    /// One more begins.
    pub(super) fn begin(&self) -> Committing {
        let mut open = self.0.open.lock();
        let number = open.next;
        open.next = number.saturating_add(1);
        open.numbers.insert(number);
        Committing { commits: self.clone(), number }
    }

    /// Waits until everybody is told of those that have begun before.
    pub(super) async fn told(&self) {
        let next = self.0.open.lock().next;
        loop {
            let mut told = std::pin::pin!(self.0.told.notified());
            told.as_mut().enable();
            if self.0.open.lock().numbers.first().is_none_or(|first| *first >= next) {
                return;
            }
            failpoint::reach("tx.waits_for_news").await;
            told.await;
        }
    }
}

impl Drop for Committing {
    fn drop(&mut self) {
        self.commits.0.open.lock().numbers.remove(&self.number);
        self.commits.0.told.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::FutureExt;

    #[tokio::test]
    async fn those_that_began_before_are_waited_for_and_later_ones_are_not() {
        let commits = Commits::default();
        commits.told().await;
        let (one, two) = (commits.begin(), commits.begin());
        let mut told = std::pin::pin!(commits.told());
        assert!(told.as_mut().now_or_never().is_none());
        let _later = commits.begin();
        drop(two);
        assert!(told.as_mut().now_or_never().is_none());
        drop(one);
        told.await;
    }
}
