//! The outbox in the schema.

use crate::auth::{Permission, Viewer};
use crate::db::page::{Cursor, CursorKey};
use crate::events::{self, EventStatus, Topic};
use crate::graphql::scalars::{BigInt, DateTime};
use crate::graphql::table_enum::table_enum;
use crate::graphql::{Auth, Connection, Fault, NodeKind, PageArgs, UserError, Warning};
use crate::outbox::{Outbox, OutboxError};
use async_graphql::{Context, ID, InputObject, Object, SimpleObject};
use futures::FutureExt;
use uuid::Uuid;

table_enum!(EventStatus, "OutboxStatus", "Where an event of the outbox stands.", describe);

fn describe(status: EventStatus) -> String {
    status.about().to_owned()
}

/// An event of the outbox.
pub struct OutboxEvent(pub events::OutboxEvent);

/// A change of an order, a payment or a level of stock that others are told: written with the
/// change, delivered at least once, and of one object in the order of its changes. Delivered events
/// are forgotten after a week. For those who have OUTBOX_READ.
#[Object]
impl OutboxEvent {
    /// The opaque id, for `node`. Whoever is told twice knows the event by its key.
    pub async fn id(&self) -> ID {
        NodeKind::OutboxEvent.id(self.0.id)
    }

    /// What it is about: `order-events`, `payment-events` or `stock-events`.
    async fn topic(&self) -> &str {
        &self.0.topic
    }

    /// What happened, such as `order.placed`.
    #[graphql(name = "type")]
    async fn kind(&self) -> &str {
        &self.0.kind
    }

    /// The opaque id of the order, the payment or the level of stock that changed, for `node`.
    async fn aggregate_id(&self) -> ID {
        let key = self.0.aggregate_id;
        match Topic::from_name(&self.0.topic) {
            Some(Topic::Orders) => NodeKind::Order.id(key),
            Some(Topic::Payments) => NodeKind::Payment.id(key),
            Some(Topic::Stock) => NodeKind::StockLevel.id(key),
            None => ID(key.to_string()),
        }
    }

    /// The object's version after the change: its events are told in this order.
    async fn seq(&self) -> BigInt {
        BigInt(self.0.seq)
    }

    /// Where it stands.
    async fn status(&self) -> EventStatus {
        self.0.status
    }

    /// How often it was refused.
    async fn attempts(&self) -> i32 {
        self.0.attempts
    }

    /// Why it was refused last; null when it was not, or was delivered since.
    async fn last_error(&self) -> Option<&str> {
        self.0.last_error.as_deref()
    }

    /// The id of the request or job that changed the object, as the logs have it; null when there
    /// was none.
    async fn correlation_id(&self) -> Option<&str> {
        self.0.correlation_id.as_deref()
    }

    /// When it was written.
    async fn created_at(&self) -> DateTime {
        DateTime(self.0.created_at)
    }

    /// When it was delivered; null when it was not.
    async fn sent_at(&self) -> Option<DateTime> {
        self.0.sent_at.map(DateTime)
    }
}

/// Events to offer again.
#[derive(InputObject)]
pub struct OutboxRetryInput {
    /// The events, at most 100.
    ids: Vec<ID>,
}

/// The answer to outboxRetry.
#[derive(SimpleObject, Default)]
pub struct OutboxRetryPayload {
    /// The events as they are now, in the order asked for; empty when nothing happened.
    events: Vec<OutboxEvent>,
    /// How many of them were dead and are offered again.
    retried: i32,
    /// Why nothing happened; empty when it did.
    user_errors: Vec<UserError>,
    /// Always empty.
    warnings: Vec<Warning>,
}

/// Queries about the outbox.
#[derive(Default)]
pub struct OutboxQuery;

/// Queries about the outbox.
#[Object]
impl OutboxQuery {
    /// What others are told of orders, payments and stock, the latest event first. DEAD are those
    /// that were refused for the last time: `lastError` says why, and outboxRetry offers them again.
    #[graphql(directive = Auth::apply(Permission::OutboxRead))]
    async fn outbox(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Only events that stand there.")] status: Option<EventStatus>,
        #[graphql(desc = "So many from the beginning, 0 to 100; 20 when neither is given.")]
        first: Option<i32>,
        #[graphql(desc = "Only what comes after this cursor.")] after: Option<String>,
        #[graphql(desc = "So many from the end, 0 to 100.")] last: Option<i32>,
        #[graphql(desc = "Only what comes before this cursor.")] before: Option<String>,
    ) -> Option<Result<Connection<OutboxEvent>, Fault>> {
        Some(list(ctx, PageArgs { first, after, last, before }, status).await)
    }
}

async fn list(
    ctx: &Context<'_>,
    args: PageArgs,
    status: Option<EventStatus>,
) -> Result<Connection<OutboxEvent>, Fault> {
    let (outbox, viewer) = (ctx.data_unchecked::<Outbox>(), *ctx.data_unchecked::<Viewer>());
    let page = outbox.list(&viewer, status, &args.window(&status)?).await?;
    let outbox = outbox.clone();
    let count = move || {
        let outbox = outbox.clone();
        async move { Ok(outbox.count(&viewer, status).await?) }.boxed()
    };
    let cursor = |event: &events::OutboxEvent| Cursor { key: CursorKey::Id, id: event.id };
    Ok(Connection::new(page, &status, cursor, OutboxEvent, count))
}

/// Mutations on the outbox.
#[derive(Default)]
pub struct OutboxMutation;

/// Mutations on the outbox.
#[Object]
impl OutboxMutation {
    /// Offer events again that were refused for the last time, with all their attempts. Events that
    /// are not dead stay as they are, so repeating it is harmless.
    #[graphql(directive = Auth::apply(Permission::OutboxRetry))]
    async fn outbox_retry(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which ones.")] input: OutboxRetryInput,
    ) -> Option<Result<OutboxRetryPayload, Fault>> {
        let (outbox, viewer) = (ctx.data_unchecked::<Outbox>(), ctx.data_unchecked::<Viewer>());
        let keys: Result<Vec<Uuid>, Fault> =
            input.ids.iter().map(|id| NodeKind::OutboxEvent.key(id)).collect();
        let keys = match keys {
            Ok(keys) => keys,
            Err(fault) => return Some(Err(fault)),
        };
        Some(match outbox.retry(viewer, &keys).await {
            Ok((events, retried)) => Ok(OutboxRetryPayload {
                events: events.into_iter().map(OutboxEvent).collect(),
                retried: i32::try_from(retried).unwrap_or(i32::MAX),
                ..OutboxRetryPayload::default()
            }),
            Err(OutboxError::Invalid(problems)) => Ok(OutboxRetryPayload {
                user_errors: problems.into_iter().map(UserError::from).collect(),
                ..OutboxRetryPayload::default()
            }),
            Err(error) => Err(error.into()),
        })
    }
}
