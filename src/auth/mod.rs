//! Who asks, what they may do, and the access tokens that say so. No SQL: finding the account
//! behind a token is the business of `account`.

mod api_token;
mod client;
mod client_address;
mod identity;
mod keys;
mod pem;
mod permission;
mod public_key;
mod role;
mod token;
mod viewer;

pub use api_token::{NewApiToken, api_token_hash, is_api_token};
pub use client::{Client, CookieChange, RefreshCookie};
pub use client_address::ClientAddress;
pub use identity::Identity;
pub use keys::{KeyError, KeyMaterial, KeyRing};
pub use permission::{Holders, Permission, PermissionSet};
pub use public_key::PublicKey;
pub use role::Role;
pub use token::{ACCESS_TOKEN_SECONDS, InvalidToken, TokenCodec, VerifiedToken};
pub use viewer::{Denied, Viewer};
