//! The audit log in the schema. It stands here because an event's subject can be anything.

use crate::account::graphql::{ApiToken, User};
use crate::account::loader::AccountLoaders;
use crate::audit::{Actor, AuditAction, AuditEvent as Event, AuditFilter, AuditLog, AuditSubject};
use crate::auth::{Permission, Viewer};
use crate::db::page::{Cursor, CursorKey};
use crate::graphql::filters::DateTimeFilter;
use crate::graphql::node_id::parse;
use crate::graphql::scalars::{DateTime, Json};
use crate::graphql::{Auth, Connection, Fault, NodeKind, PageArgs};
use crate::schema::node::{Node, find_visible};
use async_graphql::{Context, Enum, ID, InputObject, Object};
use futures::FutureExt;
use uuid::Uuid;

/// Names of actions in one `where` at most.
const MAX_ACTIONS: usize = 100;
/// Characters of a request's id at most.
const MAX_REQUEST_ID_CHARS: usize = 64;

/// Who did something.
#[derive(Enum, Debug, Clone, Copy, PartialEq, Eq)]
pub enum AuditActorKind {
    /// An account: `actor`.
    User,
    /// A program: `apiToken`.
    ApiToken,
    /// Somebody who was not signed in.
    Guest,
    /// The server itself: its command line, or work in the background.
    System,
}

/// An event of the audit log.
pub struct AuditEvent(pub Event);

/// Something that was done and has to be answered for. Written once, with its effect, and never
/// changed. It holds no personal data: when an account is erased its events stay and name an
/// erased account. For those who have AUDIT_READ.
#[Object]
impl AuditEvent {
    /// The opaque id, for `node`.
    pub async fn id(&self) -> ID {
        NodeKind::AuditEvent.id(self.0.id)
    }

    /// What was done; null when a newer version of the server wrote it.
    async fn action(&self) -> Option<AuditAction> {
        self.0.action
    }

    /// Who did it, in a word.
    async fn actor_kind(&self) -> AuditActorKind {
        match self.0.actor {
            Actor::User(_) => AuditActorKind::User,
            Actor::ApiToken(_) => AuditActorKind::ApiToken,
            Actor::Guest => AuditActorKind::Guest,
            Actor::System => AuditActorKind::System,
        }
    }

    /// The account that did it; null when it was none.
    #[graphql(directive = Auth::apply(Permission::AccountRead))]
    async fn actor(&self, ctx: &Context<'_>) -> Option<Result<User, Fault>> {
        let Actor::User(id) = self.0.actor else { return None };
        let found = ctx.data_unchecked::<AccountLoaders>().user.get(id).await;
        found.map(|user| user.map(User)).transpose()
    }

    /// The API token of the program that did it; null when it was none.
    #[graphql(directive = Auth::apply(Permission::AccountRead))]
    async fn api_token(&self, ctx: &Context<'_>) -> Option<Result<ApiToken, Fault>> {
        let Actor::ApiToken(id) = self.0.actor else { return None };
        let found = ctx.data_unchecked::<AccountLoaders>().api_token.get(id).await;
        found.map(|token| token.map(ApiToken)).transpose()
    }

    /// To whom or to what it was done; null when that is no more, when you may not see it, when it
    /// is no `Node` (`newValue` or `oldValue` names it then), or when a newer version of the server
    /// wrote the event.
    async fn subject(&self, ctx: &Context<'_>) -> Option<Result<Node, Fault>> {
        let (kind, key) = node(self.0.subject?)?;
        find_visible(ctx, kind, key).await.transpose()
    }

    /// What was there before, as `action` says; null when there is nothing to say.
    async fn old_value(&self) -> Option<Json> {
        self.0.old_value.clone().map(Json)
    }

    /// What is there since, as `action` says; null when there is nothing to say.
    async fn new_value(&self) -> Option<Json> {
        self.0.new_value.clone().map(Json)
    }

    /// The id of the request that asked for it, as the logs have it; null for the command line and
    /// for work in the background.
    async fn request_id(&self) -> Option<&str> {
        self.0.request_id.as_deref()
    }

    /// When.
    async fn created_at(&self) -> DateTime {
        DateTime(self.0.created_at)
    }
}

/// Conditions on events. All that are given must hold.
#[derive(InputObject)]
pub struct AuditEventWhere {
    /// One of these was done; at most 100.
    action: Option<Vec<AuditAction>>,
    /// By this account, or by the program with this API token.
    actor_id: Option<ID>,
    /// To this object: an account, an API token, an event, an alert, a flash sale or a payment.
    subject_id: Option<ID>,
    /// In the request with this id; at most 64 characters.
    request_id: Option<String>,
    /// When.
    created_at: Option<DateTimeFilter>,
}

impl AuditEventWhere {
    fn read(self) -> Result<AuditFilter, Fault> {
        if self.action.as_ref().is_some_and(|actions| actions.len() > MAX_ACTIONS) {
            let message = format!("action has more than {MAX_ACTIONS} values.");
            return Err(Fault::bad_user_input(message));
        }
        if let Some(id) = &self.request_id
            && (id.chars().count() > MAX_REQUEST_ID_CHARS || id.contains('\0'))
        {
            return Err(Fault::bad_user_input("requestId is not the id of a request."));
        }
        let actor = self.actor_id.map(|id| match parse(&id) {
            Some((NodeKind::User, key)) => Ok(Actor::User(key)),
            Some((NodeKind::ApiToken, key)) => Ok(Actor::ApiToken(key)),
            _ => Err(Fault::bad_user_input("actorId is no id of an account or an API token.")),
        });
        let subject = self.subject_id.map(|id| {
            let subject = parse(&id).and_then(|(kind, key)| subject(kind, key));
            subject.ok_or_else(|| {
                Fault::bad_user_input("subjectId is no id of anything that events are about.")
            })
        });
        let (created_gte, created_lte) =
            self.created_at.map(|filter| filter.bounds()).unwrap_or_default();
        Ok(AuditFilter {
            actions: self.action,
            actor: actor.transpose()?,
            subject: subject.transpose()?,
            request_id: self.request_id,
            created_gte,
            created_lte,
        })
    }
}

/// Which object a subject is; None when it is no node.
fn node(subject: AuditSubject) -> Option<(NodeKind, Uuid)> {
    match subject {
        AuditSubject::User(id) => Some((NodeKind::User, id)),
        AuditSubject::ApiToken(id) => Some((NodeKind::ApiToken, id)),
        AuditSubject::OutboxEvent(id) => Some((NodeKind::OutboxEvent, id)),
        AuditSubject::Alert(id) => Some((NodeKind::Alert, id)),
        AuditSubject::FlashSale(id) => Some((NodeKind::FlashSale, id)),
        AuditSubject::Payment(id) => Some((NodeKind::Payment, id)),
        AuditSubject::TaxRate(_) | AuditSubject::ShippingMethod(_) => None,
    }
}

/// Which subject an object is, if events can be about its kind.
fn subject(kind: NodeKind, key: Uuid) -> Option<AuditSubject> {
    match kind {
        NodeKind::User => Some(AuditSubject::User(key)),
        NodeKind::ApiToken => Some(AuditSubject::ApiToken(key)),
        NodeKind::OutboxEvent => Some(AuditSubject::OutboxEvent(key)),
        NodeKind::Alert => Some(AuditSubject::Alert(key)),
        NodeKind::FlashSale => Some(AuditSubject::FlashSale(key)),
        NodeKind::Payment => Some(AuditSubject::Payment(key)),
        _ => None,
    }
}

/// Queries about the audit log.
#[derive(Default)]
pub struct AuditQuery;

/// Queries about the audit log.
#[Object]
impl AuditQuery {
    /// The audit log, the latest event first: who changed roles, closed, opened or erased accounts,
    /// signed others out, made and revoked API tokens, set flash sales, taxes and shipping, looked into
    /// payments. Events are kept without end.
    #[graphql(directive = Auth::apply(Permission::AuditRead))]
    async fn audit_events(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "So many from the beginning, 0 to 100; 20 when neither is given.")]
        first: Option<i32>,
        #[graphql(desc = "Only what comes after this cursor.")] after: Option<String>,
        #[graphql(desc = "So many from the end, 0 to 100.")] last: Option<i32>,
        #[graphql(desc = "Only what comes before this cursor.")] before: Option<String>,
        #[graphql(name = "where", desc = "Only events that meet these conditions.")] filter: Option<
            AuditEventWhere,
        >,
    ) -> Option<Result<Connection<AuditEvent>, Fault>> {
        Some(list(ctx, PageArgs { first, after, last, before }, filter).await)
    }
}

async fn list(
    ctx: &Context<'_>,
    args: PageArgs,
    filter: Option<AuditEventWhere>,
) -> Result<Connection<AuditEvent>, Fault> {
    let (log, viewer) = (ctx.data_unchecked::<AuditLog>(), *ctx.data_unchecked::<Viewer>());
    let filter = filter.map(AuditEventWhere::read).transpose()?.unwrap_or_default();
    let page = log.list(&viewer, &filter, &args.window(&filter)?).await?;
    let (log, counted) = (log.clone(), filter.clone());
    let count = move || {
        let (log, filter) = (log.clone(), counted.clone());
        async move { Ok(log.count(&viewer, &filter).await?) }.boxed()
    };
    let cursor = |event: &Event| Cursor { key: CursorKey::Id, id: event.id };
    Ok(Connection::new(page, &filter, cursor, AuditEvent, count))
}
