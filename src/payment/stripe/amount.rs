//! Amounts as Stripe counts them, which for some currencies is not in their minor units.

use crate::money::{Currency, Money};
use crate::payment::stripe::api::Failure;

/// Stripe counts these in whole units. ISO 4217 gives the ariary a decimal.
const WHOLE: [&str; 15] = [
    "BIF", "CLP", "DJF", "GNF", "JPY", "KMF", "KRW", "MGA", "PYG", "RWF", "VND", "VUV", "XAF",
    "XOF", "XPF",
];
/// These in thousandths, of which the last digit must be 0.
const THOUSANDTHS: [&str; 5] = ["BHD", "JOD", "KWD", "OMR", "TND"];
/// Of these its documentation says two things, or nothing: a factor of a hundred is not guessed.
const UNCLEAR: [&str; 7] = ["UGX", "CLF", "UYW", "IQD", "LYD", "MRU", "UYI"];

/// The code that an amount is refused with which Stripe cannot take.
pub const REFUSAL: &str = "amount_not_supported";

/// How many of Stripe's units an amount is. Nothing is ever rounded: the payer is charged what they
/// were shown, or nothing.
pub fn to_stripe(money: Money) -> Result<i64, Failure> {
    convert(money).ok_or_else(|| Failure::Refused { code: REFUSAL.to_owned() })
}

fn convert(money: Money) -> Option<i64> {
    let (from, to) = (money.currency.decimals(), decimals(money.currency)?);
    let units = shift(money.minor, from, to)?;
    let takes = !THOUSANDTHS.contains(&money.currency.code()) || units % 10 == 0;
    takes.then_some(units)
}

/// How many minor units of the currency with this code so many of Stripe's are; None when they are
/// of no currency, or no whole number of its minor units.
pub fn from_stripe(units: i64, code: &str) -> Option<i64> {
    let currency = Currency::from_code(&code.to_ascii_uppercase())?;
    shift(units, decimals(currency)?, currency.decimals())
}

/// The digits after the decimal point that Stripe counts in.
fn decimals(currency: Currency) -> Option<u32> {
    let code = currency.code();
    if UNCLEAR.contains(&code) {
        None
    } else if WHOLE.contains(&code) {
        Some(0)
    } else if THOUSANDTHS.contains(&code) {
        Some(3)
    } else {
        // Also the króna, which has no decimals of its own: hundredths that end in 00.
        Some(2)
    }
}

fn shift(amount: i64, from: u32, to: u32) -> Option<i64> {
    if to >= from {
        return amount.checked_mul(10_i64.checked_pow(to - from)?);
    }
    let divisor = 10_i64.checked_pow(from - to)?;
    (amount % divisor == 0).then_some(amount / divisor)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn units(minor: i64, code: &str) -> Option<i64> {
        convert(Money { minor, currency: Currency::from_code(code).unwrap() })
    }

    #[test]
    fn amounts_are_told_in_the_units_of_each_currency() {
        assert_eq!(units(1_999, "EUR"), Some(1_999));
        assert_eq!(units(500, "JPY"), Some(500));
        assert_eq!(units(5_120, "KWD"), Some(5_120));
        // Five krónur.
        assert_eq!(units(5, "ISK"), Some(500));
        // Five ariary, of which ISO 4217 counts hundredths.
        assert_eq!(units(500, "MGA"), Some(5));
    }

    #[test]
    fn what_stripe_cannot_charge_exactly_is_refused_and_never_rounded() {
        assert_eq!(units(5_124, "KWD"), None);
        assert_eq!(units(501, "MGA"), None);
        assert_eq!(units(5, "UGX"), None);
        assert_eq!(units(i64::MAX, "ISK"), None);
        let refusal = to_stripe(Money { minor: 1, currency: Currency::from_code("KWD").unwrap() });
        assert_eq!(refusal, Err(Failure::Refused { code: REFUSAL.to_owned() }));
    }

    #[test]
    fn every_amount_comes_back_as_it_went() {
        for currency in Currency::all() {
            for minor in [0, 10, 100, 12_300, 9_999_999_900] {
                if let Some(units) = convert(Money { minor, currency }) {
                    assert_eq!(from_stripe(units, &currency.code().to_lowercase()), Some(minor));
                }
            }
        }
        assert_eq!(from_stripe(501, "isk"), None);
        assert_eq!(from_stripe(1, "nothing"), None);
    }
}
