//! What the mutations on carts answer.

#![allow(dead_code, reason = "the derive writes methods for other resolvers, which need none")]

use crate::cart::graphql::{Cart, refusal};
use crate::cart::loader::CartLoaders;
use crate::cart::{CartError, Changed};
use crate::graphql::idempotency::Replayed;
use crate::graphql::{Fault, UserError, Warning};
use async_graphql::{Context, SimpleObject};

/// What became of a mutation: the same in every payload.
#[derive(Default)]
pub(super) struct Outcome {
    cart: Option<Cart>,
    user_errors: Vec<UserError>,
    warnings: Vec<Warning>,
}

/// The payloads, all of one shape.
macro_rules! payloads {
    ($($name:ident, $about:literal;)+) => {$(
        #[doc = $about]
        #[derive(SimpleObject)]
        pub struct $name {
            /// The cart as it is now; null when nothing happened, or when an earlier answer is
            /// repeated and the cart is not there any more.
            pub cart: Option<Cart>,
            /// Why nothing happened; empty when it did.
            pub user_errors: Vec<UserError>,
            /// What differs from the ask.
            pub warnings: Vec<Warning>,
        }

        impl From<Outcome> for $name {
            fn from(outcome: Outcome) -> Self {
                let Outcome { cart, user_errors, warnings } = outcome;
                Self { cart, user_errors, warnings }
            }
        }
    )+};
}

payloads! {
    CartCreatePayload, "The answer to cartCreate.";
    CartLinesAddPayload, "The answer to cartLinesAdd.";
    CartLinesUpdatePayload, "The answer to cartLinesUpdate.";
    CartDeliverySetPayload, "The answer to cartDeliverySet.";
    CartClearPayload, "The answer to cartClear.";
    CartMergePayload, "The answer to cartMerge.";
}

/// The payload of a mutation that was carried out or refused; a fault is an error of the response.
pub(super) async fn answer<T: From<Outcome>>(
    ctx: &Context<'_>,
    done: Result<Changed, CartError>,
) -> Option<Result<T, Fault>> {
    let outcome = match done {
        Ok(changed) => carried_out(ctx, changed).await,
        Err(error) => {
            refusal(error).map(|user_errors| Outcome { user_errors, ..Outcome::default() })
        }
    };
    Some(outcome.map(T::from))
}

async fn carried_out(ctx: &Context<'_>, changed: Changed) -> Result<Outcome, Fault> {
    if changed.replayed {
        ctx.data_unchecked::<Replayed>().set();
    }
    let cart = ctx.data_unchecked::<CartLoaders>().cart.get(changed.cart_id).await?.map(Cart);
    let warnings = changed.warnings.into_iter().map(Warning::from).collect();
    Ok(Outcome { cart, user_errors: Vec::new(), warnings })
}
