//! Full-text search: what it finds, in which order, and that no input means anything but words.

use crate::app::TestApp;
use crate::catalog::shop::{
    Described, a_product, a_variant, catalog, category, product, products, texts,
};
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::TestRunner;
use serde_json::{Value, json};
use stockroom::auth::Viewer;
use stockroom::catalog::ProductChange;
use uuid::Uuid;

const SEARCH: &str = "query(
    $search: String, $first: Int, $after: String, $last: Int, $before: String,
    $orderBy: ProductSort, $where: ProductWhere
) {
    products(
        search: $search, first: $first, after: $after, last: $last, before: $before,
        orderBy: $orderBy, where: $where
    ) {
        totalCount
        edges { cursor node { id name } }
        nodes { name }
        pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
    }
}";

async fn search(app: &TestApp, variables: Value) -> Value {
    let answer = app.guest().query(SEARCH).with_variables(variables).await;
    answer.data()["products"].clone()
}

async fn names(app: &TestApp, text: &str) -> Vec<String> {
    texts(&search(app, json!({ "search": text })).await["nodes"], "name")
}

/// A shop of a few products.
async fn a_shop() -> (TestApp, Uuid) {
    let app = TestApp::start().await;
    let place = category(&app, "All", None).await;
    let mut keyboard = a_product("Mechanical Keyboard", place)
        .described("With hot-swappable switches and a café-coloured cable.");
    keyboard.variants = vec![a_variant("KEY-75-BLK", "89"), a_variant("KEY-75-WHT", "89")];
    keyboard.variants[0].name = Some("Midnight".to_owned());
    let tray = a_product("Cable Tray", place).described("Keeps every keyboard cable in order.");
    let mug = a_product("Crème Brûlée Mug", place).described("Holds 350 ml.");
    let straw = a_product("Straße", place);
    products(&app, vec![tray, keyboard, mug, straw]).await;
    (app, place)
}

#[tokio::test]
async fn words_are_found_by_their_beginning_whatever_case_and_diacritics() {
    let (app, _) = a_shop().await;
    let keyboard = vec!["Mechanical Keyboard".to_owned()];
    for text in ["mechanical", "MECH", "mech key", "key mech", "  Mech,  ", "KEY-75", "key-75-wht"]
    {
        assert_eq!(names(&app, text).await, keyboard, "{text}");
    }
    for text in ["switch", "hot-swappable", "cafe", "CAFÉ colour", "midnight", "75 blk"] {
        assert_eq!(names(&app, text).await, keyboard, "{text}");
    }
    assert_eq!(names(&app, "creme brulee").await, ["Crème Brûlée Mug"]);
    assert_eq!(names(&app, "CRÈME").await, ["Crème Brûlée Mug"]);
    assert_eq!(names(&app, "strasse").await, ["Straße"]);
    for text in ["keyboards", "board", "mech mug", "chanical"] {
        assert!(names(&app, text).await.is_empty(), "{text}");
    }
}

#[tokio::test]
async fn a_hit_in_the_name_comes_before_one_in_the_description() {
    let (app, _) = a_shop().await;
    assert_eq!(names(&app, "keyboard").await, ["Mechanical Keyboard", "Cable Tray"]);
    assert_eq!(names(&app, "cable").await, ["Cable Tray", "Mechanical Keyboard"]);
}

#[tokio::test]
async fn a_text_without_letters_or_digits_finds_nothing() {
    let (app, _) = a_shop().await;
    for text in ["", "   ", "%", "*", "\"", "'", "--", "🙂", "\\", "()&|!:<>"] {
        let found = search(&app, json!({ "search": text })).await;
        assert_eq!(found["totalCount"], 0, "{text:?}");
        assert_eq!(found["nodes"], json!([]), "{text:?}");
        let sorted = json!({ "search": text, "orderBy": { "field": "NAME" } });
        assert_eq!(search(&app, sorted).await["totalCount"], 0, "{text:?}");
    }
    let from_the_end = search(&app, json!({ "search": "", "last": 5 })).await;
    assert_eq!(from_the_end["nodes"], json!([]));
}

#[tokio::test]
async fn no_text_means_anything_but_its_words() {
    let (app, _) = a_shop().await;
    for text in [
        "keyboard'; DROP TABLE product; --",
        "mechanical:* & !tray",
        "\"mechanical\" OR tray",
        "keyboard NEAR(tray, 5)",
        "title:keyboard",
        "NOT keyboard AND tray",
        "mechanical <-> tray",
        "'mech':* | 'tray':*",
        "\\'keys\\'",
        "${jndi:ldap://x}",
        "a b c d e f g h i j k l m n o p",
        "1e5 -7 3.14 0x1f 007 ²³½",
        "नमस्ते ि ्",
        "e\u{301}e\u{301} \u{301}",
        "ﷺﷺﷺﷺﷺﷺﷺﷺﷺﷺﷺﷺﷺﷺﷺﷺﷺﷺﷺﷺ",
        "İıſßŉǰ",
    ] {
        let found = search(&app, json!({ "search": text })).await;
        assert_eq!(found["nodes"], json!([]), "{text:?}");
    }
    let too_long = json!({ "search": "x".repeat(101) });
    let answer = app.guest().query(SEARCH).with_variables(too_long).await;
    assert_eq!(answer.error_codes(), ["BAD_USER_INPUT"]);
    assert_eq!(names(&app, &format!("keyboard {}", " ".repeat(91))).await.len(), 2);
}

#[tokio::test]
async fn whatever_a_product_is_called_its_name_finds_it() {
    let app = TestApp::start().await;
    let place = category(&app, "All", None).await;
    let mut runner = TestRunner::deterministic();
    let name = proptest::string::string_regex("\\PC{1,40}").expect("a pattern");
    for round in 0..80 {
        let name = name.new_tree(&mut runner).expect("a text").current();
        if !name.chars().any(char::is_alphanumeric) {
            // Of these nothing is found, which has a test of its own.
            continue;
        }
        let mut new = a_product("x", place);
        new.name = name.clone();
        new.variants[0].sku = format!("ROUND-{round}");
        let id = crate::catalog::shop::product_id(product(&app, new).await);
        let found = search(&app, json!({ "search": name, "first": 100 })).await;
        let ids: Vec<&str> = found["edges"]
            .as_array()
            .expect("edges")
            .iter()
            .map(|edge| edge["node"]["id"].as_str().expect("an id"))
            .collect();
        assert!(ids.contains(&id.as_str()), "{name:?} does not find itself");
    }
}

#[tokio::test]
async fn results_page_by_relevance_and_by_any_sort_forward_and_backward() {
    let app = TestApp::start().await;
    let place = category(&app, "All", None).await;
    let new = (0..13).map(|index| {
        let name = if index % 3 == 0 { format!("Tea {index}") } else { format!("Cup {index}") };
        a_product(&name, place).described(if index % 4 == 1 { "" } else { "For tea. Tea!" })
    });
    products(&app, new.collect()).await;
    for order_by in [Value::Null, json!({ "field": "NAME", "direction": "DESC" })] {
        let page = |mut variables: Value| {
            variables["search"] = json!("tea");
            variables["orderBy"] = order_by.clone();
            variables["where"] = json!({ "inStock": false });
            search(&app, variables)
        };
        let all = texts(&page(json!({ "first": 100 })).await["nodes"], "name");
        assert_eq!(all.len(), 11, "{all:?}");
        if order_by.is_null() {
            assert!(all[..5].iter().all(|name| name.starts_with("Tea")), "{all:?}");
        }
        for size in [1, 3, 11, 50] {
            let (mut forward, mut after) = (Vec::new(), Value::Null);
            loop {
                let part = page(json!({ "first": size, "after": after })).await;
                forward.extend(texts(&part["nodes"], "name"));
                assert_eq!(part["totalCount"], all.len());
                let info = &part["pageInfo"];
                assert_eq!(info["hasPreviousPage"], !after.is_null());
                assert_eq!(info["hasNextPage"], forward.len() < all.len());
                after = info["endCursor"].clone();
                if info["hasNextPage"] == false {
                    break;
                }
            }
            assert_eq!(forward, all, "forward by {size}");
            let (mut backward, mut before) = (Vec::new(), Value::Null);
            loop {
                let part = page(json!({ "last": size, "before": before })).await;
                let mut names = texts(&part["nodes"], "name");
                names.append(&mut backward);
                backward = names;
                let info = &part["pageInfo"];
                assert_eq!(info["hasNextPage"], !before.is_null());
                assert_eq!(info["hasPreviousPage"], backward.len() < all.len());
                before = info["startCursor"].clone();
                if info["hasPreviousPage"] == false {
                    break;
                }
            }
            assert_eq!(backward, all, "backward by {size}");
        }
    }
}

#[tokio::test]
async fn what_changes_is_found_by_its_new_words_alone() {
    let (app, place) = a_shop().await;
    let kettle = a_product("Kettle", place).described("Boils.");
    let id = product(&app, kettle.with_variants(vec![a_variant("POT-1", "5")])).await;
    let change = ProductChange {
        id,
        name: Some("Teapot".to_owned()),
        description: Some("Brews.".to_owned()),
        ..ProductChange::default()
    };
    catalog(&app).update_product(&Viewer::System, &change).await.expect("it is changed");
    assert_eq!(names(&app, "teapot brews").await, ["Teapot"]);
    assert!(names(&app, "kettle").await.is_empty());
    assert!(names(&app, "boils").await.is_empty());
    let variant = a_variant("POT-2", "5");
    let added = catalog(&app).create_variant(&Viewer::System, id, &variant, None).await;
    assert_eq!(names(&app, "pot-2").await, ["Teapot"]);
    assert_eq!(names(&app, "pot-1").await, ["Teapot"]);
    let added = added.expect("the variant is made").outcome;
    catalog(&app).delete_variant(&Viewer::System, added, None).await.expect("it is deleted");
    assert!(names(&app, "pot-2").await.is_empty());
    catalog(&app).delete_product(&Viewer::System, id, None).await.expect("it is deleted");
    assert!(names(&app, "teapot").await.is_empty());
}

/// Copies the product of this slug so many times, as later ones than any other.
async fn copy(app: &TestApp, slug: &str, numbers: std::ops::RangeInclusive<u32>) {
    let (first, last) = (numbers.start(), numbers.end());
    let number = format!(
        "WITH RECURSIVE number (n) AS (SELECT {first} UNION ALL SELECT n + 1 FROM number WHERE n < {last})"
    );
    let key = match app.app.db.is_postgres() {
        true => "CAST('ffffffff-0000-7000-8000-' || lpad(to_hex(n), 12, '0') AS uuid)",
        false => "unhex(printf('ffffffff000070008000%012x', n))",
    };
    app.execute(&format!(
        "{number} INSERT INTO product (id, category_id, name, name_key, slug, description, status, \
         lowest_price, created_at, updated_at) SELECT {key}, category_id, name, name_key, slug || '-' \
         || n, description, status, lowest_price, created_at, updated_at FROM product, number \
         WHERE slug = '{slug}'"
    ))
    .await;
    app.execute(&format!(
        "{number} INSERT INTO product_search (product_id, title, body) SELECT {key}, s.title, s.body \
         FROM product_search s JOIN product p ON p.id = s.product_id, number WHERE p.slug = '{slug}'"
    ))
    .await;
}

#[tokio::test]
async fn of_more_than_5_000_hits_the_latest_5_000_are_ranked() {
    let app = TestApp::start().await;
    let place = category(&app, "All", None).await;
    let best = a_product("Gadget", place).described("The first of its kind.");
    let other = a_product("Spare Part", place).described("Fits a gadget.");
    products(&app, vec![best, other]).await;
    let first = json!({ "search": "gadget", "first": 1 });

    copy(&app, "spare-part", 1..=4_998).await;
    let whole = search(&app, first.clone()).await;
    copy(&app, "spare-part", 4_999..=4_999).await;
    let cut = search(&app, first).await;

    assert_eq!(texts(&whole["nodes"], "name"), ["Gadget"]);
    assert_eq!(texts(&cut["nodes"], "name"), ["Spare Part"]);
}
