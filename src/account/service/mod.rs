//! Accounts and signing in.

mod address_book;
mod api_token;
mod api_token_use;
mod change;
mod close;
mod create;
mod export;
mod find;
mod line;
mod link;
mod list_users;
mod post;
mod refresh;
mod register;
mod session;
mod set_email;
mod set_password;
mod sign_in;
mod throttle;
mod upkeep;
mod viewer;

pub use address_book::AddressChange;
pub use api_token::{ApiToken, ApiTokenAsk, ApiTokens, MadeApiToken};
pub use create::NewUser;
pub use refresh::Revocation;
pub use register::Registration;
pub use session::{SESSION_IDLE_DAYS, SESSION_LONGEST_DAYS};
pub use sign_in::SignedIn;

use crate::account::password::Passwords;
use crate::account::service::throttle::Throttle;
use crate::account::{AccountError, Belongings};
use crate::auth::{Role, TokenCodec};
use crate::db::{Db, DbError, Timestamp, Tx};
use crate::events::Bus;
use crate::validation::Problem;
use entity::user_account::Model;
use std::sync::Arc;
use uuid::Uuid;

/// Characters of a name at most.
const MAX_NAME_CHARS: usize = 200;

/// Someone who can sign in.
#[derive(Debug, Clone)]
pub struct User {
    /// The key.
    pub id: Uuid,
    /// The e-mail address as it was typed.
    pub email: String,
    /// The address as lists are sorted by it.
    pub email_key: String,
    /// The display name.
    pub name: String,
    /// The name as lists are sorted by it.
    pub name_key: String,
    /// What the account is in the shop.
    pub role: Role,
    /// Whether the address was proved.
    pub email_verified: bool,
    /// Whether its owner can sign in.
    pub active: bool,
    /// When its personal data was overwritten; None for most.
    pub erased_at: Option<Timestamp>,
    /// When the account was made.
    pub created_at: Timestamp,
}

impl From<Model> for User {
    fn from(model: Model) -> Self {
        Self {
            id: model.id,
            // A CHECK names the roles; a word that this program does not know yet gets the least.
            role: Role::from_word(&model.role).unwrap_or(Role::Customer),
            email: model.email,
            email_key: model.email_key,
            name: model.name,
            name_key: model.name_key,
            email_verified: model.email_verified,
            active: model.active,
            erased_at: model.erased_at,
            created_at: model.created_at,
        }
    }
}

/// The accounts of the shop; cheap to clone.
#[derive(Clone)]
pub struct Accounts {
    db: Db,
    tokens: TokenCodec,
    passwords: Passwords,
    throttle: Throttle,
    bus: Bus,
    api_tokens: ApiTokens,
    belongings: Arc<[Arc<dyn Belongings>]>,
}

impl Accounts {
    /// Accounts in this database, with tokens of this codec; the bus tells who has changed.
    /// `rate_limited`: whether those who guess are slowed down.
    #[must_use]
    pub fn new(db: Db, tokens: TokenCodec, bus: Bus, rate_limited: bool) -> Self {
        let throttle = Throttle::new(db.clone(), rate_limited);
        let api_tokens = ApiTokens::new(db.clone(), bus.clone());
        let (passwords, belongings) = (Passwords::new(), Arc::from([]));
        Self { db, tokens, passwords, throttle, bus, api_tokens, belongings }
    }

    /// With what other parts of the shop keep of each account.
    #[must_use]
    pub fn with_belongings(self, belongings: Vec<Arc<dyn Belongings>>) -> Self {
        Self { belongings: belongings.into(), ..self }
    }

    /// The account has proved an address: what was kept of a guest under it is the account's.
    async fn join_in_txn(&self, tx: &Tx, account: Uuid, email_key: &str) -> Result<(), DbError> {
        for belongings in self.belongings.iter() {
            belongings.join_in_txn(tx, account, email_key).await?;
        }
        Ok(())
    }

    /// The tokens of programs.
    #[must_use]
    pub fn api_tokens(&self) -> &ApiTokens {
        &self.api_tokens
    }
}

fn invalid<const N: usize>(problems: [Problem; N]) -> AccountError {
    AccountError::Invalid(problems.into())
}
