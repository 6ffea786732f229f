//! Whatever bytes arrive, the front answers with a decision, and what it lets through the engine
//! can execute.

use std::sync::LazyLock;

use futures::executor::block_on;
use proptest::prelude::{Just, Strategy, any, proptest};
use proptest::prop_oneof;
use proptest::test_runner::Config;
use serde_json::{Value, json};

use crate::graphql::document::tests::Bench;

static BENCH: LazyLock<Bench> = LazyLock::new(Bench::new);

/// Prepares and, if that succeeds, executes.
fn send(document: &str, variables: Value) {
    match BENCH.prepare(document, variables) {
        Err(refused) => {
            assert!(!refused.errors.is_empty());
            assert!(!refused.code().is_empty());
        }
        Ok(prepared) => {
            assert!(prepared.cost >= 1);
            let response = block_on(BENCH.shop.execute(prepared.request));
            for error in response.errors {
                let internal = ["Cannot query field", "is not defined", "Unknown fragment"];
                assert!(
                    !internal.iter().any(|part| error.message.contains(part)),
                    "{document}: {}",
                    error.message
                );
            }
        }
    }
}

/// Pieces of GraphQL, so that random sequences come close to documents.
const WORDS: &str = r#"
    { } ( ) [ ] : ! $ @ = ... | & , # " """ \ query mutation subscription fragment on true false
    null hello add a b product by id products first nodes node search Product Query Node F $v Int
    1 -1 1.5 1e9 2147483648 "x" \u{ \uD83D __typename __schema ...F (first:2) related{id} é 😀
"#;
const PHRASES: [&str; 9] = [
    "\n",
    "\r",
    "\u{feff}",
    "\0",
    "@skip(if: $v)",
    "@include(if: true)",
    "{ hello }",
    "fragment F on Query { hello }",
    "query ($v: Boolean!) {",
];

fn piece() -> impl Strategy<Value = String> {
    let pieces: Vec<&str> = WORDS.split_ascii_whitespace().chain(PHRASES).collect();
    prop_oneof![
        8 => proptest::sample::select(pieces).prop_map(str::to_owned),
        1 => any::<String>(),
    ]
}

/// Selections that are nearly valid on `Product`, to some depth.
fn selections() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just("id".to_owned()),
        Just("name".to_owned()),
        Just("x: name".to_owned()),
        Just("x: brand".to_owned()),
        Just("__typename".to_owned()),
        Just("...F".to_owned()),
        Just("id @skip(if: $v)".to_owned()),
        Just("price(factor: $n) { amount }".to_owned()),
        Just("price { currency @include(if: $v) }".to_owned()),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        let several = proptest::collection::vec(inner, 1..4).prop_map(|parts| parts.join(" "));
        prop_oneof![
            several.clone().prop_map(|s| format!("related {{ {s} }}")),
            several.clone().prop_map(|s| format!("variants(first: $n) {{ nodes {{ {s} }} }}")),
            several.clone().prop_map(|s| format!("... on Node {{ id ... on Product {{ {s} }} }}")),
            several.clone().prop_map(|s| format!("... @include(if: $v) {{ {s} }}")),
            several.prop_map(|s| format!("... on Hit {{ ... on Product {{ {s} }} }}")),
        ]
    })
}

proptest! {
    #![proptest_config(Config { failure_persistence: None, ..Config::default() })]

    #[test]
    fn random_text_never_panics(text in any::<String>()) {
        send(&text, Value::Null);
    }

    #[test]
    fn random_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        send(&String::from_utf8_lossy(&bytes), Value::Null);
    }

    #[test]
    fn near_graphql_never_panics(pieces in proptest::collection::vec(piece(), 0..40)) {
        send(&pieces.join(" "), json!({ "v": true }));
        send(&pieces.concat(), json!({ "v": 1 }));
    }

    #[test]
    fn what_passes_can_be_executed(
        parts in proptest::collection::vec(selections(), 1..4),
        include in any::<bool>(),
        rows in any::<i32>(),
    ) {
        let parts = parts.join(" ");
        let document = format!(
            "query ($v: Boolean!, $n: Int) {{ product(by: {{ id: \"prod_1\" }}) {{ {parts} }} \
             search {{ ... on Node {{ ...G }} ... on Product {{ {parts} }} }} }} \
             fragment F on Product {{ name variants(last: $n) {{ totalCount }} }} \
             fragment G on Node {{ __typename ... on Product {{ ...F {parts} }} }}"
        );
        send(&document, json!({ "v": include, "n": rows }));
        send(&document, json!({ "v": include }));
    }

    #[test]
    fn random_variables_never_panic(
        text in any::<String>(),
        number in any::<f64>(),
        depth in 0..60_usize,
    ) {
        let wrap = |inner, _| json!({ "nested": inner, "name": number });
        let deep = (0..depth).fold(json!(text), wrap);
        for ty in ["Filter", "Anything!", "[[Int!]!]!", "ID!", "Color!", "ProductBy!", "Float!"] {
            let document = format!("query ($v: {ty}) {{ anything(value: $v) filter(by: $v) }}");
            send(&document, json!({ "v": deep }));
        }
        send("query ($v: Filter) { filter(by: $v) }", json!({ "v": deep }));
        send("query ($v: Anything!) { anything(value: $v) }", json!({ "v": deep }));
    }
}
