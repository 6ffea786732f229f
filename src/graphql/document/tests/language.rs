//! What the engine answers to documents that passed the front.

use futures::StreamExt;
use serde_json::{Value, json};

use crate::graphql::document::tests::Bench;
use crate::graphql::document::{Limits, OperationKind};

#[tokio::test]
async fn response_keys_keep_the_order_of_the_document() {
    let bench = Bench::new();
    let query = "{ z: hello a: hello(name: \"b\") ...F add(a: 1) } \
                 fragment F on Query { m: hello z: hello }";

    let data = bench.data(query, Value::Null).await;

    assert_eq!(data, r#"{"z":"Hello world","a":"Hello b","m":"Hello world","add":3}"#);
}

#[tokio::test]
async fn a_repeated_mutation_runs_once() {
    let bench = Bench::new();
    let query = "mutation { bump { runs } ...M bump { note } } \
                 fragment M on Mutation { bump { runs note } }";

    let data = bench.data(query, Value::Null).await;

    assert_eq!(data, r#"{"bump":{"runs":1,"note":"bumped"}}"#);
    assert_eq!(bench.data("{ runs }", Value::Null).await, r#"{"runs":1}"#);
}

#[tokio::test]
async fn aliased_mutations_run_each_and_in_order() {
    let bench = Bench::new();

    let data = bench.data("mutation { b: bump { runs } a: bump { runs } }", Value::Null).await;

    assert_eq!(data, r#"{"b":{"runs":1},"a":{"runs":2}}"#);
}

#[tokio::test]
async fn selections_of_one_key_merge_at_every_depth() {
    let bench = Bench::new();
    let query = "{ products(first: 1) { nodes { id price { amount } } ...C } \
                   products(first: 1) { totalCount nodes { price { currency } name } } } \
                 fragment C on ProductConnection { nodes { price { amount } related { id } } }";

    let data = bench.data(query, Value::Null).await;

    let node = [
        r#"{"id":"prod_1","price":{"amount":"1","currency":"EUR"}"#,
        r#""related":[{"id":"prod_2"},{"id":"prod_3"}],"name":"Product 1"}"#,
    ];
    let node = node.join(",");
    assert_eq!(data, format!(r#"{{"products":{{"nodes":[{node}],"totalCount":1}}}}"#));
}

#[tokio::test]
async fn fragments_on_interfaces_unions_and_objects_apply_where_they_should() {
    let bench = Bench::new();
    let query = r#"query ($id: ID!) { node(id: $id) { __typename ...H ... on Branded { brand }
          ... on Node { id ... on Category { title } } } }
        fragment H on Hit { ... on Product { name } ... on Category { title } }"#;

    let product = bench.data(query, json!({ "id": "prod_3" })).await;
    let category = bench.data(query, json!({ "id": "cat_1" })).await;

    assert_eq!(
        product,
        r#"{"node":{"__typename":"Product","name":"Product 3","brand":"Acme","id":"prod_3"}}"#
    );
    assert_eq!(category, r#"{"node":{"__typename":"Category","title":"Books","id":"cat_1"}}"#);
}

#[tokio::test]
async fn fragments_inside_unions_apply_by_interface_too() {
    let bench = Bench::new();
    let query = "{ search { __typename ... on Node { id } \
                   ... on Branded { brand ... on Node { id } } \
                   ... on Category { title } } }";

    let data = bench.data(query, Value::Null).await;

    let hits = [
        r#"{"__typename":"Product","id":"prod_1","brand":"Acme"}"#,
        r#"{"__typename":"Category","id":"cat_1","title":"Books"}"#,
    ];
    assert_eq!(data, format!(r#"{{"search":[{}]}}"#, hits.join(",")));
}

#[tokio::test]
async fn a_fragment_that_cannot_apply_to_an_object_is_left_out() {
    let bench = Bench::new();
    let query =
        r#"{ product(by: { id: "prod_1" }) { ... on Node { id ... on Category { title } } } }"#;

    let data = bench.data(query, Value::Null).await;

    assert_eq!(data, r#"{"product":{"id":"prod_1"}}"#);
}

#[tokio::test]
async fn conditions_see_the_defaults_of_variables() {
    let bench = Bench::new();
    let query = "query ($yes: Boolean = true, $no: Boolean! = false) { \
        a: hello @include(if: $yes) b: hello @include(if: $no) \
        c: hello @skip(if: $yes) d: hello @skip(if: $no) \
        ... @include(if: $no) { e: hello } ...F @skip(if: $yes) ...G @include(if: $yes) } \
        fragment F on Query { f: hello } fragment G on Query { g: hello @skip(if: $no) }";

    let defaults = bench.data(query, json!({})).await;
    let turned = bench.data(query, json!({ "yes": false, "no": true })).await;

    let keys = |data: &str| -> String {
        let data: serde_json::Map<String, Value> = serde_json::from_str(data).expect("an object");
        data.keys().cloned().collect()
    };
    assert_eq!(keys(&defaults), "adg");
    assert_eq!(keys(&turned), "bcef");
}

#[tokio::test]
async fn both_conditions_on_one_field_must_let_it_through() {
    let bench = Bench::new();
    let query =
        "query ($s: Boolean!, $i: Boolean!) { add(a: 1) x: hello @skip(if: $s) @include(if: $i) }";

    for (skip, include, present) in
        [(false, true, true), (true, true, false), (false, false, false), (true, false, false)]
    {
        let data = bench.data(query, json!({ "s": skip, "i": include })).await;
        assert_eq!(data.contains("\"x\""), present, "skip {skip}, include {include}");
    }
}

#[tokio::test]
async fn an_object_with_everything_skipped_is_empty() {
    let bench = Bench::new();
    let query = "query ($s: Boolean!) { products(first: 2) { nodes { id @skip(if: $s) } } }";

    let data = bench.data(query, json!({ "s": true })).await;

    assert_eq!(data, r#"{"products":{"nodes":[{},{}]}}"#);
}

#[tokio::test]
async fn a_null_condition_is_refused() {
    let bench = Bench::new();
    let query = "query ($s: Boolean = true) { hello @skip(if: $s) }";

    let refused = bench.prepare(query, json!({ "s": null })).expect_err("null is no condition");

    assert_eq!(refused.code(), "BAD_USER_INPUT");
    assert!(refused.errors[0].message.contains("$s"), "{refused}");
}

#[tokio::test]
async fn unicode_escapes_mean_their_characters() {
    let bench = Bench::new();
    let query = r#"{ a: text(value: "\u{1F600}") b: text(value: "\uD83D\uDE00")
        c: text(value: "\u00e9\t\"\\\/") }"#;

    let data = bench.data(query, Value::Null).await;

    assert_eq!(data, "{\"a\":\"😀\",\"b\":\"😀\",\"c\":\"é\\t\\\"\\\\/\"}");
}

#[tokio::test]
async fn block_strings_lose_their_indentation() {
    let bench = Bench::new();
    let query = "{ text(value: \"\"\"\n    one\n      two \\\"\"\" { \n    \"\"\") }";

    let data = bench.data(query, Value::Null).await;

    assert_eq!(data, r#"{"text":"one\n  two \"\"\" { "}"#);
}

#[tokio::test]
async fn literals_coerce_as_the_specification_says() {
    let bench = Bench::new();
    for (query, expected) in [
        ("{ float(value: 3) }", r#"{"float":3.0}"#),
        ("{ float(value: -1.5e2) }", r#"{"float":-150.0}"#),
        ("{ id(value: 12) }", r#"{"id":"12"}"#),
        ("{ matrix(rows: 4) }", r#"{"matrix":4}"#),
        ("{ matrix(rows: [[1, 2], 3]) }", r#"{"matrix":6}"#),
        ("{ color(value: DARK_BLUE) }", r#"{"color":"DARK_BLUE"}"#),
        ("{ colors(values: RED) }", r#"{"colors":1}"#),
        ("{ colors(values: [RED, null]) }", r#"{"colors":2}"#),
        ("{ maybe }", r#"{"maybe":"Some(5)"}"#),
        ("{ maybe(number: null) }", r#"{"maybe":"None"}"#),
        ("{ add(b: 1, a: -1) }", r#"{"add":0}"#),
        (
            "{ anything(value: { b: [1, 2.5, \"x\"], a: { c: null, d: RED, e: true } }) }",
            r#"{"anything":{"b":[1,2.5,"x"],"a":{"c":null,"d":"RED","e":true}}}"#,
        ),
        (
            "{ filter(by: { nested: { limit: 1 }, colors: RED }) }",
            "{\"filter\":\"name=None limit=7 colors=1 nested=(\
             name=None limit=1 colors=0 nested=() price=None) price=None\"}",
        ),
    ] {
        assert_eq!(bench.data(query, Value::Null).await, expected, "{query}");
    }
}

#[tokio::test]
async fn names_that_look_like_keywords_are_names() {
    let bench = Bench::new();
    let query = "query query { on: hello fragment: hello true: hello null: add(a: 1) ...on2 } \
                 fragment on2 on Query { mutation: hello }";

    let data = bench.data(query, Value::Null).await;

    assert!(data.ends_with(r#""null":3,"mutation":"Hello world"}"#), "{data}");
}

#[tokio::test]
async fn a_byte_order_mark_and_comments_are_ignored() {
    let bench = Bench::new();

    let data = bench.data("\u{feff}# { nothing\n{ hello # }\r\n,,, }", Value::Null).await;

    assert_eq!(data, r#"{"hello":"Hello world"}"#);
}

#[tokio::test]
async fn errors_of_resolvers_name_the_place_in_the_text_that_was_sent() {
    let bench = Bench::new();
    let query = "query Q {\n  hello\r\n text(value: \"é\") x: broken ...F\n} \
                 fragment F on Query {\n\r y: broken }";

    let response = bench.run(query, Value::Null).await;

    let places =
        response.errors.iter().map(|error| (error.locations[0].line, error.locations[0].column));
    assert_eq!(places.collect::<Vec<_>>(), [(3, 19), (6, 2)]);
    let data = serde_json::to_string(&response.data).expect("JSON");
    assert_eq!(data, r#"{"hello":"Hello world","text":"é","x":null,"y":null}"#);
}

#[tokio::test]
async fn a_subscription_finds_its_field_inside_a_fragment() {
    let bench = Bench::new();
    let query = "subscription S($count: Int) { ...T } \
                 fragment T on Subscriptions { ticks(count: $count) { n: number } }";

    let prepared = bench.prepare(query, json!({ "count": 3 })).expect("good");
    assert_eq!(prepared.kind, OperationKind::Subscription);
    let events: Vec<_> = bench.shop.execute_stream(prepared.request).collect().await;

    assert_eq!(events.len(), 3);
    let last = serde_json::to_string(&events[2].data).expect("JSON");
    assert_eq!(last, r#"{"ticks":{"n":3}}"#);
}

#[tokio::test]
async fn the_chosen_operation_runs_with_its_own_fragments() {
    let bench = Bench::new();
    let query = "query A { ...F } mutation B { bump { runs } } query C($x: Int!) { add(a: $x) } \
                 fragment F on Query { hello }";
    let request = |name: &str| json!({ "query": query, "operationName": name });

    let prepared = bench.send(request("A")).expect("good");

    assert_eq!(prepared.kind, OperationKind::Query);
    assert_eq!(prepared.operation_name.as_deref(), Some("A"));
    assert_eq!(prepared.root_fields, ["hello"]);
    assert!(prepared.request.query.contains("fragment F"), "{}", prepared.request.query);
    assert!(!prepared.request.query.contains("bump"), "{}", prepared.request.query);
    let response = bench.shop.execute(prepared.request).await;
    assert_eq!(response.data.to_string(), r#"{hello: "Hello world"}"#);
    assert_eq!(bench.send(request("B")).expect("good").kind, OperationKind::Mutation);
    let missing = bench.send(request("C")).expect_err("the variable is missing");
    assert_eq!(missing.code(), "BAD_USER_INPUT");
}

#[tokio::test]
async fn one_of_inputs_are_told_by_introspection() {
    let bench = Bench::new();
    let query = r#"{ __type(name: "ProductBy") { name kind isOneOf } }"#;

    let data = bench.data(query, Value::Null).await;

    assert_eq!(data, r#"{"__type":{"name":"ProductBy","kind":"INPUT_OBJECT","isOneOf":true}}"#);
}

#[tokio::test]
async fn the_standard_introspection_query_passes() {
    let bench = Bench::with(Limits::default());

    let response = bench.run(include_str!("introspection.graphql"), Value::Null).await;

    assert_eq!(response.errors, vec![]);
    let data = serde_json::to_value(&response.data).expect("JSON");
    assert_eq!(data["__schema"]["queryType"]["name"], "Query");
}
