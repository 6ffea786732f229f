//! What can go wrong with orders. A declined payment is no error: the order is there.

use crate::auth::Denied;
use crate::cart::CartError;
use crate::db::{DbError, DbErrorKind, TxError};
use crate::flash_sale::{FlashSaleError, LimitReached};
use crate::idempotency::IdempotencyError;
use crate::money::Money;
use crate::order::OrderStatus;
use crate::payment::{PaymentError, PaymentStatus};
use crate::stock::{Shortage, StockError};
use crate::validation::{Problem, ProblemKind};
use uuid::Uuid;

/// Why an operation on orders was refused or failed. Nothing happened then.
#[derive(Debug, Clone, thiserror::Error)]
pub enum OrderError {
    /// The input has to be mended.
    #[error("the input is invalid: {0:?}")]
    Invalid(Vec<Problem>),
    /// The cart became an order before.
    #[error("the cart became an order")]
    CartCompleted,
    /// Not enough stock.
    #[error("not enough stock: {0:?}")]
    Insufficient(Vec<Shortage>),
    /// More was asked for at the price of a flash sale than the buyer can have.
    #[error("more than a customer can have in a flash sale: {0:?}")]
    FlashSaleLimit(Vec<LimitReached>),
    /// Dead orders have of a flash sale what the buyer would have: they are ended and the whole is
    /// tried again. Nobody is told.
    #[error("dead orders have what is left of a flash sale: {0:?}")]
    DeadTakes(Vec<Uuid>),
    /// It costs something else than the buyer was shown.
    #[error("it costs {actual:?} and not {expected:?}")]
    PriceChanged {
        /// What the buyer was shown.
        expected: Money,
        /// What it costs.
        actual: Money,
    },
    /// The order does not stand where this can be done.
    #[error("{from:?} does not become {to:?}")]
    Transition {
        /// Where it stands.
        from: OrderStatus,
        /// What was asked for.
        to: OrderStatus,
        /// What more there is to say, in a sentence; empty when the two say all.
        because: &'static str,
    },
    /// The payment does not stand where this can be done.
    #[error("the payment is {} and does not become {}", .from.name(), .to.name())]
    Payment {
        /// Where it stands.
        from: PaymentStatus,
        /// What was asked for.
        to: PaymentStatus,
        /// What more there is to say, in a sentence; empty when the two say all.
        because: &'static str,
    },
    /// More than can go back, or nothing.
    #[error("at most {maximum:?} can go back")]
    RefundAmount {
        /// The most that can.
        maximum: Money,
    },
    /// The provider said no; nothing happened.
    #[error("the provider declined: {code}")]
    Declined {
        /// Why, in its code.
        code: String,
    },
    /// The provider could not be asked; nothing happened.
    #[error("the provider could not be asked")]
    Unavailable {
        /// When another try may help.
        retry_after_seconds: u32,
    },
    /// The order changed since the caller read it; nothing was done on what it was.
    #[error("the version is {actual}")]
    VersionConflict {
        /// The version that it has now.
        actual: i64,
    },
    /// Another attempt to pay is not decided yet.
    #[error("another payment of the order is under way")]
    PaymentInProgress,
    /// The idempotency key cannot be used.
    #[error(transparent)]
    Idempotency(IdempotencyError),
    /// Not allowed.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// The database failed.
    #[error(transparent)]
    Db(#[from] DbError),
}

impl OrderError {
    /// A fault of the program, for the log.
    pub(crate) fn fault(message: impl Into<String>) -> Self {
        let message = message.into();
        Self::Db(DbError { kind: DbErrorKind::Fault, constraint: None, message })
    }

    /// There is no such order, or the caller may not see it.
    pub(crate) fn not_found() -> Self {
        Problem::new(ProblemKind::NotFound, ["orderId"], "There is no such order.").into()
    }
}

impl From<Problem> for OrderError {
    fn from(problem: Problem) -> Self {
        Self::Invalid(vec![problem])
    }
}

impl From<IdempotencyError> for OrderError {
    fn from(error: IdempotencyError) -> Self {
        match error {
            IdempotencyError::Db(error) => Self::Db(error),
            error => Self::Idempotency(error),
        }
    }
}

impl From<CartError> for OrderError {
    fn from(error: CartError) -> Self {
        match error {
            CartError::Invalid(problems) => Self::Invalid(problems),
            CartError::NotFound => {
                Problem::new(ProblemKind::NotFound, ["cartId"], "There is no such cart.").into()
            }
            CartError::Completed => Self::CartCompleted,
            CartError::Idempotency(error) => Self::Idempotency(error),
            CartError::Denied(denied) => Self::Denied(denied),
            CartError::Db(error) => Self::Db(error),
            error @ CartError::VersionConflict { .. } => Self::fault(error.to_string()),
        }
    }
}

impl From<StockError> for OrderError {
    fn from(error: StockError) -> Self {
        match error {
            StockError::Invalid(problems) => Self::Invalid(problems),
            StockError::Insufficient(shortages) => Self::Insufficient(shortages),
            StockError::Denied(denied) => Self::Denied(denied),
            StockError::Db(error) => Self::Db(error),
            StockError::Idempotency(error) => error.into(),
            error @ (StockError::BelowReserved { .. } | StockError::VersionConflict { .. }) => {
                Self::fault(error.to_string())
            }
        }
    }
}

impl From<FlashSaleError> for OrderError {
    fn from(error: FlashSaleError) -> Self {
        match error {
            FlashSaleError::Invalid(problems) => Self::Invalid(problems),
            FlashSaleError::LimitReached(limits) => Self::FlashSaleLimit(limits),
            FlashSaleError::Denied(denied) => Self::Denied(denied),
            FlashSaleError::Db(error) => Self::Db(error),
            FlashSaleError::Idempotency(error) => error.into(),
            error @ FlashSaleError::VersionConflict { .. } => Self::fault(error.to_string()),
        }
    }
}

impl From<PaymentError> for OrderError {
    fn from(error: PaymentError) -> Self {
        match error {
            PaymentError::Invalid(problems) => Self::Invalid(problems),
            PaymentError::InProgress => Self::PaymentInProgress,
            PaymentError::Denied(denied) => Self::Denied(denied),
            PaymentError::Db(error) => Self::Db(error),
            error => Self::fault(error.to_string()),
        }
    }
}

impl TxError for OrderError {
    fn db_error(&self) -> Option<&DbError> {
        match self {
            Self::Db(error) | Self::Idempotency(IdempotencyError::Db(error)) => Some(error),
            _ => None,
        }
    }
}
