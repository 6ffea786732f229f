//! Guessing passwords gets slower and slower, from one address and on one account, also when many
//! guess at once; and it tells nobody which accounts there are.

use crate::app::{Answer, Caller, Socket, TestApp};
use chrono::TimeDelta;
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use stockroom::account::NewUser;
use stockroom::auth::{Role, Viewer};
use stockroom::telemetry;
use tokio::task::JoinError;

pub const PASSWORD: &str = "four words in a row";
const WRONG: &str = "five words in a row, no";

/// Seconds before each of ten wrong tries on one account, so that all of them are let through. The
/// next one is let through after 32 s: no machine is so slow that it would be by itself.
pub const PAUSES: [i64; 10] = [0, 0, 0, 0, 0, 1, 2, 4, 8, 16];

/// Makes an account with this address and [`PASSWORD`].
pub async fn account(app: &TestApp, email: &str) {
    let new = NewUser {
        email: email.to_owned(),
        name: "Someone".to_owned(),
        password: PASSWORD.to_owned().into(),
        role: Role::Customer,
    };
    let made = app.app.services.accounts.create(&Viewer::System, new).await;
    made.expect("the account is made");
}

pub async fn sign_in(caller: &Caller, email: &str, password: &str) -> Answer {
    let document = "mutation ($input: TokenCreateInput!) { tokenCreate(input: $input) {
        accessToken userErrors { code path } } }";
    let input = json!({ "email": email, "password": password });
    caller.query(document).with_variables(json!({ "input": input })).await
}

/// What a try came to: a word.
pub fn outcome(answer: &Answer) -> &str {
    match answer.error_codes().first() {
        Some(code) => {
            assert_eq!(*code, "RATE_LIMITED", "{}", answer.text);
            "limited"
        }
        None if answer.data()["tokenCreate"]["accessToken"].is_string() => "in",
        None => {
            assert_eq!(answer.user_errors("tokenCreate"), ["INVALID_CREDENTIALS"]);
            "wrong"
        }
    }
}

fn retry_after(answer: &Answer) -> u64 {
    let seconds = &answer.json["errors"][0]["extensions"]["retryAfterSeconds"];
    let seconds = seconds.as_u64().unwrap_or_else(|| panic!("no seconds: {}", answer.text));
    assert_eq!(answer.header("retry-after"), seconds.to_string());
    seconds
}

#[tokio::test]
async fn an_account_is_guessed_slower_and_slower() {
    let app = TestApp::start().await;
    account(&app, "ada@shop.example").await;
    let guest = app.guest();

    for pause in PAUSES {
        app.waits(TimeDelta::seconds(pause));
        assert_eq!(outcome(&sign_in(&guest, "ada@shop.example", WRONG).await), "wrong");
    }
    let before = telemetry::total(telemetry::THROTTLED_REQUESTS);
    // Also the right password has to wait, and every spelling is the same account.
    let limited = sign_in(&guest, "ADA@Shop.Example", PASSWORD).await;
    assert_eq!(outcome(&limited), "limited");
    assert!(matches!(retry_after(&limited), 17..=32), "{}", limited.text);
    assert!(telemetry::total(telemetry::THROTTLED_REQUESTS) > before);
    app.waits(TimeDelta::seconds(32));
    assert_eq!(outcome(&sign_in(&guest, "ada@shop.example", WRONG).await), "wrong");
    let limited = sign_in(&guest, "ada@shop.example", WRONG).await;
    assert!(matches!(retry_after(&limited), 33..=64), "{}", limited.text);
}

#[tokio::test]
async fn the_right_password_makes_all_tries_forgotten() {
    let app = TestApp::start().await;
    account(&app, "ada@shop.example").await;
    let guest = app.guest();

    for _ in 0..3 {
        for _ in 0..4 {
            assert_eq!(outcome(&sign_in(&guest, "ada@shop.example", WRONG).await), "wrong");
        }
        assert_eq!(outcome(&sign_in(&guest, "ada@shop.example", PASSWORD).await), "in");
    }
    assert_eq!(app.number("SELECT count(*) FROM throttle").await, 0);
}

#[tokio::test]
async fn known_and_unknown_addresses_are_answered_alike_with_as_many_statements() {
    let app = TestApp::start().await;
    account(&app, "ada@shop.example").await;
    let guest = app.guest();

    // The last two are told to wait.
    for pause in PAUSES.into_iter().chain([0; 2]) {
        app.waits(TimeDelta::seconds(pause));
        let known = sign_in(&guest, "ada@shop.example", WRONG).await;
        let unknown = sign_in(&guest, "eve@shop.example", WRONG).await;
        assert_eq!(outcome(&known), outcome(&unknown));
        assert_eq!(known.json["data"], unknown.json["data"]);
        assert_eq!(known.sql_count(), unknown.sql_count());
    }
    assert_eq!(outcome(&sign_in(&guest, "eve@shop.example", WRONG).await), "limited");
}

#[tokio::test(flavor = "multi_thread")]
async fn spraying_side_by_side_gets_no_further_than_one_after_the_other() {
    // The last of a crowd waits for all the others.
    let minute = Duration::from_secs(60);
    let app = TestApp::with(|settings| settings.transport.request = minute).await;
    account(&app, "ada@shop.example").await;

    let spray = |at: &'static str, email: fn(usize) -> String| {
        let guest = app.guest().at(at);
        let tries = (0..60).map(move |n| {
            let guest = guest.clone();
            tokio::spawn(async move {
                let answer = sign_in(&guest, &email(n), WRONG).await;
                match answer.error_codes().first() {
                    // Who stands in line too long comes back, and has not tried.
                    Some(&"SERVICE_UNAVAILABLE") => "busy".to_owned(),
                    _ => outcome(&answer).to_owned(),
                }
            })
        });
        futures::future::join_all(tries)
    };
    let began = Instant::now();
    let one_account = spray("203.0.113.1", |_| "ada@shop.example".to_owned()).await;
    // One after the other they would be let through after 1 s, 2 s, 4 s …
    let waited = began.elapsed().as_secs();
    let more = (1..).take_while(|tries| (1 << tries) - 1 <= waited).count();
    let one_address = spray("203.0.113.2", |n| format!("user{n}@shop.example")).await;

    let count = |outcomes: &[Result<String, JoinError>], which: &str| {
        outcomes.iter().filter(|outcome| outcome.as_ref().unwrap() == which).count()
    };
    let (guessed, busy) = (count(&one_account, "wrong"), count(&one_account, "busy"));
    assert!(guessed <= 5 + more, "{guessed} within {waited} s");
    assert!(guessed >= 5 || busy > 0, "{guessed} within {waited} s");
    let (guessed, busy) = (count(&one_address, "wrong"), count(&one_address, "busy"));
    assert!(guessed <= 20 && (guessed == 20 || busy > 0), "{guessed}, and {busy} were sent back");
    // On a machine so slow that it sent some back, the rest of the twenty are left to them.
    for n in guessed..20 {
        let email = format!("late{n}@a.example");
        let late = sign_in(&app.guest().at("203.0.113.2"), &email, WRONG).await;
        assert_eq!(outcome(&late), "wrong");
    }
    // Whoever comes from elsewhere is not held up by them, nor is another account from there.
    let elsewhere = sign_in(&app.guest().at("203.0.113.3"), "bob@shop.example", WRONG).await;
    assert_eq!(outcome(&elsewhere), "wrong");
    let there = sign_in(&app.guest().at("203.0.113.2"), "bob@shop.example", WRONG).await;
    assert!(retry_after(&there) > 800, "{}", there.text);
    app.waits(TimeDelta::minutes(15));
    let there = sign_in(&app.guest().at("203.0.113.2"), "bob@shop.example", WRONG).await;
    assert_eq!(outcome(&there), "wrong");
}

#[tokio::test]
async fn only_failures_count_for_an_address() {
    let app = TestApp::start().await;
    account(&app, "ada@shop.example").await;
    let guest = app.guest().at("2001:db8:1:2::1");

    for _ in 0..21 {
        assert_eq!(outcome(&sign_in(&guest, "ada@shop.example", PASSWORD).await), "in");
    }
    for n in 0..20 {
        // All of a site of IPv6 is one client.
        let guest = app.guest().at(&format!("2001:db8:1:2::{n}"));
        assert_eq!(outcome(&sign_in(&guest, &format!("u{n}@a.example"), WRONG).await), "wrong");
    }
    assert_eq!(outcome(&sign_in(&guest, "ada@shop.example", PASSWORD).await), "limited");
}

/// A socket that a proxy opened for this client.
async fn socket_of(app: &TestApp, client: &str) -> Socket {
    let headers = [("sec-websocket-protocol", "graphql-transport-ws"), ("x-forwarded-for", client)];
    let opened = Socket::connect_with(app.listen().await, &headers).await;
    let mut socket = opened.expect("the socket opens");
    socket.send(json!({ "type": "connection_init" })).await;
    assert_eq!(socket.next().await["type"], "connection_ack");
    socket
}

/// Tries to sign in over a socket; null when it was let through, and else the error.
async fn try_over(socket: &mut Socket, email: &str) -> Value {
    let document = "mutation ($email: String!, $password: String!) { tokenCreate(input: { \
        email: $email, password: $password }) { accessToken userErrors { code } } }";
    let variables = json!({ "email": email, "password": WRONG });
    socket.subscribe_with("1", document, variables).await;
    let payload = socket.next_of("1").await;
    assert_eq!(socket.next().await["type"], "complete");
    if payload["errors"].is_null() {
        let told = &payload["data"]["tokenCreate"]["userErrors"];
        assert_eq!(*told, json!([{ "code": "INVALID_CREDENTIALS" }]), "{payload}");
    }
    payload["errors"][0]["extensions"].clone()
}

#[tokio::test]
async fn over_sockets_a_client_gets_no_further_than_by_requests() {
    let app = TestApp::with(|settings| {
        settings.transport.trusted_proxies = vec!["127.0.0.1".parse().unwrap()];
    })
    .await;
    let client = "203.0.113.7";
    let mut sockets = [socket_of(&app, client).await, socket_of(&app, client).await];

    for n in 0..18 {
        let error = try_over(&mut sockets[n % 2], &format!("u{n}@a.example")).await;
        assert_eq!(error, Value::Null);
    }
    for n in 18..20 {
        let by_request = sign_in(&app.guest().at(client), &format!("u{n}@a.example"), WRONG).await;
        assert_eq!(outcome(&by_request), "wrong");
    }
    for socket in &mut sockets {
        let error = try_over(socket, "bob@shop.example").await;
        assert_eq!(error["code"], "RATE_LIMITED");
        assert!(error["retryAfterSeconds"].as_u64().unwrap() > 800, "{error}");
    }
    let by_request = sign_in(&app.guest().at(client), "bob@shop.example", WRONG).await;
    assert_eq!(outcome(&by_request), "limited");
    let mut elsewhere = socket_of(&app, "203.0.113.8").await;
    assert_eq!(try_over(&mut elsewhere, "bob@shop.example").await, Value::Null);
}

#[tokio::test]
async fn over_sockets_an_account_is_guessed_as_slowly() {
    let app = TestApp::start().await;
    account(&app, "ada@shop.example").await;
    let (mut one, mut two) = (app.socket().await, app.socket().await);

    for pause in PAUSES {
        app.waits(TimeDelta::seconds(pause));
        assert_eq!(try_over(&mut one, "ada@shop.example").await, Value::Null);
    }

    for socket in [&mut one, &mut two] {
        let error = try_over(socket, "ada@shop.example").await;
        assert_eq!(error["code"], "RATE_LIMITED");
        assert!(matches!(error["retryAfterSeconds"].as_u64(), Some(17..=32)), "{error}");
    }
    let by_request = sign_in(&app.guest(), "ada@shop.example", PASSWORD).await;
    assert_eq!(outcome(&by_request), "limited");
}

#[tokio::test]
async fn counters_are_shared_by_replicas_and_survive_them() {
    let app = TestApp::start().await;
    for pause in PAUSES {
        app.waits(TimeDelta::seconds(pause));
        let replica = app.replica().await;
        // Its clock goes as this one's does.
        replica.waits(app.app.db.clock_offset());
        assert_eq!(outcome(&sign_in(&replica.guest(), "ada@shop.example", WRONG).await), "wrong");
    }
    assert_eq!(outcome(&sign_in(&app.guest(), "ada@shop.example", WRONG).await), "limited");
}

#[tokio::test]
async fn an_address_is_what_trusted_proxies_say_and_nobody_else() {
    let app = TestApp::with(|settings| {
        settings.transport.trusted_proxies = vec!["10.0.0.0/8".parse().unwrap()];
    })
    .await;
    let try_from = async |peer: &str, forwarded: &str, n: usize| {
        let body = json!({ "query": format!(
            r#"mutation {{ tokenCreate(input: {{ email: "u{n}@a.example", password: "x" }}) {{
                accessToken userErrors {{ code }} }} }}"#
        ) });
        let headers = [("content-type", "application/json"), ("x-forwarded-for", forwarded)];
        let answer = app.guest().at(peer).post_with(&headers, body.to_string()).await;
        outcome(&answer).to_owned()
    };

    for n in 0..20 {
        assert_eq!(try_from("10.0.0.1", "198.51.100.7", n).await, "wrong");
    }
    assert_eq!(try_from("10.0.0.2", "198.51.100.7", 20).await, "limited");
    assert_eq!(try_from("10.0.0.2", "198.51.100.8", 20).await, "wrong");
    for n in 30..50 {
        assert_eq!(try_from("203.0.113.9", &format!("198.51.100.{n}"), n).await, "wrong");
    }
    assert_eq!(try_from("203.0.113.9", "198.51.100.99", 50).await, "limited");
}

#[tokio::test]
async fn it_can_be_switched_off() {
    let app = TestApp::with(|settings| settings.rate_limit_enabled = false).await;
    for _ in 0..25 {
        let guest = app.guest().at("203.0.113.1");
        assert_eq!(outcome(&sign_in(&guest, "ada@shop.example", WRONG).await), "wrong");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_burst_of_sign_ins_does_not_hold_up_queries() {
    let app = TestApp::with(|settings| {
        settings.rate_limit_enabled = false;
        // The last of them waits for all the others.
        settings.transport.request = Duration::from_secs(60);
    })
    .await;
    let guest = app.guest();
    let sign_ins: Vec<_> = (0..32)
        .map(|n| {
            let guest = guest.clone();
            tokio::spawn(async move { sign_in(&guest, &format!("u{n}@a.example"), WRONG).await })
        })
        .collect();
    // Hashing has begun: the first is through.
    while !sign_ins.iter().any(tokio::task::JoinHandle::is_finished) {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }

    let query = guest.query("{ products(first: 1) { totalCount } }").await;
    let waiting = sign_ins.iter().filter(|sign_in| !sign_in.is_finished()).count();

    assert_eq!(query.data()["products"]["totalCount"], 0);
    assert!(waiting > 16, "the query waited for all but {waiting} of 32 sign-ins");
    for sign_in in sign_ins {
        assert_eq!(outcome(&sign_in.await.unwrap()), "wrong");
    }
}
