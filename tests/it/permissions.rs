//! Who may do what, over the whole schema: every field of Query, Mutation and Subscription and every
//! kind of `Node` is tried as each kind of viewer, and the outcome is compared with what `@auth`
//! promises. Both come from the schema, so a new field or kind is covered from its first day, or
//! fails.

mod arguments;
mod calls;
mod fixtures;
mod nodes;
mod planted;
mod readme;
mod rules;
mod verdict;
mod viewers;

use crate::app::TestApp;
use fixtures::Fixtures;
use rules::{Root, Rules};
use viewers::Viewers;

#[test]
fn every_root_field_has_a_rule() {
    let rules = Rules::of(&stockroom::schema::sdl());

    assert!(rules.fields.len() > 20, "the schema was not read");
    assert!(rules.findings.is_empty(), "{}", rules.findings.join("\n"));
}

#[test]
fn the_rule_is_the_last_line_of_the_description() {
    let rules = Rules::of(&stockroom::schema::sdl());

    for (path, description, permission) in &rules.described {
        let last = description.lines().last().unwrap_or_default();
        assert_eq!(last, permission.rule(), "{path}");
    }
    assert!(rules.described.len() > rules.fields.len(), "nested fields have rules, too");
}

/// Runs every field of a root type as every viewer.
async fn try_out(root: Root) {
    let app = TestApp::start().await;
    let (fixtures, viewers) = (Fixtures::make(&app).await, Viewers::make(&app).await);
    let rules = Rules::of(&stockroom::schema::sdl());
    let fields: Vec<_> = rules.fields.iter().filter(|field| field.root == root).collect();
    assert!(!fields.is_empty(), "the schema was not read");

    let mut findings = Vec::new();
    for field in fields {
        findings.extend(calls::try_field(&app, &rules, field, &fixtures, &viewers).await);
    }

    assert!(findings.is_empty(), "{} findings:\n{}", findings.len(), findings.join("\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn every_query_keeps_its_rule() {
    try_out(Root::Query).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_mutation_keeps_its_rule() {
    try_out(Root::Mutation).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_subscription_keeps_its_rule() {
    try_out(Root::Subscription).await;
}
