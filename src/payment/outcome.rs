//! What is known after a provider was asked. Answers, webhooks and recovery all come to this, and
//! one function settles it.

use crate::payment::attempt::NextAction;
use serde::{Deserialize, Serialize};

/// What is known of a payment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Outcome {
    /// The money is set aside.
    Authorized {
        /// The provider's name for it.
        reference: String,
    },
    /// The money is the shop's.
    Captured {
        /// The provider's name for it.
        reference: String,
        /// How much, in minor units.
        amount: i64,
    },
    /// The provider said no; nothing was charged. Of a capture: it was refused.
    Declined {
        /// Why, in the provider's code.
        code: String,
    },
    /// The payer has to do something first.
    Pending {
        /// The provider's name for it.
        reference: String,
        /// What.
        next_action: NextAction,
    },
    /// Nothing is set aside any more.
    Voided,
    /// The provider could not be asked, or cannot do it now: nothing was done, for certain.
    Unavailable {
        /// When it may help to try again.
        retry_after_seconds: u32,
    },
    /// It may have been done or not: recovery will ask.
    Unknown,
}

/// What is known of a refund.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum RefundOutcome {
    /// The money went back.
    Succeeded {
        /// The provider's name for it.
        reference: String,
    },
    /// The provider refused.
    Failed {
        /// Why, in the provider's code.
        code: String,
    },
    /// Nothing was done, for certain: recovery will ask for it again.
    Unavailable {
        /// When it may help to try again.
        retry_after_seconds: u32,
    },
    /// It may have been done or not, or is not through: recovery will ask.
    Unknown,
}
