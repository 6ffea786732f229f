//! One product of the demo catalogue, whole: its variants, prices and stock.

use crate::db::Timestamp;
use crate::money::Currency;
use crate::seed::identity::{Kind, key, made_at};
use crate::seed::{showcase, wares};
use chrono::TimeDelta;
use uuid::Uuid;

/// A root of the category tree.
pub struct Root {
    /// What the SKUs of its products begin with.
    pub prefix: &'static str,
}

const ELECTRONICS: Root = Root { prefix: "ELEC" };
const CLOTHING: Root = Root { prefix: "CLTH" };
const BOOKS: Root = Root { prefix: "BOOK" };
const HOME_AND_GARDEN: Root = Root { prefix: "HOME" };

/// The root that the product with this index is under, and its number there, from 1.
pub fn shelf(index: u64) -> (&'static Root, u64) {
    let root = match index % 4 {
        0 => &ELECTRONICS,
        1 => &CLOTHING,
        2 => &BOOKS,
        _ => &HOME_AND_GARDEN,
    };
    (root, index / 4 + 1)
}

/// A product before it has keys, prices in every currency and a ledger.
#[derive(Default)]
pub struct Draft {
    /// The slug of its category.
    pub category: &'static str,
    pub name: String,
    /// None: the name and the SKU, which is unique among 100,000.
    pub slug: Option<String>,
    pub description: String,
    /// Whether it is also sold in Kuwaiti dinars, a currency of three decimals.
    pub in_dinars: bool,
    pub variants: Vec<VariantDraft>,
}

/// A variant before it has keys.
pub struct VariantDraft {
    /// What its SKU ends with.
    pub code: String,
    pub options: Vec<(&'static str, &'static str)>,
    pub euro_cents: i64,
    /// Stock in the default warehouse.
    pub main: Stock,
    /// Stock in the second one, when it is there at all.
    pub east: Option<Stock>,
    /// Its flash sale.
    pub flash: Option<Flash>,
}

/// A flash sale before it has a key.
#[derive(Clone, Copy)]
pub struct Flash {
    pub euro_cents: i64,
    pub pieces: i64,
    pub limit_per_customer: Option<i64>,
}

/// What came to a warehouse and what went.
#[derive(Clone, Copy)]
pub struct Stock {
    pub received: i64,
    pub sold: i64,
    pub reorder_point: i64,
}

/// A product, ready to be written.
pub struct Product {
    pub id: Uuid,
    /// The slug of its category.
    pub category: &'static str,
    pub name: String,
    pub slug: String,
    pub description: String,
    pub lowest_price: i64,
    pub created_at: Timestamp,
    pub variants: Vec<Variant>,
}

/// A variant, ready to be written.
pub struct Variant {
    pub id: Uuid,
    pub sku: String,
    pub name: String,
    pub options: Vec<(&'static str, &'static str)>,
    /// Minor units by currency code.
    pub prices: Vec<(&'static str, i64)>,
    pub levels: Vec<Level>,
    pub sale: Option<Sale>,
}

/// A flash sale, ready to be written: from the opening of the shop to its closing.
pub struct Sale {
    pub id: Uuid,
    /// Minor units by currency code.
    pub prices: Vec<(&'static str, i64)>,
    pub pieces: i64,
    pub limit_per_customer: Option<i64>,
}

/// A warehouse of the demo data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// The shop's default warehouse, whichever it is.
    Main,
    /// The second one.
    East,
}

/// A stock level, ready to be written.
pub struct Level {
    pub id: Uuid,
    pub place: Place,
    pub reorder_point: i64,
    /// At least one; their sum is what is on hand.
    pub movements: Vec<Movement>,
}

/// A line of the ledger, ready to be written.
pub struct Movement {
    pub id: Uuid,
    pub kind: &'static str,
    pub change: i64,
    pub created_at: Timestamp,
}

impl Product {
    /// The product with this index, of a shop with this currency. Nothing else decides about it:
    /// not the scale, not the time, not the database.
    pub fn at(index: u64, shop: Currency) -> Self {
        let draft = showcase::draft(index).unwrap_or_else(|| wares::draft(index));
        let (root, number) = shelf(index);
        let sku = format!("{}-{number:03}", root.prefix);
        let created_at = made_at(index);
        let slug = draft.slug.unwrap_or_else(|| slug(&format!("{} {sku}", draft.name)));
        let in_dinars = draft.in_dinars;
        let variants: Vec<Variant> = draft
            .variants
            .into_iter()
            .zip(0_u64..)
            .map(|(variant, position)| Variant {
                id: key(Kind::Variant, index, position, created_at),
                sku: format!("{sku}-{}", variant.code),
                name: variant_name(&variant.options),
                prices: prices(variant.euro_cents, in_dinars, shop),
                levels: levels(index, position, created_at, [Some(variant.main), variant.east]),
                options: variant.options,
                sale: variant.flash.map(|flash| Sale {
                    id: key(Kind::FlashSale, index, position, created_at),
                    prices: prices(flash.euro_cents, in_dinars, shop),
                    pieces: flash.pieces,
                    limit_per_customer: flash.limit_per_customer,
                }),
            })
            .collect();
        let in_shop_currency = variants.iter().flat_map(|variant| &variant.prices);
        let lowest = in_shop_currency.filter(|(code, _)| *code == shop.code());
        Self {
            id: key(Kind::Product, index, 0, created_at),
            category: draft.category,
            name: draft.name,
            slug,
            description: draft.description,
            lowest_price: lowest.map(|(_, minor)| *minor).min().unwrap_or(i64::MAX),
            created_at,
            variants,
        }
    }
}

/// The values of a variant's options: `Navy / M`.
fn variant_name(options: &[(&str, &str)]) -> String {
    let values: Vec<&str> = options.iter().map(|(_, value)| *value).collect();
    values.join(" / ")
}

fn slug(name: &str) -> String {
    crate::text::fold(name).replace(' ', "-")
}

/// Prices as a shop would set them in each currency: rounded there, not converted.
fn prices(euro_cents: i64, in_dinars: bool, shop: Currency) -> Vec<(&'static str, i64)> {
    let dollars = euro_cents * 109 / 10_000;
    let tens_of_yen = euro_cents * 16 / 100;
    let twentieths_of_dinar = euro_cents * 34 / 500;
    let mut prices =
        vec![("EUR", euro_cents), ("USD", dollars * 100 + 99), ("JPY", tens_of_yen * 10)];
    if in_dinars || shop.code() == "KWD" {
        prices.push(("KWD", twentieths_of_dinar * 50));
    }
    // A shop of yet another currency sells in it too: the euro's figure will do for a demo.
    if !prices.iter().any(|(code, _)| *code == shop.code()) {
        let minor = 10_i64.saturating_pow(shop.decimals());
        prices.push((shop.code(), (euro_cents * minor / 100).max(1)));
    }
    prices
}

fn levels(
    index: u64,
    position: u64,
    created_at: Timestamp,
    stock: [Option<Stock>; 2],
) -> Vec<Level> {
    let places = [(Place::Main, 0), (Place::East, 1)].into_iter().zip(stock);
    let levels = places.filter_map(|((place, number), stock)| {
        let (stock, part) = (stock?, position * 2 + number);
        let movement = |turn: u64, kind, change, minutes| {
            let at = created_at + TimeDelta::minutes(minutes);
            Movement {
                id: key(Kind::Movement, index, part * 2 + turn, at),
                kind,
                change,
                created_at: at,
            }
        };
        let mut movements = vec![movement(0, "RECEIPT", stock.received, 0)];
        if stock.sold > 0 {
            movements.push(movement(1, "SALE", -stock.sold, 90));
        }
        let id = key(Kind::Level, index, part, created_at);
        Some(Level { id, place, reorder_point: stock.reorder_point, movements })
    });
    levels.collect()
}
