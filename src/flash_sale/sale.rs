//! A flash sale as the rest of the program sees it, and the rule of what it makes of a price.

use crate::db::Timestamp;
use crate::db::page::{Cursor, CursorKey};
use crate::money::{Currency, Money};
use uuid::Uuid;

/// Where a sale stands in time, by the clock of the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FlashSaleStatus {
    /// It has not begun.
    Scheduled,
    /// It has begun and is not over.
    Running,
    /// It is over.
    Over,
}

impl FlashSaleStatus {
    /// As statements tell it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Scheduled => "SCHEDULED",
            Self::Running => "RUNNING",
            Self::Over => "OVER",
        }
    }

    /// The status that a statement told. An unknown word changes no price.
    #[must_use]
    pub fn from_word(word: &str) -> Self {
        match word {
            "RUNNING" => Self::Running,
            "SCHEDULED" => Self::Scheduled,
            _ => Self::Over,
        }
    }
}

/// A variant at a lower price for a while.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FlashSale {
    /// The key.
    pub id: Uuid,
    /// What is on sale.
    pub variant_id: Uuid,
    /// What one piece costs, at most one price a currency.
    pub prices: Vec<Money>,
    /// When it begins.
    pub starts_at: Timestamp,
    /// From then on it is over.
    pub ends_at: Timestamp,
    /// Pieces that are sold at its price at most.
    pub allocation: i64,
    /// Pieces that orders have of them.
    pub taken: i64,
    /// Pieces that one customer gets at most; None: as many as there are.
    pub limit_per_customer: Option<i64>,
    /// Where it stood when it was read.
    pub status: FlashSaleStatus,
    /// Rises when staff change it.
    pub version: i64,
    /// When it was made.
    pub created_at: Timestamp,
    /// When staff changed it last.
    pub updated_at: Timestamp,
}

impl FlashSale {
    /// Pieces that are left of its share.
    #[must_use]
    pub fn remaining(&self) -> i64 {
        self.allocation.saturating_sub(self.taken).max(0)
    }

    /// Its price in a currency.
    #[must_use]
    pub fn price(&self, currency: Currency) -> Option<Money> {
        self.prices.iter().find(|price| price.currency == currency).copied()
    }

    /// What a buyer pays instead of the list price; None when that is what they pay: the sale does
    /// not run, nothing is left of its share, it has no price in the currency, or none that is
    /// lower.
    #[must_use]
    pub fn price_below(&self, list: Money) -> Option<Money> {
        self.lower_price(list).filter(|_| self.remaining() > 0)
    }

    /// Whether a buyer pays the list price only because nothing is left of its share.
    #[must_use]
    pub fn is_sold_out(&self, list: Money) -> bool {
        self.lower_price(list).is_some() && self.remaining() == 0
    }

    fn lower_price(&self, list: Money) -> Option<Money> {
        let price = self.price(list.currency).filter(|price| price.minor < list.minor);
        price.filter(|_| self.status == FlashSaleStatus::Running)
    }

    /// Pieces that a customer can have at most who has so many already.
    #[must_use]
    pub fn most(&self, had: i64) -> i64 {
        let own = self.limit_per_customer.map_or(i64::MAX, |limit| limit.saturating_sub(had));
        own.min(self.remaining()).max(0)
    }

    /// Its place in a list of sales: by when they begin.
    #[must_use]
    pub fn place(&self) -> Cursor {
        Cursor { key: CursorKey::Time(self.starts_at), id: self.id }
    }
}

/// Pieces that an order is to have of a sale.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Take {
    /// The sale.
    pub sale_id: Uuid,
    /// Its version when the order was priced.
    pub version: i64,
    /// The SKU, for the answer when it is refused.
    pub sku: String,
    /// How many.
    pub quantity: i64,
}

/// Which sales to list.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct FlashSaleFilter {
    /// Of these SKUs.
    pub skus: Option<Vec<String>>,
    /// That stand there.
    pub status: Option<FlashSaleStatus>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn money(minor: i64, code: &str) -> Money {
        Money { minor, currency: Currency::from_code(code).unwrap() }
    }

    fn sale(price: i64, (allocation, taken): (i64, i64)) -> FlashSale {
        FlashSale {
            id: Uuid::nil(),
            variant_id: Uuid::nil(),
            prices: vec![money(price, "EUR")],
            starts_at: Timestamp::UNIX_EPOCH,
            ends_at: Timestamp::UNIX_EPOCH,
            allocation,
            taken,
            limit_per_customer: None,
            status: FlashSaleStatus::Running,
            version: 1,
            created_at: Timestamp::UNIX_EPOCH,
            updated_at: Timestamp::UNIX_EPOCH,
        }
    }

    #[test]
    fn a_price_holds_while_the_sale_runs_and_something_is_left_of_it() {
        let list = money(1_000, "EUR");
        let running = sale(800, (10, 9));
        assert_eq!(running.price_below(list), Some(money(800, "EUR")));
        assert_eq!(running.price_below(money(1_000, "USD")), None);
        assert_eq!(sale(800, (10, 10)).price_below(list), None);
        assert!(sale(800, (10, 10)).is_sold_out(list) && !running.is_sold_out(list));
        assert!(!sale(1_000, (10, 10)).is_sold_out(list), "it would be no cheaper");
        for status in [FlashSaleStatus::Scheduled, FlashSaleStatus::Over] {
            assert_eq!(FlashSale { status, ..running.clone() }.price_below(list), None);
            assert!(!FlashSale { status, ..sale(800, (10, 10)) }.is_sold_out(list));
        }
    }

    #[test]
    fn a_list_price_that_has_become_lower_is_what_is_paid() {
        assert_eq!(sale(800, (10, 0)).price_below(money(800, "EUR")), None);
        assert_eq!(sale(800, (10, 0)).price_below(money(700, "EUR")), None);
    }

    #[test]
    fn words_lead_back_to_where_a_sale_stands() {
        use FlashSaleStatus::{Over, Running, Scheduled};
        for status in [Scheduled, Running, Over] {
            assert_eq!(FlashSaleStatus::from_word(status.as_str()), status);
        }
    }

    proptest! {
        #[test]
        fn nobody_gets_more_than_is_left_nor_than_the_limit_nor_less_than_nothing(
            allocation in 1..=i64::MAX, taken in 0..=i64::MAX, limit in 1..=i64::MAX, had: i64
        ) {
            let sale = sale(1, (allocation, taken.min(allocation)));
            let limited = FlashSale { limit_per_customer: Some(limit), ..sale.clone() };
            let most = limited.most(had.max(0));
            prop_assert!(most >= 0 && most <= sale.remaining() && most <= limit);
            prop_assert!(most <= sale.most(had.max(0)));
            prop_assert_eq!(sale.most(had), sale.remaining());
        }

        #[test]
        fn a_sale_never_makes_anything_dearer(price in 0..=i64::MAX, list in 0..=i64::MAX) {
            let paid = sale(price, (5, 0)).price_below(money(list, "EUR"));
            prop_assert!(paid.is_none_or(|paid| paid.minor < list));
        }
    }
}
