//! Quotes of carts, made of facts.

use super::*;
use crate::cart::ShippingPrice;
use crate::country::Country;
use crate::db::Timestamp;
use crate::flash_sale::FlashSaleStatus;

fn eur() -> Currency {
    Currency::from_code("EUR").unwrap()
}

fn id(number: u128) -> Uuid {
    Uuid::from_u128(number)
}

fn ware(number: u128, price: i64) -> Ware {
    Ware {
        id: id(number),
        sku: format!("SKU-{number}"),
        product_name: "Thing".to_owned(),
        name: String::new(),
        options: Vec::new(),
        is_sold: true,
        prices: vec![Money { minor: price, currency: eur() }],
        sale: None,
    }
}

fn item(number: u128, quantity: i64, seen: i64) -> Item {
    Item { line_id: None, variant_id: id(number), quantity, seen_price: Some(seen) }
}

fn method(code: &str, price: i64) -> ShippingSettings {
    ShippingSettings {
        code: code.to_owned(),
        name: code.to_owned(),
        description: String::new(),
        countries: None,
        position: 1,
        active: true,
        prices: vec![ShippingPrice { currency: eur(), from_subtotal: 0, price }],
        version: 1,
        updated_at: Timestamp::UNIX_EPOCH,
    }
}

fn facts(wares: Vec<Ware>) -> Facts {
    Facts {
        wares: wares.into_iter().map(|ware| (ware.id, ware)).collect(),
        available: Some(HashMap::from([(id(1), 5), (id(2), 5)])),
        had: Some(HashMap::new()),
        methods: vec![method("standard", 490), method("express", 990)],
        rates: vec![TaxRate {
            id: id(9),
            country: None,
            region: None,
            name: "VAT".to_owned(),
            rate_ppm: 190_000,
            taxes_shipping: true,
            version: 1,
            updated_at: Timestamp::UNIX_EPOCH,
        }],
    }
}

fn germany() -> Destination {
    let country = Country::from_code("DE").unwrap();
    Destination { country, region: None, postal_code: None }
}

fn quote(items: &[Item], facts: &Facts, to: Option<&Destination>, method: Choice<'_>) -> Quote {
    let ask = Ask { currency: eur(), items, destination: to, method };
    assemble(&ask, facts).unwrap()
}

#[test]
fn a_total_is_final_when_nothing_is_open() {
    let (facts, to) = (facts(vec![ware(1, 1_000)]), germany());
    let items = [item(1, 2, 1_000)];
    let complete = quote(&items, &facts, Some(&to), Choice::This("standard"));
    assert!(complete.is_final());
    assert_eq!((complete.subtotal, complete.shipping_total), (2_000, 490));
    assert_eq!((complete.tax_total, complete.shipping_tax), (473, 93));
    assert_eq!(complete.total, 2_963);
    assert!(!quote(&items, &facts, Some(&to), Choice::Open).is_final());
    assert!(!quote(&items, &facts, Some(&to), Choice::This("pigeon")).is_final());
    assert!(!quote(&items, &facts, None, Choice::This("standard")).is_final());
    assert!(!quote(&[], &facts, Some(&to), Choice::This("standard")).is_final());
    let untaxed = Facts { rates: Vec::new(), ..facts };
    let unknown = quote(&items, &untaxed, Some(&to), Choice::This("standard"));
    assert!(!unknown.is_final() && unknown.tax_total == 0);
}

#[test]
fn what_is_not_sold_costs_nothing_and_is_in_the_way() {
    let gone = Ware { is_sold: false, ..ware(2, 700) };
    let (facts, to) = (facts(vec![ware(1, 1_000), gone]), germany());
    let items = [item(2, 3, 650), item(1, 1, 1_000), item(3, 1, 80)];
    let quote = quote(&items, &facts, Some(&to), Choice::This("standard"));
    let lines: Vec<_> = quote.lines.iter().map(|l| (l.unit_price, l.line_total, l.tax)).collect();
    assert_eq!(lines, [(650, 0, 0), (1_000, 1_000, 190), (80, 0, 0)]);
    assert_eq!(quote.subtotal, 1_000);
    let unavailable = |line| CartProblem { line, problem: LineProblem::Unavailable };
    assert_eq!(quote.problems, [unavailable(0), unavailable(2)]);
    assert!(!quote.is_final());
}

#[test]
fn a_price_that_changed_is_told_and_charged() {
    let (facts, to) = (facts(vec![ware(1, 1_200)]), germany());
    let quote = quote(&[item(1, 1, 1_000)], &facts, Some(&to), Choice::This("standard"));
    let problem = LineProblem::PriceChanged { old: 1_000, new: 1_200 };
    assert_eq!(quote.problems, [CartProblem { line: 0, problem }]);
    assert!(quote.is_final() && quote.subtotal == 1_200);
}

#[test]
fn too_few_pieces_are_told_only_by_who_looked() {
    let facts = facts(vec![ware(1, 1_000)]);
    let short = LineProblem::InsufficientStock { available: 5 };
    let items = [item(1, 6, 1_000)];
    let seen = quote(&items, &facts, None, Choice::Open);
    assert_eq!(seen.problems, [CartProblem { line: 0, problem: short }]);
    assert!(quote(&[item(1, 5, 1_000)], &facts, None, Choice::Open).problems.is_empty());
    let blind = Facts { available: None, ..facts };
    assert!(quote(&items, &blind, None, Choice::Open).problems.is_empty());
}

fn flash(number: u128, price: i64, (left, limit): (i64, Option<i64>)) -> Ware {
    let sale = FlashSale {
        id: id(number + 100),
        variant_id: id(number),
        prices: vec![Money { minor: price, currency: eur() }],
        starts_at: Timestamp::UNIX_EPOCH,
        ends_at: Timestamp::UNIX_EPOCH,
        allocation: left + 7,
        taken: 7,
        limit_per_customer: limit,
        status: FlashSaleStatus::Running,
        version: 3,
        created_at: Timestamp::UNIX_EPOCH,
        updated_at: Timestamp::UNIX_EPOCH,
    };
    Ware { sale: Some(Arc::new(sale)), ..ware(number, 1_000) }
}

#[test]
fn a_line_has_the_price_of_a_sale_as_a_whole_and_takes_from_it() {
    let facts = facts(vec![flash(1, 800, (3, None)), ware(2, 500)]);
    let quote = quote(&[item(1, 3, 800), item(2, 1, 500)], &facts, None, Choice::Open);
    assert_eq!((quote.subtotal, quote.problems.len()), (2_900, 0));
    let sku = "SKU-1".to_owned();
    assert_eq!(quote.takes(), [Take { sale_id: id(101), version: 3, sku, quantity: 3 }]);
}

#[test]
fn nothing_is_taken_from_a_sale_that_decides_no_price() {
    let sold_out = facts(vec![flash(1, 800, (0, None))]);
    let dearer = facts(vec![flash(1, 1_200, (5, None))]);
    for facts in [sold_out, dearer] {
        let quote = quote(&[item(1, 2, 1_000)], &facts, None, Choice::Open);
        assert_eq!((quote.subtotal, quote.takes(), quote.problems.len()), (2_000, vec![], 0));
    }
    let gone = Ware { is_sold: false, ..flash(1, 800, (5, None)) };
    assert_eq!(quote(&[item(1, 2, 800)], &facts(vec![gone]), None, Choice::Open).takes(), []);
}

#[test]
fn more_than_a_buyer_can_have_is_in_the_way_and_told_by_who_looked() {
    let to = germany();
    let limited = |left: i64, limit: i64, had: i64| {
        let facts = facts(vec![flash(1, 800, (left, Some(limit)))]);
        let facts = Facts { had: Some(HashMap::from([(id(101), had)])), ..facts };
        quote(&[item(1, 4, 800)], &facts, Some(&to), Choice::This("standard"))
    };
    for (left, limit, had, maximum) in [(3, 9, 0, 3), (9, 3, 0, 3), (9, 5, 2, 3), (9, 2, 5, 0)] {
        let quote = limited(left, limit, had);
        let problem = LineProblem::FlashSaleLimit { maximum };
        assert_eq!(quote.problems, [CartProblem { line: 0, problem }]);
        assert!(!quote.is_final() && quote.subtotal == 3_200);
    }
    assert!(limited(4, 5, 1).is_final());
    let facts = Facts { had: None, ..facts(vec![flash(1, 800, (3, None))]) };
    assert!(quote(&[item(1, 4, 800)], &facts, None, Choice::Open).problems.is_empty());
}

#[test]
fn a_line_too_dear_for_any_order_is_not_sold() {
    let facts = facts(vec![ware(1, pricing::MAX_LINE_TOTAL)]);
    let quote = quote(&[item(1, 2, pricing::MAX_LINE_TOTAL)], &facts, None, Choice::Open);
    assert_eq!((quote.subtotal, quote.problems.len()), (0, 1));
}

#[test]
fn the_cheapest_method_is_taken_when_asked_for() {
    let facts = facts(vec![ware(1, 1_000)]);
    let quote = quote(&[item(1, 1, 1_000)], &facts, None, Choice::Cheapest);
    assert_eq!(quote.shipping_method.unwrap().code, "standard");
}
