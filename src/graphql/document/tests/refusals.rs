//! Documents that are refused before the engine sees them, each with its code.

use serde_json::{Value, json};

use crate::graphql::document::tests::{Bench, corpus};
use crate::graphql::document::{Access, GraphqlParams, Limits, RefusalKind, Transport};

const PARSE: &str = "GRAPHQL_PARSE_FAILED";
const INVALID: &str = "GRAPHQL_VALIDATION_FAILED";
const COMPLEX: &str = "QUERY_TOO_COMPLEX";
const INPUT: &str = "BAD_USER_INPUT";
const OPERATION: &str = "OPERATION_RESOLUTION_FAILURE";

fn assert_refused(attempts: Vec<corpus::Attempt>, code: &str) {
    let bench = Bench::new();
    for (what, document) in attempts {
        let refused = bench.prepare(&document, Value::Null).expect_err(what);
        assert_eq!(refused.code(), code, "{what}: {refused}");
        assert!(!refused.errors.is_empty(), "{what}");
        for error in refused.errors {
            // Documents are long; what is said about them must not be.
            assert!((1..500).contains(&error.message.len()), "{what}: {}", error.message);
        }
    }
}

#[test]
fn documents_that_are_too_much_are_refused() {
    assert_refused(corpus::too_complex(), COMPLEX);
}

#[test]
fn texts_that_are_no_graphql_are_refused() {
    assert_refused(corpus::not_graphql(), PARSE);
}

#[test]
fn documents_that_confuse_validators_are_refused() {
    assert_refused(corpus::confusing(), INVALID);
}

#[test]
fn literals_that_cannot_be_stored_are_refused() {
    assert_refused(corpus::not_storable(), INPUT);
}

#[test]
fn invalid_documents_are_refused_by_validation() {
    let bench = Bench::new();
    for document in [
        "{ nothing }",
        "{ hello { length } }",
        "{ products }",
        "{ hello(title: 1) }",
        "{ hello(name: 1) }",
        "{ add }",
        "{ add(a: null) }",
        "{ add(a: \"1\") }",
        "{ add(a: 1, a: 1) }",
        "{ color(value: BLUE) }",
        "{ color(value: \"RED\") }",
        "{ filter(by: { nothing: 1 }) }",
        "{ filter(by: { limit: null }) }",
        "{ filter(by: { limit: 1, limit: 2 }) }",
        "{ hello @unknown }",
        "{ hello @skip }",
        "{ hello @skip(if: 1) }",
        "{ hello @skip(if: true) @skip(if: true) }",
        "query @skip(if: true) { hello }",
        "query ($a: Int) { hello }",
        "{ maybe(number: $a) }",
        "query ($a: Nothing) { anything(value: $a) }",
        "query ($a: Product) { anything(value: $a) }",
        "query ($a: Int, $a: Int) { maybe(number: $a) }",
        "query ($a: Int = \"x\") { maybe(number: $a) }",
        "query ($a: Int!) { text(value: $a) }",
        "query ($a: Int) { add(a: $a) }",
        "query ($a: Int = null) { add(a: $a) }",
        "query ($a: Int! = null) { add(a: $a) }",
        "query ($a: [Int!]) { add(a: $a) }",
        "{ ...Missing }",
        "{ hello } fragment Unused on Query { hello }",
        "{ ...F ...F } fragment F on Query { hello } fragment F on Query { runs }",
        "{ ...F } fragment F on Nothing { hello }",
        "{ ...F } fragment F on Color { hello }",
        "{ ...F } fragment F on Product { id }",
        "{ ... on Product { id } }",
        "{ a: hello a: runs }",
        "{ hello(name: \"a\") hello(name: \"b\") }",
        "{ colors(values: [RED]) colors(values: [RED, DARK_BLUE]) }",
        "{ anything(value: { a: [[1], []] }) ...F } \
         fragment F on Query { anything(value: { a: [[1], [2]] }) }",
        "{ product(by: { id: 1 }) { x: id } product(by: { id: 1 }) { x: name } }",
        "{ search { id } }",
        "{ node(id: 1) { name } }",
        "query A { hello } query A { runs }",
        "query A { hello } { runs }",
        "subscription { a: ticks { number } b: ticks { number } }",
        "subscription { __typename }",
        "subscription ($a: Boolean!) { ticks @skip(if: $a) { number } }",
        "{ product(by: {}) { id } }",
        "{ product(by: { id: 1, slug: \"a\" }) { id } }",
        "{ product(by: { id: null }) { id } }",
        "{ product(by: { id: 1, slug: null }) { id } }",
        "query ($id: ID) { product(by: { id: $id }) { id } }",
        "query ($id: ID!, $slug: String!) { product(by: { id: $id, slug: $slug }) { id } }",
    ] {
        let refused = bench.prepare(document, json!({ "a": 1, "id": "1", "slug": "a" }));
        let refused = refused.expect_err(document);
        assert_eq!(refused.code(), INVALID, "{document}");
        assert_eq!(refused.kind, RefusalKind::ValidationFailed, "{document}");
        assert!(refused.errors.iter().all(|error| !error.message.is_empty()), "{document}");
    }
}

#[test]
fn syntax_errors_name_their_place() {
    let bench = Bench::new();

    let refused = bench.prepare("{\r\n  \"é\" hello(", Value::Null).expect_err("no GraphQL");

    assert_eq!(refused.code(), PARSE);
    let location = refused.errors[0].locations[0];
    assert_eq!((location.line, location.column), (2, 3));
}

#[test]
fn the_operation_must_be_known() {
    let bench = Bench::new();
    let two = "query A { hello } query B { hello }";
    for request in [
        json!({ "query": two }),
        json!({ "query": two, "operationName": null }),
        json!({ "query": two, "operationName": "C" }),
        json!({ "query": two, "operationName": "" }),
        json!({ "query": "{ hello }", "operationName": "A" }),
        json!({ "query": "query A { hello }", "operationName": "a" }),
    ] {
        let refused = bench.send(request.clone()).expect_err("no operation can be chosen");
        assert_eq!(refused.code(), OPERATION, "{request}");
    }
    assert!(bench.send(json!({ "query": "query A { hello }" })).is_ok());
    assert!(bench.send(json!({ "query": two, "operationName": "B" })).is_ok());
}

#[test]
fn introspection_can_be_switched_off() {
    let bench = Bench::with(Limits { introspection: false, ..Limits::default() });

    for document in [
        "{ __schema { queryType { name } } }",
        "{ x: __type(name: \"Query\") { name } }",
        "{ ...F } fragment F on Query { ... { __schema { description } } }",
    ] {
        assert_eq!(bench.code(document), INVALID, "{document}");
    }
    assert!(bench.prepare("{ __typename hello }", Value::Null).is_ok());
}

#[test]
fn those_who_may_ask_for_the_schema_still_can_and_nobody_after_them() {
    let bench = Bench::with(Limits { introspection: false, ..Limits::default() });
    let document = "{ __schema { queryType { name } } }";
    let ask = |introspection| {
        let params = GraphqlParams { query: Some(document.to_owned()), ..Default::default() };
        bench.front.prepare(params, Transport::Post, Access { introspection, ..Access::GUEST })
    };

    assert!(ask(true).is_ok());
    assert_eq!(ask(false).expect_err("a document that is in the cache").code(), INVALID);
}

#[test]
fn names_are_proposed_only_where_that_is_wanted() {
    let open = Bench::new();
    let closed = Bench::with(Limits { suggestions: false, ..Limits::default() });

    let proposed = open.prepare("{ helo }", Value::Null).expect_err("unknown");
    let silent = closed.prepare("{ helo }", Value::Null).expect_err("unknown");

    assert!(proposed.errors[0].message.contains("Did you mean \"hello\"?"), "{proposed}");
    assert!(!silent.errors[0].message.contains("hello"), "{silent}");
}
