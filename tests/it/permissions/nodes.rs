//! Every kind of `Node`, read by its id as every viewer: who may not see it gets null and no error.

use super::arguments::has_fields;
use super::fixtures::{Fixtures, SeenBy};
use super::rules::Rules;
use super::viewers::{Viewers, Who, api_token};
use crate::app::TestApp;
use serde_json::{Value, json};
use std::fmt::Debug;
use stockroom::auth::{Permission, Viewer};
use stockroom::graphql::idempotency::Replayed;
use uuid::Uuid;

const BY_ID: &str = "query ($id: ID!, $ids: [ID!]!) { node(id: $id) { __typename id } \
    nodes(ids: $ids) { __typename id } }";

/// Kinds of objects that no fixture stands for.
fn without_fixture(rules: &Rules, fixtures: &Fixtures) -> Vec<String> {
    let missing = rules.nodes.iter().filter(|kind| fixtures.object(kind).is_none());
    missing.cloned().collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_kind_of_node_is_there_for_those_who_may_see_it_and_for_nobody_else() {
    let app = TestApp::start().await;
    let (fixtures, viewers) = (Fixtures::make(&app).await, Viewers::make(&app).await);
    let rules = Rules::of(&stockroom::schema::sdl());
    let missing = without_fixture(&rules, &fixtures);
    assert!(missing.is_empty(), "add an object of each to fixtures.rs: {missing:?}");

    let mut findings = Vec::new();
    for who in Who::ALL {
        let caller = viewers.get(&app, who, &fixtures);
        for (kind, (id, seen_by)) in &fixtures.objects {
            let variables = json!({ "id": id, "ids": [id] });
            let answer = caller.query(BY_ID).with_variables(variables).await;
            let seen = seen_by.includes(who);
            let expected = if seen {
                let name = kind.split(' ').next().unwrap();
                json!({ "__typename": name, "id": id })
            } else {
                Value::Null
            };
            if answer.json["data"] != json!({ "node": expected, "nodes": [expected] })
                || !answer.json["errors"].is_null()
            {
                findings.push(format!("{kind} as {who:?}, seen: {seen}: {}", answer.text));
            }
        }
    }

    assert!(findings.is_empty(), "{}", findings.join("\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_field_with_a_rule_of_its_own_is_null_to_those_whom_it_leaves_out() {
    let app = TestApp::start().await;
    let (fixtures, viewers) = (Fixtures::make(&app).await, Viewers::make(&app).await);
    let rules = Rules::of(&stockroom::schema::sdl());
    assert!(!rules.nested.is_empty(), "the schema was not read");

    let mut findings = Vec::new();
    for (parent, field, permission) in &rules.nested {
        let selected = if has_fields(&rules.document, &field.ty) { "{ __typename }" } else { "" };
        let document = format!(
            "query ($id: ID!) {{ node(id: $id) {{ ... on {parent} {{ \
             __typename asked: {} {selected} }} }} }}",
            field.name
        );
        let mut is_shown = false;
        for (id, seen_by) in fixtures.objects_of(parent) {
            let variables = json!({ "id": id });
            let mut judge = |who: &dyn Debug, [sees, may]: [bool; 2], answer: &Value| {
                let node = &answer["data"]["node"];
                is_shown |= !node["asked"].is_null();
                let right = match (sees, may) {
                    (false, _) => node.is_null(),
                    (true, true) => node["__typename"] == **parent && answer["errors"].is_null(),
                    (true, false) => node["__typename"] == **parent && node["asked"].is_null(),
                };
                if !right {
                    let path = format!("{parent}.{}", field.name);
                    findings.push(format!("{path} as {who:?}, sees: {sees}, may: {may}: {answer}"));
                }
            };
            for who in Who::ALL {
                let caller = viewers.get(&app, who, &fixtures);
                let call = caller.query(document.as_str()).with_variables(variables.clone());
                let may = who.permissions().contains(*permission);
                judge(&who, [seen_by.includes(who), may], &call.await.json);
            }
            // Of those, everyone who sees the parent may hold the field's permission as well.
            let (SeenBy::Permission(sees) | SeenBy::OwnerAnd(sees)) = *seen_by else { continue };
            let answer = as_one_who_may_only(&app, sees, &document, variables).await;
            let who = format!("one with {} alone", sees.name());
            judge(&who, [true, sees == *permission], &answer);
        }
        if !is_shown {
            findings.push(format!(
                "{parent}.{}: nobody is shown anything, so that its rule is not tried: add an \
                 object to fixtures.rs that has one",
                field.name
            ));
        }
    }

    assert!(findings.is_empty(), "{}", findings.join("\n"));
}

/// The answer to whoever has one permission besides those of guests: a program with an API token,
/// or for what no token can be given, a viewer that is made up.
async fn as_one_who_may_only(
    app: &TestApp,
    permission: Permission,
    document: &str,
    variables: Value,
) -> Value {
    if permission.is_for_tokens() {
        let program = app.with_token(api_token(app, &[permission]).await.1);
        return program.query(document).with_variables(variables).await.json;
    }
    let permissions = [permission].into_iter().collect();
    let viewer = Viewer::Service { id: Uuid::now_v7(), permissions };
    let request = async_graphql::Request::new(document)
        .variables(async_graphql::Variables::from_json(variables));
    let request = app.app.services.attach(request, viewer, Replayed::default());
    let schema = app.app.schema.clone();
    // In a task, as requests run: look-ups are batched by the scheduler's turns.
    let response = tokio::spawn(async move { schema.execute(request).await }).await;
    serde_json::to_value(response.expect("no resolver panics")).expect("an answer is JSON")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kind_without_an_object_is_found() {
    let app = TestApp::start().await;
    let fixtures = Fixtures::make(&app).await;
    let planted = "interface Node { id: ID! } type Gadget implements Node { id: ID! } \
                   type User implements Node { id: ID! }";

    assert_eq!(without_fixture(&Rules::of(planted), &fixtures), ["Gadget"]);
}
