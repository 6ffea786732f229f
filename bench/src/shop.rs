//! What is in the shop that is measured: places in its lists, names, and carts to buy from.

use crate::database::Database;
use crate::load::Connection;
use crate::operation::WARM_PAGES;
use anyhow::{Context, bail};
use bytes::Bytes;
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::net::SocketAddr;
use type_safe_id::{DynamicType, TypeSafeId};
use uuid::Uuid;

/// The variant that everybody wants.
const HOT: usize = 0;

/// Names and places by which clients ask.
#[derive(Debug, Default)]
pub struct Shop {
    /// Places in the list of products from which a whole page follows; the first is empty.
    pub cursors: Vec<String>,
    /// Places in the list of categories from which ten follow; the first is empty.
    pub category_cursors: Vec<String>,
    /// Of products.
    pub slugs: Vec<String>,
    /// Of variants that cost their list price.
    pub skus: Vec<String>,
    /// Keys of the same variants.
    pub variants: Vec<String>,
}

impl Shop {
    /// Reads them from a server and its database, once that is prepared.
    ///
    /// # Errors
    /// When something is not there.
    pub async fn read(database: &Database, server: SocketAddr) -> anyhow::Result<Self> {
        let mut shop = Self {
            cursors: cursors(server, "products", 20).await?,
            category_cursors: cursors(server, "categories", 10).await?,
            ..Self::default()
        };
        let slugs = database.run("SELECT slug FROM bench.place ORDER BY n").await?;
        shop.slugs = slugs.lines().map(str::to_owned).collect();
        for row in database.run("SELECT id, sku FROM bench.choice ORDER BY n").await?.lines() {
            let (key, sku) = row.split_once('|').context("no such row")?;
            shop.variants.push(key.to_owned());
            shop.skus.push(sku.to_owned());
        }
        Ok(shop)
    }

    /// The places of pages that everybody looks at.
    #[must_use]
    pub fn warm_cursors(&self) -> &[String] {
        self.cursors.get(..WARM_PAGES).unwrap_or(&self.cursors)
    }

    /// Makes carts, each with a piece of a variant (the hot one, or one after the other) or with
    /// nothing, and returns their ids.
    ///
    /// # Errors
    /// When the database refuses them.
    pub async fn make_carts(
        &self,
        database: &Database,
        count: usize,
        content: Content,
    ) -> anyhow::Result<Vec<String>> {
        let (mut ids, mut carts, mut lines) = (Vec::new(), String::new(), String::new());
        for _ in 0..count {
            let key = Uuid::new_v4();
            ids.push(node_id("cart", key)?);
            writeln!(carts, "{key}")?;
            let variant = match content {
                Content::Nothing => continue,
                Content::Hot => self.variants.get(HOT),
                Content::Any => {
                    self.variants.get(rand::random_range(0..self.variants.len().max(1)))
                }
            };
            let variant = variant.context("there are no variants")?;
            writeln!(lines, "{}\t{key}\t{variant}", fresh_key())?;
        }
        database.run(&copy(&carts, &lines)).await?;
        Ok(ids)
    }

    /// Takes all but so many pieces of the hot variant away, and returns how many are set aside
    /// for orders that were there before.
    ///
    /// # Errors
    /// When the database refuses it.
    pub async fn leave_hot(&self, database: &Database, pieces: u64) -> anyhow::Result<u64> {
        let variant = self.variants.get(HOT).context("there are no variants")?;
        let sql = format!(
            "BEGIN;
INSERT INTO stock_movement (id, level_id, kind, on_hand_change, reserved_change, on_hand_after,
    reserved_after, version, note, created_at)
  SELECT gen_random_uuid(), l.id, 'ADJUSTMENT', l.reserved + w.pieces - l.on_hand, 0,
    l.reserved + w.pieces, l.reserved, l.version + 1, 'Demo data', now()
  FROM stock_level l
  JOIN (SELECT id, CASE WHEN is_default THEN {pieces} ELSE 0 END AS pieces FROM warehouse) w
    ON w.id = l.warehouse_id
  WHERE l.variant_id = '{variant}' AND l.reserved + w.pieces <> l.on_hand;
UPDATE stock_level l SET on_hand = m.on_hand_after, version = m.version
  FROM stock_movement m
  WHERE l.variant_id = '{variant}' AND m.level_id = l.id AND m.version = l.version + 1;
COMMIT;"
        );
        database.run(&sql).await?;
        self.hot_reserved(database).await
    }

    /// How many pieces of the hot variant are set aside for orders.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn hot_reserved(&self, database: &Database) -> anyhow::Result<u64> {
        let variant = self.variants.get(HOT).context("there are no variants")?;
        let sql = "SELECT sum(reserved)::bigint FROM stock_level WHERE variant_id =";
        database.value(&format!("{sql} '{variant}'")).await
    }
}

/// What is in a cart that is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Content {
    /// Nothing.
    Nothing,
    /// A piece of a random variant.
    Any,
    /// A piece of the hot one.
    Hot,
}

/// Keys in rising order are what the shop gives its rows as well.
fn fresh_key() -> Uuid {
    Uuid::now_v7()
}

fn copy(carts: &str, lines: &str) -> String {
    format!(
        "BEGIN;
CREATE TEMPORARY TABLE new_cart (id uuid) ON COMMIT DROP;
CREATE TEMPORARY TABLE new_line (id uuid, cart_id uuid, variant_id uuid) ON COMMIT DROP;
COPY new_cart FROM STDIN;
{carts}\\.
COPY new_line FROM STDIN;
{lines}\\.
INSERT INTO cart (id, currency, status, country, postal_code, shipping_method, created_at,
    updated_at, expires_at)
  SELECT id, 'EUR', 'OPEN', 'DE', '10115', 'standard', now(), now(), now() + interval '30 days'
  FROM new_cart;
INSERT INTO cart_line (id, cart_id, variant_id, position, quantity, seen_price, created_at)
  SELECT n.id, n.cart_id, n.variant_id, 0, 1, c.amount, now()
  FROM new_line n JOIN bench.choice c ON c.id = n.variant_id;
COMMIT;
"
    )
}

/// The id that clients know an object by.
///
/// # Errors
/// When the kind is no word.
pub fn node_id(kind: &str, key: Uuid) -> anyhow::Result<String> {
    let kind = DynamicType::new(kind).map_err(|_| anyhow::anyhow!("{kind} is no kind"))?;
    Ok(TypeSafeId::from_type_and_uuid(kind, key).to_string())
}

/// The cursors of a list after which so many items follow, and the empty one.
async fn cursors(server: SocketAddr, list: &str, page: usize) -> anyhow::Result<Vec<String>> {
    let mut connection = Connection::open(server).await?;
    let query = format!(
        "query ($after: String) {{ {list}(first: 100, after: $after) {{
           edges {{ cursor }} pageInfo {{ hasNextPage endCursor }} }} }}"
    );
    let mut all = vec![String::new()];
    let mut after = Value::Null;
    loop {
        let answer = ask(&mut connection, &query, &json!({ "after": after })).await?;
        let Some(found) = answer.pointer(&format!("/data/{list}")) else {
            bail!("no {list}: {answer}");
        };
        let edges = found.get("edges").and_then(Value::as_array).into_iter().flatten();
        all.extend(edges.filter_map(|edge| edge.get("cursor")?.as_str().map(str::to_owned)));
        let info = found.get("pageInfo").cloned().unwrap_or_default();
        if info.get("hasNextPage") != Some(&Value::Bool(true)) {
            break;
        }
        after = info.get("endCursor").cloned().unwrap_or_default();
    }
    all.truncate((all.len() - 1).saturating_sub(page) + 1);
    Ok(all)
}

/// Asks once, and reads the answer.
///
/// # Errors
/// When there is none, or one with errors.
pub async fn ask(
    connection: &mut Connection,
    query: &str,
    variables: &Value,
) -> anyhow::Result<Value> {
    let body = json!({ "query": query, "variables": variables }).to_string();
    let (status, body) = connection.post(Bytes::from(body)).await?;
    let answer: Value = serde_json::from_slice(&body)
        .with_context(|| format!("{status}: {}", String::from_utf8_lossy(&body)))?;
    if answer.get("errors").is_some() {
        bail!("{answer}");
    }
    Ok(answer)
}
