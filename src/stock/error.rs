//! What can go wrong with stock.

use crate::auth::Denied;
use crate::db::{DbError, DbErrorKind, TxError};
use crate::idempotency::IdempotencyError;
use crate::validation::Problem;
use uuid::Uuid;

/// There is not enough of one variant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shortage {
    /// The variant's key.
    pub variant_id: Uuid,
    /// Its SKU.
    pub sku: String,
    /// How many were asked for.
    pub requested: i64,
    /// How many are available.
    pub available: i64,
    /// Orders whose expired holds still lie on it. Whoever is refused ends these with
    /// [`Stock::expire_orders`](crate::stock::Stock::expire_orders) and tries again.
    pub dead_holds: Vec<Uuid>,
}

/// Why an operation on stock was refused or failed.
#[derive(Debug, Clone, thiserror::Error)]
pub enum StockError {
    /// The input has to be mended.
    #[error("the input is invalid: {0:?}")]
    Invalid(Vec<Problem>),
    /// Not enough stock; nothing happened.
    #[error("not enough stock: {0:?}")]
    Insufficient(Vec<Shortage>),
    /// The level cannot have fewer pieces than are reserved; nothing happened.
    #[error("{reserved} pieces are reserved")]
    BelowReserved {
        /// How many are reserved.
        reserved: i64,
        /// Orders whose expired holds are among them.
        dead_holds: Vec<Uuid>,
    },
    /// The level or warehouse changed since the caller read it; nothing was overwritten.
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

impl StockError {
    /// Orders whose expired holds may be all that stood in the way.
    #[must_use]
    pub fn dead_holds(&self) -> Vec<Uuid> {
        match self {
            Self::Insufficient(shortages) => {
                shortages.iter().flat_map(|shortage| &shortage.dead_holds).copied().collect()
            }
            Self::BelowReserved { dead_holds, .. } => dead_holds.clone(),
            _ => Vec::new(),
        }
    }

    pub(crate) fn fault(message: &str) -> Self {
        Self::Db(DbError {
            kind: DbErrorKind::Fault,
            constraint: None,
            message: message.to_owned(),
        })
    }
}

impl From<Problem> for StockError {
    fn from(problem: Problem) -> Self {
        Self::Invalid(vec![problem])
    }
}

impl From<IdempotencyError> for StockError {
    fn from(error: IdempotencyError) -> Self {
        match error {
            IdempotencyError::Db(error) => Self::Db(error),
            error => Self::Idempotency(error),
        }
    }
}

impl TxError for StockError {
    fn db_error(&self) -> Option<&DbError> {
        match self {
            Self::Db(error) | Self::Idempotency(IdempotencyError::Db(error)) => Some(error),
            _ => None,
        }
    }
}
