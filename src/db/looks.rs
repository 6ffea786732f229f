//! Looks that many take at the same moment, such as all who watch a variant when its stock changes:
//! they share one. Nobody is given what was read before they asked: who comes while a look is under
//! way waits for the one after it, with everyone else who came meanwhile.

use crate::db::DbError;
use futures::FutureExt;
use futures::future::{BoxFuture, Shared, WeakShared};
use parking_lot::Mutex;
use std::collections::HashMap;
use std::hash::Hash;
use std::sync::Arc;

type Look<V> = BoxFuture<'static, Result<V, DbError>>;

/// The keys of looks that nobody waits for any more are forgotten beyond so many.
const KEYS: usize = 1_024;

/// The looks under way, by what they look for; clones share them.
pub struct Looks<K, V: 'static> {
    lines: Arc<Mutex<HashMap<K, Line<V>>>>,
}

impl<K, V: 'static> Clone for Looks<K, V> {
    fn clone(&self) -> Self {
        Self { lines: Arc::clone(&self.lines) }
    }
}

impl<K, V: 'static> Default for Looks<K, V> {
    fn default() -> Self {
        Self { lines: Arc::default() }
    }
}

/// The look that is under way and the one that has not begun. Neither is kept alive by this: those
/// who wait drive it, and one that nobody waits for any more is dropped.
struct Line<V: 'static> {
    running: Option<WeakShared<Look<V>>>,
    next: Option<WeakShared<Look<V>>>,
}

fn alive<V>(look: &Option<WeakShared<Look<V>>>) -> Option<Shared<Look<V>>>
where
    V: Clone + 'static,
{
    look.as_ref().and_then(WeakShared::upgrade)
}

impl<K, V> Looks<K, V>
where
    K: Eq + Hash + Clone + Send + 'static,
    V: Clone + Send + Sync + 'static,
{
    /// What `look` finds, or the look of somebody else that begins after this call.
    ///
    /// # Errors
    /// [`DbError`] of the look, for all who share it.
    pub async fn share<Fut>(
        &self,
        key: K,
        look: impl FnOnce() -> Fut + Send + 'static,
    ) -> Result<V, DbError>
    where
        Fut: Future<Output = Result<V, DbError>> + Send + 'static,
    {
        let shared = {
            let mut lines = self.lines.lock();
            if lines.len() >= KEYS {
                lines.retain(|_, it| alive(&it.running).is_some() || alive(&it.next).is_some());
            }
            let line =
                lines.entry(key.clone()).or_insert_with(|| Line { running: None, next: None });
            match alive(&line.next) {
                Some(next) => next,
                None => {
                    let work = self.clone().work(key, alive(&line.running), look);
                    let next = work.boxed().shared();
                    line.next = next.downgrade();
                    next
                }
            }
        };
        shared.await
    }

    async fn work<Fut>(
        self,
        key: K,
        before: Option<Shared<Look<V>>>,
        look: impl FnOnce() -> Fut,
    ) -> Result<V, DbError>
    where
        Fut: Future<Output = Result<V, DbError>>,
    {
        if let Some(before) = before {
            // What it found is for those who asked before it began.
            let _ = before.await;
        }
        // It begins: who comes from here on waits for the one after it.
        if let Some(line) = self.lines.lock().get_mut(&key) {
            line.running = line.next.take();
        }
        let found = look().await;
        let mut lines = self.lines.lock();
        if lines.get(&key).is_some_and(|line| alive(&line.next).is_none()) {
            lines.remove(&key);
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use tokio::sync::Notify;

    #[derive(Clone, Default)]
    struct Table {
        looks: Looks<u8, usize>,
        taken: Arc<AtomicUsize>,
        open: Arc<Notify>,
    }

    impl Table {
        /// A look that ends when it is let.
        fn look(&self) -> tokio::task::JoinHandle<Result<usize, DbError>> {
            let Self { looks, taken, open } = self.clone();
            tokio::spawn(async move {
                let look = move || async move {
                    let number = taken.fetch_add(1, Ordering::SeqCst) + 1;
                    open.notified().await;
                    Ok(number)
                };
                looks.share(1, look).await
            })
        }
    }

    async fn settle() {
        for _ in 0..20 {
            tokio::task::yield_now().await;
        }
    }

    #[tokio::test]
    async fn those_who_come_during_a_look_share_the_one_after_it() {
        let table = Table::default();
        let first = table.look();
        settle().await;
        let later: Vec<_> = (0..100).map(|_| table.look()).collect();
        settle().await;
        assert_eq!(table.taken.load(Ordering::SeqCst), 1, "one at a time");

        table.open.notify_one();
        assert_eq!(first.await.unwrap().unwrap(), 1);
        settle().await;
        table.open.notify_one();
        for look in later {
            assert_eq!(
                look.await.unwrap().unwrap(),
                2,
                "never what was read before it was asked for"
            );
        }
        assert!(table.looks.lines.lock().is_empty(), "nothing is left of it");
    }

    #[tokio::test]
    async fn a_look_that_is_given_up_is_in_nobodys_way() {
        let table = Table::default();
        let first = table.look();
        settle().await;
        first.abort();
        let _ = first.await;

        table.open.notify_one();

        assert_eq!(table.look().await.unwrap().unwrap(), 2);
    }
}
