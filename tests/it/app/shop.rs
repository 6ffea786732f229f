//! What a test's shop sells and has: products, warehouses, stock.

use super::{Answer, Caller, TestApp};
use chrono::TimeDelta;
use sea_orm::{ActiveModelTrait, EntityTrait, IntoActiveModel, QueryOrder};
use serde_json::{Value, json};
use std::collections::{BTreeMap, HashMap};
use stockroom::auth::Viewer;
use stockroom::db::{DbError, Tx};
use stockroom::doctor::Invariant;
use stockroom::graphql::NodeKind;
use stockroom::stock::{
    Adjust, MovementKind, NewWarehouse, ReserveLine, ReserveOrder, Stock, StockError,
};
use uuid::Uuid;

/// The warehouse that every shop has, made by a migration.
pub const MAIN: Uuid = Uuid::from_u128(0x019b_76da_a800_7000_8000_0000_0000_0001);

/// How long a test's orders hold stock.
pub const QUARTER_HOUR: TimeDelta = TimeDelta::minutes(15);

/// An order of so many pieces of variants, a line each.
pub fn order_of(lines: &[(&str, Uuid, i64)]) -> ReserveOrder {
    let lines = lines.iter().map(|(sku, variant_id, quantity)| ReserveLine {
        order_line_id: Uuid::now_v7(),
        variant_id: *variant_id,
        sku: (*sku).to_owned(),
        quantity: *quantity,
    });
    ReserveOrder { order_id: Uuid::now_v7(), lines: lines.collect() }
}

/// A product of a test's shop.
pub struct Product {
    pub id: Uuid,
    /// The keys of its variants, by SKU.
    pub variants: BTreeMap<String, Uuid>,
}

impl Product {
    /// As it stands in the schema.
    pub fn node_id(&self) -> String {
        NodeKind::Product.id(self.id).to_string()
    }
}

/// The id of a warehouse as it stands in the schema.
pub fn warehouse_id(key: Uuid) -> String {
    NodeKind::Warehouse.id(key).to_string()
}

/// A stock level, in short.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LevelNow {
    pub on_hand: i64,
    pub reserved: i64,
    pub version: i64,
}

impl TestApp {
    /// The stock service.
    pub fn stock(&self) -> &Stock {
        &self.app.services.stock
    }

    /// A product on sale with these SKUs, never stocked.
    pub async fn sells(&self, skus: &[&str]) -> Product {
        self.product("ACTIVE", skus).await
    }

    /// A product with these SKUs that is not on sale yet.
    pub async fn drafts(&self, skus: &[&str]) -> Product {
        self.product("DRAFT", skus).await
    }

    /// A variant on sale, of a product of its own, with so many pieces in the main warehouse.
    pub async fn has(&self, sku: &str, pieces: i64) -> Uuid {
        let product = self.sells(&[sku]).await;
        if pieces > 0 {
            self.receives(sku, MAIN, pieces).await;
        }
        product.variants[sku]
    }

    /// Goods come in.
    pub async fn receives(&self, sku: &str, warehouse: Uuid, pieces: i64) {
        self.receives_from(&Viewer::System, sku, warehouse, pieces).await;
    }

    /// Goods come in, and this one writes them down.
    pub async fn receives_from(&self, actor: &Viewer, sku: &str, warehouse: Uuid, pieces: i64) {
        let receipt = Adjust {
            sku: sku.to_owned(),
            warehouse_id: Some(warehouse),
            delta: pieces,
            kind: MovementKind::Receipt,
            reference_id: None,
            note: None,
            expected_version: None,
            idempotency_key: None,
        };
        self.stock().adjust(actor, receipt).await.expect("the goods come in");
    }

    /// Another warehouse.
    pub async fn opens(&self, code: &str, priority: i32) -> Uuid {
        let new = NewWarehouse { code: code.to_owned(), name: format!("In {code}"), priority };
        let made = self.stock().create_warehouse(&Viewer::System, new).await;
        made.expect("the warehouse is made").id
    }

    /// An order of so many pieces of one variant sets them aside for a quarter of an hour; gives
    /// the order.
    pub async fn reserve_of(
        &self,
        sku: &str,
        variant: Uuid,
        quantity: i64,
    ) -> Result<Uuid, StockError> {
        let order = order_of(&[(sku, variant, quantity)]);
        self.stock().reserve(&order, QUARTER_HOUR).await?;
        Ok(order.order_id)
    }

    /// Runs one step of an order in a transaction of its own.
    pub async fn in_txn<T, F, Fut>(&self, step: F) -> T
    where
        F: Fn(Stock, Tx) -> Fut,
        Fut: Future<Output = Result<T, StockError>>,
    {
        let stock = self.stock().clone();
        self.app.db.tx(|tx| step(stock.clone(), tx)).await.expect("the step succeeds")
    }

    /// The order is paid: its holds last. Gives how many there were.
    pub async fn commits(&self, order: Uuid) -> u64 {
        self.in_txn(|stock, tx| async move { stock.commit_in_txn(&tx, order).await }).await
    }

    /// The order is fulfilled: its pieces leave. Gives how many.
    pub async fn consumes(&self, order: Uuid) -> i64 {
        self.in_txn(|stock, tx| async move { stock.consume_in_txn(&tx, order).await }).await
    }

    /// The order gives back what it holds. Gives how many pieces.
    pub async fn releases(&self, order: Uuid) -> i64 {
        self.in_txn(|stock, tx| async move { stock.release_in_txn(&tx, order).await }).await
    }

    /// The order's holds last so long from now. Gives how many there were.
    pub async fn extends(&self, order: Uuid, hold: TimeDelta) -> u64 {
        self.in_txn(|stock, tx| async move { stock.extend_in_txn(&tx, order, hold).await }).await
    }

    /// The level of a SKU in a warehouse, as the database has it.
    pub async fn level(&self, variant: Uuid, warehouse: Uuid) -> Option<LevelNow> {
        let levels = entity::stock_level::Entity::find().all(self.app.db.reader()).await;
        let levels = levels.expect("the levels can be read");
        let level = levels
            .into_iter()
            .find(|level| level.variant_id == variant && level.warehouse_id == warehouse)?;
        Some(LevelNow { on_hand: level.on_hand, reserved: level.reserved, version: level.version })
    }

    /// The ledger, in the order of each level's versions.
    pub async fn ledger(&self) -> Vec<entity::stock_movement::Model> {
        use entity::stock_movement::{Column, Entity};
        let lines = Entity::find().order_by_asc(Column::LevelId).order_by_asc(Column::Version);
        lines.all(self.app.db.reader()).await.expect("the ledger can be read")
    }

    /// The reservations of an order: quantity and status of each.
    pub async fn reservations(&self, order: Uuid) -> Vec<(i64, String)> {
        let all = entity::reservation::Entity::find().all(self.app.db.reader()).await;
        let all = all.expect("the reservations can be read").into_iter();
        let mut found: Vec<_> = all
            .filter(|reservation| reservation.order_id == order)
            .map(|reservation| (reservation.quantity, reservation.status))
            .collect();
        found.sort();
        found
    }

    /// The database is sound: no level is negative, each is the sum of its movements and of its
    /// live reservations, and the ledger of each is a chain.
    pub async fn stock_is_sound(&self) {
        let reader = self.app.db.reader();
        let levels = entity::stock_level::Entity::find().all(reader).await.unwrap();
        let reservations = entity::reservation::Entity::find().all(reader).await.unwrap();
        let mut held: HashMap<Uuid, i64> = HashMap::new();
        for reservation in reservations {
            if matches!(reservation.status.as_str(), "HELD" | "COMMITTED") {
                *held.entry(reservation.level_id).or_default() += reservation.quantity;
            }
        }
        let mut lines: HashMap<Uuid, Vec<entity::stock_movement::Model>> = HashMap::new();
        for line in self.ledger().await {
            lines.entry(line.level_id).or_default().push(line);
        }
        for level in levels {
            assert!(0 <= level.reserved && level.reserved <= level.on_hand, "{level:?}");
            assert_eq!(level.reserved, held.remove(&level.id).unwrap_or(0), "{level:?}");
            let (mut on_hand, mut reserved, mut version) = (0, 0, 0);
            for line in lines.remove(&level.id).unwrap_or_default() {
                on_hand += line.on_hand_change;
                reserved += line.reserved_change;
                assert_eq!((line.on_hand_after, line.reserved_after), (on_hand, reserved));
                assert!(line.version > version, "{line:?} comes after version {version}");
                version = line.version;
            }
            assert_eq!((level.on_hand, level.reserved), (on_hand, reserved), "{level:?}");
            assert!(level.version >= version, "{level:?} is older than its ledger");
        }
        // The orders of these tests are made up.
        let invariants = [Invariant::Levels, Invariant::Ledger, Invariant::Events];
        self.is_sound_as_to(&invariants).await;
    }

    async fn product(&self, status: &str, skus: &[&str]) -> Product {
        use entity::{category, category_closure, product, product_variant};
        let now = self.app.db.now();
        let (category_id, product_id) = (Uuid::now_v7(), Uuid::now_v7());
        let slug = product_id.simple().to_string();
        let category = category::Model {
            id: category_id,
            parent_id: None,
            name: "Things".to_owned(),
            slug: format!("things-{slug}"),
            version: 1,
            created_at: now,
            updated_at: now,
        };
        let closure = category_closure::Model {
            ancestor_id: category_id,
            descendant_id: category_id,
            depth: 0,
        };
        let product = product::Model {
            id: product_id,
            category_id,
            name: "A thing".to_owned(),
            name_key: "a thing".to_owned(),
            slug,
            description: String::new(),
            status: status.to_owned(),
            lowest_price: i64::MAX,
            version: 1,
            created_at: now,
            updated_at: now,
        };
        let variant = |(position, sku): (usize, &&str)| product_variant::Model {
            id: Uuid::now_v7(),
            product_id,
            sku: (*sku).to_owned(),
            name: (*sku).to_owned(),
            position: i32::try_from(position).unwrap(),
            options: json!([]),
            status: "ACTIVE".to_owned(),
            version: 1,
            created_at: now,
            updated_at: now,
        };
        let variants: Vec<_> = skus.iter().enumerate().map(variant).collect();
        let rows = (&category, &closure, &product, &variants);
        let written = self.app.db.tx(|tx| async move {
            let (category, closure, product, variants) = rows;
            let connection = tx.connection();
            category.clone().into_active_model().insert(connection).await?;
            closure.clone().into_active_model().insert(connection).await?;
            product.clone().into_active_model().insert(connection).await?;
            for variant in variants {
                variant.clone().into_active_model().insert(connection).await?;
            }
            Ok::<_, DbError>(())
        });
        written.await.expect("the product is written");
        let variants = variants.into_iter().map(|variant| (variant.sku, variant.id)).collect();
        Product { id: product_id, variants }
    }

    /// Runs SQL past all guards, in a transaction of its own.
    pub async fn raw(&self, sql: &str) -> Result<(), DbError> {
        use sea_orm::ConnectionTrait;
        self.app
            .db
            .tx(|tx| async move {
                tx.connection().execute_unprepared(sql).await?;
                Ok(())
            })
            .await
    }

    /// A key as SQL writes it.
    pub fn sql_key(&self, key: Uuid) -> String {
        if self.app.db.is_postgres() { format!("'{key}'") } else { format!("X'{}'", key.simple()) }
    }

    /// Time passes, for the database of the test.
    pub fn waits(&self, time: TimeDelta) {
        self.app.db.move_clock(time);
    }
}

const USER_ERRORS: &str = "userErrors { __typename code message path \
    ... on InsufficientStockError { sku requested available } \
    ... on VersionConflictError { actualVersion } \
    ... on IdempotencyConflictError { reason retryAfterSeconds } }";
const LEVEL: &str = "{ onHand reserved available reorderPoint version warehouse { code } }";
const MOVEMENT: &str = "{ id type quantityChange reservedChange onHandAfter reservedAfter version \
    referenceId note actor { id } }";

impl Caller {
    /// `stockAdjust` with this input.
    pub async fn adjust(&self, input: Value) -> Answer {
        let document = format!(
            "mutation ($input: StockAdjustInput!) {{ stockAdjust(input: $input) {{ \
             stockLevel {LEVEL} movement {MOVEMENT} {USER_ERRORS} }} }}"
        );
        self.query(document).with_variables(json!({ "input": input })).await
    }

    /// `stockSet` with this input.
    pub async fn set(&self, input: Value) -> Answer {
        let document = format!(
            "mutation ($input: StockSetInput!) {{ stockSet(input: $input) {{ \
             stockLevel {LEVEL} movement {MOVEMENT} {USER_ERRORS} }} }}"
        );
        self.query(document).with_variables(json!({ "input": input })).await
    }

    /// `stockTransfer` with this input.
    pub async fn transfer(&self, input: Value) -> Answer {
        let document = format!(
            "mutation ($input: StockTransferInput!) {{ stockTransfer(input: $input) {{ \
             from {LEVEL} to {LEVEL} {USER_ERRORS} }} }}"
        );
        self.query(document).with_variables(json!({ "input": input })).await
    }

    /// `warehouseCreate` with this input.
    pub async fn create_warehouse(&self, input: Value) -> Answer {
        let document = format!(
            "mutation ($input: WarehouseCreateInput!) {{ warehouseCreate(input: $input) {{ \
             warehouse {{ id code name priority active isDefault version }} {USER_ERRORS} }} }}"
        );
        self.query(document).with_variables(json!({ "input": input })).await
    }

    /// `warehouseUpdate` with this input.
    pub async fn update_warehouse(&self, input: Value) -> Answer {
        let document = format!(
            "mutation ($input: WarehouseUpdateInput!) {{ warehouseUpdate(input: $input) {{ \
             warehouse {{ id code name priority active isDefault version }} {USER_ERRORS} }} }}"
        );
        self.query(document).with_variables(json!({ "input": input })).await
    }
}
