//! Stock in the schema.

mod input;
mod mutation;
mod query;
mod subscription;
mod types;

pub use mutation::StockMutation;
pub use query::StockQuery;
pub use subscription::StockSubscription;
pub use types::{StockLevel, StockMovement, VariantStock, Warehouse};

use crate::graphql::user_error::{
    IdempotencyConflictError, IdempotencyConflictReason, InsufficientStockError, UserErrorCode,
};
use crate::graphql::{Fault, UserError};
use crate::idempotency::IdempotencyError;
use crate::stock::{Shortage, StockError};

/// After how many seconds to send a mutation again whose first sending still runs.
const RETRY_AFTER_SECONDS: i32 = 1;

/// A number of pieces as an Int. Levels hold no more than an Int does; sums over many may.
pub(crate) fn pieces(number: i64) -> i32 {
    i32::try_from(number).unwrap_or(if number < 0 { i32::MIN } else { i32::MAX })
}

impl From<StockError> for Fault {
    fn from(error: StockError) -> Self {
        match error {
            StockError::Db(error) => error.into(),
            StockError::Denied(denied) => denied.into(),
            StockError::Invalid(problems) => Self::bad_user_input(
                problems.into_iter().map(|p| p.message).collect::<Vec<_>>().join(" "),
            ),
            error @ (StockError::Insufficient(_)
            | StockError::BelowReserved { .. }
            | StockError::VersionConflict { .. }
            | StockError::Idempotency(_)) => Self::internal(&error),
        }
    }
}

/// What a refused mutation answers; a fault stays an error of the response.
pub(crate) fn refusal(error: StockError) -> Result<Vec<UserError>, Fault> {
    Ok(match error {
        StockError::Invalid(problems) => problems.into_iter().map(UserError::from).collect(),
        StockError::Insufficient(shortages) => shortages.into_iter().map(UserError::from).collect(),
        StockError::BelowReserved { reserved, .. } => vec![UserError::new(
            UserErrorCode::OutOfRange,
            ["onHand"],
            format!("{reserved} pieces are reserved for orders; onHand cannot be less."),
        )],
        StockError::VersionConflict { actual } => {
            vec![UserError::version_conflict(actual)]
        }
        StockError::Idempotency(error) => vec![conflict(&error)?],
        error @ (StockError::Denied(_) | StockError::Db(_)) => return Err(error.into()),
    })
}

impl From<Shortage> for UserError {
    fn from(shortage: Shortage) -> Self {
        Self::shortage(shortage, ["sku"])
    }
}

impl UserError {
    /// There is too little of something that is named here in the input.
    pub(crate) fn shortage<P: Into<String>>(
        shortage: Shortage,
        path: impl IntoIterator<Item = P>,
    ) -> Self {
        Self::InsufficientStock(InsufficientStockError {
            code: UserErrorCode::InsufficientStock,
            message: format!(
                "{} has {} available, {} were asked for.",
                shortage.sku, shortage.available, shortage.requested
            ),
            path: path.into_iter().map(Into::into).collect(),
            sku: shortage.sku,
            requested: pieces(shortage.requested),
            available: pieces(shortage.available),
        })
    }
}

/// An idempotency key that cannot be used.
pub(crate) fn conflict(error: &IdempotencyError) -> Result<UserError, Fault> {
    let (reason, retry_after_seconds, message) = match error {
        IdempotencyError::DifferentInput => (
            IdempotencyConflictReason::DifferentInput,
            None,
            "This idempotency key was used with another input. Take a new key.",
        ),
        IdempotencyError::InProgress => (
            IdempotencyConflictReason::InProgress,
            Some(RETRY_AFTER_SECONDS),
            "The first use of this idempotency key still runs. Send the same again in a moment.",
        ),
        IdempotencyError::Db(error) => return Err(error.clone().into()),
    };
    Ok(UserError::IdempotencyConflict(IdempotencyConflictError {
        code: UserErrorCode::IdempotencyConflict,
        message: message.to_owned(),
        path: vec!["idempotencyKey".to_owned()],
        reason,
        retry_after_seconds,
    }))
}
