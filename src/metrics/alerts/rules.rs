//! The rules: what was measured in, and for each rule and subject whether there is a reason for an
//! alert. Between the line at which one is raised and the line at which it resolves, nothing changes.

use crate::metrics::alerts::alert::{Rule, Severity};
use crate::metrics::health::{Component, Health, Outage};
use std::cmp::Ordering;

/// Operations below which their error rate says nothing.
const REQUESTS_MIN: u64 = 20;
/// Payments below which their success rate says nothing.
const PAYMENTS_MIN: u64 = 20;
/// Of fewer so many have to fail, and half of them at least, to say something all the same.
const FEW_FAILED: u64 = 5;
/// In tenths of a percent.
const ERRORS_RAISE_ABOVE: u64 = 50;
const ERRORS_RESOLVE_BELOW: u64 = 40;
const SUCCESS_RAISE_BELOW: u64 = 950;
const SUCCESS_RESOLVE_FROM: u64 = 970;

/// What was measured, over all processes. None: it is not known, because it could not be asked.
#[derive(Debug, Clone, Default)]
pub struct Measured {
    /// Operations of the last 5 minutes, and of these those that failed for a fault of the server.
    pub operations: Option<(u64, u64)>,
    /// Payments of the last 15 minutes that were made, and those that could not be made for a
    /// technical reason; declines are none.
    pub payments: Option<(u64, u64)>,
    /// Times within the last hour that a constraint had to save the stock.
    pub stock_conflicts: Option<u64>,
    /// Whether each payment provider is called.
    pub circuits: Option<Vec<Provider>>,
    /// SKUs on sale: those that are told of, and others that are at or below their reorder points.
    pub stock: Option<Vec<StockSeen>>,
    /// How each component is.
    pub components: Option<Vec<ComponentSeen>>,
    /// When the database was away, so that nothing could be written.
    pub outages: Vec<Outage>,
}

impl Measured {
    /// The rules of which nothing is known.
    pub fn unknown(&self) -> Vec<Rule> {
        let known = [
            (Rule::ErrorRate, self.operations.is_some()),
            (Rule::PaymentSuccessRate, self.payments.is_some()),
            (Rule::StockConflicts, self.stock_conflicts.is_some()),
            (Rule::CircuitOpen, self.circuits.is_some()),
            (Rule::LowStock, self.stock.is_some()),
            (Rule::ComponentDown, self.components.is_some()),
        ];
        known.into_iter().filter(|(_, known)| !known).map(|(rule, _)| rule).collect()
    }
}

/// A component, as live processes find it.
#[derive(Debug, Clone)]
pub struct ComponentSeen {
    /// Which one.
    pub component: Component,
    /// How it is; None: nobody tells.
    pub health: Option<Health>,
    /// What is wrong.
    pub message: Option<String>,
    /// Whether a process has found it not to be well twice in a row.
    pub is_confirmed: bool,
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

/// What there is of a SKU.
#[derive(Debug, Clone)]
pub struct StockSeen {
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

/// What all rules say of which something is known. Of these a subject that is not named is quiet:
/// nothing is known against it.
pub fn judge(measured: &Measured) -> Vec<Reading> {
    let shop = [
        measured.operations.map(error_rate),
        measured.payments.map(payment_success),
        measured.stock_conflicts.map(stock_conflicts),
    ];
    let mut readings: Vec<Reading> = shop.into_iter().flatten().collect();
    readings.extend(measured.circuits.iter().flatten().map(circuit));
    readings.extend(measured.stock.iter().flatten().map(low_stock));
    readings.extend(measured.components.iter().flatten().filter_map(component));
    readings
}

fn error_rate((requests, faults): (u64, u64)) -> Reading {
    let verdict = if requests < REQUESTS_MIN {
        of_few(faults, requests)
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
        threshold: format!(
            "more than 5 % in 5 minutes, of at least {REQUESTS_MIN} operations; of fewer half, and \
             at least {FEW_FAILED}"
        ),
        measured: format!("{} ({faults} of {requests})", percent(faults, requests)),
    }
}

fn payment_success((succeeded, failed): (u64, u64)) -> Reading {
    let all = succeeded.saturating_add(failed);
    let verdict = if all < PAYMENTS_MIN {
        of_few(failed, all)
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
            "less than 95 % in 15 minutes, of at least {PAYMENTS_MIN} payments, declines apart; of \
             fewer half fail, and at least {FEW_FAILED}"
        ),
        measured: format!("{} ({succeeded} of {all})", percent(succeeded, all)),
    }
}

/// When there are too few for a rate: most of several that fail are a reason all the same, and as
/// long as some fail nobody can say that it is over.
fn of_few(failed: u64, all: u64) -> Verdict {
    if failed >= FEW_FAILED && failed.saturating_mul(2) >= all {
        Verdict::Raise
    } else if failed > 0 {
        Verdict::Hold
    } else {
        Verdict::Quiet
    }
}

fn stock_conflicts(conflicts: u64) -> Reading {
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

fn low_stock(stock: &StockSeen) -> Reading {
    let StockSeen { sku, available, reorder_point } = stock;
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
fn component(seen: &ComponentSeen) -> Option<Reading> {
    if seen.component == Component::Payments {
        return None;
    }
    let (verdict, severity) = match seen.health {
        Some(Health::Healthy) => (Verdict::Quiet, Severity::Warning),
        Some(Health::Degraded) => (Verdict::Raise, Severity::Warning),
        Some(Health::Unhealthy) => (Verdict::Raise, Severity::Critical),
        None => (Verdict::Hold, Severity::Warning),
    };
    // One slow answer says nothing.
    let is_hasty = verdict == Verdict::Raise && !seen.is_confirmed;
    let message = seen.message.as_deref();
    Some(Reading {
        verdict: if is_hasty { Verdict::Hold } else { verdict },
        ..of_component(seen.component, seen.health, message, severity)
    })
}

/// What is said of a time that is over, in which nobody could say it.
pub fn outage(outage: &Outage) -> Reading {
    let Outage { component, health, message, .. } = outage;
    let severity =
        if *health == Health::Unhealthy { Severity::Critical } else { Severity::Warning };
    let reading = of_component(*component, Some(*health), message.as_deref(), severity);
    let seconds = (outage.until - outage.from).num_seconds();
    let message = format!("{} It was away for {seconds} s, and is back.", reading.message);
    Reading { message, ..reading }
}

fn of_component(
    component: Component,
    health: Option<Health>,
    message: Option<&str>,
    severity: Severity,
) -> Reading {
    let name = component.name();
    let message = message.map_or(".".to_owned(), |message| format!(": {message}"));
    Reading {
        rule: Rule::ComponentDown,
        subject: Some(name.to_owned()),
        verdict: Verdict::Raise,
        severity,
        message: format!("{name} is not well{message}"),
        threshold: "not HEALTHY".to_owned(),
        measured: health.map_or("UNKNOWN", Health::name).to_owned(),
    }
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
        let operations = Some((requests, faults));
        verdict(&Measured { operations, ..Measured::default() }, Rule::ErrorRate)
    }

    fn payments(succeeded: u64, failed: u64) -> Verdict {
        let measured = Measured { payments: Some((succeeded, failed)), ..Measured::default() };
        verdict(&measured, Rule::PaymentSuccessRate)
    }

    #[test]
    fn an_error_rate_is_raised_above_five_percent_and_is_quiet_below_four() {
        assert_eq!(errors(0, 19), Verdict::Quiet);
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
        assert_eq!(payments(19, 0), Verdict::Quiet);
        assert_eq!(payments(0, 20), Verdict::Raise);
        assert_eq!(payments(949, 51), Verdict::Raise);
        assert_eq!(payments(950, 50), Verdict::Hold);
        assert_eq!(payments(969, 31), Verdict::Hold);
        assert_eq!(payments(970, 30), Verdict::Quiet);
    }

    #[test]
    fn of_few_most_have_to_fail_and_while_some_do_it_is_not_over() {
        assert_eq!(errors(5, 10), Verdict::Raise);
        assert_eq!(errors(5, 11), Verdict::Hold, "less than half");
        assert_eq!(errors(4, 4), Verdict::Hold, "four say nothing");
        assert_eq!(payments(0, 5), Verdict::Raise);
        assert_eq!(payments(6, 5), Verdict::Hold);
        assert_eq!(payments(18, 1), Verdict::Hold);
    }

    #[test]
    fn what_could_not_be_asked_is_unknown_and_the_others_are_judged() {
        let measured = Measured { stock_conflicts: Some(1), ..Measured::default() };
        assert_eq!(verdict(&measured, Rule::StockConflicts), Verdict::Raise);
        assert_eq!(judge(&measured).len(), 1);
        let unknown = measured.unknown();
        assert_eq!(unknown.len(), Rule::ALL.len() - 1);
        assert!(!unknown.contains(&Rule::StockConflicts));
    }

    #[test]
    fn one_conflict_of_stock_is_one_too_many() {
        let measured =
            |conflicts| Measured { stock_conflicts: Some(conflicts), ..Measured::default() };
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
            let circuits = Some(vec![Provider { name: "sandbox".to_owned(), called }]);
            let measured = Measured { circuits, ..Measured::default() };
            assert_eq!(verdict(&measured, Rule::CircuitOpen), expected);
        }
    }

    #[test]
    fn a_sku_is_low_at_its_reorder_point_and_not_above() {
        for (available, expected) in [(6, Verdict::Quiet), (5, Verdict::Raise), (0, Verdict::Raise)]
        {
            let tea = StockSeen { sku: "TEA".to_owned(), available, reorder_point: 5 };
            let measured = Measured { stock: Some(vec![tea]), ..Measured::default() };
            assert_eq!(verdict(&measured, Rule::LowStock), expected);
        }
    }

    fn say(seen: ComponentSeen) -> Option<(Verdict, Severity)> {
        let measured = Measured { components: Some(vec![seen]), ..Measured::default() };
        let mut found = judge(&measured).into_iter();
        found.next().map(|reading| (reading.verdict, reading.severity))
    }

    fn seen(component: Component, health: Option<Health>) -> ComponentSeen {
        let message = Some("it is away".to_owned());
        ComponentSeen { component, health, message, is_confirmed: true }
    }

    #[test]
    fn a_component_of_which_nobody_tells_is_no_reason() {
        let cache = |health| say(seen(Component::Cache, health));
        assert_eq!(cache(None), Some((Verdict::Hold, Severity::Warning)));
        assert_eq!(cache(Some(Health::Healthy)), Some((Verdict::Quiet, Severity::Warning)));
        assert_eq!(cache(Some(Health::Degraded)), Some((Verdict::Raise, Severity::Warning)));
        assert_eq!(
            say(seen(Component::Database, Some(Health::Unhealthy))),
            Some((Verdict::Raise, Severity::Critical))
        );
        let payments = seen(Component::Payments, Some(Health::Degraded));
        assert_eq!(say(payments), None, "CIRCUIT_OPEN tells");
    }

    #[test]
    fn one_slow_look_is_no_reason() {
        let once = |health| ComponentSeen {
            is_confirmed: false,
            ..seen(Component::Database, Some(health))
        };
        assert_eq!(say(once(Health::Unhealthy)).unwrap().0, Verdict::Hold);
        assert_eq!(say(once(Health::Healthy)).unwrap().0, Verdict::Quiet);
    }

    #[test]
    fn shares_are_cut_and_never_rounded_over_a_line() {
        assert_eq!(percent(9_499, 10_000), "94.99 %");
        assert_eq!(percent(94_999, 100_000), "94.99 %");
        assert_eq!(percent(1, 1), "100.00 %");
        assert_eq!(percent(0, 0), "no data");
    }
}
