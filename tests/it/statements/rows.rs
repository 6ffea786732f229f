//! A shop with so many rows of everything: every list that has a parent has one parent with all of
//! them and others with one.

mod orders;

use crate::app::TestApp;
use sea_orm::{ActiveModelTrait, DatabaseTransaction, EntityTrait, IntoActiveModel};
use serde_json::{Value, json};
use stockroom::db::{DbError, Timestamp};
use stockroom::graphql::NodeKind;
use uuid::Uuid;

/// The key of the i-th row of a table.
fn key(table: u16, row: usize) -> Uuid {
    let row = u64::try_from(row).unwrap();
    Uuid::from_fields(table.into(), 0, 0x7000, &(0x8000_0000_0000_0000 | row).to_be_bytes())
}

const CATEGORY: u16 = 1;
const PRODUCT: u16 = 2;
const VARIANT: u16 = 3;
const WAREHOUSE: u16 = 4;
const LEVEL: u16 = 5;
const MOVEMENT: u16 = 6;
const USER: u16 = 7;
const API_TOKEN: u16 = 8;
const ADDRESS: u16 = 9;
const AUDIT_EVENT: u16 = 10;
const ORDER: u16 = 11;
const PAYMENT: u16 = 12;

const CART: u16 = 13;
const CART_LINE: u16 = 14;
const TAX_RATE: u16 = 15;
const ORDER_LINE: u16 = 16;
const ORDER_EVENT: u16 = 17;
const REFUND: u16 = 30;
const OUTBOX_EVENT: u16 = 40;
const FULFILLMENT: u16 = 18;
const FULFILLMENT_LINE: u16 = 19;
const FLASH_SALE: u16 = 20;
const ALERT: u16 = 41;
const COMPONENT_CHANGE: u16 = 42;

/// The key of the i-th member of staff.
pub fn actor(row: usize) -> Uuid {
    key(USER, row)
}

/// Fills the database with `n` rows of everything; gives an id of each row of each kind.
pub async fn fill(app: &TestApp, n: usize) -> Value {
    let written = app.app.db.tx(|tx| async move {
        let connection = tx.connection();
        let now = tx.db().now();
        people(connection, n, now).await;
        catalogue(connection, n, now).await;
        flash_sales(connection, n, now).await;
        stock(connection, n, now).await;
        orders::sales(connection, n, now).await;
        carts(connection, n, now).await;
        told(connection, n, now).await;
        alerts(connection, n, now).await;
        Ok::<_, DbError>(())
    });
    written.await.expect("the rows are written");
    app.open_sessions().await;
    let kinds = [
        (NodeKind::Category, CATEGORY),
        (NodeKind::Product, PRODUCT),
        (NodeKind::ProductVariant, VARIANT),
        (NodeKind::Warehouse, WAREHOUSE),
        (NodeKind::StockLevel, LEVEL),
        (NodeKind::StockMovement, MOVEMENT),
        (NodeKind::User, USER),
        (NodeKind::ApiToken, API_TOKEN),
        (NodeKind::Address, ADDRESS),
        (NodeKind::AuditEvent, AUDIT_EVENT),
        (NodeKind::OutboxEvent, OUTBOX_EVENT),
        (NodeKind::Payment, PAYMENT),
        (NodeKind::Order, ORDER),
        (NodeKind::Cart, CART),
        (NodeKind::FlashSale, FLASH_SALE),
        (NodeKind::Alert, ALERT),
    ];
    // As many of each kind as go into one list of ids.
    let each = n.min(100 / kinds.len());
    let ids = kinds
        .iter()
        .flat_map(|(kind, table)| (0..each).map(move |row| kind.id(key(*table, row)).to_string()));
    json!(ids.collect::<Vec<_>>())
}

async fn people(connection: &DatabaseTransaction, n: usize, now: Timestamp) {
    use entity::user_account::{Entity, Model};
    let rows = (0..n).map(|row| Model {
        id: key(USER, row),
        email: format!("staff{row}@stockroom.example"),
        email_key: format!("staff{row}@stockroom.example"),
        name: format!("Staff {row}"),
        name_key: format!("staff {row}"),
        password_hash: "none".to_owned(),
        role: "ADMIN".to_owned(),
        email_verified: true,
        active: true,
        deactivated_at: None,
        erased_at: None,
        created_at: now,
        updated_at: now,
    });
    insert::<Entity, _>(connection, rows).await;
    addresses(connection, n, now).await;
}

/// The first account has `n` addresses, the others one each.
async fn addresses(connection: &DatabaseTransaction, n: usize, now: Timestamp) {
    use entity::address::{Entity, Model};
    let whose = (0..n).map(|_| 0).chain(1..n);
    let rows = whose.enumerate().map(|(row, user)| Model {
        id: key(ADDRESS, row),
        user_id: key(USER, user),
        name: format!("Staff {user}"),
        line1: format!("Street {row}"),
        line2: Some("Back door".to_owned()),
        city: "London".to_owned(),
        region: Some("Greater London".to_owned()),
        postal_code: "SW1Y 4JH".to_owned(),
        country: "GB".to_owned(),
        is_default_shipping: row == 0,
        is_default_billing: row == 0,
        created_at: now,
        updated_at: now,
    });
    insert::<Entity, _>(connection, rows).await;
    let tokens = (0..n).map(|row| entity::api_token::Model {
        id: key(API_TOKEN, row),
        name: format!("Program {row}"),
        token_hash: vec![u8::try_from(row).unwrap(); 32],
        prefix: format!("srk_{row:06}"),
        permissions: json!(["STOCK_READ"]),
        created_by_id: Some(actor(row)),
        created_at: now,
        expires_at: Some(now),
        last_used_at: Some(now),
        revoked_at: Some(now),
    });
    insert::<entity::api_token::Entity, _>(connection, tokens).await;
    // By accounts and by programs in turn, to each other.
    let events = (0..n).map(|row| entity::audit_event::Model {
        id: key(AUDIT_EVENT, row),
        action: "USER_ROLE_SET".to_owned(),
        actor_kind: if row % 2 == 0 { "USER" } else { "API_TOKEN" }.to_owned(),
        user_id: (row % 2 == 0).then(|| actor(row)),
        api_token_id: (row % 2 == 1).then(|| key(API_TOKEN, row)),
        subject_kind: if row % 2 == 0 { "API_TOKEN" } else { "USER" }.to_owned(),
        subject_id: if row % 2 == 0 { key(API_TOKEN, row) } else { actor(row) },
        old_value: Some(json!("STAFF")),
        new_value: Some(json!("ADMIN")),
        request_id: Some(format!("request-{row}")),
        created_at: now,
    });
    insert::<entity::audit_event::Entity, _>(connection, events).await;
}

/// Alerts that staff look after, and components with a history.
async fn alerts(connection: &DatabaseTransaction, n: usize, now: Timestamp) {
    use entity::{alert, component_change, component_hour};
    let alerts = (0..n).map(|row| alert::Model {
        id: key(ALERT, row),
        rule: "LOW_STOCK".to_owned(),
        subject: format!("SKU-{row}"),
        severity: "WARNING".to_owned(),
        status: "ACKNOWLEDGED".to_owned(),
        message: "It is low.".to_owned(),
        threshold: "at most 5".to_owned(),
        measured: "1".to_owned(),
        version: 2,
        quiet_since: None,
        raised_at: now,
        updated_at: now,
        acknowledged_at: Some(now),
        acknowledged_by: Some(actor(row)),
        note: Some("Ordered.".to_owned()),
        resolved_at: None,
    });
    insert::<alert::Entity, _>(connection, alerts).await;
    let changes = (0..n).map(|row| component_change::Model {
        id: key(COMPONENT_CHANGE, row),
        component: "CACHE".to_owned(),
        status: if row % 2 == 0 { "HEALTHY" } else { "DEGRADED" }.to_owned(),
        message: None,
        changed_at: now + chrono::TimeDelta::seconds(i64::try_from(row).unwrap()),
    });
    insert::<component_change::Entity, _>(connection, changes).await;
    let hours = (0..n).map(|row| component_hour::Model {
        component: "CACHE".to_owned(),
        starts_at: now - chrono::TimeDelta::hours(i64::try_from(row).unwrap()),
        looks: 2,
        healthy: 1,
        latency_sum_us: 500,
        latency_max_us: 500,
    });
    insert::<component_hour::Entity, _>(connection, hours).await;
}

async fn catalogue(connection: &DatabaseTransaction, n: usize, now: Timestamp) {
    use entity::{category, category_closure, product, product_variant, variant_price};
    let categories = (0..n).map(|row| category::Model {
        id: key(CATEGORY, row),
        parent_id: (row > 0).then(|| key(CATEGORY, 0)),
        name: format!("Category {row}"),
        slug: format!("category-{row}"),
        version: 1,
        created_at: now,
        updated_at: now,
    });
    insert::<category::Entity, _>(connection, categories).await;
    let pair = |ancestor, descendant, depth| category_closure::Model {
        ancestor_id: key(CATEGORY, ancestor),
        descendant_id: key(CATEGORY, descendant),
        depth,
    };
    let closure = (0..n).map(|row| pair(row, row, 0)).chain((1..n).map(|row| pair(0, row, 1)));
    insert::<category_closure::Entity, _>(connection, closure).await;
    let products = (0..n).map(|row| product::Model {
        id: key(PRODUCT, row),
        category_id: key(CATEGORY, row),
        name: format!("Product {row}"),
        name_key: format!("product {row}"),
        slug: format!("product-{row}"),
        description: "What it is.".to_owned(),
        status: "ACTIVE".to_owned(),
        lowest_price: 1_000,
        version: 1,
        created_at: now,
        updated_at: now,
    });
    insert::<product::Entity, _>(connection, products).await;
    let variants = variants(n).map(|(row, product)| product_variant::Model {
        id: key(VARIANT, row),
        product_id: key(PRODUCT, product),
        sku: format!("SKU-{row}"),
        name: format!("Variant {row}"),
        position: i32::try_from(row).unwrap(),
        options: json!([{ "name": "Colour", "value": "Black" }]),
        status: "ACTIVE".to_owned(),
        version: 1,
        created_at: now,
        updated_at: now,
    });
    insert::<product_variant::Entity, _>(connection, variants).await;
    let prices = self::variants(n).flat_map(|(row, _)| {
        // Some are not sold in the currency of carts.
        let codes: &[&str] = if row % 3 == 2 { &["USD"] } else { &["EUR", "USD"] };
        codes.iter().map(move |currency| variant_price::Model {
            variant_id: key(VARIANT, row),
            currency: (*currency).to_owned(),
            amount: 1_000,
        })
    });
    insert::<variant_price::Entity, _>(connection, prices).await;
}

/// Every variant has one that runs, with fewer pieces than carts ask for; the first has prices in
/// many currencies.
async fn flash_sales(connection: &DatabaseTransaction, n: usize, now: Timestamp) {
    use entity::{flash_sale, flash_sale_price};
    let sales = variants(n).map(|(row, _)| flash_sale::Model {
        id: key(FLASH_SALE, row),
        variant_id: key(VARIANT, row),
        starts_at: now - chrono::TimeDelta::hours(1),
        ends_at: now + chrono::TimeDelta::days(1),
        allocation: 100,
        taken: 0,
        limit_per_customer: Some(2),
        version: 1,
        created_at: now,
        updated_at: now,
    });
    insert::<flash_sale::Entity, _>(connection, sales).await;
    let more = stockroom::money::Currency::all();
    let more = more.iter().filter(|currency| currency.code() != "EUR");
    let prices = variants(n).map(|(row, _)| (row, "EUR"));
    let prices = prices.chain(more.take(n).map(|currency| (0, currency.code())));
    let prices = prices.map(|(row, currency)| flash_sale_price::Model {
        flash_sale_id: key(FLASH_SALE, row),
        currency: currency.to_owned(),
        amount: 800,
    });
    insert::<flash_sale_price::Entity, _>(connection, prices).await;
}

/// The first cart is that of the first account and has `n` lines, the others are guests' and have one
/// each. In the first there is something the matter with every line.
async fn carts(connection: &DatabaseTransaction, n: usize, now: Timestamp) {
    use entity::{cart, cart_line, shipping_method, shipping_price, tax_rate};
    let carts = (0..n).map(|row| cart::Model {
        id: key(CART, row),
        customer_id: (row == 0).then(|| actor(0)),
        currency: "EUR".to_owned(),
        status: "OPEN".to_owned(),
        country: Some("DE".to_owned()),
        region: Some("BE".to_owned()),
        postal_code: Some("10115".to_owned()),
        shipping_method: Some("method-0".to_owned()),
        order_id: None,
        merged_into: None,
        version: 1,
        created_at: now,
        updated_at: now,
        expires_at: now + chrono::TimeDelta::days(1),
    });
    insert::<cart::Entity, _>(connection, carts).await;
    let whose = (0..n).map(|line| (0, line)).chain((1..n).map(|cart| (cart, 0)));
    let lines = whose.enumerate().map(|(row, (cart, line))| cart_line::Model {
        id: key(CART_LINE, row),
        cart_id: key(CART, cart),
        // From the last on: the first ones are in the cache when everything is asked for by id.
        variant_id: key(VARIANT, 2 * n - 2 - line),
        position: i32::try_from(line).unwrap(),
        // More than there are, of a price that has changed.
        quantity: 999,
        seen_price: 900,
        created_at: now,
    });
    insert::<cart_line::Entity, _>(connection, lines).await;
    let methods = (0..n).map(|row| shipping_method::Model {
        code: format!("method-{row}"),
        name: format!("Method {row}"),
        description: "How it is sent.".to_owned(),
        countries: Some(json!(["DE", "AT"])),
        position: i32::try_from(row).unwrap(),
        active: true,
        version: 1,
        created_at: now,
        updated_at: now,
    });
    insert::<shipping_method::Entity, _>(connection, methods).await;
    // The first method has `n` prices, the others one each.
    let steps = (0..n).map(|step| (0, step)).chain((1..n).map(|method| (method, 0)));
    let prices = steps.map(|(method, step)| shipping_price::Model {
        method: format!("method-{method}"),
        currency: "EUR".to_owned(),
        from_subtotal: i64::try_from(step).unwrap(),
        price: 490,
    });
    insert::<shipping_price::Entity, _>(connection, prices).await;
    let rates = (0..n).map(|row| tax_rate::Model {
        id: key(TAX_RATE, row),
        country: "DE".to_owned(),
        region: if row == 0 { String::new() } else { format!("R{row}") },
        name: "VAT".to_owned(),
        rate_ppm: 190_000,
        taxes_shipping: true,
        version: 1,
        created_at: now,
        updated_at: now,
    });
    insert::<tax_rate::Entity, _>(connection, rates).await;
}

/// Variants and their products: the first product has `n`, the others one each.
fn variants(n: usize) -> impl Iterator<Item = (usize, usize)> {
    (0..n).map(|row| (row, 0)).chain((1..n).map(move |product| (n - 1 + product, product)))
}

async fn stock(connection: &DatabaseTransaction, n: usize, now: Timestamp) {
    use entity::{stock_level, stock_movement, warehouse};
    let warehouses = (0..n).map(|row| warehouse::Model {
        id: key(WAREHOUSE, row),
        code: format!("W{row}"),
        name: format!("Warehouse {row}"),
        priority: i32::try_from(row).unwrap() + 1,
        active: true,
        is_default: false,
        version: 1,
        created_at: now,
        updated_at: now,
    });
    insert::<warehouse::Entity, _>(connection, warehouses).await;
    // The first variant lies in every warehouse, the others in the first.
    let places = (0..n).map(|warehouse| (0, warehouse));
    let places: Vec<_> = places.chain(variants(n).skip(1).map(|(row, _)| (row, 0))).collect();
    let levels = places.iter().enumerate().map(|(row, (variant, warehouse))| stock_level::Model {
        id: key(LEVEL, row),
        variant_id: key(VARIANT, *variant),
        warehouse_id: key(WAREHOUSE, *warehouse),
        on_hand: 5,
        reserved: 1,
        incoming: 0,
        reorder_point: 9,
        version: 1,
        updated_at: now,
    });
    insert::<stock_level::Entity, _>(connection, levels).await;
    // The first level has `n` movements, the others one each.
    let lines = (0..n).map(|line| (0, line)).chain((1..places.len()).map(|level| (level, 0)));
    let movements = lines.enumerate().map(|(row, (level, line))| stock_movement::Model {
        id: key(MOVEMENT, row),
        level_id: key(LEVEL, level),
        kind: "ADJUSTMENT".to_owned(),
        on_hand_change: 1,
        reserved_change: 0,
        on_hand_after: 5,
        reserved_after: 1,
        version: i64::try_from(line).unwrap() + 1,
        reference_id: Some("count".to_owned()),
        note: Some("A note.".to_owned()),
        // By accounts and by programs in turn.
        actor_id: (row % 2 == 0).then(|| actor(row % n)),
        api_token_id: (row % 2 == 1).then(|| key(API_TOKEN, row % n)),
        created_at: now,
    });
    insert::<stock_movement::Entity, _>(connection, movements).await;
}

/// What others are told.
async fn told(connection: &DatabaseTransaction, n: usize, now: Timestamp) {
    use entity::outbox::{ActiveModel, Entity};
    use sea_orm::ActiveValue::Set;
    let events: Vec<ActiveModel> = (0..n)
        .map(|row| ActiveModel {
            event_id: Set(key(OUTBOX_EVENT, row)),
            topic: Set("order-events".to_owned()),
            kind: Set("order.placed".to_owned()),
            aggregate_id: Set(key(OUTBOX_EVENT, row)),
            seq: Set(1),
            payload: Set(json!({})),
            status: Set("DEAD".to_owned()),
            attempts: Set(5),
            last_error: Set(Some("it does not fit".to_owned())),
            correlation_id: Set(Some(format!("request-{row}"))),
            next_attempt_at: Set(now),
            created_at: Set(now),
            sent_at: Set(Some(now)),
            ..Default::default()
        })
        .collect();
    let written = Entity::insert_many(events).exec_without_returning(connection).await;
    written.expect("the events are written");
}

async fn insert<E, M>(connection: &DatabaseTransaction, rows: impl Iterator<Item = M>)
where
    E: EntityTrait,
    M: IntoActiveModel<E::ActiveModel>,
    E::ActiveModel: Send,
{
    let rows: Vec<E::ActiveModel> = rows.map(|row| row.into_active_model().reset_all()).collect();
    for chunk in rows.chunks(500) {
        let written = E::insert_many(chunk.to_vec()).exec_without_returning(connection).await;
        written.expect("the rows are written");
    }
}
