//! Making accounts.

use crate::account::email::EmailAddress;
use crate::account::password_rules;
use crate::account::service::{MAX_NAME_CHARS, invalid};
use crate::account::{AccountError, Accounts, User};
use crate::audit::{AuditAction, AuditSubject, NewAuditEvent, record_in_txn};
use crate::auth::{Role, Viewer};
use crate::db::Tx;
use crate::text::name_key;
use crate::validation::{Problem, ProblemKind, required_line};
use entity::user_account::{Column, Entity, Model};
use sea_orm::sea_query::{Expr, InsertStatement, Query};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryTrait};
use secrecy::SecretString;
use uuid::Uuid;

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

impl Accounts {
    /// Makes an account. Only the server itself may, from the command line.
    ///
    /// # Errors
    /// [`AccountError::Invalid`] for a bad or taken address and a bad password.
    pub async fn create(&self, viewer: &Viewer, new: NewUser) -> Result<User, AccountError> {
        if *viewer != Viewer::System {
            return Err(crate::auth::Denied::Forbidden.into());
        }
        let email = EmailAddress::read("email", &new.email).map_err(|p| invalid([p]))?;
        let name = required_line("name", &new.name, MAX_NAME_CHARS).map_err(|p| invalid([p]))?;
        password_rules::check("password", &new.password, [&name, &email.address])
            .map_err(|problem| invalid([problem]))?;
        let hash = self.passwords.hash(new.password).await?;
        let row = &NewRow { email, name, hash, role: new.role };
        let created = self.db.tx(|tx| async move { insert_in_txn(&tx, viewer, row).await }).await;
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
}

/// The row of a new account, checked.
pub(crate) struct NewRow {
    pub(crate) email: EmailAddress,
    pub(crate) name: String,
    pub(crate) hash: String,
    pub(crate) role: Role,
}

async fn insert_in_txn(tx: &Tx, viewer: &Viewer, row: &NewRow) -> Result<User, AccountError> {
    let model: Option<Model> = tx.one(insert(tx, row).returning_all()).await?;
    let user = model.map(User::from);
    let user = user.ok_or_else(|| AccountError::Fault("INSERT returned no row".to_owned()))?;
    let made = NewAuditEvent::new(AuditAction::UserCreated, AuditSubject::User(user.id));
    record_in_txn(tx, viewer, made.new_value(user.role.as_str())).await?;
    Ok(user)
}

/// The statement that writes the row.
pub(crate) fn insert(tx: &Tx, row: &NewRow) -> InsertStatement {
    let now = tx.db().now_sql();
    let mut insert = Query::insert();
    insert
        .into_table(Entity)
        .columns([
            Column::Id,
            Column::Email,
            Column::EmailKey,
            Column::Name,
            Column::NameKey,
            Column::PasswordHash,
            Column::Role,
            Column::CreatedAt,
            Column::UpdatedAt,
        ])
        .values_panic([
            Expr::value(Uuid::now_v7()),
            Expr::value(row.email.address.as_str()),
            Expr::value(row.email.key.as_str()),
            Expr::value(row.name.as_str()),
            Expr::value(name_key(&row.name)),
            Expr::value(row.hash.as_str()),
            Expr::value(row.role.as_str()),
            now.clone(),
            now,
        ]);
    insert
}
