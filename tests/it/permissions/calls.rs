//! Tries one field as every viewer.

use super::arguments::{Operation, operation};
use super::fixtures::Fixtures;
use super::rules::{Root, RootField, Rules};
use super::verdict::judge;
use super::viewers::{Viewers, Who};
use crate::app::{Caller, Socket, TestApp};
use serde_json::{Value, json};

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
        let answer = if changes {
            let owned = fixtures.of_new_owner(app).await;
            let caller = match who {
                Who::Owner => owned.owner(app),
                who => Viewers::fresh(app, who).await,
            };
            call(app, field, &caller, operation(&rules.document, field, &owned)).await
        } else {
            let caller = viewers.get(app, who, fixtures);
            call(app, field, &caller, operation(&rules.document, field, fixtures)).await
        };
        findings.extend(judge(field, who, permissions, &answer));
    }
    findings
}

async fn call(app: &TestApp, field: &RootField, caller: &Caller, operation: Operation) -> Value {
    let Operation { document, variables } = operation;
    if field.root != Root::Subscription {
        return caller.query(document).with_variables(variables).await.json;
    }
    let mut socket = Socket::ready(app.listen().await, caller.token()).await;
    socket.subscribe_with("1", &document, variables).await;
    let mut message = socket.next().await;
    match message["type"].as_str() {
        Some("next") => message["payload"].take(),
        // The operation was refused before it began.
        Some("error") => json!({ "data": null, "errors": message["payload"].take() }),
        _ => panic!("{} answered {message}", field.path()),
    }
}
