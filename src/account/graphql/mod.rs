//! Accounts in the schema.

mod api_token;
mod query;
mod token;
mod types;

pub use api_token::{ApiToken, ApiTokenQuery};
pub use query::AccountQuery;
pub use types::{Role, User};

use crate::account::AccountError;
use crate::account::graphql::api_token::ApiTokenMutation;
use crate::account::graphql::token::TokenMutation;
use crate::graphql::{Fault, code};
use async_graphql::MergedObject;

/// Mutations on accounts.
#[derive(MergedObject, Default)]
pub struct AccountMutation(ApiTokenMutation, TokenMutation);

impl From<AccountError> for Fault {
    fn from(error: AccountError) -> Self {
        match error {
            AccountError::Db(error) => error.into(),
            AccountError::Denied(denied) => denied.into(),
            AccountError::InvalidToken(error) => {
                Self { code: code::UNAUTHENTICATED, message: error.to_string() }
            }
            AccountError::Busy => Self {
                code: code::SERVICE_UNAVAILABLE,
                message: "Too many people sign in right now. Try again in a moment.".to_owned(),
            },
            error @ (AccountError::Invalid(_)
            | AccountError::InvalidCredentials
            | AccountError::TokenInvalid
            | AccountError::Fault(_)) => Self::internal(&error),
        }
    }
}
