//! Documents that try to occupy or crash the process, and documents that are merely wrong: each
//! is refused with its code before the engine sees it.

use std::fmt::Write;

use serde_json::{Value, json};

use crate::graphql::document::tests::Bench;
use crate::graphql::document::{Limits, RefusalKind};

const PARSE: &str = "GRAPHQL_PARSE_FAILED";
const INVALID: &str = "GRAPHQL_VALIDATION_FAILED";
const COMPLEX: &str = "QUERY_TOO_COMPLEX";
const INPUT: &str = "BAD_USER_INPUT";
const OPERATION: &str = "OPERATION_RESOLUTION_FAILURE";

fn nested(open: &str, inner: &str, close: &str, depth: usize) -> String {
    format!("{}{inner}{}", open.repeat(depth), close.repeat(depth))
}

/// Each fragment spreads the next `width` times: `width^depth` fields in a few hundred bytes.
fn bomb(depth: usize, width: usize, last: &str) -> String {
    let mut text = String::from("{ ...F0 }");
    for at in 0..depth {
        let next = format!("...F{} ", at + 1).repeat(width);
        write!(text, " fragment F{at} on Query {{ {next} }}").expect("a string takes it");
    }
    write!(text, " fragment F{depth} on Query {{ {last} }}").expect("a string takes it");
    text
}

/// Fragments on two interfaces in turn, so that none can be dissolved.
fn interface_chain(length: usize) -> String {
    let mut text = String::from("{ node(id: 1) { ...F0 } }");
    for at in 0..length {
        let on = if at % 2 == 0 { "Node" } else { "Branded" };
        write!(text, " fragment F{at} on {on} {{ ...F{} }}", at + 1).expect("a string takes it");
    }
    text + &format!(" fragment F{length} on Product {{ id }}")
}

fn hostile_documents() -> Vec<(&'static str, String, &'static str)> {
    let products = |size: &str| {
        format!(
            "{{ products({size}) {{ nodes {{ variants({size}) {{ nodes {{ variants({size}) {{ \
             nodes {{ id }} }} }} }} }} }} }}"
        )
    };
    let many = |count: usize, each: fn(usize) -> String| -> String {
        (0..count).map(each).collect::<Vec<_>>().join(" ")
    };
    vec![
        ("a deep list literal", format!("{{ anything(value: {}) }}", nested("[", "1", "]", 1_000)), COMPLEX),
        ("a deep object literal", format!("{{ anything(value: {}) }}", nested("{a:", "1", "}", 1_000)), COMPLEX),
        ("deep selections", nested("{ a ", "", "}", 500), COMPLEX),
        ("selections that never close", "{a".repeat(3_000), COMPLEX),
        ("lists that never close", format!("{{ a(b: {}", "[".repeat(10_000)), COMPLEX),
        ("parentheses that never close", "(".repeat(10_000), COMPLEX),
        ("a deep variable type", format!("query ($v: {}) {{ hello }}", nested("[", "Int", "]", 100)), COMPLEX),
        ("a deep default", format!("query ($v: Anything = {}) {{ anything(value: $v) }}", nested("[", "1", "]", 60)), COMPLEX),
        ("deep inline fragments", nested("{ ... ", "{ hello }", "}", 100), COMPLEX),
        ("nesting behind a string that never closes", format!("{{ text(value: \"abc\n{}", "[".repeat(9_000)), COMPLEX),
        ("nesting behind an escaped line end", format!("{{ text(value: \"abc\\\n{}", "[".repeat(9_000)), COMPLEX),
        ("nesting behind a comment that ends with a carriage return", format!("# x\r{}", "{a ".repeat(400)), COMPLEX),
        ("a fragment bomb", bomb(30, 10, "hello"), COMPLEX),
        ("a narrow fragment bomb", bomb(60, 2, "hello"), COMPLEX),
        ("a fragment bomb without fields", bomb(60, 2, ""), COMPLEX),
        ("a fragment bomb that nothing spreads", format!("{{ hello }} {}", bomb(60, 2, "hello").trim_start_matches("{ ...F0 }")), COMPLEX),
        ("a fragment bomb in a second operation", format!("query A {{ hello }} query B {}", bomb(60, 2, "hello")), COMPLEX),
        ("a fragment bomb in inline fragments", bomb(30, 1, "hello").replace("...F", "... { ...F0x } ...F").replace("F0x", "F30"), COMPLEX),
        ("a bomb of nested objects", "{ node(id: 1) { ...A } } fragment A on Product { related { ...B ...B ...B ...B ...B ...B ...B ...B } } \
            fragment B on Product { related { ...C ...C ...C ...C ...C ...C ...C ...C } } \
            fragment C on Product { related { ...D ...D ...D ...D ...D ...D ...D ...D } } \
            fragment D on Product { related { ...E ...E ...E ...E ...E ...E ...E ...E } } \
            fragment E on Product { id name brand }".to_owned(), COMPLEX),
        ("a fragment that spreads itself", "{ ...A } fragment A on Query { ...A }".to_owned(), INVALID),
        ("fragments that spread each other", "{ ...A } fragment A on Query { hello ...B } fragment B on Query { ...C } fragment C on Query { ...A }".to_owned(), INVALID),
        ("a cycle that nothing spreads", "{ hello } fragment A on Query { ...B } fragment B on Query { ...A }".to_owned(), INVALID),
        ("a cycle through fields", "{ product(by: {id: 1}) { ...P } } fragment P on Product { related { ...P } }".to_owned(), INVALID),
        ("a cyclic bomb", bomb(60, 2, "...F0 ...F0"), COMPLEX),
        ("ten thousand aliases", format!("{{ {} }}", (0..3_000).map(|n| format!("a{n}:hello")).collect::<Vec<_>>().join(" ")), COMPLEX),
        ("more aliases than allowed", format!("{{ product(by: {{id: 1}}) {{ {} }} }}", many(16, |n| format!("a{n}: name"))), COMPLEX),
        ("aliases inside a fragment spread often", "{ a: product(by: {id: 1}) { ...P related { ...P } } } fragment P on Product { a: id b: id c: id d: id e: id f: id g: id h: id }".to_owned(), COMPLEX),
        ("more root fields than allowed", format!("{{ {} }}", many(11, |n| format!("a{n}: hello"))), COMPLEX),
        ("root fields repeated", format!("{{ {} }}", "hello ".repeat(11)), COMPLEX),
        ("root fields hidden in fragments", "{ ...F ...F ...F ...F } fragment F on Query { hello runs __typename }".to_owned(), COMPLEX),
        ("two attempts in one request", "mutation { a: tokenCreate { runs } b: tokenCreate { runs } }".to_owned(), COMPLEX),
        ("two attempts in fragments", "mutation { ...F ...F } fragment F on Mutation { tokenCreate { runs } }".to_owned(), COMPLEX),
        ("too deep fields", format!("{{ product(by: {{id: 1}}) {} }}", nested("{ related ", "{ id }", "}", 20)), COMPLEX),
        ("too deep fields through fragments", {
            let mut text = String::from("{ product(by: {id: 1}) { ...F0 } }");
            for at in 0..30 {
                write!(text, " fragment F{at} on Product {{ related {{ ...F{} }} }}", at + 1).expect("a string takes it");
            }
            text + " fragment F30 on Product { id }"
        }, COMPLEX),
        ("a flood of directives", format!("{{ hello {} }}", "@a ".repeat(600)), COMPLEX),
        ("directives on many fields", format!("{{ product(by: {{id: 1}}) {{ {} }} }}", "id @skip(if: false) ".repeat(60)), COMPLEX),
        ("directives on an operation", format!("query {} {{ hello }}", "@x ".repeat(6)), COMPLEX),
        ("directives on variables", format!("query ($a: Int {}) {{ maybe(number: $a) }}", "@x ".repeat(6)), COMPLEX),
        ("more tokens than allowed", format!("{{ hello {} }}", "a ".repeat(2_000)), COMPLEX),
        ("a huge name", format!("{{ {} }}", "a".repeat(14_000)), INVALID),
        ("a name longer than a document may be", format!("{{ {} }}", "a".repeat(15_000)), COMPLEX),
        ("a string of a megabyte", format!("{{ text(value: \"{}\") }}", "x".repeat(1 << 20)), COMPLEX),
        ("a comment of a megabyte", format!("#{}\n{{ hello }}", "x".repeat(1 << 20)), COMPLEX),
        ("a flood of comments", format!("{}{{ hello }}", "#\n".repeat(8_000)), COMPLEX),
        ("a flood of byte order marks", "\u{feff}".repeat(16_000), COMPLEX),
        ("a flood of commas", format!("{{ hello {} }}", ",".repeat(20_000)), COMPLEX),
        ("characters of four bytes", format!("{{ text(value: \"{}\") }}", "😀".repeat(15_000)), COMPLEX),
        ("a huge whole number", format!("{{ add(a: {}) }}", "9".repeat(10_000)), INVALID),
        ("a huge exponent", "{ float(value: 1e999999999) }".to_owned(), INVALID),
        ("a huge number for a custom scalar", "{ anything(value: 1e400) }".to_owned(), INVALID),
        ("a number beyond 32 bits", "{ add(a: 2147483648) }".to_owned(), INVALID),
        ("nested pages of a thousand million", products("first: 1073741824"), COMPLEX),
        ("nested pages of minus one", products("first: -1, last: 2147483647"), COMPLEX),
        ("nested pages at the highest size", products("first: 100"), COMPLEX),
        ("nested last pages", products("last: 100"), COMPLEX),
        ("nested lists without pages", format!("{{ product(by: {{id: 1}}) {} }}", nested("{ related ", "{ id }", "}", 8)), COMPLEX),
        ("fragments on interfaces that nest without fields", interface_chain(90), COMPLEX),
        ("introspection that nests", "{ __schema { types { fields { type { fields { type { fields { name } } } } } } } }".to_owned(), COMPLEX),
        ("introspection that nests in fragments", "{ __schema { types { ...A } } } fragment A on __Type { fields { type { ...B } } } fragment B on __Type { fields { type { ...C } } } fragment C on __Type { fields { name } }".to_owned(), COMPLEX),
        ("introspection that nests in interfaces", "{ __type(name: \"Node\") { possibleTypes { interfaces { possibleTypes { name } } } } }".to_owned(), COMPLEX),
        ("no text", String::new(), PARSE),
        ("only white space", " ,\n\t".to_owned(), PARSE),
        ("only a comment", "# { hello }".to_owned(), PARSE),
        ("a block string that never closes", "{ text(value: \"\"\"abc) }".to_owned(), PARSE),
        ("a string that never closes", "{ text(value: \"abc) }".to_owned(), PARSE),
        ("a string over two lines", "{ text(value: \"a\nb\") }".to_owned(), PARSE),
        ("an unknown escape", r#"{ text(value: "\x41") }"#.to_owned(), PARSE),
        ("a unicode escape beyond unicode", r#"{ text(value: "\u{110000}") }"#.to_owned(), PARSE),
        ("an endless unicode escape", format!("{{ text(value: \"\\u{{{}}}\") }}", "1".repeat(10_000)), PARSE),
        ("half a surrogate pair", r#"{ text(value: "\uD83D") }"#.to_owned(), PARSE),
        ("a surrogate in braces", r#"{ text(value: "\u{D83D}") }"#.to_owned(), PARSE),
        ("a short unicode escape", r#"{ text(value: "\u12") }"#.to_owned(), PARSE),
        ("a leading zero", "{ add(a: 01) }".to_owned(), PARSE),
        ("a number that runs into a name", "{ add(a: 1x) }".to_owned(), PARSE),
        ("a NUL byte as a token", "{ hello \0 }".to_owned(), PARSE),
        ("closing what was never opened", "}".repeat(1_000), PARSE),
        ("a word", "garbage".to_owned(), PARSE),
        ("U+0000 in a literal", r#"{ text(value: "a\u0000b") }"#.to_owned(), INPUT),
        ("U+0000 in a default", r#"query ($v: String = "\u{0}") { text(value: $v) }"#.to_owned(), INPUT),
        ("U+0000 deep in a literal", r#"{ anything(value: [{ a: ["\u0000"] }]) }"#.to_owned(), INPUT),
        ("definitions of a schema", "type Query { hello: String }".to_owned(), INVALID),
        ("an extension beside a query", "{ hello } extend type Query { x: Int }".to_owned(), INVALID),
        ("a fragment alone", "fragment F on Query { hello }".to_owned(), INVALID),
        ("an empty selection", "{ products { } }".to_owned(), PARSE),
    ]
}

#[test]
fn hostile_documents_are_refused_with_their_code() {
    let bench = Bench::new();
    for (what, document, expected) in hostile_documents() {
        assert_eq!(bench.code(&document), expected, "{what}");
    }
}

#[test]
fn every_refusal_of_a_document_has_a_short_message() {
    let bench = Bench::new();
    for (what, document, _) in hostile_documents() {
        let refused = bench.prepare(&document, Value::Null).expect_err(what);
        assert!(!refused.errors.is_empty(), "{what}");
        for error in refused.errors {
            assert!(!error.message.is_empty(), "{what}");
            assert!(error.message.len() < 500, "{what}: {}", error.message);
        }
    }
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
fn names_are_proposed_only_where_that_is_wanted() {
    let open = Bench::new();
    let closed = Bench::with(Limits { suggestions: false, ..Limits::default() });

    let proposed = open.prepare("{ helo }", Value::Null).expect_err("unknown");
    let silent = closed.prepare("{ helo }", Value::Null).expect_err("unknown");

    assert!(proposed.errors[0].message.contains("Did you mean \"hello\"?"), "{proposed}");
    assert!(!silent.errors[0].message.contains("hello"), "{silent}");
}
