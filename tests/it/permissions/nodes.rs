//! Every kind of `Node`, read by its id as every viewer: who may not see it gets null and no error.

use super::arguments::has_fields;
use super::fixtures::{Fixtures, SeenBy};
use super::rules::Rules;
use super::verdict::REFUSALS;
use super::viewers::{Viewers, Who};
use crate::app::TestApp;
use serde_json::{Value, json};

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
            let seen = match seen_by {
                SeenBy::Permission(permission) => who.permissions().contains(*permission),
                SeenBy::OwnerAnd(permission) => {
                    who == Who::Owner || who.permissions().contains(*permission)
                }
            };
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
        let Some((id, _)) = fixtures.object(parent) else {
            findings.push(format!("{parent}: add an object to fixtures.rs"));
            continue;
        };
        let selected = if has_fields(&rules.document, &field.ty) { "{ __typename }" } else { "" };
        let document = format!(
            "query ($id: ID!) {{ node(id: $id) {{ ... on {parent} {{ asked: {} {selected} }} }} }}",
            field.name
        );
        for who in Who::ALL {
            let caller = viewers.get(&app, who, &fixtures);
            let call = caller.query(document.as_str()).with_variables(json!({ "id": id }));
            let answer = call.await;
            let may = who.permissions().contains(*permission);
            let refused = answer.error_codes().iter().any(|code| REFUSALS.contains(code));
            if (may && refused) || (!may && !answer.json["data"]["node"]["asked"].is_null()) {
                let path = format!("{parent}.{}", field.name);
                findings.push(format!("{path} as {who:?}, allowed: {may}: {}", answer.text));
            }
        }
    }

    assert!(findings.is_empty(), "{}", findings.join("\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kind_without_an_object_is_found() {
    let app = TestApp::start().await;
    let fixtures = Fixtures::make(&app).await;
    let planted = "interface Node { id: ID! } type Gadget implements Node { id: ID! } \
                   type User implements Node { id: ID! }";

    assert_eq!(without_fixture(&Rules::of(planted), &fixtures), ["Gadget"]);
}
