//! The mails that jobs send: who gets one is decided here, long after the request was answered.

use crate::account::email::EmailAddress;
use crate::account::mails::{self, Links};
use crate::account::service::change::lock_in_txn;
use crate::account::service::link::{Purpose, is_asked_in_txn, issue_in_txn};
use crate::account::{AccountError, Accounts};
use crate::db::Tx;
use crate::mail::Message;
use entity::user_account::{Column, Entity, Model};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryTrait};
use secrecy::SecretString;
use uuid::Uuid;

impl Accounts {
    /// The mail by which an address is proved; None when no account needs it.
    pub(crate) async fn verification_mail(
        &self,
        email: &str,
        links: &Links,
    ) -> Result<Option<Message>, AccountError> {
        let account = self.with_address(email).await?.filter(|account| !account.email_verified);
        let token = self.token_for(account, Purpose::VerifyEmail).await?;
        Ok(token.map(|(to, token)| mails::verify(&to, links, &token)))
    }

    /// The mail that tells of an attempt to register an address again; None when its account is
    /// closed.
    pub(crate) async fn already_registered_mail(
        &self,
        email: &str,
        links: &Links,
    ) -> Result<Option<Message>, AccountError> {
        let account = self.with_address(email).await?;
        Ok(account.map(|account| mails::already_registered(&account.email, links)))
    }

    /// The mail by which a new password can be chosen; None when there is no such account.
    pub(crate) async fn reset_mail(
        &self,
        email: &str,
        links: &Links,
    ) -> Result<Option<Message>, AccountError> {
        let account = self.with_address(email).await?;
        let token = self.token_for(account, Purpose::ResetPassword).await?;
        Ok(token.map(|(to, token)| mails::reset_password(&to, links, &token)))
    }

    /// The mail to the address that an account is to have; None when the account is closed, or what
    /// was asked has ended.
    pub(crate) async fn email_change_mail(
        &self,
        user_id: Uuid,
        email: &str,
        links: &Links,
    ) -> Result<Option<Message>, AccountError> {
        let taken = self.by_key(email).await?.is_some_and(|account| account.id != user_id);
        let token = self
            .db
            .tx(|tx| async move {
                let account = lock_in_txn(&tx, user_id).await?.filter(|account| account.active);
                // A password that was changed meanwhile has ended what was asked with the old one.
                let purpose = Purpose::ChangeEmail;
                if account.is_none() || !is_asked_in_txn(&tx, purpose, user_id, email).await? {
                    return Ok(None);
                }
                let token = issue_in_txn(&tx, purpose, user_id, email).await?;
                Ok::<_, AccountError>(Some(token))
            })
            .await?;
        Ok(token.map(|token| match taken {
            true => mails::address_in_use(email),
            false => mails::change_email(email, links, &token),
        }))
    }

    /// The account with this address that can be signed in to.
    async fn with_address(&self, email: &str) -> Result<Option<Model>, AccountError> {
        Ok(self.by_key(email).await?.filter(|account| account.active))
    }

    async fn by_key(&self, email: &str) -> Result<Option<Model>, AccountError> {
        let Ok(email) = EmailAddress::read("email", email) else { return Ok(None) };
        let query = Entity::find().filter(Column::EmailKey.eq(email.key)).into_query();
        Ok(self.db.one(&query).await?)
    }

    /// A token for the account, and its address: mail goes there, however the address was spelt by
    /// whoever asked.
    async fn token_for(
        &self,
        account: Option<Model>,
        purpose: Purpose,
    ) -> Result<Option<(String, SecretString)>, AccountError> {
        let Some(Model { id, .. }) = account else { return Ok(None) };
        self.db.tx(|tx| async move { token_in_txn(&tx, id, purpose).await }).await
    }
}

async fn token_in_txn(
    tx: &Tx,
    id: Uuid,
    purpose: Purpose,
) -> Result<Option<(String, SecretString)>, AccountError> {
    let account = lock_in_txn(tx, id).await?.filter(|account| account.active);
    let Some(account) = account else { return Ok(None) };
    let token = issue_in_txn(tx, purpose, id, &account.email).await?;
    Ok(Some((account.email, token)))
}
