//! Someone who sends requests, and what they get.

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use http::{HeaderMap, Request, StatusCode, header};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use std::future::IntoFuture;
use std::net::SocketAddr;
use std::pin::Pin;
use tower::ServiceExt;

/// Someone who sends requests, with a token or without.
#[derive(Clone)]
pub struct Caller {
    router: Router,
    token: Option<String>,
    peer: Option<SocketAddr>,
}

impl Caller {
    pub fn new(router: Router, token: Option<String>) -> Self {
        Self { router, token, peer: None }
    }

    /// The same one, whose requests come from this address.
    pub fn at(mut self, address: &str) -> Self {
        self.peer = Some(SocketAddr::new(address.parse().expect("an address"), 40_000));
        self
    }

    /// The token that is sent, if any.
    pub fn token(&self) -> Option<&str> {
        self.token.as_deref()
    }

    /// A document to send, when awaited.
    pub fn query(&self, document: impl Into<String>) -> Call {
        Call { caller: self.clone(), document: document.into(), variables: json!({}) }
    }

    /// Sends any request, with the token.
    pub async fn send(&self, mut request: Request<Body>) -> Answer {
        if let Some(token) = &self.token {
            let value = format!("Bearer {token}").parse().expect("a token fits a header");
            request.headers_mut().insert(header::AUTHORIZATION, value);
        }
        if let Some(peer) = self.peer {
            request.extensions_mut().insert(ConnectInfo(peer));
        }
        // In a task, as requests of a real server run: look-ups are batched by the scheduler's turns.
        let answered = tokio::spawn(self.router.clone().oneshot(request)).await;
        let response = answered.expect("the router does not panic").expect("the router answers");
        let (parts, body) = response.into_parts();
        let body = body.collect().await.expect("the body arrives").to_bytes();
        Answer {
            status: parts.status,
            headers: parts.headers,
            text: String::from_utf8_lossy(&body).into_owned(),
            json: serde_json::from_slice(&body).unwrap_or(Value::Null),
        }
    }

    /// `GET path`.
    pub async fn get(&self, path: &str) -> Answer {
        self.send(Request::get(path).body(Body::empty()).expect("a request")).await
    }

    /// `POST /graphql` with these headers.
    pub async fn post_with(&self, headers: &[(&str, &str)], body: impl Into<Body>) -> Answer {
        let mut request = Request::post("/graphql");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.send(request.body(body.into()).expect("a request")).await
    }

    /// `POST` to another path than GraphQL's.
    pub async fn post_to(
        &self,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<Body>,
    ) -> Answer {
        let mut request = Request::post(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.send(request.body(body.into()).expect("a request")).await
    }

    /// `POST /graphql` with this body, in JSON.
    pub async fn post(&self, body: impl Into<Body>) -> Answer {
        let request = Request::post("/graphql")
            .header(header::CONTENT_TYPE, "application/json")
            .header(header::ACCEPT, "application/graphql-response+json");
        self.send(request.body(body.into()).expect("a request")).await
    }
}

/// A document and its variables; awaiting it sends it.
pub struct Call {
    caller: Caller,
    document: String,
    variables: Value,
}

impl Call {
    /// With these variables.
    pub fn with_variables(mut self, variables: Value) -> Self {
        self.variables = variables;
        self
    }
}

impl IntoFuture for Call {
    type Output = Answer;
    type IntoFuture = Pin<Box<dyn Future<Output = Answer> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move {
            let body = json!({ "query": self.document, "variables": self.variables });
            self.caller.post(body.to_string()).await
        })
    }
}

/// What came back.
#[derive(Debug, Clone)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    /// The body as it came.
    pub text: String,
    /// The body as JSON; null when it is none.
    pub json: Value,
}

impl Answer {
    /// `data`, of an answer without errors.
    #[track_caller]
    pub fn data(&self) -> &Value {
        assert!(self.json["errors"].is_null(), "unexpected errors: {}", self.text);
        assert!(self.json["data"].is_object(), "no data: {} {}", self.status, self.text);
        &self.json["data"]
    }

    /// `extensions.code` of each error.
    pub fn error_codes(&self) -> Vec<&str> {
        let errors = self.json["errors"].as_array().map(Vec::as_slice).unwrap_or_default();
        errors.iter().filter_map(|error| error["extensions"]["code"].as_str()).collect()
    }

    /// `code` of each user error of a mutation.
    #[track_caller]
    pub fn user_errors(&self, mutation: &str) -> Vec<&str> {
        let errors = self.data()[mutation]["userErrors"].as_array();
        let errors =
            errors.unwrap_or_else(|| panic!("{mutation} has no userErrors: {}", self.text));
        errors.iter().filter_map(|error| error["code"].as_str()).collect()
    }

    /// How many SQL statements the operation took.
    #[track_caller]
    pub fn sql_count(&self) -> u64 {
        let count = self.json["extensions"]["sql"]["count"].as_u64();
        count.unwrap_or_else(|| panic!("the answer has no extensions.sql: {}", self.text))
    }

    /// The value of a header, or an empty text.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }
}
