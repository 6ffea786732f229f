//! The rules: what was measured in, and for each rule and subject whether there is a reason for an
//! alert. Between the line at which one is raised and the line at which it resolves, nothing changes.

use crate::metrics::alerts::alert::{Rule, Severity};
use crate::metrics::health::{Component, Health};
use std::cmp::Ordering;

/// Operations below which their error rate says nothing.
const REQUESTS_MIN: u64 = 20;
/// Payments below which their success rate says nothing.
const PAYMENTS_MIN: u64 = 20;
/// In tenths of a percent.
const ERRORS_RAISE_ABOVE: u64 = 50;
const ERRORS_RESOLVE_BELOW: u64 = 40;
const SUCCESS_RAISE_BELOW: u64 = 950;
const SUCCESS_RESOLVE_FROM: u64 = 970;

/// What was measured, over all processes.
#[derive(Debug, Clone, Default)]
pub struct Measured {
    /// Operations of the last 5 minutes.
    pub requests: u64,
    /// Of these, those that failed for a fault of the server.
    pub faults: u64,
    /// Payments of the last 15 minutes that were made.
    pub payments_succeeded: u64,
    /// Those that could not be made for a technical reason; declines are none.
    pub payments_failed: u64,
    /// Times within the last hour that a constraint had to save the stock.
    pub stock_conflicts: u64,
    /// Whether each payment provider is called.
    pub circuits: Vec<Provider>,
    /// SKUs on sale that are at or below their reorder points.
    pub low: Vec<LowStock>,
    /// Whether there are more of these: then it is not known of the others whether they are.
    pub low_is_cut: bool,
    /// How each component is; None: nobody tells.
    pub components: Vec<(Component, Option<Health>, Option<String>)>,
}

/// A payment provider.
#[derive(Debug, Clone)]
pub struct Provider {
    /// Its name.
    pub name: String,
    /// Whether it is called: yes, perhaps (a few calls try), or no.
    pub called: Called,
}

/// Whether a provider is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Called {
    /// It is.
    Yes,
    /// A few calls try.
    Trying,
    /// It is not.
    No,
}

/// A SKU of which few pieces are left.
#[derive(Debug, Clone)]
pub struct LowStock {
    /// The SKU.
    pub sku: String,
    /// Pieces that can be sold.
    pub available: i64,
    /// At so many or fewer it is low.
    pub reorder_point: i64,
}

/// Whether there is a reason for an alert.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// There is: one is raised, unless there is one.
    Raise,
    /// Not for a new one, and not for the end of one either.
    Hold,
    /// There is none.
    Quiet,
}

/// What a rule says of a subject.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reading {
    /// The rule.
    pub rule: Rule,
    /// What about; None: the whole shop.
    pub subject: Option<String>,
    /// What it says.
    pub verdict: Verdict,
    /// How bad it would be.
    pub severity: Severity,
    /// In a sentence.
    pub message: String,
    /// Where the line is.
    pub threshold: String,
    /// What was measured.
    pub measured: String,
}

/// What all rules say. A subject that is not named is quiet: nothing is known against it.
pub fn judge(measured: &Measured) -> Vec<Reading> {
    let mut readings =
        vec![error_rate(measured), payment_success(measured), stock_conflicts(measured)];
    readings.extend(measured.circuits.iter().map(circuit));
    readings.extend(measured.low.iter().map(low_stock));
    readings.extend(measured.components.iter().filter_map(component));
    readings
}

fn error_rate(measured: &Measured) -> Reading {
    let (requests, faults) = (measured.requests, measured.faults);
    let verdict = if requests < REQUESTS_MIN {
        Verdict::Quiet
    } else if compare(faults, requests, ERRORS_RAISE_ABOVE).is_gt() {
        Verdict::Raise
    } else if compare(faults, requests, ERRORS_RESOLVE_BELOW).is_ge() {
        Verdict::Hold
    } else {
        Verdict::Quiet
    };
    Reading {
        rule: Rule::ErrorRate,
        subject: None,
        verdict,
        severity: Severity::Critical,
        message: "Too many operations fail for a fault of the server.".to_owned(),
        threshold: format!("more than 5 % in 5 minutes, of at least {REQUESTS_MIN} operations"),
        measured: format!("{} ({faults} of {requests})", percent(faults, requests)),
    }
}

fn payment_success(measured: &Measured) -> Reading {
    let (succeeded, failed) = (measured.payments_succeeded, measured.payments_failed);
    let all = succeeded.saturating_add(failed);
    let verdict = if all < PAYMENTS_MIN {
        Verdict::Quiet
    } else if compare(succeeded, all, SUCCESS_RAISE_BELOW).is_lt() {
        Verdict::Raise
    } else if compare(succeeded, all, SUCCESS_RESOLVE_FROM).is_lt() {
        Verdict::Hold
    } else {
        Verdict::Quiet
    };
    Reading {
        rule: Rule::PaymentSuccessRate,
        subject: None,
        verdict,
        severity: Severity::Critical,
        message: "Too many payments fail for a technical reason.".to_owned(),
        threshold: format!(
            "less than 95 % in 15 minutes, of at least {PAYMENTS_MIN} payments; declines do not count"
        ),
        measured: format!("{} ({succeeded} of {all})", percent(succeeded, all)),
    }
}

fn stock_conflicts(measured: &Measured) -> Reading {
    let conflicts = measured.stock_conflicts;
    Reading {
        rule: Rule::StockConflicts,
        subject: None,
        verdict: if conflicts > 0 { Verdict::Raise } else { Verdict::Quiet },
        severity: Severity::Critical,
        message: "A constraint of the database had to save the stock: a guard has failed."
            .to_owned(),
        threshold: "more than 0 in an hour".to_owned(),
        measured: conflicts.to_string(),
    }
}

fn circuit(provider: &Provider) -> Reading {
    let (verdict, measured) = match provider.called {
        Called::No => (Verdict::Raise, "OPEN"),
        Called::Trying => (Verdict::Hold, "HALF_OPEN"),
        Called::Yes => (Verdict::Quiet, "CLOSED"),
    };
    Reading {
        rule: Rule::CircuitOpen,
        subject: Some(provider.name.clone()),
        verdict,
        severity: Severity::Critical,
        message: format!("{} is not called, because too many calls failed.", provider.name),
        threshold: "OPEN".to_owned(),
        measured: measured.to_owned(),
    }
}

fn low_stock(low: &LowStock) -> Reading {
    let LowStock { sku, available, reorder_point } = low;
    let (is_low, is_out) = (available <= reorder_point, *available <= 0);
    let message = if is_out {
        format!("{sku} is sold out.")
    } else {
        format!("{sku} is at or below its reorder point.")
    };
    Reading {
        rule: Rule::LowStock,
        subject: Some(sku.clone()),
        verdict: if is_low { Verdict::Raise } else { Verdict::Quiet },
        severity: Severity::Warning,
        message,
        threshold: format!("at most {reorder_point}"),
        measured: available.to_string(),
    }
}

/// None where another rule tells the same: providers that are not called have one of their own.
fn component(found: &(Component, Option<Health>, Option<String>)) -> Option<Reading> {
    let (component, health, message) = found;
    if *component == Component::Payments {
        return None;
    }
    let name = component.name();
    let (verdict, severity) = match health {
        Some(Health::Healthy) => (Verdict::Quiet, Severity::Warning),
        Some(Health::Degraded) => (Verdict::Raise, Severity::Warning),
        Some(Health::Unhealthy) => (Verdict::Raise, Severity::Critical),
        None => (Verdict::Hold, Severity::Warning),
    };
    let message = message.as_ref().map(|message| format!(": {message}")).unwrap_or_default();
    Some(Reading {
        rule: Rule::ComponentDown,
        subject: Some(name.to_owned()),
        verdict,
        severity,
        message: format!("{name} is not well{message}"),
        threshold: "not HEALTHY".to_owned(),
        measured: health.map_or("UNKNOWN", Health::name).to_owned(),
    })
}

/// How a share compares with a line in tenths of a percent, exactly.
fn compare(part: u64, of: u64, per_mille: u64) -> Ordering {
    let (share, line) = (u128::from(part) * 1_000, u128::from(of) * u128::from(per_mille));
    share.cmp(&line)
}

/// A share for people, cut to hundredths of a percent.
pub(crate) fn percent(part: u64, of: u64) -> String {
    match (u128::from(part) * 10_000).checked_div(u128::from(of)) {
        Some(share) => format!("{}.{:02} %", share / 100, share % 100),
        None => "no data".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(measured: &Measured, rule: Rule) -> Verdict {
        let mut readings = judge(measured).into_iter().filter(|reading| reading.rule == rule);
        let reading = readings.next().expect("the rule says something");
        assert!(readings.next().is_none(), "it says it once");
        reading.verdict
    }

    fn errors(faults: u64, requests: u64) -> Verdict {
        verdict(&Measured { requests, faults, ..Measured::default() }, Rule::ErrorRate)
    }

    fn payments(payments_succeeded: u64, payments_failed: u64) -> Verdict {
        let measured = Measured { payments_succeeded, payments_failed, ..Measured::default() };
        verdict(&measured, Rule::PaymentSuccessRate)
    }

    #[test]
    fn an_error_rate_is_raised_above_five_percent_and_is_quiet_below_four() {
        assert_eq!(errors(19, 19), Verdict::Quiet, "19 operations say nothing");
        assert_eq!(errors(2, 20), Verdict::Raise);
        assert_eq!(errors(1, 20), Verdict::Hold, "5 % are not more than 5 %");
        assert_eq!(errors(5_001, 100_000), Verdict::Raise);
        assert_eq!(errors(4_000, 100_000), Verdict::Hold);
        assert_eq!(errors(3_999, 100_000), Verdict::Quiet);
        assert_eq!(errors(0, 0), Verdict::Quiet);
        assert_eq!(errors(u64::MAX, u64::MAX), Verdict::Raise);
    }

    #[test]
    fn payments_are_raised_below_ninety_five_percent_and_are_quiet_from_ninety_seven_on() {
        assert_eq!(payments(0, 19), Verdict::Quiet, "19 payments say nothing");
        assert_eq!(payments(0, 20), Verdict::Raise);
        assert_eq!(payments(949, 51), Verdict::Raise);
        assert_eq!(payments(950, 50), Verdict::Hold);
        assert_eq!(payments(969, 31), Verdict::Hold);
        assert_eq!(payments(970, 30), Verdict::Quiet);
    }

    #[test]
    fn one_conflict_of_stock_is_one_too_many() {
        let measured = |stock_conflicts| Measured { stock_conflicts, ..Measured::default() };
        assert_eq!(verdict(&measured(0), Rule::StockConflicts), Verdict::Quiet);
        assert_eq!(verdict(&measured(1), Rule::StockConflicts), Verdict::Raise);
    }

    #[test]
    fn a_provider_that_is_tried_is_neither_away_nor_well() {
        for (called, expected) in [
            (Called::Yes, Verdict::Quiet),
            (Called::Trying, Verdict::Hold),
            (Called::No, Verdict::Raise),
        ] {
            let circuits = vec![Provider { name: "sandbox".to_owned(), called }];
            let measured = Measured { circuits, ..Measured::default() };
            assert_eq!(verdict(&measured, Rule::CircuitOpen), expected);
        }
    }

    #[test]
    fn a_sku_is_low_at_its_reorder_point_and_not_above() {
        for (available, expected) in [(6, Verdict::Quiet), (5, Verdict::Raise), (0, Verdict::Raise)]
        {
            let low = vec![LowStock { sku: "TEA".to_owned(), available, reorder_point: 5 }];
            let measured = Measured { low, ..Measured::default() };
            assert_eq!(verdict(&measured, Rule::LowStock), expected);
        }
    }

    #[test]
    fn a_component_of_which_nobody_tells_is_no_reason() {
        let say = |component, health| {
            let components = vec![(component, health, Some("it is away".to_owned()))];
            let readings = judge(&Measured { components, ..Measured::default() });
            let mut found = readings.into_iter().filter(|it| it.rule == Rule::ComponentDown);
            found.next().map(|reading| (reading.verdict, reading.severity))
        };
        let cache = |health| say(Component::Cache, health);
        assert_eq!(cache(None), Some((Verdict::Hold, Severity::Warning)));
        assert_eq!(cache(Some(Health::Healthy)), Some((Verdict::Quiet, Severity::Warning)));
        assert_eq!(cache(Some(Health::Degraded)), Some((Verdict::Raise, Severity::Warning)));
        assert_eq!(
            say(Component::Database, Some(Health::Unhealthy)),
            Some((Verdict::Raise, Severity::Critical))
        );
        assert_eq!(say(Component::Payments, Some(Health::Degraded)), None, "CIRCUIT_OPEN tells");
    }

    #[test]
    fn shares_are_cut_and_never_rounded_over_a_line() {
        assert_eq!(percent(9_499, 10_000), "94.99 %");
        assert_eq!(percent(94_999, 100_000), "94.99 %");
        assert_eq!(percent(1, 1), "100.00 %");
        assert_eq!(percent(0, 0), "no data");
    }
}
