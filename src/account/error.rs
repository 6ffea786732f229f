//! What can go wrong with accounts.

use crate::auth::Denied;
use crate::db::{DbError, TxError};
use crate::validation::Problem;

/// Why an operation on accounts was refused or failed.
#[derive(Debug, Clone, thiserror::Error)]
pub enum AccountError {
    /// The input has to be mended.
    #[error("the input is invalid: {0:?}")]
    Invalid(Vec<Problem>),
    /// E-mail and password do not belong together, or the account is not active.
    #[error("e-mail or password is wrong")]
    InvalidCredentials,
    /// Too many sign-ins at once; the hashing of passwords is bounded.
    #[error("too many sign-ins at once")]
    Busy,
    /// The refresh token is unknown, expired or spent.
    #[error("the refresh token is not good")]
    TokenInvalid,
    /// The access token is not good.
    #[error(transparent)]
    InvalidToken(#[from] crate::auth::InvalidToken),
    /// Not allowed.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// The database failed.
    #[error(transparent)]
    Db(#[from] DbError),
    /// A fault of the program.
    #[error("{0}")]
    Fault(String),
}

impl TxError for AccountError {
    fn db_error(&self) -> Option<&DbError> {
        match self {
            Self::Db(error) => Some(error),
            _ => None,
        }
    }
}
