//! Accounts: who can sign in, and what they are. Access tokens themselves are `auth`'s.

mod error;
pub mod graphql;
pub mod loader;
mod password;
mod refresh_token;
mod service;
mod watch;

pub use error::AccountError;
pub use service::{
    Accounts, ApiToken, ApiTokenAsk, ApiTokens, MadeApiToken, NewUser, Revocation,
    SESSION_IDLE_DAYS, SESSION_LONGEST_DAYS, SignedIn, User,
};
pub use watch::{AccountNews, AccountWatch};
