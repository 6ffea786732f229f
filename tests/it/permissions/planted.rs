//! The test of all rules, shown to fail: against schemas that promise something else than the
//! server keeps.

use super::calls::try_field;
use super::fixtures::{Fixtures, SeenBy};
use super::rules::{Root, Rules};
use super::viewers::Viewers;
use crate::app::TestApp;
use stockroom::auth::Permission;
use stockroom::graphql::NodeKind;
use uuid::Uuid;

#[test]
fn a_root_field_without_a_rule_is_found() {
    let rules = Rules::of(
        "type Query { a: Int b: Int @auth(permission: \"NODE_READ\") } \
         type Mutation { c: Int } type Subscription { d: Int } type Other { e: Int }",
    );

    assert_eq!(
        rules.findings,
        [
            "Query.a: it has no @auth",
            "Mutation.c: it has no @auth",
            "Subscription.d: it has no @auth"
        ]
    );
}

#[test]
fn a_rule_that_names_no_permission_is_found() {
    let rules = Rules::of(
        "type Query { a: Int @auth(permission: \"EVERYTHING\") b: Int @auth } \
         type Other { c: Int @auth(permission: \"nothing\") }",
    );

    assert_eq!(
        rules.findings,
        [
            "Query.a: there is no permission \"EVERYTHING\"",
            "Query.b: there is no permission \"\"",
            "Other.c: there is no permission \"nothing\""
        ]
    );
}

/// What is found of one field when the schema names `wrong` in place of its own permission.
async fn found(root: Root, field: &str, wrong: &str) -> Vec<String> {
    let app = TestApp::start().await;
    let (fixtures, viewers) = (Fixtures::make(&app).await, Viewers::make(&app).await);
    let sdl = stockroom::schema::sdl();
    let honest = Rules::of(&sdl);
    let right = honest.field(root, field).permission.name();
    let doctored =
        sdl.replace(&format!("permission: \"{right}\""), &format!("permission: \"{wrong}\""));
    let rules = Rules::of(&doctored);
    let field = rules.field(root, field);
    assert_eq!(field.permission.name(), wrong);
    try_field(&app, &rules, field, &fixtures, &viewers).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_does_not_ask_is_found() {
    // To a schema that promises a check, the open list of products is a service without one.
    let findings = found(Root::Query, "products", "STOCK_READ").await;

    assert_eq!(findings.len(), 4, "guest, stranger, owner and a bare program: {findings:#?}");
    assert!(findings.iter().all(|finding| finding.contains("and it has data")), "{findings:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_asks_more_than_the_schema_says_is_found() {
    for (root, field) in [(Root::Query, "warehouses"), (Root::Mutation, "warehouseCreate")] {
        let findings = found(root, field, "ACCOUNT_OWN").await;

        let refused = |finding: &&String| finding.contains("it answers FORBIDDEN");
        let refused = findings.iter().filter(refused).count();
        // A program cannot have ACCOUNT_OWN, and is let in all the same.
        assert_eq!((refused, findings.len()), (2, 3), "stranger and owner: {findings:#?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_asks_less_than_the_schema_says_is_found() {
    let findings = found(Root::Subscription, "stockChanged", "STOCK_READ").await;

    assert_eq!(findings.len(), 4, "{findings:#?}");
}

/// What is found of a mutation when its fixtures say something else of an object of this kind.
async fn found_with(
    mutation: &str,
    kind: &'static str,
    plant: impl FnOnce(&mut (String, SeenBy)),
) -> Vec<String> {
    let app = TestApp::start().await;
    let (mut fixtures, viewers) = (Fixtures::make(&app).await, Viewers::make(&app).await);
    plant(fixtures.objects.get_mut(kind).expect("there is one"));
    let rules = Rules::of(&stockroom::schema::sdl());
    try_field(&app, &rules, rules.field(Root::Mutation, mutation), &fixtures, &viewers).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_forgets_whose_things_they_are_is_found() {
    // To fixtures that say that a warehouse belongs to somebody, the service that changes it for
    // all staff is one that has forgotten to ask whose it is.
    let owned = |object: &mut (String, SeenBy)| {
        object.1 = SeenBy::OwnerAnd(Permission::AccountManage);
    };
    let findings = found_with("warehouseUpdate", "Warehouse", owned).await;

    let not_theirs =
        |finding: &&String| finding.contains("it names what is not theirs, and must be told");
    assert_eq!(findings.iter().filter(not_theirs).count(), 2, "staff, a program: {findings:#?}");
    assert_eq!(findings.len(), 2, "{findings:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_does_not_find_what_is_theirs_is_found() {
    let nowhere = |object: &mut (String, SeenBy)| {
        object.0 = NodeKind::Warehouse.id(Uuid::now_v7()).to_string();
    };
    let findings = found_with("warehouseUpdate", "Warehouse", nowhere).await;

    let not_found = |finding: &&String| finding.contains("it finds not what is theirs");
    assert_eq!(findings.iter().filter(not_found).count(), 3, "{findings:#?}");
    assert_eq!(findings.len(), 3, "staff, administrators, a program: {findings:#?}");
}
