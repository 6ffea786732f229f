//! Lines of this process at rows that many change at once. Postgres does not serve those who wait
//! for a row in the order of their coming: in a crowd some wait until their statement is cut off.
//! Whoever waits here first is served in order, and meets at the row no more than one transaction
//! of each other process.

use parking_lot::Mutex;
use std::collections::HashMap;
use std::sync::Arc;
use tokio::sync::OwnedMutexGuard;
use uuid::Uuid;

type Line = Arc<tokio::sync::Mutex<()>>;

/// The lines that somebody stands in, by what they are for; clones are the same.
#[derive(Clone, Default)]
pub(super) struct Lines(Arc<Mutex<HashMap<Uuid, Line>>>);

/// A place in a line. Whoever drops it lets the next one go, or has left the line.
pub(super) struct Turn {
    lines: Lines,
    key: Uuid,
    held: Option<OwnedMutexGuard<()>>,
}

impl Lines {
    /// Waits for the turns of all these keys, in the order of the keys as everybody does. Gives them,
    /// and whether others were in front.
    pub(super) async fn take(&self, mut keys: Vec<Uuid>) -> (Vec<Turn>, bool) {
        keys.sort_unstable();
        keys.dedup();
        let mut turns = Vec::with_capacity(keys.len());
        let mut waited = false;
        for key in keys {
            let line = Arc::clone(self.0.lock().entry(key).or_default());
            // Before it waits: whoever gives up leaves nothing behind.
            let mut turn = Turn { lines: self.clone(), key, held: None };
            turn.held = Some(match Arc::clone(&line).try_lock_owned() {
                Ok(held) => held,
                Err(_) => {
                    waited = true;
                    line.lock_owned().await
                }
            });
            turns.push(turn);
        }
        (turns, waited)
    }

    /// How many lines somebody stands in.
    #[cfg(test)]
    fn len(&self) -> usize {
        self.0.lock().len()
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        drop(self.held.take());
        let mut lines = self.lines.0.lock();
        // Nobody comes to a line but by the map, which is locked.
        if lines.get(&self.key).is_some_and(|line| Arc::strong_count(line) == 1) {
            lines.remove(&self.key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::FutureExt;
    use std::pin::pin;

    fn keys(keys: &[u128]) -> Vec<Uuid> {
        keys.iter().map(|key| Uuid::from_u128(*key)).collect()
    }

    #[tokio::test]
    async fn each_is_served_in_the_order_of_coming() {
        let lines = Lines::default();
        let (first, waited) = lines.take(keys(&[1])).await;
        assert!(!waited);
        let mut second = pin!(lines.take(keys(&[1])));
        let mut third = pin!(lines.take(keys(&[1])));
        assert!(second.as_mut().now_or_never().is_none());
        assert!(third.as_mut().now_or_never().is_none());

        drop(first);

        assert!(third.as_mut().now_or_never().is_none());
        let (turns, waited) = second.await;
        assert!(waited);
        drop(turns);
        assert!(third.await.1);
    }

    #[tokio::test]
    async fn who_wants_something_else_waits_for_nobody() {
        let lines = Lines::default();
        let _first = lines.take(keys(&[1, 2])).await;

        let (_turns, waited) = lines.take(keys(&[3])).await;

        assert!(!waited);
    }

    #[tokio::test]
    async fn who_wants_the_same_in_another_order_or_twice_comes_through() {
        let lines = Lines::default();
        let (first, _) = lines.take(keys(&[2, 1, 2])).await;
        let mut second = pin!(lines.take(keys(&[1, 2])));
        assert!(second.as_mut().now_or_never().is_none());

        drop(first);

        assert_eq!(second.await.0.len(), 2);
    }

    #[tokio::test]
    async fn who_leaves_lets_the_next_one_go_and_leaves_nothing_behind() {
        let lines = Lines::default();
        let (first, _) = lines.take(keys(&[1])).await;
        let mut third = {
            let mut second = Box::pin(lines.take(keys(&[1])));
            assert!(second.as_mut().now_or_never().is_none());
            let mut third = Box::pin(lines.take(keys(&[1])));
            assert!(third.as_mut().now_or_never().is_none());
            third
        };
        drop(first);

        assert!(third.as_mut().now_or_never().is_some());

        drop(third);
        assert_eq!(lines.len(), 0);
    }
}
