//! Each change of an order: a guarded update, a line in its history, an event for others, and news
//! for whoever watches it.

use crate::auth::Viewer;
use crate::db::{Timestamp, Tx, Writes};
use crate::events::{self, BusMessage, NewEvent, Topic};
use crate::order::service::Orders;
use crate::order::stats::Moved;
use crate::order::{EventKind, Order, OrderError, OrderStatus};
use crate::payment::Payment;
use crate::telemetry;
use entity::order_event::{Column as E, Entity as Events};
use entity::shop_order::{Column, Entity, Model};
use sea_orm::sea_query::{Expr, ExprTrait, Query, SimpleExpr, UpdateStatement};
use serde_json::json;
use uuid::Uuid;

/// A step of an order.
pub(super) struct Step<'a> {
    pub kind: EventKind,
    /// Where the order stands then; may be where it stood.
    pub to: OrderStatus,
    pub viewer: &'a Viewer,
    /// In words, for people.
    pub note: Option<&'a str>,
    /// What changes besides the status.
    pub set: Changes,
}

/// What a step changes of an order besides its status; what is None stays.
#[derive(Default)]
pub(super) struct Changes {
    pub cancel_reason: Option<String>,
    pub paid_total: Option<i64>,
    pub refunded_total: Option<i64>,
}

impl Changes {
    /// It was cancelled for this reason.
    pub fn because(reason: &str) -> Self {
        Self { cancel_reason: Some(reason.to_owned()), ..Self::default() }
    }

    /// So much was taken.
    pub fn paid(total: i64) -> Self {
        Self { paid_total: Some(total), ..Self::default() }
    }

    fn add_to(&self, update: &mut UpdateStatement) {
        if let Some(reason) = &self.cancel_reason {
            update.value(Column::CancelReason, reason.as_str());
        }
        let totals =
            [(Column::PaidTotal, self.paid_total), (Column::RefundedTotal, self.refunded_total)];
        for (column, total) in totals {
            if let Some(total) = total {
                update.value(column, total);
            }
        }
    }
}

impl<'a> Step<'a> {
    /// A step that changes nothing besides the status.
    pub fn new(kind: EventKind, to: OrderStatus, viewer: &'a Viewer) -> Self {
        Self { kind, to, viewer, note: None, set: Changes::default() }
    }
}

impl Orders {
    /// Takes a locked order one step on.
    pub(super) async fn step_in_txn(
        &self,
        tx: &Tx,
        order: &Order,
        step: Step<'_>,
    ) -> Result<Order, OrderError> {
        let mut update = updating(order, &step, tx.db().now_sql())?;
        update.returning(Query::returning().all());
        let row: Option<Model> = tx.one_along(Entity, update).await?;
        let row = row.ok_or_else(|| OrderError::fault("a locked order was changed"))?;
        let changed = Order::try_from(row).map_err(OrderError::fault)?;
        self.note_step_in_txn(tx, order, &changed, &step);
        Ok(changed)
    }

    /// The same as a statement, for who sends it with others: it touches no row unless the order is as it
    /// was read. Gives the order as it will be; `at` is the moment. What follows is written as well.
    pub(super) fn stepping_in_txn(
        &self,
        tx: &Writes,
        order: &Order,
        step: Step<'_>,
        at: Timestamp,
    ) -> Result<(UpdateStatement, Order), OrderError> {
        let update = updating(order, &step, Expr::value(at))?;
        let changed = changed_by(order, &step, at);
        self.note_step_in_txn(tx, order, &changed, &step);
        Ok((update, changed))
    }

    fn note_step_in_txn(&self, tx: &Writes, before: &Order, changed: &Order, step: &Step<'_>) {
        let moved = Moved {
            paid: changed.paid_total.saturating_sub(before.paid_total),
            refunded: changed.refunded_total.saturating_sub(before.refunded_total),
        };
        let note = (step.kind, Some(before.status), step.note);
        self.write_note_in_txn(tx, changed, note, moved, step.viewer);
    }

    /// Writes into an order's history how it came to be as it is, and has others told.
    pub(super) fn note_in_txn(
        &self,
        tx: &Writes,
        order: &Order,
        note: (EventKind, Option<OrderStatus>, Option<&str>),
        viewer: &Viewer,
    ) {
        self.write_note_in_txn(tx, order, note, Moved::default(), viewer);
    }

    fn write_note_in_txn(
        &self,
        tx: &Writes,
        order: &Order,
        (kind, from, note): (EventKind, Option<OrderStatus>, Option<&str>),
        moved: Moved,
        viewer: &Viewer,
    ) {
        let token = match viewer {
            Viewer::Service { id, .. } => Some(*id),
            _ => None,
        };
        let mut insert = Query::insert();
        insert
            .into_table(Events)
            .columns([
                E::Id,
                E::OrderId,
                E::Version,
                E::Kind,
                E::FromStatus,
                E::ToStatus,
                E::ActorId,
                E::ApiTokenId,
                E::Paid,
                E::Refunded,
                E::Data,
                E::CorrelationId,
                E::CreatedAt,
            ])
            .values_panic([
                Expr::value(Uuid::now_v7()),
                Expr::value(order.id),
                Expr::value(order.version),
                Expr::value(kind.as_str()),
                Expr::value(from.map(OrderStatus::as_str)),
                Expr::value(order.status.as_str()),
                Expr::value(viewer.user_id()),
                Expr::value(token),
                Expr::value(moved.paid),
                Expr::value(moved.refunded),
                Expr::value(json!({ "note": note })),
                Expr::value(telemetry::correlation_id()),
                // The moment of the order's own row: the day that it is counted on.
                Expr::value(order.updated_at),
            ]);
        tx.later(Events, insert, 1);
        Self::count_in_txn(tx, from, order, moved);
        events::write_in_txn(tx, &[event_of(order, kind)]);
        let (bus, id) = (self.bus.clone(), order.id);
        tx.after_commit(move || bus.publish(BusMessage::OrdersChanged(vec![id])));
    }

    /// Has others told how a payment stands, and whoever watches its order.
    pub(super) fn tell_payment_in_txn(&self, tx: &Writes, payment: &Payment) {
        events::write_in_txn(tx, &[event_of_payment(payment)]);
        let (bus, id) = (self.bus.clone(), payment.order_id);
        tx.after_commit(move || bus.publish(BusMessage::OrdersChanged(vec![id])));
    }
}

/// An order as the step leaves it.
fn changed_by(order: &Order, step: &Step<'_>, at: Timestamp) -> Order {
    let Changes { cancel_reason, paid_total, refunded_total } = &step.set;
    Order {
        status: step.to,
        cancel_reason: cancel_reason.clone().or_else(|| order.cancel_reason.clone()),
        paid_total: paid_total.unwrap_or(order.paid_total),
        refunded_total: refunded_total.unwrap_or(order.refunded_total),
        version: order.version.saturating_add(1),
        updated_at: at,
        ..order.clone()
    }
}

/// The guarded update of an order.
fn updating(order: &Order, step: &Step<'_>, at: SimpleExpr) -> Result<UpdateStatement, OrderError> {
    if step.to != order.status && !order.status.may_become(step.to) {
        return Err(OrderError::Transition { from: order.status, to: step.to, because: "" });
    }
    let mut update = Query::update();
    update
        .table(Entity)
        .value(Column::Status, step.to.as_str())
        .value(Column::Version, Expr::col(Column::Version).add(1))
        .value(Column::UpdatedAt, at)
        .and_where(Expr::col(Column::Id).eq(order.id))
        .and_where(Expr::col(Column::Status).eq(order.status.as_str()))
        .and_where(Expr::col(Column::Version).eq(order.version));
    step.set.add_to(&mut update);
    Ok(update)
}

/// What others may know: no name, no address.
fn event_of(order: &Order, kind: EventKind) -> NewEvent {
    NewEvent {
        topic: Topic::Orders,
        kind: kind.event_name(),
        aggregate_id: order.id,
        seq: order.version,
        payload: json!({
            "orderId": order.id,
            "number": order.number,
            "kind": order.kind.as_str(),
            "status": order.status.as_str(),
            "currency": order.currency.code(),
            "total": order.total,
            "refundedTotal": order.refunded_total,
            "version": order.version,
        }),
    }
}

fn event_of_payment(payment: &Payment) -> NewEvent {
    NewEvent {
        topic: Topic::Payments,
        kind: "payment.changed",
        aggregate_id: payment.id,
        seq: payment.version,
        payload: json!({
            "paymentId": payment.id,
            "orderId": payment.order_id,
            "provider": payment.provider,
            "status": payment.status().name(),
            "currency": payment.amount.currency.code(),
            "amount": payment.amount.minor,
            "captured": payment.captured,
            "refunded": payment.refunded,
            "failureCode": payment.failure_code,
            "version": payment.version,
        }),
    }
}
