//! The definitions of the scenarios: observations in, a verdict with its evidence out.

use std::cmp::Ordering;

/// Observations below which a scenario is not judged to pass.
const SAMPLES_MIN: u64 = 100;
/// Of 1,000 payments, decided ones without declines, so many must be made.
const SUCCESS_MIN: u64 = 950;
/// How long a refusal by an open circuit may take, in milliseconds.
const REFUSAL_MAX_MS: f64 = 100.0;
/// How long a change of stock may take from its commit to the socket, in milliseconds.
const FRESHNESS_MAX_MS: f64 = 1_000.0;

/// What becomes of a scenario.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Standing {
    /// The target is met, by at least 100 observations.
    Pass,
    /// The target is missed.
    Fail,
    /// Fewer than 100 observations, and nothing that fails it.
    InsufficientData,
}

/// A scenario, judged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scenario {
    /// A1, A2 or A3.
    pub id: &'static str,
    /// What it is about.
    pub title: &'static str,
    /// What becomes of it.
    pub standing: Standing,
    /// What is promised.
    pub target: String,
    /// What was measured.
    pub measured: String,
    /// The figures behind it, a line each.
    pub evidence: Vec<String>,
}

/// What was observed of stock.
#[derive(Debug, Clone, Copy, Default)]
pub struct StockSeen {
    /// Checkouts that reached stock: orders that got theirs, and those that did not.
    pub checkouts: u64,
    /// Clean refusals because there was not enough, of these and of others that asked for stock.
    pub rejections: u64,
    /// Times that a constraint of the database had to save the stock.
    pub conflicts: u64,
    /// Levels of stock that are negative, or promise more than is there, now.
    pub oversold_levels: u64,
    /// Flash sales that gave more than their share, now.
    pub oversold_sales: u64,
}

/// What was observed of payments.
#[derive(Debug, Clone, Copy, Default)]
pub struct PaymentsSeen {
    /// Attempts that were authorized or captured.
    pub succeeded: u64,
    /// Attempts that failed for a technical reason.
    pub failed: u64,
    /// Attempts that a provider declined: answers, no failures.
    pub declined: u64,
    /// Refusals by an open circuit that were timed.
    pub refusals: u64,
    /// What 99 of 100 of them did not exceed, in milliseconds.
    pub refusal_p99_ms: Option<f64>,
    /// Calls that were made to a provider whose circuit was open.
    pub calls_while_open: u64,
}

/// What was observed of live stock.
#[derive(Debug, Clone, Copy, Default)]
pub struct LiveStockSeen {
    /// Changes that were handed to a socket.
    pub changes: u64,
    /// How long that took from the commit, in milliseconds: what 99 of 100 did not exceed.
    pub p99_ms: Option<f64>,
    /// In the mean.
    pub mean_ms: Option<f64>,
    /// Changes that came to a socket before they were made, by clocks that differ.
    pub unknown: u64,
}

/// A1: a crowd at few pieces.
pub fn flash_sale_concurrency(seen: &StockSeen) -> Scenario {
    let incidents = seen.oversold_levels.saturating_add(seen.oversold_sales);
    let is_met = incidents == 0 && seen.conflicts == 0;
    Scenario {
        id: "A1",
        title: "Flash sale concurrency: nothing is sold twice",
        standing: standing(is_met, seen.checkouts),
        target: "0 oversell incidents, 0 stock conflicts".to_owned(),
        measured: format!("{incidents} oversell incidents, {} stock conflicts", seen.conflicts),
        evidence: vec![
            format!("{} checkouts reached stock (at least {SAMPLES_MIN} needed).", seen.checkouts),
            format!(
                "{} clean refusals of checkouts and of others who asked for stock: not enough.",
                seen.rejections
            ),
            format!("{} times a constraint of the database had to save the stock.", seen.conflicts),
            format!(
                "{} levels of stock are negative or promise more than is there.",
                seen.oversold_levels
            ),
            format!("{} flash sales gave more than their allocation.", seen.oversold_sales),
        ],
    }
}

/// A2: payments while providers fail.
pub fn payment_resilience(seen: &PaymentsSeen) -> Scenario {
    let decided = seen.succeeded.saturating_add(seen.failed);
    let share = u128::from(seen.succeeded) * 1_000;
    let enough = share.cmp(&(u128::from(decided) * u128::from(SUCCESS_MIN))) != Ordering::Less;
    // Below so many payments one that failed says nothing; a call that must not be made does.
    let success_is_met = enough || decided < SAMPLES_MIN;
    let refusals_are_fast = seen.refusal_p99_ms.is_none_or(|p99| p99 < REFUSAL_MAX_MS);
    // Of few refusals slow ones say as little, but nobody can say that they are fast.
    let refusals_are_judged = refusals_are_fast || seen.refusals >= SAMPLES_MIN;
    let is_met =
        success_is_met && (refusals_are_fast || !refusals_are_judged) && seen.calls_while_open == 0;
    let refusals = match seen.refusal_p99_ms {
        Some(p99) => format!("{p99:.1} ms"),
        None => "none yet".to_owned(),
    };
    Scenario {
        id: "A2",
        title: "Payment resilience: a provider that fails takes no sales with it",
        standing: standing(is_met, if refusals_are_judged { decided } else { 0 }),
        target: format!(
            "95 % of payments succeed, declines apart; while a circuit is open refusals take less \
             than {REFUSAL_MAX_MS} ms (p99) and nobody calls"
        ),
        measured: format!(
            "{} succeed; refusals (p99): {refusals}",
            percent(seen.succeeded, decided)
        ),
        evidence: vec![
            format!(
                "{decided} payments were decided, declines apart (at least {SAMPLES_MIN} needed)."
            ),
            format!("{} succeeded, {} failed for a technical reason.", seen.succeeded, seen.failed),
            format!("{} were declined, which is an answer and no failure.", seen.declined),
            format!("{} were refused while a circuit was open; p99: {refusals}.", seen.refusals),
            format!("{} calls were made while a circuit was open.", seen.calls_while_open),
        ],
    }
}

/// A3: how soon a shopper sees a change.
pub fn live_stock_freshness(seen: &LiveStockSeen) -> Scenario {
    let is_met =
        seen.changes < SAMPLES_MIN || seen.p99_ms.is_some_and(|p99| p99 <= FRESHNESS_MAX_MS);
    // Of whose time more than one in a hundred is missing, 99 in a hundred are not known.
    let known = if seen.unknown > seen.changes / 100 { 0 } else { seen.changes };
    let ms = |value: Option<f64>| value.map_or("no data".to_owned(), |ms| format!("{ms:.1} ms"));
    Scenario {
        id: "A3",
        title: "Live stock freshness: a change is seen at once",
        standing: standing(is_met, known),
        target: format!("{FRESHNESS_MAX_MS} ms from commit to socket (p99)"),
        measured: format!("{} (p99)", ms(seen.p99_ms)),
        evidence: vec![
            format!(
                "{} changes were handed to sockets (at least {SAMPLES_MIN} needed).",
                seen.changes
            ),
            format!("p99 {}, mean {}.", ms(seen.p99_ms), ms(seen.mean_ms)),
            format!(
                "{} changes have no time, as the clocks of a process and of the database differ.",
                seen.unknown
            ),
        ],
    }
}

/// What fails a scenario does so whatever the number of observations.
fn standing(is_met: bool, samples: u64) -> Standing {
    match (is_met, samples >= SAMPLES_MIN) {
        (false, _) => Standing::Fail,
        (true, true) => Standing::Pass,
        (true, false) => Standing::InsufficientData,
    }
}

/// A share for people, cut to hundredths of a percent and never rounded over a line.
fn percent(part: u64, of: u64) -> String {
    match (u128::from(part) * 10_000).checked_div(u128::from(of)) {
        Some(share) => format!("{}.{:02} %", share / 100, share % 100),
        None => "no data".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Standing::{Fail, InsufficientData, Pass};

    fn a1(seen: StockSeen) -> Standing {
        flash_sale_concurrency(&seen).standing
    }

    fn a2(seen: PaymentsSeen) -> Standing {
        payment_resilience(&seen).standing
    }

    fn a3(seen: LiveStockSeen) -> Standing {
        live_stock_freshness(&seen).standing
    }

    #[test]
    fn an_empty_shop_passes_nothing() {
        assert_eq!(a1(StockSeen::default()), InsufficientData);
        assert_eq!(a2(PaymentsSeen::default()), InsufficientData);
        assert_eq!(a3(LiveStockSeen::default()), InsufficientData);
    }

    #[test]
    fn stock_passes_from_a_hundred_checkouts_on() {
        let seen =
            |checkouts| StockSeen { checkouts, rejections: checkouts, ..StockSeen::default() };
        assert_eq!(a1(seen(99)), InsufficientData);
        assert_eq!(a1(seen(100)), Pass, "clean refusals are no incidents");
    }

    #[test]
    fn whatever_was_oversold_fails_however_few_checkouts_there_were() {
        for checkouts in [0, 99, 1_000_000] {
            let seen = StockSeen { checkouts, ..StockSeen::default() };
            assert_eq!(a1(StockSeen { conflicts: 1, ..seen }), Fail);
            assert_eq!(a1(StockSeen { oversold_levels: 1, ..seen }), Fail);
            assert_eq!(a1(StockSeen { oversold_sales: 1, ..seen }), Fail);
        }
    }

    #[test]
    fn payments_pass_at_ninety_five_percent_and_declines_do_not_count() {
        let seen = |succeeded, failed| PaymentsSeen {
            succeeded,
            failed,
            declined: 100_000,
            ..PaymentsSeen::default()
        };
        assert_eq!(a2(seen(950, 50)), Pass);
        assert_eq!(a2(seen(949, 51)), Fail);
        assert_eq!(a2(seen(99, 0)), InsufficientData);
        assert_eq!(a2(seen(0, 99)), InsufficientData, "fewer than 100 say nothing");
        assert_eq!(a2(seen(0, 100)), Fail);
    }

    #[test]
    fn slow_refusals_fail_and_so_does_a_call_that_must_not_be_made() {
        let seen = PaymentsSeen { succeeded: 1_000, ..PaymentsSeen::default() };
        let refusals = |refusals, p99| PaymentsSeen { refusals, refusal_p99_ms: Some(p99), ..seen };
        assert_eq!(a2(refusals(500, 99.9)), Pass);
        assert_eq!(a2(refusals(500, 100.0)), Fail);
        assert_eq!(a2(refusals(99, 250.0)), InsufficientData, "too few to fail, and not fast");
        assert_eq!(a2(refusals(99, 99.9)), Pass, "all that there were are fast");
        let failing = PaymentsSeen { failed: 1_000, ..refusals(99, 250.0) };
        assert_eq!(a2(failing), Fail, "what fails, fails all the same");
        assert_eq!(a2(PaymentsSeen { calls_while_open: 1, ..seen }), Fail);
        assert_eq!(a2(PaymentsSeen { calls_while_open: 1, ..PaymentsSeen::default() }), Fail);
    }

    #[test]
    fn live_stock_passes_at_a_second_and_not_above() {
        let seen = |changes, p99| LiveStockSeen {
            changes,
            p99_ms: Some(p99),
            mean_ms: Some(1.0),
            unknown: 0,
        };
        assert_eq!(a3(seen(100, 1_000.0)), Pass);
        assert_eq!(a3(seen(100, 1_000.1)), Fail);
        assert_eq!(a3(seen(99, 5_000.0)), InsufficientData);
        assert_eq!(a3(LiveStockSeen { unknown: 2, ..seen(200, 10.0) }), Pass);
        assert_eq!(a3(LiveStockSeen { unknown: 3, ..seen(200, 10.0) }), InsufficientData);
        assert_eq!(a3(LiveStockSeen { unknown: 3, ..seen(200, 1_001.0) }), Fail);
    }

    #[test]
    fn the_figures_stand_in_the_evidence() {
        let scenario = flash_sale_concurrency(&StockSeen {
            checkouts: 1_204,
            rejections: 904,
            ..StockSeen::default()
        });
        assert!(scenario.evidence[0].starts_with("1204 "), "{:?}", scenario.evidence);
        assert!(scenario.evidence[1].starts_with("904 "), "{:?}", scenario.evidence);
    }
}
