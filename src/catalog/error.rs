//! What can go wrong with the catalogue.

use crate::auth::Denied;
use crate::db::{DbError, DbErrorKind, TxError};
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

    /// Whether a constraint refused what a look at the rows had found to be free: the same again
    /// will tell what is in the way.
    pub(crate) fn is_overtaken(&self) -> bool {
        let kind = self.db_error().map(|error| error.kind);
        matches!(kind, Some(DbErrorKind::Unique | DbErrorKind::ForeignKey))
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
