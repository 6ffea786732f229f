//! What things cost in a test's shop, and what is added to that: shipping and tax.

use super::TestApp;
use chrono::TimeDelta;
use stockroom::auth::Viewer;
use stockroom::cart::{Carts, NewCart, NewLine, ShippingChange, ShippingPriceAsk, TaxChange};
use stockroom::country::Country;
use stockroom::flash_sale::{AskedPrice, FlashSales, SetFlashSale};
use stockroom::money::{Currency, Money};
use uuid::Uuid;

/// The currency of this code.
pub fn currency(code: &str) -> Currency {
    Currency::from_code(code).expect("it is a currency")
}

/// The country of this code.
pub fn country(code: &str) -> Country {
    Country::from_code(code).expect("it is a country")
}

impl TestApp {
    /// The cart service.
    pub fn carts(&self) -> &Carts {
        &self.app.services.carts
    }

    /// A variant on sale, of a product of its own, with so many pieces, at this price in EUR (in
    /// cents).
    pub async fn offers(&self, sku: &str, pieces: i64, cents: i64) -> Uuid {
        let variant = self.has(sku, pieces).await;
        self.costs(variant, "EUR", cents).await;
        variant
    }

    /// The flash sale service.
    pub fn flash_sales(&self) -> &FlashSales {
        &self.app.services.flash_sales
    }

    /// A SKU is sold at so many cents for an hour from now: so many pieces, so many a customer. Gives
    /// the key of the sale.
    pub async fn flashes(&self, sku: &str, cents: i64, pieces: i64, limit: Option<i64>) -> Uuid {
        let amount = Money { minor: cents, currency: currency("EUR") }.amount();
        let ask = SetFlashSale {
            id: None,
            sku: Some(sku.to_owned()),
            prices: vec![AskedPrice { amount, currency: currency("EUR") }],
            starts_at: None,
            ends_at: self.app.db.now() + TimeDelta::hours(1),
            allocation: pieces,
            limit_per_customer: limit,
            expected_version: None,
            idempotency_key: None,
        };
        let set = self.flash_sales().set(&Viewer::System, &ask).await;
        set.expect("the sale is set").id
    }

    /// A cart of this viewer with these SKUs in it, so many of each.
    pub async fn cart_of(&self, viewer: &Viewer, lines: &[(&str, i64)]) -> Uuid {
        let line =
            |(sku, quantity): &(&str, i64)| NewLine { sku: (*sku).to_owned(), quantity: *quantity };
        let new = NewCart { currency: None, lines: lines.iter().map(line).collect() };
        let made = self.carts().create(viewer, &new, None).await;
        made.expect("the cart is made").cart_id
    }

    /// The variant costs so much now, in minor units.
    pub async fn costs(&self, variant: Uuid, code: &str, minor: i64) {
        self.sells_not_in(variant, code).await;
        let key = self.sql_key(variant);
        self.execute(&format!("INSERT INTO variant_price VALUES ({key}, '{code}', {minor})")).await;
    }

    /// The variant is not sold in this currency any more.
    pub async fn sells_not_in(&self, variant: Uuid, code: &str) {
        let key = self.sql_key(variant);
        let which = format!("variant_id = {key} AND currency = '{code}'");
        self.execute(&format!("DELETE FROM variant_price WHERE {which}")).await;
    }

    /// The variant is not sold any more.
    pub async fn archives(&self, variant: Uuid) {
        let key = self.sql_key(variant);
        self.execute(&format!("UPDATE product_variant SET status = 'ARCHIVED' WHERE id = {key}"))
            .await;
    }

    /// What is sent there is taxed by so many millionths, shipping included. No country: everywhere
    /// else.
    pub async fn taxes(&self, code: Option<&str>, rate_ppm: i64) {
        let change = TaxChange {
            country: code.map(country),
            region: None,
            name: "VAT".to_owned(),
            rate_ppm,
            taxes_shipping: true,
            expected_version: None,
        };
        let set = self.carts().set_tax_rate(&Viewer::System, &change).await;
        set.expect("the tax rate is set");
    }

    /// There is a shipping method that goes to these countries, or everywhere, at these prices:
    /// currency, from which subtotal on, how much, in minor units.
    pub async fn ships(&self, code: &str, to: Option<&[&str]>, prices: &[(&str, i64, i64)]) {
        let price = |(code, from_subtotal, minor): &(&str, i64, i64)| {
            let amount = |minor: i64| Money { minor, currency: currency(code) }.amount();
            ShippingPriceAsk {
                currency: currency(code),
                amount: amount(*minor),
                from_subtotal: Some(amount(*from_subtotal)),
            }
        };
        let change = ShippingChange {
            code: code.to_owned(),
            name: format!("By {code}"),
            description: String::new(),
            countries: to.map(|codes| codes.iter().map(|code| country(code)).collect()),
            position: 1,
            active: true,
            prices: prices.iter().map(price).collect(),
            expected_version: None,
        };
        let set = self.carts().set_shipping_method(&Viewer::System, &change).await;
        set.expect("the shipping method is set");
    }
}
