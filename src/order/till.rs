//! What staff ask for of the payment of an order, checked apart from any database.

use crate::money::Money;
use crate::order::{Order, RefundOf};
use crate::payment::Payment;
use crate::validation::{Problem, optional_text};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Characters of a reason at most.
const MAX_REASON_CHARS: usize = 500;

/// Money that is set aside is to be taken.
#[derive(Debug, Clone, Serialize)]
pub struct CaptureAsk {
    /// Of which payment.
    pub payment_id: Uuid,
    /// How much; None: all. What is not taken is given up.
    pub amount: Option<Money>,
    /// The client's name for this try.
    #[serde(skip)]
    pub idempotency_key: Option<String>,
}

/// Money that is set aside is to be let go.
#[derive(Debug, Clone, Serialize)]
pub struct VoidAsk {
    /// Of which payment.
    pub payment_id: Uuid,
    /// Why, in words.
    pub reason: Option<String>,
    /// The client's name for this try.
    #[serde(skip)]
    pub idempotency_key: Option<String>,
}

/// Money is to go back.
#[derive(Debug, Clone, Serialize)]
pub struct PayBack {
    /// Of which payment.
    pub payment_id: Uuid,
    /// How much.
    pub of: RefundOf,
    /// Whether its goods go back on the shelf.
    pub restock: bool,
    /// Why, in words.
    pub reason: Option<String>,
    /// The client's name for this try.
    #[serde(skip)]
    pub idempotency_key: String,
}

/// A reason, tidied up.
pub(crate) fn reason(text: Option<&str>) -> Result<Option<String>, Problem> {
    let text = text.map(|text| optional_text("reason", text, MAX_REASON_CHARS)).transpose()?;
    Ok(text.filter(|text| !text.is_empty()))
}

/// Why nothing came of what a provider was asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Refusal {
    /// The provider said no, in its code.
    Declined(String),
    /// It could not be asked; when another try may help, in seconds.
    Unavailable(u32),
}

/// What asking for it came to.
#[derive(Debug, Clone)]
pub struct Dealt {
    /// The order as it is now.
    pub order: Order,
    /// The payment as it is now.
    pub payment: Payment,
    /// It is not known yet what came of it.
    pub pending: bool,
    /// It was done before, under the same key.
    pub replayed: bool,
}
