//! The ends of an account: closed for a time, or erased for good. Erasing overwrites what is known
//! of the person and leaves the row, which the ledger refers to.

use crate::account::jobs::{Notice, NoticeAbout, of_address, of_user};
use crate::account::service::change::{
    Confirmed, lock_named_in_txn, spare_last_admin_in_txn, update_in_txn,
};
use crate::account::service::{invalid, link};
use crate::account::throttle::SIGN_IN;
use crate::account::{AccountError, Accounts, User};
use crate::audit::{AuditAction, AuditSubject, NewAuditEvent, record_in_txn};
use crate::auth::{Permission, Role, Viewer};
use crate::db::Tx;
use crate::jobs::{NewJob, enqueue_in_txn, forget_in_txn};
use crate::validation::{Problem, ProblemKind};
use entity::user_account::{Column, Model};
use entity::{address, session};
use sea_orm::sea_query::{Expr, ExprTrait, Query, SimpleExpr};
use secrecy::SecretString;
use uuid::Uuid;

/// The name of an account that was erased.
const ERASED_NAME: &str = "Erased account";

impl Accounts {
    /// Closes the account that asks; an administrator can open it again.
    ///
    /// # Errors
    /// [`AccountError::WrongPassword`]; [`AccountError::Invalid`] for the last administrator.
    pub async fn deactivate_own(
        &self,
        viewer: &Viewer,
        password: SecretString,
    ) -> Result<User, AccountError> {
        let confirmed = &self.confirm(viewer, "password", password).await?;
        self.db
            .tx(|tx| async move {
                let account = self.settle_own_in_txn(&tx, confirmed).await?;
                self.deactivate_in_txn(&tx, viewer, &account).await
            })
            .await
    }

    /// Closes an account. Administrators only.
    ///
    /// # Errors
    /// [`AccountError::Invalid`] when there is none, or it is the last administrator's.
    pub async fn deactivate(&self, viewer: &Viewer, id: Uuid) -> Result<User, AccountError> {
        viewer.may(Permission::AccountManage)?;
        self.db
            .tx(|tx| async move {
                log_in_txn(&tx, viewer, id, "deactivate");
                spare_last_admin_in_txn(&tx, id).await?;
                let account = lock_named_in_txn(&tx, id).await?;
                if account.active {
                    return self.deactivate_in_txn(&tx, viewer, &account).await;
                }
                Ok(account.into())
            })
            .await
    }

    /// Opens an account again; its owner signs in as before. Administrators only.
    ///
    /// # Errors
    /// [`AccountError::Invalid`] when there is none, or it was erased.
    pub async fn reactivate(&self, viewer: &Viewer, id: Uuid) -> Result<User, AccountError> {
        viewer.may(Permission::AccountManage)?;
        self.db
            .tx(|tx| async move {
                log_in_txn(&tx, viewer, id, "reactivate");
                let account = lock_named_in_txn(&tx, id).await?;
                not_erased(&account)?;
                if account.active {
                    return Ok(account.into());
                }
                record_in_txn(&tx, viewer, about(AuditAction::UserReactivated, id)).await?;
                let open = [
                    (Column::Active, Expr::value(true)),
                    (Column::DeactivatedAt, Expr::cust("NULL")),
                ];
                self.account_changed_in_txn(&tx, id);
                update_in_txn(&tx, id, open).await
            })
            .await
    }

    /// Gives an account another role. Administrators only.
    ///
    /// # Errors
    /// [`AccountError::Invalid`] when there is none, or it is the last administrator's.
    pub async fn set_role(
        &self,
        viewer: &Viewer,
        id: Uuid,
        role: Role,
    ) -> Result<User, AccountError> {
        viewer.may(Permission::AccountManage)?;
        self.db
            .tx(|tx| async move {
                log_in_txn(&tx, viewer, id, role.as_str());
                if role != Role::Admin {
                    spare_last_admin_in_txn(&tx, id).await?;
                }
                let account = lock_named_in_txn(&tx, id).await?;
                not_erased(&account)?;
                if account.role == role.as_str() {
                    return Ok(account.into());
                }
                let set = about(AuditAction::UserRoleSet, id).old_value(account.role);
                record_in_txn(&tx, viewer, set.new_value(role.as_str())).await?;
                self.account_changed_in_txn(&tx, id);
                update_in_txn(&tx, id, [(Column::Role, Expr::value(role.as_str()))]).await
            })
            .await
    }

    /// Ends all sessions of an account. Administrators only.
    ///
    /// # Errors
    /// [`AccountError::Invalid`] when there is none.
    pub async fn revoke_sessions_of(
        &self,
        viewer: &Viewer,
        id: Uuid,
    ) -> Result<User, AccountError> {
        viewer.may(Permission::AccountManage)?;
        self.db
            .tx(|tx| async move {
                log_in_txn(&tx, viewer, id, "revoke sessions");
                let account = lock_named_in_txn(&tx, id).await?;
                let ended = self.revoke_sessions_in_txn(&tx, id, None).await?;
                let revoked = about(AuditAction::UserSessionsRevoked, id).new_value(ended);
                record_in_txn(&tx, viewer, revoked).await?;
                Ok(account.into())
            })
            .await
    }

    /// Erases the account that asks.
    ///
    /// # Errors
    /// [`AccountError::WrongPassword`]; [`AccountError::Invalid`] for the last administrator, and
    /// while something has to know who it is, such as an order that is to be sent.
    pub async fn erase_own(
        &self,
        viewer: &Viewer,
        password: SecretString,
    ) -> Result<(), AccountError> {
        let confirmed = &self.confirm(viewer, "password", password).await?;
        self.db
            .tx(|tx| async move {
                let account = self.settle_own_in_txn(&tx, confirmed).await?;
                self.erase_in_txn(&tx, viewer, &account).await.map(drop)
            })
            .await
    }

    /// Erases an account for its owner. Administrators only.
    ///
    /// # Errors
    /// [`AccountError::Invalid`] when there is none, it is the last administrator's, or something
    /// has to know who it is, such as an order that is to be sent.
    pub async fn erase(&self, viewer: &Viewer, id: Uuid) -> Result<User, AccountError> {
        viewer.may(Permission::AccountManage)?;
        self.db
            .tx(|tx| async move {
                log_in_txn(&tx, viewer, id, "erase");
                spare_last_admin_in_txn(&tx, id).await?;
                let account = lock_named_in_txn(&tx, id).await?;
                if account.erased_at.is_none() {
                    return self.erase_in_txn(&tx, viewer, &account).await;
                }
                Ok(account.into())
            })
            .await
    }

    async fn settle_own_in_txn(
        &self,
        tx: &Tx,
        confirmed: &Confirmed,
    ) -> Result<Model, AccountError> {
        // Administrators are locked in one order by all, before any of them is locked alone.
        spare_last_admin_in_txn(tx, confirmed.model.id).await?;
        self.settle_in_txn(tx, confirmed).await
    }

    async fn deactivate_in_txn(
        &self,
        tx: &Tx,
        viewer: &Viewer,
        account: &Model,
    ) -> Result<User, AccountError> {
        record_in_txn(tx, viewer, about(AuditAction::UserDeactivated, account.id)).await?;
        let closed =
            [(Column::Active, Expr::value(false)), (Column::DeactivatedAt, tx.db().now_sql())];
        self.shut_in_txn(tx, account, NoticeAbout::Deactivated, closed.to_vec()).await
    }

    async fn erase_in_txn(
        &self,
        tx: &Tx,
        viewer: &Viewer,
        account: &Model,
    ) -> Result<User, AccountError> {
        for belongings in self.belongings.iter() {
            if let Some(why) = belongings.needs_in_txn(tx, account.id).await? {
                let nowhere = Vec::<String>::new();
                return Err(invalid([Problem::new(ProblemKind::InUse, nowhere, why)]));
            }
        }
        record_in_txn(tx, viewer, about(AuditAction::UserErased, account.id)).await?;
        let mut addresses = Query::delete();
        addresses
            .from_table(address::Entity)
            .and_where(Expr::col(address::Column::UserId).eq(account.id));
        tx.run(&addresses).await?;
        for belongings in self.belongings.iter() {
            belongings.erase_in_txn(tx, account.id).await?;
        }
        self.throttle.forget_in_txn(tx, &SIGN_IN.on(&account.email_key)).await?;
        // Nothing that was to be mailed goes out any more; only the last notice, which comes next.
        forget_in_txn(tx, &[of_user(account.id), of_address(&account.email_key)]).await?;
        let now = tx.db().now_sql();
        let deactivated = account.deactivated_at.map_or(now.clone(), Expr::value);
        let overwritten = vec![
            (Column::Email, Expr::value("")),
            // No address has a colon here: it can neither be typed nor taken.
            (Column::EmailKey, Expr::value(format!("erased:{}", account.id))),
            (Column::EmailVerified, Expr::value(false)),
            (Column::Name, Expr::value(ERASED_NAME)),
            (Column::NameKey, Expr::value(crate::text::name_key(ERASED_NAME))),
            (Column::PasswordHash, Expr::value("")),
            (Column::Role, Expr::value(Role::Customer.as_str())),
            (Column::Active, Expr::value(false)),
            (Column::DeactivatedAt, deactivated),
            (Column::ErasedAt, now),
        ];
        let erased = self.shut_in_txn(tx, account, NoticeAbout::Erased, overwritten).await?;
        // Not only ended: what the devices said of themselves is personal as well.
        let mut sessions = Query::delete();
        sessions
            .from_table(session::Entity)
            .and_where(Expr::col(session::Column::UserId).eq(account.id));
        tx.run(&sessions).await?;
        Ok(erased)
    }

    /// Nobody can sign in any more, and whoever is signed in no longer is.
    async fn shut_in_txn(
        &self,
        tx: &Tx,
        account: &Model,
        about: NoticeAbout,
        values: Vec<(Column, SimpleExpr)>,
    ) -> Result<User, AccountError> {
        link::end_all_in_txn(tx, account.id).await?;
        self.revoke_sessions_in_txn(tx, account.id, None).await?;
        enqueue_in_txn(tx, &NewJob::new(&Notice::to(account, about))).await?;
        update_in_txn(tx, account.id, values).await
    }
}

/// That this was done to an account.
fn about(action: AuditAction, account_id: Uuid) -> NewAuditEvent {
    NewAuditEvent::new(action, AuditSubject::User(account_id))
}

/// Leaves a line in the log of what an administrator did to whose account, once it is done.
fn log_in_txn(tx: &Tx, viewer: &Viewer, account_id: Uuid, what: &'static str) {
    let by = viewer.scope();
    tx.after_commit(move || tracing::info!(by, %account_id, what, "an account was administered"));
}

fn not_erased(account: &Model) -> Result<(), AccountError> {
    if account.erased_at.is_none() {
        return Ok(());
    }
    let message = "This account was erased: nothing of it can be brought back.";
    Err(invalid([Problem::new(ProblemKind::Invalid, ["id"], message)]))
}
