//! The worker's desk: which jobs it holds, which outcomes are not written yet, and when to look
//! where. All statements are made from here, one after the other: SQLite has one writer.

use crate::db::{DbError, DbErrorKind};
use crate::jobs::job::{Failure, Queue};
use crate::jobs::lease::{Ended, Lease, attend};
use crate::jobs::store::{self, Claimed, Holding, Verdict};
use crate::jobs::upkeep;
use crate::jobs::worker::{Timing, Worker, jittered};
use crate::telemetry;
use chrono::TimeDelta;
use std::collections::HashMap;
use std::time::Duration;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, timeout, timeout_at};
use uuid::Uuid;

/// Outcomes that one transaction writes at most.
const SETTLED_AT_ONCE: usize = 16;
/// How long handlers that were told to end may take to notice.
const LAST_WORDS: Duration = Duration::from_secs(1);
/// No pause between attempts is longer.
const LONGEST_BACKOFF: Duration = Duration::from_secs(60 * 60);

/// A job that is being done here.
struct Held {
    queue: Queue,
    kind: String,
    attempts: i32,
    max_attempts: i32,
    lease: Lease,
}

pub(crate) struct Desk {
    id: Uuid,
    worker: Worker,
    held: HashMap<Holding, Held>,
    /// What became of jobs, until that is written.
    outcomes: Vec<(Holding, Verdict)>,
    /// The kinds of the jobs in `outcomes`, for the log.
    kinds: HashMap<Holding, String>,
    /// Queues that may have more than was taken.
    hungry: [bool; Queue::ALL.len()],
    renew_at: Instant,
    upkeep_at: Instant,
    seen_at: Option<Instant>,
    tell: mpsc::UnboundedSender<Ended>,
    ended: mpsc::UnboundedReceiver<Ended>,
    closing: bool,
}

impl Desk {
    pub(crate) fn new(worker: Worker) -> Self {
        let (tell, ended) = mpsc::unbounded_channel();
        let now = Instant::now();
        Self {
            id: Uuid::now_v7(),
            worker,
            held: HashMap::new(),
            outcomes: Vec::new(),
            kinds: HashMap::new(),
            hungry: [true; Queue::ALL.len()],
            renew_at: now,
            upkeep_at: now,
            seen_at: None,
            tell,
            ended,
            closing: false,
        }
    }

    /// Whether nothing is being done.
    pub(crate) fn is_empty(&self) -> bool {
        self.held.is_empty()
    }

    pub(crate) fn work_announced(&self) -> watch::Receiver<()> {
        self.worker.db.work_announced()
    }

    pub(crate) fn look_everywhere(&mut self) {
        self.hungry = [true; Queue::ALL.len()];
    }

    /// Everything that is due: outcomes, leases, schedules, and then as many jobs as have a place.
    pub(crate) async fn turn(&mut self) -> Result<(), DbError> {
        self.keep().await?;
        if Instant::now() >= self.upkeep_at {
            self.keep_up().await?;
            self.upkeep_at = Instant::now() + self.timing().poll;
        }
        self.claim().await
    }

    /// Waits for the end of an attempt, and takes all that have ended by then.
    pub(crate) async fn hear(&mut self) {
        // The desk itself holds a sender: the channel does not close.
        if let Some(ended) = self.ended.recv().await {
            self.note(ended);
        }
        while let Ok(ended) = self.ended.try_recv() {
            self.note(ended);
        }
    }

    /// When leases are to be renewed, if there are any.
    pub(crate) fn renewal_at(&self) -> Option<Instant> {
        (!self.held.is_empty()).then_some(self.renew_at)
    }

    /// Takes as many jobs as there are free places for.
    pub(crate) async fn claim(&mut self) -> Result<(), DbError> {
        for (index, queue) in Queue::ALL.into_iter().enumerate() {
            let busy = self.held.values().filter(|held| held.queue == queue).count();
            let free = queue.places().saturating_sub(busy);
            let kinds = self.worker.handlers.kinds_of(queue);
            let hungry = self.hungry.get(index).copied().unwrap_or_default();
            if !hungry || free == 0 || kinds.is_empty() {
                continue;
            }
            let (asked, lease) = (Instant::now(), self.timing().lease);
            let claim = store::claim(&self.worker.db, queue, &kinds, free, delta(lease));
            let claimed = self.in_time(claim).await?;
            if let Some(hungry) = self.hungry.get_mut(index) {
                *hungry = claimed.len() >= free;
            }
            for job in claimed {
                // Counted from before the question: the database's lease ends later, never sooner.
                self.start(queue, job, asked + lease);
            }
        }
        Ok(())
    }

    fn start(&mut self, queue: Queue, job: Claimed, until: Instant) {
        if self.held.is_empty() {
            self.renew_at = Instant::now() + self.timing().lease / 3;
        }
        let holding = Holding { id: job.id, token: job.token };
        let held = Held {
            queue,
            kind: job.kind.clone(),
            attempts: job.attempts,
            max_attempts: job.max_attempts,
            lease: Lease::until(until),
        };
        attend(self.worker.handlers.clone(), job, &held.lease, self.tell.clone());
        self.held.insert(holding, held);
    }

    /// Notes what became of an attempt.
    fn note(&mut self, ended: Ended) {
        let Some(held) = self.held.remove(&ended.holding) else { return };
        let verdict = match ended.result {
            Some(Ok(())) => Verdict::Done { note: None },
            Some(Err(Failure::Discard(reason))) => Verdict::Done { note: Some(reason) },
            Some(Err(Failure::Retry(reason))) if held.attempts >= held.max_attempts => {
                Verdict::Dead { reason }
            }
            Some(Err(Failure::Retry(reason))) => {
                let after = backoff(self.timing().backoff, held.attempts);
                Verdict::Again { reason, after: delta(after) }
            }
            None if self.closing => Verdict::Back,
            None => {
                let (job_id, kind) = (ended.holding.id, held.kind.as_str());
                tracing::warn!(%job_id, kind, "a job was lost: its lease ended, and its handler");
                return;
            }
        };
        self.kinds.insert(ended.holding, held.kind);
        self.outcomes.push((ended.holding, verdict));
    }

    /// Writes outcomes and holds on to what is being done.
    async fn keep(&mut self) -> Result<(), DbError> {
        self.settle().await?;
        if !self.held.is_empty() && Instant::now() >= self.renew_at {
            self.renew().await?;
        }
        Ok(())
    }

    /// Writes what became of jobs. What cannot be written stays to be written.
    pub(crate) async fn settle(&mut self) -> Result<(), DbError> {
        while !self.outcomes.is_empty() {
            let batch: Vec<_> = self.outcomes.iter().take(SETTLED_AT_ONCE).cloned().collect();
            let settled = self.in_time(store::settle(&self.worker.db, &batch)).await?;
            self.outcomes.drain(..batch.len());
            for (holding, verdict) in &batch {
                let kind = self.kinds.remove(holding).unwrap_or_default();
                tell(*holding, &kind, verdict, settled.contains(holding));
            }
        }
        Ok(())
    }

    async fn renew(&mut self) -> Result<(), DbError> {
        let (asked, lease) = (Instant::now(), self.timing().lease);
        let holdings: Vec<_> = self.held.keys().copied().collect();
        let renewing = store::renew(&self.worker.db, &holdings, delta(lease));
        let renewed = self.in_time(renewing).await?;
        for (holding, held) in &self.held {
            if renewed.contains(holding) {
                held.lease.renew(asked + lease);
            } else {
                held.lease.cut();
            }
        }
        self.renew_at = asked + lease / 3;
        Ok(())
    }

    /// Schedules, jobs that no attempt is left for, and showing oneself.
    async fn keep_up(&mut self) -> Result<(), DbError> {
        let (db, limit) = (self.worker.db.clone(), self.timing().statement);
        for schedule in &mut self.worker.schedules {
            within(limit, schedule.write_due(&db)).await?;
        }
        for buried in self.in_time(store::bury(&db)).await? {
            telemetry::count(telemetry::JOBS_DEAD);
            let reason = "its worker ended during the last attempt";
            tracing::error!(job_id = %buried.id, kind = buried.kind, reason, "a job is dead");
        }
        // On SQLite there is no other process that would want to know.
        let seen = self.seen_at.is_some_and(|at| at.elapsed() < self.timing().seen);
        if db.is_postgres() && !seen {
            self.in_time(upkeep::be_seen(&db, self.id)).await?;
            self.seen_at = Some(Instant::now());
        }
        Ok(())
    }

    /// Lets jobs under way end, hands back what did not in time, and writes the outcomes.
    pub(crate) async fn close(&mut self) {
        let end = Instant::now() + self.timing().grace;
        while !self.held.is_empty() && Instant::now() < end {
            if let Err(error) = self.keep().await {
                tracing::warn!(%error, "the worker cannot use the database while it ends");
            }
            let _ = timeout_at(end.min(self.renew_at.max(soon())), self.hear()).await;
        }
        self.closing = true;
        self.held.values().for_each(|held| held.lease.cut());
        let last = Instant::now() + LAST_WORDS;
        while !self.held.is_empty() && timeout_at(last, self.hear()).await.is_ok() {}
        if let Err(error) = self.settle().await {
            let jobs = self.outcomes.len();
            tracing::warn!(%error, jobs, "jobs could not be handed back: their leases will end");
        }
        if self.seen_at.is_some() {
            // Not worth a word: it is forgotten in an hour.
            let _ = self.in_time(upkeep::leave(&self.worker.db, self.id)).await;
        }
    }

    fn timing(&self) -> Timing {
        self.worker.timing
    }

    async fn in_time<T>(
        &self,
        statement: impl Future<Output = Result<T, DbError>>,
    ) -> Result<T, DbError> {
        within(self.timing().statement, statement).await
    }
}

async fn within<T>(
    limit: Duration,
    statement: impl Future<Output = Result<T, DbError>>,
) -> Result<T, DbError> {
    timeout(limit, statement).await.unwrap_or_else(|_| {
        Err(DbError {
            kind: DbErrorKind::TimedOut,
            constraint: None,
            message: format!("no answer within {} s", limit.as_secs_f32()),
        })
    })
}

/// A moment from now, so that a database that is away is not asked again at once.
fn soon() -> Instant {
    Instant::now() + Duration::from_millis(100)
}

/// 1, 4, 16, 64 times the first pause and so on, ± 20 %.
fn backoff(first: Duration, attempts: i32) -> Duration {
    let power = u32::try_from(attempts.saturating_sub(1)).unwrap_or_default().min(10);
    jittered(first.saturating_mul(4_u32.pow(power)).min(LONGEST_BACKOFF))
}

fn delta(time: Duration) -> TimeDelta {
    TimeDelta::from_std(time).unwrap_or(TimeDelta::MAX)
}

/// Counts and logs what became of a job.
fn tell(holding: Holding, kind: &str, verdict: &Verdict, counts: bool) {
    let job_id = holding.id;
    if !counts {
        tracing::warn!(%job_id, kind, "a job was done too late: someone else holds it");
        return;
    }
    match verdict {
        Verdict::Done { note: None } => {
            telemetry::count(telemetry::JOBS_DONE);
            tracing::debug!(%job_id, kind, "a job was done");
        }
        Verdict::Done { note: Some(reason) } => {
            telemetry::count(telemetry::JOBS_DONE);
            let reason = reason.as_str();
            tracing::info!(%job_id, kind, reason, "there was nothing to do for a job");
        }
        Verdict::Again { reason, after } => {
            telemetry::count(telemetry::JOBS_RETRIED);
            let (reason, after_ms) = (reason.as_str(), after.num_milliseconds());
            tracing::warn!(%job_id, kind, reason, after_ms, "a job failed and is tried again");
        }
        Verdict::Dead { reason } => {
            telemetry::count(telemetry::JOBS_DEAD);
            let reason = reason.as_str();
            tracing::error!(%job_id, kind, reason, "a job is dead");
        }
        Verdict::Back => tracing::info!(%job_id, kind, "a job was handed back"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_pause_is_four_times_the_last() {
        for (attempts, seconds) in [(1, 1.0), (2, 4.0), (3, 16.0), (4, 64.0), (90, 3600.0)] {
            let pause = backoff(Duration::from_secs(1), attempts).as_secs_f64();
            assert!((seconds * 0.8..=seconds * 1.2).contains(&pause), "{attempts}: {pause}");
        }
    }
}
