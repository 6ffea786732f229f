//! Events of a test, and a sink that does as it is told and writes down what it takes.

use crate::app::TestApp;
use futures::FutureExt;
use futures::future::BoxFuture;
use parking_lot::Mutex;
use serde_json::json;
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use stockroom::db::DbError;
use stockroom::events::{
    Courier, CourierTerms, Event, NewEvent, Sink, SinkError, Topic, write_in_txn,
};
use tokio::sync::{Notify, watch};
use uuid::Uuid;

/// Takes events and remembers them; clones are the same one.
#[derive(Clone, Default)]
pub struct Post {
    inner: Arc<Inner>,
}

#[derive(Default)]
struct Inner {
    taken: Mutex<Vec<(Uuid, i64)>>,
    offers: AtomicUsize,
    away: Mutex<bool>,
    /// Refused: events of this aggregate with this version.
    refused: Mutex<Option<(Uuid, i64)>>,
    /// While there is one, each event waits for it to become true.
    gate: Mutex<Option<watch::Receiver<bool>>>,
    took: Notify,
}

impl Post {
    pub fn is_away(&self, away: bool) {
        *self.inner.away.lock() = away;
    }

    pub fn refuses(&self, what: Option<(Uuid, i64)>) {
        *self.inner.refused.lock() = what;
    }

    pub fn waits_for(&self, gate: watch::Receiver<bool>) {
        *self.inner.gate.lock() = Some(gate);
    }

    /// What it has taken, in this order.
    pub fn taken(&self) -> Vec<(Uuid, i64)> {
        self.inner.taken.lock().clone()
    }

    /// The versions of one aggregate that it has taken, in this order.
    pub fn of(&self, aggregate: Uuid) -> Vec<i64> {
        self.taken().into_iter().filter(|(id, _)| *id == aggregate).map(|(_, seq)| seq).collect()
    }

    /// How often it was offered an event.
    pub fn offers(&self) -> usize {
        self.inner.offers.load(Ordering::SeqCst)
    }

    /// Waits until it has taken so many.
    pub async fn until_taken(&self, number: usize) {
        loop {
            let took = self.inner.took.notified();
            if self.inner.taken.lock().len() >= number {
                return;
            }
            took.await;
        }
    }

    /// A courier to it, on the database of this application.
    pub fn courier(&self, app: &TestApp, terms: CourierTerms) -> Courier {
        Courier::new(app.app.db.clone(), Arc::new(self.clone()), terms)
    }
}

impl Sink for Post {
    fn name(&self) -> &'static str {
        "post"
    }

    fn take<'a>(&'a self, event: &'a Event) -> BoxFuture<'a, Result<(), SinkError>> {
        async move {
            self.inner.offers.fetch_add(1, Ordering::SeqCst);
            let gate = self.inner.gate.lock().clone();
            if let Some(mut gate) = gate {
                gate.wait_for(|open| *open).await.expect("the test holds the gate");
            }
            if *self.inner.away.lock() {
                return Err(SinkError::Away("closed".to_owned()));
            }
            let what = (event.aggregate_id, event.seq);
            if *self.inner.refused.lock() == Some(what) {
                return Err(SinkError::Refused("it does not fit".to_owned()));
            }
            self.inner.taken.lock().push(what);
            self.inner.took.notify_waiters();
            Ok(())
        }
        .boxed()
    }
}

/// Terms for a courier whom tests hurry.
pub fn hurried() -> CourierTerms {
    CourierTerms {
        lease: Duration::from_millis(600),
        margin: Duration::from_millis(200),
        poll: Duration::from_millis(20),
        gather: Duration::from_millis(1),
        away: (Duration::from_millis(20), Duration::from_millis(20)),
        ..CourierTerms::default()
    }
}

impl TestApp {
    /// Writes events of an aggregate with these versions.
    pub async fn tells(&self, aggregate: Uuid, versions: impl IntoIterator<Item = i64>) {
        let events: Vec<NewEvent> = versions.into_iter().map(|seq| event(aggregate, seq)).collect();
        self.tells_all(&events).await;
    }

    /// Writes events, in one transaction.
    pub async fn tells_all(&self, events: &[NewEvent]) {
        let told = self.app.db.tx(|tx| async move {
            write_in_txn(&tx, events);
            Ok::<_, DbError>(())
        });
        told.await.expect("the database answers");
    }

    /// How many events stand there.
    pub async fn events(&self, status: &str) -> i64 {
        self.number(&format!("SELECT COUNT(*) FROM outbox WHERE status = '{status}'")).await
    }
}

/// An event of a test.
pub fn event(aggregate_id: Uuid, seq: i64) -> NewEvent {
    NewEvent {
        topic: Topic::Orders,
        kind: "order.changed",
        aggregate_id,
        seq,
        payload: json!({ "orderId": aggregate_id, "version": seq }),
    }
}

/// How often each event was taken, after it was made sure that of each aggregate none was taken for
/// the first time before one that comes before it.
pub fn in_order(taken: &[(Uuid, i64)]) -> HashMap<(Uuid, i64), usize> {
    let mut times: HashMap<(Uuid, i64), usize> = HashMap::new();
    let mut newest: HashMap<Uuid, i64> = HashMap::new();
    for (aggregate, seq) in taken {
        let times = times.entry((*aggregate, *seq)).or_default();
        *times += 1;
        if *times == 1 {
            let before = newest.insert(*aggregate, *seq).unwrap_or(0);
            assert_eq!(before + 1, *seq, "{aggregate}: {seq} came after {before}");
        }
    }
    times
}
