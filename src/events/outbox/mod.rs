//! Events for others, as rows that are written in the transaction of their effect: what is rolled
//! back is never told, what is committed is told at least once. A courier takes them from there to
//! a sink.

mod bus;
mod courier;
mod head;
mod operators;
mod rows;
mod sink;

pub use bus::BusSink;
pub use courier::{Courier, CourierTerms};
pub use operators::{EventStatus, OutboxEvent, count, count_open, find_many, list, retry_in_txn};
pub use rows::{Waiting, purge_sent, waiting};
pub use sink::{Event, Sink, SinkError};

use crate::db::Writes;
use crate::telemetry;
use entity::outbox::{Column, Entity};
use sea_orm::sea_query::{Expr, InsertStatement, Query};
use uuid::Uuid;

/// What an event is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Topic {
    /// Orders.
    Orders,
    /// Payments of orders.
    Payments,
    /// Levels of stock.
    Stock,
}

impl Topic {
    /// Every topic.
    pub const ALL: [Self; 3] = [Self::Orders, Self::Payments, Self::Stock];

    /// The topic of this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|topic| topic.as_str() == name)
    }

    /// Its name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Orders => "order-events",
            Self::Payments => "payment-events",
            Self::Stock => "stock-events",
        }
    }
}

/// An event to be told.
#[derive(Debug, Clone)]
pub struct NewEvent {
    /// What it is about.
    pub topic: Topic,
    /// What happened, such as `order.placed`.
    pub kind: &'static str,
    /// The row that it happened to; its events are told in their order.
    pub aggregate_id: Uuid,
    /// The row's version after it, assigned under the row's lock.
    pub seq: i64,
    /// What others may know of it.
    pub payload: serde_json::Value,
}

/// Has events written: all of a transaction in one statement, the last that it does. Couriers of this
/// process hear of them when it is committed.
pub fn write_in_txn(tx: &Writes, events: &[NewEvent]) {
    let correlation_id = telemetry::correlation_id();
    for event in events {
        let row = vec![
            Expr::value(Uuid::now_v7()),
            Expr::value(event.topic.as_str()),
            Expr::value(event.kind),
            Expr::value(event.aggregate_id),
            Expr::value(event.seq),
            Expr::value(event.payload.clone()),
            Expr::value(correlation_id.clone()),
            tx.db().now_sql(),
            tx.db().now_sql(),
        ];
        tx.insert_last(Entity, insert, row);
    }
    if !events.is_empty() {
        let db = tx.db().clone();
        tx.after_commit(move || db.announce_events());
    }
}

fn insert() -> InsertStatement {
    let mut insert = Query::insert();
    insert.into_table(Entity).columns([
        Column::EventId,
        Column::Topic,
        Column::Kind,
        Column::AggregateId,
        Column::Seq,
        Column::Payload,
        Column::CorrelationId,
        Column::NextAttemptAt,
        Column::CreatedAt,
    ]);
    insert
}
