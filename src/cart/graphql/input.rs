//! The inputs of mutations on carts.

use crate::cart::{Delivery, NewCart, NewLine};
use crate::graphql::scalars::{BigInt, CountryCode, CurrencyCode};
use async_graphql::{ID, InputObject};

/// A cart to be made.
#[derive(InputObject, Default)]
pub struct CartCreateInput {
    /// The currency of its amounts; the shop's own when left out.
    currency: Option<CurrencyCode>,
    /// What to put into it, at most 100 lines.
    lines: Option<Vec<CartLineInput>>,
    /// Sending the same again with this key answers with the same cart. A guest's needs at least 16
    /// characters, which nobody can guess.
    pub(super) idempotency_key: Option<String>,
}

impl From<CartCreateInput> for NewCart {
    fn from(input: CartCreateInput) -> Self {
        Self {
            currency: input.currency.map(|currency| currency.0),
            lines: lines(input.lines.unwrap_or_default()),
        }
    }
}

/// A variant and how many of it.
#[derive(InputObject)]
pub struct CartLineInput {
    /// The SKU of the variant.
    sku: String,
    /// How many: 1 to 999; in cartLinesUpdate also 0, which takes the line out.
    quantity: i32,
}

pub(super) fn lines(lines: Vec<CartLineInput>) -> Vec<NewLine> {
    let lines = lines.into_iter();
    lines.map(|line| NewLine { sku: line.sku, quantity: line.quantity.into() }).collect()
}

/// What to put into a cart.
#[derive(InputObject)]
pub struct CartLinesAddInput {
    /// The cart.
    pub(super) cart_id: ID,
    /// The variants, 1 to 100. One that is named twice is added up, as is one that is there already.
    pub(super) lines: Vec<CartLineInput>,
    /// Only if the cart still has this version.
    pub(super) expected_version: Option<BigInt>,
    /// Sending the same again with this key adds nothing.
    pub(super) idempotency_key: Option<String>,
}

/// Which quantities to set in a cart.
#[derive(InputObject)]
pub struct CartLinesUpdateInput {
    /// The cart.
    pub(super) cart_id: ID,
    /// The variants, 1 to 100, each once, with how many of it shall be there: 0 takes it out.
    pub(super) lines: Vec<CartLineInput>,
    /// Only if the cart still has this version.
    pub(super) expected_version: Option<BigInt>,
    /// Sending the same again with this key changes nothing.
    pub(super) idempotency_key: Option<String>,
}

/// Which cart to empty.
#[derive(InputObject)]
pub struct CartClearInput {
    /// The cart.
    pub(super) cart_id: ID,
    /// Only if the cart still has this version.
    pub(super) expected_version: Option<BigInt>,
    /// Sending the same again with this key changes nothing.
    pub(super) idempotency_key: Option<String>,
}

/// Which guest's cart to put into one's own.
#[derive(InputObject)]
pub struct CartMergeInput {
    /// The guest's cart.
    pub(super) cart_id: ID,
    /// Sending the same again with this key answers the same warnings.
    pub(super) idempotency_key: Option<String>,
}

/// Where the goods of a cart go, and how. What is left out stays as it is.
#[derive(InputObject)]
pub struct CartDeliverySetInput {
    /// The cart.
    pub(super) cart_id: ID,
    /// The country. With it the whole destination is another: region and postal code are those of
    /// this input, or none.
    country: Option<CountryCode>,
    /// State, province or the like, at most 100 characters. Where the tax depends on it, its code
    /// of ISO 3166-2, such as `CA` or `US-CA`.
    region: Option<String>,
    /// The postal code, at most 20 characters.
    postal_code: Option<String>,
    /// The code of one of the cart's `shippingMethods`.
    shipping_method: Option<String>,
    /// Only if the cart still has this version.
    pub(super) expected_version: Option<BigInt>,
    /// Sending the same again with this key changes nothing.
    pub(super) idempotency_key: Option<String>,
}

impl From<CartDeliverySetInput> for Delivery {
    fn from(input: CartDeliverySetInput) -> Self {
        Self {
            country: input.country.map(|country| country.0),
            region: input.region,
            postal_code: input.postal_code,
            shipping_method: input.shipping_method,
        }
    }
}
