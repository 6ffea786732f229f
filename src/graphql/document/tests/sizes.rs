//! Costs and budgets, and that what clients really send stays within the limits.

use serde_json::{Value, json};

use crate::graphql::document::tests::Bench;
use crate::graphql::document::{Access, Budget, GraphqlParams, Limits, Transport};

fn cost(bench: &Bench, query: &str, variables: Value) -> u32 {
    bench.prepare(query, variables).expect(query).cost
}

#[test]
fn a_page_costs_its_rows() {
    let bench = Bench::new();
    let page = |arguments: &str| format!("{{ products{arguments} {{ nodes {{ id }} }} }}");

    // One for the connection, one a row.
    assert_eq!(cost(&bench, &page(""), Value::Null), 1 + 20);
    assert_eq!(cost(&bench, &page("(first: null)"), Value::Null), 1 + 20);
    assert_eq!(cost(&bench, &page("(first: 5)"), Value::Null), 1 + 5);
    assert_eq!(cost(&bench, &page("(last: 7)"), Value::Null), 1 + 7);
    assert_eq!(cost(&bench, &page("(first: 5, last: 7)"), Value::Null), 1 + 7);
    assert_eq!(cost(&bench, &page("(first: 0)"), Value::Null), 1 + 1);
    assert_eq!(cost(&bench, &page("(first: -1)"), Value::Null), 1 + 1);
    assert_eq!(cost(&bench, &page("(first: 2147483647)"), Value::Null), 1 + 100);
}

#[test]
fn a_page_costs_the_same_through_a_variable() {
    let bench = Bench::new();
    let query = "query ($n: Int, $m: Int) { products(first: $n, last: $m) { nodes { id } } }";
    for (variables, rows) in [
        (json!({}), 20),
        (json!({ "n": null }), 20),
        (json!({ "n": 5 }), 5),
        (json!({ "n": 5, "m": 9 }), 9),
        (json!({ "n": 0 }), 1),
        (json!({ "n": -2147483648 }), 1),
        (json!({ "n": 2147483647 }), 100),
    ] {
        assert_eq!(cost(&bench, query, variables.clone()), 1 + rows, "{variables}");
    }
    let query = "query ($n: Int = 50) { products(first: $n) { nodes { id } } }";
    assert_eq!(cost(&bench, query, json!({})), 1 + 50);
}

#[test]
fn nested_pages_multiply_and_parts_of_an_object_are_free() {
    let bench = Bench::new();
    let query = "query ($n: Int) { products(first: 10) { totalCount pageInfo { hasNextPage }
        edges { cursor node { id price { amount currency }
            variants(first: $n) { nodes { id } } } } } }";

    // Ten edges, each with a node, a connection and its rows.
    assert_eq!(cost(&bench, query, json!({ "n": 3 })), 1 + 10 * (1 + 1 + 1 + 3));
    assert_eq!(cost(&bench, query, json!({})), 1 + 10 * (1 + 1 + 1 + 20));
}

#[test]
fn a_plain_list_is_charged_for_an_assumed_length() {
    let bench = Bench::new();
    let query = "{ product(by: { id: 1 }) { related { id related { id } } } }";

    // The product, its list, five products, each with a list of five.
    assert_eq!(cost(&bench, query, Value::Null), 1 + 1 + 5 * (1 + 1 + 5));
}

#[test]
fn objects_asked_by_their_ids_are_counted() {
    let bench = Bench::new();
    let literal = "{ nodes(ids: [1, 2, 3]) { ... on Product { variants { nodes { id } } } } }";
    let variable = "query ($ids: [ID!]!) { nodes(ids: $ids) { id } }";

    assert_eq!(cost(&bench, literal, Value::Null), 1 + 3 * (1 + 21));
    assert_eq!(cost(&bench, variable, json!({ "ids": vec!["a"; 500] })), 1 + 500);
    assert_eq!(cost(&bench, variable, json!({ "ids": "a" })), 1 + 1);
    let refused = bench.prepare(variable, json!({ "ids": vec!["a"; 15_000] }));
    assert_eq!(refused.expect_err("too many").code(), "QUERY_TOO_COMPLEX");
}

#[test]
fn the_cost_of_a_fragment_counts_wherever_it_is_spread_and_merged_fields_once() {
    let bench = Bench::new();
    let fragment = "fragment P on ProductConnection { nodes { id } }";
    let once = format!("{{ products {{ ...P ...P nodes {{ name }} }} }} {fragment}");
    let twice = format!("{{ products {{ ...P }} b: products {{ ...P }} }} {fragment}");

    assert_eq!(cost(&bench, &once, Value::Null), 21);
    assert_eq!(cost(&bench, &twice, Value::Null), 42);
}

#[test]
fn what_a_condition_leaves_out_costs_nothing() {
    let bench = Bench::new();
    let query = "query ($all: Boolean!) { hello products @include(if: $all) { nodes { id } } }";

    assert_eq!(cost(&bench, query, json!({ "all": true })), 21);
    assert_eq!(cost(&bench, query, json!({ "all": false })), 1);
}

#[test]
fn only_the_dearest_kind_of_an_object_counts() {
    let bench = Bench::new();
    let query =
        "{ node(id: 1) { ... on Product { variants { nodes { id } } } ... on Category { id } } }";

    assert_eq!(cost(&bench, query, Value::Null), 1 + 21);
}

#[test]
fn guests_and_users_have_budgets_of_their_own() {
    let bench = Bench::with(Limits { cost_guest: 20, cost_signed_in: 21, ..Limits::default() });
    let send = |budget| {
        let params = GraphqlParams {
            query: Some("{ products { nodes { id } } }".to_owned()),
            ..GraphqlParams::default()
        };
        let access = Access { budget, introspection: false };
        bench.front.prepare(params, Transport::Post, access)
    };

    assert_eq!(send(Budget::Guest).expect_err("21 of 20").code(), "QUERY_TOO_COMPLEX");
    assert_eq!(send(Budget::SignedIn).expect("21 of 21").cost, 21);
}

#[test]
fn a_cost_beyond_all_numbers_is_refused_and_not_wrapped() {
    let limits =
        Limits { depth: 1_000, page_highest: u32::MAX, cost_guest: u32::MAX, ..Limits::default() };
    let bench = Bench::with(limits);
    let open = "variants(first: 1073741824) { nodes { ";
    let document =
        format!("{{ product(by: {{ id: 1 }}) {{ {} id {} }} }}", open.repeat(6), "} }".repeat(6));

    assert_eq!(bench.code(&document), "QUERY_TOO_COMPLEX");
}

#[test]
fn figures_of_an_operation_are_those_that_are_executed() {
    let bench = Bench::new();
    let query = "query ($s: Boolean!) { b: add(a: 1) hello @skip(if: $s) ...F b: add(a: 1) } \
                 fragment F on Query { product(by: { id: 1 }) { id related { id } } }";

    let prepared = bench.prepare(query, json!({ "s": true })).expect("good");

    assert_eq!(prepared.root_fields, ["add", "product"]);
    assert_eq!(prepared.fields, 5);
}

#[test]
fn documents_at_the_limits_pass() {
    let bench = Bench::new();
    let roots: String = (0..10).map(|n| format!("a{n}: hello ")).collect();
    let deep = format!("{}id{}", "related { ".repeat(5), " }".repeat(5));
    for document in [
        format!("{{ {roots} }}"),
        format!("{{ product(by: {{ id: 1 }}) {{ {deep} }} }}"),
        format!("{{ text(value: \"{}\") }}", "é".repeat(14_900)),
        format!("{{ {} }}", "...F ".repeat(9)) + "fragment F on Query { hello }",
        format!("{{ anything(value: {}1{}) }}", "[".repeat(38), "]".repeat(38)),
        "{ products(first: 99) { nodes { id variants(first: 98) { nodes { id name price { \
         amount currency } } } } } }"
            .to_owned(),
    ] {
        let prepared = bench.prepare(&document, Value::Null);
        assert!(prepared.is_ok(), "{document}: {}", prepared.expect_err("refused"));
    }
}
