//! `where`, against a model that reads the same conditions in plain Rust.

use crate::app::TestApp;
use crate::catalog::shop::{a_product, category, category_id, price, product_id, products, texts};
use rand::rngs::StdRng;
use rand::{Rng, RngExt, SeedableRng};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use stockroom::text::name_key;
use uuid::Uuid;

/// A product as the model knows it.
struct Known {
    id: String,
    name: String,
    /// Its category and all above it.
    categories: Vec<String>,
    /// (currency, minor units) of all variants.
    prices: Vec<(&'static str, i64)>,
    in_stock: bool,
    created_at: String,
}

struct Shop {
    app: TestApp,
    products: Vec<Known>,
    categories: Vec<String>,
}

const NAMES: [&str; 8] = [
    "Lamp",
    "lamp 50%",
    "LAMP_50",
    "Café au lait",
    "cafe\\bar",
    "Über-Lampe",
    "100 %_\\ Ω",
    "Zelt",
];

async fn a_shop() -> Shop {
    let app = TestApp::start().await;
    let root = category(&app, "Root", None).await;
    let middle = category(&app, "Middle", Some(root)).await;
    let leaf = category(&app, "Leaf", Some(middle)).await;
    let other = category(&app, "Other", None).await;
    let above = |place: Uuid| -> Vec<String> {
        let path: &[Uuid] = match place {
            place if place == leaf => &[leaf, middle, root],
            place if place == middle => &[middle, root],
            place if place == root => &[root],
            _ => &[other],
        };
        path.iter().map(|key| category_id(*key)).collect()
    };
    let mut known = Vec::new();
    let mut new = Vec::new();
    for index in 0..24_usize {
        let place = [root, middle, leaf, other][index % 4];
        let mut one = a_product(NAMES[index % NAMES.len()], place);
        one.variants[0].sku = format!("SKU-{index}");
        one.variants[0].prices = vec![price(&format!("{}", index % 6), "EUR")];
        one.variants[0].stock = Some(i64::from(index % 3 != 0));
        let mut prices = vec![("EUR", 100 * i64::try_from(index % 6).unwrap())];
        if index % 5 == 0 {
            let mut second = crate::catalog::shop::a_variant(&format!("SKU-{index}-B"), "20");
            second.prices.push(price("1000", "JPY"));
            one.variants.push(second);
            prices.extend([("EUR", 2_000), ("JPY", 1_000)]);
        }
        known.push((one.name.clone(), above(place), prices, index % 3 != 0));
        new.push(one);
    }
    // In parts, so that the times of creation differ.
    let mut ids = Vec::new();
    for part in new.chunks(5) {
        ids.extend(products(&app, part.to_vec()).await);
    }
    let answer = app.guest().query("{ products(first: 100) { nodes { createdAt } } }").await;
    let times = texts(&answer.data()["products"]["nodes"], "createdAt");
    let products = known.into_iter().zip(ids).zip(times);
    let products = products.map(|(((name, categories, prices, in_stock), id), created_at)| Known {
        id: product_id(id),
        name,
        categories,
        prices,
        in_stock,
        created_at,
    });
    let categories = [root, middle, leaf, other].map(category_id).to_vec();
    Shop { app, products: products.collect(), categories }
}

/// A condition: as it goes to the server, and as the model reads it.
struct Condition {
    json: Value,
    holds: Box<dyn Fn(&Known) -> bool>,
}

fn any_of<'a, T>(rng: &mut impl Rng, list: &'a [T]) -> &'a T {
    &list[rng.random_range(0..list.len())]
}

fn leaf(rng: &mut StdRng, shop: &Shop) -> Condition {
    match rng.random_range(0..8) {
        0 => {
            let ids: Vec<String> = (0..rng.random_range(0..4))
                .map(|_| any_of(rng, &shop.products).id.clone())
                .collect();
            let json = json!({ "id": { "in": ids } });
            Condition { json, holds: Box::new(move |p| ids.contains(&p.id)) }
        }
        1 => {
            let id = any_of(rng, &shop.categories).clone();
            let json = json!({ "categoryId": { "eq": id } });
            Condition { json, holds: Box::new(move |p| p.categories.contains(&id)) }
        }
        2 => {
            let ids: Vec<String> = (0..rng.random_range(0..3))
                .map(|_| any_of(rng, &shop.categories).clone())
                .collect();
            let json = json!({ "categoryId": { "in": ids } });
            let holds = move |p: &Known| p.categories.iter().any(|place| ids.contains(place));
            Condition { json, holds: Box::new(holds) }
        }
        3 => {
            let needles = ["lamp", "LAMP_", "50%", "%", "_", "\\", "é", "uber", "Ω", "", "zz"];
            let needle = (*any_of(rng, &needles)).to_owned();
            let json = json!({ "name": { "contains": needle } });
            let holds = move |p: &Known| name_key(&p.name).contains(&name_key(&needle));
            Condition { json, holds: Box::new(holds) }
        }
        4 => {
            let name = (*any_of(rng, &NAMES)).to_owned();
            let other = any_of(rng, &["lamp", "Lamp", "zelt", "Zelt"]).to_string();
            let json = json!({ "name": { "in": [name, other] } });
            Condition { json, holds: Box::new(move |p| p.name == name || p.name == other) }
        }
        5 => price_range(rng),
        6 => {
            let wanted = rng.random_bool(0.5);
            let json = json!({ "inStock": wanted });
            Condition { json, holds: Box::new(move |p| p.in_stock == wanted) }
        }
        _ => created(rng, shop),
    }
}

fn price_range(rng: &mut StdRng) -> Condition {
    let currency = *any_of(rng, &["EUR", "EUR", "JPY", "USD"]);
    let factor = if currency == "JPY" { 1 } else { 100 };
    let (least, most) = (rng.random_range(0..5), rng.random_range(0..1_500));
    let mut range = json!({});
    let with_least = rng.random_bool(0.6);
    let with_most = !with_least || rng.random_bool(0.6);
    if with_least {
        range["gte"] = json!({ "amount": least.to_string(), "currency": currency });
    }
    if with_most {
        range["lte"] = json!({ "amount": most.to_string(), "currency": currency });
    }
    let holds = move |p: &Known| {
        p.prices.iter().any(|(of, minor)| {
            *of == currency
                && (!with_least || *minor >= least * factor)
                && (!with_most || *minor <= most * factor)
        })
    };
    Condition { json: json!({ "price": range }), holds: Box::new(holds) }
}

fn created(rng: &mut StdRng, shop: &Shop) -> Condition {
    let instant = |text: &str| chrono::DateTime::parse_from_rfc3339(text).expect("a time");
    let at = any_of(rng, &shop.products).created_at.clone();
    let operator = *any_of(rng, &["eq", "gt", "gte", "lt", "lte"]);
    let json = json!({ "createdAt": { operator: at } });
    let holds = move |p: &Known| {
        let (made, at) = (instant(&p.created_at), instant(&at));
        match operator {
            "eq" => made == at,
            "gt" => made > at,
            "gte" => made >= at,
            "lt" => made < at,
            _ => made <= at,
        }
    };
    Condition { json, holds: Box::new(holds) }
}

fn condition(rng: &mut StdRng, shop: &Shop, depth: u32) -> Condition {
    if depth == 0 || rng.random_bool(0.3) {
        return leaf(rng, shop);
    }
    let parts: Vec<Condition> =
        (0..rng.random_range(0..4)).map(|_| condition(rng, shop, depth - 1)).collect();
    let group: Vec<Value> = parts.iter().map(|part| part.json.clone()).collect();
    let own = leaf(rng, shop);
    let not = condition(rng, shop, depth - 1);
    let mut json = own.json;
    let operator = *any_of(rng, &["AND", "OR", "NOT"]);
    json[operator] = if operator == "NOT" { not.json } else { json!(group) };
    let holds = move |p: &Known| {
        let group = match operator {
            "AND" => parts.iter().all(|part| (part.holds)(p)),
            "OR" => parts.iter().any(|part| (part.holds)(p)),
            _ => !(not.holds)(p),
        };
        group && (own.holds)(p)
    };
    Condition { json, holds: Box::new(holds) }
}

#[tokio::test]
async fn any_combination_of_conditions_finds_what_the_model_finds() {
    let shop = a_shop().await;
    let root = shop.categories[0].clone();
    let document = "query($where: ProductWhere, $root: ID!) {
        products(first: 100, where: $where) { totalCount nodes { id } }
        category(by: { id: $root }) {
            products(first: 100, where: $where) { totalCount nodes { id } } } }";
    let mut rng = StdRng::seed_from_u64(7);
    let mut sizes = BTreeSet::new();
    for _ in 0..150 {
        let condition = condition(&mut rng, &shop, 3);
        let variables = json!({ "where": condition.json, "root": root });
        let answer = shop.app.guest().query(document).with_variables(variables).await;
        let found = answer.data();
        let expected: Vec<&Known> =
            shop.products.iter().filter(|product| (condition.holds)(product)).collect();
        let ids = |products: &[&Known]| -> Vec<String> {
            products.iter().map(|product| product.id.clone()).collect()
        };
        let all = &found["products"];
        assert_eq!(texts(&all["nodes"], "id"), ids(&expected), "{}", condition.json);
        assert_eq!(all["totalCount"], expected.len(), "{}", condition.json);
        let below: Vec<&Known> =
            expected.iter().copied().filter(|p| p.categories.contains(&root)).collect();
        let nested = &found["category"]["products"];
        assert_eq!(texts(&nested["nodes"], "id"), ids(&below), "{}", condition.json);
        assert_eq!(nested["totalCount"], below.len(), "{}", condition.json);
        sizes.insert(expected.len());
    }
    assert!(sizes.len() > 8, "the conditions tell little apart: {sizes:?}");
}

#[tokio::test]
async fn conditions_beyond_the_bounds_are_refused() {
    let app = TestApp::start().await;
    let document = "query($where: ProductWhere) { products(where: $where) { totalCount } }";
    let leaves = vec![json!({ "inStock": true }); 100];
    let ids = vec![product_id(Uuid::now_v7()); 101];
    let eur = |amount: &str| json!({ "amount": amount, "currency": "EUR" });
    for (what, condition) in [
        ("more than 100 conditions", json!({ "AND": leaves })),
        ("more than 100 ids", json!({ "id": { "in": ids } })),
        ("more than 100 names", json!({ "name": { "in": vec!["x"; 101] } })),
        ("a long text", json!({ "name": { "contains": "x".repeat(201) } })),
        ("a text that no column holds", json!({ "name": { "eq": "\u{0}" } })),
        ("the id of another kind", json!({ "id": { "eq": category_id(Uuid::now_v7()) } })),
        ("no id", json!({ "categoryId": { "in": ["42"] } })),
        ("too precise a price", json!({ "price": { "gte": eur("0.001") } })),
        ("no price", json!({ "price": { "lte": eur("much") } })),
        (
            "two currencies",
            json!({ "price": { "gte": eur("1"), "lte": { "amount": "2", "currency": "USD" } } }),
        ),
    ] {
        let variables = json!({ "where": condition });
        let answer = app.guest().query(document).with_variables(variables).await;
        assert_eq!(answer.error_codes(), ["BAD_USER_INPUT"], "{what}: {}", answer.text);
    }
    let many = json!({ "where": { "id": { "in": vec![product_id(Uuid::now_v7()); 100] } } });
    let answer = app.guest().query(document).with_variables(many).await;
    assert_eq!(answer.data()["products"]["totalCount"], 0);
}
