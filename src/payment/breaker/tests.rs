//! Breakers on a clock that the tests move.

use super::*;
use proptest::prelude::*;
use std::sync::atomic::{AtomicU64, Ordering};

/// A breaker whose clock the test moves.
struct Bench {
    breaker: Breaker,
    now_ms: Arc<AtomicU64>,
}

impl Bench {
    fn new() -> Self {
        let now_ms = Arc::new(AtomicU64::new(0));
        let clock = Arc::clone(&now_ms);
        let clock: Clock = Arc::new(move || Duration::from_millis(clock.load(Ordering::Relaxed)));
        Self { breaker: Breaker::new(BreakerLimits::default(), clock), now_ms }
    }

    fn waits(&self, ms: u64) {
        self.now_ms.fetch_add(ms, Ordering::Relaxed);
    }

    fn succeeds(&self, calls: u32) {
        (0..calls).for_each(|_| self.breaker.permit().ok().unwrap().answered());
    }

    fn fails(&self, calls: u32) {
        for _ in 0..calls {
            self.breaker.permit().ok().unwrap().failed();
        }
    }

    fn opened() -> Self {
        let bench = Self::new();
        bench.fails(20);
        assert_eq!(bench.breaker.state(), BreakerState::Open);
        bench
    }
}

#[test]
fn a_thousand_answers_keep_it_closed_whatever_they_say() {
    let bench = Bench::new();
    bench.succeeds(1_000);
    assert_eq!(bench.breaker.state(), BreakerState::Closed);
}

#[test]
fn a_permit_from_before_it_opened_is_none_of_an_open_breaker() {
    let bench = Bench::new();
    let early = bench.breaker.permit().ok().unwrap();
    bench.fails(20);
    assert_eq!(bench.breaker.state(), BreakerState::Open);
    assert!(!early.is_of_an_open_breaker());

    // What cannot be had: one that was given while it was open.
    let era = bench.breaker.circuit.lock().era;
    let stray = Permit { breaker: bench.breaker.clone(), era, told: true };
    assert!(stray.is_of_an_open_breaker());
}

#[test]
fn it_opens_at_twenty_calls_of_which_half_failed() {
    let bench = Bench::new();
    bench.fails(19);
    assert_eq!(bench.breaker.state(), BreakerState::Closed);
    bench.fails(1);
    assert_eq!(bench.breaker.state(), BreakerState::Open);

    let bench = Bench::new();
    bench.succeeds(11);
    bench.fails(10);
    assert_eq!(bench.breaker.state(), BreakerState::Closed, "10 of 21 are less than half");
    bench.fails(1);
    assert_eq!(bench.breaker.state(), BreakerState::Open, "11 of 22 are half");
}

#[test]
fn failures_of_half_a_minute_ago_are_forgotten() {
    let bench = Bench::new();
    bench.fails(19);
    bench.waits(30_000);
    bench.fails(19);
    assert_eq!(bench.breaker.state(), BreakerState::Closed);
}

#[test]
fn while_it_is_open_nobody_calls_and_everybody_is_told_how_long() {
    let bench = Bench::opened();
    bench.waits(4_000);
    let refused = bench.breaker.permit().err().unwrap();
    assert_eq!(refused.retry_after, Duration::from_secs(6));
    bench.waits(5_999);
    assert!(bench.breaker.permit().is_err());
    bench.waits(1);
    assert!(bench.breaker.permit().is_ok());
}

#[test]
fn when_nobody_tries_for_long_all_may_call_again() {
    let bench = Bench::opened();
    bench.waits(10_000);
    assert_eq!(bench.breaker.state(), BreakerState::HalfOpen);
    bench.waits(299_999);
    assert_eq!(bench.breaker.state(), BreakerState::HalfOpen);
    bench.waits(1);
    assert_eq!(bench.breaker.state(), BreakerState::Closed);
    // It begins anew: twenty have to fail, and not one.
    bench.fails(19);
    assert_eq!(bench.breaker.state(), BreakerState::Closed);
    bench.fails(1);
    assert_eq!(bench.breaker.state(), BreakerState::Open);
}

#[test]
fn who_tries_for_long_is_waited_for() {
    let bench = Bench::opened();
    bench.waits(10_000);
    let trying = bench.breaker.permit().ok().unwrap();
    bench.waits(600_000);
    assert_eq!(bench.breaker.state(), BreakerState::HalfOpen);
    assert!(trying.failed());
    assert_eq!(bench.breaker.state(), BreakerState::Open);
}

#[test]
fn calls_of_the_last_half_minute_are_told() {
    let bench = Bench::new();
    bench.succeeds(2);
    bench.waits(10_000);
    bench.fails(3);
    assert_eq!(bench.breaker.lately(), (5, 3));
    bench.waits(25_000);
    assert_eq!(bench.breaker.lately(), (3, 3));
    bench.waits(30_000);
    assert_eq!(bench.breaker.lately(), (0, 0));
}

#[test]
fn of_five_hundred_who_wait_three_try_and_close_it() {
    let bench = Bench::opened();
    bench.waits(10_000);
    let permits: Vec<Permit> = (0..500).filter_map(|_| bench.breaker.permit().ok()).collect();
    assert_eq!(permits.len(), 3);
    assert_eq!(bench.breaker.state(), BreakerState::HalfOpen);

    permits.into_iter().for_each(Permit::answered);

    assert_eq!(bench.breaker.state(), BreakerState::Closed);
    bench.succeeds(500);
}

#[test]
fn one_who_tries_and_fails_opens_it_again() {
    let bench = Bench::opened();
    bench.waits(10_000);
    let (one, other) = (bench.breaker.permit().ok().unwrap(), bench.breaker.permit().ok());
    assert!(one.failed());
    assert_eq!(bench.breaker.state(), BreakerState::Open);
    // It began before it opened again, and says nothing of the time since.
    other.unwrap().answered();
    assert_eq!(bench.breaker.state(), BreakerState::Open);
}

#[test]
fn a_permit_that_is_dropped_comes_back() {
    let bench = Bench::opened();
    bench.waits(10_000);
    for _ in 0..100 {
        let permits: Vec<Permit> = (0..10).filter_map(|_| bench.breaker.permit().ok()).collect();
        assert_eq!(permits.len(), 3, "it stayed half open");
    }
    bench.succeeds(3);
    assert_eq!(bench.breaker.state(), BreakerState::Closed);
}

#[test]
fn what_began_before_it_opened_does_not_close_it() {
    let bench = Bench::new();
    let late: Vec<Permit> = (0..30).map(|_| bench.breaker.permit().ok().unwrap()).collect();
    bench.fails(20);
    bench.waits(10_000);
    let trying = bench.breaker.permit().ok().unwrap();
    late.into_iter().for_each(Permit::answered);
    assert_eq!(bench.breaker.state(), BreakerState::HalfOpen);
    assert!(trying.failed());
    assert_eq!(bench.breaker.state(), BreakerState::Open);
}

proptest! {
    /// Whatever happens: never more than three try at once, and it is never stuck.
    #[test]
    fn it_never_lets_more_than_three_try_and_always_closes_again(
        steps in prop::collection::vec((0u8..5, 0u64..12_000), 1..200)
    ) {
        let bench = Bench::new();
        let mut held: Vec<Permit> = Vec::new();
        for (step, wait_ms) in steps {
            bench.waits(wait_ms);
            match step {
                0 | 1 => held.extend(bench.breaker.permit().ok()),
                2 => held.pop().into_iter().for_each(Permit::answered),
                3 => _ = held.pop().map(Permit::failed),
                _ => drop(held.pop()),
            }
            let circuit = bench.breaker.circuit.lock();
            if let Phase::HalfOpen { trying, succeeded, .. } = circuit.phase {
                let ours = held.iter().filter(|permit| permit.era == circuit.era).count();
                prop_assert_eq!(ours, usize::try_from(trying).unwrap());
                prop_assert!(trying + succeeded <= 3);
            }
        }
        held.clear();
        bench.waits(10_000);
        bench.succeeds(3);
        prop_assert_eq!(bench.breaker.state(), BreakerState::Closed);
    }
}
