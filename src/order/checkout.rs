//! What is asked of orders, checked apart from any database.

use crate::account::{EmailAddress, PostalAddress};
use crate::money::Money;
use crate::order::{Access, GuestToken, Order, Refusal};
use crate::payment::Payment;
use crate::validation::{Problem, ProblemKind};
use serde::Serialize;
use uuid::Uuid;

/// Characters of the reason for a cancellation at most.
const MAX_REASON_CHARS: usize = 500;

/// How somebody wants to pay.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PaymentAsk {
    /// Who is asked for the money.
    pub provider: String,
    /// How, in the provider's word.
    pub method: String,
}

/// A cart to be bought.
// Not `Debug`: the key of a guest's cart is a secret.
#[derive(Clone, Serialize)]
pub struct Checkout {
    /// The cart.
    pub cart_id: Uuid,
    /// Where mail about the order goes.
    pub email: String,
    /// Where it is sent.
    pub shipping_address: PostalAddress,
    /// Whom the bill is for; None: as the shipping address.
    pub billing_address: Option<PostalAddress>,
    /// How it is sent; None: as the cart says, else in the cheapest way.
    pub shipping_method: Option<String>,
    /// How it is paid.
    pub payment: PaymentAsk,
    /// What the buyer was shown; None: whatever it costs now.
    pub expected_total: Option<Money>,
    /// The client's name for this try.
    #[serde(skip)]
    pub idempotency_key: String,
}

/// What is left of a checkout's addresses once they are checked.
pub(crate) struct Addressed {
    pub email: EmailAddress,
    pub shipping: PostalAddress,
    pub billing: Option<PostalAddress>,
}

impl Checkout {
    /// Everything that is wrong with it, or what can be written.
    pub(crate) fn addressed(&self) -> Result<Addressed, Vec<Problem>> {
        let mut problems = Vec::new();
        let email = EmailAddress::read("email", &self.email).map_err(|p| problems.push(p)).ok();
        let mut keep = |field: &str, address: &PostalAddress| match address.clone().checked() {
            Ok(address) => Some(address),
            Err(wrong) => {
                problems.extend(wrong.into_iter().map(|problem| problem.within([field])));
                None
            }
        };
        let shipping = keep("shippingAddress", &self.shipping_address);
        let billing = self.billing_address.as_ref().map(|a| keep("billingAddress", a));
        match (email, shipping) {
            (Some(email), Some(shipping)) if problems.is_empty() => {
                Ok(Addressed { email, shipping, billing: billing.flatten() })
            }
            _ => Err(problems),
        }
    }
}

/// Another attempt to pay.
#[derive(Debug, Clone)]
pub struct Pay {
    /// Which order.
    pub access: Access,
    /// How.
    pub payment: PaymentAsk,
    /// The client's name for this try.
    pub idempotency_key: String,
}

/// An order to be called off.
#[derive(Debug, Clone)]
pub struct Cancel {
    /// Which order.
    pub access: Access,
    /// Why, in words.
    pub reason: Option<String>,
    /// The client's name for this try.
    pub idempotency_key: Option<String>,
}

impl Cancel {
    pub(crate) fn reason(&self) -> Result<Option<String>, Problem> {
        let reason = self.reason.as_deref().map(str::trim).filter(|reason| !reason.is_empty());
        match reason {
            Some(reason) if reason.chars().count() > MAX_REASON_CHARS => {
                let message = format!("reason has more than {MAX_REASON_CHARS} characters.");
                Err(Problem::new(ProblemKind::TooLong, ["reason"], message))
            }
            Some(reason) if reason.contains('\0') => {
                let message = "reason has a NUL character.";
                Err(Problem::new(ProblemKind::Invalid, ["reason"], message))
            }
            reason => Ok(reason.map(str::to_owned)),
        }
    }
}

/// What asking for an order, or for its payment, came to.
#[derive(Debug, Clone)]
pub struct Placed {
    /// The order as it is now.
    pub order: Order,
    /// The attempt to pay it; None when there was nothing to pay.
    pub payment: Option<Payment>,
    /// Why it is not paid by that attempt, as whoever asked was told first; None: it is, or nobody
    /// knows.
    pub refusal: Option<Refusal>,
    /// The way of a guest to the order.
    pub guest_token: Option<GuestToken>,
    /// It was done before, under the same key.
    pub replayed: bool,
}
