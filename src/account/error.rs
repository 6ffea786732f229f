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
    /// Whoever uses the session does not know the password.
    #[error("the password is wrong")]
    WrongPassword {
        /// Which field of the input has it.
        field: &'static str,
    },
    /// The token of a mailed link is unknown, expired or used up.
    #[error("the link is not good, or not any more")]
    InvalidLink,
    /// The arguments of a query cannot be used; the text says what to change.
    #[error("{0}")]
    BadArgument(String),
    /// Tried too often.
    #[error("too many tries; the next is let through after {retry_after_seconds} s")]
    Throttled {
        /// When the next try is let through.
        retry_after_seconds: u32,
    },
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
