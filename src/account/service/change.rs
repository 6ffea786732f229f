//! What every change of an account has in common: who changes it, the row that is locked first,
//! and the statement that writes it.

use crate::account::service::invalid;
use crate::account::throttle::{CONFIRM, Slot};
use crate::account::{AccountError, Accounts, User};
use crate::auth::{Denied, Permission, Role, Viewer};
use crate::db::{DbError, Tx};
use crate::validation::{Problem, ProblemKind};
use entity::user_account::{Column, Entity, Model};
use sea_orm::sea_query::{Expr, ExprTrait, Order, Query, SimpleExpr, UpdateStatement};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryTrait};
use secrecy::SecretString;
use uuid::Uuid;

/// The account that asks, about itself.
pub(crate) fn own(viewer: &Viewer) -> Result<Uuid, Denied> {
    viewer.may(Permission::AccountOwn)?;
    viewer.user_id().ok_or(Denied::Forbidden)
}

/// The account that asks, which has just told its password.
pub(crate) struct Confirmed {
    pub(crate) model: Model,
    pub(super) slot: Slot,
}

impl Accounts {
    /// Checks that whoever uses the session knows the password too: a session can be left open.
    ///
    /// # Errors
    /// [`AccountError::WrongPassword`] at `field`; [`AccountError::Throttled`] after too many.
    pub(crate) async fn confirm(
        &self,
        viewer: &Viewer,
        field: &'static str,
        password: SecretString,
    ) -> Result<Confirmed, AccountError> {
        let id = own(viewer)?;
        let slot = CONFIRM.on(&id.to_string());
        self.throttle.take([slot.clone()]).await?;
        let proved = self.prove_own(id, field, password).await;
        let model = self.throttle.unless_decided([&slot], proved).await?;
        Ok(Confirmed { model, slot })
    }

    async fn prove_own(
        &self,
        id: Uuid,
        field: &'static str,
        password: SecretString,
    ) -> Result<Model, AccountError> {
        let query = Entity::find_by_id(id).filter(Column::Active.eq(true)).into_query();
        let model: Option<Model> = self.db.one(&query).await?;
        let stored = model.as_ref().map(|model| model.password_hash.clone());
        let right = self.passwords.verify(password, stored).await?;
        model.filter(|_| right).ok_or(AccountError::WrongPassword { field })
    }

    /// What was confirmed is being done: the tries are forgotten. Goes on only while the account
    /// is as it was when the password was told.
    pub(crate) async fn settle_in_txn(
        &self,
        tx: &Tx,
        confirmed: &Confirmed,
    ) -> Result<Model, AccountError> {
        let before = &confirmed.model;
        let now = lock_in_txn(tx, before.id).await?;
        let same = now.filter(|now| now.active && now.password_hash == before.password_hash);
        let now = same.ok_or(Denied::Unauthenticated)?;
        self.throttle.forget_in_txn(tx, &confirmed.slot).await?;
        Ok(now)
    }
}

/// The row of an account, locked until the transaction ends. Whatever else belongs to the account
/// is locked after it.
pub(crate) async fn lock_in_txn(tx: &Tx, id: Uuid) -> Result<Option<Model>, DbError> {
    let mut select = Entity::find_by_id(id).into_query();
    select.lock_exclusive();
    tx.one(&select).await
}

/// As [`lock_in_txn`]; an account that is not there is told at the input's `id`.
pub(crate) async fn lock_named_in_txn(tx: &Tx, id: Uuid) -> Result<Model, AccountError> {
    lock_in_txn(tx, id).await?.ok_or_else(|| {
        invalid([Problem::new(ProblemKind::NotFound, ["id"], "There is no such account.")])
    })
}

/// Goes on only when there is an administrator left without this account. It locks those there
/// are, so that two who leave at once cannot each count on the other.
pub(crate) async fn spare_last_admin_in_txn(tx: &Tx, id: Uuid) -> Result<(), AccountError> {
    let mut select = Entity::find()
        .filter(Column::Role.eq(Role::Admin.as_str()))
        .filter(Column::Active.eq(true))
        .into_query();
    select.order_by(Column::Id, Order::Asc).lock_exclusive();
    let admins: Vec<Model> = tx.all(&select).await?;
    let others = admins.iter().any(|admin| admin.id != id);
    if others || !admins.iter().any(|admin| admin.id == id) {
        return Ok(());
    }
    Err(invalid([Problem::new(
        ProblemKind::LastAdministrator,
        Vec::<String>::new(),
        "This is the last administrator who can sign in: make another one first.",
    )]))
}

/// The statement that changes columns of an account.
pub(crate) fn update(
    tx: &Tx,
    id: Uuid,
    values: impl IntoIterator<Item = (Column, SimpleExpr)>,
) -> UpdateStatement {
    let mut update = Query::update();
    update
        .table(Entity)
        .values(values)
        .value(Column::UpdatedAt, tx.db().now_sql())
        .and_where(Expr::col(Column::Id).eq(id));
    update
}

/// Changes columns of an account and gives it as it is then.
pub(crate) async fn update_in_txn(
    tx: &Tx,
    id: Uuid,
    values: impl IntoIterator<Item = (Column, SimpleExpr)>,
) -> Result<User, AccountError> {
    let mut update = update(tx, id, values);
    let model: Option<Model> = tx.one(update.returning_all()).await?;
    model.map(User::from).ok_or_else(|| AccountError::Fault("an account is gone".to_owned()))
}
