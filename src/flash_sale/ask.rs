//! What staff send about flash sales, and what must hold of it before any row is looked at.

use crate::db::Timestamp;
use crate::money::{Currency, Money};
use crate::validation::{Problem, ProblemKind};
use serde::Serialize;
use std::collections::HashSet;
use uuid::Uuid;

/// As many as a variant has.
const MAX_PRICES: usize = 20;
/// Pieces at most, which the wire tells as an Int.
const MAX_PIECES: i64 = 2_147_483_647;

/// A sale as it is to be.
#[derive(Debug, Clone, Serialize)]
pub struct SetFlashSale {
    /// The sale to change; None: a new one.
    pub id: Option<Uuid>,
    /// Of what, for a new one.
    pub sku: Option<String>,
    /// What one piece costs.
    pub prices: Vec<AskedPrice>,
    /// When it begins; None: now, or as it was.
    pub starts_at: Option<Timestamp>,
    /// When it is over.
    pub ends_at: Timestamp,
    /// Pieces that are sold at its price at most.
    pub allocation: i64,
    /// Pieces that one customer gets at most.
    pub limit_per_customer: Option<i64>,
    /// Only if the sale still has this version.
    pub expected_version: Option<i64>,
    /// The client's name for this try.
    #[serde(skip)]
    pub idempotency_key: Option<String>,
}

/// A price as it was typed.
#[derive(Debug, Clone, Serialize)]
pub struct AskedPrice {
    /// A decimal number.
    pub amount: String,
    /// Of which currency.
    pub currency: Currency,
}

/// A sale to end.
#[derive(Debug, Clone, Serialize)]
pub struct EndFlashSale {
    /// Which one.
    pub id: Uuid,
    /// Only if the sale still has this version.
    pub expected_version: Option<i64>,
}

/// Which sale is meant.
pub(crate) enum Which<'a> {
    New { sku: &'a str },
    Known(Uuid),
}

impl SetFlashSale {
    /// Which sale it is about.
    pub(crate) fn which(&self) -> Result<Which<'_>, Problem> {
        match (self.id, self.sku.as_deref().map(str::trim)) {
            (Some(id), None) => Ok(Which::Known(id)),
            (None, Some(sku)) => Ok(Which::New { sku }),
            (None, None) => {
                let message = "Say what is on sale, or the id of the sale to change.";
                Err(Problem::new(ProblemKind::Required, ["sku"], message))
            }
            (Some(_), Some(_)) => {
                let message = "A sale stays of its variant: give the id alone to change it.";
                Err(Problem::new(ProblemKind::Invalid, ["sku"], message))
            }
        }
    }

    /// Its prices, and everything that is wrong by itself.
    pub(crate) fn checked(&self) -> (Vec<Money>, Vec<Problem>) {
        let mut problems = Vec::new();
        if self.starts_at.is_some_and(|starts_at| starts_at >= self.ends_at) {
            let message = "It must end after it begins.";
            problems.push(Problem::new(ProblemKind::OutOfRange, ["endsAt"], message));
        }
        let limit = self.limit_per_customer.map(|limit| ("limitPerCustomer", limit));
        for (field, pieces) in [Some(("allocation", self.allocation)), limit].into_iter().flatten()
        {
            if !(1..=MAX_PIECES).contains(&pieces) {
                let message = format!("{field} must be between 1 and {MAX_PIECES}.");
                problems.push(Problem::new(ProblemKind::OutOfRange, [field], message));
            }
        }
        let prices = check_prices(&self.prices, &mut problems);
        (prices, problems)
    }
}

fn check_prices(asked: &[AskedPrice], problems: &mut Vec<Problem>) -> Vec<Money> {
    if asked.is_empty() || asked.len() > MAX_PRICES {
        let kind = if asked.is_empty() { ProblemKind::Required } else { ProblemKind::TooLong };
        let message = format!("Give the price in 1 to {MAX_PRICES} currencies.");
        problems.push(Problem::new(kind, ["prices"], message));
        return Vec::new();
    }
    let mut seen = HashSet::new();
    let mut prices = Vec::with_capacity(asked.len());
    for (index, price) in asked.iter().enumerate() {
        match Money::parse(&price.amount, price.currency) {
            Ok(money) if money.minor >= 0 => prices.push(money),
            Ok(_) => {
                let message = "A price is not below 0.";
                problems.push(Problem::new(ProblemKind::OutOfRange, at(index, "amount"), message));
            }
            Err(error) => {
                let message = format!("The amount {error}.");
                problems.push(Problem::new(ProblemKind::Invalid, at(index, "amount"), message));
            }
        }
        if !seen.insert(price.currency) {
            let message = format!("There are two prices in {}.", price.currency);
            problems.push(Problem::new(ProblemKind::Invalid, at(index, "currency"), message));
        }
    }
    prices
}

/// Compares the prices of a sale with the list prices of its variant.
pub(crate) fn check_against_list(prices: &[Money], list: &[Money]) -> Vec<Problem> {
    let problem = |(index, price): (usize, &Money)| {
        let Some(list) = list.iter().find(|list| list.currency == price.currency) else {
            let message = format!("The variant is not sold in {}.", price.currency);
            let path = at(index, "currency");
            return Some(Problem::new(ProblemKind::CurrencyMismatch, path, message));
        };
        let message =
            format!("It must be below the list price, {} {}.", list.amount(), list.currency);
        let problem = Problem::new(ProblemKind::OutOfRange, at(index, "amount"), message);
        (price.minor >= list.minor).then_some(problem)
    };
    prices.iter().enumerate().filter_map(problem).collect()
}

fn at(index: usize, field: &str) -> [String; 3] {
    ["prices".to_owned(), index.to_string(), field.to_owned()]
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::TimeDelta;

    fn currency(code: &str) -> Currency {
        Currency::from_code(code).unwrap()
    }

    fn asked(prices: &[(&str, &str)]) -> SetFlashSale {
        let price = |(amount, code): &(&str, &str)| AskedPrice {
            amount: (*amount).to_owned(),
            currency: currency(code),
        };
        SetFlashSale {
            id: None,
            sku: Some("CUP".to_owned()),
            prices: prices.iter().map(price).collect(),
            starts_at: Some(Timestamp::UNIX_EPOCH),
            ends_at: Timestamp::UNIX_EPOCH + TimeDelta::hours(1),
            allocation: 1,
            limit_per_customer: Some(1),
            expected_version: None,
            idempotency_key: None,
        }
    }

    fn wrong(ask: &SetFlashSale) -> Vec<(ProblemKind, String)> {
        let (_, problems) = ask.checked();
        problems.into_iter().map(|problem| (problem.kind, problem.path.join("."))).collect()
    }

    #[test]
    fn all_that_is_wrong_is_told_at_once() {
        let good = asked(&[("8.00", "EUR"), ("800", "JPY")]);
        assert_eq!(wrong(&good), []);
        let bad = SetFlashSale {
            ends_at: Timestamp::UNIX_EPOCH,
            allocation: 0,
            limit_per_customer: Some(-1),
            ..asked(&[("-1", "EUR"), ("0.5", "JPY"), ("1", "EUR")])
        };
        let at = |kind, path: &str| (kind, path.to_owned());
        assert_eq!(
            wrong(&bad),
            [
                at(ProblemKind::OutOfRange, "endsAt"),
                at(ProblemKind::OutOfRange, "allocation"),
                at(ProblemKind::OutOfRange, "limitPerCustomer"),
                at(ProblemKind::OutOfRange, "prices.0.amount"),
                at(ProblemKind::Invalid, "prices.1.amount"),
                at(ProblemKind::Invalid, "prices.2.currency"),
            ]
        );
        assert_eq!(wrong(&asked(&[])), [at(ProblemKind::Required, "prices")]);
    }

    #[test]
    fn a_price_is_below_the_list_price_in_a_currency_that_the_variant_is_sold_in() {
        let money = |minor, code| Money { minor, currency: currency(code) };
        let list = [money(1_000, "EUR"), money(1_100, "USD")];
        assert_eq!(check_against_list(&[money(999, "EUR"), money(0, "USD")], &list), []);
        let wrong = [money(1_000, "EUR"), money(1, "JPY"), money(1_101, "USD")];
        let found = check_against_list(&wrong, &list).into_iter();
        let found: Vec<_> = found.map(|problem| (problem.kind, problem.path.join("."))).collect();
        assert_eq!(
            found,
            [
                (ProblemKind::OutOfRange, "prices.0.amount".to_owned()),
                (ProblemKind::CurrencyMismatch, "prices.1.currency".to_owned()),
                (ProblemKind::OutOfRange, "prices.2.amount".to_owned()),
            ]
        );
    }

    #[test]
    fn a_sale_is_named_by_its_id_or_by_what_is_on_sale() {
        let ask = asked(&[]);
        assert!(matches!(ask.which(), Ok(Which::New { sku: "CUP" })));
        let id = Some(Uuid::nil());
        assert!(SetFlashSale { id, ..ask.clone() }.which().is_err());
        assert!(SetFlashSale { sku: None, ..ask.clone() }.which().is_err());
        let known = SetFlashSale { id, sku: None, ..ask };
        assert!(matches!(known.which(), Ok(Which::Known(_))));
    }
}
