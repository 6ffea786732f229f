//! Carts and what is put into them, as the rest of the program sees them.

use crate::cart::Destination;
use crate::db::Timestamp;
use crate::money::Currency;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Pieces of one variant in a cart at most.
pub(crate) const MAX_QUANTITY: i64 = 999;
/// Lines of a cart at most.
pub(crate) const MAX_LINES: usize = 100;

/// An open cart, without its lines.
// Not `Debug`: the key of a guest's cart is a secret, which must not end in a log.
#[derive(Clone, PartialEq, Eq)]
pub struct Cart {
    /// The key: 128 random bits.
    pub id: Uuid,
    /// Whose it is; None: the guest's who knows the key.
    pub customer_id: Option<Uuid>,
    /// The currency of all its amounts.
    pub currency: Currency,
    /// Where the goods go, once that is known.
    pub destination: Option<Destination>,
    /// The code of the shipping method that was chosen. It may be gone meanwhile.
    pub shipping_method: Option<String>,
    /// Rises with each change.
    pub version: i64,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was changed last.
    pub updated_at: Timestamp,
    /// From then on it is not there any more; each change puts it off.
    pub expires_at: Timestamp,
}

/// A variant and how many of it, to be priced.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// The line of a cart that it is; None when it comes from elsewhere.
    pub line_id: Option<Uuid>,
    /// The variant.
    pub variant_id: Uuid,
    /// How many.
    pub quantity: i64,
    /// What one piece cost when the buyer saw it last, in minor units.
    pub seen_price: Option<i64>,
}

/// A variant to be put into a cart, or a quantity to be set, as the client wrote it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NewLine {
    /// The SKU.
    pub sku: String,
    /// How many.
    pub quantity: i64,
}

/// A line of a cart is not as it was asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LineWarning {
    /// How it differs.
    pub kind: LineWarningKind,
    /// The SKU.
    pub sku: String,
    /// How many were asked for in all.
    pub requested: i64,
    /// How many there are in the cart.
    pub quantity: i64,
    /// Where in the input.
    pub path: Vec<String>,
}

/// How a line differs from what was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LineWarningKind {
    /// A line has no more than [`MAX_QUANTITY`] pieces.
    QuantityCapped,
    /// A cart has no more than [`MAX_LINES`] lines: this one was left out.
    NoRoom,
    /// The variant is not sold in the currency of the cart: it was left out.
    CurrencyNotSold,
    /// It came from a cart in another currency and is priced in this one's now.
    CurrencyChanged,
}

/// A line as it stands in the database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Line {
    pub id: Uuid,
    pub variant_id: Uuid,
    pub position: i32,
    pub quantity: i64,
    pub seen_price: i64,
}

impl From<&Line> for Item {
    fn from(line: &Line) -> Self {
        Self {
            line_id: Some(line.id),
            variant_id: line.variant_id,
            quantity: line.quantity,
            seen_price: Some(line.seen_price),
        }
    }
}
