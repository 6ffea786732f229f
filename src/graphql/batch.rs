//! Batches look-ups: all that the resolvers of one level ask for becomes one call.
//!
//! Not the engine's own loader, because that waits on a timer (1 ms a level) and runs the call in
//! another task, away from the request's statement counter. Here the first look-up opens a batch
//! that everyone who comes while the level is being resolved joins; whoever of them is polled next
//! drives it, so nobody waits for someone who was cancelled.

use crate::graphql::Fault;
use futures::FutureExt;
use futures::future::{BoxFuture, Shared};
use futures::task::AtomicWaker;
use parking_lot::Mutex;
use std::collections::{HashMap, HashSet};
use std::hash::Hash;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};

type Found<K, V> = Result<Arc<HashMap<K, V>>, Fault>;
type Fetch<K, V> = dyn Fn(Vec<K>) -> BoxFuture<'static, Result<HashMap<K, V>, Fault>> + Send + Sync;

/// One kind of look-up within one request; clones share their batches.
pub struct Batch<K, V> {
    fetch: Arc<Fetch<K, V>>,
    open: Arc<Mutex<Option<Open<K, V>>>>,
}

impl<K, V> Clone for Batch<K, V> {
    fn clone(&self) -> Self {
        Self { fetch: Arc::clone(&self.fetch), open: Arc::clone(&self.open) }
    }
}

struct Open<K, V> {
    keys: HashSet<K>,
    /// How many look-ups have joined.
    joined: usize,
    found: Shared<BoxFuture<'static, Found<K, V>>>,
}

impl<K, V> Batch<K, V>
where
    K: Eq + Hash + Clone + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
{
    /// A look-up that `fetch` answers, for many keys at once. Keys that it leaves out are not
    /// there.
    pub fn new<F, Fut>(fetch: F) -> Self
    where
        F: Fn(Vec<K>) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<HashMap<K, V>, Fault>> + Send + 'static,
    {
        Self { fetch: Arc::new(move |keys| fetch(keys).boxed()), open: Arc::default() }
    }

    /// The value of `key`, or None when there is none.
    ///
    /// # Errors
    /// The fault of the call, for every key of the batch.
    pub async fn get(&self, key: K) -> Result<Option<V>, Fault> {
        let found = self.join([key.clone()]).await?;
        Ok(found.get(&key).cloned())
    }

    /// The values of `keys`, in their order.
    ///
    /// # Errors
    /// The fault of the call.
    pub async fn get_many(&self, keys: Vec<K>) -> Result<Vec<Option<V>>, Fault> {
        if keys.is_empty() {
            return Ok(Vec::new());
        }
        let found = self.join(keys.iter().cloned()).await?;
        Ok(keys.iter().map(|key| found.get(key).cloned()).collect())
    }

    fn join(&self, keys: impl IntoIterator<Item = K>) -> Shared<BoxFuture<'static, Found<K, V>>> {
        let mut open = self.open.lock();
        let batch = open.get_or_insert_with(|| Open {
            keys: HashSet::new(),
            joined: 0,
            found: self.begin(),
        });
        batch.keys.extend(keys);
        batch.joined += 1;
        batch.found.clone()
    }

    fn begin(&self) -> Shared<BoxFuture<'static, Found<K, V>>> {
        let (open, fetch) = (Arc::clone(&self.open), Arc::clone(&self.fetch));
        async move {
            // The other resolvers of this level get their turn meanwhile; as long as some of them
            // join, the level is not through.
            let mut seen = 0;
            loop {
                Turn::default().await;
                let joined = open.lock().as_ref().map_or(0, |batch| batch.joined);
                if joined == seen {
                    break;
                }
                seen = joined;
            }
            let keys = open.lock().take().map(|batch| batch.keys).unwrap_or_default();
            fetch(keys.into_iter().collect()).await.map(Arc::new)
        }
        .boxed()
        .shared()
    }
}

/// Ready once the scheduler has been round: when everything else that this task does, and what
/// other tasks had waiting, was polled. Not `yield_now` alone, because that is ready at its second
/// poll, and a shared future is polled by everyone who waits for it within one round.
#[derive(Default)]
struct Turn {
    round: Option<Arc<Round>>,
}

#[derive(Default)]
struct Round {
    over: AtomicBool,
    waker: AtomicWaker,
}

impl Wake for Round {
    fn wake(self: Arc<Self>) {
        self.over.store(true, Ordering::Release);
        self.waker.wake();
    }
}

impl Future for Turn {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        if let Some(round) = &self.round {
            round.waker.register(context.waker());
            let over = round.over.load(Ordering::Acquire);
            return if over { Poll::Ready(()) } else { Poll::Pending };
        }
        let round = Arc::new(Round::default());
        round.waker.register(context.waker());
        // The runtime keeps the waker of who yields until it has been round, then wakes it.
        let waker = Waker::from(Arc::clone(&round));
        let yielding = std::pin::pin!(tokio::task::yield_now());
        let _pending = yielding.poll(&mut Context::from_waker(&waker));
        self.round = Some(round);
        Poll::Pending
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::AtomicUsize;

    fn doubling() -> (Batch<u32, u32>, Arc<AtomicUsize>) {
        let calls = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&calls);
        let batch = Batch::new(move |keys: Vec<u32>| {
            counter.fetch_add(1, Ordering::Relaxed);
            async move { Ok(keys.into_iter().map(|key| (key, key * 2)).collect()) }
        });
        (batch, calls)
    }

    #[tokio::test]
    async fn a_level_becomes_one_call() {
        let (batch, calls) = doubling();
        let found = futures::future::join_all((0..200).map(|key| batch.get(key))).await;
        assert!(
            found
                .into_iter()
                .enumerate()
                .all(|(key, value)| { value.unwrap() == Some(u32::try_from(key).unwrap() * 2) })
        );
        assert_eq!(calls.load(Ordering::Relaxed), 1);
    }

    #[tokio::test]
    async fn equal_keys_and_nested_levels_do_not_split_a_call() {
        let (batch, calls) = doubling();
        let group = |size: u32| futures::future::join_all((0..size).map(|_| batch.get(size % 3)));
        futures::future::join_all([group(5), group(40), group(1), group(7)]).await;
        assert_eq!(calls.load(Ordering::Relaxed), 1);
    }

    #[tokio::test]
    async fn those_who_wait_go_on_when_the_first_is_cancelled() {
        let (batch, calls) = doubling();
        let mut first = Box::pin(batch.get(1));
        assert!(futures::poll!(&mut first).is_pending());
        let second = batch.get(2);
        drop(first);
        assert_eq!(second.await.unwrap(), Some(4));
        assert_eq!(calls.load(Ordering::Relaxed), 1);
    }

    #[tokio::test]
    async fn a_fault_reaches_everyone_of_the_batch_and_nobody_after() {
        let fail = Arc::new(std::sync::atomic::AtomicBool::new(true));
        let flag = Arc::clone(&fail);
        let batch: Batch<u32, u32> = Batch::new(move |keys: Vec<u32>| {
            let fails = flag.load(Ordering::Relaxed);
            async move {
                if fails {
                    return Err(Fault::bad_user_input("no"));
                }
                Ok(keys.into_iter().map(|key| (key, key)).collect())
            }
        });
        let both = futures::join!(batch.get(1), batch.get(2));
        assert!(both.0.is_err() && both.1.is_err());
        fail.store(false, Ordering::Relaxed);
        assert_eq!(batch.get(3).await.unwrap(), Some(3));
    }
}
