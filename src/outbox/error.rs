//! What can go wrong with the outbox.

use crate::auth::Denied;
use crate::db::{DbError, TxError};
use crate::validation::Problem;

/// Why an operation on the outbox was refused or failed.
#[derive(Debug, Clone, thiserror::Error)]
pub enum OutboxError {
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

impl TxError for OutboxError {
    fn db_error(&self) -> Option<&DbError> {
        match self {
            Self::Db(error) => Some(error),
            Self::Invalid(_) | Self::Denied(_) => None,
        }
    }
}
