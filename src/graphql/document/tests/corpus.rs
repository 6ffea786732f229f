//! Documents that try to occupy or crash the process, and texts that are no GraphQL, by the code
//! that must refuse them.

use std::fmt::Write;

/// What a document tries, and its text.
pub type Attempt = (&'static str, String);

fn nested(open: &str, inner: &str, close: &str, depth: usize) -> String {
    format!("{}{inner}{}", open.repeat(depth), close.repeat(depth))
}

fn value(literal: &str) -> String {
    format!("{{ anything(value: {literal}) }}")
}

fn product(selections: &str) -> String {
    format!("{{ product(by: {{ id: 1 }}) {{ {selections} }} }}")
}

fn many(count: usize, each: impl Fn(usize) -> String) -> String {
    (0..count).map(each).collect::<Vec<_>>().join(" ")
}

/// Each fragment spreads the next `width` times: `width^depth` fields in a few hundred bytes.
fn bomb(depth: usize, width: usize, last: &str) -> String {
    let fragments = bomb_fragments(depth, width, last);
    format!("{{ ...F0 }} {fragments}")
}

fn bomb_fragments(depth: usize, width: usize, last: &str) -> String {
    let mut text = String::new();
    for at in 0..depth {
        let next = format!("...F{} ", at + 1).repeat(width);
        write!(text, " fragment F{at} on Query {{ {next} }}").expect("a string takes it");
    }
    text + &format!(" fragment F{depth} on Query {{ {last} }}")
}

/// Each fragment selects lists whose items spread the next fragment `width` times.
fn list_bomb(depth: usize, width: usize) -> String {
    let mut text = product("...F0");
    for at in 0..depth {
        let next = format!("...F{} ", at + 1).repeat(width);
        write!(text, " fragment F{at} on Product {{ related {{ {next} }} }}")
            .expect("a string takes it");
    }
    text + &format!(" fragment F{depth} on Product {{ id name brand }}")
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

/// Documents that are too much, by nesting, expansion, number, size or cost.
pub fn too_complex() -> Vec<Attempt> {
    [nesting(), expansion(), numbers(), sizes(), costs()].concat()
}

fn nesting() -> Vec<Attempt> {
    let open_lists = "[".repeat(9_000);
    let deep_type = nested("[", "Int", "]", 100);
    let deep_list = nested("[", "1", "]", 60);
    vec![
        ("a deep list literal", value(&nested("[", "1", "]", 1_000))),
        ("a deep object literal", value(&nested("{a:", "1", "}", 1_000))),
        ("deep selections", nested("{ a ", "", "}", 500)),
        ("selections that never close", "{a".repeat(3_000)),
        ("lists that never close", format!("{{ a(b: {open_lists}")),
        ("parentheses that never close", "(".repeat(10_000)),
        ("a deep variable type", format!("query ($v: {deep_type}) {{ hello }}")),
        ("a deep default", format!("query ($v: Anything = {deep_list}) {{ hello }}")),
        ("deep inline fragments", nested("{ ... ", "{ hello }", "}", 100)),
        ("nesting behind a string that never closes", format!("{{ text(value: \"a\n{open_lists}")),
        ("nesting behind an escaped line end", format!("{{ text(value: \"a\\\n{open_lists}")),
        ("nesting behind a comment with a carriage return", format!("# x\r{}", "{a ".repeat(400))),
        ("too deep fields", product(&nested("related { ", "id", "}", 20))),
        ("too deep fields through fragments", list_bomb(30, 1)),
        ("fragments on interfaces that nest without fields", interface_chain(90)),
    ]
}

fn expansion() -> Vec<Attempt> {
    let unused = bomb_fragments(60, 2, "hello");
    vec![
        ("a fragment bomb", bomb(30, 10, "hello")),
        ("a narrow fragment bomb", bomb(60, 2, "hello")),
        ("a fragment bomb without fields", bomb(60, 2, "")),
        ("a fragment bomb that nothing spreads", format!("{{ hello }} {unused}")),
        (
            "a bomb in a second operation",
            format!("query A {{ hello }} query B {{ ...F0 }} {unused}"),
        ),
        (
            "a bomb in inline fragments",
            bomb(60, 2, "hello").replace("...F", "... @x { hello } ...F"),
        ),
        ("a bomb of nested lists", list_bomb(4, 8)),
        ("a cyclic bomb", bomb(60, 2, "...F0 ...F0")),
    ]
}

fn numbers() -> Vec<Attempt> {
    let attempt = "tokenCreate { runs }";
    let spread_aliases = product("...P related { ...P }")
        + &format!(" fragment P on Product {{ {} }}", many(8, |n| format!("a{n}: id")));
    vec![
        ("a flood of aliases", format!("{{ {} }}", many(600, |n| format!("a{n}: hello")))),
        ("more aliases than allowed", product(&many(16, |n| format!("a{n}: name")))),
        ("aliases inside a fragment spread often", spread_aliases),
        (
            "more root fields than allowed",
            format!("{{ {} }}", many(11, |n| format!("a{n}: hello"))),
        ),
        ("root fields repeated", format!("{{ {} }}", "hello ".repeat(11))),
        (
            "root fields hidden in fragments",
            "{ ...F ...F ...F ...F } fragment F on Query { hello runs __typename }".to_owned(),
        ),
        ("two attempts in one request", format!("mutation {{ a: {attempt} b: {attempt} }}")),
        (
            "two attempts in fragments",
            format!("mutation {{ ...F ...F }} fragment F on Mutation {{ {attempt} }}"),
        ),
        ("a flood of directives", format!("{{ hello {} }}", "@a ".repeat(600))),
        ("directives on many fields", product(&"id @skip(if: false) ".repeat(60))),
        ("directives on an operation", format!("query {} {{ hello }}", "@x ".repeat(6))),
        ("directives on variables", format!("query ($a: Int {}) {{ hello }}", "@x ".repeat(6))),
        ("directives on a fragment", format!("{{ ...F {} }}", "@x ".repeat(6))),
    ]
}

fn sizes() -> Vec<Attempt> {
    let text = |inner: String| format!("{{ text(value: \"{inner}\") }}");
    vec![
        ("more tokens than allowed", format!("{{ hello {} }}", "a ".repeat(2_000))),
        ("a name longer than a document may be", format!("{{ {} }}", "a".repeat(15_000))),
        ("a string of a megabyte", text("x".repeat(1 << 20))),
        ("a comment of a megabyte", format!("#{}\n{{ hello }}", "x".repeat(1 << 20))),
        ("a flood of comments", format!("{}{{ hello }}", "#\n".repeat(8_000))),
        ("a flood of byte order marks", "\u{feff}".repeat(16_000)),
        ("a flood of commas", format!("{{ hello {} }}", ",".repeat(20_000))),
        ("characters of four bytes", text("😀".repeat(15_000))),
    ]
}

fn costs() -> Vec<Attempt> {
    let pages = |size: &str| {
        let open = format!("variants({size}) {{ nodes {{ ");
        product(&nested(&open, "id", "} }", 3))
    };
    let list_fragments = "{ __schema { types { ...A } } } \
        fragment A on __Type { fields { type { ...B } } } \
        fragment B on __Type { fields { type { ...C } } } \
        fragment C on __Type { fields { name } }";
    let interfaces = "{ __type(name: \"Node\") { possibleTypes { interfaces { \
        possibleTypes { name } } } } }";
    vec![
        ("nested pages of a thousand million", pages("first: 1073741824")),
        ("nested pages of minus one", pages("first: -1, last: 2147483647")),
        ("nested pages at the highest size", pages("first: 100")),
        ("nested last pages", pages("last: 100")),
        ("nested lists without pages", product(&nested("related { ", "id", "}", 8))),
        (
            "introspection that nests",
            format!(
                "{{ __schema {{ types {{ {} }} }} }}",
                nested("fields { type {", "name", "}}", 3)
            ),
        ),
        ("introspection that nests in fragments", list_fragments.to_owned()),
        ("introspection that nests in interfaces", interfaces.to_owned()),
    ]
}

/// Texts that are no GraphQL.
pub fn not_graphql() -> Vec<Attempt> {
    let escapes = [
        ("an unknown escape", r"\x41"),
        ("a unicode escape beyond unicode", r"\u{110000}"),
        ("half a surrogate pair", r"\uD83D"),
        ("a surrogate in braces", r"\u{D83D}"),
        ("a short unicode escape", r"\u12"),
        ("a string over two lines", "a\nb"),
    ];
    let escapes = escapes.map(|(what, text)| (what, format!("{{ text(value: \"{text}\") }}")));
    let endless = format!("{{ text(value: \"\\u{{{}}}\") }}", "1".repeat(10_000));
    let texts = [
        ("no text", ""),
        ("only white space", " ,\n\t"),
        ("only a comment", "# { hello }"),
        ("a block string that never closes", "{ text(value: \"\"\"abc) }"),
        ("a string that never closes", "{ text(value: \"abc) }"),
        ("a leading zero", "{ add(a: 01) }"),
        ("a number that runs into a name", "{ add(a: 1x) }"),
        ("a NUL byte as a token", "{ hello \0 }"),
        ("a word", "garbage"),
        ("an empty selection", "{ products { } }"),
        ("an empty operation", "query { }"),
        ("an empty inline fragment", "{ hello ... on Query { } }"),
        ("an empty fragment", "{ ...F } fragment F on Query { }"),
    ];
    let texts = texts.map(|(what, text)| (what, text.to_owned()));
    let others = [
        ("an endless unicode escape", endless),
        ("closing what was never opened", "}".repeat(1_000)),
    ];
    [escapes.to_vec(), texts.to_vec(), others.to_vec()].concat()
}

/// Documents that only validation can refuse, and that are made to confuse it.
pub fn confusing() -> Vec<Attempt> {
    let texts = [
        ("a fragment that spreads itself", "{ ...A } fragment A on Query { ...A }"),
        (
            "fragments that spread each other",
            "{ ...A } fragment A on Query { hello ...B } fragment B on Query { ...C } \
             fragment C on Query { ...A }",
        ),
        (
            "a cycle that nothing spreads",
            "{ hello } fragment A on Query { ...B } fragment B on Query { ...A }",
        ),
        (
            "a cycle through fields",
            "{ product(by: { id: 1 }) { ...P } } fragment P on Product { related { ...P } }",
        ),
        ("a huge exponent", "{ float(value: 1e999999999) }"),
        ("a huge number for a custom scalar", "{ anything(value: 1e400) }"),
        ("a number beyond 32 bits", "{ add(a: 2147483648) }"),
        ("definitions of a schema", "type Query { hello: String }"),
        ("an extension beside a query", "{ hello } extend type Query { x: Int }"),
        ("a fragment alone", "fragment F on Query { hello }"),
    ];
    let texts = texts.map(|(what, text)| (what, text.to_owned()));
    let others = [
        ("a huge name", format!("{{ {} }}", "a".repeat(14_000))),
        ("a huge whole number", format!("{{ add(a: {}) }}", "9".repeat(10_000))),
        ("many unknown fields", product(&many(1_500, |n| format!("x{n}")))),
        ("many conflicts", product(&many(100, |n| format!("price(factor: {n}) {{ amount }}")))),
        ("a long chain of fragments", list_chain(150)),
    ];
    [texts.to_vec(), others.to_vec()].concat()
}

/// Fragments in a row, each spreading the next, the last unknown.
fn list_chain(length: usize) -> String {
    let fragments = |at: usize| format!("fragment F{at} on Query {{ ...F{} }}", at + 1);
    format!("{{ ...F0 }} {}", many(length, fragments))
}

/// Documents with a character that no database stores.
pub fn not_storable() -> Vec<Attempt> {
    let texts = [
        ("U+0000 in a literal", r#"{ text(value: "a\u0000b") }"#),
        ("U+0000 in a default", r#"query ($v: String = "\u{0}") { text(value: $v) }"#),
        ("U+0000 deep in a literal", r#"{ anything(value: [{ a: ["\u0000"] }]) }"#),
    ];
    texts.map(|(what, text)| (what, text.to_owned())).to_vec()
}
