//! Signing in by e-mail and password.

use crate::account::email::EmailAddress;
use crate::account::password::Passwords;
use crate::account::throttle::{SIGN_IN, SIGN_IN_FROM, Slot};
use crate::account::{AccountError, Accounts, User};
use crate::auth::Client;
use crate::db::{DbError, Timestamp, Tx};
use entity::user_account::{Column, Entity, Model};
use sea_orm::sea_query::{Expr, ExprTrait, LockType, Query};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryTrait};
use secrecy::SecretString;

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

/// The places of a try among those of its account and of its client.
struct Slots {
    account: Slot,
    client: Option<Slot>,
}

impl Accounts {
    /// Signs in.
    ///
    /// # Errors
    /// [`AccountError::InvalidCredentials`], the same and after the same work whether or not the
    /// address is known; [`AccountError::Throttled`] after too many tries, the same way.
    pub async fn sign_in(
        &self,
        client: &Client,
        email: &str,
        password: SecretString,
    ) -> Result<SignedIn, AccountError> {
        // What is no address belongs to nobody, and is counted all the same.
        let key = EmailAddress::read("email", email).map(|email| email.key).ok();
        let slots = &Slots {
            account: SIGN_IN.on(key.as_deref().unwrap_or(email)),
            client: SIGN_IN_FROM.from(client.address),
        };
        let all = || [&slots.account].into_iter().chain(&slots.client);
        let _places = self.throttle.stand_in_line(all()).await?;
        self.throttle.take(all().cloned()).await?;
        let signed_in = self.sign_in_to(&key.unwrap_or_default(), password, client, slots).await;
        self.throttle.unless_decided(all(), signed_in).await
    }

    async fn sign_in_to(
        &self,
        key: &str,
        password: SecretString,
        client: &Client,
        slots: &Slots,
    ) -> Result<SignedIn, AccountError> {
        loop {
            let proved = self.prove(key, &password).await?;
            let rehashed = match Passwords::is_outdated(&proved.password_hash) {
                true => Some(self.passwords.hash(password.clone()).await?),
                false => None,
            };
            let (proved, rehashed) = (&proved, rehashed.as_deref());
            let opened = self
                .db
                .tx(|tx| async move {
                    let Some(user) = lock_unchanged_in_txn(&tx, proved, rehashed).await? else {
                        return Ok(None);
                    };
                    let signed_in = self.open_session_in_txn(&tx, user, client).await?;
                    // In the order of their keys, as they are taken.
                    if let Some(slot) = &slots.client {
                        self.throttle.give_back_in_txn(&tx, slot).await?;
                    }
                    self.throttle.forget_in_txn(&tx, &slots.account).await?;
                    Ok::<_, AccountError>(Some(signed_in))
                })
                .await?;
            // It was closed or its password changed meanwhile, perhaps to a new hash of the same:
            // look again. Each turn but the last sees another change.
            if let Some(opened) = opened {
                return Ok(opened);
            }
        }
    }

    /// The account with this address, when the password is its own.
    async fn prove(&self, key: &str, password: &SecretString) -> Result<Model, AccountError> {
        let query = Entity::find().filter(Column::EmailKey.eq(key)).into_query();
        let found = self.db.one::<Model>(&query).await?.filter(|model| model.active);
        let stored = found.as_ref().map(|model| model.password_hash.clone());
        let right = self.passwords.verify(password.clone(), stored).await?;
        found.filter(|_| right).ok_or(AccountError::InvalidCredentials)
    }
}

/// The account behind its row lock, if it is still active and its password the one that was proved:
/// whoever changes either waits for the session, and then ends it. `rehashed` replaces the hash.
async fn lock_unchanged_in_txn(
    tx: &Tx,
    proved: &Model,
    rehashed: Option<&str>,
) -> Result<Option<User>, DbError> {
    if let Some(hash) = rehashed {
        let mut update = Query::update();
        update
            .table(Entity)
            .value(Column::PasswordHash, hash)
            .and_where(Expr::col(Column::Id).eq(proved.id))
            .and_where(Expr::col(Column::Active).eq(true))
            .and_where(Expr::col(Column::PasswordHash).eq(proved.password_hash.as_str()))
            .returning_all();
        return Ok(tx.one::<Model>(&update).await?.map(User::from));
    }
    let mut query = Entity::find_by_id(proved.id)
        .filter(Column::Active.eq(true))
        .filter(Column::PasswordHash.eq(proved.password_hash.as_str()))
        .into_query();
    query.lock(LockType::Share);
    Ok(tx.one::<Model>(&query).await?.map(User::from))
}
