//! How long changes take to a socket: from their commit to handing them over, without the time that
//! the client let earlier results wait.

use crate::db::Timestamp;
use crate::telemetry;
use chrono::TimeDelta;
use std::collections::VecDeque;
use std::time::Duration;

/// Handing over that takes longer is waiting for the client.
const NO_WAIT: TimeDelta = TimeDelta::milliseconds(1);
/// Waits that are remembered; of earlier ones the time counts as ours.
const WAITS: usize = 64;
/// To within so much two clocks can be compared: what is earlier than its commit by less is no time.
const COMPARABLE: TimeDelta = TimeDelta::milliseconds(50);

/// When one operation waited for its client, the earliest first.
#[derive(Default)]
pub struct Delays(VecDeque<(Timestamp, Timestamp)>);

impl Delays {
    /// Handing a result over took from then to then.
    pub fn handed(&mut self, from: Timestamp, to: Timestamp) {
        if to - from <= NO_WAIT {
            return;
        }
        if self.0.len() >= WAITS {
            self.0.pop_front();
        }
        self.0.push_back((from, to));
    }

    /// Records that what was committed then is handed over now.
    pub fn record(&self, committed_at: Timestamp, now: Timestamp) {
        match self.since(committed_at, now) {
            Some(delay) => telemetry::time(telemetry::LIVE_STOCK_DELAY, delay),
            None => telemetry::count(telemetry::LIVE_STOCK_CLOCKS_DIFFER),
        }
    }

    /// The time between the two that was ours. None: their clocks do not agree.
    fn since(&self, committed_at: Timestamp, now: Timestamp) -> Option<Duration> {
        let all = now - committed_at;
        if all < -COMPARABLE {
            return None;
        }
        let waits = self.0.iter().map(|(from, to)| {
            let (from, to) = (Ord::max(*from, committed_at), Ord::min(*to, now));
            Ord::max(to - from, TimeDelta::zero())
        });
        let ours = waits.fold(all, |left, wait| left - wait);
        Some(ours.to_std().unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: i64) -> Timestamp {
        chrono::DateTime::from_timestamp_millis(1_795_000_000_000 + ms).unwrap()
    }

    fn ms(delays: &Delays, committed: i64, now: i64) -> Option<u128> {
        delays.since(at(committed), at(now)).map(|delay| delay.as_millis())
    }

    #[test]
    fn the_time_that_the_client_takes_is_not_ours() {
        let mut delays = Delays::default();
        assert_eq!(ms(&delays, 0, 700), Some(700));
        delays.handed(at(100), at(400));
        delays.handed(at(500), at(600));
        assert_eq!(ms(&delays, 0, 700), Some(300), "committed before it waited");
        assert_eq!(ms(&delays, 200, 700), Some(200), "committed meanwhile");
        assert_eq!(ms(&delays, 600, 700), Some(100), "committed after it");
    }

    #[test]
    fn what_comes_before_its_commit_has_no_delay_and_not_one_of_nothing() {
        let delays = Delays::default();
        assert_eq!(ms(&delays, 10, 0), Some(0), "as well as clocks can be compared");
        assert_eq!(ms(&delays, 51, 0), None);
    }

    #[test]
    fn an_operation_that_waits_for_ever_remembers_a_few_waits() {
        let mut delays = Delays::default();
        for turn in 0..1_000 {
            delays.handed(at(turn * 10), at(turn * 10 + 5));
        }
        assert_eq!(delays.0.len(), WAITS);
        assert_eq!(ms(&delays, 9_980, 10_000), Some(10));
    }
}
