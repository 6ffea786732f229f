//! What is done apart from requests: the confirmation by mail, the end of orders that nobody paid,
//! and the recovery of payments. The arguments hold keys alone.

use crate::account::Links;
use crate::auth::Viewer;
use crate::jobs::{Failure, Handlers, Job, Queue};
use crate::mail::Mailer;
use crate::order::{OrderError, OrderStatus, Orders, mails};
use serde::{Deserialize, Serialize};
use std::time::Duration;
use uuid::Uuid;

/// An order is as good as paid: its buyer is to know.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Confirmed {
    pub(crate) order_id: Uuid,
}

impl Job for Confirmed {
    const KIND: &'static str = "order.confirmed";
    const QUEUE: Queue = Queue::Mail;
}

/// Ends orders that nobody paid in time.
#[derive(Debug, Serialize, Deserialize)]
pub struct ExpireOrders {}

impl Job for ExpireOrders {
    const KIND: &'static str = "order.expire";
}

/// Finds out what became of payments that nobody works on.
#[derive(Debug, Serialize, Deserialize)]
pub struct RecoverPayments {}

impl Job for RecoverPayments {
    const KIND: &'static str = "payment.recover";
    const TIME_LIMIT: Duration = Duration::from_secs(120);
}

/// Sums up what changes of orders add to the figures.
#[derive(Debug, Serialize, Deserialize)]
pub struct SumUpOrderStats {}

impl Job for SumUpOrderStats {
    const KIND: &'static str = "order.sum_up";
}

/// Has the jobs of orders done by these services; links lead to the pages of the storefront.
pub fn register(handlers: &mut Handlers, orders: &Orders, mailer: &Mailer, links: &Links) {
    let post = (orders.clone(), mailer.clone(), links.clone());
    handlers.on(move |job: Confirmed, _| {
        let (orders, mailer, links) = post.clone();
        async move { confirm(&orders, &mailer, &links, job.order_id).await }
    });
    let sweeper = orders.clone();
    handlers.on(move |_: ExpireOrders, _| {
        let orders = sweeper.clone();
        async move { Ok(orders.expire_due().await.map(drop)?) }
    });
    let counting = orders.clone();
    handlers.on(move |_: SumUpOrderStats, _| {
        let orders = counting.clone();
        async move { Ok(orders.sum_up().await.map(drop)?) }
    });
    let orders = orders.clone();
    handlers.on(move |_: RecoverPayments, _| {
        let orders = orders.clone();
        async move { Ok(orders.recover().await.map(drop)?) }
    });
}

async fn confirm(
    orders: &Orders,
    mailer: &Mailer,
    links: &Links,
    order_id: Uuid,
) -> Result<(), Failure> {
    let Some(order) = orders.find_many(&Viewer::System, &[order_id]).await?.remove(&order_id)
    else {
        return Err(Failure::discard("the order is gone"));
    };
    if order.status == OrderStatus::Cancelled {
        return Err(Failure::discard("the order was cancelled meanwhile"));
    }
    let lines = orders.lines_of(&[order_id]).await?.remove(&order_id).unwrap_or_default();
    let token = orders.guest_token(order_id).await?;
    let message = mails::confirmation(&order, &lines, links, token.as_ref());
    mailer.send(&message).await.map_err(Failure::from)
}

impl From<OrderError> for Failure {
    fn from(error: OrderError) -> Self {
        match error {
            OrderError::Db(error) => error.into(),
            error => Self::retry(error.to_string()),
        }
    }
}
