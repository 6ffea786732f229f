//! What can go wrong with figures.

use crate::auth::Denied;
use crate::db::{DbError, TxError};
use crate::validation::Problem;

/// Why figures could not be told, or written.
#[derive(Debug, Clone, thiserror::Error)]
pub enum MetricsError {
    /// The input has to be mended.
    #[error("the input is invalid: {0:?}")]
    Invalid(Vec<Problem>),
    /// Not allowed.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// The database failed.
    #[error(transparent)]
    Db(#[from] DbError),
}

impl From<Problem> for MetricsError {
    fn from(problem: Problem) -> Self {
        Self::Invalid(vec![problem])
    }
}

impl TxError for MetricsError {
    fn db_error(&self) -> Option<&DbError> {
        match self {
            Self::Db(error) => Some(error),
            Self::Invalid(_) | Self::Denied(_) => None,
        }
    }
}
