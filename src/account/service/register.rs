//! Making one's own account, and proving that its e-mail address is one's own. What a stranger is
//! answered, and how long that takes, is the same whether or not an address is known: the
//! difference is made by jobs, in mails.

use crate::account::email::EmailAddress;
use crate::account::jobs::{Registered, VerificationAsked};
use crate::account::service::change::{lock_in_txn, update_in_txn};
use crate::account::service::create::{NewRow, insert};
use crate::account::service::link::{Purpose, look_up_in_txn, redeem_in_txn};
use crate::account::service::{MAX_NAME_CHARS, invalid};
use crate::account::throttle::{MAIL_FROM, REGISTER, REGISTER_FROM, VERIFY};
use crate::account::{AccountError, Accounts, User, password_rules};
use crate::auth::{ClientAddress, Permission, Role, Viewer};
use crate::db::Tx;
use crate::jobs::{NewJob, enqueue_in_txn};
use crate::validation::required_line;
use entity::user_account::Column;
use sea_orm::sea_query::{Expr, OnConflict};
use secrecy::SecretString;

/// An account that somebody wants for themselves. What it is in the shop is not theirs to say.
pub struct Registration {
    /// The address to sign in with.
    pub email: String,
    /// The display name.
    pub name: String,
    /// 15 to 128 characters.
    pub password: SecretString,
}

impl Accounts {
    /// Makes a customer's account, unless the address has one; either way a mail tells its owner.
    ///
    /// # Errors
    /// [`AccountError::Invalid`] with everything that is wrong with the input, and never that the
    /// address is taken; [`AccountError::Throttled`].
    pub async fn register(
        &self,
        viewer: &Viewer,
        client: ClientAddress,
        new: Registration,
    ) -> Result<(), AccountError> {
        viewer.may(Permission::AccountAccess)?;
        let (email, name) = check(&new)?;
        let slots = [REGISTER.on(&email.key)].into_iter().chain(REGISTER_FROM.from(client));
        let slots: Vec<_> = slots.collect();
        self.throttle.take(slots.clone()).await?;
        // Also for an address that is taken: it takes as long.
        let hash = self.passwords.hash(new.password).await;
        let hash = self.throttle.unless_decided(&slots, hash).await?;
        let row = &NewRow { email, name, hash, role: Role::Customer };
        self.db.tx(|tx| async move { register_in_txn(&tx, row).await }).await
    }

    /// Has a link mailed by which an address is proved, if it has an account that needs one.
    ///
    /// # Errors
    /// [`AccountError::Invalid`] for what is no address; [`AccountError::Throttled`].
    pub async fn request_verification(
        &self,
        viewer: &Viewer,
        client: ClientAddress,
        email: &str,
    ) -> Result<(), AccountError> {
        viewer.may(Permission::AccountAccess)?;
        let email = EmailAddress::read("email", email).map_err(|problem| invalid([problem]))?;
        self.throttle
            .take([VERIFY.on(&email.key)].into_iter().chain(MAIL_FROM.from(client)))
            .await?;
        let job = &NewJob::new(&VerificationAsked { email: email.address });
        self.db.tx(|tx| async move { Ok(enqueue_in_txn(&tx, job).await.map(drop)?) }).await
    }

    /// Proves an address by the token that was mailed there.
    ///
    /// # Errors
    /// [`AccountError::InvalidLink`] when the token is not good, or not any more.
    pub async fn verify_email(&self, viewer: &Viewer, token: &str) -> Result<User, AccountError> {
        viewer.may(Permission::AccountAccess)?;
        self.db
            .tx(|tx| async move {
                let good = look_up_in_txn(&tx, Purpose::VerifyEmail, token).await?;
                let good = good.ok_or(AccountError::InvalidLink)?;
                let account = lock_in_txn(&tx, good.user_id).await?;
                redeem_in_txn(&tx, Purpose::VerifyEmail, token).await?;
                // A token of an address that the account has no more is ended with the change.
                let account = account.filter(|account| account.active);
                let account = account.ok_or(AccountError::InvalidLink)?;
                self.join_in_txn(&tx, account.id, &account.email_key).await?;
                update_in_txn(&tx, account.id, [(Column::EmailVerified, Expr::value(true))]).await
            })
            .await
    }
}

/// One statement and one job, whether or not the address has an account.
async fn register_in_txn(tx: &Tx, row: &NewRow) -> Result<(), AccountError> {
    let mut insert = insert(tx, row);
    insert.on_conflict(OnConflict::column(Column::EmailKey).do_nothing().to_owned());
    let is_new = tx.run(&insert).await? == 1;
    let job = NewJob::new(&Registered { email: row.email.address.clone(), is_new });
    enqueue_in_txn(tx, &job).await?;
    Ok(())
}

fn check(new: &Registration) -> Result<(EmailAddress, String), AccountError> {
    let email = EmailAddress::read("email", &new.email);
    let name = required_line("name", &new.name, MAX_NAME_CHARS);
    let whose = [new.name.as_str(), email.as_ref().map_or("", |email| email.address.as_str())];
    let password = password_rules::check("password", &new.password, whose);
    match (email, name, password) {
        (Ok(email), Ok(name), Ok(())) => Ok((email, name)),
        (email, name, password) => {
            let problems = [email.err(), password.err(), name.err()];
            Err(AccountError::Invalid(problems.into_iter().flatten().collect()))
        }
    }
}
