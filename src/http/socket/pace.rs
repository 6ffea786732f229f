//! How fast one socket may send: a burst, and then so many messages a minute.

use std::time::Duration;
use tokio::time::Instant;

/// A bucket of messages that fills up again with time.
pub struct Pace {
    /// How far ahead of the clock the messages so far have come.
    ahead_until: Instant,
    between: Duration,
    burst: Duration,
}

impl Pace {
    /// `burst` messages at once, and `per_minute` in the long run.
    pub fn new(per_minute: u32, burst: u32) -> Self {
        let between = Duration::from_secs(60) / per_minute.max(1);
        Self { ahead_until: Instant::now(), between, burst: between * burst.max(1) }
    }

    /// Counts a message. False: it came too soon.
    pub fn keeps(&mut self) -> bool {
        self.keeps_at(Instant::now())
    }

    fn keeps_at(&mut self, now: Instant) -> bool {
        let next = self.ahead_until.max(now) + self.between;
        if next.duration_since(now) > self.burst {
            return false;
        }
        self.ahead_until = next;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn after_the_burst_messages_come_at_the_pace() {
        let mut pace = Pace::new(600, 200);
        let began = Instant::now();
        let mut kept = |after: Duration| (0..300).filter(|_| pace.keeps_at(began + after)).count();
        assert_eq!(kept(Duration::from_millis(1)), 200);
        assert_eq!(kept(Duration::from_millis(1_001)), 10);
        assert_eq!(kept(Duration::from_secs(3_600)), 200);
    }
}
