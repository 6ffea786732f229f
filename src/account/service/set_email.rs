//! Changing name and e-mail address of one's own account. The address changes when whoever reads
//! there says so; the former one is told.

use crate::account::email::EmailAddress;
use crate::account::jobs::{EmailChangeAsked, Notice, NoticeAbout, of_address, of_user};
use crate::account::service::change::{lock_in_txn, own, update_in_txn};
use crate::account::service::link::{
    Purpose, ask_in_txn, end_all_in_txn, look_up_in_txn, redeem_in_txn,
};
use crate::account::service::{MAX_NAME_CHARS, invalid};
use crate::account::throttle::{CHANGE_EMAIL, MAIL_FROM, VERIFY};
use crate::account::{AccountError, Accounts, User};
use crate::auth::{ClientAddress, Denied, Permission, Viewer};
use crate::db::Tx;
use crate::jobs::{NewJob, enqueue_in_txn, hand_over_in_txn};
use crate::text::name_key;
use crate::validation::{Problem, ProblemKind, required_line};
use entity::user_account::Column;
use sea_orm::sea_query::Expr;
use secrecy::SecretString;

impl Accounts {
    /// Changes the display name of the account that asks.
    ///
    /// # Errors
    /// [`AccountError::Invalid`] for a name that cannot be shown.
    pub async fn rename(&self, viewer: &Viewer, name: &str) -> Result<User, AccountError> {
        let id = own(viewer)?;
        let name = required_line("name", name, MAX_NAME_CHARS).map_err(|p| invalid([p]))?;
        let (name, key) = (name.as_str(), &name_key(&name));
        self.db
            .tx(|tx| async move {
                let key = Expr::value(key.as_str());
                let values = [(Column::Name, Expr::value(name)), (Column::NameKey, key)];
                // Not when it was closed or erased since the request came.
                let account = lock_in_txn(&tx, id).await?.filter(|account| account.active);
                account.ok_or(Denied::Unauthenticated)?;
                update_in_txn(&tx, id, values).await
            })
            .await
    }

    /// Has a link mailed to the address that the account that asks is to have, and a notice to the
    /// one that it has.
    ///
    /// # Errors
    /// [`AccountError::WrongPassword`], [`AccountError::Invalid`] for what is no address, never
    /// that it is taken.
    pub async fn request_email_change(
        &self,
        viewer: &Viewer,
        client: ClientAddress,
        email: &str,
        password: SecretString,
    ) -> Result<(), AccountError> {
        let id = own(viewer)?;
        let email = EmailAddress::read("email", email).map_err(|problem| invalid([problem]))?;
        let slots = [CHANGE_EMAIL.on(&id.to_string()), VERIFY.on(&email.key)];
        let slots: Vec<_> = slots.into_iter().chain(MAIL_FROM.from(client)).collect();
        self.throttle.take(slots.clone()).await?;
        let confirmed = self.confirm(viewer, "password", password).await;
        let confirmed = &self.throttle.unless_decided(&slots, confirmed).await?;
        if confirmed.model.email_key == email.key && confirmed.model.email == email.address {
            let message = "This is the address that the account has.";
            return Err(invalid([Problem::new(ProblemKind::Invalid, ["email"], message)]));
        }
        let address = email.address.as_str();
        let job = &NewJob::new(&EmailChangeAsked { user_id: id, email: address.to_owned() });
        self.db
            .tx(|tx| async move {
                let account = self.settle_in_txn(&tx, confirmed).await?;
                ask_in_txn(&tx, Purpose::ChangeEmail, account.id, address).await?;
                enqueue_in_txn(&tx, job).await?;
                let notice = Notice::to(&account, NoticeAbout::EmailChangeAsked);
                enqueue_in_txn(&tx, &NewJob::new(&notice)).await?;
                Ok(())
            })
            .await
    }

    /// Gives an account the address that the token was mailed to. All other links end: what was
    /// mailed to the former address opens nothing any more.
    ///
    /// # Errors
    /// [`AccountError::InvalidLink`] when the token is not good, or not any more;
    /// [`AccountError::Invalid`] when the address has got an account of its own meanwhile.
    pub async fn change_email(&self, viewer: &Viewer, token: &str) -> Result<User, AccountError> {
        viewer.may(Permission::AccountAccess)?;
        let changed =
            self.db.tx(|tx| async move { change_email_in_txn(self, &tx, token).await }).await;
        changed.map_err(|error| match error {
            AccountError::Db(error)
                if error.violates("user_account_email_key", "user_account.email_key") =>
            {
                let message = "Another account has got this e-mail address meanwhile.";
                invalid([Problem::new(ProblemKind::AlreadyExists, ["token"], message)])
            }
            error => error,
        })
    }
}

async fn change_email_in_txn(
    accounts: &Accounts,
    tx: &Tx,
    token: &str,
) -> Result<User, AccountError> {
    let good = look_up_in_txn(tx, Purpose::ChangeEmail, token).await?;
    let good = good.ok_or(AccountError::InvalidLink)?;
    let account = lock_in_txn(tx, good.user_id).await?.filter(|account| account.active);
    let account = account.ok_or(AccountError::InvalidLink)?;
    let good = redeem_in_txn(tx, Purpose::ChangeEmail, token).await?;
    let email = EmailAddress::read("token", &good.email).map_err(|problem| invalid([problem]))?;
    let key = email.key;
    end_all_in_txn(tx, account.id).await?;
    // What was mailed to the former address stays known as theirs.
    hand_over_in_txn(tx, &of_address(&account.email_key), &of_user(account.id)).await?;
    let notice = Notice::to(&account, NoticeAbout::EmailChanged);
    enqueue_in_txn(tx, &NewJob::new(&notice)).await?;
    let values = [
        (Column::Email, Expr::value(email.address)),
        (Column::EmailKey, Expr::value(key.as_str())),
        (Column::EmailVerified, Expr::value(true)),
    ];
    accounts.join_in_txn(tx, account.id, &key).await?;
    update_in_txn(tx, account.id, values).await
}
