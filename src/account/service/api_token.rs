//! API tokens: who may make and end them, and what they are.

use crate::account::AccountError;
use crate::audit::{AuditAction, AuditSubject, NewAuditEvent, record_in_txn};
use crate::auth::{NewApiToken, Permission, PermissionSet, Viewer};
use crate::db::page::{Keyset, Page, Window};
use crate::db::{Db, Timestamp, Tx};
use crate::events::{Bus, BusMessage};
use crate::validation::{Problem, ProblemKind, required_line};
use chrono::TimeDelta;
use entity::api_token::{Column, Entity, Model};
use sea_orm::sea_query::{Asterisk, Expr, ExprTrait, Query, SimpleExpr};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryTrait};
use secrecy::SecretString;
use std::collections::HashMap;
use uuid::Uuid;

/// Tokens that are good at once; a shop has a handful of programs.
const MAX_ACTIVE: i64 = 100;
const MAX_NAME_CHARS: usize = 100;
/// A list of permissions longer than this repeats itself.
const MAX_PERMISSIONS: usize = 100;

/// A program's way in, in its own name. It holds what guests hold and its own permissions, whatever
/// becomes of the account that made it: it belongs to the shop.
#[derive(Debug, Clone)]
pub struct ApiToken {
    /// The key.
    pub id: Uuid,
    /// What it is for.
    pub name: String,
    /// The first characters of its text.
    pub prefix: String,
    /// What it may do besides what guests may.
    pub permissions: PermissionSet,
    /// The administrator who made it; None when their account was erased.
    pub created_by: Option<Uuid>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it ends by itself, if it does.
    pub expires_at: Option<Timestamp>,
    /// When it was last used, to the minute.
    pub last_used_at: Option<Timestamp>,
    /// When it was ended.
    pub revoked_at: Option<Timestamp>,
}

impl ApiToken {
    /// Whether it is good at this time.
    #[must_use]
    pub fn is_good(&self, now: Timestamp) -> bool {
        self.revoked_at.is_none() && self.expires_at.is_none_or(|end| now < end)
    }
}

impl From<Model> for ApiToken {
    fn from(model: Model) -> Self {
        let names = model.permissions.as_array().map(Vec::as_slice).unwrap_or_default();
        // A name that this program does not know (any more) lets nobody do anything.
        let known = names.iter().filter_map(|name| Permission::from_name(name.as_str()?));
        Self {
            id: model.id,
            name: model.name,
            prefix: model.prefix,
            permissions: known.filter(|permission| permission.is_for_tokens()).collect(),
            created_by: model.created_by_id,
            created_at: model.created_at,
            expires_at: model.expires_at,
            last_used_at: model.last_used_at,
            revoked_at: model.revoked_at,
        }
    }
}

/// A token to make.
#[derive(Debug, Clone)]
pub struct ApiTokenAsk {
    /// What it is for: 1 to 100 characters.
    pub name: String,
    /// What it may do.
    pub permissions: Vec<Permission>,
    /// When it ends; never by itself when not given.
    pub expires_at: Option<Timestamp>,
}

/// A token that was made, with its text, which is told this once.
pub struct MadeApiToken {
    /// The token.
    pub token: ApiToken,
    /// Its text.
    pub secret: SecretString,
}

/// The API tokens of the shop; cheap to clone.
#[derive(Clone)]
pub struct ApiTokens {
    pub(super) db: Db,
    bus: Bus,
    pub(super) noting: crate::account::service::api_token_use::Noting,
}

impl ApiTokens {
    /// The tokens in this database; the bus tells which were revoked.
    #[must_use]
    pub fn new(db: Db, bus: Bus) -> Self {
        Self { db, bus, noting: crate::account::service::api_token_use::Noting::default() }
    }

    /// Makes a token. Administrators only, and with no more than they hold themselves.
    ///
    /// # Errors
    /// [`AccountError::Invalid`] for a bad name, a permission that it cannot have, an end in the
    /// past, or too many tokens.
    pub async fn create(
        &self,
        viewer: &Viewer,
        ask: ApiTokenAsk,
    ) -> Result<MadeApiToken, AccountError> {
        viewer.may(Permission::ApiTokenManage)?;
        let (name, permissions) = self.check(viewer, &ask)?;
        let new = NewApiToken::random();
        let row = (viewer.user_id(), name.as_str(), &permissions, ask.expires_at, &new);
        let make = |tx: Tx| async move {
            let model = insert_in_txn(&tx, row).await?;
            let made = about(AuditAction::ApiTokenCreated, model.id).new_value(serde_json::json!({
                "permissions": model.permissions,
                "expiresAt": model.expires_at.map(|end| end.to_rfc3339()),
            }));
            record_in_txn(&tx, viewer, made).await?;
            Ok::<_, AccountError>(model)
        };
        let model = self.db.tx(make).await?;
        tracing::info!(token = %model.id, by = ?viewer.user_id(), "an API token was made");
        Ok(MadeApiToken { token: model.into(), secret: new.secret })
    }

    /// Ends a token at once; None when there is none. One that has ended stays as it is.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn revoke(
        &self,
        viewer: &Viewer,
        id: Uuid,
    ) -> Result<Option<ApiToken>, AccountError> {
        viewer.may(Permission::ApiTokenManage)?;
        let model = self.db.tx(|tx| async move {
            let (revoked, by_this) = revoke_in_txn(&tx, id).await?;
            if by_this {
                record_in_txn(&tx, viewer, about(AuditAction::ApiTokenRevoked, id)).await?;
            }
            // Open sockets of the program look again, on every replica.
            let bus = self.bus.clone();
            tx.after_commit(move || bus.publish(BusMessage::AccountsChanged(vec![id])));
            Ok::<_, AccountError>(revoked)
        });
        let model = model.await?;
        tracing::info!(token = %id, by = ?viewer.user_id(), "an API token was revoked");
        Ok(model.map(ApiToken::from))
    }

    /// A page of the tokens, the latest first. Administrators only.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn list(
        &self,
        viewer: &Viewer,
        window: &Window,
    ) -> Result<Page<ApiToken>, AccountError> {
        viewer.may(Permission::ApiTokenManage)?;
        let mut select = Entity::find().into_query();
        Keyset { key: None, id: Expr::col((Entity, Column::Id)), descending: true }
            .apply(&mut select, window);
        let models: Vec<Model> = self.db.all(&select).await?;
        Ok(Page::cut(models.into_iter().map(ApiToken::from).collect(), window))
    }

    /// How many tokens there are, ended ones too. Administrators only.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn count(&self, viewer: &Viewer) -> Result<u64, AccountError> {
        viewer.may(Permission::ApiTokenManage)?;
        let mut select = Query::select();
        select.expr_as(Expr::col(Asterisk).count(), "count").from(Entity);
        let counted = self.db.one::<Count>(&select).await?;
        Ok(counted.map_or(0, |row| u64::try_from(row.count).unwrap_or(0)))
    }

    /// Tokens by key, for those who may see who did what; nobody else sees any.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn find_many(
        &self,
        viewer: &Viewer,
        ids: &[Uuid],
    ) -> Result<HashMap<Uuid, ApiToken>, AccountError> {
        if !viewer.can(Permission::AccountRead) {
            return Ok(HashMap::new());
        }
        let query = Entity::find().filter(Column::Id.is_in(ids.iter().copied())).into_query();
        let models: Vec<Model> = self.db.all(&query).await?;
        Ok(models.into_iter().map(|model| (model.id, model.into())).collect())
    }

    /// The time by which tokens end here.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.db.now()
    }

    fn check(
        &self,
        viewer: &Viewer,
        ask: &ApiTokenAsk,
    ) -> Result<(String, PermissionSet), AccountError> {
        let mut problems = Vec::new();
        let name = required_line("name", &ask.name, MAX_NAME_CHARS);
        let name = name.map_err(|problem| problems.push(problem)).unwrap_or_default();
        let wrong = |kind, path: &[&str], message: String| {
            Problem::new(kind, path.iter().copied(), message)
        };
        if ask.permissions.is_empty() {
            let message = "Name at least one permission.".to_owned();
            problems.push(wrong(ProblemKind::Required, &["permissions"], message));
        }
        if ask.permissions.len() > MAX_PERMISSIONS {
            let message = format!("Name at most {MAX_PERMISSIONS} permissions.");
            problems.push(wrong(ProblemKind::TooLong, &["permissions"], message));
        }
        for (place, permission) in ask.permissions.iter().enumerate().take(MAX_PERMISSIONS) {
            if !permission.is_for_tokens() || !viewer.can(*permission) {
                let message = format!("A token cannot be given {}.", permission.name());
                let path = ["permissions", &place.to_string()];
                problems.push(wrong(ProblemKind::Invalid, &path, message));
            }
        }
        if ask.expires_at.is_some_and(|end| end <= self.db.now()) {
            let message = "The token would have ended already.".to_owned();
            problems.push(wrong(ProblemKind::OutOfRange, &["expiresAt"], message));
        }
        if !problems.is_empty() {
            return Err(AccountError::Invalid(problems));
        }
        Ok((name, ask.permissions.iter().copied().collect::<PermissionSet>().with_included()))
    }
}

/// That this was done to a token. Its name is free text and stays out of the log.
fn about(action: AuditAction, token_id: Uuid) -> NewAuditEvent {
    NewAuditEvent::new(action, AuditSubject::ApiToken(token_id))
}

#[derive(sea_orm::FromQueryResult)]
struct Count {
    count: i64,
}

/// Whether a token's row is good at the time of the statement.
pub(super) fn is_good(now: SimpleExpr) -> SimpleExpr {
    let expires = || Expr::col((Entity, Column::ExpiresAt));
    let revoked = Expr::col((Entity, Column::RevokedAt));
    revoked.is_null().and(expires().is_null().or(expires().gt(now)))
}

type NewRow<'a> = (Option<Uuid>, &'a str, &'a PermissionSet, Option<Timestamp>, &'a NewApiToken);

async fn insert_in_txn(
    tx: &Tx,
    (by, name, permissions, expires_at, new): NewRow<'_>,
) -> Result<Model, AccountError> {
    // Those who make one at once count one after the other.
    tx.take_turn("api_token").await?;
    let mut active = Query::select();
    active
        .expr_as(Expr::col(Asterisk).count(), "count")
        .from(Entity)
        .and_where(is_good(tx.db().now_sql()));
    let active: Option<Count> = tx.one(&active).await?;
    if active.is_some_and(|row| row.count >= MAX_ACTIVE) {
        let message = format!("There are {MAX_ACTIVE} tokens. Revoke those that nobody needs.");
        let none: [&str; 0] = [];
        return Err(AccountError::Invalid(vec![Problem::new(
            ProblemKind::LimitReached,
            none,
            message,
        )]));
    }
    let names: Vec<&str> = permissions.iter().map(Permission::name).collect();
    let mut insert = Query::insert();
    insert
        .into_table(Entity)
        .columns([
            Column::Id,
            Column::Name,
            Column::TokenHash,
            Column::Prefix,
            Column::Permissions,
            Column::CreatedById,
            Column::CreatedAt,
            Column::ExpiresAt,
        ])
        .values_panic([
            Expr::value(Uuid::now_v7()),
            Expr::value(name),
            Expr::value(new.hash.clone()),
            Expr::value(new.prefix.as_str()),
            Expr::value(serde_json::json!(names)),
            Expr::value(by),
            tx.db().now_sql(),
            Expr::value(expires_at),
        ])
        .returning_all();
    let model: Option<Model> = tx.one(&insert).await?;
    model.ok_or_else(|| AccountError::Fault("INSERT returned no row".to_owned()))
}

/// The token as it is then, and whether it was this that ended it.
async fn revoke_in_txn(tx: &Tx, id: Uuid) -> Result<(Option<Model>, bool), AccountError> {
    let mut update = Query::update();
    update
        .table(Entity)
        .value(Column::RevokedAt, tx.db().now_sql())
        .and_where(Expr::col(Column::Id).eq(id))
        .and_where(Expr::col(Column::RevokedAt).is_null());
    let by_this = tx.run(&update).await? == 1;
    Ok((tx.one(&Entity::find_by_id(id).into_query()).await?, by_this))
}

/// How old a note of a token's use may become before the next use is noted.
pub(super) const NOTED_EVERY: TimeDelta = TimeDelta::minutes(1);
