//! What staff send to make products and variants, and what must hold of it before any row is
//! looked at.

use crate::catalog::product::NO_PRICE;
use crate::catalog::{ProductStatus, VariantOption};
use crate::money::{Currency, Money, MoneyError};
use crate::text::fold;
use crate::validation::{Problem, ProblemKind, optional_text, required_text};
use serde::Serialize;
use std::collections::HashSet;
use uuid::Uuid;

/// Variants of a product at most.
pub(crate) const MAX_VARIANTS: usize = 100;
const MAX_NAME_CHARS: usize = 200;
const MAX_DESCRIPTION_CHARS: usize = 10_000;
const MAX_SLUG_CHARS: usize = 100;
/// Characters of a slug made from a name, so that a number fits behind it.
const MAX_BASE_CHARS: usize = 80;
const MAX_SKU_CHARS: usize = 64;
const MAX_PRICES: usize = 20;
const MAX_OPTIONS: usize = 10;
/// A price in minor units at most: a hundred pieces of a thousand lines still fit 64 bits.
const MAX_PRICE: i64 = 1_000_000_000_000;
/// Pieces of a level at most, which the wire tells as an Int.
const MAX_PIECES: i64 = 2_147_483_647;

/// A product to make.
#[derive(Debug, Clone, Serialize)]
pub struct NewProduct {
    /// The display name.
    pub name: String,
    /// The unique name for addresses of pages; None: made from the name.
    pub slug: Option<String>,
    /// What its page says.
    pub description: Option<String>,
    /// The category that it is sorted into.
    pub category_id: Uuid,
    /// Whether it is sold; None: it is.
    pub status: Option<ProductStatus>,
    /// Its variants, 1 to 100.
    pub variants: Vec<NewVariant>,
}

/// A variant to make.
#[derive(Debug, Clone, Serialize)]
pub struct NewVariant {
    /// The unique stock keeping unit.
    pub sku: String,
    /// The display name.
    pub name: Option<String>,
    /// The list prices, one a currency.
    pub prices: Vec<NewPrice>,
    /// What tells it from the others.
    pub options: Vec<VariantOption>,
    /// Pieces on hand in the default warehouse.
    pub stock: Option<i64>,
    /// The reorder point there.
    pub reorder_point: Option<i64>,
}

/// A price as it was typed.
#[derive(Debug, Clone, Serialize)]
pub struct NewPrice {
    /// A decimal number.
    pub amount: String,
    /// Of which currency.
    pub currency: Currency,
}

/// A product whose fields are good by themselves.
#[derive(Debug, Clone)]
pub(crate) struct CheckedProduct {
    pub name: String,
    pub slug: Slug,
    pub description: String,
    pub category_id: Uuid,
    pub status: ProductStatus,
    pub variants: Vec<CheckedVariant>,
}

/// A variant whose fields are good by themselves.
#[derive(Debug, Clone)]
pub(crate) struct CheckedVariant {
    pub sku: String,
    pub name: String,
    pub prices: Vec<Money>,
    pub options: Vec<VariantOption>,
    pub stock: i64,
    pub reorder_point: i64,
}

/// The unique name for addresses of pages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Slug {
    /// This one or none.
    Given(String),
    /// This one, or like it when it is taken.
    Like(String),
}

/// Collects what is wrong, so that all of it is told at once.
#[derive(Debug, Default)]
pub(crate) struct Problems(pub Vec<Problem>);

impl Problems {
    /// The value, or an empty one in place of a problem.
    pub fn keep<T: Default>(&mut self, checked: Result<T, Problem>) -> T {
        checked.unwrap_or_else(|problem| {
            self.0.push(problem);
            T::default()
        })
    }

    /// With the problems of a part of the input as well.
    #[must_use]
    pub fn with(mut self, part: &str, problems: &Problems) -> Self {
        let problems = problems.0.iter().cloned();
        self.0.extend(problems.map(|problem| problem.within([part])));
        self
    }

    /// Adds the problems of a part of the input.
    pub fn within<P: Into<String> + Clone>(&mut self, prefix: &[P], part: Problems) {
        let prefix = || prefix.iter().cloned();
        self.0.extend(part.0.into_iter().map(|problem| problem.within(prefix())));
    }
}

/// Checks a product to make, its variants included.
pub(crate) fn check_product(new: &NewProduct) -> (CheckedProduct, Problems) {
    let mut problems = Problems::default();
    let name = problems.keep(check_name(&new.name));
    let slug = match &new.slug {
        Some(slug) => Slug::Given(problems.keep(check_slug(slug))),
        None => Slug::Like(base_slug(&name, "product")),
    };
    let description =
        problems.keep(check_description(new.description.as_deref().unwrap_or_default()));
    if new.variants.is_empty() {
        let message = "A product has at least one variant.";
        problems.0.push(Problem::new(ProblemKind::Required, ["variants"], message));
    }
    if new.variants.len() > MAX_VARIANTS {
        let message = format!("A product has at most {MAX_VARIANTS} variants.");
        problems.0.push(Problem::new(ProblemKind::TooLong, ["variants"], message));
    }
    let mut skus = HashSet::new();
    let mut variants = Vec::with_capacity(new.variants.len());
    for (index, new) in new.variants.iter().enumerate() {
        let (variant, mut wrong) = check_variant(new);
        if !variant.sku.is_empty() && !skus.insert(variant.sku.clone()) {
            wrong.0.push(sku_taken(&variant.sku));
        }
        problems.within(&["variants".to_owned(), index.to_string()], wrong);
        variants.push(variant);
    }
    let status = new.status.unwrap_or(ProductStatus::Active);
    let category_id = new.category_id;
    (CheckedProduct { name, slug, description, category_id, status, variants }, problems)
}

/// Checks a variant to make.
pub(crate) fn check_variant(new: &NewVariant) -> (CheckedVariant, Problems) {
    let mut problems = Problems::default();
    let sku = problems.keep(check_sku(&new.sku));
    let name = new.name.as_deref().unwrap_or_default();
    let name = problems.keep(check_variant_name(name));
    let prices = check_prices(&new.prices, &mut problems);
    let options = check_options(&new.options, &mut problems);
    let stock = problems.keep(check_pieces("stock", new.stock));
    let reorder_point = problems.keep(check_pieces("reorderPoint", new.reorder_point));
    (CheckedVariant { sku, name, prices, options, stock, reorder_point }, problems)
}

pub(crate) fn check_name(name: &str) -> Result<String, Problem> {
    required_text("name", name, MAX_NAME_CHARS)
}

pub(crate) fn check_variant_name(name: &str) -> Result<String, Problem> {
    optional_text("name", name, MAX_NAME_CHARS)
}

pub(crate) fn check_description(description: &str) -> Result<String, Problem> {
    optional_text("description", description, MAX_DESCRIPTION_CHARS)
}

/// A slug is lower-case ASCII words with a hyphen between them.
pub(crate) fn check_slug(slug: &str) -> Result<String, Problem> {
    let slug = required_text("slug", slug, MAX_SLUG_CHARS)?;
    let is_word = |word: &str| {
        !word.is_empty() && word.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
    };
    if slug.split('-').all(is_word) {
        return Ok(slug);
    }
    let message = "The slug must be words of a–z and 0–9 with a hyphen between them, such as \
                   mechanical-keyboard.";
    Err(Problem::new(ProblemKind::Invalid, ["slug"], message))
}

/// A slug made from a name: its ASCII letters and digits. `otherwise` when it has none.
pub(crate) fn base_slug(name: &str, otherwise: &str) -> String {
    let folded = fold(name);
    let words = folded.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    let mut slug = words.collect::<Vec<_>>().join("-");
    slug.truncate(MAX_BASE_CHARS);
    slug.truncate(slug.trim_end_matches('-').len());
    if slug.is_empty() { otherwise.to_owned() } else { slug }
}

pub(crate) fn check_sku(sku: &str) -> Result<String, Problem> {
    let sku = required_text("sku", sku, MAX_SKU_CHARS)?;
    if sku.contains(char::is_whitespace) {
        let message = "A SKU has no white space in it.";
        return Err(Problem::new(ProblemKind::Invalid, ["sku"], message));
    }
    Ok(sku)
}

/// The problem of a SKU that something else has.
pub(crate) fn sku_taken(sku: &str) -> Problem {
    let message = format!("The SKU {sku} is taken; each is unique in the shop.");
    Problem::new(ProblemKind::AlreadyExists, ["sku"], message)
}

/// The problem of a slug that something else has.
pub(crate) fn slug_taken(slug: &str) -> Problem {
    let message = format!("The slug {slug} is taken; each is unique.");
    Problem::new(ProblemKind::AlreadyExists, ["slug"], message)
}

pub(crate) fn check_prices(prices: &[NewPrice], problems: &mut Problems) -> Vec<Money> {
    if prices.is_empty() {
        let message = "Give the price in at least one currency.";
        problems.0.push(Problem::new(ProblemKind::Required, ["prices"], message));
    }
    if prices.len() > MAX_PRICES {
        let message = format!("A variant has prices in at most {MAX_PRICES} currencies.");
        problems.0.push(Problem::new(ProblemKind::TooLong, ["prices"], message));
    }
    let mut currencies = HashSet::new();
    let mut checked = Vec::with_capacity(prices.len());
    for (index, price) in prices.iter().enumerate() {
        let path = |field: &str| ["prices".to_owned(), index.to_string(), field.to_owned()];
        match Money::parse(&price.amount, price.currency) {
            Ok(money) if (0..=MAX_PRICE).contains(&money.minor) => checked.push(money),
            Ok(_) | Err(MoneyError::TooLarge) => {
                let most = Money { minor: MAX_PRICE, currency: price.currency };
                let message = format!("A price is between 0 and {}.", most.amount());
                problems.0.push(Problem::new(ProblemKind::OutOfRange, path("amount"), message));
            }
            Err(error) => {
                let message = format!("The amount {error}.");
                problems.0.push(Problem::new(ProblemKind::Invalid, path("amount"), message));
            }
        }
        if !currencies.insert(price.currency) {
            let message = format!("There are two prices in {}.", price.currency);
            problems.0.push(Problem::new(ProblemKind::Invalid, path("currency"), message));
        }
    }
    checked
}

pub(crate) fn check_options(
    options: &[VariantOption],
    problems: &mut Problems,
) -> Vec<VariantOption> {
    if options.len() > MAX_OPTIONS {
        let message = format!("A variant has at most {MAX_OPTIONS} options.");
        problems.0.push(Problem::new(ProblemKind::TooLong, ["options"], message));
    }
    let mut names = HashSet::new();
    let mut checked = Vec::with_capacity(options.len());
    for (index, option) in options.iter().enumerate() {
        let mut wrong = Problems::default();
        let name = wrong.keep(required_text("name", &option.name, 50));
        let value = wrong.keep(required_text("value", &option.value, 100));
        if !name.is_empty() && !names.insert(name.clone()) {
            let message = format!("There are two options called {name}.");
            wrong.0.push(Problem::new(ProblemKind::Invalid, ["name"], message));
        }
        problems.within(&["options".to_owned(), index.to_string()], wrong);
        checked.push(VariantOption { name, value });
    }
    checked
}

fn check_pieces(field: &str, pieces: Option<i64>) -> Result<i64, Problem> {
    let pieces = pieces.unwrap_or_default();
    if (0..=MAX_PIECES).contains(&pieces) {
        return Ok(pieces);
    }
    let message = format!("{field} is {pieces}; it must be between 0 and {MAX_PIECES}.");
    Err(Problem::new(ProblemKind::OutOfRange, [field], message))
}

/// The lowest of the prices in a currency, or what stands for none.
pub(crate) fn lowest<'a>(prices: impl Iterator<Item = &'a Money>, currency: Currency) -> i64 {
    let of_currency = prices.filter(|price| price.currency == currency);
    of_currency.map(|price| price.minor).min().unwrap_or(NO_PRICE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slug_is_made_of_the_ascii_letters_and_digits_of_a_name() {
        assert_eq!(base_slug("Crème Brûlée, 50 % (3.5 mm)!", "product"), "creme-brulee-50-3-5-mm");
        assert_eq!(base_slug("日本語", "product"), "product");
        assert_eq!(base_slug(&"long name ".repeat(50), "product").len(), 79);
    }

    #[test]
    fn slugs_are_words_with_a_hyphen_between() {
        for slug in ["a", "a-b", "3-5-mm"] {
            assert_eq!(check_slug(slug).as_deref(), Ok(slug));
        }
        for slug in ["A", "a--b", "-a", "a-", "a b", "ä", "a/b"] {
            assert_eq!(check_slug(slug).unwrap_err().kind, ProblemKind::Invalid, "{slug}");
        }
    }

    #[test]
    fn everything_that_is_wrong_is_told_at_once() {
        let eur = Currency::from_code("EUR").unwrap();
        let price = |amount: &str| NewPrice { amount: amount.to_owned(), currency: eur };
        let variant = |sku: &str, prices| NewVariant {
            sku: sku.to_owned(),
            name: None,
            prices,
            options: vec![VariantOption { name: "Size".to_owned(), value: String::new() }],
            stock: Some(-1),
            reorder_point: None,
        };
        let (_, problems) = check_product(&NewProduct {
            name: " ".to_owned(),
            slug: Some("No slug".to_owned()),
            description: None,
            category_id: Uuid::nil(),
            status: None,
            variants: vec![
                variant("A 1", vec![price("1.999"), price("-1")]),
                variant("B", vec![]),
                variant("B", vec![price("1")]),
            ],
        });
        let paths: Vec<String> = problems.0.iter().map(|p| p.path.join(".")).collect();
        assert_eq!(
            paths,
            [
                "name",
                "slug",
                "variants.0.sku",
                "variants.0.prices.0.amount",
                "variants.0.prices.1.amount",
                "variants.0.prices.1.currency",
                "variants.0.options.0.value",
                "variants.0.stock",
                "variants.1.prices",
                "variants.1.options.0.value",
                "variants.1.stock",
                "variants.2.options.0.value",
                "variants.2.stock",
                "variants.2.sku",
            ]
        );
    }
}
