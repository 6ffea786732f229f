//! The inputs of queries and mutations on orders, read into what the service takes.

use crate::account::graphql::AddressInput;
use crate::graphql::scalars::MoneyInput;
use crate::graphql::{NodeKind, UserError};
use crate::order::{Access, Cancel, Checkout, GuestToken, Pay, PaymentAsk};
use crate::validation::{Problem, ProblemKind};
use async_graphql::{ID, InputObject, OneofObject};
use uuid::Uuid;

/// Which order; exactly one of these.
#[derive(OneofObject)]
pub enum OrderBy {
    /// By its id.
    Id(ID),
    /// By its number, in any case and with blanks for hyphens.
    Number(String),
    /// By the token that checkoutComplete gave to a guest.
    GuestAccessToken(String),
}

/// How to pay.
#[derive(InputObject)]
pub struct PaymentInput {
    /// One of the shop's providers, such as "sandbox".
    provider: String,
    /// A method of the provider: of the sandbox card_approved, card_declined,
    /// card_insufficient_funds, card_slow, card_timeout, card_error, card_late, card_pending.
    method: String,
}

impl From<PaymentInput> for PaymentAsk {
    fn from(input: PaymentInput) -> Self {
        Self { provider: input.provider, method: input.method }
    }
}

/// A cart to be bought.
#[derive(InputObject)]
pub struct CheckoutCompleteInput {
    /// The cart.
    cart_id: ID,
    /// Where mail about the order goes.
    email: String,
    /// Where it is sent; decides about tax.
    shipping_address: AddressInput,
    /// Whom the bill is for; the shipping address when left out.
    billing_address: Option<AddressInput>,
    /// The code of a shipping method; the cart's when left out, else the cheapest one.
    shipping_method: Option<String>,
    /// How to pay.
    payment: PaymentInput,
    /// The total that the buyer was shown. With another one nothing is ordered: PriceChangedError.
    expected_total: Option<MoneyInput>,
    /// Names this try: 1 to 255 printable ASCII characters. Sent again, the answer is the same and
    /// nothing happens twice.
    idempotency_key: String,
}

impl CheckoutCompleteInput {
    pub(super) fn read(self) -> Result<Checkout, UserError> {
        let expected = self.expected_total.as_ref().map(MoneyInput::read).transpose();
        Ok(Checkout {
            cart_id: cart_id(&self.cart_id)?,
            email: self.email,
            shipping_address: self.shipping_address.into(),
            billing_address: self.billing_address.map(Into::into),
            shipping_method: self.shipping_method,
            payment: self.payment.into(),
            expected_total: expected.map_err(|problem| problem.within(["expectedTotal"]))?,
            idempotency_key: self.idempotency_key,
        })
    }
}

/// Another attempt to pay.
#[derive(InputObject)]
pub struct OrderPayInput {
    /// The order.
    order_id: ID,
    /// The token of a guest's order; left out by its customer.
    guest_access_token: Option<String>,
    /// How to pay this time.
    payment: PaymentInput,
    /// Names this try: 1 to 255 printable ASCII characters. Sent again, the answer is the same and
    /// nothing happens twice.
    idempotency_key: String,
}

impl OrderPayInput {
    pub(super) fn read(self) -> Result<Pay, UserError> {
        Ok(Pay {
            access: access(&self.order_id, self.guest_access_token)?,
            payment: self.payment.into(),
            idempotency_key: self.idempotency_key,
        })
    }
}

/// An order to be called off.
#[derive(InputObject)]
pub struct OrderCancelInput {
    /// The order.
    order_id: ID,
    /// The token of a guest's order; left out by its customer and by staff.
    guest_access_token: Option<String>,
    /// Why, for people: at most 500 characters.
    reason: Option<String>,
    /// Names this try: 1 to 255 printable ASCII characters.
    idempotency_key: Option<String>,
}

impl OrderCancelInput {
    pub(super) fn read(self) -> Result<Cancel, UserError> {
        Ok(Cancel {
            access: access(&self.order_id, self.guest_access_token)?,
            reason: self.reason,
            idempotency_key: self.idempotency_key,
        })
    }
}

fn cart_id(id: &ID) -> Result<Uuid, UserError> {
    NodeKind::Cart.key(id).map_err(|fault| {
        UserError::from(Problem::new(ProblemKind::Invalid, ["cartId"], fault.message))
    })
}

fn access(id: &ID, token: Option<String>) -> Result<Access, UserError> {
    let order_id = NodeKind::Order.key(id).map_err(|fault| {
        UserError::from(Problem::new(ProblemKind::Invalid, ["orderId"], fault.message))
    })?;
    Ok(Access { order_id, token: token.map(GuestToken::given) })
}
