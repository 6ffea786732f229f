//! Carries the bus to the other replicas and back, through Redis: one task that tells, one that
//! listens. Nobody waits for either; what is lost is made known, so that readers read again.

use crate::events::wire::{self, Content, Envelope, Unreadable};
use crate::events::{BusEvent, BusMessage, CAPACITY, Rejoining};
use crate::failpoint;
use crate::redis::{COMMAND_LIMIT, CONNECT_LIMIT, Redis, RedisFailure};
use futures::StreamExt;
use parking_lot::RwLock;
use rand::RngExt;
use redis::aio::{PubSubSink, PubSubStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::sync::mpsc::error::TryRecvError;
use tokio::sync::{Notify, broadcast, mpsc};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// Messages that may wait to be told; what comes on top is lost.
const QUEUE: usize = 4096;
/// Payloads told in one round trip, at most.
const PAYLOADS_A_TRIP: usize = 64;
/// Bytes told in one round trip, about: a bulk change must not exceed the time limit.
const BYTES_A_TRIP: usize = 256 * 1024;
/// How often the listener makes sure that its connection is alive.
const HEARTBEAT: Duration = Duration::from_secs(2);
/// How often the teller tries to say that messages were lost.
const RETRY: Duration = Duration::from_millis(500);
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// The near end, which the bus holds.
pub struct Replicas {
    queue: mpsc::Sender<Arc<BusMessage>>,
    shared: Arc<Shared>,
}

struct Shared {
    redis: Redis,
    /// Which replica this is.
    origin: Uuid,
    /// Whether the listener is subscribed.
    subscribed: AtomicBool,
    /// Told when the listener has subscribed.
    joined: Notify,
    /// Whether messages were lost since the others were last told so.
    lost: AtomicBool,
    /// Those who listen to what happens here and elsewhere.
    everyone: broadcast::Sender<BusEvent>,
    /// Those who listen to other replicas alone.
    outward: broadcast::Sender<BusEvent>,
    /// What is done before they are heard again.
    rejoining: RwLock<Vec<Rejoining>>,
}

/// The work of carrying; it must run for [`Replicas`] to reach anyone.
#[must_use = "no other replica hears anything until it runs"]
pub struct Relay {
    queue: mpsc::Receiver<Arc<BusMessage>>,
    shared: Arc<Shared>,
}

/// What is told in one round trip.
#[derive(Default)]
struct Trip {
    payloads: Vec<Vec<u8>>,
    bytes: usize,
}

impl Trip {
    fn add(&mut self, payload: Vec<u8>) {
        self.bytes += payload.len();
        self.payloads.push(payload);
    }

    fn is_full(&self) -> bool {
        self.payloads.len() >= PAYLOADS_A_TRIP || self.bytes >= BYTES_A_TRIP
    }
}

/// The two ends of one carrying.
pub fn connect(redis: Redis, everyone: broadcast::Sender<BusEvent>) -> (Replicas, Relay) {
    let (sender, receiver) = mpsc::channel(QUEUE);
    let shared = Arc::new(Shared {
        redis,
        origin: Uuid::new_v4(),
        subscribed: AtomicBool::new(false),
        joined: Notify::new(),
        lost: AtomicBool::new(false),
        everyone,
        outward: broadcast::channel(CAPACITY).0,
        rejoining: RwLock::default(),
    });
    let relay = Relay { queue: receiver, shared: Arc::clone(&shared) };
    (Replicas { queue: sender, shared }, relay)
}

impl Replicas {
    /// Hands a message on, or notes that it is lost.
    pub fn tell(&self, message: Arc<BusMessage>) {
        if self.queue.try_send(message).is_err() {
            self.shared.lost.store(true, Ordering::Release);
        }
    }

    /// Hears what comes from other replicas.
    pub fn subscribe(&self) -> broadcast::Receiver<BusEvent> {
        self.shared.outward.subscribe()
    }

    /// Has something done before other replicas are heard again.
    pub fn before_rejoining(&self, forget: Rejoining) {
        self.shared.rejoining.write().push(forget);
    }

    /// Waits until the listener is subscribed, but no longer than an attempt takes.
    pub async fn join(&self) {
        let mut joined = std::pin::pin!(self.shared.joined.notified());
        joined.as_mut().enable();
        if !self.shared.subscribed.load(Ordering::Acquire) {
            // Without it the server starts all the same.
            let _ = timeout(CONNECT_LIMIT * 2, joined).await;
        }
    }

    /// Whether messages go both ways at this moment, as far as is known.
    pub fn are_reached(&self) -> bool {
        self.shared.subscribed.load(Ordering::Acquire) && self.shared.redis.is_up()
    }
}

impl Relay {
    /// Carries until `stop`; what waits by then is still told.
    pub async fn run(self, stop: CancellationToken) {
        let Self { queue, shared } = self;
        tokio::join!(
            shared.tell_until(&stop, queue),
            stop.run_until_cancelled(shared.listen_always()),
        );
        shared.subscribed.store(false, Ordering::Release);
    }
}

impl Shared {
    async fn tell_until(
        &self,
        stop: &CancellationToken,
        mut queue: mpsc::Receiver<Arc<BusMessage>>,
    ) {
        let mut stopped = false;
        while !stopped || !queue.is_empty() {
            // Woken now and then for what was lost while nobody publishes anything.
            let first = tokio::select! {
                message = queue.recv() => match message {
                    Some(message) => Ok(message),
                    // The bus is gone, and all that it said is told.
                    None => return,
                },
                () = tokio::time::sleep(RETRY) => Err(TryRecvError::Empty),
                () = stop.cancelled(), if !stopped => Err(TryRecvError::Empty),
            };
            stopped = stop.is_cancelled();
            let mut next = first.or_else(|_| queue.try_recv());
            let mut trip = Trip::default();
            while let Ok(message) = next {
                for payload in self.payloads(&message) {
                    trip.add(payload);
                    if trip.is_full() {
                        self.tell(std::mem::take(&mut trip)).await;
                    }
                }
                next = queue.try_recv();
            }
            self.tell(trip).await;
        }
    }

    fn payloads(&self, message: &BusMessage) -> Vec<Vec<u8>> {
        let portions = wire::portions(message).into_iter();
        let payloads = portions.filter_map(|portion| self.encode(Content::Message(portion)));
        payloads.collect()
    }

    fn encode(&self, content: Content) -> Option<Vec<u8>> {
        let payload = Envelope { origin: self.origin, content }.encode();
        if payload.is_none() {
            // Portions are cut to fit, so this is a fault of ours; the others still get to know.
            tracing::error!("a message of the bus does not fit a payload");
            self.lost.store(true, Ordering::Release);
        }
        payload
    }

    async fn tell(&self, trip: Trip) {
        let mut payloads = trip.payloads;
        let lost = self.lost.swap(false, Ordering::AcqRel);
        if lost {
            payloads.extend(self.encode(Content::Lost));
        }
        if payloads.is_empty() {
            self.redis.reconnect_if_due();
            return;
        }
        let channel = wire::channel(self.redis.key_prefix());
        let mut commands = redis::pipe();
        for payload in payloads {
            commands.publish(&channel, payload).ignore();
        }
        if let Err(error) = self.redis.run_all(commands).await {
            tracing::debug!(%error, "other replicas were not told");
            self.lost.store(true, Ordering::Release);
        }
    }

    async fn listen_always(&self) {
        let mut pause = FIRST_PAUSE;
        loop {
            match self.subscribe().await {
                Ok((mut sink, mut messages)) => {
                    pause = FIRST_PAUSE;
                    self.redis.reconnect_now();
                    self.rejoining.read().iter().for_each(|forget| forget());
                    self.subscribed.store(true, Ordering::Release);
                    // Those who are told after this read what was told before it.
                    self.joined.notify_waiters();
                    failpoint::reach("bus.before_resumed").await;
                    self.hand_on(&BusEvent::Resumed);
                    tracing::info!("listening to other replicas");
                    self.listen(&mut sink, &mut messages).await;
                    self.subscribed.store(false, Ordering::Release);
                    tracing::warn!("cut off from other replicas");
                }
                Err(error) => tracing::debug!(%error, "still cut off from other replicas"),
            }
            // Replicas that lost the same Redis do not all come back at the same moment.
            let part = rand::rng().random_range(0.5..1.0);
            tokio::time::sleep(pause.mul_f64(part)).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    async fn subscribe(&self) -> Result<(PubSubSink, PubSubStream), RedisFailure> {
        let (mut sink, messages) = self.redis.subscriber().await?.split();
        let channel = wire::channel(self.redis.key_prefix());
        let subscribing = timeout(CONNECT_LIMIT, sink.subscribe(channel));
        subscribing.await.map_err(|_| RedisFailure::TimedOut)??;
        Ok((sink, messages))
    }

    /// Hands on what comes, until the connection is dead.
    async fn listen(&self, sink: &mut PubSubSink, messages: &mut PubSubStream) {
        let mut heartbeat = tokio::time::interval(HEARTBEAT);
        loop {
            tokio::select! {
                message = messages.next() => {
                    let Some(message) = message else { return };
                    if let Some(event) = self.hear(message.get_payload_bytes()) {
                        self.hand_on(&event);
                    }
                }
                _ = heartbeat.tick() => {
                    // Twenty times what a command may take: this is no request that waits.
                    let answer = timeout(COMMAND_LIMIT * 20, sink.ping::<redis::Value>()).await;
                    if !matches!(answer, Ok(Ok(_))) {
                        return;
                    }
                }
            }
        }
    }

    fn hand_on(&self, event: &BusEvent) {
        // An error means that nobody listens.
        let _ = self.everyone.send(event.clone());
        let _ = self.outward.send(event.clone());
    }

    fn hear(&self, payload: &[u8]) -> Option<BusEvent> {
        match Envelope::decode(payload) {
            Ok(envelope) if envelope.origin == self.origin => None,
            Ok(Envelope { content: Content::Message(message), .. }) => {
                Some(BusEvent::Message(Arc::new(message)))
            }
            Ok(Envelope { content: Content::Lost, .. }) => Some(BusEvent::Resumed),
            // Something has changed that only a newer program knows of.
            Err(Unreadable::Unknown) => Some(BusEvent::Resumed),
            Err(error) => {
                tracing::warn!(%error, "left aside what came over the bus");
                None
            }
        }
    }
}
