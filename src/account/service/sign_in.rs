//! Signing in by e-mail and password.

use crate::account::service::{MAX_PASSWORD_CHARS, read_email};
use crate::account::{AccountError, Accounts, User};
use crate::auth::Client;
use crate::db::{Timestamp, Tx};
use entity::user_account::{Column, Entity, Model};
use sea_orm::sea_query::LockType;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryTrait};
use secrecy::{ExposeSecret, SecretString};

/// The answer to signing in, and to staying signed in.
pub struct SignedIn {
    /// The access token.
    pub access_token: String,
    /// When it ends.
    pub expires_at: Timestamp,
    /// Gives the next pair, once.
    pub refresh_token: SecretString,
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
        client: &Client,
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
        let proved = &model;
        self.db
            .tx(|tx| async move {
                let user = lock_unchanged_in_txn(&tx, proved).await?;
                self.open_session_in_txn(&tx, user, client).await
            })
            .await
    }
}

/// The account behind its row lock, if it is still active and its password the one that was proved:
/// whoever changes either waits for the session, and then ends it.
async fn lock_unchanged_in_txn(tx: &Tx, proved: &Model) -> Result<User, AccountError> {
    let mut query = Entity::find_by_id(proved.id)
        .filter(Column::Active.eq(true))
        .filter(Column::PasswordHash.eq(proved.password_hash.as_str()))
        .into_query();
    query.lock(LockType::Share);
    let found = tx.one::<Model>(&query).await?;
    found.map(User::from).ok_or(AccountError::InvalidCredentials)
}
