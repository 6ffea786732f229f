//! Amounts of money: an integer of minor units and a currency, with checked arithmetic.

use rust_decimal::Decimal;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;

/// A currency of ISO 4217 that has minor units (or none, as the yen).
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Currency(iso_currency::Currency);

impl Currency {
    /// The currency of this alphabetic code, if ISO 4217 has it and it has minor units.
    #[must_use]
    pub fn from_code(code: &str) -> Option<Self> {
        let currency = iso_currency::Currency::from_code(code)?;
        Self::usable(currency).then_some(Self(currency))
    }

    /// Its alphabetic code, such as `EUR`.
    #[must_use]
    pub fn code(self) -> &'static str {
        self.0.code()
    }

    /// Its English name.
    #[must_use]
    pub fn name(&self) -> &str {
        self.0.name()
    }

    /// Digits after the decimal point: 2 for the euro, 0 for the yen, 3 for the Kuwaiti dinar.
    #[must_use]
    pub fn decimals(self) -> u32 {
        self.0.exponent().map_or(0, u32::from)
    }

    /// All of them, by code.
    #[must_use]
    pub fn all() -> Vec<Self> {
        use iso_currency::IntoEnumIterator;
        let mut all: Vec<Self> = iso_currency::Currency::iter()
            .filter(|currency| Self::usable(*currency))
            .map(Self)
            .collect();
        all.sort_by_key(|currency| currency.code());
        all
    }

    // Precious metals, bond units and test codes have no minor unit: nothing can cost them.
    fn usable(currency: iso_currency::Currency) -> bool {
        currency.exponent().is_some() && !matches!(currency.code(), "XXX" | "XTS")
    }
}

impl fmt::Debug for Currency {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.code())
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.code())
    }
}

impl Serialize for Currency {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.code())
    }
}

impl<'de> Deserialize<'de> for Currency {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let code = String::deserialize(deserializer)?;
        Self::from_code(&code).ok_or_else(|| serde::de::Error::custom("unknown currency"))
    }
}

/// An amount in one currency.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Money {
    /// Minor units: cents for the euro, yen for the yen.
    pub minor: i64,
    /// The currency that the units are of.
    pub currency: Currency,
}

/// Why an amount cannot be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum MoneyError {
    /// Not a decimal number such as `19.90`.
    #[error("is not a decimal number such as \"19.90\"")]
    NotADecimal,
    /// More digits after the point than the currency has.
    #[error("has more than the {0} decimals that its currency allows")]
    TooManyDecimals(u32),
    /// Beyond what 64 bits of minor units hold.
    #[error("is too large")]
    TooLarge,
    /// Two currencies cannot be added.
    #[error("is in another currency")]
    CurrencyMismatch,
}

impl Money {
    /// Reads a decimal such as `19.90`; never rounds.
    ///
    /// # Errors
    /// [`MoneyError`] when it is no number, too precise for the currency, or too large.
    pub fn parse(amount: &str, currency: Currency) -> Result<Self, MoneyError> {
        let plain = amount.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'.' | b'-'));
        if !plain || amount.len() > 32 {
            return Err(MoneyError::NotADecimal);
        }
        let decimal = Decimal::from_str_exact(amount).map_err(|_| MoneyError::NotADecimal)?;
        let scale = currency.decimals();
        if decimal.normalize().scale() > scale {
            return Err(MoneyError::TooManyDecimals(scale));
        }
        let factor = Decimal::from(10_u64.checked_pow(scale).ok_or(MoneyError::TooLarge)?);
        let minor = decimal.checked_mul(factor).ok_or(MoneyError::TooLarge)?;
        let minor = i64::try_from(minor.normalize()).map_err(|_| MoneyError::TooLarge)?;
        Ok(Self { minor, currency })
    }

    /// The amount as a decimal with all the currency's decimals: `19.90`, `1990` for the yen.
    #[must_use]
    pub fn amount(&self) -> String {
        Decimal::from_i128_with_scale(i128::from(self.minor), self.currency.decimals()).to_string()
    }

    /// The sum.
    ///
    /// # Errors
    /// [`MoneyError::CurrencyMismatch`] and [`MoneyError::TooLarge`].
    pub fn checked_add(self, other: Self) -> Result<Self, MoneyError> {
        if self.currency != other.currency {
            return Err(MoneyError::CurrencyMismatch);
        }
        let minor = self.minor.checked_add(other.minor).ok_or(MoneyError::TooLarge)?;
        Ok(Self { minor, ..self })
    }

    /// The amount for so many pieces.
    ///
    /// # Errors
    /// [`MoneyError::TooLarge`].
    pub fn checked_mul(self, quantity: i64) -> Result<Self, MoneyError> {
        let minor = self.minor.checked_mul(quantity).ok_or(MoneyError::TooLarge)?;
        Ok(Self { minor, ..self })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn currency(code: &str) -> Currency {
        Currency::from_code(code).unwrap()
    }

    #[test]
    fn decimals_follow_the_currency() {
        assert_eq!(Money::parse("19.90", currency("EUR")).unwrap().minor, 1990);
        assert_eq!(Money::parse("1990", currency("JPY")).unwrap().minor, 1990);
        assert_eq!(Money::parse("1.234", currency("KWD")).unwrap().minor, 1234);
        assert_eq!(Money::parse("1.230", currency("EUR")).unwrap().amount(), "1.23");
    }

    #[test]
    fn too_precise_amounts_are_refused_and_never_rounded() {
        assert_eq!(Money::parse("0.001", currency("EUR")), Err(MoneyError::TooManyDecimals(2)));
        assert_eq!(Money::parse("0.5", currency("JPY")), Err(MoneyError::TooManyDecimals(0)));
    }

    #[test]
    fn what_is_no_number_or_too_large_is_refused() {
        for text in ["", "1e3", "1,0", " 1", "NaN", "--1", ".", "1_000"] {
            assert_eq!(Money::parse(text, currency("EUR")), Err(MoneyError::NotADecimal), "{text}");
        }
        assert_eq!(
            Money::parse("92233720368547758.08", currency("EUR")),
            Err(MoneyError::TooLarge)
        );
    }

    #[test]
    fn currencies_do_not_mix() {
        let euro = Money { minor: 1, currency: currency("EUR") };
        let yen = Money { minor: 1, currency: currency("JPY") };
        assert_eq!(euro.checked_add(yen), Err(MoneyError::CurrencyMismatch));
    }

    proptest! {
        #[test]
        fn amounts_survive_the_wire(minor: i64, index in 0usize..150) {
            let all = Currency::all();
            let currency = all[index % all.len()];
            let money = Money { minor, currency };
            prop_assert_eq!(Money::parse(&money.amount(), currency), Ok(money));
        }
    }
}
