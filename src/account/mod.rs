//! Accounts: who can sign in, and what they are. Access tokens themselves are `auth`'s.

mod error;
pub mod graphql;
pub mod loader;
mod password;
mod service;

pub use error::AccountError;
pub use service::{Accounts, NewUser, SignedIn, User};
