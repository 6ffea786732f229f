//! Changing the password: by whoever knows the present one, or by a link to the account's address.

use crate::account::email::EmailAddress;
use crate::account::jobs::{Notice, NoticeAbout, ResetAsked};
use crate::account::service::change::{lock_in_txn, update_in_txn};
use crate::account::service::invalid;
use crate::account::service::link::{Purpose, end_all_in_txn, look_up, redeem_in_txn};
use crate::account::throttle::{MAIL_FROM, RESET, SIGN_IN};
use crate::account::{AccountError, Accounts, User, password_rules};
use crate::auth::{ClientAddress, Permission, Viewer};
use crate::db::Tx;
use crate::jobs::{NewJob, enqueue_in_txn};
use entity::user_account::{Column, Entity, Model};
use sea_orm::sea_query::Expr;
use sea_orm::{EntityTrait, QueryTrait};
use secrecy::SecretString;
use uuid::Uuid;

impl Accounts {
    /// Changes the password of the account that asks, and ends all its sessions but `kept`.
    ///
    /// # Errors
    /// [`AccountError::WrongPassword`], [`AccountError::Invalid`] for a new one that is too easy.
    pub async fn change_password(
        &self,
        viewer: &Viewer,
        kept: Option<Uuid>,
        [current, new]: [SecretString; 2],
    ) -> Result<User, AccountError> {
        let confirmed = self.confirm(viewer, "currentPassword", current).await?;
        let whose = [confirmed.model.name.as_str(), confirmed.model.email.as_str()];
        password_rules::check("newPassword", &new, whose).map_err(|problem| invalid([problem]))?;
        let hash = self.passwords.hash(new).await;
        let hash = self.throttle.unless_decided([&confirmed.slot], hash).await?;
        let (confirmed, hash) = (&confirmed, hash.as_str());
        self.db
            .tx(|tx| async move {
                let account = self.settle_in_txn(&tx, confirmed).await?;
                end_all_in_txn(&tx, account.id).await?;
                self.revoke_sessions_in_txn(&tx, account.id, kept).await?;
                self.store_in_txn(&tx, &account, [(Column::PasswordHash, Expr::value(hash))]).await
            })
            .await
    }

    /// Has a link mailed by which a new password can be chosen, if the address has an account.
    ///
    /// # Errors
    /// [`AccountError::Invalid`] for what is no address; [`AccountError::Throttled`].
    pub async fn request_reset(
        &self,
        viewer: &Viewer,
        client: ClientAddress,
        email: &str,
    ) -> Result<(), AccountError> {
        viewer.may(Permission::AccountAccess)?;
        let email = EmailAddress::read("email", email).map_err(|problem| invalid([problem]))?;
        self.throttle
            .take([RESET.on(&email.key)].into_iter().chain(MAIL_FROM.from(client)))
            .await?;
        let job = &NewJob::new(&ResetAsked { email: email.address });
        self.db.tx(|tx| async move { Ok(enqueue_in_txn(&tx, job).await.map(drop)?) }).await
    }

    /// Sets the password by the token that was mailed, and ends all sessions. Whoever has the token
    /// reads what comes to the address: it is proved.
    ///
    /// # Errors
    /// [`AccountError::InvalidLink`] when the token is not good, or not any more;
    /// [`AccountError::Invalid`] for a password that is too easy: the token stays good.
    pub async fn reset_password(
        &self,
        viewer: &Viewer,
        token: &str,
        password: SecretString,
    ) -> Result<(), AccountError> {
        viewer.may(Permission::AccountAccess)?;
        let good = look_up(&self.db, Purpose::ResetPassword, token).await?;
        let good = good.ok_or(AccountError::InvalidLink)?;
        let query = Entity::find_by_id(good.user_id).into_query();
        let account: Option<Model> = self.db.one(&query).await?;
        let account = account.ok_or(AccountError::InvalidLink)?;
        let whose = [account.name.as_str(), account.email.as_str()];
        password_rules::check("password", &password, whose)
            .map_err(|problem| invalid([problem]))?;
        let hash = self.passwords.hash(password).await?;
        let (id, hash) = (account.id, hash.as_str());
        self.db
            .tx(|tx| async move {
                let account = lock_in_txn(&tx, id).await?.filter(|account| account.active);
                let account = account.ok_or(AccountError::InvalidLink)?;
                redeem_in_txn(&tx, Purpose::ResetPassword, token).await?;
                end_all_in_txn(&tx, id).await?;
                self.revoke_sessions_in_txn(&tx, id, None).await?;
                self.throttle.forget_in_txn(&tx, &SIGN_IN.on(&account.email_key)).await?;
                self.join_in_txn(&tx, id, &account.email_key).await?;
                let proved = (Column::EmailVerified, Expr::value(true));
                let password = (Column::PasswordHash, Expr::value(hash));
                self.store_in_txn(&tx, &account, [password, proved]).await.map(drop)
            })
            .await
    }

    /// Writes the new password, and has its owner told.
    async fn store_in_txn<const N: usize>(
        &self,
        tx: &Tx,
        account: &Model,
        values: [(Column, sea_orm::sea_query::SimpleExpr); N],
    ) -> Result<User, AccountError> {
        let notice = Notice::to(account, NoticeAbout::PasswordChanged);
        enqueue_in_txn(tx, &NewJob::new(&notice)).await?;
        update_in_txn(tx, account.id, values).await
    }
}
