//! Schedules: jobs that are written at certain times, once for all processes.

use crate::db::{Db, DbError, Timestamp};
use crate::jobs::enqueue_in_txn;
use crate::jobs::job::{Job, NewJob};
use chrono::{SecondsFormat, TimeDelta};
use croner::Cron;

/// How late a tick may come: what was missed while no worker ran is made good if it is not older.
const CATCH_UP: TimeDelta = TimeDelta::hours(1);

/// A job that is written whenever a cron expression says so, in UTC. Each process computes the
/// ticks; who writes the one of a tick first has written it for all.
#[derive(Debug, Clone)]
pub struct Schedule {
    name: &'static str,
    pattern: Cron,
    job: NewJob,
    /// The last tick that is known to be written, by whom ever.
    written: Option<Timestamp>,
}

/// A cron expression that is none.
#[derive(Debug, thiserror::Error)]
#[error("the schedule {name} cannot be read: {message}")]
pub struct NoSchedule {
    name: &'static str,
    message: String,
}

impl Schedule {
    /// A schedule. `name` tells its ticks from those of others for as long as the shop lives;
    /// `pattern` has five fields as in crontab, or six with seconds in front.
    ///
    /// # Errors
    /// [`NoSchedule`] when the pattern cannot be read.
    pub fn new<J: Job>(name: &'static str, pattern: &str, args: &J) -> Result<Self, NoSchedule> {
        let pattern: Cron = pattern.parse().map_err(|error: croner::errors::CronError| {
            NoSchedule { name, message: error.to_string() }
        })?;
        Ok(Self { name, pattern, job: NewJob::new(args), written: None })
    }

    /// Writes the job of the last tick, unless that is written.
    pub(crate) async fn write_due(&mut self, db: &Db) -> Result<(), DbError> {
        let Some(tick) = self.due(db.now()) else { return Ok(()) };
        let instant = tick.to_rfc3339_opts(SecondsFormat::Secs, true);
        let job = self.job.clone().dedupe(format!("schedule:{}:{instant}", self.name));
        let job = &job;
        db.tx(|tx| async move { enqueue_in_txn(&tx, job).await }).await?;
        self.written = Some(tick);
        Ok(())
    }

    /// The last tick, if it is new. Of several that passed meanwhile only the last counts.
    fn due(&self, now: Timestamp) -> Option<Timestamp> {
        let tick = self.pattern.find_previous_occurrence(&now, true).ok()?;
        let known = self.written.unwrap_or(now - CATCH_UP);
        (tick > known).then_some(tick)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::{Deserialize, Serialize};

    #[derive(Serialize, Deserialize)]
    struct Sweep {}

    impl Job for Sweep {
        const KIND: &'static str = "test.sweep";
    }

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn schedule(pattern: &str) -> Schedule {
        Schedule::new("sweep", pattern, &Sweep {}).unwrap()
    }

    #[test]
    fn a_tick_is_due_once() {
        let mut hourly = schedule("5 * * * *");
        let tick = at("2026-11-22T10:05:00Z");

        assert_eq!(hourly.due(at("2026-11-22T10:05:00.25Z")), Some(tick));
        hourly.written = Some(tick);
        assert_eq!(hourly.due(at("2026-11-22T10:05:01Z")), None);
        assert_eq!(hourly.due(at("2026-11-22T11:04:59Z")), None);
        assert_eq!(hourly.due(at("2026-11-22T11:05:00Z")), Some(at("2026-11-22T11:05:00Z")));
    }

    #[test]
    fn what_was_missed_is_made_good_within_an_hour_and_once() {
        let daily = schedule("0 3 * * *");
        assert_eq!(daily.due(at("2026-11-22T03:40:00Z")), Some(at("2026-11-22T03:00:00Z")));
        assert_eq!(daily.due(at("2026-11-22T04:40:00Z")), None);

        let mut minutely = schedule("* * * * *");
        minutely.written = Some(at("2026-11-22T03:00:00Z"));
        assert_eq!(minutely.due(at("2026-11-22T03:10:30Z")), Some(at("2026-11-22T03:10:00Z")));
    }

    #[test]
    fn seconds_may_stand_in_front_and_nonsense_is_refused() {
        let two = schedule("*/2 * * * * *");
        assert_eq!(two.due(at("2026-11-22T03:00:03Z")), Some(at("2026-11-22T03:00:02Z")));
        let refused = Schedule::new("sweep", "every day", &Sweep {}).unwrap_err();
        assert!(refused.to_string().contains("sweep"), "{refused}");
    }
}
