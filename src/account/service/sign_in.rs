//! Signing in by e-mail and password.

use crate::account::service::{MAX_PASSWORD_CHARS, read_email};
use crate::account::{AccountError, Accounts, User};
use crate::auth::ACCESS_TOKEN_SECONDS;
use crate::db::Timestamp;
use entity::user_account::{Column, Entity, Model};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryTrait};
use secrecy::{ExposeSecret, SecretString};

/// The answer to signing in.
pub struct SignedIn {
    /// The access token.
    pub access_token: String,
    /// When it ends.
    pub expires_at: Timestamp,
    /// Whose it is.
    pub user: User,
}

impl Accounts {
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
}
