//! The worker: looks for jobs, has them done, and holds on whatever the database does meanwhile.

use crate::db::{Db, DbError};
use crate::jobs::desk::Desk;
use crate::jobs::handlers::Handlers;
use crate::jobs::schedule::Schedule;
use futures::FutureExt;
use parking_lot::Mutex;
use rand::RngExt;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// The times that a worker keeps.
#[derive(Debug, Clone, Copy)]
pub struct Timing {
    /// How long a job stays claimed by a process that says nothing more. Renewed at a third of it.
    pub lease: Duration,
    /// The shortest time between two looks that are told for: the jobs of a crowd come together.
    pub gather: Duration,
    /// Looks for jobs that nobody told of, such as delayed ones and those of other processes.
    pub poll: Duration,
    /// The pause after a first failure; each further one is four times as long, ± 20 %.
    pub backoff: Duration,
    /// The pause after an error of the database.
    pub pause: Duration,
    /// How long a statement may take before it counts as an error.
    pub statement: Duration,
    /// How long jobs under way may go on when the worker is told to end.
    pub grace: Duration,
    /// How often a worker shows that it is there to processes that have none.
    pub seen: Duration,
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            lease: Duration::from_secs(30),
            gather: Duration::from_millis(25),
            poll: Duration::from_secs(1),
            backoff: Duration::from_secs(1),
            pause: Duration::from_secs(1),
            statement: Duration::from_secs(8),
            grace: Duration::from_secs(10),
            seen: Duration::from_secs(10),
        }
    }
}

/// Takes jobs and has them done; any number of them share a database.
#[derive(Clone)]
pub struct Worker {
    pub(crate) db: Db,
    pub(crate) handlers: Arc<Handlers>,
    pub(crate) schedules: Vec<Schedule>,
    pub(crate) timing: Timing,
    pulse: Pulse,
}

impl Worker {
    /// A worker that does not work yet.
    #[must_use]
    pub fn new(db: Db, handlers: Handlers, schedules: Vec<Schedule>, timing: Timing) -> Self {
        let handlers = Arc::new(handlers);
        Self { db, handlers, schedules, timing, pulse: Pulse::default() }
    }

    /// Tells whether it works.
    #[must_use]
    pub fn pulse(&self) -> Pulse {
        self.pulse.clone()
    }

    /// Works until told to stop; then lets jobs under way end, for a while, and hands back the
    /// others. Nothing but that ends it. Its pulse begins with the call: who asks before the first
    /// turn is not told that nobody works.
    pub fn run(self, stopping: CancellationToken) -> impl Future<Output = ()> + Send {
        self.pulse.beat();
        self.work(stopping)
    }

    async fn work(self, stopping: CancellationToken) {
        let (timing, pulse) = (self.timing, self.pulse.clone());
        let mut desk = Desk::new(self);
        loop {
            let turns = AssertUnwindSafe(take_turns(&mut desk, timing, &pulse, &stopping));
            if turns.catch_unwind().await.is_ok() {
                break;
            }
            tracing::error!("the worker panicked and goes on");
            tokio::time::sleep(timing.pause).await;
        }
        desk.close().await;
    }

    /// Does the jobs that are due, and those that follow from them, and ends; tells how many.
    ///
    /// # Errors
    /// [`DbError`] when the database fails.
    pub async fn run_due(&self) -> Result<usize, DbError> {
        let mut desk = Desk::new(self.clone());
        let mut done = 0;
        loop {
            desk.look_everywhere();
            desk.claim().await?;
            if desk.is_empty() {
                return Ok(done);
            }
            while !desk.is_empty() {
                desk.hear().await;
                done += 1;
            }
            desk.settle().await?;
        }
    }
}

async fn take_turns(desk: &mut Desk, timing: Timing, pulse: &Pulse, stopping: &CancellationToken) {
    let mut announced = desk.work_announced();
    let mut looked = Instant::now();
    while !stopping.is_cancelled() {
        if let Err(error) = desk.turn().await {
            tracing::warn!(%error, "the worker could not use the database and will try again");
            tokio::select! {
                () = tokio::time::sleep(jittered(timing.pause)) => continue,
                () = stopping.cancelled() => return,
            }
        }
        pulse.beat();
        let renewal = desk.renewal_at();
        tokio::select! {
            () = desk.hear() => {}
            () = tokio::time::sleep_until(renewal.unwrap_or_else(Instant::now)),
                if renewal.is_some() => {}
            _ = announced.changed() => {
                tokio::time::sleep_until(looked + timing.gather).await;
                announced.borrow_and_update();
                looked = Instant::now();
                desk.look_everywhere();
            }
            () = tokio::time::sleep(jittered(timing.poll)) => desk.look_everywhere(),
            () = stopping.cancelled() => {}
        }
    }
}

/// A time ± 20 %, so that processes that begin together do not stay together.
pub(crate) fn jittered(time: Duration) -> Duration {
    time.mul_f64(rand::rng().random_range(0.8..=1.2))
}

/// When a worker began, or last looked for jobs with success; clones share it.
#[derive(Clone, Default)]
pub struct Pulse(Arc<Mutex<Option<Instant>>>);

impl Pulse {
    fn beat(&self) {
        *self.0.lock() = Some(Instant::now());
    }

    /// Whether it began or looked within this time.
    #[must_use]
    pub fn is_felt(&self, within: Duration) -> bool {
        self.0.lock().is_some_and(|last| last.elapsed() < within)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pulse_is_felt_for_a_while_after_a_beat_and_not_before_the_first() {
        let (pulse, hour) = (Pulse::default(), Duration::from_secs(3_600));
        assert!(!pulse.is_felt(hour));

        pulse.beat();

        assert!(pulse.clone().is_felt(hour));
        assert!(!pulse.is_felt(Duration::ZERO));
    }
}
