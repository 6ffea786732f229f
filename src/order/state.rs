//! What can become of an order: one table.

use serde::{Deserialize, Serialize};

/// Whether the shop sells or buys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum OrderKind {
    /// A customer buys.
    Sale,
    /// The shop orders from a supplier.
    Purchase,
}

impl OrderKind {
    /// As it stands in the database.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Sale => "SALE",
            Self::Purchase => "PURCHASE",
        }
    }

    /// The kind that the database's word means; a CHECK names the words.
    #[must_use]
    pub fn from_word(word: &str) -> Self {
        if word == "PURCHASE" { Self::Purchase } else { Self::Sale }
    }
}

macro_rules! statuses {
    ($($(#[doc = $about:literal])+ $status:ident $word:literal -> $([$($next:ident),*])?,)+) => {
        /// Where an order stands.
        #[derive(
            Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize,
        )]
        pub enum OrderStatus {
            $($(#[doc = $about])+ $status,)+
        }

        impl OrderStatus {
            /// Every status.
            pub const ALL: &'static [Self] = &[$(Self::$status,)+];

            /// As it stands in the database and in the schema.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$status => $word,)+ }
            }

            /// What can come next.
            #[must_use]
            pub const fn transitions(self) -> &'static [Self] {
                match self { $(Self::$status => &[$($(Self::$next),*)?],)+ }
            }

            /// The status of this name.
            #[must_use]
            pub fn from_word(word: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|status| status.as_str() == word)
            }
        }
    };
}

statuses! {
    /// A sale that is not paid yet; its stock is held for a while.
    PendingPayment "PENDING_PAYMENT" -> [Authorized, Paid, Cancelled],
    /// A sale whose payment is authorized, to be captured at fulfilment.
    Authorized "AUTHORIZED" -> [Paid, Fulfilled, Cancelled],
    /// A sale that is paid.
    Paid "PAID" -> [Fulfilled, Cancelled, Refunded],
    /// A sale that has left the warehouse.
    Fulfilled "FULFILLED" -> [Completed, Refunded],
    /// A sale that is through.
    Completed "COMPLETED" -> [Refunded],
    /// Called off: nothing is held and nothing is owed.
    Cancelled "CANCELLED" -> ,
    /// A sale whose money went back in full.
    Refunded "REFUNDED" -> ,
    /// A purchase that is being written.
    Draft "DRAFT" -> [Ordered, Cancelled],
    /// A purchase that the supplier has.
    Ordered "ORDERED" -> [Received, Cancelled],
    /// A purchase that has arrived in full.
    Received "RECEIVED" -> ,
}

impl OrderStatus {
    /// Whether this one can come next.
    #[must_use]
    pub fn may_become(self, next: Self) -> bool {
        self.transitions().contains(&next)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use OrderStatus as S;

    #[test]
    fn the_table_is_that_of_the_contract() {
        let table = [
            (S::PendingPayment, vec![S::Authorized, S::Paid, S::Cancelled]),
            (S::Authorized, vec![S::Paid, S::Fulfilled, S::Cancelled]),
            (S::Paid, vec![S::Fulfilled, S::Cancelled, S::Refunded]),
            (S::Fulfilled, vec![S::Completed, S::Refunded]),
            (S::Completed, vec![S::Refunded]),
            (S::Cancelled, vec![]),
            (S::Refunded, vec![]),
            (S::Draft, vec![S::Ordered, S::Cancelled]),
            (S::Ordered, vec![S::Received, S::Cancelled]),
            (S::Received, vec![]),
        ];
        assert_eq!(table.len(), S::ALL.len());
        for (from, next) in table {
            for to in S::ALL.iter().copied() {
                assert_eq!(from.may_become(to), next.contains(&to), "{from:?} -> {to:?}");
            }
        }
    }

    #[test]
    fn words_lead_back() {
        for status in S::ALL.iter().copied() {
            assert_eq!(S::from_word(status.as_str()), Some(status));
        }
        assert_eq!(S::from_word("LOST"), None);
    }
}
