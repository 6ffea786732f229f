//! Writing and reading the log.

use crate::audit::{Actor, AuditError, AuditEvent, AuditFilter, AuditSubject, NewAuditEvent};
use crate::auth::{Permission, Viewer};
use crate::db::page::{Keyset, Page, Window};
use crate::db::{Db, DbError, Tx};
use crate::telemetry;
use entity::audit_event::{Column, Entity, Model};
use sea_orm::FromQueryResult;
use sea_orm::sea_query::{Asterisk, Expr, ExprTrait, Query, SelectStatement, SimpleExpr};
use std::collections::HashMap;
use uuid::Uuid;

/// Records that `viewer` did something, in the transaction in which it is done: the event is there
/// when the effect is, and not otherwise. The caller has asked whether the viewer may.
///
/// # Errors
/// [`DbError`] when the database refuses.
pub async fn record_in_txn(tx: &Tx, viewer: &Viewer, event: NewAuditEvent) -> Result<(), DbError> {
    let (actor_kind, user_id, api_token_id) = match Actor::from(viewer) {
        Actor::User(id) => ("USER", Some(id), None),
        Actor::ApiToken(id) => ("API_TOKEN", None, Some(id)),
        Actor::Guest => ("GUEST", None, None),
        Actor::System => ("SYSTEM", None, None),
    };
    let (subject_kind, subject_id) = event.subject.parts();
    let mut insert = Query::insert();
    insert
        .into_table(Entity)
        .columns([
            Column::Id,
            Column::Action,
            Column::ActorKind,
            Column::UserId,
            Column::ApiTokenId,
            Column::SubjectKind,
            Column::SubjectId,
            Column::OldValue,
            Column::NewValue,
            Column::RequestId,
            Column::CreatedAt,
        ])
        .values_panic([
            Expr::value(Uuid::now_v7()),
            Expr::value(event.action.name()),
            Expr::value(actor_kind),
            Expr::value(user_id),
            Expr::value(api_token_id),
            Expr::value(subject_kind),
            Expr::value(subject_id),
            Expr::value(event.old_value),
            Expr::value(event.new_value),
            Expr::value(telemetry::correlation_id()),
            tx.db().now_sql(),
        ]);
    tx.run(&insert).await.map(drop)
}

/// The log, for those who may read it; cheap to clone.
#[derive(Clone)]
pub struct AuditLog {
    db: Db,
}

#[derive(FromQueryResult)]
struct Count {
    count: i64,
}

impl AuditLog {
    /// The log in this database.
    #[must_use]
    pub fn new(db: Db) -> Self {
        Self { db }
    }

    /// A page of the log, the latest event first.
    ///
    /// # Errors
    /// When the viewer may not read it, or the database fails.
    pub async fn list(
        &self,
        viewer: &Viewer,
        filter: &AuditFilter,
        window: &Window,
    ) -> Result<Page<AuditEvent>, AuditError> {
        viewer.may(Permission::AuditRead)?;
        let mut select = select(filter);
        select.column((Entity, Asterisk));
        Keyset { key: None, id: column(Column::Id), descending: true }.apply(&mut select, window);
        let rows = self.db.all::<Model>(&select).await?;
        Ok(Page::cut(rows.into_iter().map(AuditEvent::from).collect(), window))
    }

    /// How many events a list has.
    ///
    /// # Errors
    /// When the viewer may not read it, or the database fails.
    pub async fn count(&self, viewer: &Viewer, filter: &AuditFilter) -> Result<u64, AuditError> {
        viewer.may(Permission::AuditRead)?;
        let mut select = select(filter);
        select.expr_as(column(Column::Id).count(), "count");
        let count = self.db.one::<Count>(&select).await?;
        Ok(count.and_then(|row| u64::try_from(row.count).ok()).unwrap_or_default())
    }

    /// Events by key; nobody but readers of the log sees any.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn find_many(
        &self,
        viewer: &Viewer,
        ids: &[Uuid],
    ) -> Result<HashMap<Uuid, AuditEvent>, AuditError> {
        if !viewer.can(Permission::AuditRead) {
            return Ok(HashMap::new());
        }
        let mut select = Query::select();
        select
            .column((Entity, Asterisk))
            .from(Entity)
            .and_where(column(Column::Id).is_in(ids.iter().copied()));
        let rows = self.db.all::<Model>(&select).await?;
        Ok(rows.into_iter().map(|row| (row.id, row.into())).collect())
    }

    /// Everything that was done to this one, the earliest first: part of what an account's owner
    /// gets of it. The caller has asked whether the viewer may.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn all_about(db: &Db, subject: AuditSubject) -> Result<Vec<AuditEvent>, DbError> {
        let filter = AuditFilter { subject: Some(subject), ..AuditFilter::default() };
        let mut select = select(&filter);
        select
            .column((Entity, Asterisk))
            .order_by((Entity, Column::Id), sea_orm::sea_query::Order::Asc);
        let rows = db.all::<Model>(&select).await?;
        Ok(rows.into_iter().map(AuditEvent::from).collect())
    }
}

fn select(filter: &AuditFilter) -> SelectStatement {
    let mut select = Query::select();
    select.from(Entity);
    if let Some(actions) = &filter.actions {
        select.and_where(column(Column::Action).is_in(actions.iter().map(|action| action.name())));
    }
    select.and_where_option(filter.actor.map(by));
    if let Some(subject) = filter.subject {
        let (kind, id) = subject.parts();
        select.and_where(column(Column::SubjectId).eq(id));
        select.and_where(column(Column::SubjectKind).eq(kind));
    }
    if let Some(id) = &filter.request_id {
        select.and_where(column(Column::RequestId).eq(id.as_str()));
    }
    select.and_where_option(filter.created_gte.map(|least| column(Column::CreatedAt).gte(least)));
    select.and_where_option(filter.created_lte.map(|most| column(Column::CreatedAt).lte(most)));
    select
}

fn by(actor: Actor) -> SimpleExpr {
    match actor {
        Actor::User(id) => column(Column::UserId).eq(id),
        Actor::ApiToken(id) => column(Column::ApiTokenId).eq(id),
        Actor::Guest => column(Column::ActorKind).eq("GUEST"),
        Actor::System => column(Column::ActorKind).eq("SYSTEM"),
    }
}

fn column(column: Column) -> SimpleExpr {
    Expr::col((Entity, column))
}
