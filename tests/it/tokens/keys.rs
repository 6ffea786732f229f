//! Keys: rotation signs nobody out, pairs are published, and each key has one algorithm.

use super::{Pair, is_believed, person, refresh, sign_in};
use crate::app::TestApp;
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jsonwebtoken::jwk::JwkSet;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use p256::pkcs8::{EncodePrivateKey, EncodePublicKey, LineEnding};
use rand::RngExt;
use serde_json::Value;
use stockroom::auth::Role;
use stockroom::config::{KeyFile, Settings, TokenSettings};

const ONE: &str = "the first secret of this shop, long enough";
const TWO: &str = "the second secret of this shop, long enough";

/// A key pair as its owner has it.
struct KeyPair {
    algorithm: Algorithm,
    private: String,
    public: String,
}

fn pem(label: &str, der: &[u8]) -> String {
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", STANDARD.encode(der))
}

/// As `openssl genpkey -algorithm ed25519` writes it.
fn ed25519() -> KeyPair {
    let seed: [u8; 32] = rand::rng().random();
    let public = ed25519_dalek::SigningKey::from_bytes(&seed).verifying_key().to_bytes();
    let head = |hex: &str| -> Vec<u8> {
        (0..hex.len())
            .step_by(2)
            .map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap())
            .collect()
    };
    let private = [head("302e020100300506032b657004220420"), seed.to_vec()].concat();
    let public = [head("302a300506032b6570032100"), public.to_vec()].concat();
    KeyPair {
        algorithm: Algorithm::EdDSA,
        private: pem("PRIVATE KEY", &private),
        public: pem("PUBLIC KEY", &public),
    }
}

/// As `openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256` writes it.
fn p256() -> KeyPair {
    let key = p256::SecretKey::from_slice(&rand::rng().random::<[u8; 32]>()).unwrap();
    KeyPair {
        algorithm: Algorithm::ES256,
        private: key.to_pkcs8_pem(LineEnding::LF).unwrap().to_string(),
        public: key.public_key().to_public_key_pem(LineEnding::LF).unwrap(),
    }
}

fn file(pem: &str) -> KeyFile {
    KeyFile { path: "key.pem".into(), pem: pem.to_owned().into() }
}

fn with_secret(key: &str, previous: &[&str]) -> impl FnOnce(&mut Settings) + use<> {
    let tokens = TokenSettings {
        signing_key: Some(key.to_owned().into()),
        previous_keys: previous.iter().map(|key| (*key).to_owned().into()).collect(),
        ..TokenSettings::default()
    };
    move |settings| settings.tokens = tokens
}

fn with_pair(pair: &KeyPair, previous: &[&str]) -> impl FnOnce(&mut Settings) + use<> {
    let tokens = TokenSettings {
        key_file: Some(file(&pair.private)),
        previous_key_files: previous.iter().map(|pem| file(pem)).collect(),
        ..TokenSettings::default()
    };
    move |settings| settings.tokens = tokens
}

async fn signed_in(app: &TestApp) -> Pair {
    sign_in(app, &person(app, Role::Customer).await).await
}

fn claims_of(pair: &Pair) -> Value {
    let claims = pair.access.split('.').nth(1).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims).unwrap()).unwrap()
}

fn header_of(pair: &Pair) -> Header {
    jsonwebtoken::decode_header(&pair.access).unwrap()
}

#[tokio::test]
async fn a_rotation_of_secrets_signs_nobody_out() {
    let before = TestApp::with(with_secret(ONE, &[])).await;
    let old = signed_in(&before).await;

    let after = before.replica_with(with_secret(TWO, &[ONE])).await;
    assert!(is_believed(&after, &old.access).await);
    let new = refresh(&after, &old.refresh).await.unwrap();
    assert_ne!(header_of(&new).kid, header_of(&old).kid);

    let done = before.replica_with(with_secret(TWO, &[])).await;
    assert!(is_believed(&done, &new.access).await);
    assert!(!is_believed(&done, &old.access).await);
    assert!(!is_believed(&before, &new.access).await, "the new key is unknown there");
}

#[tokio::test]
async fn a_rotation_of_pairs_and_from_a_secret_signs_nobody_out() {
    let (one, two) = (ed25519(), p256());
    let first = TestApp::with(with_secret(ONE, &[])).await;
    let by_secret = signed_in(&first).await;

    let second = with_pair(&one, &[]);
    let second = first
        .replica_with(move |settings| {
            second(settings);
            settings.tokens.previous_keys = vec![ONE.to_owned().into()];
        })
        .await;
    assert!(is_believed(&second, &by_secret.access).await);
    let by_one = refresh(&second, &by_secret.refresh).await.unwrap();
    assert_eq!(header_of(&by_one).alg, Algorithm::EdDSA);

    let third = first.replica_with(with_pair(&two, &[&one.public])).await;
    assert!(is_believed(&third, &by_one.access).await);
    assert!(!is_believed(&third, &by_secret.access).await);
    let by_two = refresh(&third, &by_one.refresh).await.unwrap();
    assert_eq!(header_of(&by_two).alg, Algorithm::ES256);
    assert_eq!(published(&third).await.keys.len(), 2);
}

async fn published(app: &TestApp) -> JwkSet {
    let answer = app.guest().get("/.well-known/jwks.json").await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert_eq!(answer.header("content-type"), "application/jwk-set+json");
    assert_eq!(answer.header("cache-control"), "public, max-age=300");
    serde_json::from_value(answer.json).unwrap()
}

#[tokio::test]
async fn anyone_can_check_tokens_of_a_pair_with_the_published_key() {
    for pair in [ed25519(), p256()] {
        let app = TestApp::with(with_pair(&pair, &[])).await;
        let token = signed_in(&app).await;

        let keys = published(&app).await;

        let header = header_of(&token);
        assert_eq!((header.alg, header.typ.as_deref()), (pair.algorithm, Some("at+jwt")));
        let key = keys.find(header.kid.as_deref().unwrap()).expect("the key of the token");
        assert_eq!(key.common.key_algorithm.unwrap().to_string(), format!("{:?}", header.alg));
        let mut validation = Validation::new(header.alg);
        validation.set_issuer(&["stockroom"]);
        validation.set_audience(&["stockroom-api"]);
        let key = DecodingKey::from_jwk(key).unwrap();
        let claims = jsonwebtoken::decode::<Value>(&token.access, &key, &validation).unwrap();
        assert!(claims.claims["sid"].is_string());
        assert!(is_believed(&app, &token.access).await);
    }
}

#[tokio::test]
async fn the_page_of_keys_tells_nothing_private() {
    for pair in [ed25519(), p256()] {
        let app = TestApp::with(with_pair(&pair, &[])).await;

        let answer = app.guest().get("/.well-known/jwks.json").await;

        let key = answer.json["keys"][0].as_object().unwrap();
        let allowed = ["kty", "crv", "x", "y", "alg", "use", "kid"];
        assert!(key.keys().all(|name| allowed.contains(&name.as_str())), "{key:?}");
    }
}

#[tokio::test]
async fn a_secret_is_not_published() {
    let app = TestApp::with(with_secret(ONE, &[TWO])).await;

    let answer = app.guest().get("/.well-known/jwks.json").await;

    assert_eq!(answer.status, 404);
    assert!(!answer.text.contains("secret of this shop"));
}

#[tokio::test]
async fn a_public_key_is_no_secret_to_sign_with() {
    for pair in [ed25519(), p256()] {
        let app = TestApp::with(with_pair(&pair, &[])).await;
        let good = signed_in(&app).await;
        let claims: Value = claims_of(&good);

        let lines: String = pair.public.lines().filter(|line| !line.contains("---")).collect();
        let der = STANDARD.decode(lines).unwrap();
        let page = app.guest().get("/.well-known/jwks.json").await.text;
        let raw = &der[der.len() - if pair.algorithm == Algorithm::EdDSA { 32 } else { 65 }..];
        let secrets: [&[u8]; 6] = [
            pair.public.as_bytes(),
            pair.public.trim().as_bytes(),
            &der,
            raw,
            page.as_bytes(),
            b"",
        ];
        for secret in secrets {
            for algorithm in [Algorithm::HS256, Algorithm::HS384, Algorithm::HS512] {
                let header = Header { alg: algorithm, ..header_of(&good) };
                let key = EncodingKey::from_secret(secret);
                let forged = jsonwebtoken::encode(&header, &claims, &key).unwrap();
                assert!(!is_believed(&app, &forged).await, "{algorithm:?}");
            }
        }
    }
}

#[tokio::test]
async fn a_key_is_not_used_under_the_name_of_another() {
    let (one, two) = (ed25519(), p256());
    let configure = with_pair(&one, &[&two.private]);
    let app = TestApp::with(move |settings| {
        configure(settings);
        settings.tokens.previous_keys = vec![ONE.to_owned().into()];
    })
    .await;
    let good = signed_in(&app).await;
    let claims: Value = claims_of(&good);
    let other = app.replica_with(with_pair(&two, &[])).await;
    let other_kid = header_of(&signed_in(&other).await).kid;

    // The secret is known to the server, and signs under the names of the pairs.
    for kid in [header_of(&good).kid, other_kid.clone()] {
        let header = Header { alg: Algorithm::HS256, kid, ..header_of(&good) };
        let key = EncodingKey::from_secret(ONE.as_bytes());
        let forged = jsonwebtoken::encode(&header, &claims, &key).unwrap();
        assert!(!is_believed(&app, &forged).await);
    }
    // A good signature under the name of another pair.
    let (_, signature) = good.access.rsplit_once('.').unwrap();
    let renamed = Header { kid: other_kid, ..header_of(&good) };
    let payload = good.access.split('.').nth(1).unwrap();
    let header = serde_json::to_vec(&renamed).unwrap();
    let forged = format!("{}.{payload}.{signature}", URL_SAFE_NO_PAD.encode(header));
    assert!(!is_believed(&app, &forged).await);
}

#[tokio::test]
async fn a_signature_of_zeros_is_none() {
    let pair = p256();
    let app = TestApp::with(with_pair(&pair, &[])).await;
    let good = signed_in(&app).await;

    let unsigned = good.access.rsplit_once('.').unwrap().0;
    for signature in [vec![0; 64], vec![0xff; 64], vec![0; 63], vec![0; 65], Vec::new()] {
        let signature = URL_SAFE_NO_PAD.encode(signature);
        assert!(!is_believed(&app, &format!("{unsigned}.{signature}")).await);
    }
}
