//! What can go wrong with the catalogue.

use crate::auth::Denied;
use crate::db::{DbError, DbErrorKind, TxError};
use crate::idempotency::IdempotencyError;
use crate::stock::StockError;
use crate::validation::Problem;

/// Why an operation on the catalogue was refused or failed.
#[derive(Debug, Clone, thiserror::Error)]
pub enum CatalogError {
    /// The input has to be mended.
    #[error("the input is invalid: {0:?}")]
    Invalid(Vec<Problem>),
    /// The arguments of a query cannot be used; the text says what to change.
    #[error("{0}")]
    BadArgument(String),
    /// The object changed since the caller read it; nothing was overwritten.
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
    /// Stock refused or failed.
    #[error(transparent)]
    Stock(StockError),
    /// The database failed.
    #[error(transparent)]
    Db(#[from] DbError),
}

impl CatalogError {
    /// A fault of the program.
    pub(crate) fn fault(message: impl Into<String>) -> Self {
        Self::Db(DbError { kind: DbErrorKind::Fault, constraint: None, message: message.into() })
    }

    /// A constraint refused what a look at the rows had found to be free: others were faster. The
    /// transaction is to be repeated; its second look tells what is in the way.
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

impl From<IdempotencyError> for CatalogError {
    fn from(error: IdempotencyError) -> Self {
        match error {
            IdempotencyError::Db(error) => Self::Db(error),
            error => Self::Idempotency(error),
        }
    }
}

impl From<Problem> for CatalogError {
    fn from(problem: Problem) -> Self {
        Self::Invalid(vec![problem])
    }
}

impl From<StockError> for CatalogError {
    fn from(error: StockError) -> Self {
        match error {
            StockError::Db(error) => Self::Db(error),
            StockError::Denied(denied) => Self::Denied(denied),
            StockError::Idempotency(error) => error.into(),
            error => Self::Stock(error),
        }
    }
}

impl TxError for CatalogError {
    fn db_error(&self) -> Option<&DbError> {
        match self {
            Self::Db(error) => Some(error),
            Self::Stock(error) => error.db_error(),
            _ => None,
        }
    }
}
