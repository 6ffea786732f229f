//! Accounts: who can sign in, and what they are. Access tokens themselves are `auth`'s.

mod address;
mod belongings;
mod email;
mod error;
pub mod graphql;
pub mod jobs;
mod known_passwords;
mod list;
pub mod loader;
mod mails;
mod password;
mod password_rules;
mod refresh_token;
mod service;
mod throttle;
mod watch;

pub use address::{Address, PostalAddress};
pub use belongings::Belongings;
pub use email::{EmailAddress, typed_key};
pub use error::AccountError;
pub use list::{UserFilter, UserList, UserSort, UserSortField};
pub use mails::Links;
pub use service::{
    Accounts, AddressChange, ApiToken, ApiTokenAsk, ApiTokens, MadeApiToken, NewUser, Registration,
    Revocation, SESSION_IDLE_DAYS, SESSION_LONGEST_DAYS, SignedIn, User,
};
pub use watch::{AccountNews, AccountWatch};
