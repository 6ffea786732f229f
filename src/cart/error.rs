//! What can go wrong with carts.

use crate::auth::Denied;
use crate::db::{DbError, DbErrorKind, TxError};
use crate::idempotency::IdempotencyError;
use crate::validation::Problem;

/// Why an operation on carts was refused or failed.
#[derive(Debug, Clone, thiserror::Error)]
pub enum CartError {
    /// The input has to be mended.
    #[error("the input is invalid: {0:?}")]
    Invalid(Vec<Problem>),
    /// There is no such cart, or it is someone else's, expired or merged into another.
    #[error("there is no such cart")]
    NotFound,
    /// The cart became an order.
    #[error("the cart became an order")]
    Completed,
    /// The cart changed since the caller read it; nothing was overwritten.
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

impl CartError {
    /// A fault of the program.
    pub(crate) fn fault(message: impl Into<String>) -> Self {
        Self::Db(DbError { kind: DbErrorKind::Fault, constraint: None, message: message.into() })
    }

    /// Others were faster between two statements of a transaction: it is to be repeated.
    pub(crate) fn again(message: &str) -> Self {
        let (kind, message) = (DbErrorKind::Contention, message.to_owned());
        Self::Db(DbError { kind, constraint: None, message })
    }

    /// A constraint refused what a look at the rows had found to be possible: others were faster.
    /// The transaction is to be repeated; its second look tells what is in the way.
    pub(crate) fn or_again(self) -> Self {
        match self {
            Self::Db(DbError {
                kind: DbErrorKind::Unique | DbErrorKind::ForeignKey,
                constraint,
                message,
            }) => Self::Db(DbError { kind: DbErrorKind::Contention, constraint, message }),
            error => error,
        }
    }
}

impl From<Problem> for CartError {
    fn from(problem: Problem) -> Self {
        Self::Invalid(vec![problem])
    }
}

impl From<IdempotencyError> for CartError {
    fn from(error: IdempotencyError) -> Self {
        match error {
            IdempotencyError::Db(error) => Self::Db(error),
            error => Self::Idempotency(error),
        }
    }
}

impl TxError for CartError {
    fn db_error(&self) -> Option<&DbError> {
        match self {
            Self::Db(error) => Some(error),
            _ => None,
        }
    }
}
