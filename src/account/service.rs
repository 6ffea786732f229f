//! Accounts and signing in.

use crate::account::AccountError;
use crate::account::password::Passwords;
use crate::auth::{ACCESS_TOKEN_SECONDS, Role, TokenCodec, Viewer};
use crate::db::{Db, Timestamp, Tx};
use crate::validation::{Problem, ProblemKind, required_text};
use entity::user_account::{Column, Entity, Model};
use sea_orm::sea_query::{Expr, Query};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryTrait};
use secrecy::{ExposeSecret, SecretString};
use std::collections::HashMap;
use unicode_normalization::UnicodeNormalization;
use uuid::Uuid;

const MIN_PASSWORD_CHARS: usize = 15;
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

/// An account to make.
pub struct NewUser {
    /// The address to sign in with.
    pub email: String,
    /// The display name.
    pub name: String,
    /// 15 to 128 characters.
    pub password: SecretString,
    /// What the account is.
    pub role: Role,
}

/// The answer to signing in.
pub struct SignedIn {
    /// The access token.
    pub access_token: String,
    /// When it ends.
    pub expires_at: Timestamp,
    /// Whose it is.
    pub user: User,
}

/// The accounts of the shop; cheap to clone.
#[derive(Clone)]
pub struct Accounts {
    db: Db,
    tokens: TokenCodec,
    passwords: Passwords,
}

impl Accounts {
    /// Accounts in this database, with tokens of this codec.
    ///
    /// # Errors
    /// When the system gives no random salt.
    pub fn new(db: Db, tokens: TokenCodec) -> Result<Self, AccountError> {
        Ok(Self { db, tokens, passwords: Passwords::new()? })
    }

    /// Makes an account. Only the server itself may, from the command line.
    ///
    /// # Errors
    /// [`AccountError::Invalid`] for a bad or taken address and a bad password.
    pub async fn create(&self, viewer: &Viewer, new: NewUser) -> Result<User, AccountError> {
        if *viewer != Viewer::System {
            return Err(crate::auth::Denied::Forbidden.into());
        }
        let (email, email_key) = read_email(&new.email).map_err(|p| invalid([p]))?;
        let name = required_text("name", &new.name, 200).map_err(|p| invalid([p]))?;
        check_password(&new.password).map_err(|problem| invalid([problem]))?;
        let hash = self.passwords.hash(new.password).await?;
        let (email, email_key, name, hash) = (&email, &email_key, &name, &hash);
        let created =
            self.db
                .tx(|tx| async move {
                    insert_in_txn(&tx, [email, email_key, name, hash], new.role).await
                })
                .await;
        created.map_err(|error| match error {
            AccountError::Db(error)
                if error.violates("user_account_email_key", "user_account.email_key") =>
            {
                invalid([Problem::new(
                    ProblemKind::AlreadyExists,
                    ["email"],
                    "An account with this e-mail address exists.",
                )])
            }
            error => error,
        })
    }

    /// Whether the shop has no administrator yet.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn has_no_administrator(&self) -> Result<bool, AccountError> {
        let query = Entity::find().filter(Column::Role.eq(Role::Admin.as_str())).into_query();
        Ok(self.db.one::<Model>(&query).await?.is_none())
    }

    /// Signs in.
    ///
    /// # Errors
    /// [`AccountError::InvalidCredentials`], the same and after the same work whether or not the
    /// address is known.
    pub async fn sign_in(
        &self,
        email: &str,
        password: SecretString,
    ) -> Result<SignedIn, AccountError> {
        let key = read_email(email).map(|(_, key)| key).unwrap_or_default();
        let query = Entity::find().filter(Column::EmailKey.eq(key)).into_query();
        let found = self.db.one::<Model>(&query).await?.filter(|model| model.active);
        let too_long = password.expose_secret().chars().count() > MAX_PASSWORD_CHARS;
        let stored = found.as_ref().filter(|_| !too_long).map(|m| m.password_hash.clone());
        let password = if too_long { SecretString::default() } else { password };
        let right = self.passwords.verify(password, stored).await?;
        let Some(model) = found.filter(|_| right) else {
            return Err(AccountError::InvalidCredentials);
        };
        let now = self.db.now();
        let access_token = self
            .tokens
            .issue(model.id, now.timestamp())
            .map_err(|error| AccountError::Fault(error.to_string()))?;
        let expires_at = now + chrono::TimeDelta::seconds(ACCESS_TOKEN_SECONDS);
        Ok(SignedIn { access_token, expires_at, user: model.into() })
    }

    /// Who sends this access token; a guest without one. The account is read anew each time, so
    /// that a role taken away is gone at once.
    ///
    /// # Errors
    /// [`AccountError::InvalidToken`] when it is not good, or the account is not active any more;
    /// never a fall back to guest.
    pub async fn viewer(&self, token: Option<&str>) -> Result<Viewer, AccountError> {
        let Some(token) = token else {
            return Ok(Viewer::Guest);
        };
        let verified = self.tokens.verify(token)?;
        let query = Entity::find_by_id(verified.user_id).into_query();
        let found = self.db.one::<Model>(&query).await?.filter(|model| model.active);
        let user = found.map(User::from).ok_or(crate::auth::InvalidToken)?;
        Ok(Viewer::User { id: user.id, role: user.role })
    }

    /// When the token ends, in seconds since 1970; None without a good one.
    #[must_use]
    pub fn token_expiry(&self, token: &str) -> Option<i64> {
        self.tokens.verify(token).ok().map(|token| token.expires_at)
    }

    /// Accounts by key: one's own, and for staff every one.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn find_many(
        &self,
        viewer: &Viewer,
        ids: &[Uuid],
    ) -> Result<HashMap<Uuid, User>, AccountError> {
        let staff = viewer.can(crate::auth::Permission::StockRead);
        let visible: Vec<Uuid> =
            ids.iter().copied().filter(|id| staff || viewer.user_id() == Some(*id)).collect();
        if visible.is_empty() {
            return Ok(HashMap::new());
        }
        let query = Entity::find().filter(Column::Id.is_in(visible)).into_query();
        let models = self.db.all::<Model>(&query).await?;
        Ok(models.into_iter().map(|model| (model.id, model.into())).collect())
    }
}

async fn insert_in_txn(
    tx: &Tx,
    [email, email_key, name, hash]: [&String; 4],
    role: Role,
) -> Result<User, AccountError> {
    let now = tx.db().now_sql();
    let mut insert = Query::insert();
    insert
        .into_table(Entity)
        .columns([
            Column::Id,
            Column::Email,
            Column::EmailKey,
            Column::Name,
            Column::PasswordHash,
            Column::Role,
            Column::CreatedAt,
            Column::UpdatedAt,
        ])
        .values_panic([
            Expr::value(Uuid::now_v7()),
            Expr::value(email.as_str()),
            Expr::value(email_key.as_str()),
            Expr::value(name.as_str()),
            Expr::value(hash.as_str()),
            Expr::value(role.as_str()),
            now.clone(),
            now,
        ])
        .returning_all();
    let model: Option<Model> = tx.one(&insert).await?;
    model.map(User::from).ok_or_else(|| AccountError::Fault("INSERT returned no row".to_owned()))
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

/// Length is what makes a password strong (NIST SP 800-63B-4): no rules about kinds of characters.
fn check_password(password: &SecretString) -> Result<(), Problem> {
    let chars = password.expose_secret().chars().count();
    if (MIN_PASSWORD_CHARS..=MAX_PASSWORD_CHARS).contains(&chars) {
        return Ok(());
    }
    Err(Problem::new(
        if chars == 0 { ProblemKind::Required } else { ProblemKind::OutOfRange },
        ["password"],
        format!(
            "The password must have {MIN_PASSWORD_CHARS} to {MAX_PASSWORD_CHARS} characters; a \
             few words in a row do well."
        ),
    ))
}
