//! An alert, and what it can be about.

use crate::db::Timestamp;
use serde::Serialize;
use uuid::Uuid;

/// Characters of a note at most.
pub const NOTE_CHARS_MAX: usize = 500;

macro_rules! words {
    ($(#[doc = $of:literal])+ $enum:ident { $($(#[doc = $about:literal])+ $word:ident $name:literal,)+ }) => {
        $(#[doc = $of])+
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum $enum {
            $($(#[doc = $about])+ $word,)+
        }

        impl $enum {
            /// Every one.
            pub const ALL: &'static [Self] = &[$(Self::$word,)+];

            /// Its name, in the schema and in the database.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$word => $name,)+ }
            }

            /// What it means.
            #[must_use]
            pub fn about(self) -> &'static str {
                match self { $(Self::$word => concat!($($about),+).trim_start(),)+ }
            }

            /// The one of this name.
            #[must_use]
            pub fn from_name(name: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|it| it.name() == name)
            }
        }
    };
}

words! {
    /// Why an alert is raised.
    Rule {
        /// More than 5 % of the operations of the last 5 minutes, of at least 20, failed for a fault
        /// of the server; of fewer, 5 of them and half. Resolves below 4 %, and of fewer than 20
        /// when none does.
        ErrorRate "ERROR_RATE",
        /// Fewer than 95 % of the payments of the last 15 minutes that could have been made, of at
        /// least 20, were; of fewer, 5 failed and half. Declines do not count. Resolves from 97 %
        /// on, and of fewer than 20 when none fails.
        PaymentSuccessRate "PAYMENT_SUCCESS_RATE",
        /// In the last hour a constraint of the database had to save the stock.
        StockConflicts "STOCK_CONFLICTS",
        /// A payment provider is not called, because too many calls failed. The subject is the
        /// provider.
        CircuitOpen "CIRCUIT_OPEN",
        /// Of a SKU on sale, no more pieces than its reorder point can be sold. The subject is the
        /// SKU. Of more than 1,000 such SKUs those with a reorder point above 0 come first.
        LowStock "LOW_STOCK",
        /// A component of the server is away or not well, in two looks of a process in a row. The
        /// subject is the component. While the database is away nothing can be raised: that is
        /// raised afterwards, as of the beginning.
        ComponentDown "COMPONENT_DOWN",
    }
}

words! {
    /// How bad it is.
    Severity {
        /// Somebody should look at it today.
        Warning "WARNING",
        /// Somebody should look at it now.
        Critical "CRITICAL",
    }
}

words! {
    /// Where an alert stands.
    Status {
        /// There is a reason for it, and nobody has acknowledged it.
        Open "OPEN",
        /// There is a reason for it, and somebody looks after it.
        Acknowledged "ACKNOWLEDGED",
        /// There is no reason for it any more. It stays as it is; a new reason is a new alert.
        Resolved "RESOLVED",
    }
}

/// An alert.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alert {
    /// The key.
    pub id: Uuid,
    /// Why it was raised.
    pub rule: Rule,
    /// What it is about; None: the whole shop.
    pub subject: Option<String>,
    /// How bad it is.
    pub severity: Severity,
    /// Where it stands.
    pub status: Status,
    /// In a sentence.
    pub message: String,
    /// Where the line is.
    pub threshold: String,
    /// What was measured last.
    pub measured: String,
    /// Rises with each change of status.
    pub version: i64,
    /// Since when there has been no more reason for it.
    pub quiet_since: Option<Timestamp>,
    /// When it was raised.
    pub raised_at: Timestamp,
    /// When something about it changed last.
    pub updated_at: Timestamp,
    /// When somebody acknowledged it.
    pub acknowledged_at: Option<Timestamp>,
    /// The account that did.
    pub acknowledged_by: Option<Uuid>,
    /// What they wrote.
    pub note: Option<String>,
    /// When it was resolved.
    pub resolved_at: Option<Timestamp>,
}

/// Somebody looks after an alert.
#[derive(Debug, Clone, Serialize)]
pub struct Acknowledge {
    /// Which one.
    pub id: Uuid,
    /// What they write about it.
    pub note: Option<String>,
    /// Makes repeating it harmless.
    #[serde(skip)]
    pub idempotency_key: Option<String>,
}
