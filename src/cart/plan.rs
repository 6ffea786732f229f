//! What becomes of a cart's lines when it is changed. Pure: the service reads before and writes
//! after.

use crate::cart::contents::{Line, MAX_LINES, MAX_QUANTITY};
use crate::cart::pricing::{Goods, line_total};
use crate::cart::quote::Ware;
use crate::cart::{CartError, LineWarning, LineWarningKind, NewLine};
use crate::money::Currency;
use crate::validation::{Problem, ProblemKind};
use std::collections::{HashMap, HashSet};
use uuid::Uuid;

/// A line to be written: new, or in place of what the cart has of the variant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Write {
    pub variant_id: Uuid,
    pub position: i32,
    pub quantity: i64,
    pub seen_price: i64,
}

/// What is to be done to a cart's lines.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Plan {
    pub writes: Vec<Write>,
    /// Variants whose lines go.
    pub removals: Vec<Uuid>,
    pub warnings: Vec<LineWarning>,
}

/// Checks what can be checked of lines without looking anything up.
pub(crate) fn check_lines(lines: &[NewLine], least: i64) -> Result<(), CartError> {
    let limit = format!("Give 1 to {MAX_LINES} lines.");
    if lines.is_empty() {
        return Err(Problem::new(ProblemKind::Required, ["lines"], limit).into());
    }
    if lines.len() > MAX_LINES {
        return Err(Problem::new(ProblemKind::TooLong, ["lines"], limit).into());
    }
    let bad = lines
        .iter()
        .enumerate()
        .filter(|(_, line)| !(least..=MAX_QUANTITY).contains(&line.quantity));
    let problems: Vec<Problem> = bad
        .map(|(index, line)| {
            let message = format!(
                "quantity is {}; it must be between {least} and {MAX_QUANTITY}.",
                line.quantity
            );
            at(index, ProblemKind::OutOfRange, "quantity", message)
        })
        .collect();
    if problems.is_empty() { Ok(()) } else { Err(CartError::Invalid(problems)) }
}

/// Adds lines to those that a cart has.
pub(crate) fn plan_add(
    present: &[Line],
    wares: &HashMap<String, Ware>,
    lines: &[NewLine],
    currency: Currency,
) -> Result<Plan, CartError> {
    let mut problems = Vec::new();
    // Each variant once, in the order of the input, with its first place there.
    let mut wanted: Vec<(usize, &Ware, i64, i64)> = Vec::new();
    for (index, line) in lines.iter().enumerate() {
        match on_sale(wares, index, line, currency) {
            Ok((ware, price)) => match wanted.iter_mut().find(|(_, one, ..)| one.id == ware.id) {
                Some((.., quantity)) => *quantity = quantity.saturating_add(line.quantity),
                None => wanted.push((index, ware, price, line.quantity)),
            },
            Err(problem) => problems.push(problem),
        }
    }
    if !problems.is_empty() {
        return Err(CartError::Invalid(problems));
    }
    let of = |ware: &Ware| present.iter().find(|line| line.variant_id == ware.id);
    let added = wanted.iter().filter(|(_, ware, ..)| of(ware).is_none()).count();
    if present.len().saturating_add(added) > MAX_LINES {
        let message = format!("A cart has at most {MAX_LINES} lines.");
        return Err(Problem::new(ProblemKind::LimitReached, ["lines"], message).into());
    }
    let mut plan = Plan::default();
    let mut next = next_position(present);
    for (index, ware, price, quantity) in wanted {
        let had = of(ware).map_or(0, |line| line.quantity);
        let requested = had.saturating_add(quantity);
        let quantity = requested.min(MAX_QUANTITY);
        if let Err(problem) = check_amount(index, price, quantity) {
            problems.push(problem);
        }
        if quantity < requested {
            let kind = LineWarningKind::QuantityCapped;
            let path = vec!["lines".to_owned(), index.to_string(), "quantity".to_owned()];
            plan.warnings.push(warning(kind, &ware.sku, (requested, quantity), path));
        }
        let position = of(ware).map_or_else(|| take_next(&mut next), |line| line.position);
        plan.writes.push(Write { variant_id: ware.id, position, quantity, seen_price: price });
    }
    if problems.is_empty() { Ok(plan) } else { Err(CartError::Invalid(problems)) }
}

/// Sets the quantities of lines that a cart has. Lowering and removing always work, whatever has
/// become of the variant.
pub(crate) fn plan_update(
    present: &[Line],
    wares: &HashMap<Uuid, Ware>,
    lines: &[NewLine],
    currency: Currency,
) -> Result<Plan, CartError> {
    let mut plan = Plan::default();
    let mut problems = Vec::new();
    let mut named = HashSet::new();
    for (index, new) in lines.iter().enumerate() {
        let sku = new.sku.trim();
        if !named.insert(sku) {
            let message = format!("{sku} is named twice.");
            problems.push(at(index, ProblemKind::Invalid, "sku", message));
            continue;
        }
        let ware_of = |line: &&Line| wares.get(&line.variant_id).is_some_and(|it| it.sku == sku);
        match present.iter().find(ware_of) {
            Some(line) if new.quantity == 0 => plan.removals.push(line.variant_id),
            Some(line) => match set(line, wares, (index, new), currency) {
                Ok(write) => plan.writes.push(write),
                Err(problem) => problems.push(problem),
            },
            // It is gone already: that is what was asked for.
            None if new.quantity == 0 => {}
            None => {
                let message = format!("{sku:?} is not in the cart.");
                problems.push(at(index, ProblemKind::NotFound, "sku", message));
            }
        }
    }
    if problems.is_empty() { Ok(plan) } else { Err(CartError::Invalid(problems)) }
}

fn set(
    line: &Line,
    wares: &HashMap<Uuid, Ware>,
    (index, new): (usize, &NewLine),
    currency: Currency,
) -> Result<Write, Problem> {
    let ware = wares.get(&line.variant_id);
    let price = ware.and_then(|ware| ware.price(currency));
    if new.quantity > line.quantity {
        match (price, ware) {
            (Some(price), _) => check_amount(index, price, new.quantity)?,
            (None, Some(ware)) if ware.is_sold => {
                return Err(not_in_currency(index, &ware.sku, currency));
            }
            (None, _) => {
                let message = "It is not sold any more: its quantity can be lowered alone.";
                return Err(at(index, ProblemKind::NotFound, "sku", message));
            }
        }
    }
    Ok(Write {
        variant_id: line.variant_id,
        position: line.position,
        quantity: new.quantity,
        seen_price: price.unwrap_or(line.seen_price),
    })
}

/// Puts the lines of one cart into another. Nothing is refused: what cannot be as it was asked for
/// is warned of.
pub(crate) fn plan_merge(
    (own, own_currency): (&[Line], Currency),
    (other, other_currency): (&[Line], Currency),
    wares: &HashMap<Uuid, Ware>,
) -> Plan {
    let mut plan = Plan::default();
    let mut next = next_position(own);
    let mut room = MAX_LINES.saturating_sub(own.len());
    for line in other {
        let ware = wares.get(&line.variant_id);
        let sku = ware.map(|ware| ware.sku.clone()).unwrap_or_default();
        let mut warn = |kind, requested, quantity| {
            let path = vec!["cartId".to_owned()];
            plan.warnings.push(warning(kind, &sku, (requested, quantity), path));
        };
        let present = own.iter().find(|own| own.variant_id == line.variant_id);
        let had = present.map_or(0, |own| own.quantity);
        let requested = had.saturating_add(line.quantity);
        let price = ware.and_then(|ware| ware.price(own_currency));
        let same_currency = own_currency == other_currency;
        let Some(seen_price) = price.or(same_currency.then_some(line.seen_price)) else {
            warn(LineWarningKind::CurrencyNotSold, requested, had);
            continue;
        };
        if present.is_none() && room == 0 {
            warn(LineWarningKind::NoRoom, requested, 0);
            continue;
        }
        let quantity = requested.min(MAX_QUANTITY);
        if quantity < requested {
            warn(LineWarningKind::QuantityCapped, requested, quantity);
        }
        if !same_currency {
            warn(LineWarningKind::CurrencyChanged, requested, quantity);
        }
        let position = present.map_or_else(
            || {
                room = room.saturating_sub(1);
                take_next(&mut next)
            },
            |own| own.position,
        );
        // What the buyer saw last decides whether they are told of a new price.
        let seen_price = match present {
            Some(own) => own.seen_price,
            None if same_currency => line.seen_price,
            None => seen_price,
        };
        plan.writes.push(Write { variant_id: line.variant_id, position, quantity, seen_price });
    }
    plan
}

/// The variant of a line that is to be added, with its price; what is wrong when there is none.
fn on_sale<'a>(
    wares: &'a HashMap<String, Ware>,
    index: usize,
    line: &NewLine,
    currency: Currency,
) -> Result<(&'a Ware, i64), Problem> {
    let sku = line.sku.trim();
    let Some(ware) = wares.get(sku).filter(|ware| ware.is_sold) else {
        let message = format!("Nothing with the SKU {sku:?} is sold here.");
        return Err(at(index, ProblemKind::NotFound, "sku", message));
    };
    let price = ware.price(currency);
    price.map(|price| (ware, price)).ok_or_else(|| not_in_currency(index, sku, currency))
}

fn not_in_currency(index: usize, sku: &str, currency: Currency) -> Problem {
    let message = format!("{sku} is not sold in {currency}, the currency of the cart.");
    at(index, ProblemKind::CurrencyMismatch, "sku", message)
}

fn check_amount(index: usize, unit_price: i64, quantity: i64) -> Result<(), Problem> {
    if line_total(Goods { unit_price, quantity }).is_some() {
        return Ok(());
    }
    let message = "So many of it cost more than one line may.";
    Err(at(index, ProblemKind::OutOfRange, "quantity", message))
}

fn at(index: usize, kind: ProblemKind, field: &str, message: impl Into<String>) -> Problem {
    Problem::new(kind, ["lines".to_owned(), index.to_string(), field.to_owned()], message)
}

fn warning(
    kind: LineWarningKind,
    sku: &str,
    (requested, quantity): (i64, i64),
    path: Vec<String>,
) -> LineWarning {
    LineWarning { kind, sku: sku.to_owned(), requested, quantity, path }
}

fn next_position(lines: &[Line]) -> i32 {
    lines.iter().map(|line| line.position).max().map_or(0, |last| last.saturating_add(1))
}

fn take_next(next: &mut i32) -> i32 {
    let position = *next;
    *next = next.saturating_add(1);
    position
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::money::Money;

    fn currency(code: &str) -> Currency {
        Currency::from_code(code).unwrap()
    }

    fn id(number: u128) -> Uuid {
        Uuid::from_u128(number)
    }

    fn ware(number: u128) -> Ware {
        Ware {
            id: id(number),
            sku: format!("SKU-{number}"),
            product_name: String::new(),
            name: String::new(),
            options: Vec::new(),
            is_sold: true,
            prices: vec![
                Money { minor: 1_000, currency: currency("EUR") },
                Money { minor: 1_100, currency: currency("USD") },
            ],
            sale: None,
        }
    }

    fn by_sku(wares: impl IntoIterator<Item = Ware>) -> HashMap<String, Ware> {
        wares.into_iter().map(|ware| (ware.sku.clone(), ware)).collect()
    }

    fn by_id(wares: impl IntoIterator<Item = Ware>) -> HashMap<Uuid, Ware> {
        wares.into_iter().map(|ware| (ware.id, ware)).collect()
    }

    fn line(number: u128, quantity: i64) -> Line {
        let position = i32::try_from(number).unwrap();
        Line { id: id(number), variant_id: id(number), position, quantity, seen_price: 900 }
    }

    fn new(number: u128, quantity: i64) -> NewLine {
        NewLine { sku: format!("SKU-{number}"), quantity }
    }

    fn kinds<T: std::fmt::Debug>(refused: Result<T, CartError>) -> Vec<(ProblemKind, String)> {
        match refused.unwrap_err() {
            CartError::Invalid(problems) => {
                problems.into_iter().map(|problem| (problem.kind, problem.path.join("."))).collect()
            }
            error => panic!("{error}"),
        }
    }

    fn written(plan: &Plan) -> Vec<(Uuid, i32, i64, i64)> {
        let writes = plan.writes.iter();
        writes.map(|it| (it.variant_id, it.position, it.quantity, it.seen_price)).collect()
    }

    #[test]
    fn quantities_out_of_range_are_refused_each_at_its_place() {
        for quantity in [0, -1, 1_000, i64::MAX, i64::MIN] {
            let refused = check_lines(&[new(1, 1), new(2, quantity)], 1);
            assert_eq!(
                kinds(refused),
                [(ProblemKind::OutOfRange, "lines.1.quantity".to_owned())],
                "{quantity}"
            );
        }
        assert!(check_lines(&[new(1, 0)], 0).is_ok());
        assert_eq!(kinds(check_lines(&[], 1)), [(ProblemKind::Required, "lines".to_owned())]);
        let many = vec![new(1, 1); MAX_LINES + 1];
        assert_eq!(kinds(check_lines(&many, 1)), [(ProblemKind::TooLong, "lines".to_owned())]);
    }

    #[test]
    fn adding_adds_up_and_keeps_the_order_of_adding() {
        let wares = by_sku([ware(1), ware(2), ware(3)]);
        let lines = [new(3, 1), new(1, 2), new(3, 4)];
        let plan = plan_add(&[line(1, 5)], &wares, &lines, currency("EUR")).unwrap();
        assert_eq!(written(&plan), [(id(3), 2, 5, 1_000), (id(1), 1, 7, 1_000)]);
        assert!(plan.warnings.is_empty());
    }

    #[test]
    fn what_is_not_sold_refuses_the_whole() {
        let gone = Ware { is_sold: false, ..ware(2) };
        let lines = [new(1, 1), new(2, 1), new(9, 1)];
        let refused = plan_add(&[], &by_sku([ware(1), gone]), &lines, currency("EUR"));
        let not_found = |path: &str| (ProblemKind::NotFound, path.to_owned());
        assert_eq!(kinds(refused), [not_found("lines.1.sku"), not_found("lines.2.sku")]);
        let refused = plan_add(&[], &by_sku([ware(1)]), &[new(1, 1)], currency("JPY"));
        assert_eq!(kinds(refused), [(ProblemKind::CurrencyMismatch, "lines.0.sku".to_owned())]);
    }

    #[test]
    fn more_than_a_line_holds_is_capped_and_told() {
        let wares = by_sku([ware(1)]);
        let plan = plan_add(&[line(1, 998)], &wares, &[new(1, 5)], currency("EUR")).unwrap();
        assert_eq!(written(&plan), [(id(1), 1, 999, 1_000)]);
        let told = &plan.warnings[0];
        assert_eq!((told.requested, told.quantity), (1_003, 999));
        assert_eq!((told.kind, &*told.sku), (LineWarningKind::QuantityCapped, "SKU-1"));
    }

    #[test]
    fn a_line_too_many_refuses_the_whole() {
        let present: Vec<Line> = (1..=100).map(|number| line(number, 1)).collect();
        let wares = by_sku([ware(1), ware(101)]);
        let refused = plan_add(&present, &wares, &[new(1, 1), new(101, 1)], currency("EUR"));
        assert_eq!(kinds(refused), [(ProblemKind::LimitReached, "lines".to_owned())]);
        assert!(plan_add(&present, &wares, &[new(1, 1)], currency("EUR")).is_ok());
    }

    #[test]
    fn more_than_a_line_may_cost_is_refused() {
        let prices = vec![Money { minor: 500_000_000_000, currency: currency("EUR") }];
        let wares = by_sku([Ware { prices, ..ware(1) }]);
        let add = |quantity| plan_add(&[], &wares, &[new(1, quantity)], currency("EUR"));
        assert!(add(2).is_ok());
        assert_eq!(kinds(add(3)), [(ProblemKind::OutOfRange, "lines.0.quantity".to_owned())]);
    }

    #[test]
    fn lowering_and_removing_always_work_and_raising_does_not() {
        let present = [line(1, 5), line(2, 5), line(3, 5)];
        let gone = Ware { is_sold: false, ..ware(1) };
        let foreign = Ware { prices: Vec::new(), ..ware(2) };
        let wares = by_id([gone, foreign, ware(3)]);
        let update = |lines: &[NewLine]| plan_update(&present, &wares, lines, currency("EUR"));
        let plan = update(&[new(1, 4), new(2, 0), new(3, 6), new(7, 0)]).unwrap();
        assert_eq!(written(&plan), [(id(1), 1, 4, 900), (id(3), 3, 6, 1_000)]);
        assert_eq!(plan.removals, [id(2)]);
        assert_eq!(written(&update(&[new(1, 5)]).unwrap()), [(id(1), 1, 5, 900)]);
        let at = |kind, path: &str| (kind, path.to_owned());
        assert_eq!(
            kinds(update(&[new(1, 6), new(2, 6), new(7, 1), new(3, 1), new(3, 2)])),
            [
                at(ProblemKind::NotFound, "lines.0.sku"),
                at(ProblemKind::CurrencyMismatch, "lines.1.sku"),
                at(ProblemKind::NotFound, "lines.2.sku"),
                at(ProblemKind::Invalid, "lines.4.sku"),
            ]
        );
    }

    #[test]
    fn merging_adds_up_and_explains_every_line_that_differs() {
        let own: Vec<Line> = (1..=99).map(|number| line(number, 990)).collect();
        let guests = [line(1, 9), line(2, 10), line(101, 3), line(102, 4)];
        let wares = by_id([ware(1), ware(2), ware(101), ware(102)]);
        let eur = currency("EUR");
        let plan = plan_merge((&own, eur), (&guests, eur), &wares);
        assert_eq!(
            written(&plan),
            [(id(1), 1, 999, 900), (id(2), 2, 999, 900), (id(101), 100, 3, 900)]
        );
        let told: Vec<_> =
            plan.warnings.iter().map(|it| (it.kind, it.requested, it.quantity)).collect();
        assert_eq!(
            told,
            [(LineWarningKind::QuantityCapped, 1_000, 999), (LineWarningKind::NoRoom, 4, 0)]
        );
    }

    #[test]
    fn lines_of_another_currency_are_carried_over_at_its_price_or_left_out_and_told() {
        let unsold = Ware { prices: Vec::new(), ..ware(2) };
        let wares = by_id([ware(1), unsold]);
        let guests = [line(1, 2), line(2, 3)];
        let plan = plan_merge((&[], currency("USD")), (&guests, currency("EUR")), &wares);
        assert_eq!(written(&plan), [(id(1), 0, 2, 1_100)]);
        let told: Vec<_> =
            plan.warnings.iter().map(|it| (it.kind, it.requested, it.quantity)).collect();
        assert_eq!(
            told,
            [(LineWarningKind::CurrencyChanged, 2, 2), (LineWarningKind::CurrencyNotSold, 3, 0)]
        );
    }

    #[test]
    fn what_is_not_sold_any_more_is_merged_with_its_problem() {
        let gone = Ware { is_sold: false, ..ware(1) };
        let eur = currency("EUR");
        let plan = plan_merge((&[], eur), (&[line(1, 2)], eur), &by_id([gone]));
        assert_eq!(written(&plan), [(id(1), 0, 2, 900)]);
        assert!(plan.warnings.is_empty());
    }
}
