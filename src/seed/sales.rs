//! What the demo shop adds to the price of goods: shipping methods and tax rates. What the shop has
//! set already stays as it is.
//!
//! The rates are standard rates of value-added, goods-and-services and sales taxes as of the end of
//! 2025: those of the EU as its Commission publishes them (Taxes in Europe Database), all others as
//! the tax office of the country or state does. They are for a demo. Reduced rates, thresholds and
//! local taxes are left out, and whoever sells has to find out which tax is theirs to charge.

use crate::cart::EVERYWHERE_ELSE;
use crate::db::{DbError, DbErrorKind, Tx};
use crate::money::Currency;
use crate::seed::identity::{Kind, key, opening};
use entity::{shipping_method, shipping_price, tax_rate};
use sea_orm::sea_query::{Expr, InsertStatement, OnConflict, Query, SimpleExpr};

/// Country, region, what the tax is called, millionths, whether shipping is taxed as well.
type Rate = (&'static str, &'static str, &'static str, i64, bool);

const RATES: &[Rate] = &[
    // Where nothing is said: exports are free of tax here.
    (EVERYWHERE_ELSE, "", "No tax", 0, false),
    ("AT", "", "USt", 200_000, true),
    ("BE", "", "BTW/TVA", 210_000, true),
    ("BG", "", "DDS", 200_000, true),
    ("CY", "", "FPA", 190_000, true),
    ("CZ", "", "DPH", 210_000, true),
    ("DE", "", "USt", 190_000, true),
    ("DK", "", "Moms", 250_000, true),
    ("EE", "", "KM", 240_000, true),
    ("ES", "", "IVA", 210_000, true),
    ("FI", "", "ALV", 255_000, true),
    ("FR", "", "TVA", 200_000, true),
    ("GR", "", "FPA", 240_000, true),
    ("HR", "", "PDV", 250_000, true),
    ("HU", "", "ÁFA", 270_000, true),
    ("IE", "", "VAT", 230_000, true),
    ("IT", "", "IVA", 220_000, true),
    ("LT", "", "PVM", 210_000, true),
    ("LU", "", "TVA", 170_000, true),
    ("LV", "", "PVN", 210_000, true),
    ("MT", "", "VAT", 180_000, true),
    ("NL", "", "Btw", 210_000, true),
    ("PL", "", "PTU", 230_000, true),
    ("PT", "", "IVA", 230_000, true),
    ("RO", "", "TVA", 210_000, true),
    ("SE", "", "Moms", 250_000, true),
    ("SI", "", "DDV", 220_000, true),
    ("SK", "", "DPH", 230_000, true),
    ("CH", "", "MWST", 81_000, true),
    ("GB", "", "VAT", 200_000, true),
    ("NO", "", "MVA", 250_000, true),
    ("AU", "", "GST", 100_000, true),
    ("JP", "", "Consumption tax", 100_000, true),
    ("KW", "", "No tax", 0, false),
    ("NZ", "", "GST", 150_000, true),
    // The federal tax, and where a province harmonizes its own with it or adds one.
    ("CA", "", "GST", 50_000, true),
    ("CA", "BC", "GST + PST", 120_000, true),
    ("CA", "MB", "GST + RST", 120_000, true),
    ("CA", "NB", "HST", 150_000, true),
    ("CA", "NL", "HST", 150_000, true),
    ("CA", "NS", "HST", 140_000, true),
    ("CA", "ON", "HST", 130_000, true),
    ("CA", "PE", "HST", 150_000, true),
    ("CA", "QC", "GST + QST", 149_750, true),
    ("CA", "SK", "GST + PST", 110_000, true),
    // States' own rates, without those of counties and cities; none where none is said.
    ("US", "", "No sales tax", 0, false),
    ("US", "CA", "Sales tax", 72_500, false),
    ("US", "FL", "Sales tax", 60_000, false),
    ("US", "NY", "Sales tax", 40_000, true),
    ("US", "TX", "Sales tax", 62_500, true),
    ("US", "WA", "Sales tax", 65_000, true),
];

/// Code, name, description, and a price in euro cents from each subtotal on.
type Method = (&'static str, &'static str, &'static str, &'static [(i64, i64)]);

const METHODS: &[Method] = &[
    (
        "standard",
        "Standard",
        "In three to five working days; free for larger orders.",
        &[(0, 490), (5_000, 0)],
    ),
    ("express", "Express", "On the next working day.", &[(0, 1_290)]),
    ("pickup", "Pick-up point", "At a shop near you, in three to five working days.", &[(0, 290)]),
];

/// Prices as a shop would set them in each currency: its name, and minor units for a hundred cents.
const CURRENCIES: [(&str, i64); 6] =
    [("EUR", 100), ("USD", 100), ("GBP", 100), ("CHF", 100), ("JPY", 160), ("KWD", 350)];

/// Adds the methods and rates that are missing.
pub async fn ensure_in_txn(tx: &Tx, shop_currency: Currency) -> Result<(), DbError> {
    let mut rates = insert(
        tax_rate::Entity,
        [
            tax_rate::Column::Id,
            tax_rate::Column::Country,
            tax_rate::Column::Region,
            tax_rate::Column::Name,
            tax_rate::Column::RatePpm,
            tax_rate::Column::TaxesShipping,
            tax_rate::Column::CreatedAt,
            tax_rate::Column::UpdatedAt,
        ],
    );
    for ((country, region, name, ppm, taxes_shipping), place) in RATES.iter().zip(0_u64..) {
        let row = [
            Expr::value(key(Kind::TaxRate, place, 0, opening())),
            Expr::value(*country),
            Expr::value(*region),
            Expr::value(*name),
            Expr::value(*ppm),
            Expr::value(*taxes_shipping),
            Expr::value(opening()),
            Expr::value(opening()),
        ];
        add(&mut rates, row)?;
    }
    tx.run(&rates).await?;
    for (method, position) in METHODS.iter().zip(1_i32..) {
        ensure_method_in_txn(tx, method, position, shop_currency).await?;
    }
    Ok(())
}

/// A method that is there already keeps its prices.
async fn ensure_method_in_txn(
    tx: &Tx,
    (code, name, description, steps): &Method,
    position: i32,
    shop_currency: Currency,
) -> Result<(), DbError> {
    let mut method = insert(
        shipping_method::Entity,
        [
            shipping_method::Column::Code,
            shipping_method::Column::Name,
            shipping_method::Column::Description,
            shipping_method::Column::Position,
            shipping_method::Column::Active,
            shipping_method::Column::CreatedAt,
            shipping_method::Column::UpdatedAt,
        ],
    );
    let row = [
        Expr::value(*code),
        Expr::value(*name),
        Expr::value(*description),
        Expr::value(position),
        Expr::value(true),
        Expr::value(opening()),
        Expr::value(opening()),
    ];
    add(&mut method, row)?;
    if tx.run(&method).await? == 0 {
        return Ok(());
    }
    let mut prices = insert(
        shipping_price::Entity,
        [
            shipping_price::Column::Method,
            shipping_price::Column::Currency,
            shipping_price::Column::FromSubtotal,
            shipping_price::Column::Price,
        ],
    );
    for (currency, minor) in currencies(shop_currency) {
        for (from_cents, cents) in *steps {
            let in_currency = |cents: &i64| Expr::value(cents * minor / 100);
            let row = [
                Expr::value(*code),
                Expr::value(currency),
                in_currency(from_cents),
                in_currency(cents),
            ];
            add(&mut prices, row)?;
        }
    }
    tx.run(&prices).await.map(drop)
}

/// The currencies of the demo shop, its own among them: there the euro's figure will do.
fn currencies(shop: Currency) -> Vec<(&'static str, i64)> {
    let mut all = CURRENCIES.to_vec();
    if !all.iter().any(|(code, _)| *code == shop.code()) {
        all.push((shop.code(), 10_i64.saturating_pow(shop.decimals())));
    }
    all
}

fn insert<E: sea_orm::EntityTrait, const N: usize>(
    table: E,
    columns: [E::Column; N],
) -> InsertStatement {
    let mut insert = Query::insert();
    insert.into_table(table).columns(columns);
    insert.on_conflict(OnConflict::new().do_nothing().to_owned());
    insert
}

fn add<const N: usize>(insert: &mut InsertStatement, row: [SimpleExpr; N]) -> Result<(), DbError> {
    // Fails when a row has not one value for each column; the rows above have.
    insert.values(row).map(drop).map_err(|error| DbError {
        kind: DbErrorKind::Fault,
        constraint: None,
        message: error.to_string(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::country::Country;
    use std::collections::HashSet;

    #[test]
    fn every_place_is_there_once_and_exists() {
        let places: HashSet<_> =
            RATES.iter().map(|(country, region, ..)| (country, region)).collect();
        assert_eq!(places.len(), RATES.len());
        for (country, ..) in RATES {
            assert!(*country == EVERYWHERE_ELSE || Country::from_code(country).is_some());
        }
        assert!(RATES.iter().all(|(_, region, ..)| *region == region.to_uppercase()));
    }

    #[test]
    fn every_member_of_the_european_union_is_there() {
        let members = "AT BE BG CY CZ DE DK EE ES FI FR GR HR HU IE IT LT LU LV MT NL PL PT RO SE \
                       SI SK";
        for member in members.split(' ') {
            let rate = RATES.iter().find(|(country, ..)| *country == member);
            assert!(rate.is_some_and(|(.., ppm, _)| (170_000..=270_000).contains(ppm)), "{member}");
        }
    }

    #[test]
    fn currencies_exist_and_that_of_the_shop_is_one_of_them() {
        for shop in ["EUR", "SEK", "BHD"] {
            let shop = Currency::from_code(shop).unwrap();
            let codes: Vec<&str> = currencies(shop).into_iter().map(|(code, _)| code).collect();
            assert!(codes.contains(&shop.code()));
            assert!(codes.iter().all(|code| Currency::from_code(code).is_some()));
        }
    }
}
