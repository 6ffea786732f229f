//! Shoppers who check out, pay and cancel at the same time, remember what they were told, and ask
//! again when they got no answer.

use crate::app::TestApp;
use crate::order::shop::{checkout, document};
use parking_lot::Mutex;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use stockroom::graphql::NodeKind;
use stockroom::payment::sandbox::{Sandbox, SignedEvent};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

const SHOPPERS: u64 = 6;
/// How they pay, the usual way more often.
const METHODS: [&str; 8] = [
    "card_approved",
    "card_approved",
    "card_approved",
    "card_approved",
    "card_declined",
    "card_pending",
    "card_slow",
    "card_late",
];

/// What a shopper was told of an order last.
#[derive(Debug, Clone)]
pub struct Told {
    pub order_id: Uuid,
    pub status: String,
    /// Whether the shopper asked to cancel it, answered or not.
    pub cancelling: bool,
}

/// All shoppers, over the lives of many servers.
#[derive(Clone)]
pub struct Shoppers {
    book: Arc<Mutex<Book>>,
}

struct Book {
    told: Vec<Told>,
    /// Mutations that were sent and not answered, by name.
    unanswered: Vec<(&'static str, Value)>,
    random: StdRng,
}

/// Shoppers at one server.
pub struct Crowd {
    stop: CancellationToken,
    shoppers: JoinSet<()>,
}

impl Crowd {
    /// They leave: what they wait for they have given up by now.
    pub async fn leave(mut self) {
        self.stop.cancel();
        while let Some(left) = self.shoppers.join_next().await {
            left.expect("a shopper does not panic");
        }
    }
}

/// One of them.
struct Shopper {
    book: Arc<Mutex<Book>>,
    client: reqwest::Client,
    address: SocketAddr,
    sandbox: Option<Sandbox>,
}

impl Shoppers {
    pub fn new(seed: u64) -> Self {
        let random = StdRng::seed_from_u64(seed);
        let book = Book { told: Vec::new(), unanswered: Vec::new(), random };
        Self { book: Arc::new(Mutex::new(book)) }
    }

    pub fn told(&self) -> Vec<Told> {
        self.book.lock().told.clone()
    }

    pub fn unanswered(&self) -> usize {
        self.book.lock().unanswered.len()
    }

    /// They come to a server and shop until it does not answer or they are told to leave.
    pub fn enter(&self, app: &TestApp, address: SocketAddr) -> Crowd {
        let stop = CancellationToken::new();
        let mut shoppers = JoinSet::new();
        for _ in 0..SHOPPERS {
            let shopper = self.shopper(address, Some(app.sandbox().clone()));
            let work = async move {
                shopper.repeat_one().await;
                while shopper.shops().await.is_some() {}
            };
            let stopped = stop.clone();
            shoppers.spawn(async move {
                stopped.run_until_cancelled(work).await;
            });
        }
        Crowd { stop, shoppers }
    }

    /// All that is not answered is asked again, until it is.
    pub async fn ask_again(&self, address: SocketAddr) {
        let shopper = self.shopper(address, None);
        while self.unanswered() > 0 {
            shopper.repeat_one().await;
        }
    }

    fn shopper(&self, address: SocketAddr, sandbox: Option<Sandbox>) -> Shopper {
        let client = reqwest::Client::builder().timeout(Duration::from_secs(20)).build().unwrap();
        Shopper { book: Arc::clone(&self.book), client, address, sandbox }
    }
}

impl Shopper {
    /// One purchase and what follows; None when the server is gone.
    async fn shops(&self) -> Option<()> {
        let (method, pieces, whim) = {
            let random = &mut self.book.lock().random;
            let method = METHODS[random.random_range(0..METHODS.len())];
            (method, random.random_range(1..=3), random.random_range(0..4))
        };
        let create = "mutation ($lines: [CartLineInput!]) { cartCreate(input: { lines: $lines }) \
                      { cart { id } } }";
        let lines = json!([{ "sku": "CUP", "quantity": pieces }, { "sku": "POT", "quantity": 1 }]);
        let answer = self.post(create, json!({ "lines": lines })).await?;
        let cart = answer["cartCreate"]["cart"]["id"].clone();
        let placed = self.asks("checkoutComplete", checkout(&cart, method)).await?;
        let (order, token) = (&placed["order"]["id"], &placed["guestAccessToken"]);
        let of_order = json!({ "orderId": order, "guestAccessToken": token });
        let status = placed["order"]["status"].as_str().unwrap_or_default();
        match (status, method) {
            ("PENDING_PAYMENT", "card_pending") => self.confirms(&placed).await?,
            ("PENDING_PAYMENT", "card_declined") if whim > 0 => {
                let mut input = of_order.clone();
                input["payment"] = json!({ "provider": "sandbox", "method": "card_approved" });
                input["idempotencyKey"] = json!(Uuid::new_v4().to_string());
                self.asks("orderPay", input).await?;
            }
            _ => {}
        }
        if whim == 0 && order.is_string() {
            let mut input = of_order;
            input["idempotencyKey"] = json!(Uuid::new_v4().to_string());
            self.asks("orderCancel", input).await?;
        }
        Some(())
    }

    /// The payer confirms at the provider, which tells the shop, twice.
    async fn confirms(&self, placed: &Value) -> Option<()> {
        let (sandbox, id) = (self.sandbox.as_ref()?, placed["payment"]["id"].as_str()?);
        let payment = NodeKind::Payment.key(id).expect("it is the id of a payment");
        // The provider may be locked out by a server that was killed just now.
        let Ok(Some(webhook)) = sandbox.decide(payment, true).await else { return Some(()) };
        for _ in 0..2 {
            let url = format!("http://{}/webhooks/payments/sandbox", self.address);
            let request = self
                .client
                .post(url)
                .header(SignedEvent::HEADER, webhook.signature.as_str())
                .body(webhook.body.clone());
            request.send().await.ok()?;
        }
        Some(())
    }

    /// Sends a mutation that is remembered until it is answered, and what it tells then.
    async fn asks(&self, mutation: &'static str, input: Value) -> Option<Value> {
        {
            let mut book = self.book.lock();
            book.unanswered.push((mutation, input.clone()));
            if mutation == "orderCancel" {
                let order = key(&input["orderId"]);
                for told in book.told.iter_mut().filter(|told| Some(told.order_id) == order) {
                    told.cancelling = true;
                }
            }
        }
        let answer = self.post(&document(mutation), json!({ "input": input })).await?;
        let payload = answer[mutation].clone();
        // An error of the whole answer says nothing of what happened; nor does it that the first
        // use of a key, by a server that is gone, may still be under way.
        let errors = payload["userErrors"].as_array()?;
        if errors.iter().any(|error| error["code"] == "IDEMPOTENCY_CONFLICT") {
            return None;
        }
        let mut book = self.book.lock();
        book.unanswered.retain(|(_, other)| *other != input);
        let status = payload["order"]["status"].as_str();
        if let (Some(order_id), Some(status)) = (key(&payload["order"]["id"]), status) {
            let cancelling = mutation == "orderCancel";
            book.told.push(Told { order_id, status: status.to_owned(), cancelling });
        }
        Some(payload)
    }

    /// Asks once more what was not answered, if there is something.
    async fn repeat_one(&self) {
        let next = {
            let mut book = self.book.lock();
            if book.unanswered.is_empty() { None } else { Some(book.unanswered.remove(0)) }
        };
        if let Some((mutation, input)) = next {
            self.asks(mutation, input).await;
        }
    }

    async fn post(&self, document: &str, variables: Value) -> Option<Value> {
        let url = format!("http://{}/graphql", self.address);
        let body = json!({ "query": document, "variables": variables });
        let answer = self.client.post(url).json(&body).send().await.ok()?;
        let answer: Value = answer.json().await.ok()?;
        answer["data"].is_object().then(|| answer["data"].clone())
    }
}

/// The key of an order by its id.
fn key(id: &Value) -> Option<Uuid> {
    NodeKind::Order.key(id.as_str()?).ok()
}
