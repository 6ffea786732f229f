//! What goods cost with shipping and tax: the one place where amounts are multiplied, taxed and
//! added up, for carts, checkouts and orders that staff enter. Prices are net; the tax of each line
//! is rounded half to even, and the parts add up to the total exactly, in every currency.

/// A line costs no more, in minor units.
pub const MAX_LINE_TOTAL: i64 = 1_000_000_000_000;
/// A whole order costs no more: what a JSON number holds exactly.
pub const MAX_TOTAL: i64 = 9_007_199_254_740_992;

/// Parts in the whole of a rate: rates are millionths.
const WHOLE_PPM: i128 = 1_000_000;

/// Pieces of one kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Goods {
    /// What one costs, in minor units.
    pub unit_price: i64,
    /// How many.
    pub quantity: i64,
}

/// What is added to the price of goods.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Terms {
    /// What sending them costs, in minor units.
    pub shipping: i64,
    /// The tax, in millionths.
    pub rate_ppm: i64,
    /// Whether shipping is taxed as well.
    pub taxes_shipping: bool,
}

/// What it all comes to, in minor units.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Amounts {
    /// The price and the tax of each line.
    pub lines: Vec<LineAmounts>,
    /// The sum of the lines, before tax.
    pub subtotal: i64,
    /// What sending costs, before tax.
    pub shipping: i64,
    /// The tax on that.
    pub shipping_tax: i64,
    /// All tax, that on shipping included.
    pub tax: i64,
    /// `subtotal + shipping + tax`, exactly.
    pub total: i64,
}

/// A line's part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct LineAmounts {
    /// Price times quantity.
    pub total: i64,
    /// The tax on it.
    pub tax: i64,
}

/// Why goods have no price.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TooMuch {
    /// This line, counted from 0, comes to more than [`MAX_LINE_TOTAL`].
    #[error("line {0} comes to more than a line may")]
    Line(usize),
    /// All of it comes to more than [`MAX_TOTAL`].
    #[error("all of it comes to more than an order may")]
    Total,
}

/// What one line costs, before tax; None when that is more than [`MAX_LINE_TOTAL`], or when price
/// or quantity are negative.
pub(crate) fn line_total(goods: Goods) -> Option<i64> {
    let total = goods.unit_price.checked_mul(goods.quantity)?;
    let sane = goods.unit_price >= 0 && goods.quantity >= 0 && total <= MAX_LINE_TOTAL;
    sane.then_some(total)
}

/// What all of it costs, before shipping and tax.
pub(crate) fn subtotal(goods: &[Goods]) -> Result<i64, TooMuch> {
    let mut sum: i64 = 0;
    for (index, goods) in goods.iter().enumerate() {
        let total = line_total(*goods).ok_or(TooMuch::Line(index))?;
        sum = add(sum, total)?;
    }
    Ok(sum)
}

/// What all of it costs.
pub(crate) fn price(goods: &[Goods], terms: &Terms) -> Result<Amounts, TooMuch> {
    let subtotal = subtotal(goods)?;
    let shipping_rate = if terms.taxes_shipping { terms.rate_ppm } else { 0 };
    let shipping_tax = tax(terms.shipping, shipping_rate)?;
    let mut lines = Vec::with_capacity(goods.len());
    let mut all_tax = shipping_tax;
    for (index, goods) in goods.iter().enumerate() {
        let total = line_total(*goods).ok_or(TooMuch::Line(index))?;
        let tax = tax(total, terms.rate_ppm)?;
        all_tax = add(all_tax, tax)?;
        lines.push(LineAmounts { total, tax });
    }
    let total = add(add(subtotal, terms.shipping)?, all_tax)?;
    Ok(Amounts { lines, subtotal, shipping: terms.shipping, shipping_tax, tax: all_tax, total })
}

/// So many millionths of an amount, rounded to the nearest minor unit; what lies in the middle goes
/// to the even one, so that many halves do not add up to one side.
fn tax(amount: i64, rate_ppm: i64) -> Result<i64, TooMuch> {
    // 64 by 64 bits always fit into 128.
    let exact = i128::from(amount) * i128::from(rate_ppm);
    let (down, rest) = (exact.div_euclid(WHOLE_PPM), exact.rem_euclid(WHOLE_PPM));
    let is_odd = down.rem_euclid(2) == 1;
    let up = rest * 2 > WHOLE_PPM || (rest * 2 == WHOLE_PPM && is_odd);
    i64::try_from(down + i128::from(up)).map_err(|_| TooMuch::Total)
}

fn add(one: i64, other: i64) -> Result<i64, TooMuch> {
    one.checked_add(other).filter(|sum| *sum <= MAX_TOTAL).ok_or(TooMuch::Total)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::money::{Currency, Money};
    use proptest::prelude::*;
    use rust_decimal::{Decimal, RoundingStrategy};

    /// One each of 0, 2 and 3 decimals.
    const CURRENCIES: [&str; 3] = ["JPY", "EUR", "KWD"];

    fn goods(unit_price: i64, quantity: i64) -> Goods {
        Goods { unit_price, quantity }
    }

    #[test]
    fn halves_go_to_the_even_neighbour() {
        // 10 % of 5, 15, 25, 35 minor units: 0.5, 1.5, 2.5, 3.5.
        let taxes = [5, 15, 25, 35].map(|amount| tax(amount, 100_000).unwrap());
        assert_eq!(taxes, [0, 2, 2, 4]);
        assert_eq!([tax(24, 100_000), tax(26, 100_000)], [Ok(2), Ok(3)]);
    }

    #[test]
    fn tax_is_rounded_line_by_line_and_not_once_for_all() {
        // Three lines of 0.03 at 19 %: 0.0057 each, which is 0.01; of the sum it would be 0.02.
        let terms = Terms { shipping: 0, rate_ppm: 190_000, taxes_shipping: true };
        let amounts = price(&[goods(3, 1), goods(3, 1), goods(3, 1)], &terms).unwrap();
        assert_eq!((amounts.subtotal, amounts.tax, amounts.total), (9, 3, 12));
    }

    #[test]
    fn shipping_is_taxed_only_where_it_is() {
        let terms = |taxes_shipping| Terms { shipping: 490, rate_ppm: 190_000, taxes_shipping };
        let taxed = price(&[goods(1_000, 2)], &terms(true)).unwrap();
        assert_eq!((taxed.shipping_tax, taxed.tax, taxed.total), (93, 473, 2_963));
        let untaxed = price(&[goods(1_000, 2)], &terms(false)).unwrap();
        assert_eq!((untaxed.shipping_tax, untaxed.tax, untaxed.total), (0, 380, 2_870));
    }

    #[test]
    fn too_much_is_told_and_never_wraps() {
        let terms = Terms::default();
        assert_eq!(price(&[goods(1, 1), goods(i64::MAX, 2)], &terms), Err(TooMuch::Line(1)));
        assert_eq!(price(&[goods(MAX_LINE_TOTAL, 2)], &terms), Err(TooMuch::Line(0)));
        assert!(price(&[goods(MAX_LINE_TOTAL, 1)], &terms).is_ok());
        let many = vec![goods(MAX_LINE_TOTAL, 1); 9_008];
        assert_eq!(price(&many, &terms), Err(TooMuch::Total));
        assert!(price(many.get(1..).unwrap(), &terms).is_ok());
        let dear = Terms { shipping: i64::MAX, rate_ppm: 1_000_000, taxes_shipping: true };
        assert_eq!(price(&[goods(1, 1)], &dear), Err(TooMuch::Total));
    }

    #[test]
    fn nothing_negative_is_priced() {
        let terms = Terms::default();
        for bad in [goods(-1, 1), goods(1, -1), goods(-1, -1), goods(i64::MIN, -1)] {
            assert_eq!(price(&[bad], &terms), Err(TooMuch::Line(0)), "{bad:?}");
        }
    }

    #[test]
    fn a_full_cart_of_the_dearest_lines_has_a_price() {
        let terms = Terms { shipping: MAX_LINE_TOTAL, rate_ppm: 1_000_000, taxes_shipping: true };
        let amounts = price(&vec![goods(MAX_LINE_TOTAL, 1); 100], &terms).unwrap();
        assert_eq!(amounts.total, 2 * 101 * MAX_LINE_TOTAL);
    }

    fn any_goods() -> impl Strategy<Value = Vec<Goods>> {
        let one = prop_oneof![
            (0..=100_000_i64, 1..=999_i64),
            (0..=MAX_LINE_TOTAL / 999, 1..=999_i64),
            (any::<i64>(), any::<i64>()),
        ];
        prop::collection::vec(one.prop_map(|(unit, quantity)| goods(unit, quantity)), 0..20)
    }

    fn any_terms() -> impl Strategy<Value = Terms> {
        let shipping = prop_oneof![0..=100_000_i64, 0..=i64::MAX];
        let rate = prop_oneof![Just(0), Just(190_000), Just(77_000), 0..=1_000_000_i64];
        (shipping, rate, any::<bool>()).prop_map(|(shipping, rate_ppm, taxes_shipping)| Terms {
            shipping,
            rate_ppm,
            taxes_shipping,
        })
    }

    /// The same tax by decimal arithmetic, in the currency's own units.
    fn decimal_tax(minor: i64, rate_ppm: i64, currency: Currency) -> i64 {
        let money: Decimal = Money { minor, currency }.amount().parse().unwrap();
        let rate = Decimal::from_i128_with_scale(rate_ppm.into(), 6);
        let decimals = currency.decimals();
        let strategy = RoundingStrategy::MidpointNearestEven;
        let tax = (money * rate).round_dp_with_strategy(decimals, strategy);
        Money::parse(&tax.to_string(), currency).unwrap().minor
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]

        #[test]
        fn the_parts_are_the_total(goods in any_goods(), terms in any_terms()) {
            match price(&goods, &terms) {
                Ok(it) => {
                    prop_assert_eq!(it.subtotal + it.shipping + it.tax, it.total);
                    let lines: i64 = it.lines.iter().map(|line| line.total).sum();
                    prop_assert_eq!(lines, it.subtotal);
                    let taxes: i64 = it.lines.iter().map(|line| line.tax).sum();
                    prop_assert_eq!(taxes + it.shipping_tax, it.tax);
                    prop_assert!((0..=MAX_TOTAL).contains(&it.total));
                    prop_assert!(it.lines.iter().all(|line| (0..=line.total).contains(&line.tax)));
                }
                Err(TooMuch::Line(index)) => {
                    let line = goods[index];
                    let total = i128::from(line.unit_price) * i128::from(line.quantity);
                    let negative = line.unit_price < 0 || line.quantity < 0;
                    prop_assert!(negative || total > i128::from(MAX_LINE_TOTAL));
                }
                Err(TooMuch::Total) => {
                    let all: i128 = goods.iter().fold(i128::from(terms.shipping), |sum, line| {
                        sum + i128::from(line.unit_price) * i128::from(line.quantity)
                    });
                    prop_assert!(all * 2 > i128::from(MAX_TOTAL), "{all} was too much");
                }
            }
        }

        #[test]
        fn tax_is_what_decimal_arithmetic_says_in_every_currency(
            minor in 0..=MAX_LINE_TOTAL,
            rate_ppm in 0..=1_000_000_i64,
        ) {
            for code in CURRENCIES {
                let currency = Currency::from_code(code).unwrap();
                let expected = decimal_tax(minor, rate_ppm, currency);
                prop_assert_eq!(tax(minor, rate_ppm), Ok(expected), "{}", code);
            }
        }

        #[test]
        fn tax_is_never_more_than_half_a_minor_unit_off(
            minor in 0..=MAX_LINE_TOTAL,
            rate_ppm in 0..=1_000_000_i64,
        ) {
            let off = i128::from(tax(minor, rate_ppm).unwrap()) * WHOLE_PPM
                - i128::from(minor) * i128::from(rate_ppm);
            prop_assert!(off.abs() * 2 <= WHOLE_PPM);
        }

        #[test]
        fn the_order_of_lines_changes_nothing(mut goods in any_goods(), terms in any_terms()) {
            let straight = price(&goods, &terms).map(|it| (it.subtotal, it.tax, it.total));
            goods.reverse();
            let reversed = price(&goods, &terms).map(|it| (it.subtotal, it.tax, it.total));
            prop_assert_eq!(straight.ok(), reversed.ok());
        }
    }
}
