//! The category tree: its shape after any moves, and what it refuses.

use crate::app::{Caller, TestApp};
use crate::catalog::shop::{
    a_product, catalog, category, category_id, product, product_id, together,
};
use entity::category_closure;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use sea_orm::{EntityTrait, QueryTrait};
use serde_json::{Value, json};
use std::collections::{BTreeSet, HashMap};
use stockroom::auth::Viewer;
use stockroom::catalog::{CatalogError, CategoryChange};
use uuid::Uuid;

async fn move_to(app: &TestApp, id: Uuid, parent: Option<Uuid>) -> Result<(), CatalogError> {
    let change = CategoryChange { id, parent_id: Some(parent), ..CategoryChange::default() };
    catalog(app).update_category(&Viewer::System, &change).await
}

/// The closure as the database has it.
async fn closure(app: &TestApp) -> BTreeSet<(Uuid, Uuid, i32)> {
    let query = category_closure::Entity::find().into_query();
    let rows: Vec<category_closure::Model> =
        app.app.db.all(&query).await.expect("the closure is read");
    rows.into_iter().map(|row| (row.ancestor_id, row.descendant_id, row.depth)).collect()
}

/// The closure that follows from the parents.
fn expected(parents: &HashMap<Uuid, Option<Uuid>>) -> BTreeSet<(Uuid, Uuid, i32)> {
    let mut pairs = BTreeSet::new();
    for id in parents.keys() {
        let (mut above, mut depth) = (Some(*id), 0);
        while let Some(ancestor) = above {
            pairs.insert((ancestor, *id, depth));
            above = parents[&ancestor];
            depth += 1;
        }
    }
    pairs
}

fn is_below(parents: &HashMap<Uuid, Option<Uuid>>, id: Uuid, root: Uuid) -> bool {
    let mut above = Some(id);
    while let Some(ancestor) = above {
        if ancestor == root {
            return true;
        }
        above = parents[&ancestor];
    }
    false
}

#[tokio::test]
async fn the_closure_follows_any_moves() {
    let app = TestApp::start().await;
    let mut rng = StdRng::seed_from_u64(11);
    let mut parents: HashMap<Uuid, Option<Uuid>> = HashMap::new();
    let mut ids: Vec<Uuid> = Vec::new();
    for index in 0..12 {
        let parent = (index > 0 && rng.random_bool(0.7)).then(|| ids[rng.random_range(0..index)]);
        let id = category(&app, &format!("C {index}"), parent).await;
        parents.insert(id, parent);
        ids.push(id);
    }
    assert_eq!(closure(&app).await, expected(&parents));
    let (mut moved, mut refused) = (0, 0);
    for _ in 0..80 {
        let id = ids[rng.random_range(0..ids.len())];
        let to = rng.random_bool(0.85).then(|| ids[rng.random_range(0..ids.len())]);
        let circle = to.is_some_and(|to| is_below(&parents, to, id));
        let result = move_to(&app, id, to).await;
        assert_eq!(result.is_err(), circle, "{result:?}");
        if circle {
            refused += 1;
        } else {
            moved += 1;
            parents.insert(id, to);
        }
        assert_eq!(closure(&app).await, expected(&parents));
    }
    assert!(moved > 20 && refused > 5, "{moved} moves, {refused} circles");
}

#[tokio::test]
async fn moves_at_the_same_time_never_make_a_circle() {
    let app = TestApp::start().await;
    let services = app.app.services.clone();
    let mut ids = Vec::new();
    for index in 0..4 {
        ids.push(category(&app, &format!("C {index}"), None).await);
    }
    for round in 0..6 {
        let moves = (0..4).map(|index| {
            let catalog = services.catalog.clone();
            let change = CategoryChange {
                id: ids[index],
                parent_id: Some(Some(ids[(index + 1 + round) % 4])),
                ..CategoryChange::default()
            };
            async move { catalog.update_category(&Viewer::System, &change).await }
        });
        together(moves).await;
        let answer = app.guest().query("{ categories { nodes { id parent { id } } } }").await;
        let nodes = answer.data()["categories"]["nodes"].as_array().expect("nodes").clone();
        let parent_of: HashMap<String, Option<String>> = nodes
            .iter()
            .map(|node| {
                let text = |value: &Value| value.as_str().map(str::to_owned);
                (text(&node["id"]).expect("an id"), text(&node["parent"]["id"]))
            })
            .collect();
        for start in parent_of.keys() {
            let mut above = parent_of[start].clone();
            for _ in 0..4 {
                above = above.and_then(|id| parent_of[&id].clone());
            }
            assert_eq!(above, None, "a circle: {parent_of:?}");
        }
    }
}

#[tokio::test]
async fn products_of_a_branch_move_with_it() {
    let app = TestApp::start().await;
    let (one, two) = (category(&app, "One", None).await, category(&app, "Two", None).await);
    let below = category(&app, "Below", Some(one)).await;
    let leaf = category(&app, "Leaf", Some(below)).await;
    product(&app, a_product("Lamp", leaf)).await;
    let counts = || async {
        let answer = app
            .guest()
            .query(
                "{ categories { nodes { name children { totalCount }
            products { totalCount nodes { name } } } } }",
            )
            .await;
        let nodes = answer.data()["categories"]["nodes"].as_array().expect("nodes").clone();
        let counts = nodes.iter().map(|node| node["products"]["totalCount"].as_u64().unwrap());
        counts.collect::<Vec<_>>()
    };
    assert_eq!(counts().await, [1, 0, 1, 1]);
    move_to(&app, below, Some(two)).await.expect("it moves");
    assert_eq!(counts().await, [0, 1, 1, 1]);
    move_to(&app, leaf, None).await.expect("it moves");
    assert_eq!(counts().await, [0, 0, 0, 1]);
}

const CREATE: &str = "mutation($input: CategoryCreateInput!) { categoryCreate(input: $input) {
    category { id name slug version parent { id } } userErrors { code path } } }";
const UPDATE: &str = "mutation($input: CategoryUpdateInput!) { categoryUpdate(input: $input) {
    category { name slug version parent { id } } userErrors { code path } } }";
const DELETE: &str = "mutation($input: CategoryDeleteInput!) { categoryDelete(input: $input) {
    deletedId userErrors { code path } } }";

async fn run(caller: &Caller, document: &str, input: Value) -> Value {
    let answer = caller.query(document).with_variables(json!({ "input": input })).await;
    let data = answer.data().as_object().expect("data").clone();
    data.into_iter().next().expect("a field").1
}

#[tokio::test]
async fn a_category_is_made_changed_moved_and_deleted() {
    let app = TestApp::start().await;
    let staff = app.staff().await;
    let made = run(&staff, CREATE, json!({ "name": "Home & Garden" })).await;
    let root = made["category"]["id"].clone();
    assert_eq!(made["category"]["slug"], "home-garden");
    assert_eq!(made["category"]["version"], "1");
    let below = json!({ "name": "Garden", "slug": "the-garden", "parentId": root });
    let below = run(&staff, CREATE, below).await["category"].clone();
    assert_eq!(below["parent"]["id"], root);
    let same_name = run(&staff, CREATE, json!({ "name": "Home & Garden" })).await;
    assert_eq!(same_name["category"]["slug"], "home-garden-2");
    let change = json!({ "id": below["id"], "name": "Gardens", "expectedVersion": "1" });
    let changed = run(&staff, UPDATE, change.clone()).await["category"].clone();
    assert_eq!(changed["name"], "Gardens");
    assert_eq!(changed["parent"]["id"], root, "what is not given stays");
    let stale = run(&staff, UPDATE, change).await;
    assert_eq!(stale["userErrors"][0]["code"], "VERSION_CONFLICT");
    let to_root = run(&staff, UPDATE, json!({ "id": below["id"], "parentId": null })).await;
    assert!(to_root["category"]["parent"].is_null());
    let gone = run(&staff, DELETE, json!({ "id": below["id"] })).await;
    assert_eq!(gone["deletedId"], below["id"]);
    let again = run(&staff, DELETE, json!({ "id": below["id"] })).await;
    assert_eq!(again["userErrors"][0]["code"], "NOT_FOUND");
}

#[tokio::test]
async fn a_category_in_use_is_not_deleted() {
    let app = TestApp::start().await;
    let staff = app.staff().await;
    let root = category(&app, "Root", None).await;
    let leaf = category(&app, "Leaf", Some(root)).await;
    let lamp = product(&app, a_product("Lamp", leaf)).await;
    for id in [root, leaf] {
        let refused = run(&staff, DELETE, json!({ "id": category_id(id) })).await;
        assert_eq!(refused["userErrors"], json!([{ "code": "IN_USE", "path": ["id"] }]));
    }
    let delete = "mutation($input: ProductDeleteInput!) { productDelete(input: $input) {
        deletedId } }";
    run(&staff, delete, json!({ "id": product_id(lamp) })).await;
    for id in [leaf, root] {
        let gone = run(&staff, DELETE, json!({ "id": category_id(id) })).await;
        assert_eq!(gone["deletedId"], category_id(id));
    }
}

#[tokio::test]
async fn what_a_category_cannot_be_is_told() {
    let app = TestApp::start().await;
    let staff = app.staff().await;
    let root = category(&app, "Root", None).await;
    let leaf = category(&app, "Leaf", Some(root)).await;
    let bad = json!({ "name": "", "slug": "leaf", "parentId": category_id(Uuid::now_v7()) });
    let bad = run(&staff, CREATE, bad).await;
    let expected = json!([
        { "code": "REQUIRED", "path": ["name"] },
        { "code": "ALREADY_EXISTS", "path": ["slug"] },
        { "code": "NOT_FOUND", "path": ["parentId"] },
    ]);
    assert_eq!(bad["userErrors"], expected);
    for parent in [root, leaf] {
        let circle = json!({ "id": category_id(root), "parentId": category_id(parent) });
        let circle = run(&staff, UPDATE, circle).await;
        let expected = json!([{ "code": "INVALID", "path": ["parentId"] }]);
        assert_eq!(circle["userErrors"], expected);
    }
    let mut deepest = leaf;
    for index in 2..20 {
        deepest = category(&app, &format!("Level {index}"), Some(deepest)).await;
    }
    let too_deep = json!({ "name": "Deeper", "parentId": category_id(deepest) });
    let too_deep = run(&staff, CREATE, too_deep).await;
    let expected = json!([{ "code": "LIMIT_REACHED", "path": ["parentId"] }]);
    assert_eq!(too_deep["userErrors"], expected);
    let other = category(&app, "Other", None).await;
    let too_deep = json!({ "id": category_id(root), "parentId": category_id(other) });
    assert_eq!(run(&staff, UPDATE, too_deep).await["userErrors"], expected);
}
