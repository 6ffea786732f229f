//! Stripe as the tests know it: `localstripe`, which `STOCKROOM_TEST_STRIPE_URL` names, behind a
//! server of the test's own. That one adds what localstripe lacks, idempotency keys above all, and
//! loses answers when a test wants it to.

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::response::Response;
use futures::lock::Mutex as Turn;
use http::{HeaderMap, Method, StatusCode, Uri};
use parking_lot::Mutex;
use serde_json::{Value, json};
use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use stockroom::config::{PaymentProvider, Settings, StripeSettings};
use tokio::net::TcpListener;
use uuid::Uuid;

/// Names the localstripe to test with.
const STRIPE_URL: &str = "STOCKROOM_TEST_STRIPE_URL";
/// Any will do.
const KEY: &str = "sk_test_of_the_tests";

/// What goes wrong at Stripe.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    /// It is done, and the answer never arrives.
    AnswerLost,
    /// It is not done, and the answer never arrives.
    RequestLost,
    /// It is not done, and this status says so.
    Status(u16),
}

/// A request that arrived.
#[derive(Debug, Clone)]
pub struct Seen {
    /// `POST /v1/…`.
    pub line: String,
    /// The form.
    pub body: String,
    /// Its headers.
    pub headers: HeaderMap,
}

/// Stripe, for one test.
#[derive(Clone)]
pub struct StripeFront {
    /// Where it listens.
    pub address: SocketAddr,
    /// What signs the webhooks that the test sends.
    pub webhook_secret: String,
    state: Arc<Front>,
}

struct Front {
    behind: String,
    client: reqwest::Client,
    seen: Mutex<Vec<Seen>>,
    trouble: Mutex<Option<(&'static str, Trouble)>>,
    made: Mutex<Vec<String>>,
    captured: Mutex<HashMap<String, i64>>,
    /// By idempotency key: the request and its answer. One request at a time, as a lock of each
    /// key would do.
    answers: Turn<HashMap<String, (String, StatusCode, Bytes)>>,
}

impl StripeFront {
    /// Begins to listen, or tells that there is no localstripe: then there is nothing to test.
    pub async fn start() -> Option<Self> {
        let Ok(behind) = std::env::var(STRIPE_URL) else {
            eprintln!("NOT TESTED: {STRIPE_URL} names no localstripe; scripts/test starts one");
            return None;
        };
        super::lets_clients_be_made();
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
        let address = listener.local_addr().expect("the port is known");
        let state = Arc::new(Front {
            behind,
            client: reqwest::Client::builder().no_proxy().build().expect("a client"),
            seen: Mutex::default(),
            trouble: Mutex::default(),
            made: Mutex::default(),
            captured: Mutex::default(),
            answers: Turn::default(),
        });
        let router = Router::new().fallback(answer).with_state(Arc::clone(&state));
        tokio::spawn(async move { axum::serve(listener, router).await });
        let webhook_secret = format!("whsec_{}", Uuid::new_v4().simple());
        Some(Self { address, webhook_secret, state })
    }

    /// Has the shop take its payments with Stripe.
    pub fn configures(&self, settings: &mut Settings) {
        settings.payment.providers = vec![PaymentProvider::Stripe];
        settings.payment.stripe = Some(StripeSettings {
            secret_key: KEY.into(),
            webhook_secrets: vec![self.webhook_secret.clone().into()],
            api_base: format!("http://{}", self.address),
        });
    }

    /// From now on requests whose path ends so meet with this.
    pub fn troubles(&self, path_end: &'static str, trouble: Trouble) {
        *self.state.trouble.lock() = Some((path_end, trouble));
    }

    /// All is well again.
    pub fn is_well(&self) {
        *self.state.trouble.lock() = None;
    }

    /// As a day later: idempotency keys are forgotten.
    pub async fn forgets_keys(&self) {
        self.state.answers.lock().await.clear();
    }

    /// The requests that arrived, whose line begins and ends so.
    pub fn seen(&self, begin: &str, end: &str) -> Vec<Seen> {
        let seen = self.state.seen.lock();
        let fits = |it: &&Seen| it.line.starts_with(begin) && it.line.ends_with(end);
        seen.iter().filter(fits).cloned().collect()
    }

    /// The payments that were made there, as they stand.
    pub async fn intents(&self) -> Vec<Value> {
        let ids = self.state.made.lock().clone();
        let mut intents = Vec::new();
        for id in ids {
            intents.push(self.get(&format!("/v1/payment_intents/{id}")).await);
        }
        intents
    }

    /// The one payment that was made there.
    pub async fn only_intent(&self) -> Value {
        let [one] = <[Value; 1]>::try_from(self.intents().await).expect("there is one");
        one
    }

    /// The refunds of a payment there.
    pub async fn refunds(&self, intent: &str) -> Vec<Value> {
        let list = self.get(&format!("/v1/refunds?payment_intent={intent}&limit=100")).await;
        list["data"].as_array().expect("a list").clone()
    }

    /// As the payer's browser would, by Stripe's script: a payment method for this card.
    pub async fn card(&self, number: &str) -> String {
        let card = json!({
            "type": "card",
            "card": { "number": number, "exp_month": 12, "exp_year": 2040, "cvc": "123" },
        });
        let method = self.post("/v1/payment_methods", card).await;
        method["id"].as_str().expect("a payment method").to_owned()
    }

    /// The payer proves to their bank who they are, or fails to.
    pub async fn authenticates(&self, intent: &Value, secret: &str, success: bool) -> Value {
        let id = intent["id"].as_str().expect("a payment");
        let body = json!({ "client_secret": secret, "success": success });
        self.post(&format!("/v1/payment_intents/{id}/_authenticate"), body).await
    }

    /// localstripe sends its webhooks there from now on.
    pub async fn sends_webhooks_to(&self, url: &str) {
        let body = json!({ "url": url, "secret": self.webhook_secret });
        let url = format!("{}/_config/webhooks/stockroom", self.state.behind);
        let sent = self.state.client.post(url).json(&body).send().await;
        assert!(sent.expect("localstripe answers").status().is_success());
    }

    async fn get(&self, path: &str) -> Value {
        let request = self.state.client.get(format!("{}{path}", self.state.behind));
        let answer = request.bearer_auth(KEY).send().await.expect("localstripe answers");
        answer.json().await.expect("JSON")
    }

    async fn post(&self, path: &str, body: Value) -> Value {
        let request = self.state.client.post(format!("{}{path}", self.state.behind));
        let answer = request.bearer_auth(KEY).json(&body).send().await;
        answer.expect("localstripe answers").json().await.expect("JSON")
    }
}

async fn answer(
    State(front): State<Arc<Front>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let text = String::from_utf8(body.to_vec()).expect("a form is text");
    let line = format!("{method} {uri}");
    front.seen.lock().push(Seen {
        line: line.clone(),
        body: text.clone(),
        headers: headers.clone(),
    });
    let trouble = *front.trouble.lock();
    let trouble = trouble.filter(|(end, _)| line.ends_with(end)).map(|(_, trouble)| trouble);
    match trouble {
        Some(Trouble::RequestLost) => return std::future::pending().await,
        Some(Trouble::Status(status)) => {
            let status = StatusCode::from_u16(status).expect("a status");
            return respond(status, Bytes::from_static(b"{\"error\":{}}"));
        }
        Some(Trouble::AnswerLost) | None => {}
    }
    if line.starts_with("GET /v1/payment_intents/search?") {
        return search(&front, &uri).await;
    }
    let key = headers.get("idempotency-key").map(|key| key.to_str().expect("text").to_owned());
    let (status, answer) = match key {
        Some(key) => once(&front, key, &line, text, &headers).await,
        None => forward(&front, &line, text, &headers).await,
    };
    if trouble == Some(Trouble::AnswerLost) {
        return std::future::pending().await;
    }
    respond(status, answer)
}

/// What localstripe cannot: payments by the shop's name in their metadata.
async fn search(front: &Arc<Front>, uri: &Uri) -> Response {
    let ids = front.made.lock().clone();
    let mut data = Vec::new();
    for id in ids {
        let line = format!("GET /v1/payment_intents/{id}");
        let mut headers = HeaderMap::new();
        headers.insert("authorization", format!("Bearer {KEY}").parse().expect("a header"));
        let (_, body) = forward(front, &line, String::new(), &headers).await;
        let intent: Value = serde_json::from_slice(&body).expect("JSON");
        let named = intent["metadata"]["payment_id"].as_str().expect("each has a name");
        if uri.query().is_some_and(|query| query.contains(named)) {
            data.push(intent);
        }
    }
    respond(StatusCode::OK, json!({ "data": data }).to_string().into())
}

/// As Stripe does: the same key gets the same answer, and is of no use for another request.
async fn once(
    front: &Front,
    key: String,
    line: &str,
    body: String,
    headers: &HeaderMap,
) -> (StatusCode, Bytes) {
    let mut answers = front.answers.lock().await;
    let request = format!("{line}\n{body}");
    if let Some((earlier, status, answer)) = answers.get(&key) {
        if *earlier == request {
            return (*status, answer.clone());
        }
        let error = json!({ "error": { "type": "idempotency_error" } }).to_string();
        return (StatusCode::BAD_REQUEST, error.into());
    }
    let (status, answer) = forward(front, line, body, headers).await;
    answers.insert(key, (request, status, answer.clone()));
    (status, answer)
}

async fn forward(
    front: &Front,
    line: &str,
    body: String,
    headers: &HeaderMap,
) -> (StatusCode, Bytes) {
    let (method, path) = line.split_once(' ').expect("a method and a path");
    let method: Method = method.parse().expect("a method");
    let mut request = front.client.request(method, format!("{}{path}", front.behind));
    for name in ["authorization", "content-type"] {
        if let Some(value) = headers.get(name) {
            request = request.header(name, value);
        }
    }
    let asked = number_of(&body, "amount_to_capture");
    let answer = request.body(body).send().await.expect("localstripe answers");
    let (status, body) = (answer.status(), answer.bytes().await.expect("the body arrives"));
    let Ok(mut object) = serde_json::from_slice::<Value>(&body) else { return (status, body) };
    if status.is_success() && object["object"] == "payment_intent" {
        let id = object["id"].as_str().expect("an id").to_owned();
        if let Some(amount) = asked {
            front.captured.lock().insert(id.clone(), amount);
        }
        if line.ends_with("/v1/payment_intents") {
            front.made.lock().push(id.clone());
        }
        if object["status"] == "succeeded" {
            let amount = front.captured.lock().get(&id).copied();
            let amount = amount.or(object["amount"].as_i64());
            object["amount_received"] = json!(amount);
        }
        return (status, object.to_string().into());
    }
    (status, body)
}

/// The number in this field of a form.
fn number_of(form: &str, name: &str) -> Option<i64> {
    form.split('&').find_map(|field| field.strip_prefix(name)?.strip_prefix('=')?.parse().ok())
}

fn respond(status: StatusCode, body: Bytes) -> Response {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    response
}
