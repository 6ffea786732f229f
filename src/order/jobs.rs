//! What is done apart from requests: mails to buyers, the end of orders that nobody paid,
//! and the recovery of payments. The arguments hold keys alone.

use crate::account::Links;
use crate::jobs::{Failure, Handlers, Job, Queue};
use crate::mail::Mailer;
use crate::order::{GuestToken, Order, OrderError, OrderLine, OrderStatus, Orders, mails};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Mutex;
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

/// Staff entered an order: its buyer is to pay it.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Entered {
    pub(crate) order_id: Uuid,
}

impl Job for Entered {
    const KIND: &'static str = "order.entered";
    const QUEUE: Queue = Queue::Mail;
}

/// Goods of an order left the warehouse: its buyer is to know.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Sent {
    pub(crate) order_id: Uuid,
    pub(crate) fulfillment_id: Uuid,
}

impl Job for Sent {
    const KIND: &'static str = "order.sent";
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
    let post = Post { orders: orders.clone(), mailer: mailer.clone(), links: links.clone() };
    let confirming = post.clone();
    handlers.on(move |job: Confirmed, _| {
        let post = confirming.clone();
        async move { post.confirm(job.order_id).await }
    });
    let entering = post.clone();
    handlers.on(move |job: Entered, _| {
        let post = entering.clone();
        async move { post.ask_to_pay(job.order_id).await }
    });
    handlers.on(move |job: Sent, _| {
        let post = post.clone();
        async move { post.tell_sent(job.order_id, job.fulfillment_id).await }
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
    let (orders, alone) = (orders.clone(), Arc::new(Mutex::new(())));
    handlers.on(move |_: RecoverPayments, _| {
        let (orders, alone) = (orders.clone(), Arc::clone(&alone));
        async move {
            // While a provider hangs, one of a worker's places waits for it and not all.
            let Ok(_alone) = alone.try_lock() else { return Ok(()) };
            Ok(orders.recover().await.map(drop)?)
        }
    });
}

/// What mails are made of, and the way that they go.
#[derive(Clone)]
struct Post {
    orders: Orders,
    mailer: Mailer,
    links: Links,
}

impl Post {
    async fn confirm(&self, order_id: Uuid) -> Result<(), Failure> {
        let (order, token) = self.order(order_id).await?;
        if order.status == OrderStatus::Cancelled {
            return Err(Failure::discard("the order was cancelled meanwhile"));
        }
        let lines = self.lines(order_id).await?;
        let message = mails::confirmation(&order, &lines, &self.links, token.as_ref());
        self.mailer.send(&message).await.map_err(Failure::from)
    }

    async fn ask_to_pay(&self, order_id: Uuid) -> Result<(), Failure> {
        let (order, token) = self.order(order_id).await?;
        if order.status != OrderStatus::PendingPayment {
            return Err(Failure::discard("the order does not wait for its payment any more"));
        }
        let lines = self.lines(order_id).await?;
        let message = mails::entered(&order, &lines, &self.links, token.as_ref());
        self.mailer.send(&message).await.map_err(Failure::from)
    }

    async fn tell_sent(&self, order_id: Uuid, fulfillment_id: Uuid) -> Result<(), Failure> {
        let (order, token) = self.order(order_id).await?;
        let sent = self.orders.fulfillments_of(&[order_id]).await?.remove(&order_id);
        let sent = sent.into_iter().flatten().find(|sent| sent.id == fulfillment_id);
        let Some(sent) = sent else { return Err(Failure::discard("nothing was sent")) };
        let lines = self.lines(order_id).await?;
        let message = mails::sent(&order, &lines, &sent, &self.links, token.as_ref());
        self.mailer.send(&message).await.map_err(Failure::from)
    }

    /// The order, if there is anybody to write to, and a guest's way to it.
    async fn order(&self, order_id: Uuid) -> Result<(Order, Option<GuestToken>), Failure> {
        let found = self.orders.get_with_token(order_id).await?;
        let (order, token) = found.ok_or_else(|| Failure::discard("the order is gone"))?;
        if order.email.is_empty() {
            return Err(Failure::discard("the buyer's address is not known any more"));
        }
        Ok((order, token))
    }

    async fn lines(&self, order_id: Uuid) -> Result<Vec<OrderLine>, Failure> {
        let lines = self.orders.lines_of(&[order_id]).await?.remove(&order_id);
        Ok(lines.unwrap_or_default())
    }
}

impl From<OrderError> for Failure {
    fn from(error: OrderError) -> Self {
        match error {
            OrderError::Db(error) => error.into(),
            error => Self::retry(error.to_string()),
        }
    }
}
