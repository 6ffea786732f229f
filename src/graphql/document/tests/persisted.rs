//! The cache of documents, persisted queries, methods, and how parameters are read.

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::graphql::document::tests::Bench;
use crate::graphql::document::{Access, GraphqlParams, Limits, RefusalKind, Transport};

fn digits(text: &str) -> String {
    Sha256::digest(text.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn persisted(hash: &str) -> Value {
    json!({ "persistedQuery": { "version": 1, "sha256Hash": hash } })
}

#[tokio::test]
async fn a_persisted_query_is_registered_once_and_then_found() {
    let bench = Bench::new();
    let query = "query Hi($n: String) { hello(name: $n) }";
    let extensions = persisted(&digits(query));

    let miss = bench.send(json!({ "extensions": extensions })).expect_err("not known yet");
    let registered = bench.send(json!({ "query": query, "extensions": extensions }));
    let found = bench.send(json!({ "extensions": extensions, "variables": { "n": "you" } }));

    assert_eq!(miss.code(), "PERSISTED_QUERY_NOT_FOUND");
    assert_eq!(miss.errors[0].message, "PersistedQueryNotFound");
    assert_eq!(registered.expect("good").operation_name.as_deref(), Some("Hi"));
    let response = bench.shop.execute(found.expect("good").request).await;
    assert_eq!(response.data.to_string(), r#"{hello: "Hello you"}"#);
}

#[test]
fn a_hash_of_another_text_is_refused_and_registers_nothing() {
    let bench = Bench::new();
    let extensions = persisted(&digits("{ runs }"));

    let refused = bench.send(json!({ "query": "{ hello }", "extensions": extensions }));

    assert_eq!(refused.expect_err("mismatch").code(), "PERSISTED_QUERY_MISMATCH");
    let miss = bench.send(json!({ "extensions": extensions })).expect_err("not registered");
    assert_eq!(miss.code(), "PERSISTED_QUERY_NOT_FOUND");
}

#[test]
fn a_refused_document_is_not_registered() {
    let bench = Bench::new();
    let extensions = persisted(&digits("{ nothing }"));

    let refused = bench.send(json!({ "query": "{ nothing }", "extensions": extensions }));

    assert_eq!(refused.expect_err("invalid").code(), "GRAPHQL_VALIDATION_FAILED");
    let miss = bench.send(json!({ "extensions": extensions })).expect_err("not registered");
    assert_eq!(miss.code(), "PERSISTED_QUERY_NOT_FOUND");
}

#[test]
fn malformed_persisted_queries_are_refused() {
    let bench = Bench::new();
    let hash = digits("{ hello }");
    for persisted in [
        json!("x"),
        json!([]),
        json!({}),
        json!({ "version": 2, "sha256Hash": hash }),
        json!({ "version": "1", "sha256Hash": hash }),
        json!({ "version": 1 }),
        json!({ "version": 1, "sha256Hash": 1 }),
        json!({ "version": 1, "sha256Hash": "abc" }),
        json!({ "version": 1, "sha256Hash": "zz".repeat(32) }),
        json!({ "version": 1, "sha256Hash": "é".repeat(32) }),
        json!({ "version": 1, "sha256Hash": "a".repeat(65) }),
    ] {
        let request =
            json!({ "query": "{ hello }", "extensions": { "persistedQuery": persisted } });
        let refused = bench.send(request).expect_err("malformed");
        assert_eq!(refused.kind, RefusalKind::ParameterInvalid, "{persisted}");
        assert_eq!(refused.code(), "BAD_USER_INPUT");
    }
    let request = json!({ "query": "{ hello }", "extensions": { "persistedQuery": null, "x": 1 } });
    assert!(bench.send(request).is_ok());
}

#[test]
fn a_request_without_a_query_is_refused() {
    let bench = Bench::new();
    for request in [json!({}), json!({ "query": null }), json!({ "variables": {} })] {
        let refused = bench.send(request).expect_err("no query");
        assert_eq!(refused.kind, RefusalKind::QueryMissing);
        assert_eq!(refused.code(), "BAD_USER_INPUT");
    }
}

#[test]
fn get_runs_queries_alone_and_sockets_run_everything() {
    let bench = Bench::new();
    let prepare = |query: &str, transport| {
        let params = GraphqlParams { query: Some(query.to_owned()), ..GraphqlParams::default() };
        bench.front.prepare(params, transport, Access::GUEST)
    };
    let mutation = "mutation { bump { runs } }";
    let subscription = "subscription { ticks { number } }";

    for document in [mutation, subscription] {
        let refused = prepare(document, Transport::Get).expect_err("not by GET");
        assert_eq!(refused.kind, RefusalKind::MethodNotAllowed);
        assert_eq!(refused.code(), "METHOD_NOT_ALLOWED");
        assert!(prepare(document, Transport::Post).is_ok());
        assert!(prepare(document, Transport::Socket).is_ok());
    }
    assert!(prepare("{ hello }", Transport::Get).is_ok());
}

#[test]
fn a_mutation_hidden_behind_a_query_is_not_run_by_get() {
    let bench = Bench::new();
    let params = GraphqlParams {
        query: Some("query A { hello } mutation B { bump { runs } }".to_owned()),
        operation_name: Some("B".to_owned()),
        ..GraphqlParams::default()
    };

    let refused = bench.front.prepare(params, Transport::Get, Access::GUEST);

    assert_eq!(refused.expect_err("not by GET").kind, RefusalKind::MethodNotAllowed);
}

#[test]
fn the_hash_is_that_of_the_text_as_it_was_sent() {
    let bench = Bench::new();
    let one = bench.prepare("{ hello }", Value::Null).expect("good");
    let other = bench.prepare("{  hello }", Value::Null).expect("good");

    let expected: [u8; 32] = Sha256::digest(b"{ hello }").into();
    assert_eq!(one.document_hash, expected);
    assert_ne!(other.document_hash, expected);
}

#[test]
fn the_cache_stays_bounded() {
    let bench = Bench::with(Limits { documents: 8, ..Limits::default() });
    for number in 0..200 {
        let query = format!("{{ add(a: {number}) }}");
        assert!(bench.prepare(&query, Value::Null).is_ok());
    }

    bench.front.parts.documents.run_pending_tasks();

    assert!(bench.front.parts.documents.entry_count() <= 8);
}

#[tokio::test]
async fn every_shape_of_a_document_stays_itself_in_the_cache() {
    let bench = Bench::new();
    let query = "query ($a: Boolean!, $b: Boolean!, $c: Boolean!, $d: Boolean!, $e: Boolean!) { \
        a: hello @include(if: $a) b: hello @include(if: $b) c: hello @include(if: $c) \
        d: hello @include(if: $d) e: hello @include(if: $e) }";
    // More shapes than are kept, each twice.
    for bits in (0..32_u32).chain(0..32) {
        let on = |bit: u32| bits & (1 << bit) != 0;
        let variables = json!({ "a": on(0), "b": on(1), "c": on(2), "d": on(3), "e": on(4) });
        let data = bench.data(query, variables).await;
        let data: serde_json::Map<String, Value> = serde_json::from_str(&data).expect("an object");
        let expected: Vec<&str> = (0..5)
            .zip(["a", "b", "c", "d", "e"])
            .filter(|(bit, _)| on(*bit))
            .map(|p| p.1)
            .collect();
        assert_eq!(data.keys().collect::<Vec<_>>(), expected);
    }
}

#[test]
fn members_of_a_wrong_type_are_named() {
    for (body, told) in [
        (r#"{"query":1}"#, "`query` to be a string or null"),
        (r#"{"query":{}}"#, "`query` to be a string or null"),
        (r#"{"query":"{a}","operationName":[]}"#, "`operationName` to be a string or null"),
        (r#"{"query":"{a}","variables":"{}"}"#, "`variables` to be an object or null"),
        (r#"{"query":"{a}","variables":[]}"#, "`variables` to be an object or null"),
        (r#"{"query":"{a}","extensions":true}"#, "`extensions` to be an object or null"),
        (r#"{"query":"{a}","query":"{b}"}"#, "duplicate field `query`"),
        (r#"[{"query":"{a}"}]"#, "one JSON object"),
        (r#""{a}""#, "one JSON object"),
        ("null", "one JSON object"),
        (r#"{"query":"{a}""#, "EOF"),
        (r#"{"variables":{"a":1e999}}"#, "number out of range"),
    ] {
        let error = serde_json::from_str::<GraphqlParams>(body).expect_err(body);
        assert!(error.to_string().contains(told), "{body}: {error}");
    }
}

#[test]
fn parameters_may_be_null_unknown_or_missing() {
    let body = json!({
        "query": null, "operationName": null, "variables": null, "extensions": null,
        "id": 7, "x": { "y": [] },
    });

    let params: GraphqlParams = serde_json::from_value(body).expect("read");

    assert_eq!(params, GraphqlParams::default());
}

#[test]
fn variables_keep_the_order_in_which_they_were_sent() {
    let body = r#"{"variables":{"z":{"b":1,"a":2},"a":1}}"#;

    let params: GraphqlParams = serde_json::from_str(body).expect("read");

    let variables = params.variables.expect("given");
    assert_eq!(serde_json::to_string(&variables).expect("JSON"), r#"{"z":{"b":1,"a":2},"a":1}"#);
}

#[test]
fn parameters_of_a_url_are_read_like_those_of_a_body() {
    let read = |variables, extensions| {
        let query = Some("{ hello }".to_owned());
        GraphqlParams::from_url(query, Some(String::new()), variables, extensions)
    };

    let params = read(Some(r#"{"a":[1]}"#), Some("")).expect("read");

    assert_eq!(params.operation_name, None);
    assert_eq!(params.extensions, None);
    assert_eq!(params.variables.expect("given").len(), 1);
    for wrong in ["[1]", "1", "{", r#"{"a":1} x"#, "\u{feff}{}"] {
        let refused = read(Some(wrong), None).expect_err(wrong);
        assert_eq!(refused.kind, RefusalKind::ParameterInvalid, "{wrong}");
    }
    assert_eq!(read(Some("null"), None).expect("read").variables, None);
}
