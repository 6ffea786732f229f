//! Two replicas of a shop on one database while their Redis fails: stock changes through both, and
//! whoever watches on the other one ends with the truth.

use crate::app::{RedisServer, Socket, TestApp};
use sea_orm::{EntityTrait, QueryOrder};
use serde_json::json;
use std::time::Duration;
use stockroom::auth::Role;
use stockroom::seed::Seed;

/// Receipts in each part of a test.
const RECEIPTS: i64 = 40;
/// Longer than all time limits together, and much shorter than a request may take in all.
const PATIENCE: Duration = Duration::from_secs(60);

const RECEIVE: &str = "mutation($sku: String!) {
  stockAdjust(input: { sku: $sku, delta: 1, type: RECEIPT }) {
    stockLevel { onHand }
    userErrors { message }
  }
}";

/// Two replicas, and who watches a SKU on the second.
struct Shop {
    one: TestApp,
    two: TestApp,
    token: String,
    sku: String,
    socket: Socket,
    /// What the socket was told last.
    seen: (i64, i64),
}

impl Shop {
    async fn open(redis: &RedisServer) -> Self {
        let one = TestApp::with(|settings| settings.redis_url = Some(redis.url().into())).await;
        Seed::new(one.app.db.clone(), one.app.settings.shop_currency).run(5, |_| ()).await.unwrap();
        let two = one.replica().await;
        let variants = entity::product_variant::Entity::find();
        let variants = variants.order_by_asc(entity::product_variant::Column::Sku);
        let sku = variants.one(one.app.db.reader()).await.unwrap().expect("a variant").sku;
        let token = one.token(one.account(Role::Staff).await);
        let mut socket = two.socket().await;
        let watch = "subscription($skus: [String!]!) {
          stockChanged(skus: $skus) { version stock { available } }
        }";
        socket.subscribe_with("stock", watch, json!({ "skus": [&sku] })).await;
        let mut shop = Self { one, two, token, sku, socket, seen: (-1, -1) };
        shop.hear().await;
        shop
    }

    /// Receives goods through both replicas in turn. Each request must succeed.
    async fn receive(&self, pieces: i64) {
        let receiving = async {
            for piece in 0..pieces {
                let replica = if piece % 2 == 0 { &self.one } else { &self.two };
                let staff = replica.with_token(&self.token);
                let variables = json!({ "sku": self.sku });
                let answer = staff.query(RECEIVE).with_variables(variables).await;
                assert_eq!(answer.data()["stockAdjust"]["userErrors"], json!([]));
            }
        };
        tokio::time::timeout(PATIENCE, receiving).await.expect("nobody waits for Redis");
    }

    /// Hears the next change, which must be newer than the last.
    async fn hear(&mut self) {
        let event = self.socket.next_of("stock").await;
        let change = &event["data"]["stockChanged"];
        let version = change["version"].as_str().map(str::parse);
        let version = version.unwrap_or_else(|| Ok(change["version"].as_i64().unwrap())).unwrap();
        assert!(version > self.seen.0, "version {version} after {}", self.seen.0);
        self.seen = (version, change["stock"]["available"].as_i64().expect("a number"));
    }

    async fn hear_until(&mut self, available: i64) {
        while self.seen.1 != available {
            self.hear().await;
        }
    }
}

#[tokio::test]
async fn stock_is_changed_and_watched_while_redis_is_stopped_and_after() {
    let Some(mut redis) = RedisServer::start().await else { return };
    let mut shop = Box::pin(Shop::open(&redis)).await;
    let before = shop.seen.1;

    redis.kill().await;
    shop.receive(RECEIPTS).await;
    shop.hear_until(before + RECEIPTS).await;
    redis.restart().await;
    shop.receive(RECEIPTS).await;

    shop.hear_until(before + 2 * RECEIPTS).await;
}

#[tokio::test]
async fn stock_is_changed_and_watched_while_redis_never_answers_and_after() {
    let Some(redis) = RedisServer::start().await else { return };
    let mut shop = Box::pin(Shop::open(&redis)).await;
    let before = shop.seen.1;

    redis.stall().await;
    shop.receive(RECEIPTS).await;
    shop.hear_until(before + RECEIPTS).await;
    redis.resume().await;
    shop.receive(RECEIPTS).await;

    shop.hear_until(before + 2 * RECEIPTS).await;
}
