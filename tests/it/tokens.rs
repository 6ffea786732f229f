//! Signing in, staying signed in and signing out: what they promise, and what attackers try.

mod cookies;
mod endings;
mod family;
mod forged;
mod keys;
mod sessions;
mod sockets;

use crate::app::{Answer, Caller, TestApp};
use serde_json::{Value, json};
use stockroom::account::NewUser;
use stockroom::auth::{Role, Viewer};
use uuid::Uuid;

const PASSWORD: &str = "four words in a row";

const REFRESH: &str = "mutation ($token: String) { tokenRefresh(input: { refreshToken: $token }) { \
    accessToken refreshToken expiresAt user { email } userErrors { code path } } }";
const REVOKE: &str = "mutation ($token: String, $all: Boolean = false) { \
    tokenRevoke(input: { refreshToken: $token, allSessions: $all }) { \
    revokedSessions userErrors { code } } }";
const CREATE: &str = "mutation ($email: String!, $password: String!) { \
    tokenCreate(input: { email: $email, password: $password }) { \
    accessToken refreshToken expiresAt user { email } userErrors { code } } }";

/// Someone who can sign in.
struct Person {
    id: Uuid,
    email: String,
}

/// A pair of tokens.
#[derive(Clone)]
struct Pair {
    access: String,
    refresh: String,
}

impl Pair {
    /// The pair in the answer of a mutation; None when it was refused.
    fn of(payload: &Value) -> Option<Self> {
        let text = |name: &str| payload[name].as_str().map(str::to_owned);
        Some(Self { access: text("accessToken")?, refresh: text("refreshToken")? })
    }
}

async fn person(app: &TestApp, role: Role) -> Person {
    let email = format!("{}@stockroom.example", Uuid::new_v4().simple());
    let new = NewUser {
        email: email.clone(),
        name: "Someone".to_owned(),
        password: PASSWORD.to_owned().into(),
        role,
    };
    let user = app.app.services.accounts.create(&Viewer::System, new).await.unwrap();
    Person { id: user.id, email }
}

async fn sign_in_answer(caller: &Caller, person: &Person) -> Answer {
    let variables = json!({ "email": person.email, "password": PASSWORD });
    caller.query(CREATE).with_variables(variables).await
}

async fn sign_in(app: &TestApp, person: &Person) -> Pair {
    let answer = sign_in_answer(&app.guest(), person).await;
    Pair::of(&answer.data()["tokenCreate"]).expect("the right password signs in")
}

async fn refresh_answer(app: &TestApp, token: &str) -> Answer {
    app.guest().query(REFRESH).with_variables(json!({ "token": token })).await
}

/// The next pair, or the codes of the refusal.
async fn refresh(app: &TestApp, token: &str) -> Result<Pair, Vec<String>> {
    let answer = refresh_answer(app, token).await;
    Pair::of(&answer.data()["tokenRefresh"])
        .ok_or_else(|| answer.user_errors("tokenRefresh").into_iter().map(str::to_owned).collect())
}

async fn revoke(caller: &Caller, token: Option<&str>, all: bool) -> Answer {
    caller.query(REVOKE).with_variables(json!({ "token": token, "all": all })).await
}

fn token_invalid<T>() -> Result<T, Vec<String>> {
    Err(vec!["TOKEN_INVALID".to_owned()])
}

/// Whether the access token is believed. One that is not must be refused, and never be a guest's.
async fn is_believed(app: &TestApp, access: &str) -> bool {
    let answer = app.with_token(access).query("{ me { role } }").await;
    match answer.status.as_u16() {
        200 => {
            assert!(answer.data()["me"]["role"].is_string(), "a token became a guest's");
            true
        }
        401 => {
            assert_eq!(answer.error_codes(), ["UNAUTHENTICATED"]);
            false
        }
        other => panic!("{other}: {}", answer.text),
    }
}
