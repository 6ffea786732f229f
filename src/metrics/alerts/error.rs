//! What can go wrong with alerts.

use crate::auth::Denied;
use crate::db::{DbError, TxError};
use crate::idempotency::IdempotencyError;
use crate::validation::Problem;

/// Why an operation on alerts was refused or failed. Nothing happened then.
#[derive(Debug, Clone, thiserror::Error)]
pub enum AlertError {
    /// The input has to be mended.
    #[error("the input is invalid: {0:?}")]
    Invalid(Vec<Problem>),
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

impl From<Problem> for AlertError {
    fn from(problem: Problem) -> Self {
        Self::Invalid(vec![problem])
    }
}

impl From<IdempotencyError> for AlertError {
    fn from(error: IdempotencyError) -> Self {
        match error {
            IdempotencyError::Db(error) => Self::Db(error),
            error => Self::Idempotency(error),
        }
    }
}

impl TxError for AlertError {
    fn db_error(&self) -> Option<&DbError> {
        match self {
            Self::Db(error) => Some(error),
            _ => None,
        }
    }
}
