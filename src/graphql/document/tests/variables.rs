//! Variables: coercion, defaults, what counts as given, and values that are refused.

use serde_json::{Value, json};

use crate::graphql::document::tests::Bench;
use crate::graphql::document::{Access, DocumentFront, GraphqlParams, Limits, Scalars, Transport};

fn nested_list(depth: usize) -> Value {
    (0..depth).fold(json!(1), |inner, _| json!([inner]))
}

fn nested_filter(depth: usize) -> Value {
    (0..depth).fold(json!({}), |inner, _| json!({ "nested": inner }))
}

#[tokio::test]
async fn variables_coerce_as_the_specification_says() {
    let bench = Bench::new();
    for (query, variables, expected) in [
        ("query ($v: Int!) { add(a: $v) }", json!({ "v": 1.0 }), r#"{"add":3}"#),
        ("query ($v: Float!) { float(value: $v) }", json!({ "v": 2 }), r#"{"float":2.0}"#),
        ("query ($v: ID!) { id(value: $v) }", json!({ "v": 12 }), r#"{"id":"12"}"#),
        ("query ($v: ID!) { id(value: $v) }", json!({ "v": "x" }), r#"{"id":"x"}"#),
        (
            "query ($v: Color!) { color(value: $v) }",
            json!({ "v": "DARK_BLUE" }),
            r#"{"color":"DARK_BLUE"}"#,
        ),
        ("query ($v: Color = RED) { colors(values: [$v]) }", json!({}), r#"{"colors":1}"#),
        ("query ($v: [Color]!) { colors(values: $v) }", json!({ "v": "RED" }), r#"{"colors":1}"#),
        (
            "query ($v: [Color]!) { colors(values: $v) }",
            json!({ "v": ["RED", null] }),
            r#"{"colors":2}"#,
        ),
        ("query ($v: [[Int!]!]!) { matrix(rows: $v) }", json!({ "v": 5 }), r#"{"matrix":5}"#),
        (
            "query ($v: [[Int!]!]!) { matrix(rows: $v) }",
            json!({ "v": [[1], 2] }),
            r#"{"matrix":3}"#,
        ),
        (
            "query ($v: [Int!]!) { matrix(rows: [$v, $v]) }",
            json!({ "v": [1, 2] }),
            r#"{"matrix":6}"#,
        ),
        ("query ($v: Int! = 4) { add(a: $v) }", json!({}), r#"{"add":6}"#),
        ("query ($v: Int) { hello }", json!({}), "invalid"),
    ] {
        if expected == "invalid" {
            assert_eq!(bench.code(query), "GRAPHQL_VALIDATION_FAILED");
            continue;
        }
        assert_eq!(bench.data(query, variables).await, expected, "{query}");
    }
}

#[tokio::test]
async fn an_omitted_variable_is_not_a_null() {
    let bench = Bench::new();
    for (query, variables, expected) in [
        ("query ($v: Int) { maybe(number: $v) }", json!({}), r#"{"maybe":"Some(5)"}"#),
        ("query ($v: Int) { maybe(number: $v) }", json!({ "v": null }), r#"{"maybe":"None"}"#),
        ("query ($v: Int = null) { maybe(number: $v) }", json!({}), r#"{"maybe":"None"}"#),
        ("query Q($v: Int = null) { maybe(number: $v) }", json!({}), r#"{"maybe":"None"}"#),
        ("query ($v: Int) { maybe(number: $v) }", json!({ "v": 3 }), r#"{"maybe":"Some(3)"}"#),
        ("query ($v: Int = 8) { maybe(number: $v) }", json!({}), r#"{"maybe":"Some(8)"}"#),
        ("query ($v: Int = 8) { maybe(number: $v) }", json!({ "v": null }), r#"{"maybe":"None"}"#),
        ("query ($v: Int) { add(a: 1, b: $v) }", json!({}), r#"{"add":3}"#),
        ("query ($v: Int) { add(a: 1, b: $v) }", json!({ "v": 5 }), r#"{"add":6}"#),
        (
            "query ($v: Int) { filter(by: { limit: $v }) }",
            json!({}),
            r#"{"filter":"name=None limit=7 colors=0 nested=() price=None"}"#,
        ),
        ("query ($v: Filter) { filter(by: $v) }", json!({}), r#"{"filter":"none"}"#),
        ("query ($v: Color) { colors(values: [$v, RED]) }", json!({}), r#"{"colors":2}"#),
    ] {
        assert_eq!(bench.data(query, variables).await, expected, "{query}");
    }
}

#[test]
fn null_is_refused_for_a_variable_that_stands_where_null_is_not_allowed() {
    let bench = Bench::new();
    for (query, given) in [
        ("query ($v: Int) { add(a: 1, b: $v) }", json!(3)),
        ("query ($v: Int = 4) { add(a: $v) }", json!(3)),
        ("query ($v: [Color] = []) { colors(values: $v) }", json!([null])),
        ("query ($v: Int = 4) { filter(by: { nested: { limit: $v } }) }", json!(3)),
        ("query ($v: Int = 4) { matrix(rows: [[1, $v]]) }", json!(3)),
        ("query ($v: Int = 4) { ...F } fragment F on Query { add(a: $v) }", json!(3)),
    ] {
        let refused = bench.prepare(query, json!({ "v": null })).expect_err(query);
        assert_eq!(refused.code(), "BAD_USER_INPUT", "{query}");
        assert!(bench.prepare(query, json!({ "v": given })).is_ok(), "{query}");
        assert!(bench.prepare(query, json!({})).is_ok(), "{query}");
    }
}

#[test]
fn scalars_of_the_schema_are_checked_before_execution() {
    let bench = Bench::new();
    let variable = "query ($v: Filter) { filter(by: $v) }";

    let refused = bench.prepare(variable, json!({ "v": { "price": true } })).expect_err("no price");
    assert_eq!(refused.code(), "BAD_USER_INPUT");
    assert_eq!(refused.errors[0].message, "Variable \"$v.price\" is not a decimal.");

    let refused = bench.prepare(variable, json!({ "v": { "price": 17 } })).expect_err("no price");
    assert_eq!(refused.errors[0].message, "Variable \"$v.price\" is not a valid Decimal.");

    let literal = "{ hello filter(by: { nested: { price: true } }) }";
    let refused = bench.prepare(literal, Value::Null).expect_err("no price");
    assert_eq!(refused.code(), "GRAPHQL_VALIDATION_FAILED");
    assert_eq!(refused.errors[0].message, "A value of type \"Decimal\" is not a decimal.");
    assert_eq!(refused.errors[0].locations[0].column, 39);

    let default = "query ($v: Decimal = true) { filter(by: { price: $v }) }";
    assert_eq!(bench.code(default), "GRAPHQL_VALIDATION_FAILED");
}

#[test]
fn a_scalar_without_a_check_is_a_fault_of_the_schema() {
    let sdl = "type Query { at: DateTime } scalar DateTime";

    let refused = DocumentFront::new(sdl, Limits::default(), Scalars::default());

    let error = refused.err().expect("nothing checks dates");
    assert!(error.to_string().contains("DateTime"), "{error}");
}

#[tokio::test]
async fn defaults_of_input_fields_are_filled_in_at_every_depth() {
    let bench = Bench::new();
    let query = "query ($v: Filter = { nested: { nested: {} } }) { filter(by: $v) }";

    let data = bench.data(query, json!({})).await;
    let sent = bench.data(query, json!({ "v": { "colors": "RED", "name": "n" } })).await;

    assert_eq!(data.matches("limit=7").count(), 3, "{data}");
    assert_eq!(sent, r#"{"filter":"name=Some(\"n\") limit=7 colors=1 nested=() price=None"}"#);
}

#[tokio::test]
async fn one_of_inputs_take_exactly_one_field() {
    let bench = Bench::new();
    let whole = "query ($by: ProductBy!) { product(by: $by) { id } }";
    let part = "query ($id: ID!) { product(by: { id: $id }) { id } }";
    let found = r#"{"product":{"id":"prod_2"}}"#;

    assert_eq!(bench.data(whole, json!({ "by": { "id": "prod_2" } })).await, found);
    assert_eq!(bench.data(whole, json!({ "by": { "slug": "product-2" } })).await, found);
    assert_eq!(bench.data(part, json!({ "id": "prod_2" })).await, found);
    for by in [
        json!({}),
        json!({ "id": null }),
        json!({ "id": "1", "slug": "a" }),
        json!({ "id": "1", "slug": null }),
        json!({ "number": 1 }),
        json!("prod_2"),
        json!(["prod_2"]),
        Value::Null,
    ] {
        let refused = bench.prepare(whole, json!({ "by": by.clone() })).expect_err("not one");
        assert_eq!(refused.code(), "BAD_USER_INPUT", "{by}");
        assert!(refused.errors[0].message.contains("$by"), "{refused}");
    }
}

#[test]
fn values_that_do_not_fit_are_refused_with_their_place() {
    let bench = Bench::new();
    let filter = "query ($f: Filter) { filter(by: $f) }";
    for (query, variables, place) in [
        ("query ($v: Int!) { add(a: $v) }", json!({}), "\"$v\""),
        ("query ($v: Int!) { add(a: $v) }", json!({ "v": null }), "\"$v\""),
        ("query ($v: Int!) { add(a: $v) }", json!({ "v": "1" }), "\"$v\""),
        ("query ($v: Int!) { add(a: $v) }", json!({ "v": true }), "\"$v\""),
        ("query ($v: Int!) { add(a: $v) }", json!({ "v": 1.5 }), "\"$v\""),
        ("query ($v: Int!) { add(a: $v) }", json!({ "v": 2_147_483_648_i64 }), "\"$v\""),
        ("query ($v: Int!) { add(a: $v) }", json!({ "v": 1e300 }), "\"$v\""),
        ("query ($v: Int!) { add(a: $v) }", json!({ "v": [1] }), "\"$v\""),
        ("query ($v: Float!) { float(value: $v) }", json!({ "v": "1" }), "\"$v\""),
        ("query ($v: String!) { text(value: $v) }", json!({ "v": 1 }), "\"$v\""),
        ("query ($v: String!) { text(value: $v) }", json!({ "v": {} }), "\"$v\""),
        ("query ($v: ID!) { id(value: $v) }", json!({ "v": 1.5 }), "\"$v\""),
        ("query ($v: ID!) { id(value: $v) }", json!({ "v": true }), "\"$v\""),
        ("query ($v: Boolean!) { hello @skip(if: $v) }", json!({ "v": "true" }), "\"$v\""),
        ("query ($v: Color!) { color(value: $v) }", json!({ "v": "BLUE" }), "\"$v\""),
        ("query ($v: Color!) { color(value: $v) }", json!({ "v": 1 }), "\"$v\""),
        ("query ($v: [Color]!) { colors(values: $v) }", json!({ "v": ["RED", 3] }), "\"$v[1]\""),
        (
            "query ($v: [[Int!]!]!) { matrix(rows: $v) }",
            json!({ "v": [[1], [2, null]] }),
            "\"$v[1][1]\"",
        ),
        (filter, json!({ "f": { "nested": { "limit": "x" } } }), "\"$f.nested.limit\""),
        (filter, json!({ "f": { "limit": null } }), "\"$f.limit\""),
        (
            filter,
            json!({ "f": { "nested": { "colors": ["RED", "NO"] } } }),
            "\"$f.nested.colors[1]\"",
        ),
        (filter, json!({ "f": { "nested": { "secret": 1 } } }), "\"$f.nested\""),
        (filter, json!({ "f": [] }), "\"$f\""),
        (filter, json!({ "f": "x" }), "\"$f\""),
        (filter, json!({ "f": { "name": "a\u{0}b" } }), "\"$f.name\""),
        (filter, json!({ "f": { "price": { "a": ["\u{0}"] } } }), "\"$f.price\""),
        (
            "query ($v: Anything!) { anything(value: $v) }",
            json!({ "v": { "a\u{0}": 1 } }),
            "\"$v\"",
        ),
    ] {
        let refused = bench.prepare(query, variables.clone()).expect_err(query);
        assert_eq!(refused.code(), "BAD_USER_INPUT", "{query} {variables}");
        assert!(refused.errors[0].message.contains(place), "{place}: {refused}");
    }
}

#[test]
fn all_variables_that_are_wrong_are_named() {
    let bench = Bench::new();
    let query = "query ($a: Int!, $b: Int!, $c: Int!) { add(a: $a, b: $b) maybe(number: $c) }";

    let refused = bench.prepare(query, json!({ "b": 1, "c": "x" })).expect_err("two are wrong");

    assert_eq!(refused.errors.len(), 2, "{refused}");
}

#[test]
fn a_refusal_repeats_no_value() {
    let bench = Bench::new();
    let query = "query ($v: Int!) { add(a: $v) }";

    let refused = bench.prepare(query, json!({ "v": "hunter2" })).expect_err("no number");

    assert!(!refused.to_string().contains("hunter2"), "{refused}");
}

#[test]
fn deep_and_wide_variables_are_refused() {
    let bench = Bench::new();
    let anything = "query ($v: Anything!) { anything(value: $v) }";
    let filter = "query ($v: Filter!) { filter(by: $v) }";
    let colors = "query ($v: [Color]!) { colors(values: $v) }";
    for (query, value) in [
        (anything, nested_list(100)),
        (filter, nested_filter(100)),
        (filter, json!({ "price": nested_list(100) })),
        (colors, json!(vec!["RED"; 30_000])),
        (anything, json!(vec![1; 30_000])),
        (anything, json!(vec![json!({ "a": 1 }); 15_000])),
        (colors, nested_list(100)),
    ] {
        let refused = bench.prepare(query, json!({ "v": value })).expect_err(query);
        assert_eq!(refused.code(), "BAD_USER_INPUT", "{query}");
    }
    assert!(bench.prepare(anything, json!({ "v": nested_list(20) })).is_ok());
    assert!(bench.prepare(colors, json!({ "v": vec!["RED"; 10_000] })).is_ok());
}

#[test]
fn all_variables_share_one_bound_of_values() {
    let bench = Bench::with(Limits { variable_values: 10, ..Limits::default() });
    let query = "query ($a: Anything!, $b: Anything!) { anything(value: [$a, $b]) }";

    assert!(bench.prepare(query, json!({ "a": [1, 2, 3, 4], "b": [1, 2, 3, 4] })).is_ok());
    let refused = bench.prepare(query, json!({ "a": [1, 2, 3, 4], "b": [1, 2, 3, 4, 5] }));
    assert_eq!(refused.expect_err("eleven values").code(), "BAD_USER_INPUT");
}

#[tokio::test]
async fn variables_that_the_operation_does_not_define_are_ignored() {
    let bench = Bench::new();

    let prepared = bench.prepare("{ hello }", json!({ "stranger": nested_list(60) }));

    assert!(prepared.expect("good").request.variables.is_empty());
}

#[tokio::test]
async fn custom_scalars_pass_as_they_were_sent() {
    let bench = Bench::new();
    let query = "query ($v: Anything!) { anything(value: $v) }";

    let body = format!(
        r#"{{"query":"{query}","variables":{{"v":{{"z":[1,2.5,"x",null,true,{{"b":1,"a":2}}]}}}}}}"#
    );
    let params: GraphqlParams = serde_json::from_str(&body).expect("read");
    let prepared = bench.front.prepare(params, Transport::Post, Access::GUEST).expect("good");
    let response = bench.shop.execute(prepared.request).await;
    let data = serde_json::to_string(&response.data).expect("JSON");

    assert_eq!(data, r#"{"anything":{"z":[1,2.5,"x",null,true,{"b":1,"a":2}]}}"#);
}
