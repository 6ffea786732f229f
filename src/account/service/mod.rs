//! Accounts and signing in.

mod api_token;
mod api_token_use;
mod create;
mod find;
mod refresh;
mod session;
mod sign_in;
mod viewer;

pub use api_token::{ApiToken, ApiTokenAsk, ApiTokens, MadeApiToken};
pub use create::NewUser;
pub use refresh::Revocation;
pub use session::{SESSION_IDLE_DAYS, SESSION_LONGEST_DAYS};
pub use sign_in::SignedIn;

use crate::account::AccountError;
use crate::account::password::Passwords;
use crate::auth::{Role, TokenCodec};
use crate::db::{Db, Timestamp};
use crate::events::Bus;
use crate::validation::{Problem, ProblemKind};
use entity::user_account::Model;
use unicode_normalization::UnicodeNormalization;
use uuid::Uuid;

const MAX_PASSWORD_CHARS: usize = 128;
const MAX_EMAIL_BYTES: usize = 254;

/// Someone who can sign in.
#[derive(Debug, Clone)]
pub struct User {
    /// The key.
    pub id: Uuid,
    /// The e-mail address as it was typed.
    pub email: String,
    /// The display name.
    pub name: String,
    /// What the account is in the shop.
    pub role: Role,
    /// Whether the address was proved.
    pub email_verified: bool,
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
            name: model.name,
            email_verified: model.email_verified,
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
    bus: Bus,
    api_tokens: ApiTokens,
}

impl Accounts {
    /// Accounts in this database, with tokens of this codec; the bus tells who has changed.
    ///
    /// # Errors
    /// When the system gives no random salt.
    pub fn new(db: Db, tokens: TokenCodec, bus: Bus) -> Result<Self, AccountError> {
        let api_tokens = ApiTokens::new(db.clone(), bus.clone());
        Ok(Self { db, tokens, passwords: Passwords::new()?, bus, api_tokens })
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

/// The address as typed and the key it is found by: composed the same way and in lower case.
fn read_email(text: &str) -> Result<(String, String), Problem> {
    let email = text.trim();
    let plausible = email.len() <= MAX_EMAIL_BYTES
        && !email.contains(|c: char| c.is_whitespace() || c.is_control())
        && email.rsplit_once('@').is_some_and(|(local, domain)| {
            !local.is_empty()
                && local.len() <= 64
                && domain.split('.').all(|label| !label.is_empty())
                && domain.contains('.')
        });
    if !plausible {
        return Err(Problem::new(
            ProblemKind::Invalid,
            ["email"],
            "The e-mail address must look like name@shop.example.",
        ));
    }
    let key: String = email.nfkc().collect::<String>().to_lowercase();
    Ok((email.to_owned(), key))
}
