//! The circuit breaker of a provider: when many calls fail, nobody calls for a while; then a few
//! try, and all others once these have succeeded. When nobody tries for long, nothing is known
//! against the provider any more, and all may call. A call that ends without a verdict gives back
//! its permit and counts for nothing.

use parking_lot::{Mutex, MutexGuard};
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::Notify;
use tokio::sync::futures::Notified;

/// When a breaker opens and closes.
#[derive(Debug, Clone, Copy)]
pub struct BreakerLimits {
    /// Calls are judged over so long.
    pub window: Duration,
    /// Fewer calls than this are no reason to open.
    pub calls_min: u32,
    /// It opens when at least so many of a hundred calls have failed.
    pub failed_percent: u32,
    /// Nobody calls for so long after that.
    pub open_for: Duration,
    /// So many may try then, and must succeed before all may call.
    pub probes: u32,
    /// When nobody has tried for so long, all may call.
    pub forgotten_after: Duration,
}

impl Default for BreakerLimits {
    fn default() -> Self {
        Self {
            window: Duration::from_secs(30),
            calls_min: 20,
            failed_percent: 50,
            open_for: Duration::from_secs(10),
            probes: 3,
            forgotten_after: Duration::from_secs(5 * 60),
        }
    }
}

/// Whether a provider is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum BreakerState {
    /// Yes.
    Closed,
    /// A few calls try whether it is well again.
    HalfOpen,
    /// No.
    Open,
}

/// Tells the time since some beginning; it never goes back.
pub type Clock = Arc<dyn Fn() -> Duration + Send + Sync>;

/// A circuit breaker; clones are the same one.
#[derive(Clone)]
pub struct Breaker {
    limits: BreakerLimits,
    clock: Clock,
    circuit: Arc<Mutex<Circuit>>,
    opening: Arc<Notify>,
}

struct Circuit {
    phase: Phase,
    /// Rises with each change of phase: what began in an earlier one does not count any more.
    era: u64,
    /// When it opened last, for how long something took since.
    opened_at: Option<Instant>,
}

enum Phase {
    Closed(Window),
    Open {
        until: Duration,
    },
    /// `since`: when somebody tried, or could have, last.
    HalfOpen {
        trying: u32,
        succeeded: u32,
        since: Duration,
    },
}

/// The calls of each of the last seconds.
#[derive(Default)]
struct Window(VecDeque<Second>);

struct Second {
    second: u64,
    calls: u32,
    failed: u32,
}

/// Leave to call once. Dropped without a verdict, it was no call.
pub struct Permit {
    breaker: Breaker,
    era: u64,
    told: bool,
}

/// Nobody calls now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refused {
    /// When it may help to try again.
    pub retry_after: Duration,
}

impl Breaker {
    /// A closed breaker.
    pub fn new(limits: BreakerLimits, clock: Clock) -> Self {
        let circuit = Circuit { phase: Phase::Closed(Window::default()), era: 0, opened_at: None };
        let circuit = Arc::new(Mutex::new(circuit));
        Self { limits, clock, circuit, opening: Arc::default() }
    }

    /// Asks for leave to call.
    pub fn permit(&self) -> Result<Permit, Refused> {
        let now = (self.clock)();
        let mut circuit = self.circuit_at(now);
        if let Phase::Open { until } = circuit.phase {
            return Err(Refused { retry_after: until.saturating_sub(now) });
        }
        if let Phase::HalfOpen { trying, succeeded, since } = &mut circuit.phase {
            if trying.saturating_add(*succeeded) >= self.limits.probes {
                return Err(Refused::while_others_try());
            }
            *trying = trying.saturating_add(1);
            *since = now;
        }
        Ok(Permit { breaker: self.clone(), era: circuit.era, told: false })
    }

    /// Why nobody would get leave now; None also when a few may try.
    pub fn refusal(&self) -> Option<Refused> {
        let now = (self.clock)();
        match self.circuit_at(now).phase {
            Phase::Open { until } => Some(Refused { retry_after: until.saturating_sub(now) }),
            Phase::HalfOpen { trying, succeeded, .. }
                if trying.saturating_add(succeeded) >= self.limits.probes =>
            {
                Some(Refused::while_others_try())
            }
            Phase::Closed(_) | Phase::HalfOpen { .. } => None,
        }
    }

    /// Ends when it opens the next time.
    pub fn opens(&self) -> Notified<'_> {
        self.opening.notified()
    }

    /// When it opened last, if it ever did.
    pub fn opened_at(&self) -> Option<Instant> {
        self.circuit.lock().opened_at
    }

    /// Whether the provider is called.
    pub fn state(&self) -> BreakerState {
        match self.circuit_at((self.clock)()).phase {
            Phase::Closed(_) => BreakerState::Closed,
            Phase::Open { .. } => BreakerState::Open,
            Phase::HalfOpen { .. } => BreakerState::HalfOpen,
        }
    }

    /// Calls of the last half minute, and how many of these failed, while all may call.
    pub fn lately(&self) -> (u32, u32) {
        let now = (self.clock)();
        match &mut self.circuit_at(now).phase {
            Phase::Closed(window) => window.sum(now, self.limits.window),
            Phase::Open { .. } | Phase::HalfOpen { .. } => (0, 0),
        }
    }

    /// The circuit as time has left it: open ones let a few try after a while, and when nobody
    /// does, everybody.
    fn circuit_at(&self, now: Duration) -> MutexGuard<'_, Circuit> {
        let mut circuit = self.circuit.lock();
        if let Phase::Open { until } = circuit.phase
            && now >= until
        {
            circuit.enter(Phase::HalfOpen { trying: 0, succeeded: 0, since: until });
        }
        if let Phase::HalfOpen { trying: 0, since, .. } = circuit.phase
            && now.saturating_sub(since) >= self.limits.forgotten_after
        {
            circuit.enter(Phase::Closed(Window::default()));
        }
        circuit
    }

    /// Counts a call; gives whether it opened the breaker.
    fn tell(&self, era: u64, failed: bool) -> bool {
        let now = (self.clock)();
        let mut circuit = self.circuit.lock();
        if circuit.era != era {
            return false;
        }
        let next = match &mut circuit.phase {
            Phase::Closed(window) => {
                let (calls, failures) = window.count(now, self.limits.window, failed);
                let many = u64::from(failures).saturating_mul(100)
                    >= u64::from(calls).saturating_mul(u64::from(self.limits.failed_percent));
                (failed && calls >= self.limits.calls_min && many).then(|| self.open(now))
            }
            Phase::HalfOpen { .. } if failed => Some(self.open(now)),
            Phase::HalfOpen { trying, succeeded, since } => {
                *since = now;
                *trying = trying.saturating_sub(1);
                *succeeded = succeeded.saturating_add(1);
                (*succeeded >= self.limits.probes).then(|| Phase::Closed(Window::default()))
            }
            Phase::Open { .. } => None,
        };
        let opens = matches!(next, Some(Phase::Open { .. }));
        if let Some(next) = next {
            circuit.enter(next);
        }
        if opens {
            circuit.opened_at = Some(Instant::now());
            drop(circuit);
            self.opening.notify_waiters();
        }
        opens
    }

    fn open(&self, now: Duration) -> Phase {
        Phase::Open { until: now.saturating_add(self.limits.open_for) }
    }

    fn give_back(&self, era: u64) {
        let mut circuit = self.circuit.lock();
        if circuit.era == era
            && let Phase::HalfOpen { trying, .. } = &mut circuit.phase
        {
            *trying = trying.saturating_sub(1);
        }
    }
}

impl Refused {
    /// Those who try will know within a call's time.
    const fn while_others_try() -> Self {
        Self { retry_after: Duration::from_secs(1) }
    }
}

impl Circuit {
    fn enter(&mut self, phase: Phase) {
        self.phase = phase;
        self.era = self.era.saturating_add(1);
    }
}

impl Window {
    /// Adds a call; gives all calls of the window and how many of them failed.
    fn count(&mut self, now: Duration, window: Duration, failed: bool) -> (u32, u32) {
        let second = now.as_secs();
        if self.0.back().is_none_or(|back| back.second != second) {
            self.0.push_back(Second { second, calls: 0, failed: 0 });
        }
        if let Some(back) = self.0.back_mut() {
            back.calls = back.calls.saturating_add(1);
            back.failed = back.failed.saturating_add(u32::from(failed));
        }
        self.sum(now, window)
    }

    /// All calls of the window and how many of them failed.
    fn sum(&mut self, now: Duration, window: Duration) -> (u32, u32) {
        let oldest = now.as_secs().saturating_sub(window.as_secs().saturating_sub(1));
        while self.0.front().is_some_and(|front| front.second < oldest) {
            self.0.pop_front();
        }
        self.0.iter().fold((0, 0), |(calls, failures), second| {
            (calls.saturating_add(second.calls), failures.saturating_add(second.failed))
        })
    }
}

impl Permit {
    /// Whether it was given while nobody may call, which must not be.
    #[must_use]
    pub fn is_of_an_open_breaker(&self) -> bool {
        let circuit = self.breaker.circuit.lock();
        circuit.era == self.era && matches!(circuit.phase, Phase::Open { .. })
    }

    /// The provider answered, whatever it said.
    pub fn answered(mut self) {
        self.told = true;
        self.breaker.tell(self.era, false);
    }

    /// It failed, or did not answer in time. Gives whether nobody calls any more because of it.
    pub fn failed(mut self) -> bool {
        self.told = true;
        self.breaker.tell(self.era, true)
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        if !self.told {
            self.breaker.give_back(self.era);
        }
    }
}

#[cfg(test)]
mod tests;
