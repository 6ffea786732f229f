//! What can go wrong with flash sales.

use crate::auth::Denied;
use crate::db::{DbError, DbErrorKind, TxError};
use crate::idempotency::IdempotencyError;
use crate::validation::Problem;
use uuid::Uuid;

/// A customer asked for more pieces at a sale's price than they can have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LimitReached {
    /// The SKU.
    pub sku: String,
    /// How many were asked for.
    pub requested: i64,
    /// How many they can have; 0: they had all of theirs.
    pub maximum: i64,
    /// Orders that may be why, although they are dead: whoever called rolls back, ends these and
    /// tries again.
    pub dead_holds: Vec<Uuid>,
}

/// Why an operation on flash sales was refused or failed. Nothing happened then.
#[derive(Debug, Clone, thiserror::Error)]
pub enum FlashSaleError {
    /// The input has to be mended.
    #[error("the input is invalid: {0:?}")]
    Invalid(Vec<Problem>),
    /// More was asked for than a customer can have.
    #[error("more than a customer can have: {0:?}")]
    LimitReached(Vec<LimitReached>),
    /// The sale changed since the caller read it; nothing was overwritten.
    #[error("the version is {actual}")]
    VersionConflict {
        /// The version that it has now.
        actual: i64,
    },
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

impl FlashSaleError {
    /// A fault of the program.
    pub(crate) fn fault(message: impl Into<String>) -> Self {
        Self::Db(DbError { kind: DbErrorKind::Fault, constraint: None, message: message.into() })
    }

    /// The sale went on since its price was read: the transaction is to be repeated, with the price
    /// of then.
    pub(crate) fn again() -> Self {
        let message = "a flash sale went on since its price was read".to_owned();
        Self::Db(DbError { kind: DbErrorKind::Contention, constraint: None, message })
    }
}

impl From<Problem> for FlashSaleError {
    fn from(problem: Problem) -> Self {
        Self::Invalid(vec![problem])
    }
}

impl From<IdempotencyError> for FlashSaleError {
    fn from(error: IdempotencyError) -> Self {
        match error {
            IdempotencyError::Db(error) => Self::Db(error),
            error => Self::Idempotency(error),
        }
    }
}

impl TxError for FlashSaleError {
    fn db_error(&self) -> Option<&DbError> {
        match self {
            Self::Db(error) => Some(error),
            _ => None,
        }
    }
}
