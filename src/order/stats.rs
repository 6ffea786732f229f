//! What is counted of orders, apart from any database: how often something happened on a day, and
//! how many stand where. Each change of an order says what it adds, so that no figure is ever
//! counted anew from the orders.

use crate::money::{Currency, Money};
use crate::order::{Order, OrderKind, OrderStatus};
use chrono::NaiveDate;
use std::collections::BTreeMap;

/// Something that is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Measure {
    /// Sales placed, with their totals.
    Placed,
    /// Sales that became paid, with the money that was taken; what came for one that was cancelled
    /// by then is money and no sale.
    Paid,
    /// Sales cancelled, also because nobody paid, with their totals.
    Cancelled,
    /// Refunds of sales, with what went back.
    Refunded,
    /// Orders that stand here now; on no day.
    Standing(OrderStatus),
}

/// How often, and how much of the currency's smallest unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Figures {
    /// How often.
    pub count: i64,
    /// How much in all.
    pub amount: i64,
}

impl Figures {
    /// Both together.
    #[must_use]
    pub const fn plus(self, other: Self) -> Self {
        Self {
            count: self.count.saturating_add(other.count),
            amount: self.amount.saturating_add(other.amount),
        }
    }
}

/// What an order's change moved, in the smallest unit of its currency.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Moved {
    /// Taken for the order.
    pub paid: i64,
    /// Gone back.
    pub refunded: i64,
}

/// The day of what stands and did not happen on one.
pub const NO_DAY: &str = "";

impl Measure {
    /// What happens on a day.
    pub const DAILY: [Self; 4] = [Self::Placed, Self::Paid, Self::Cancelled, Self::Refunded];

    /// As it stands in the database.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Placed => "placed",
            Self::Paid => "paid",
            Self::Cancelled => "cancelled",
            Self::Refunded => "refunded",
            Self::Standing(status) => status.as_str(),
        }
    }

    /// The measure of this name.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        let daily = Self::DAILY.into_iter().find(|measure| measure.as_str() == word);
        daily.or_else(|| OrderStatus::from_word(word).map(Self::Standing))
    }

    /// Whether it happens on a day.
    #[must_use]
    pub const fn is_daily(self) -> bool {
        !matches!(self, Self::Standing(_))
    }
}

/// What an order's change adds to what is counted. `before`: where it stood, None for a new one.
#[must_use]
pub fn added_by(
    before: Option<OrderStatus>,
    order: &Order,
    moved: Moved,
) -> Vec<(Measure, Figures)> {
    let once = |amount| Figures { count: 1, amount };
    let standing = |count| Figures { count, amount: 0 };
    let mut added = Vec::new();
    if before != Some(order.status) {
        added.extend(before.map(|before| (Measure::Standing(before), standing(-1))));
        added.push((Measure::Standing(order.status), standing(1)));
    }
    if order.kind == OrderKind::Purchase {
        return added;
    }
    if before.is_none() {
        added.push((Measure::Placed, once(order.total)));
    }
    let became = |status| before != Some(status) && order.status == status;
    if became(OrderStatus::Paid) || moved.paid > 0 {
        let count = i64::from(became(OrderStatus::Paid));
        added.push((Measure::Paid, Figures { count, amount: moved.paid }));
    }
    if became(OrderStatus::Cancelled) {
        added.push((Measure::Cancelled, once(order.total)));
    }
    if moved.refunded > 0 {
        added.push((Measure::Refunded, once(moved.refunded)));
    }
    added
}

/// What was counted on one day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DayFigures {
    /// The day, in UTC.
    pub date: NaiveDate,
    figures: BTreeMap<(Measure, &'static str), Figures>,
}

/// How sales went, and where orders stand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderStats {
    /// Each day, the oldest first, without gaps.
    pub days: Vec<DayFigures>,
    /// How many orders stand where now.
    pub standing: Vec<(OrderStatus, i64)>,
}

impl DayFigures {
    /// A day on which nothing happened.
    #[must_use]
    pub const fn quiet(date: NaiveDate) -> Self {
        Self { date, figures: BTreeMap::new() }
    }

    /// Counts something of this day.
    pub fn add(&mut self, measure: Measure, currency: Currency, figures: Figures) {
        let sum = self.figures.entry((measure, currency.code())).or_default();
        *sum = sum.plus(figures);
    }

    /// Adds what happened on another day.
    pub fn absorb(&mut self, other: &Self) {
        for (key, figures) in &other.figures {
            let sum = self.figures.entry(*key).or_default();
            *sum = sum.plus(*figures);
        }
    }

    /// How often something happened, whatever the currency.
    #[must_use]
    pub fn count(&self, measure: Measure) -> i64 {
        let of_measure = self.figures.iter().filter(|((of, _), _)| *of == measure);
        of_measure.fold(0, |sum, (_, figures)| sum.saturating_add(figures.count))
    }

    /// How much that was, in each currency that it happened in, by its code.
    #[must_use]
    pub fn amounts(&self, measure: Measure) -> Vec<Money> {
        let of_measure = self.figures.iter().filter(|((of, _), _)| *of == measure);
        let money = of_measure.filter_map(|((_, code), figures)| {
            Some(Money { minor: figures.amount, currency: Currency::from_code(code)? })
        });
        money.collect()
    }
}

/// A figure that is not what a recount finds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatDifference {
    /// The day; empty for what stands.
    pub day: String,
    /// The currency.
    pub currency: String,
    /// What was counted.
    pub measure: String,
    /// What the figures say.
    pub kept: Figures,
    /// What the orders and their history say.
    pub counted: Figures,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_lead_back() {
        let standing = OrderStatus::ALL.iter().copied().map(Measure::Standing);
        for measure in Measure::DAILY.into_iter().chain(standing) {
            assert_eq!(Measure::from_word(measure.as_str()), Some(measure));
            assert_eq!(measure.is_daily(), Measure::DAILY.contains(&measure));
        }
        assert_eq!(Measure::from_word("LOST"), None);
    }

    #[test]
    fn a_day_sums_counts_over_currencies_and_amounts_within_them() {
        let [euro, yen] = ["EUR", "JPY"].map(|code| Currency::from_code(code).unwrap());
        let date = NaiveDate::from_ymd_opt(2026, 2, 28).unwrap();
        let mut day = DayFigures::quiet(date);
        day.add(Measure::Paid, yen, Figures { count: 2, amount: 700 });
        day.add(Measure::Paid, euro, Figures { count: 1, amount: 490 });
        day.add(Measure::Placed, euro, Figures { count: 1, amount: 490 });
        let mut both = day.clone();
        both.absorb(&day);

        assert_eq!(both.count(Measure::Paid), 6);
        let money = |minor, currency| Money { minor, currency };
        assert_eq!(both.amounts(Measure::Paid), [money(980, euro), money(1_400, yen)]);
        assert_eq!(both.amounts(Measure::Refunded), []);
    }
}
