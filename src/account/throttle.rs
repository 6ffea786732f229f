//! How often something may be tried: the rules, apart from any database.

use crate::auth::ClientAddress;
use crate::db::Timestamp;
use chrono::TimeDelta;
use sha2::{Digest, Sha256};

/// How often one thing may be tried by one client, or on one account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rule {
    name: &'static str,
    /// Tries before it slows down.
    free: i32,
    /// Time after which the tries are forgotten.
    window: TimeDelta,
    beyond: Beyond,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Beyond {
    /// Nothing more until the window ends.
    Wait,
    /// One more after 1 s, the next after 2 s, then 4 s, up to an hour.
    Double,
}

const QUARTER_HOUR: TimeDelta = TimeDelta::minutes(15);
const HOUR: TimeDelta = TimeDelta::hours(1);

/// Signing in to one account, known or not.
pub const SIGN_IN: Rule = Rule::new("sign-in", 5, QUARTER_HOUR, Beyond::Double);
/// Signing in from one address; only what failed counts.
pub const SIGN_IN_FROM: Rule = Rule::new("sign-in-from", 20, QUARTER_HOUR, Beyond::Wait);
/// Telling the password of the account that is signed in already.
pub const CONFIRM: Rule = Rule::new("confirm", 5, QUARTER_HOUR, Beyond::Double);
/// Making accounts from one address.
pub const REGISTER_FROM: Rule = Rule::new("register-from", 30, HOUR, Beyond::Wait);
/// Making an account of one e-mail address; each try sends a mail there.
pub const REGISTER: Rule = Rule::new("register", 5, HOUR, Beyond::Wait);
/// Asking to reset the password of one account, known or not.
pub const RESET: Rule = Rule::new("reset", 3, HOUR, Beyond::Wait);
/// Asking for the verification of one e-mail address, known or not.
pub const VERIFY: Rule = Rule::new("verify", 3, HOUR, Beyond::Wait);
/// Asking for mails to any address from one client address.
pub const MAIL_FROM: Rule = Rule::new("mail-from", 30, HOUR, Beyond::Wait);
/// Asking to change the e-mail address of one account.
pub const CHANGE_EMAIL: Rule = Rule::new("change-email", 5, HOUR, Beyond::Wait);

/// The longest pause between two tries.
const LONGEST_PAUSE: TimeDelta = HOUR;

impl Rule {
    const fn new(name: &'static str, free: i32, window: TimeDelta, beyond: Beyond) -> Self {
        Self { name, free, window, beyond }
    }

    /// A try on `subject`, such as an address or the key of an account. It is kept as a hash: the
    /// counters tell nobody who tried.
    #[must_use]
    pub fn on(self, subject: &str) -> Slot {
        let hash = Sha256::digest(subject.as_bytes());
        let hex: String = hash.iter().map(|byte| format!("{byte:02x}")).collect();
        Slot { rule: self, key: format!("{}:{hex}", self.name) }
    }

    /// A try from where the request came; None when it came over no network.
    #[must_use]
    pub fn from(self, client: ClientAddress) -> Option<Slot> {
        client.holder().map(|address| self.on(&address.to_string()))
    }

    /// How many of one process may try at a time. What is under way counts: so few that five
    /// processes together do not come near the free tries.
    #[must_use]
    pub fn at_once(self) -> usize {
        usize::try_from(self.free / 5).unwrap_or(1).max(1)
    }

    /// What is kept after one more try, or how long to wait before it.
    ///
    /// # Errors
    /// The time to wait.
    pub fn take(self, earlier: Option<Tries>, now: Timestamp) -> Result<Tries, TimeDelta> {
        let earlier = earlier.filter(|tries| tries.ends_at > now);
        if let Some(wait) = earlier.map(|tries| tries.next_at - now)
            && wait > TimeDelta::zero()
        {
            return Err(wait);
        }
        let attempts = earlier.map_or(0, |tries| tries.attempts).saturating_add(1);
        let ends_at = earlier.map_or(now + self.window, |tries| tries.ends_at);
        let over = attempts.saturating_sub(self.free);
        if over < 0 {
            return Ok(Tries { attempts, next_at: now, ends_at });
        }
        Ok(match self.beyond {
            Beyond::Wait => Tries { attempts, next_at: ends_at, ends_at },
            Beyond::Double => {
                let next_at = now + pause(over);
                Tries { attempts, next_at, ends_at: ends_at.max(next_at + self.window) }
            }
        })
    }
}

/// 2^n seconds, an hour at most.
fn pause(n: i32) -> TimeDelta {
    let seconds = u32::try_from(n).ok().and_then(|n| 1_i64.checked_shl(n.min(62)));
    TimeDelta::seconds(seconds.unwrap_or(1).min(LONGEST_PAUSE.num_seconds()))
}

/// One try of something by somebody.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Slot {
    /// How often it may be tried.
    pub rule: Rule,
    /// Under which it is counted.
    pub key: String,
}

/// What is kept of the tries so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tries {
    /// How many.
    pub attempts: i32,
    /// From when on the next is let through.
    pub next_at: Timestamp,
    /// When they are forgotten.
    pub ends_at: Timestamp,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_timestamp(1_800_000_000 + seconds, 0).unwrap()
    }

    /// Tries as often as it is let, waiting as told, and gives the seconds waited each time.
    fn waits(rule: Rule, tries: usize) -> Vec<i64> {
        let (mut now, mut kept, mut waits) = (at(0), None, Vec::new());
        for _ in 0..tries {
            let wait = rule.take(kept, now).err().unwrap_or_default();
            now += wait;
            kept = Some(rule.take(kept, now).expect("after the wait it is let through"));
            waits.push(wait.num_seconds());
        }
        waits
    }

    #[test]
    fn five_are_free_and_then_each_costs_twice_the_pause_up_to_an_hour() {
        let pauses = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1_024, 2_048, 3_600, 3_600];
        assert_eq!(waits(SIGN_IN, 19), [&[0; 5], pauses.as_slice()].concat());
    }

    #[test]
    fn a_window_that_is_full_opens_when_it_ends() {
        assert_eq!(
            waits(SIGN_IN_FROM, 41),
            [vec![0; 20], vec![900], vec![0; 19], vec![900]].concat()
        );
    }

    #[test]
    fn what_is_past_is_forgotten() {
        let mut kept = None;
        for _ in 0..4 {
            kept = Some(SIGN_IN.take(kept, at(0)).unwrap());
        }
        assert_eq!(SIGN_IN.take(kept, at(899)).unwrap().attempts, 5);
        assert_eq!(SIGN_IN.take(kept, at(900)).unwrap().attempts, 1);
    }

    #[test]
    fn a_pause_never_overflows() {
        assert_eq!(pause(0), TimeDelta::seconds(1));
        assert_eq!(pause(12), HOUR);
        assert_eq!(pause(i32::MAX), HOUR);
    }

    #[test]
    fn slots_are_apart_by_rule_and_subject_and_name_nobody() {
        let one = SIGN_IN.on("ada@shop.example");
        assert_eq!(one, SIGN_IN.on("ada@shop.example"));
        assert_ne!(one.key, SIGN_IN.on("bob@shop.example").key);
        assert_ne!(one.key, RESET.on("ada@shop.example").key);
        assert!(!one.key.contains("ada"));
    }
}
