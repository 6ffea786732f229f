//! How much, how many, how long; and what becomes of a mutation whose client does not wait.

use super::{assert_refused, body};
use crate::app::{Caller, TestApp};
use axum::body::{Body, Bytes};
use futures::StreamExt;
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;
use stockroom::failpoint;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::Semaphore;

const CREATE: &str = "mutation ($code: String!) { \
    warehouseCreate(input: { code: $code, name: \"Another\" }) { userErrors { code } } }";

async fn create(caller: &Caller, code: &str) -> crate::app::Answer {
    caller.query(CREATE).with_variables(json!({ "code": code })).await
}

async fn warehouses(app: &TestApp) -> i64 {
    app.number("SELECT COUNT(*) FROM warehouse").await
}

/// A request as bytes, for those who end early.
fn raw_create(app: &TestApp, token: &str, code: &str) -> String {
    assert!(app.app.lifecycle.tasks.is_empty());
    let body = json!({ "query": CREATE, "variables": { "code": code } }).to_string();
    format!(
        "POST /graphql HTTP/1.1\r\nhost: test\r\ncontent-type: application/json\r\n\
         authorization: Bearer {token}\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
}

#[tokio::test]
async fn a_body_up_to_the_limit_is_read_and_one_beyond_it_is_not() {
    let app = TestApp::start().await;
    let limit = app.app.settings.transport.body_bytes;
    let padded = |bytes: usize| {
        let start = r#"{"query":"{ __typename }","unknown":""#;
        format!("{start}{}\"}}", "x".repeat(bytes - start.len() - 2))
    };

    assert_eq!(app.guest().post(padded(limit)).await.status, 200);
    assert_refused(&app.guest().post(padded(limit + 1)).await, 413, "BAD_USER_INPUT");
}

#[tokio::test]
async fn the_limit_holds_for_a_body_of_unknown_length() {
    let app = TestApp::start().await;
    let chunk = Ok::<_, std::io::Error>(Bytes::from(vec![b' '; 64 * 1024]));

    // Without an end: whoever reads on would never answer.
    let endless = futures::stream::repeat_with(move || {
        chunk.as_ref().map(Clone::clone).map_err(|_| std::io::Error::other("never"))
    });
    let answer = app.guest().post(Body::from_stream(endless)).await;

    assert_refused(&answer, 413, "BAD_USER_INPUT");
}

#[tokio::test]
async fn an_announced_length_beyond_the_limit_is_refused_before_anything_arrives() {
    let app = TestApp::start().await;
    let mut client = TcpStream::connect(app.listen().await).await.unwrap();

    let head = "POST /graphql HTTP/1.1\r\nhost: test\r\ncontent-type: application/json\r\n\
                content-length: 104857600\r\n\r\n";
    client.write_all(head.as_bytes()).await.unwrap();
    let mut answer = vec![0; 12];
    client.read_exact(&mut answer).await.unwrap();

    assert_eq!(answer, b"HTTP/1.1 413");
}

#[tokio::test]
async fn a_body_that_does_not_come_is_not_waited_for() {
    let app =
        TestApp::with(|settings| settings.transport.body_read = Duration::from_millis(50)).await;

    let first = futures::stream::iter([Ok::<_, std::io::Error>(Bytes::from_static(b"{"))]);
    let stuck = Body::from_stream(first.chain(futures::stream::pending()));
    let answer = app.guest().post(stuck).await;

    assert_refused(&answer, 408, "BAD_USER_INPUT");
}

#[tokio::test]
async fn a_head_that_does_not_come_ends_the_connection() {
    let app =
        TestApp::with(|settings| settings.transport.header_read = Duration::from_millis(50)).await;
    let address = app.listen().await;

    for beginning in ["", "P", "POST /graphql HTTP/1.1\r\nhost: test\r\nx-slow: "] {
        let mut client = TcpStream::connect(address).await.unwrap();
        client.write_all(beginning.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        let ended = client.read_to_end(&mut answer);
        let ended = tokio::time::timeout(Duration::from_secs(20), ended).await;
        assert!(ended.is_ok(), "the connection stays open after {beginning:?}");
    }
}

const HEALTH: &[u8] = b"GET /health/live HTTP/1.1\r\nhost: test\r\n\r\n";

/// Reads one answer of `GET /health/live`.
async fn read_health(client: &mut TcpStream) {
    let mut answer = Vec::new();
    while !answer.ends_with(b"}") {
        assert!(client.read_buf(&mut answer).await.unwrap() > 0, "the connection was closed");
    }
    assert!(answer.starts_with(b"HTTP/1.1 200"));
}

#[tokio::test]
async fn an_idle_connection_is_kept_longer_than_a_head_may_take_and_not_for_ever() {
    let app = TestApp::with(|settings| {
        settings.transport.header_read = Duration::from_millis(100);
        settings.transport.idle = Duration::from_secs(5);
    })
    .await;
    let mut client = TcpStream::connect(app.listen().await).await.unwrap();

    client.write_all(HEALTH).await.unwrap();
    read_health(&mut client).await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    client.write_all(HEALTH).await.unwrap();
    read_health(&mut client).await;

    // A head that has begun is hurried, also on a connection that was kept.
    client.write_all(b"GET /health").await.unwrap();
    let mut rest = Vec::new();
    tokio::time::timeout(Duration::from_secs(20), client.read_to_end(&mut rest))
        .await
        .unwrap()
        .ok();

    let mut idle = TcpStream::connect(app.listen().await).await.unwrap();
    idle.write_all(HEALTH).await.unwrap();
    read_health(&mut idle).await;
    let end = tokio::time::timeout(Duration::from_secs(20), idle.read_to_end(&mut rest)).await;
    assert!(end.is_ok(), "an idle connection is kept for ever");
}

#[tokio::test]
async fn a_client_that_takes_nothing_loses_its_connection() {
    let app = TestApp::with(|settings| settings.transport.write = Duration::from_millis(200)).await;
    let small = tokio::net::TcpSocket::new_v4().unwrap();
    small.set_recv_buffer_size(4_096).unwrap();
    let mut client = small.connect(app.listen().await).await.unwrap();
    let large = body("{ __schema { types { name description fields { name description } } } }");
    let request = format!(
        "POST /graphql HTTP/1.1\r\nhost: test\r\ncontent-type: application/json\r\n\
         content-length: {}\r\n\r\n{large}",
        large.len()
    );

    // It asks and asks and never reads; it would never end if the server waited for it.
    let asking = async { while client.write_all(request.as_bytes()).await.is_ok() {} };

    let ended = tokio::time::timeout(Duration::from_secs(60), asking).await;
    assert!(ended.is_ok(), "the connection stays open");
}

#[tokio::test]
async fn a_mutation_runs_to_its_end_when_the_client_hangs_up() {
    let app = TestApp::start().await;
    let token = app.token(app.account(stockroom::auth::Role::Staff).await);
    let request = raw_create(&app, &token, "HANG-UP");
    let held = app.hold_warehouses().await;

    let mut client = TcpStream::connect(app.listen().await).await.unwrap();
    client.write_all(request.as_bytes()).await.unwrap();
    app.until_under_way(1).await;
    drop(client);
    held.release().await;
    app.until_under_way(0).await;

    assert_eq!(warehouses(&app).await, 2);
}

#[tokio::test]
async fn an_operation_that_takes_too_long_is_answered_and_a_mutation_goes_on() {
    let app =
        TestApp::with(|settings| settings.transport.request = Duration::from_millis(100)).await;
    let staff = app.staff().await;
    let held = app.hold_warehouses().await;

    let answer = create(&staff, "SLOW").await;
    assert_refused(&answer, 503, "SERVICE_UNAVAILABLE");
    assert_eq!(answer.header("retry-after"), "1");
    assert_eq!(warehouses(&app).await, 1);
    held.release().await;
    app.until_under_way(0).await;

    assert_eq!(warehouses(&app).await, 2);
}

#[tokio::test]
async fn what_is_too_much_at_one_time_is_refused_at_once() {
    let app = TestApp::with(|settings| settings.transport.requests_in_flight = 1).await;
    let staff = app.staff().await;
    let held = app.hold_warehouses().await;
    let first = tokio::spawn({
        let staff = staff.clone();
        async move { create(&staff, "FIRST").await }
    });
    app.until_under_way(1).await;

    let second = app.guest().post(body("{ __typename }")).await;
    assert_refused(&second, 503, "SERVICE_UNAVAILABLE");
    assert_eq!(second.header("retry-after"), "1");
    assert_eq!(app.guest().get("/health/ready").await.status, 200);
    held.release().await;

    assert!(first.await.unwrap().user_errors("warehouseCreate").is_empty());
    assert_eq!(app.guest().post(body("{ __typename }")).await.status, 200);
}

#[tokio::test]
async fn queries_take_turns_and_a_mutation_goes_ahead() {
    let app = TestApp::start().await;
    let staff = app.staff().await;
    let (begun, gate) = (Arc::new(Semaphore::new(0)), Arc::new(Semaphore::new(0)));
    let (reached, leave) = (Arc::clone(&begun), Arc::clone(&gate));
    failpoint::on("query.in_turn", move || {
        let (reached, leave) = (Arc::clone(&reached), Arc::clone(&leave));
        async move {
            reached.add_permits(1);
            leave.acquire().await.unwrap().forget();
        }
    });
    let ask = || {
        let guest = app.guest();
        tokio::spawn(async move { guest.post(body("{ __typename }")).await })
    };
    // As long as none is told to come back, there was a place for each.
    let mut asked = Vec::new();
    let refused = loop {
        asked.push(ask());
        let place = tokio::time::timeout(Duration::from_millis(300), begun.acquire()).await;
        match place {
            Ok(place) => place.unwrap().forget(),
            Err(_) => break asked.pop().unwrap().await.unwrap(),
        }
        assert!(asked.len() <= 1_024, "there is no end of places");
    };
    assert_refused(&refused, 503, "SERVICE_UNAVAILABLE");
    assert_eq!(refused.header("retry-after"), "1");
    let pools = app.app.db.pools();
    assert!(asked.len() >= usize::try_from(pools[0].max).unwrap(), "{} places", asked.len());
    assert!(create(&staff, "AHEAD").await.user_errors("warehouseCreate").is_empty());

    let last = ask();
    gate.add_permits(asked.len() + 1);
    for asked in asked.into_iter().chain([last]) {
        assert_eq!(asked.await.unwrap().status, 200);
    }
}

#[tokio::test]
async fn a_request_under_way_is_answered_while_the_server_ends() {
    let app = TestApp::start().await;
    let (staff, address) = (app.staff().await, app.listen().await);
    let held = app.hold_warehouses().await;
    let client = reqwest::Client::new().post(format!("http://{address}/graphql"));
    let request = client
        .bearer_auth(staff.token().unwrap())
        .json(&json!({ "query": CREATE, "variables": { "code": "LAST" } }));
    let answer = tokio::spawn(request.send());
    app.until_under_way(1).await;

    app.app.lifecycle.stopping.cancel();
    app.until("nobody is let in any more", async |_| TcpStream::connect(address).await.is_err())
        .await;
    held.release().await;

    let answer: serde_json::Value = answer.await.unwrap().unwrap().json().await.unwrap();
    assert_eq!(answer["data"]["warehouseCreate"]["userErrors"], json!([]));
}
