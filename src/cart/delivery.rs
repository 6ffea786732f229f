//! Where goods go, how they are sent, and what is taxed there. Pure: rows come from the service.

use crate::country::Country;
use crate::db::Timestamp;
use crate::money::Currency;
use crate::validation::{Problem, optional_line};
use uuid::Uuid;

/// In place of a country: the tax rate of wherever no other row says one.
pub const EVERYWHERE_ELSE: &str = "*";

/// Characters of a region at most, as in an address.
pub(crate) const MAX_REGION_CHARS: usize = 100;
/// Characters of a postal code at most, as in an address.
const MAX_POSTAL_CODE_CHARS: usize = 20;

/// Where goods go: as much of an address as their price depends on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Destination {
    /// The country.
    pub country: Country,
    /// State, province or the like, where there is one.
    pub region: Option<String>,
    /// The postal code, where there is one.
    pub postal_code: Option<String>,
}

impl Destination {
    /// The destination without surrounding white space, with nothing in place of empty texts.
    ///
    /// # Errors
    /// Everything that is wrong, at `region` and `postalCode`.
    pub fn checked(self) -> Result<Self, Vec<Problem>> {
        let region = some_line("region", self.region.as_deref(), MAX_REGION_CHARS);
        let postal_code =
            some_line("postalCode", self.postal_code.as_deref(), MAX_POSTAL_CODE_CHARS);
        match (region, postal_code) {
            (Ok(region), Ok(postal_code)) => Ok(Self { region, postal_code, ..self }),
            (region, postal_code) => {
                Err([region.err(), postal_code.err()].into_iter().flatten().collect())
            }
        }
    }
}

fn some_line(field: &str, text: Option<&str>, max: usize) -> Result<Option<String>, Problem> {
    let text = text.map(|text| optional_line(field, text, max)).transpose()?;
    Ok(text.filter(|text| !text.is_empty()))
}

/// A way in which goods can be sent, with its price for one subtotal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShippingMethod {
    /// Names it for ever.
    pub code: String,
    /// For people.
    pub name: String,
    /// More for people; empty when there is nothing to say.
    pub description: String,
    /// In minor units of the currency of what is sent.
    pub price: i64,
}

/// A way in which goods are sent, as staff set it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShippingSettings {
    /// Names it for ever.
    pub code: String,
    /// For people.
    pub name: String,
    /// More for people; empty when there is nothing to say.
    pub description: String,
    /// Where it goes; None: everywhere.
    pub countries: Option<Vec<Country>>,
    /// Methods are shown in the order of their positions.
    pub position: i32,
    /// Whether it can be chosen.
    pub active: bool,
    /// What it costs, by currency and subtotal.
    pub prices: Vec<ShippingPrice>,
    /// Rises with each change.
    pub version: i64,
    /// When it was changed last.
    pub updated_at: Timestamp,
}

/// What a method costs from a subtotal on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ShippingPrice {
    /// Of both amounts.
    pub currency: Currency,
    /// The least subtotal that it is the price for, in minor units.
    pub from_subtotal: i64,
    /// In minor units.
    pub price: i64,
}

impl ShippingSettings {
    /// Whether it can be chosen for goods that go there; while nobody knows where, it can.
    #[must_use]
    pub fn serves(&self, destination: Option<&Destination>) -> bool {
        let there = |destination: &Destination| match &self.countries {
            Some(countries) => countries.contains(&destination.country),
            None => true,
        };
        self.active && destination.is_none_or(there)
    }

    /// The price for a subtotal: that of the highest step which it reaches. None: not for this
    /// currency, or not for so little.
    #[must_use]
    pub fn price(&self, currency: Currency, subtotal: i64) -> Option<i64> {
        let reached = self
            .prices
            .iter()
            .filter(|step| step.currency == currency && step.from_subtotal <= subtotal);
        reached.max_by_key(|step| step.from_subtotal).map(|step| step.price)
    }

    /// The method as a buyer of so much sees it; None when they cannot choose it.
    pub(crate) fn offer(
        &self,
        (currency, subtotal): (Currency, i64),
        destination: Option<&Destination>,
    ) -> Option<ShippingMethod> {
        let price = self.price(currency, subtotal).filter(|_| self.serves(destination))?;
        let (code, name, description) =
            (self.code.clone(), self.name.clone(), self.description.clone());
        Some(ShippingMethod { code, name, description, price })
    }
}

/// The tax on what is sent to a place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaxRate {
    /// The key.
    pub id: Uuid,
    /// The country; None: everywhere else.
    pub country: Option<Country>,
    /// A region of the country; None: the whole of it.
    pub region: Option<String>,
    /// What the tax is called there.
    pub name: String,
    /// Millionths: 190,000 are 19 %.
    pub rate_ppm: i64,
    /// Whether shipping is taxed as well.
    pub taxes_shipping: bool,
    /// Rises with each change.
    pub version: i64,
    /// When it was changed last.
    pub updated_at: Timestamp,
}

/// The rate of a place: its region's, else its country's, else that of everywhere else. None: the
/// shop does not know, and does not sell there.
#[must_use]
pub(crate) fn rate_for<'a>(rates: &'a [TaxRate], place: &Destination) -> Option<&'a TaxRate> {
    let matches = |rate: &&TaxRate| match (&rate.country, &rate.region) {
        (None, _) => true,
        (Some(country), None) => *country == place.country,
        (Some(country), Some(region)) => {
            *country == place.country
                && place.region.as_deref().is_some_and(|text| is_region(text, *country, region))
        }
    };
    let precision = |rate: &&TaxRate| (rate.country.is_some(), rate.region.is_some());
    rates.iter().filter(matches).max_by_key(precision)
}

/// Whether a buyer's text names a region: `CA`, `ca` and the `US-CA` of ISO 3166-2 do.
fn is_region(text: &str, country: Country, region: &str) -> bool {
    let text = text.trim();
    let prefixed = text.split_once('-').filter(|(of, _)| of.eq_ignore_ascii_case(country.code()));
    let part = prefixed.map_or(text, |(_, part)| part);
    part.to_lowercase() == region.to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn country(code: &str) -> Country {
        Country::from_code(code).unwrap()
    }

    fn rate(of: Option<&str>, region: Option<&str>, rate_ppm: i64) -> TaxRate {
        TaxRate {
            id: Uuid::nil(),
            country: of.map(country),
            region: region.map(str::to_owned),
            name: String::new(),
            rate_ppm,
            taxes_shipping: true,
            version: 1,
            updated_at: Timestamp::UNIX_EPOCH,
        }
    }

    fn place(code: &str, region: Option<&str>) -> Destination {
        let region = region.map(str::to_owned);
        Destination { country: country(code), region, postal_code: None }
    }

    #[test]
    fn the_most_specific_rate_wins_whatever_the_order_of_rows() {
        let mut rates =
            vec![rate(Some("US"), Some("CA"), 3), rate(None, None, 1), rate(Some("US"), None, 2)];
        for _ in 0..rates.len() {
            rates.rotate_left(1);
            let ppm =
                |code, region| rate_for(&rates, &place(code, region)).map(|rate| rate.rate_ppm);
            assert_eq!(ppm("US", Some("CA")), Some(3));
            assert_eq!(ppm("US", Some(" us-ca ")), Some(3));
            assert_eq!(ppm("US", Some("CAL")), Some(2));
            assert_eq!(ppm("US", None), Some(2));
            assert_eq!(ppm("DE", Some("CA")), Some(1));
        }
    }

    #[test]
    fn without_a_row_nobody_knows_the_tax() {
        assert_eq!(rate_for(&[rate(Some("DE"), None, 190_000)], &place("FR", None)), None);
    }

    #[test]
    fn a_region_of_another_country_is_not_meant() {
        let rates = [rate(Some("US"), Some("CA"), 3)];
        assert_eq!(rate_for(&rates, &place("US", Some("DE-CA"))), None);
    }

    #[test]
    fn shipping_costs_what_the_highest_step_says() {
        let eur = Currency::from_code("EUR").unwrap();
        let step = |from_subtotal, price| ShippingPrice { currency: eur, from_subtotal, price };
        let settings = ShippingSettings {
            code: "standard".to_owned(),
            name: String::new(),
            description: String::new(),
            countries: Some(vec![country("DE")]),
            position: 1,
            active: true,
            prices: vec![step(5_000, 0), step(1_000, 490)],
            version: 1,
            updated_at: Timestamp::UNIX_EPOCH,
        };
        let price = |subtotal| settings.price(eur, subtotal);
        assert_eq!(
            [price(999), price(1_000), price(4_999), price(5_000), price(i64::MAX)],
            [None, Some(490), Some(490), Some(0), Some(0)]
        );
        assert_eq!(settings.price(Currency::from_code("JPY").unwrap(), 5_000), None);
        assert!(settings.serves(None) && settings.serves(Some(&place("DE", None))));
        assert!(!settings.serves(Some(&place("FR", None))));
        assert!(!ShippingSettings { active: false, ..settings }.serves(None));
    }

    #[test]
    fn a_destination_has_no_empty_texts_and_no_overlong_ones() {
        let asked = |region: &str, code: &str| {
            Destination {
                country: country("DE"),
                region: Some(region.to_owned()),
                postal_code: Some(code.to_owned()),
            }
            .checked()
        };
        assert_eq!(asked(" ", ""), Ok(place("DE", None)));
        let wrong = asked(&"x".repeat(101), "1\n2").unwrap_err();
        let paths: Vec<_> = wrong.iter().map(|problem| problem.path.join(".")).collect();
        assert_eq!(paths, ["region", "postalCode"]);
    }
}
