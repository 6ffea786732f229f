//! Events on their way to others, in the order of their aggregate.

use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "outbox")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i64,
    /// By which whoever is told twice knows it.
    pub event_id: Uuid,
    pub topic: String,
    #[sea_orm(column_name = "type")]
    pub kind: String,
    /// What the event is about.
    pub aggregate_id: Uuid,
    /// The aggregate's version; rises with each of its events.
    pub seq: i64,
    pub payload: Json,
    pub correlation_id: Option<String>,
    /// PENDING, INFLIGHT, SENT or DEAD.
    pub status: String,
    pub attempts: i32,
    pub next_attempt_at: DateTimeUtc,
    pub lease_until: Option<DateTimeUtc>,
    pub last_error: Option<String>,
    pub created_at: DateTimeUtc,
    pub sent_at: Option<DateTimeUtc>,
    /// Which claim holds it, while it is INFLIGHT.
    pub claim: Option<Uuid>,
}

impl ActiveModelBehavior for ActiveModel {}
