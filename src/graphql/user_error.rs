//! What a mutation answers besides its object: errors (nothing happened) and warnings (it
//! happened, and something differs from the ask).

use crate::graphql::scalars::{BigInt, Money};
use crate::validation::{Problem, ProblemKind};
use async_graphql::{Enum, ID, Interface, SimpleObject};

/// Why a mutation changed nothing. Each kind is a type of its own that carries what a client needs
/// to act on it.
#[derive(Interface, Clone)]
#[graphql(
    field(name = "code", ty = "&UserErrorCode", desc = "For programs: what kind of error."),
    field(name = "message", ty = "&String", desc = "For people: what to change."),
    field(
        name = "path",
        ty = "&Vec<String>",
        desc = "Where in the input, from its fields on: `[\"lines\", \"0\", \"quantity\"]`. Empty \
                when it is about the whole."
    )
)]
pub enum UserError {
    /// No data of its own.
    Validation(ValidationError),
    /// Not enough stock.
    InsufficientStock(InsufficientStockError),
    /// Changed meanwhile.
    VersionConflict(VersionConflictError),
    /// An idempotency key that cannot be used.
    IdempotencyConflict(IdempotencyConflictError),
    /// More than a customer gets in a flash sale.
    FlashSaleLimit(FlashSaleLimitError),
    /// Another price than the buyer was shown.
    PriceChanged(PriceChangedError),
    /// Not where the order stands.
    InvalidTransition(InvalidTransitionError),
    /// The provider said no.
    PaymentDeclined(PaymentDeclinedError),
    /// The provider could not be asked.
    PaymentUnavailable(PaymentUnavailableError),
    /// More than can go back.
    RefundAmount(RefundAmountError),
}

/// Kinds of errors that a mutation answers.
#[derive(Enum, Debug, Clone, Copy, PartialEq, Eq)]
pub enum UserErrorCode {
    /// A value is missing or empty.
    Required,
    /// A value is of the wrong form.
    Invalid,
    /// A text or list is longer than allowed.
    TooLong,
    /// A number is outside its range.
    OutOfRange,
    /// Nothing has this id, SKU or name.
    NotFound,
    /// Something else has this SKU, slug or code.
    AlreadyExists,
    /// It cannot be removed while something refers to it.
    InUse,
    /// An amount is in another currency than it must be.
    CurrencyMismatch,
    /// E-mail and password do not belong together, or the account is not active.
    InvalidCredentials,
    /// The token is unknown, expired or spent.
    TokenInvalid,
    /// Not enough stock; see InsufficientStockError.
    InsufficientStock,
    /// The object changed meanwhile; see VersionConflictError.
    VersionConflict,
    /// The idempotency key cannot be used; see IdempotencyConflictError.
    IdempotencyConflict,
    /// More than the buyer can have at the price of a flash sale; see FlashSaleLimitError.
    FlashSaleLimit,
    /// It costs something else than was expected; see PriceChangedError.
    PriceChanged,
    /// The order does not stand where this can be done; see InvalidTransitionError.
    InvalidTransition,
    /// More than can go back, or nothing; see RefundAmountError.
    RefundAmount,
    /// The payment was declined; see PaymentDeclinedError.
    PaymentDeclined,
    /// The payment could not be made; see PaymentUnavailableError.
    PaymentUnavailable,
    /// Another payment of the order is not decided yet.
    PaymentInProgress,
    /// The cart became an order: begin a new one.
    CartCompleted,
    /// A limit of the shop is reached.
    LimitReached,
    /// Nobody else administers the shop: make another administrator first.
    LastAdministrator,
}

/// An error that needs no data of its own.
#[derive(SimpleObject, Clone)]
pub struct ValidationError {
    /// For programs: what kind of error.
    code: UserErrorCode,
    /// For people: what to change.
    message: String,
    /// Where in the input.
    path: Vec<String>,
}

/// There is not enough stock for what was asked.
#[derive(SimpleObject, Clone)]
pub struct InsufficientStockError {
    /// Always INSUFFICIENT_STOCK.
    pub code: UserErrorCode,
    /// For people: what is there.
    pub message: String,
    /// Where in the input.
    pub path: Vec<String>,
    /// The SKU that is short.
    pub sku: String,
    /// How many were asked for.
    pub requested: i32,
    /// How many are available.
    pub available: i32,
}

/// More was asked for than the buyer can have at the price of a flash sale: fewer are left of its
/// share, or the limit per customer is in the way. Nothing was ordered.
#[derive(SimpleObject, Clone)]
pub struct FlashSaleLimitError {
    /// Always FLASH_SALE_LIMIT.
    pub code: UserErrorCode,
    /// For people: how many they can have.
    pub message: String,
    /// Where in the input.
    pub path: Vec<String>,
    /// The SKU.
    pub sku: String,
    /// How many were asked for.
    pub requested: i32,
    /// How many the buyer can have; 0 when they had all of theirs.
    pub maximum: i32,
}

/// The object changed since the client read it; nothing was overwritten.
#[derive(SimpleObject, Clone)]
pub struct VersionConflictError {
    /// Always VERSION_CONFLICT.
    pub code: UserErrorCode,
    /// For people: what to do.
    pub message: String,
    /// Where in the input.
    pub path: Vec<String>,
    /// The version that the object has now. Read it again before the next try.
    pub actual_version: BigInt,
}

/// The idempotency key was used for another input, or its first use is not through yet.
#[derive(SimpleObject, Clone)]
pub struct IdempotencyConflictError {
    /// Always IDEMPOTENCY_CONFLICT.
    pub code: UserErrorCode,
    /// For people: what to do.
    pub message: String,
    /// Where in the input.
    pub path: Vec<String>,
    /// Which of the two it is.
    pub reason: IdempotencyConflictReason,
    /// After how many seconds to try again; null when trying again does not help.
    pub retry_after_seconds: Option<i32>,
}

/// It costs something else than the buyer was shown. Nothing was ordered.
#[derive(SimpleObject, Clone)]
pub struct PriceChangedError {
    /// Always PRICE_CHANGED.
    pub code: UserErrorCode,
    /// For people: what to do.
    pub message: String,
    /// Where in the input.
    pub path: Vec<String>,
    /// The total that was expected.
    pub old_total: Box<Money>,
    /// What it costs now.
    pub new_total: Box<Money>,
}

/// The order does not stand where this can be done.
#[derive(SimpleObject, Clone)]
pub struct InvalidTransitionError {
    /// Always INVALID_TRANSITION.
    pub code: UserErrorCode,
    /// For people: why.
    pub message: String,
    /// Where in the input.
    pub path: Vec<String>,
    /// Where the order stands.
    pub from: &'static str,
    /// What it was to become.
    pub to: &'static str,
    /// What can become of it.
    pub allowed: Vec<String>,
}

/// The provider declined the payment: the order is there and waits for another one. Of a capture or
/// a refund: nothing happened.
#[derive(SimpleObject, Clone)]
pub struct PaymentDeclinedError {
    /// Always PAYMENT_DECLINED.
    pub code: UserErrorCode,
    /// For people: what to do.
    pub message: String,
    /// Where in the input.
    pub path: Vec<String>,
    /// Why, in the provider's code, such as `insufficient_funds`.
    pub decline_code: String,
}

/// The payment could not be made, and nothing was charged: the order is there and waits for another
/// one. Of a capture or a refund: nothing happened.
#[derive(SimpleObject, Clone)]
pub struct PaymentUnavailableError {
    /// Always PAYMENT_UNAVAILABLE.
    pub code: UserErrorCode,
    /// For people: what to do.
    pub message: String,
    /// Where in the input.
    pub path: Vec<String>,
    /// After how many seconds another try may help.
    pub retry_after_seconds: i32,
}

/// More money was to go back than is left, or none.
#[derive(SimpleObject, Clone)]
pub struct RefundAmountError {
    /// Always REFUND_AMOUNT.
    pub code: UserErrorCode,
    /// For people: how much can go back.
    pub message: String,
    /// Where in the input.
    pub path: Vec<String>,
    /// The most that can go back now.
    pub maximum_refundable: Box<Money>,
}

/// Why an idempotency key cannot be used.
#[derive(Enum, Debug, Clone, Copy, PartialEq, Eq)]
pub enum IdempotencyConflictReason {
    /// The key was used with another input: take a new key.
    DifferentInput,
    /// The first use still runs: try again with the same key.
    InProgress,
}

impl UserError {
    /// An error without data of its own.
    pub fn new<P: Into<String>>(
        code: UserErrorCode,
        path: impl IntoIterator<Item = P>,
        message: impl Into<String>,
    ) -> Self {
        let path = path.into_iter().map(Into::into).collect();
        Self::Validation(ValidationError { code, message: message.into(), path })
    }

    /// The object changed meanwhile and has this version now.
    #[must_use]
    pub fn version_conflict(actual: i64) -> Self {
        Self::VersionConflict(VersionConflictError {
            code: UserErrorCode::VersionConflict,
            message: format!("It was changed meanwhile and has version {actual} now."),
            path: vec!["expectedVersion".to_owned()],
            actual_version: BigInt(actual),
        })
    }
}

impl From<Problem> for UserError {
    fn from(problem: Problem) -> Self {
        let code = match problem.kind {
            ProblemKind::Required => UserErrorCode::Required,
            ProblemKind::Invalid => UserErrorCode::Invalid,
            ProblemKind::TooLong => UserErrorCode::TooLong,
            ProblemKind::OutOfRange => UserErrorCode::OutOfRange,
            ProblemKind::NotFound => UserErrorCode::NotFound,
            ProblemKind::AlreadyExists => UserErrorCode::AlreadyExists,
            ProblemKind::InUse => UserErrorCode::InUse,
            ProblemKind::CurrencyMismatch => UserErrorCode::CurrencyMismatch,
            ProblemKind::LimitReached => UserErrorCode::LimitReached,
            ProblemKind::LastAdministrator => UserErrorCode::LastAdministrator,
        };
        Self::new(code, problem.path, problem.message)
    }
}

/// Something differs from what was asked, though the mutation did its work.
#[derive(Interface, Clone)]
#[graphql(
    field(name = "code", ty = "&WarningCode", desc = "For programs: what kind of difference."),
    field(name = "message", ty = "&String", desc = "For people: what was done instead."),
    field(name = "path", ty = "&Vec<String>", desc = "Where in the input, from its fields on.")
)]
pub enum Warning {
    /// Archived instead of deleted.
    ArchivedInstead(ArchivedInsteadWarning),
    /// Some of many rows were rejected.
    RowsRejected(RowsRejectedWarning),
    /// A line of a cart is not as it was asked for.
    CartLine(CartLineWarning),
    /// It is not known yet whether the order is paid.
    PaymentPending(PaymentPendingWarning),
    /// The money of goods that came back did not go back.
    RefundFailed(RefundFailedWarning),
}

/// Kinds of warnings.
#[derive(Enum, Debug, Clone, Copy, PartialEq, Eq)]
pub enum WarningCode {
    /// It was archived and not deleted, because orders or stock movements refer to it.
    ArchivedInstead,
    /// Some of many rows were rejected, the others were carried out.
    RowsRejected,
    /// A cart holds no more of it: there are fewer than asked for.
    QuantityCapped,
    /// The line was left out: the cart is full, or the variant is not sold in its currency.
    LineLeftOut,
    /// The line came from a cart in another currency and is priced in this one's.
    CurrencyChanged,
    /// It is not known yet whether the order is paid, or what came of a capture, a void or a refund.
    PaymentPending,
    /// The goods are back and their money is not: the provider refused.
    RefundFailed,
}

/// It is not known yet whether the order is paid, or what came of a capture, a void or a refund: the
/// provider did not answer in time, or the payer has to do something. `orderChanged` tells the end.
#[derive(SimpleObject, Clone)]
pub struct PaymentPendingWarning {
    /// Always PAYMENT_PENDING.
    pub code: WarningCode,
    /// For people: what to do.
    pub message: String,
    /// Where in the input.
    pub path: Vec<String>,
}

/// The goods came back, and the provider refused to give their money back. `paymentRefund` asks
/// again.
#[derive(SimpleObject, Clone)]
pub struct RefundFailedWarning {
    /// Always REFUND_FAILED.
    pub code: WarningCode,
    /// For people: what to do.
    pub message: String,
    /// Where in the input.
    pub path: Vec<String>,
    /// Why, in the provider's code.
    pub failure_code: String,
}

impl Warning {
    /// The provider refused to give back the money of goods that came back.
    #[must_use]
    pub fn refund_failed(failure_code: Option<String>) -> Self {
        let failure_code = failure_code.unwrap_or_else(|| "refused".to_owned());
        Self::RefundFailed(RefundFailedWarning {
            code: WarningCode::RefundFailed,
            message: format!(
                "The goods are back and their money is not: the payment provider refused \
                 ({failure_code}). Give it back with paymentRefund."
            ),
            path: vec!["refund".to_owned()],
            failure_code,
        })
    }

    /// It is not known yet whether the money of goods that came back is back.
    #[must_use]
    pub fn refund_unsettled() -> Self {
        Self::PaymentPending(PaymentPendingWarning {
            code: WarningCode::PaymentPending,
            message:
                "The goods are back; whether their money is, is not known yet. The provider is \
                      asked further, and orderChanged tells the end; do not give it back again \
                      meanwhile."
                    .to_owned(),
            path: vec!["refund".to_owned()],
        })
    }

    /// It is not known yet whether the order is paid.
    #[must_use]
    pub fn payment_pending() -> Self {
        Self::PaymentPending(PaymentPendingWarning {
            code: WarningCode::PaymentPending,
            message:
                "It is not known yet whether the order is paid. orderChanged tells it; do not \
                      pay again meanwhile."
                    .to_owned(),
            path: vec!["payment".to_owned()],
        })
    }

    /// It is not known yet what came of something that staff asked a provider for.
    #[must_use]
    pub fn payment_unsettled() -> Self {
        Self::PaymentPending(PaymentPendingWarning {
            code: WarningCode::PaymentPending,
            message: "What came of it is not known yet. The provider is asked further, and \
                      orderChanged tells the end; do not ask for it again meanwhile."
                .to_owned(),
            path: vec!["paymentId".to_owned()],
        })
    }
}

/// The object was archived and not deleted, because orders or stock movements refer to it.
#[derive(SimpleObject, Clone)]
pub struct ArchivedInsteadWarning {
    /// Always ARCHIVED_INSTEAD.
    pub code: WarningCode,
    /// For people: why.
    pub message: String,
    /// Where in the input.
    pub path: Vec<String>,
    /// The id of what was archived.
    pub id: ID,
}

/// Some of many rows were rejected, the others were carried out. Each rejected row tells why.
#[derive(SimpleObject, Clone)]
pub struct RowsRejectedWarning {
    /// Always ROWS_REJECTED.
    pub code: WarningCode,
    /// For people: how many.
    pub message: String,
    /// Where in the input.
    pub path: Vec<String>,
    /// How many rows.
    pub rejected: i32,
}

/// A line of a cart is not as it was asked for.
#[derive(SimpleObject, Clone)]
pub struct CartLineWarning {
    /// QUANTITY_CAPPED, LINE_LEFT_OUT or CURRENCY_CHANGED.
    pub code: WarningCode,
    /// For people: what was done instead.
    pub message: String,
    /// Where in the input.
    pub path: Vec<String>,
    /// The SKU of the line.
    pub sku: String,
    /// How many were asked for, with those that were there before.
    pub requested_quantity: i32,
    /// How many are in the cart.
    pub quantity: i32,
}
