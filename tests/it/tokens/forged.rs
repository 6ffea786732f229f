//! Tokens that somebody made or changed: none is believed, whoever's key it was signed with.

use super::{is_believed, person, sign_in};
use crate::app::TestApp;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};
use stockroom::auth::Role;

const KEY: &str = "another key that the server signs with, for these tests";
const OTHER_KEY: &str = "a key that the server has never seen, of good length";

struct Target {
    app: TestApp,
    /// The claims and the header of a good token.
    claims: Value,
    header: Header,
}

/// A server, and a good token of it to work on.
async fn target() -> Target {
    let app = TestApp::with(|settings| {
        settings.tokens.signing_key = Some(KEY.to_owned().into());
    })
    .await;
    let access = sign_in(&app, &person(&app, Role::Admin).await).await.access;
    let claims = access.split('.').nth(1).unwrap();
    let claims = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims).unwrap()).unwrap();
    let header = jsonwebtoken::decode_header(&access).unwrap();
    Target { app, claims, header }
}

impl Target {
    fn signed(&self, header: &Header, claims: &Value) -> String {
        jsonwebtoken::encode(header, claims, &EncodingKey::from_secret(KEY.as_bytes())).unwrap()
    }

    /// A good token with a claim changed; null takes it away.
    fn with_claim(&self, name: &str, value: Value) -> String {
        let mut claims = self.claims.clone();
        match value {
            Value::Null => drop(claims.as_object_mut().unwrap().remove(name)),
            value => claims[name] = value,
        }
        self.signed(&self.header, &claims)
    }

    /// A good token with its header changed.
    fn with_header(&self, change: impl FnOnce(&mut Header)) -> String {
        let mut header = self.header.clone();
        change(&mut header);
        self.signed(&header, &self.claims)
    }

    async fn believes(&self, token: &str) -> bool {
        is_believed(&self.app, token).await
    }
}

/// Three parts, of which the first two are JSON.
fn raw(header: &Value, claims: &Value, signature: &str) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    format!("{}.{}.{signature}", part(header), part(claims))
}

#[tokio::test]
async fn a_token_made_like_the_servers_own_is_believed() {
    let target = target().await;

    assert!(target.believes(&target.signed(&target.header, &target.claims)).await);
}

#[tokio::test]
async fn no_algorithm_is_no_signature() {
    let target = target().await;
    let kid = target.header.kid.clone();

    for alg in ["none", "None", "NONE", "nOnE", "", "HS256 "] {
        for signature in ["", "AAAA"] {
            let header = json!({ "alg": alg, "typ": "at+jwt", "kid": kid });
            let token = raw(&header, &target.claims, signature);
            assert!(!target.believes(&token).await, "{alg} {signature}");
        }
    }
    let token = target.signed(&target.header, &target.claims);
    let unsigned = token.rsplit_once('.').unwrap().0;
    assert!(!target.believes(&format!("{unsigned}.")).await);
    assert!(!target.believes(unsigned).await);
}

#[tokio::test]
async fn another_algorithm_or_key_is_refused() {
    let target = target().await;

    for algorithm in [Algorithm::HS384, Algorithm::HS512] {
        let token = target.with_header(|header| header.alg = algorithm);
        assert!(!target.believes(&token).await, "{algorithm:?}");
    }
    let other = EncodingKey::from_secret(OTHER_KEY.as_bytes());
    let token = jsonwebtoken::encode(&target.header, &target.claims, &other).unwrap();
    assert!(!target.believes(&token).await);
    let empty = EncodingKey::from_secret(b"");
    let token = jsonwebtoken::encode(&target.header, &target.claims, &empty).unwrap();
    assert!(!target.believes(&token).await);
}

#[tokio::test]
async fn a_changed_role_or_account_breaks_the_signature_and_a_role_is_not_read_from_a_token() {
    let target = target().await;
    let customer = person(&target.app, Role::Customer).await;
    let token = sign_in(&target.app, &customer).await.access;

    let [header, claims, signature] = token.split('.').collect::<Vec<_>>()[..] else { panic!() };
    let mut changed: Value =
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims).unwrap()).unwrap();
    changed["role"] = json!("ADMIN");
    let forged = format!("{header}.{}.{signature}", URL_SAFE_NO_PAD.encode(changed.to_string()));
    assert!(!target.believes(&forged).await);

    let signed = target.signed(&target.header, &changed);
    let answer = target.app.with_token(signed).query("{ me { role } }").await;
    assert_eq!(answer.data()["me"]["role"], "CUSTOMER");
}

#[tokio::test]
async fn every_claim_has_to_be_right() {
    let target = target().await;
    let now = chrono::Utc::now().timestamp();
    let stranger = uuid::Uuid::now_v7();

    for (name, value) in [
        ("iss", json!("someone-else")),
        ("iss", json!(null)),
        ("aud", json!("another-api")),
        ("aud", json!(["another-api"])),
        ("aud", json!(null)),
        ("sub", json!(stranger)),
        ("sub", json!("1 OR 1=1")),
        ("sub", json!(null)),
        ("sid", json!(stranger)),
        ("sid", json!("")),
        ("sid", json!(null)),
        ("jti", json!(null)),
        ("iat", json!(now + 3_600)),
        ("iat", json!(null)),
        ("nbf", json!(now + 60)),
        ("nbf", json!(null)),
        ("exp", json!(now - 31)),
        ("exp", json!("9999999999")),
        ("exp", json!(1e300)),
        ("exp", json!(null)),
    ] {
        let token = target.with_claim(name, value.clone());
        assert!(!target.believes(&token).await, "{name}: {value}");
    }
    // Clocks differ a little.
    let now = chrono::Utc::now().timestamp();
    for (name, value) in [("exp", now - 20), ("nbf", now + 20), ("iat", now + 20)] {
        assert!(target.believes(&target.with_claim(name, json!(value))).await, "{name}: {value}");
    }
}

#[tokio::test]
async fn a_session_is_no_other_accounts() {
    let target = target().await;
    let other = person(&target.app, Role::Customer).await;

    let token = target.with_claim("sub", json!(other.id));

    assert!(!target.believes(&token).await);
}

#[tokio::test]
async fn a_token_of_another_type_is_refused() {
    let target = target().await;

    for typ in [Some("JWT"), Some("at+JWT "), Some("id+jwt"), Some(""), None] {
        let token = target.with_header(|header| header.typ = typ.map(str::to_owned));
        assert!(!target.believes(&token).await, "{typ:?}");
    }
    let token = target.with_header(|header| header.crit = Some(vec!["exp".to_owned()]));
    assert!(!target.believes(&token).await);
}

#[tokio::test]
async fn a_key_id_is_a_name_and_neither_a_path_nor_a_query() {
    let target = target().await;

    for kid in [
        "",
        "0",
        "../../../../dev/null",
        "/dev/null",
        "file:///dev/null",
        "https://evil.example/key",
        "' UNION SELECT 'key' --",
        "x\u{0}",
        "*",
    ] {
        let token = target.with_header(|header| header.kid = Some(kid.to_owned()));
        assert!(!target.believes(&token).await, "{kid}");
        // What a reader of /dev/null would check with.
        let header = Header { kid: Some(kid.to_owned()), ..target.header.clone() };
        let empty = EncodingKey::from_secret(b"");
        let token = jsonwebtoken::encode(&header, &target.claims, &empty).unwrap();
        assert!(!target.believes(&token).await, "{kid}");
    }
    let token = target.with_header(|header| header.kid = None);
    assert!(!target.believes(&token).await);
}

#[tokio::test]
async fn a_key_that_a_token_brings_along_is_not_looked_at() {
    let target = target().await;
    let other = EncodingKey::from_secret(OTHER_KEY.as_bytes());
    let jwk = json!({ "kty": "oct", "k": URL_SAFE_NO_PAD.encode(OTHER_KEY), "alg": "HS256" });

    let brings = [
        json!({ "jku": "http://127.0.0.1:1/keys" }),
        json!({ "x5u": "http://127.0.0.1:1/certificate" }),
        json!({ "jwk": jwk }),
        json!({ "jwk": jwk, "jku": "http://127.0.0.1:1/keys", "x5c": ["AAAA"] }),
    ];
    for more in brings {
        for kid in [target.header.kid.clone(), Some("evil".to_owned()), None] {
            let mut header = serde_json::to_value(&target.header).unwrap();
            header["kid"] = json!(kid);
            header.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            let header: Header = serde_json::from_value(header).unwrap();
            let token = jsonwebtoken::encode(&header, &target.claims, &other).unwrap();
            assert!(!target.believes(&token).await, "{more} {kid:?}");
        }
    }
}

#[tokio::test]
async fn what_is_no_token_is_refused() {
    let target = target().await;
    let good = target.signed(&target.header, &target.claims);

    let long = "A".repeat(4_000);
    for token in ["a.b.c", "...", "..", "null", &long, &format!("{good}.{good}"), &good[1..]] {
        assert!(!target.believes(token).await, "{token}");
    }
}
