//! Who watches is told of each alert that is raised, acknowledged and resolved, on every replica.

use super::QUIET;
use crate::app::{MAIN, RedisServer, TestApp};
use futures::{Stream, StreamExt};
use serde_json::json;
use std::time::Duration;
use stockroom::auth::{Role, Viewer};
use stockroom::events::{BusEvent, BusMessage};
use stockroom::metrics::alerts::{Acknowledge, Alert, AlertError, Severity, Status};

/// Longer than anything that a test waits for.
const PATIENCE: Duration = Duration::from_secs(20);

/// Nothing else was told: the next that is heard of is something that happens now.
async fn and_that_was_all(
    app: &TestApp,
    mut told: impl Stream<Item = Result<Alert, AlertError>> + Unpin,
) {
    app.has_low_at("LAST", 1, 5).await;
    app.evaluates().await;
    let next = told.next().await.unwrap().unwrap();
    assert_eq!((next.subject.as_deref(), next.status), (Some("LAST"), Status::Open));
}

#[tokio::test]
async fn an_alert_that_becomes_worse_or_better_is_told_of() {
    let app = TestApp::start().await;
    app.has_low_at("TEA", 5, 5).await;
    app.evaluates().await;
    app.execute("UPDATE alert SET severity = 'CRITICAL'").await;
    let mut told = Box::pin(app.app.services.alerts.watch(Viewer::System).unwrap());

    app.evaluates().await;

    let turned = tokio::time::timeout(PATIENCE, told.next()).await.expect("it is told");
    let turned = turned.unwrap().unwrap();
    assert_eq!((turned.severity, turned.status), (Severity::Warning, Status::Open));
    assert_eq!(turned.version, 2);
    app.evaluates().await;
    and_that_was_all(&app, told).await;
}

#[tokio::test]
async fn each_step_of_an_alert_is_told_once() {
    let app = TestApp::start().await;
    let alerts = &app.app.services.alerts;
    let told = alerts.watch(Viewer::System).unwrap();
    let mut told = Box::pin(told);
    app.has_low_at("TEA", 5, 5).await;

    app.evaluates().await;
    let raised = told.next().await.unwrap().unwrap();
    app.evaluates().await;
    let user = app.account(Role::Staff).await;
    let viewer = Viewer::User { id: user, role: Role::Staff };
    let ask = Acknowledge { id: raised.id, note: None, idempotency_key: None };
    for _ in 0..2 {
        alerts.acknowledge(&viewer, &ask).await.unwrap();
    }
    let acknowledged = told.next().await.unwrap().unwrap();
    app.receives("TEA", MAIN, 10).await;
    app.evaluates().await;
    app.waits(QUIET);
    app.evaluates().await;
    let resolved = told.next().await.unwrap().unwrap();

    assert_eq!((raised.status, raised.subject.as_deref()), (Status::Open, Some("TEA")));
    assert_eq!(acknowledged.status, Status::Acknowledged);
    assert_eq!(acknowledged.acknowledged_by, Some(user));
    assert_eq!(resolved.status, Status::Resolved);
    assert!([&acknowledged, &resolved].iter().all(|alert| alert.id == raised.id));
    and_that_was_all(&app, told).await;
}

#[tokio::test]
async fn a_socket_is_told() {
    let app = TestApp::start().await;
    let token = app.token(app.account(Role::Staff).await);
    let mut socket = app.socket_with_token(&token).await;
    socket.subscribe("1", "subscription { alertRaised { rule subject status } }").await;

    // It is not known when the server has begun to listen: something is raised until it has.
    let raising = async {
        for number in 0.. {
            app.has_low_at(&format!("TEA-{number}"), 1, 5).await;
            app.evaluates().await;
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let told = tokio::select! {
        told = socket.next_of("1") => told,
        () = raising => unreachable!("it goes on"),
    };

    let alert = &told["data"]["alertRaised"];
    assert_eq!((&alert["rule"], &alert["status"]), (&json!("LOW_STOCK"), &json!("OPEN")));
    assert!(alert["subject"].as_str().unwrap().starts_with("TEA-"), "{told}");
}

#[tokio::test]
async fn another_replica_is_told_through_redis() {
    let Some(redis) = RedisServer::start().await else { return };
    let app = TestApp::with(|settings| settings.redis_url = Some(redis.url().into())).await;
    let other = app.replica().await;
    let both_hear = async |_: &TestApp| app.app.bus.is_shared() && other.app.bus.is_shared();
    app.until("both hear each other", both_hear).await;
    let told = other.app.services.alerts.watch(Viewer::System).unwrap();
    let mut told = Box::pin(told);
    app.has_low_at("TEA", 5, 5).await;

    app.evaluates().await;

    let raised = tokio::time::timeout(PATIENCE, told.next()).await.expect("it is told");
    assert_eq!(raised.unwrap().unwrap().subject.as_deref(), Some("TEA"));
}

#[tokio::test]
async fn who_missed_something_looks_and_is_told_nothing_twice() {
    let app = TestApp::start().await;
    let alerts = &app.app.services.alerts;
    let mut told = Box::pin(alerts.watch(Viewer::System).unwrap());
    app.has_low_at("TEA", 5, 5).await;
    // More news than a listener may be behind.
    app.evaluates().await;
    for _ in 0..2_000 {
        app.app.bus.publish(BusMessage::WarehousesChanged);
    }

    let raised = told.next().await.unwrap().unwrap();

    assert_eq!(raised.subject.as_deref(), Some("TEA"));
    and_that_was_all(&app, told).await;
}

#[tokio::test]
async fn stock_that_becomes_low_is_looked_at_at_once() {
    let app = TestApp::start().await;
    let tea = app.has_low_at("TEA", 10, 5).await;
    let (alerts, bus) = (app.app.services.alerts.clone(), &app.app.bus);
    let mut heard = bus.subscribe();
    let following = tokio::spawn(alerts.follow_stock(bus.subscribe()));

    app.reserve_of("TEA", tea, 5).await.unwrap();

    let told = async {
        loop {
            if let Some(BusEvent::Message(message)) = heard.next().await
                && matches!(&*message, BusMessage::AlertsChanged(_))
            {
                return;
            }
        }
    };
    tokio::time::timeout(PATIENCE, told).await.expect("an alert is raised");
    following.abort();
    assert_eq!(app.number("SELECT COUNT(*) FROM alert WHERE status = 'OPEN'").await, 1);
}
