//! Who asks, what they may do, and the access tokens that say so. No SQL: finding the account
//! behind a token is the business of `account`.

mod permission;
mod role;
mod token;
mod viewer;

pub use permission::{Holders, Permission, PermissionSet};
pub use role::Role;
pub use token::{ACCESS_TOKEN_SECONDS, InvalidToken, TokenCodec, VerifiedToken};
pub use viewer::{Denied, Viewer};
