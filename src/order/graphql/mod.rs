//! Orders in the schema.

mod entry;
mod entry_input;
mod filter;
mod fulfillment;
mod goods;
mod goods_input;
mod input;
mod mutation;
mod payment;
mod query;
mod stats;
mod subscription;
mod types;

pub use entry::EntryMutation;
pub use fulfillment::{Fulfillment, FulfillmentLine};
pub use goods::GoodsMutation;
pub use mutation::OrderMutation;
pub use payment::PaymentMutation;
pub use query::OrderQuery;
pub(crate) use query::orders_of;
pub use stats::OrderStatsQuery;
pub use subscription::OrderSubscription;
pub use types::{Order, OrderLine};

use crate::flash_sale::graphql::limit_reached;
use crate::graphql::scalars::BigInt;
use crate::graphql::user_error::{
    InvalidTransitionError, PaymentDeclinedError, PaymentUnavailableError, PriceChangedError,
    RefundAmountError, UserErrorCode, VersionConflictError, Warning,
};
use crate::graphql::{Fault, UserError};
use crate::money::Money;
use crate::order::{OrderError, OrderStatus, Placed, Refusal};
use crate::payment::PaymentStatus;
use crate::stock::graphql::conflict;

/// After how many seconds to try again when a provider said nothing else.
const RETRY_AFTER_SECONDS: i32 = 10;

impl From<OrderError> for Fault {
    fn from(error: OrderError) -> Self {
        match error {
            OrderError::Db(error) => error.into(),
            OrderError::Denied(denied) => denied.into(),
            OrderError::Invalid(problems) => Self::bad_user_input(
                problems.into_iter().map(|p| p.message).collect::<Vec<_>>().join(" "),
            ),
            error => Self::internal(&error),
        }
    }
}

/// What a refused mutation answers; a fault stays an error of the response.
fn refusal(error: OrderError) -> Result<Vec<UserError>, Fault> {
    refusal_at(error, "cartId")
}

/// As [`refusal`], where what is short was named in this field.
fn refusal_at(error: OrderError, goods: &str) -> Result<Vec<UserError>, Fault> {
    Ok(match error {
        OrderError::Invalid(problems) => problems.into_iter().map(UserError::from).collect(),
        OrderError::CartCompleted => vec![UserError::new(
            UserErrorCode::CartCompleted,
            ["cartId"],
            "This cart became an order before. Put what you want into a new one.",
        )],
        OrderError::Insufficient(shortages) => {
            shortages.into_iter().map(|short| UserError::shortage(short, [goods])).collect()
        }
        OrderError::FlashSaleLimit(limits) => {
            limits.into_iter().map(|limit| limit_reached(limit, [goods])).collect()
        }
        OrderError::PriceChanged { expected, actual } => vec![price_changed(expected, actual)],
        OrderError::VersionConflict { actual } => vec![version_conflict(actual)],
        OrderError::Transition { from, to, because } => vec![invalid_transition(from, to, because)],
        OrderError::PaymentInProgress => vec![UserError::new(
            UserErrorCode::PaymentInProgress,
            ["orderId"],
            "Another payment of this order is under way. Wait for its end: orderChanged tells it.",
        )],
        OrderError::Payment { from, to, because } => vec![payment_stands(from, to, because)],
        OrderError::RefundAmount { maximum } => vec![refund_amount(maximum)],
        OrderError::Declined { code } => vec![refused_by_provider(code)],
        OrderError::Unavailable { retry_after_seconds } => vec![not_asked(retry_after_seconds)],
        OrderError::Idempotency(error) => vec![conflict(&error)?],
        error @ (OrderError::Denied(_) | OrderError::Db(_) | OrderError::DeadTakes(_)) => {
            return Err(error.into());
        }
    })
}

fn version_conflict(actual: i64) -> UserError {
    UserError::VersionConflict(VersionConflictError {
        code: UserErrorCode::VersionConflict,
        message: format!("The order was changed meanwhile and has version {actual} now."),
        path: vec!["expectedVersion".to_owned()],
        actual_version: BigInt(actual),
    })
}

fn price_changed(expected: Money, actual: Money) -> UserError {
    let message = format!(
        "It costs {} {} and not {}. Show the new total, and ask again with it.",
        actual.amount(),
        actual.currency,
        expected.amount(),
    );
    UserError::PriceChanged(PriceChangedError {
        code: UserErrorCode::PriceChanged,
        message,
        path: vec!["expectedTotal".to_owned()],
        old_total: Box::new(expected.into()),
        new_total: Box::new(actual.into()),
    })
}

fn invalid_transition(from: OrderStatus, to: OrderStatus, because: &str) -> UserError {
    let (stands, asked) = (from.as_str(), to.as_str());
    let message = format!("The order is {stands} and cannot become {asked} now. {because}");
    UserError::InvalidTransition(InvalidTransitionError {
        code: UserErrorCode::InvalidTransition,
        message: message.trim_end().to_owned(),
        path: vec!["orderId".to_owned()],
        from: stands,
        to: asked,
        allowed: from.transitions().iter().map(|status| status.as_str().to_owned()).collect(),
    })
}

fn payment_stands(from: PaymentStatus, to: PaymentStatus, because: &str) -> UserError {
    let message =
        format!("The payment is {} and cannot become {}. {because}", from.name(), to.name());
    UserError::InvalidTransition(InvalidTransitionError {
        code: UserErrorCode::InvalidTransition,
        message: message.trim_end().to_owned(),
        path: vec!["paymentId".to_owned()],
        from: from.name(),
        to: to.name(),
        allowed: from.can_become().iter().map(|status| status.name().to_owned()).collect(),
    })
}

fn refund_amount(maximum: Money) -> UserError {
    let message = if maximum.minor > 0 {
        format!(
            "More than nothing and at most {} {} can go back.",
            maximum.amount(),
            maximum.currency
        )
    } else {
        "All of it went back, or is on its way.".to_owned()
    };
    UserError::RefundAmount(RefundAmountError {
        code: UserErrorCode::RefundAmount,
        message,
        path: vec!["amount".to_owned()],
        maximum_refundable: Box::new(maximum.into()),
    })
}

fn refused_by_provider(decline_code: String) -> UserError {
    UserError::PaymentDeclined(PaymentDeclinedError {
        code: UserErrorCode::PaymentDeclined,
        message: format!("The payment provider refused ({decline_code}). Nothing happened."),
        path: vec!["paymentId".to_owned()],
        decline_code,
    })
}

fn not_asked(seconds: u32) -> UserError {
    UserError::PaymentUnavailable(PaymentUnavailableError {
        code: UserErrorCode::PaymentUnavailable,
        message: "The payment provider cannot be asked now. Nothing happened; try again."
            .to_owned(),
        path: vec!["paymentId".to_owned()],
        retry_after_seconds: i32::try_from(seconds).unwrap_or(RETRY_AFTER_SECONDS).max(1),
    })
}

/// What there is to say of an attempt to pay: an error when it failed, a warning while nobody knows.
fn verdict(placed: &Placed) -> (Vec<UserError>, Vec<Warning>) {
    match (&placed.refusal, &placed.payment) {
        (Some(Refusal::Declined(code)), _) => (vec![declined(code.clone())], Vec::new()),
        (Some(Refusal::Unavailable(seconds)), _) => (vec![unavailable(*seconds)], Vec::new()),
        (None, Some(payment)) if payment.state.is_undecided() => {
            (Vec::new(), vec![Warning::payment_pending()])
        }
        _ => (Vec::new(), Vec::new()),
    }
}

fn declined(decline_code: String) -> UserError {
    UserError::PaymentDeclined(PaymentDeclinedError {
        code: UserErrorCode::PaymentDeclined,
        message: format!(
            "The payment was declined ({decline_code}). The order waits for another one: orderPay."
        ),
        path: vec!["payment".to_owned()],
        decline_code,
    })
}

fn unavailable(seconds: u32) -> UserError {
    UserError::PaymentUnavailable(PaymentUnavailableError {
        code: UserErrorCode::PaymentUnavailable,
        message: "The payment could not be made; nothing was charged. The order waits for another \
                  try: orderPay."
            .to_owned(),
        path: vec!["payment".to_owned()],
        retry_after_seconds: i32::try_from(seconds).unwrap_or(RETRY_AFTER_SECONDS),
    })
}
