//! The cache end to end: what is changed through one replica is read through the other.

use super::shelf::eventually;
use crate::app::{Caller, RedisServer, TestApp};
use serde_json::{Value, json};
use std::time::Duration;
use stockroom::auth::Role;
use stockroom::seed::Seed;
use stockroom::telemetry::{CACHE_HITS, total};

const READ: &str = "query($ids: [ID!]!) { nodes(ids: $ids) {
  ... on Product { name } ... on Category { name }
  ... on ProductVariant { name } ... on Warehouse { name }
} }";

const RENAME: &str = "mutation($product: ID!, $category: ID!, $variant: ID!, $warehouse: ID!,
                               $name: String!) {
  productUpdate(input: { id: $product, name: $name }) {
    product { name } userErrors { message } }
  categoryUpdate(input: { id: $category, name: $name }) {
    category { name } userErrors { message } }
  variantUpdate(input: { id: $variant, name: $name }) {
    variant { name } userErrors { message } }
  warehouseUpdate(input: { id: $warehouse, name: $name }) {
    warehouse { name } userErrors { message } }
}";

/// One object of each kind that is cached.
struct Shop {
    product: Value,
    category: Value,
    variant: Value,
    warehouse: Value,
}

impl Shop {
    async fn seed(app: &TestApp, staff: &Caller) -> Self {
        let currency = app.app.settings.shop_currency;
        Seed::new(app.app.db.clone(), currency).run(3, |_| ()).await.unwrap();
        let find = "{ products(first: 1) { nodes { id category { id }
                      variants(first: 1) { nodes { id } } } } warehouses { id } }";
        let answer = staff.query(find).await;
        let product = &answer.data()["products"]["nodes"][0];
        Self {
            product: product["id"].clone(),
            category: product["category"]["id"].clone(),
            variant: product["variants"]["nodes"][0]["id"].clone(),
            warehouse: answer.data()["warehouses"][0]["id"].clone(),
        }
    }

    /// The names of all four, through a replica.
    async fn names(&self, replica: &Caller) -> Vec<String> {
        let ids = json!([self.product, self.category, self.variant, self.warehouse]);
        let answer = replica.query(READ).with_variables(json!({ "ids": ids })).await;
        let nodes = answer.data()["nodes"].as_array().unwrap().clone();
        nodes.iter().map(|node| node["name"].as_str().unwrap_or("nobody").to_owned()).collect()
    }

    /// Gives all four this name, through a replica.
    async fn rename(&self, replica: &Caller, name: &str) {
        let variables = json!({
            "product": self.product, "category": self.category, "variant": self.variant,
            "warehouse": self.warehouse, "name": name,
        });
        let answer = replica.query(RENAME).with_variables(variables).await;
        let data = answer.data();
        for (mutation, object) in [
            ("productUpdate", "product"),
            ("categoryUpdate", "category"),
            ("variantUpdate", "variant"),
            ("warehouseUpdate", "warehouse"),
        ] {
            assert_eq!(data[mutation]["userErrors"], json!([]), "{mutation}");
            assert_eq!(data[mutation][object]["name"], name, "{mutation} shows its own write");
        }
    }
}

/// Two replicas of a shop with what they share, and staff at each.
async fn replicas(one: &TestApp) -> (Caller, TestApp, Caller) {
    let token = one.token(one.account(Role::Staff).await);
    let two = one.replica().await;
    let at_two = two.with_token(&token);
    (one.with_token(&token), two, at_two)
}

#[tokio::test]
async fn a_change_through_one_replica_is_read_through_the_other() {
    let Some(redis) = RedisServer::start().await else { return };
    let one = TestApp::with(|settings| settings.redis_url = Some(redis.url().into())).await;
    let (here, _two, there) = replicas(&one).await;
    let shop = Shop::seed(&one, &here).await;

    for name in ["First name", "Second name", "Third name"] {
        // Both have at hand what is about to change.
        shop.names(&here).await;
        let hits = total(CACHE_HITS);
        let before = shop.names(&there).await;
        assert!(!before.contains(&name.to_owned()));
        shop.names(&there).await;
        assert!(total(CACHE_HITS) >= hits + 4, "the second read comes from the cache");

        shop.rename(&here, name).await;

        assert_eq!(shop.names(&here).await, [name; 4], "at once where it was changed");
        // Long before the time to live of a minute.
        eventually("it is read through the other replica", async || {
            shop.names(&there).await == [name; 4]
        })
        .await;
    }
}

#[tokio::test]
async fn what_is_taken_off_sale_through_one_replica_is_gone_at_the_other() {
    let Some(redis) = RedisServer::start().await else { return };
    let one = TestApp::with(|settings| settings.redis_url = Some(redis.url().into())).await;
    let (here, two, _) = replicas(&one).await;
    let shop = Shop::seed(&one, &here).await;
    let guest = two.guest();
    let sold = shop.names(&guest).await;
    assert!(!sold[..3].contains(&"nobody".to_owned()), "a guest sees what is sold");

    let archive = "mutation($id: ID!) { productUpdate(input: { id: $id, status: ARCHIVED }) {
                     userErrors { message } } }";
    let answer = here.query(archive).with_variables(json!({ "id": shop.product })).await;
    assert_eq!(answer.data()["productUpdate"]["userErrors"], json!([]));

    eventually("a guest of the other replica sees neither product nor variant", async || {
        let names = shop.names(&guest).await;
        names[0] == "nobody" && names[2] == "nobody" && names[1] == sold[1]
    })
    .await;
}

#[tokio::test]
async fn without_redis_a_change_elsewhere_is_read_within_the_time_to_live() {
    let one = TestApp::with(|settings| {
        settings.redis_url = None;
        settings.cache_alone = Duration::from_secs(2);
    })
    .await;
    let (here, _two, there) = replicas(&one).await;
    let shop = Shop::seed(&one, &here).await;
    shop.names(&there).await;

    shop.rename(&here, "Another name").await;

    assert_eq!(shop.names(&here).await, ["Another name"; 4], "at once where it was changed");
    eventually("it is read through the other process", async || {
        shop.names(&there).await == ["Another name"; 4]
    })
    .await;
}
