//! Making accounts.

use crate::account::service::{MAX_PASSWORD_CHARS, invalid, read_email};
use crate::account::{AccountError, Accounts, User};
use crate::auth::{Role, Viewer};
use crate::db::Tx;
use crate::validation::{Problem, ProblemKind, required_text};
use entity::user_account::{Column, Entity, Model};
use sea_orm::sea_query::{Expr, Query};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryTrait};
use secrecy::{ExposeSecret, SecretString};
use uuid::Uuid;

const MIN_PASSWORD_CHARS: usize = 15;

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
        let (email, email_key) = read_email(&new.email).map_err(|p| invalid([p]))?;
        let name = required_text("name", &new.name, 200).map_err(|p| invalid([p]))?;
        check_password(&new.password).map_err(|problem| invalid([problem]))?;
        let hash = self.passwords.hash(new.password).await?;
        let (email, email_key, name, hash) = (&email, &email_key, &name, &hash);
        let created =
            self.db
                .tx(|tx| async move {
                    insert_in_txn(&tx, [email, email_key, name, hash], new.role).await
                })
                .await;
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

async fn insert_in_txn(
    tx: &Tx,
    [email, email_key, name, hash]: [&String; 4],
    role: Role,
) -> Result<User, AccountError> {
    let now = tx.db().now_sql();
    let mut insert = Query::insert();
    insert
        .into_table(Entity)
        .columns([
            Column::Id,
            Column::Email,
            Column::EmailKey,
            Column::Name,
            Column::PasswordHash,
            Column::Role,
            Column::CreatedAt,
            Column::UpdatedAt,
        ])
        .values_panic([
            Expr::value(Uuid::now_v7()),
            Expr::value(email.as_str()),
            Expr::value(email_key.as_str()),
            Expr::value(name.as_str()),
            Expr::value(hash.as_str()),
            Expr::value(role.as_str()),
            now.clone(),
            now,
        ])
        .returning_all();
    let model: Option<Model> = tx.one(&insert).await?;
    model.map(User::from).ok_or_else(|| AccountError::Fault("INSERT returned no row".to_owned()))
}

/// Length is what makes a password strong (NIST SP 800-63B-4): no rules about kinds of characters.
fn check_password(password: &SecretString) -> Result<(), Problem> {
    let chars = password.expose_secret().chars().count();
    if (MIN_PASSWORD_CHARS..=MAX_PASSWORD_CHARS).contains(&chars) {
        return Ok(());
    }
    Err(Problem::new(
        if chars == 0 { ProblemKind::Required } else { ProblemKind::OutOfRange },
        ["password"],
        format!(
            "The password must have {MIN_PASSWORD_CHARS} to {MAX_PASSWORD_CHARS} characters; a \
             few words in a row do well."
        ),
    ))
}
