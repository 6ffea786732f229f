//! Pages of products, forward and backward, against a model.

use crate::app::{Caller, TestApp};
use crate::catalog::shop::{a_product, a_variant, category, category_id, products};
use serde_json::{Value, json};
use stockroom::text::name_key;
use uuid::Uuid;

const SORTS: [(Option<&str>, bool); 9] = [
    (None, false),
    (Some("NAME"), false),
    (Some("NAME"), true),
    (Some("PRICE"), false),
    (Some("PRICE"), true),
    (Some("CREATED_AT"), false),
    (Some("CREATED_AT"), true),
    (Some("UPDATED_AT"), false),
    (Some("UPDATED_AT"), true),
];

const PAGE: &str = "query(
    $first: Int, $after: String, $last: Int, $before: String, $orderBy: ProductSort
) {
    page: products(
        first: $first, after: $after, last: $last, before: $before, orderBy: $orderBy
    ) {
        totalCount
        edges { cursor node { id name createdAt updatedAt priceRange { minimum { amountMinor } } } }
        pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
    }
}";

/// The same fields of a list that belongs to a category.
const NESTED: &str = "query(
    $category: ID!,
    $first: Int, $after: String, $last: Int, $before: String, $orderBy: ProductSort
) {
    category(by: { id: $category }) {
        page: products(
            first: $first, after: $after, last: $last, before: $before, orderBy: $orderBy
        ) {
            totalCount
            edges {
                cursor node { id name createdAt updatedAt priceRange { minimum { amountMinor } } }
            }
            pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
        }
    }
}";

/// A list to page through: at the root, or of a category.
struct List {
    caller: Caller,
    category: Option<String>,
    order_by: Value,
}

impl List {
    async fn page(&self, arguments: Value) -> Value {
        let mut variables = arguments;
        variables["orderBy"] = self.order_by.clone();
        variables["category"] = json!(self.category);
        let document = if self.category.is_some() { NESTED } else { PAGE };
        let answer = self.caller.query(document).with_variables(variables).await;
        let data = answer.data();
        let page = if self.category.is_some() { &data["category"]["page"] } else { &data["page"] };
        page.clone()
    }
}

/// Fifteen products with few names and prices, so that every sort has ties; in two categories
/// below one.
async fn with_ties(app: &TestApp) -> Uuid {
    let root = category(app, "Root", None).await;
    let below = category(app, "Below", Some(root)).await;
    let names = ["Apple", "apple", "Äpfel", "Banana", "Zebra %_\\ Ω"];
    let new = (0..15).map(|index: usize| {
        let place = if index.is_multiple_of(2) { root } else { below };
        let mut new = a_product(names[index % names.len()], place);
        new.variants = vec![a_variant(&format!("SKU-{index}"), ["5", "7.50"][index % 2])];
        if index % 7 == 3 {
            // Not sold in the shop's currency: sorts last by price.
            new.variants[0].prices = vec![crate::catalog::shop::price("900", "JPY")];
        }
        new
    });
    products(app, new.collect()).await;
    root
}

fn ids(edges: &Value) -> Vec<String> {
    let edges = edges.as_array().expect("edges");
    edges.iter().map(|edge| edge["node"]["id"].as_str().expect("an id").to_owned()).collect()
}

/// The ids in the order that they must have.
fn model(edges: &Value, field: Option<&str>, descending: bool) -> Vec<String> {
    let mut keyed: Vec<(String, i64, String)> = edges
        .as_array()
        .expect("edges")
        .iter()
        .map(|edge| {
            let node = &edge["node"];
            let text = |name: &str| node[name].as_str().expect("a text").to_owned();
            let price = node["priceRange"]["minimum"]["amountMinor"].as_str();
            let price = price.map_or(i64::MAX, |minor| minor.parse().expect("a number"));
            let (key, number) = match field {
                None => (String::new(), 0),
                Some("NAME") => (name_key(&text("name")), 0),
                Some("PRICE") => (String::new(), price),
                Some("CREATED_AT") => (time(&text("createdAt")), 0),
                Some(_) => (time(&text("updatedAt")), 0),
            };
            (key, number, text("id"))
        })
        .collect();
    keyed.sort();
    if descending {
        keyed.reverse();
    }
    keyed.into_iter().map(|(_, _, id)| id).collect()
}

/// A time with all its digits, which sorts as the time does.
fn time(text: &str) -> String {
    let parsed = chrono::DateTime::parse_from_rfc3339(text).expect("a time");
    parsed.timestamp_micros().to_string()
}

async fn check_paging(list: &List, expected: &[String], size: usize) {
    let mut seen = Vec::new();
    let mut after = Value::Null;
    loop {
        let page = list.page(json!({ "first": size, "after": after })).await;
        seen.extend(ids(&page["edges"]));
        assert_eq!(page["totalCount"], expected.len());
        assert_eq!(page["pageInfo"]["hasNextPage"], seen.len() < expected.len());
        assert_eq!(page["pageInfo"]["hasPreviousPage"], !after.is_null());
        after = page["pageInfo"]["endCursor"].clone();
        if page["pageInfo"]["hasNextPage"] == false {
            break;
        }
    }
    assert_eq!(seen, expected, "forward by {size}, sorted by {}", list.order_by);

    let mut seen = Vec::new();
    let mut before = Value::Null;
    loop {
        let page = list.page(json!({ "last": size, "before": before })).await;
        let mut part = ids(&page["edges"]);
        part.append(&mut seen);
        seen = part;
        assert_eq!(page["pageInfo"]["hasPreviousPage"], seen.len() < expected.len());
        assert_eq!(page["pageInfo"]["hasNextPage"], !before.is_null());
        before = page["pageInfo"]["startCursor"].clone();
        if page["pageInfo"]["hasPreviousPage"] == false {
            break;
        }
    }
    assert_eq!(seen, expected, "backward by {size}, sorted by {}", list.order_by);
}

#[tokio::test]
async fn every_sort_pages_forward_and_backward_through_all_products_in_order() {
    let app = TestApp::start().await;
    let root = with_ties(&app).await;
    for (field, descending) in SORTS {
        let direction = if descending { "DESC" } else { "ASC" };
        let order_by =
            field.map_or(Value::Null, |field| json!({ "field": field, "direction": direction }));
        for category in [None, Some(category_id(root))] {
            let list = List { caller: app.guest(), category, order_by: order_by.clone() };
            let all = list.page(json!({ "first": 100 })).await;
            let expected = model(&all["edges"], field, descending);
            assert_eq!(expected.len(), 15);
            assert_eq!(ids(&all["edges"]), expected, "sorted by {order_by}");
            for size in [1, 4, 15] {
                check_paging(&list, &expected, size).await;
            }
        }
    }
}

#[tokio::test]
async fn a_window_between_two_cursors_has_what_lies_between() {
    let app = TestApp::start().await;
    with_ties(&app).await;
    let order_by = json!({ "field": "NAME", "direction": "DESC" });
    let list = List { caller: app.guest(), category: None, order_by };
    let all = list.page(json!({ "first": 100 })).await;
    let (edges, expected) = (&all["edges"], ids(&all["edges"]));
    let window = json!({
        "after": edges[3]["cursor"], "before": edges[9]["cursor"], "first": 100
    });
    let page = list.page(window.clone()).await;
    assert_eq!(ids(&page["edges"]), expected[4..9]);
    let mut from_the_end = window;
    from_the_end["first"] = Value::Null;
    from_the_end["last"] = json!(2);
    let page = list.page(from_the_end).await;
    assert_eq!(ids(&page["edges"]), expected[7..9]);
    assert_eq!(page["pageInfo"]["hasPreviousPage"], true);
}

#[tokio::test]
async fn an_item_that_comes_or_goes_between_two_pages_moves_no_other() {
    let app = TestApp::start().await;
    let root = with_ties(&app).await;
    let order_by = json!({ "field": "NAME", "direction": "ASC" });
    let list = List { caller: app.guest(), category: None, order_by };
    let before = ids(&list.page(json!({ "first": 100 })).await["edges"]);
    let first = list.page(json!({ "first": 5 })).await;
    crate::catalog::shop::product(&app, a_product("Aardvark", root)).await;
    let rest = json!({ "first": 100, "after": first["pageInfo"]["endCursor"] });
    let rest = list.page(rest).await;
    let seen: Vec<String> = ids(&first["edges"]).into_iter().chain(ids(&rest["edges"])).collect();
    assert_eq!(seen, before);
}

#[tokio::test]
async fn pages_outside_the_bounds_are_refused_and_never_clamped() {
    let app = TestApp::start().await;
    with_ties(&app).await;
    for arguments in [
        "first: 101",
        "first: -1",
        "last: 101",
        "last: -1",
        "first: 1, last: 1",
        "first: 2147483647",
    ] {
        for list in [
            format!("{{ products({arguments}) {{ nodes {{ id }} }} }}"),
            format!("{{ categories({arguments}) {{ nodes {{ id }} }} }}"),
            format!("{{ products {{ nodes {{ variants({arguments}) {{ nodes {{ id }} }} }} }} }}"),
            format!(
                "{{ categories {{ nodes {{ children({arguments}) {{ nodes {{ id }} }} }} }} }}"
            ),
            format!(
                "{{ categories {{ nodes {{ products({arguments}) {{ nodes {{ id }} }} }} }} }}"
            ),
        ] {
            let answer = app.guest().query(&list).await;
            assert!(answer.error_codes().contains(&"BAD_USER_INPUT"), "{list}: {}", answer.text);
        }
    }
    let none = app
        .guest()
        .query(
            "{ products(first: 0) { nodes { id } totalCount
        pageInfo { hasNextPage } } }",
        )
        .await;
    assert_eq!(none.data()["products"]["nodes"], json!([]));
    assert_eq!(none.data()["products"]["totalCount"], 15);
    assert_eq!(none.data()["products"]["pageInfo"]["hasNextPage"], true);
}

#[tokio::test]
async fn a_cursor_of_another_list_is_refused() {
    let app = TestApp::start().await;
    let root = with_ties(&app).await;
    let other = category(&app, "Other", None).await;
    let by_name = "orderBy: { field: NAME }";
    let document = format!("{{ products(first: 1, {by_name}) {{ edges {{ cursor }} }} }}");
    let answer = app.guest().query(document).await;
    let cursor = answer.data()["products"]["edges"][0]["cursor"].as_str().expect("a cursor");
    let (root, other) = (category_id(root), category_id(other));
    for list in [
        "products(after: @)".to_owned(),
        "products(after: @, orderBy: { field: NAME, direction: DESC })".to_owned(),
        "products(after: @, orderBy: { field: PRICE })".to_owned(),
        format!("products(after: @, {by_name}, where: {{ inStock: true }})"),
        format!("products(after: @, {by_name}, search: \"apple\")"),
        "products(after: @, search: \"apple\")".to_owned(),
        "categories(after: @)".to_owned(),
        format!("category(by: {{ id: {root:?} }}) {{ products(after: @, {by_name})"),
        format!("category(by: {{ id: {other:?} }}) {{ children(before: @)"),
    ] {
        let end = if list.starts_with("category(") { " }" } else { "" };
        let list = list.replace('@', &format!("{cursor:?}"));
        let document = format!("{{ {list} {{ nodes {{ id }} }}{end} }}");
        let answer = app.guest().query(&document).await;
        assert_eq!(answer.error_codes(), ["BAD_USER_INPUT"], "{document}: {}", answer.text);
    }
}

#[tokio::test]
async fn a_made_up_cursor_is_refused_and_never_reaches_the_database() {
    use base64::Engine;
    let app = TestApp::start().await;
    with_ties(&app).await;
    let document = "query($after: String, $orderBy: ProductSort, $search: String) {
        products(first: 2, after: $after, orderBy: $orderBy, search: $search) {
            edges { cursor } } }";
    let engine = base64::prelude::BASE64_URL_SAFE_NO_PAD;
    for (order_by, search) in [
        (Value::Null, Value::Null),
        (json!({ "field": "NAME" }), Value::Null),
        (json!({ "field": "PRICE" }), Value::Null),
        (json!({ "field": "CREATED_AT" }), Value::Null),
        (Value::Null, json!("apple")),
    ] {
        let variables = json!({ "orderBy": order_by, "search": search });
        let answer = app.guest().query(document).with_variables(variables.clone()).await;
        let cursor = answer.data()["products"]["edges"][0]["cursor"].as_str().expect("a cursor");
        let honest: Value =
            serde_json::from_slice(&engine.decode(cursor).expect("base64")).expect("JSON");
        for key in [
            json!({ "s": "\u{0}" }),
            json!({ "n": -1 }),
            json!({ "t": "+200000-01-01T00:00:00Z" }),
            json!("-"),
            json!({ "s": 1 }),
        ] {
            let mut made_up = honest.clone();
            made_up["k"] = key;
            let mut variables = variables.clone();
            variables["after"] = json!(engine.encode(made_up.to_string()));
            let answer = app.guest().query(document).with_variables(variables).await;
            let codes = answer.error_codes();
            assert!(codes.is_empty() || codes == ["BAD_USER_INPUT"], "{made_up}: {}", answer.text);
        }
    }
    for nonsense in ["", "x", "e30", "🙂"] {
        let variables = json!({ "after": nonsense });
        let answer = app.guest().query(document).with_variables(variables).await;
        assert_eq!(answer.error_codes(), ["BAD_USER_INPUT"], "{nonsense}");
    }
}
