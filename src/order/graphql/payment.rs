//! Mutations on the payments of orders.

use crate::auth::{Permission, Viewer};
use crate::graphql::idempotency::Replayed;
use crate::graphql::scalars::MoneyInput;
use crate::graphql::user_error::UserErrorCode;
use crate::graphql::{Auth, Fault, NodeKind, UserError, Warning};
use crate::order::graphql::refusal;
use crate::order::graphql::types::Order;
use crate::order::{CaptureAsk, Dealt, OrderError, Orders, PayBack, Pieces, RefundOf, VoidAsk};
use crate::payment::graphql::Payment;
use crate::validation::{Problem, ProblemKind};
use async_graphql::{Context, ID, InputObject, Object, SimpleObject};
use uuid::Uuid;

/// Money that is set aside is to be taken.
#[derive(InputObject)]
pub struct PaymentCaptureInput {
    /// The payment; it must be AUTHORIZED.
    payment_id: ID,
    /// How much; all when left out. What is not taken is given up.
    amount: Option<MoneyInput>,
    /// Names this try: 1 to 255 printable ASCII characters.
    idempotency_key: Option<String>,
}

/// Money that is set aside is to be let go.
#[derive(InputObject)]
pub struct PaymentVoidInput {
    /// The payment: AUTHORIZED, or PENDING and waiting for its payer.
    payment_id: ID,
    /// Why, for people: at most 500 characters.
    reason: Option<String>,
    /// Names this try: 1 to 255 printable ASCII characters.
    idempotency_key: Option<String>,
}

/// Money is to go back.
#[derive(InputObject)]
pub struct PaymentRefundInput {
    /// The payment; its money must have been captured.
    payment_id: ID,
    /// How much. Give this or lines; without either, all that is left goes back.
    amount: Option<MoneyInput>,
    /// Pieces whose price goes back, with the tax on it: the server computes the amount. A piece is
    /// paid back once.
    lines: Option<Vec<RefundLineInput>>,
    /// Why, for people: at most 500 characters.
    reason: Option<String>,
    /// Whether the goods can be sold again. Of the pieces named in lines those that were not sent
    /// are free again and will not be; the others come back to their warehouse, with a RETURN
    /// movement. Without lines only with all that is left.
    #[graphql(default)]
    restock: bool,
    /// Names this try: 1 to 255 printable ASCII characters. Sent again, the answer is the same and
    /// nothing goes back twice.
    idempotency_key: String,
}

/// Pieces of an order line whose price goes back.
#[derive(InputObject)]
pub struct RefundLineInput {
    /// The line of the order.
    order_line_id: ID,
    /// How many.
    quantity: i32,
}

/// A payment that the provider is to be asked about.
#[derive(InputObject)]
pub struct PaymentCheckInput {
    /// The payment.
    payment_id: ID,
}

macro_rules! payloads {
    ($($(#[doc = $about:literal])+ $payload:ident,)+) => { $(
        $(#[doc = $about])+
        #[derive(SimpleObject, Default)]
        pub struct $payload {
            /// The payment as it is now; null when nothing happened.
            payment: Option<Payment>,
            /// Its order as it is now; null when nothing happened.
            order: Option<Order>,
            /// Why nothing happened; empty when it did.
            user_errors: Vec<UserError>,
            /// PAYMENT_PENDING while nobody knows what came of it.
            warnings: Vec<Warning>,
        }

        impl $payload {
            fn of(ctx: &Context<'_>, dealt: Result<Dealt, OrderError>) -> Result<Self, Fault> {
                let dealt = match dealt {
                    Ok(dealt) => dealt,
                    Err(error) => return refused(error).map(Self::refused),
                };
                if dealt.replayed {
                    ctx.data_unchecked::<Replayed>().set();
                }
                let pending = dealt.pending.then(Warning::payment_unsettled);
                Ok(Self {
                    payment: Some(Payment(dealt.payment)),
                    order: Some(Order(dealt.order)),
                    user_errors: Vec::new(),
                    warnings: pending.into_iter().collect(),
                })
            }

            fn refused(user_errors: Vec<UserError>) -> Self {
                Self { user_errors, ..Self::default() }
            }
        }
    )+ };
}

payloads! {
    /// The answer to paymentCapture.
    PaymentCapturePayload,
    /// The answer to paymentVoid.
    PaymentVoidPayload,
    /// The answer to paymentRefund.
    PaymentRefundPayload,
    /// The answer to paymentCheck.
    PaymentCheckPayload,
}

/// Mutations on the payments of orders.
#[derive(Default)]
pub struct PaymentMutation;

/// Mutations on the payments of orders.
#[Object]
impl PaymentMutation {
    /// Take money that is set aside: its order is paid then. With a part of it the rest is given
    /// up, the order is paid all the same, and its paidTotal says how much was taken. Refused
    /// (nothing was taken): the payment is not AUTHORIZED (InvalidTransitionError), an amount that
    /// is not set aside, the provider declines. PAYMENT_PENDING while nobody knows.
    #[graphql(directive = Auth::apply(Permission::PaymentWrite))]
    async fn payment_capture(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which payment, and how much.")] input: PaymentCaptureInput,
    ) -> Option<Result<PaymentCapturePayload, Fault>> {
        let ask = match input.read() {
            Ok(ask) => ask,
            Err(error) => return Some(Ok(PaymentCapturePayload::refused(vec![error]))),
        };
        let (orders, viewer) = services(ctx);
        Some(PaymentCapturePayload::of(ctx, orders.capture(viewer, &ask).await))
    }

    /// Let go of money that is set aside: an AUTHORIZED order that lived on it is cancelled and its
    /// stock is free again (orderCancel does the same, and says so). An attempt that waits for its
    /// payer is ended; its order waits for another payment. What was captured is given back with
    /// paymentRefund instead (InvalidTransitionError).
    #[graphql(directive = Auth::apply(Permission::PaymentWrite))]
    async fn payment_void(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which payment, and why.")] input: PaymentVoidInput,
    ) -> Option<Result<PaymentVoidPayload, Fault>> {
        let ask = match input.read() {
            Ok(ask) => ask,
            Err(error) => return Some(Ok(PaymentVoidPayload::refused(vec![error]))),
        };
        let (orders, viewer) = services(ctx);
        Some(PaymentVoidPayload::of(ctx, orders.void(viewer, &ask).await))
    }

    /// Give money back, once per idempotencyKey: an amount, what was paid for single pieces, or all
    /// that is left. With all of it the order is REFUNDED, and what was not sent is free again. More
    /// than is left is refused (RefundAmountError), however many ask at once; so is what the
    /// provider declines. While nobody knows, the warning PAYMENT_PENDING says so, and the money
    /// cannot be asked for again.
    #[graphql(directive = Auth::apply(Permission::PaymentWrite))]
    async fn payment_refund(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which payment, and what of it.")] input: PaymentRefundInput,
    ) -> Option<Result<PaymentRefundPayload, Fault>> {
        let ask = match input.read() {
            Ok(ask) => ask,
            Err(error) => return Some(Ok(PaymentRefundPayload::refused(vec![error]))),
        };
        let (orders, viewer) = services(ctx);
        Some(PaymentRefundPayload::of(ctx, orders.pay_back(viewer, &ask).await))
    }

    /// Ask the provider now what it knows of a payment, and write it down. The server does so by
    /// itself as long as a payment is not decided, ever less often; this is for who does not want
    /// to wait. Repeated, it changes nothing.
    #[graphql(directive = Auth::apply(Permission::PaymentWrite))]
    async fn payment_check(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which payment.")] input: PaymentCheckInput,
    ) -> Option<Result<PaymentCheckPayload, Fault>> {
        let payment_id = match payment_id(&input.payment_id) {
            Ok(id) => id,
            Err(error) => return Some(Ok(PaymentCheckPayload::refused(vec![error]))),
        };
        let (orders, viewer) = services(ctx);
        Some(PaymentCheckPayload::of(ctx, orders.check(viewer, payment_id).await))
    }
}

impl PaymentCaptureInput {
    fn read(self) -> Result<CaptureAsk, UserError> {
        Ok(CaptureAsk {
            payment_id: payment_id(&self.payment_id)?,
            amount: amount(self.amount.as_ref())?,
            idempotency_key: self.idempotency_key,
        })
    }
}

impl PaymentVoidInput {
    fn read(self) -> Result<VoidAsk, UserError> {
        Ok(VoidAsk {
            payment_id: payment_id(&self.payment_id)?,
            reason: self.reason,
            idempotency_key: self.idempotency_key,
        })
    }
}

impl PaymentRefundInput {
    fn read(self) -> Result<PayBack, UserError> {
        let of = match (amount(self.amount.as_ref())?, self.lines) {
            (Some(_), Some(_)) => {
                let message = "Give amount or lines, not both.";
                return Err(UserError::new(UserErrorCode::Invalid, ["amount"], message));
            }
            (Some(amount), None) => RefundOf::Amount(amount),
            (None, Some(lines)) => RefundOf::Pieces(pieces(&lines)?),
            (None, None) => RefundOf::Rest,
        };
        Ok(PayBack {
            payment_id: payment_id(&self.payment_id)?,
            of,
            restock: self.restock,
            reason: self.reason,
            idempotency_key: self.idempotency_key,
        })
    }
}

fn services<'a>(ctx: &Context<'a>) -> (&'a Orders, &'a Viewer) {
    (ctx.data_unchecked::<Orders>(), ctx.data_unchecked::<Viewer>())
}

/// As `refusal`, of a payment.
fn refused(error: OrderError) -> Result<Vec<UserError>, Fault> {
    match error {
        OrderError::PaymentInProgress => Ok(vec![UserError::new(
            UserErrorCode::PaymentInProgress,
            ["paymentId"],
            "The provider has not answered yet. Wait for the end: orderChanged tells it.",
        )]),
        error => refusal(error),
    }
}

fn payment_id(id: &ID) -> Result<Uuid, UserError> {
    NodeKind::Payment.key(id).map_err(|fault| {
        UserError::from(Problem::new(ProblemKind::Invalid, ["paymentId"], fault.message))
    })
}

fn amount(input: Option<&MoneyInput>) -> Result<Option<crate::money::Money>, UserError> {
    let read = input.map(MoneyInput::read).transpose();
    Ok(read.map_err(|problem| problem.within(["amount"]))?)
}

fn pieces(lines: &[RefundLineInput]) -> Result<Vec<Pieces>, UserError> {
    let line = |(place, line): (usize, &RefundLineInput)| {
        let order_line_id = NodeKind::OrderLine.key(&line.order_line_id).map_err(|fault| {
            let path = ["lines".to_owned(), place.to_string(), "orderLineId".to_owned()];
            UserError::from(Problem::new(ProblemKind::Invalid, path, fault.message))
        })?;
        Ok(Pieces { order_line_id, quantity: line.quantity.into() })
    };
    lines.iter().enumerate().map(line).collect()
}
