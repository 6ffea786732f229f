//! Stripe's API over HTTP: requests with a key and an idempotency key, and what its failures mean
//! for money.

use crate::payment::provider::ProviderError;
use anyhow::Context;
use reqwest::{Client, Method, RequestBuilder, Response, StatusCode, Url};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::sync::Arc;
use std::time::Duration;

/// The version of the API that this was written for: accounts have another by default.
const VERSION: &str = "2024-06-20";
/// A connection is there by then, or none comes.
const CONNECT_LIMIT: Duration = Duration::from_secs(1);
/// Longer than any call may take; the gateway ends calls before.
const ANSWER_LIMIT: Duration = Duration::from_secs(30);
/// An object that was asked for has a few kilobytes; a list of refunds has more.
const ANSWER_BYTES_MAX: usize = 4 * 1024 * 1024;

/// The code of a request that the state of a payment does not allow.
pub const UNEXPECTED_STATE: &str = "payment_intent_unexpected_state";

/// Why a request brought no object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Failure {
    /// It was understood and refused, for good.
    Refused {
        /// Why.
        code: String,
    },
    /// Nothing was done, for certain.
    NotDone(String),
    /// The key was used for another request before, as by another version of the shop: that one
    /// may have come to something.
    KeyReused(String),
    /// Nobody knows.
    Unknown(String),
}

impl From<Failure> for ProviderError {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Refused { code } => Self::Refused { code },
            Failure::NotDone(said) => Self::NotDone(said),
            Failure::KeyReused(said) | Failure::Unknown(said) => Self::Unknown(said),
        }
    }
}

/// A form's fields, in their order.
pub type Fields = Vec<(String, String)>;

/// Stripe's API; cheap to clone.
#[derive(Clone)]
pub struct Api {
    client: Client,
    base: Url,
    key: SecretString,
}

impl Api {
    /// The API at this address.
    pub fn new(base: &str, key: SecretString) -> anyhow::Result<Self> {
        let base = Url::parse(base).context("STRIPE_API_BASE is no address")?;
        anyhow::ensure!(!base.cannot_be_a_base(), "STRIPE_API_BASE is no address of a server");
        let client = Client::builder()
            .tls_backend_preconfigured(tls()?)
            .connect_timeout(CONNECT_LIMIT)
            .timeout(ANSWER_LIMIT)
            // Elsewhere nobody is to have the key, or the question.
            .redirect(reqwest::redirect::Policy::none())
            .user_agent(concat!("stockroom/", env!("CARGO_PKG_VERSION")))
            .build()
            .context("cannot make a client for Stripe")?;
        Ok(Self { client, base, key })
    }

    /// Reads an object or a list.
    pub async fn get<T: DeserializeOwned>(
        &self,
        path: &[&str],
        query: &[(&str, &str)],
    ) -> Result<T, Failure> {
        send(self.request(Method::GET, path)?.query(query)).await
    }

    /// Has something done, once for each idempotency key. Stripe repeats what it answered under a
    /// key, refusals too: without one it judges anew.
    pub async fn post<T: DeserializeOwned>(
        &self,
        path: &[&str],
        fields: &Fields,
        idempotency_key: Option<&str>,
    ) -> Result<T, Failure> {
        let mut request = self.request(Method::POST, path)?.form(fields);
        if let Some(key) = idempotency_key {
            request = request.header("Idempotency-Key", key);
        }
        send(request).await
    }

    fn request(&self, method: Method, path: &[&str]) -> Result<RequestBuilder, Failure> {
        let mut url = self.base.clone();
        // Ids become one part of the path each, whatever stands in them.
        let Ok(mut parts) = url.path_segments_mut() else {
            return Err(Failure::NotDone("the address has no path".to_owned()));
        };
        parts.pop_if_empty().push("v1").extend(path);
        drop(parts);
        let request = self.client.request(method, url).bearer_auth(self.key.expose_secret());
        Ok(request.header("Stripe-Version", VERSION))
    }
}

/// TLS as everywhere in the server, by the certificates of the machine.
fn tls() -> anyhow::Result<rustls::ClientConfig> {
    let mut roots = rustls::RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .context("TLS cannot be set up")?;
    Ok(config.with_root_certificates(roots).with_no_client_auth())
}

async fn send<T: DeserializeOwned>(request: RequestBuilder) -> Result<T, Failure> {
    let response = request.send().await.map_err(lost)?;
    let status = response.status();
    let body = read(response).await?;
    if status.is_success() {
        return serde_json::from_slice(&body)
            .map_err(|error| Failure::Unknown(format!("{status}, not understood: {error}")));
    }
    Err(failed(status, &body))
}

async fn read(mut response: Response) -> Result<Vec<u8>, Failure> {
    let mut body = Vec::new();
    while let Some(part) = response.chunk().await.map_err(lost)? {
        if body.len() + part.len() > ANSWER_BYTES_MAX {
            return Err(Failure::Unknown("the answer is too long".to_owned()));
        }
        body.extend_from_slice(&part);
    }
    Ok(body)
}

/// No answer came. Without a connection nothing was asked.
fn lost(error: reqwest::Error) -> Failure {
    // The address has the payment in it, and no log needs it.
    let (unasked, error) = (error.is_connect(), anyhow::Error::from(error.without_url()));
    let message = format!("{error:#}");
    if unasked { Failure::NotDone(message) } else { Failure::Unknown(message) }
}

/// The body of a failure.
#[derive(Default, Deserialize)]
struct Refusal {
    #[serde(default)]
    error: Details,
}

#[derive(Default, Deserialize)]
struct Details {
    #[serde(default, rename = "type")]
    kind: Option<String>,
    #[serde(default)]
    code: Option<String>,
    #[serde(default)]
    decline_code: Option<String>,
}

/// What a failure means: refused for good, certainly not done, or unknown.
fn failed(status: StatusCode, body: &[u8]) -> Failure {
    let Refusal { error } = serde_json::from_slice(body).unwrap_or_default();
    let said = || {
        let code = error.code.as_deref().or(error.kind.as_deref()).unwrap_or("no code");
        format!("{status}, {code}")
    };
    match status {
        // The card was declined.
        StatusCode::PAYMENT_REQUIRED => {
            let code = error.decline_code.or(error.code);
            Failure::Refused { code: code.unwrap_or_else(|| "card_declined".to_owned()) }
        }
        // Not the payer's fault, and to be seen in the log and in the breaker.
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
            Failure::NotDone(format!("STRIPE_SECRET_KEY is not accepted: {}", said()))
        }
        // Turned away at the door.
        StatusCode::TOO_MANY_REQUESTS => Failure::NotDone(said()),
        // The same key is being worked on.
        StatusCode::CONFLICT => Failure::Unknown(said()),
        _ if error.kind.as_deref() == Some("idempotency_error") => Failure::KeyReused(said()),
        status if status.is_client_error() => {
            Failure::Refused { code: error.code.unwrap_or_else(|| "invalid_request".to_owned()) }
        }
        _ => Failure::Unknown(said()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(status: u16, body: &str) -> Failure {
        failed(StatusCode::from_u16(status).unwrap(), body.as_bytes())
    }

    fn refused(code: &str) -> Failure {
        Failure::Refused { code: code.to_owned() }
    }

    #[test]
    fn declines_are_told_by_the_reason_of_the_bank() {
        let declined = r#"{"error":{"type":"card_error","code":"card_declined","decline_code":"insufficient_funds"}}"#;
        assert_eq!(of(402, declined), refused("insufficient_funds"));
        let expired = r#"{"error":{"type":"card_error","code":"expired_card"}}"#;
        assert_eq!(of(402, expired), refused("expired_card"));
        assert_eq!(of(402, "<html>"), refused("card_declined"));
    }

    #[test]
    fn requests_that_cannot_be_carried_out_are_refused() {
        let missing = r#"{"error":{"type":"invalid_request_error","code":"resource_missing"}}"#;
        assert_eq!(of(400, missing), refused("resource_missing"));
        assert_eq!(of(404, missing), refused("resource_missing"));
        assert_eq!(of(400, "{}"), refused("invalid_request"));
    }

    #[test]
    fn only_what_was_turned_away_is_certainly_not_done() {
        for status in [401, 403, 429] {
            assert!(matches!(of(status, "{}"), Failure::NotDone(_)), "{status}");
        }
        for status in [302, 409, 500, 502, 503, 504] {
            assert!(matches!(of(status, "{}"), Failure::Unknown(_)), "{status}");
        }
        let reused = r#"{"error":{"type":"idempotency_error"}}"#;
        assert!(matches!(of(400, reused), Failure::KeyReused(_)));
    }

    #[tokio::test]
    async fn where_nobody_listens_nothing_was_done() {
        let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let base = format!("http://{}", free.local_addr().unwrap());
        drop(free);
        let api = Api::new(&base, "sk_test_nobody".into()).unwrap();
        let answer: Result<serde_json::Value, _> = api.get(&["payment_intents", "pi_1"], &[]).await;
        assert!(matches!(answer, Err(Failure::NotDone(_))), "{answer:?}");
    }
}
