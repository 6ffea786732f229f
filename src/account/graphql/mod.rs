//! Accounts in the schema.

mod address;
mod admin;
mod api_token;
mod filter;
mod payload;
mod profile;
mod query;
mod register;
mod token;
mod types;

pub use address::{Address, AddressInput};
pub use api_token::{ApiToken, ApiTokenQuery};
pub use types::{Role, User};

use crate::account::graphql::address::AddressMutation;
use crate::account::graphql::admin::{UserMutation, UserQuery};
use crate::account::graphql::api_token::ApiTokenMutation;
use crate::account::graphql::profile::{ProfileMutation, ProfileQuery};
use crate::account::graphql::query::MeQuery;
use crate::account::graphql::register::RegisterMutation;
use crate::account::graphql::token::TokenMutation;
use crate::account::{AccountError, Accounts};
use crate::auth::Viewer;
use crate::graphql::user_error::UserErrorCode;
use crate::graphql::{Fault, NodeKind, UserError, code};
use async_graphql::{Context, ID, MergedObject};
use uuid::Uuid;

/// Queries about accounts.
#[derive(MergedObject, Default)]
pub struct AccountQuery(MeQuery, ProfileQuery, UserQuery);

/// Mutations on accounts.
#[derive(MergedObject, Default)]
pub struct AccountMutation(
    ApiTokenMutation,
    TokenMutation,
    RegisterMutation,
    ProfileMutation,
    AddressMutation,
    UserMutation,
);

impl From<AccountError> for Fault {
    fn from(error: AccountError) -> Self {
        match error {
            AccountError::Db(error) => error.into(),
            AccountError::Denied(denied) => denied.into(),
            AccountError::InvalidToken(error) => {
                Self::new(code::UNAUTHENTICATED, error.to_string())
            }
            AccountError::Busy => {
                let message = "Too many people sign in right now. Try again in a moment.";
                Self::new(code::SERVICE_UNAVAILABLE, message)
            }
            AccountError::Throttled { retry_after_seconds } => {
                Self::rate_limited(retry_after_seconds)
            }
            AccountError::BadArgument(message) => Self::bad_user_input(message),
            error @ (AccountError::Invalid(_)
            | AccountError::WrongPassword { .. }
            | AccountError::InvalidLink
            | AccountError::InvalidCredentials
            | AccountError::TokenInvalid
            | AccountError::Fault(_)) => Self::internal(&error),
        }
    }
}

fn services<'a>(ctx: &Context<'a>) -> (&'a Accounts, &'a Viewer) {
    (ctx.data_unchecked(), ctx.data_unchecked())
}

/// The key in an id; what is no id of this kind is the key of nothing.
fn key(kind: NodeKind, id: &ID) -> Uuid {
    kind.key(id).unwrap_or_default()
}

/// What a mutation answers: its payload, also when it was refused; a fault is an error of the
/// response.
fn answer<T: From<Vec<UserError>>>(done: Result<T, AccountError>) -> Option<Result<T, Fault>> {
    Some(done.or_else(|error| refusal(error).map(T::from)))
}

fn refusal(error: AccountError) -> Result<Vec<UserError>, Fault> {
    match error {
        AccountError::Invalid(problems) => Ok(problems.into_iter().map(UserError::from).collect()),
        AccountError::WrongPassword { field } => {
            let message = "The password is wrong.";
            Ok(vec![UserError::new(UserErrorCode::InvalidCredentials, [field], message)])
        }
        AccountError::InvalidLink => {
            let message =
                "The link is used up or too old, or there is a newer one. Ask for another.";
            Ok(vec![UserError::new(UserErrorCode::TokenInvalid, ["token"], message)])
        }
        error => Err(error.into()),
    }
}
