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
        let now = Instant::now();
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

    #[tokio::test(start_paused = true)]
    async fn after_the_burst_messages_come_at_the_pace() {
        let mut pace = Pace::new(600, 200);
        assert_eq!((0..300).filter(|_| pace.keeps()).count(), 200);
        tokio::time::advance(Duration::from_millis(1_000)).await;
        assert_eq!((0..300).filter(|_| pace.keeps()).count(), 10);
        tokio::time::advance(Duration::from_secs(3_600)).await;
        assert_eq!((0..300).filter(|_| pace.keeps()).count(), 200);
    }
}
