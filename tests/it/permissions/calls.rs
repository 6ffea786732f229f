//! Tries one field as every viewer.

use super::arguments::{Operation, operation};
use super::fixtures::Fixtures;
use super::rules::{Root, RootField, Rules};
use super::verdict::{judge, judge_change, judge_hidden};
use super::viewers::{Viewers, Who};
use crate::app::{Caller, Socket, TestApp};
use serde_json::{Value, json};
use std::time::Duration;
use stockroom::events::BusMessage;

/// What breaks the rule of a field.
pub async fn try_field(
    app: &TestApp,
    rules: &Rules,
    field: &RootField,
    fixtures: &Fixtures,
    viewers: &Viewers,
) -> Vec<String> {
    let mut findings = Vec::new();
    for who in Who::ALL {
        let permissions = who.permissions();
        // A mutation that is allowed may end whoever calls it: they and what is theirs are new.
        let changes = field.root == Root::Mutation && permissions.contains(field.permission);
        let owned = if changes { fixtures.of_new_owner(app).await } else { fixtures.clone() };
        let caller = match who {
            Who::Owner => owned.owner(app),
            who if changes => Viewers::fresh(app, who).await,
            who => viewers.get(app, who, fixtures),
        };
        let operation = operation(&rules.document, field, &owned);
        let answer = call(app, field, &caller, &operation).await;
        let is_theirs =
            operation.names.iter().all(|kind| owned.is_changed_by(kind, field.permission, who));
        let allowed = permissions.contains(field.permission);
        if field.root == Root::Subscription && allowed && !is_theirs {
            findings.extend(judge_hidden(field, who, &answer));
            continue;
        }
        findings.extend(judge(field, who, permissions, &answer));
        if changes {
            findings.extend(judge_change(field, who, is_theirs, &answer));
        }
    }
    findings
}

/// Tells of alerts again and again: who watches them is told nothing until something happens.
async fn alerts_change(app: &TestApp) {
    use sea_orm::EntityTrait;
    let alerts = entity::alert::Entity::find().all(app.app.db.reader()).await;
    let ids: Vec<_> = alerts.expect("the database answers").iter().map(|alert| alert.id).collect();
    loop {
        app.app.bus.publish(BusMessage::AlertsChanged(ids.clone()));
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn call(app: &TestApp, field: &RootField, caller: &Caller, operation: &Operation) -> Value {
    let Operation { document, variables, .. } = operation;
    let variables = variables.clone();
    if field.root != Root::Subscription {
        return caller.query(document.as_str()).with_variables(variables).await.json;
    }
    let mut socket = Socket::ready(app.listen().await, caller.token()).await;
    socket.subscribe_with("1", document, variables).await;
    let mut message = tokio::select! {
        message = socket.next() => message,
        () = alerts_change(app) => unreachable!("it goes on"),
    };
    match message["type"].as_str() {
        Some("next") => message["payload"].take(),
        // The operation was refused before it began.
        Some("error") => json!({ "data": null, "errors": message["payload"].take() }),
        _ => panic!("{} answered {message}", field.path()),
    }
}
