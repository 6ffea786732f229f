//! Carts in the schema, and the settings of sales.

mod input;
mod mutation;
mod payload;
mod query;
mod settings;
mod types;

pub use mutation::CartMutation;
pub use query::CartQuery;
pub use settings::{SalesSettingsMutation, SalesSettingsQuery};
pub use types::{Cart, ShippingMethod};

use crate::auth::Viewer;
use crate::cart::{CartError, Carts, LineWarning, LineWarningKind};
use crate::graphql::user_error::{CartLineWarning, UserErrorCode, WarningCode};
use crate::graphql::{Fault, NodeKind, UserError, Warning};
use crate::stock::graphql as stock_graphql;
use crate::stock::{StockError, graphql::pieces};
use async_graphql::{Context, ID};
use uuid::Uuid;

impl From<CartError> for Fault {
    fn from(error: CartError) -> Self {
        match error {
            CartError::Db(error) => error.into(),
            CartError::Denied(denied) => denied.into(),
            error @ (CartError::Invalid(_)
            | CartError::NotFound
            | CartError::Completed
            | CartError::VersionConflict { .. }
            | CartError::Idempotency(_)) => Self::internal(&error),
        }
    }
}

/// What a refused mutation answers; a fault stays an error of the response. Refusals that stock
/// knows as well read the same in both.
pub(crate) fn refusal(error: CartError) -> Result<Vec<UserError>, Fault> {
    match error {
        CartError::Invalid(problems) => Ok(problems.into_iter().map(UserError::from).collect()),
        CartError::NotFound => {
            let message = "There is no such cart, or not any more.";
            Ok(vec![UserError::new(UserErrorCode::NotFound, ["cartId"], message)])
        }
        CartError::Completed => {
            let message = "This cart became an order. Begin a new one.";
            Ok(vec![UserError::new(UserErrorCode::CartCompleted, ["cartId"], message)])
        }
        CartError::VersionConflict { actual } => {
            stock_graphql::refusal(StockError::VersionConflict { actual })
        }
        CartError::Idempotency(error) => stock_graphql::refusal(StockError::Idempotency(error)),
        error @ (CartError::Denied(_) | CartError::Db(_)) => Err(error.into()),
    }
}

impl From<LineWarning> for Warning {
    fn from(warning: LineWarning) -> Self {
        let LineWarning { kind, sku, requested, quantity, path } = warning;
        let (code, message) = match kind {
            LineWarningKind::QuantityCapped => (
                WarningCode::QuantityCapped,
                format!("A cart holds at most {quantity} of {sku}; {requested} were asked for."),
            ),
            LineWarningKind::NoRoom => (
                WarningCode::LineLeftOut,
                format!("The cart is full: {requested} of {sku} were left out."),
            ),
            LineWarningKind::CurrencyNotSold => (
                WarningCode::LineLeftOut,
                format!("{sku} is not sold in the currency of your cart and was left out."),
            ),
            LineWarningKind::CurrencyChanged => (
                WarningCode::CurrencyChanged,
                format!("{sku} is priced in the currency of your cart now."),
            ),
        };
        let (requested_quantity, quantity) = (pieces(requested), pieces(quantity));
        Self::CartLine(CartLineWarning { code, message, path, sku, requested_quantity, quantity })
    }
}

fn services<'a>(ctx: &Context<'a>) -> (&'a Carts, &'a Viewer) {
    (ctx.data_unchecked(), ctx.data_unchecked())
}

/// The key in a cart's id; what is no id of a cart is the key of nothing.
fn key(id: &ID) -> Uuid {
    NodeKind::Cart.key(id).unwrap_or_default()
}
