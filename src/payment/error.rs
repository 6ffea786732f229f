//! What can go wrong with payments. A decline is an outcome, and none of these.

use crate::auth::Denied;
use crate::db::{DbError, DbErrorKind, TxError};
use crate::payment::state::PaymentState;
use crate::validation::Problem;

/// Why an operation on payments was refused or failed.
#[derive(Debug, Clone, thiserror::Error)]
pub enum PaymentError {
    /// The input has to be mended.
    #[error("the input is invalid: {0:?}")]
    Invalid(Vec<Problem>),
    /// Another attempt to pay for the order is undecided, or holds money.
    #[error("another payment of the order is under way, or holds money")]
    InProgress,
    /// There is no such payment or refund.
    #[error("there is no such payment")]
    NotFound,
    /// The payment does not stand where this can be done.
    #[error("the payment is {}", .state.name())]
    InvalidState {
        /// Where it stands.
        state: PaymentState,
    },
    /// More than can be captured or refunded, nothing, or another currency.
    #[error("at most {maximum} can be asked for")]
    Amount {
        /// The most that can be asked for, in minor units.
        maximum: i64,
    },
    /// The key of a refund was used for another amount.
    #[error("the key of the refund was used for another amount")]
    KeyReused,
    /// Not allowed.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// The database failed.
    #[error(transparent)]
    Db(#[from] DbError),
}

impl PaymentError {
    /// A fault of the program, for the log.
    pub(crate) fn fault(message: impl Into<String>) -> Self {
        let message = message.into();
        Self::Db(DbError { kind: DbErrorKind::Fault, constraint: None, message })
    }
}

impl From<Problem> for PaymentError {
    fn from(problem: Problem) -> Self {
        Self::Invalid(vec![problem])
    }
}

impl TxError for PaymentError {
    fn db_error(&self) -> Option<&DbError> {
        match self {
            Self::Db(error) => Some(error),
            _ => None,
        }
    }
}
