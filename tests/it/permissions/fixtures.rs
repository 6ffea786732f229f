//! A shop with one object of each kind, and what arguments are made of.

use super::viewers::{Who, api_token};
use crate::app::{Caller, MAIN, TestApp};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use stockroom::auth::{Holders, Permission, Role, Viewer};
use stockroom::graphql::NodeKind;
use uuid::Uuid;

/// Who sees an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SeenBy {
    /// Whoever has this permission.
    Permission(Permission),
    /// Its owner, and whoever has this permission.
    OwnerAnd(Permission),
    /// Its owner alone.
    Owner,
}

impl SeenBy {
    /// Whether it is there for this viewer.
    pub fn includes(self, who: Who) -> bool {
        match self {
            Self::Permission(permission) => who.permissions().contains(permission),
            Self::Owner => who == Who::Owner,
            Self::OwnerAnd(permission) => {
                who == Who::Owner || who.permissions().contains(permission)
            }
        }
    }
}

/// A SKU that nobody takes from the shop while others put it into carts.
const IN_CARTS: &str = "TEA-1";

/// An object of each kind.
#[derive(Clone)]
pub struct Fixtures {
    owner: Uuid,
    sku: String,
    /// A line of the owner's order.
    order_line: String,
    /// By the name of its type in the schema.
    pub objects: BTreeMap<&'static str, (String, SeenBy)>,
}

impl Fixtures {
    pub async fn make(app: &TestApp) -> Self {
        let sku = "THING-1".to_owned();
        let product = app.sells(&[&sku]).await;
        let staff = Viewer::User { id: app.account(Role::Staff).await, role: Role::Staff };
        app.receives_from(&staff, &sku, MAIN, 5).await;
        app.offers(IN_CARTS, 0, 1_000).await;
        let flash_sale = app.flashes(IN_CARTS, 800, 5, None).await;
        let guests = app.cart_of(&Viewer::Guest, &[]).await;
        let draft = app.drafts(&["DRAFT-1"]).await;
        let category = entity_category(app, product.id).await;
        let (token, _) = api_token(app, &[Permission::StockRead]).await;
        let permissions = [Permission::StockWrite].into_iter().collect();
        let program = Viewer::Service { id: token, permissions };
        app.receives_from(&program, &sku, MAIN, 5).await;
        let [moved, moved_by_program] = app.ledger().await.try_into().expect("goods came in twice");
        let (event, event_by_program) = events(app, token).await;
        let see = SeenBy::Permission;
        let rows = [
            ("Category", NodeKind::Category, category, see(Permission::CatalogRead)),
            ("Product", NodeKind::Product, product.id, see(Permission::CatalogRead)),
            ("Product (draft)", NodeKind::Product, draft.id, see(Permission::CatalogReadAll)),
            (
                "ProductVariant",
                NodeKind::ProductVariant,
                product.variants[&sku],
                see(Permission::CatalogRead),
            ),
            ("Warehouse", NodeKind::Warehouse, MAIN, see(Permission::StockRead)),
            ("StockLevel", NodeKind::StockLevel, moved.level_id, see(Permission::StockRead)),
            ("StockMovement", NodeKind::StockMovement, moved.id, see(Permission::StockRead)),
            (
                "StockMovement (by a program)",
                NodeKind::StockMovement,
                moved_by_program.id,
                see(Permission::StockRead),
            ),
            ("FlashSale", NodeKind::FlashSale, flash_sale, see(Permission::CatalogRead)),
            // Whoever knows its id holds it.
            ("Cart (guest)", NodeKind::Cart, guests, see(Permission::CartUse)),
            ("ApiToken", NodeKind::ApiToken, token, see(Permission::AccountRead)),
            ("AuditEvent", NodeKind::AuditEvent, event, see(Permission::AuditRead)),
            ("OutboxEvent", NodeKind::OutboxEvent, told(app).await, see(Permission::OutboxRead)),
            ("Alert", NodeKind::Alert, alert(app, &staff).await, see(Permission::MetricsRead)),
            (
                "AuditEvent (by a program)",
                NodeKind::AuditEvent,
                event_by_program,
                see(Permission::AuditRead),
            ),
        ];
        let objects = rows
            .into_iter()
            .map(|(name, kind, key, seen)| (name, (kind.id(key).to_string(), seen)))
            .collect();
        Self { owner: Uuid::nil(), sku, order_line: String::new(), objects }.of_new_owner(app).await
    }

    /// The same shop, with an owner and things of theirs that nobody has touched.
    pub async fn of_new_owner(&self, app: &TestApp) -> Self {
        let owner = app.account(Role::Customer).await;
        let mut objects = self.objects.clone();
        let user = NodeKind::User.id(owner).to_string();
        objects.insert("User", (user, SeenBy::OwnerAnd(Permission::AccountRead)));
        let address = NodeKind::Address.id(app.address_of(owner).await).to_string();
        objects.insert("Address", (address, SeenBy::OwnerAnd(Permission::AccountManage)));
        let order = app.owes(1_000, Some(owner)).await;
        let payment = app.opens_payment(order, 1_000, "card_approved", true).await;
        let own = NodeKind::Order.id(order).to_string();
        objects.insert("Order", (own, SeenBy::OwnerAnd(Permission::OrderRead)));
        let payment = NodeKind::Payment.id(payment.expect("it is the first").id).to_string();
        objects.insert("Payment", (payment, SeenBy::OwnerAnd(Permission::PaymentRead)));
        // One that the last viewer may have deleted.
        app.taxes(None, 0).await;
        let viewer = Viewer::User { id: owner, role: Role::Customer };
        let cart = NodeKind::Cart.id(app.cart_of(&viewer, &[(IN_CARTS, 1)]).await).to_string();
        objects.insert("Cart", (cart, SeenBy::Owner));
        let order_line = NodeKind::OrderLine.id(app.owes_for(order).await).to_string();
        Self { owner, sku: self.sku.clone(), order_line, objects }
    }

    /// The customer to whom the things belong.
    pub fn owner(&self, app: &TestApp) -> Caller {
        app.with_token(app.token(self.owner))
    }

    /// The id of an object of this type.
    pub fn object(&self, name: &str) -> Option<&(String, SeenBy)> {
        self.objects.get(name)
    }

    /// What an argument is given though it need not be, or must be given exactly.
    pub fn value(&self, owner: &str, name: &str) -> Option<Value> {
        let unique = || Uuid::new_v4().simple().to_string();
        Some(match (owner, name) {
            // One argument of the two is required, which its type cannot say.
            ("Subscription.stockChanged", "skus") => json!([self.sku]),
            // New ones, of things that are made.
            ("VariantInput" | "VariantCreateInput", "sku") => json!(unique()),
            ("WarehouseCreateInput", "code") => json!(unique()[..12].to_uppercase()),
            ("PaymentInput", "provider") => json!("sandbox"),
            ("PaymentInput", "method") => json!("card_approved"),
            // Something has to be said, which its type cannot say either.
            ("CartDeliverySetInput", "country") => json!("DE"),
            ("CartLineInput", "sku") => json!(IN_CARTS),
            ("OrderLinePiecesInput", "orderLineId") => json!(self.order_line),
            (_, "sku") => json!(self.sku),
            (_, "email" | "newEmail") => json!(format!("{}@stockroom.example", unique())),
            (_, "password" | "newPassword" | "currentPassword") => json!("four words in a row"),
            _ => return None,
        })
    }

    /// The objects of this type, each with the rule of who sees it.
    pub fn objects_of(&self, name: &str) -> impl Iterator<Item = &(String, SeenBy)> {
        let is_one = move |own: &str| own.split(' ').next() == Some(name);
        self.objects.iter().filter(move |(own, _)| is_one(own)).map(|(_, object)| object)
    }

    /// Whether a mutation with this rule changes the object for this viewer. What everyone who is
    /// signed in may do, they may do with their own things alone; who else may see a thing may also
    /// change it, when the rule lets them.
    pub fn is_changed_by(&self, kind: &str, rule: Permission, who: Who) -> bool {
        match self.objects[kind].1 {
            SeenBy::OwnerAnd(_) if rule.holders() == Holders::SignedIn => who == Who::Owner,
            seen_by => seen_by.includes(who),
        }
    }

    /// The kind and the id of what an argument asks for, by its name or by the name of its input.
    pub fn id(&self, owner: &str, name: &str) -> (&'static str, &str) {
        let kind = match (owner, name) {
            ("Query.node" | "Query.nodes", _) => "User",
            (_, "toWarehouseId" | "fromWarehouseId") => "Warehouse",
            (_, "parentId") => "Category",
            ("ProductBy", "id") => "Product",
            ("OutboxRetryInput", _) => "OutboxEvent",
            ("VariantUpdateInput" | "VariantDeleteInput", "id") => "ProductVariant",
            (_, "id") => owner.trim_start_matches("Query."),
            (_, name) => name.trim_end_matches('s').trim_end_matches("Id"),
        };
        let mut kinds = self.objects.iter().filter(|(own, _)| {
            own.eq_ignore_ascii_case(kind)
                || (name == "id" && kind.to_lowercase().starts_with(&own.to_lowercase()))
        });
        let found = kinds.next_back();
        let found =
            found.unwrap_or_else(|| panic!("{owner}.{name}: say in fixtures.rs what it names"));
        (*found.0, &found.1.0)
    }
}

/// An alert that this member of staff looks after.
async fn alert(app: &TestApp, staff: &Viewer) -> Uuid {
    use sea_orm::EntityTrait;
    use stockroom::metrics::alerts::Acknowledge;
    let alerts = &app.app.services.alerts;
    app.has_low_at("FEW-1", 1, 5).await;
    alerts.evaluate().await.expect("the database answers");
    let alert = entity::alert::Entity::find().one(app.app.db.reader()).await;
    let id = alert.expect("the database answers").expect("something is low").id;
    let ask = Acknowledge { id, note: None, idempotency_key: None };
    alerts.acknowledge(staff, &ask).await.expect("it is not resolved");
    id
}

/// An event that others are told.
async fn told(app: &TestApp) -> Uuid {
    use sea_orm::EntityTrait;
    let event = entity::outbox::Entity::find().one(app.app.db.reader()).await;
    event.expect("the database answers").expect("stock has moved").event_id
}

async fn entity_category(app: &TestApp, product: Uuid) -> Uuid {
    use sea_orm::EntityTrait;
    let found = entity::product::Entity::find_by_id(product).one(app.app.db.reader()).await;
    found.expect("the database answers").expect("the product is there").category_id
}

/// What an administrator did, and the same as if the program with this token had done it.
async fn events(app: &TestApp, token: Uuid) -> (Uuid, Uuid) {
    use entity::audit_event::{Column, Entity};
    use sea_orm::{ActiveModelTrait, ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter};
    let by_account = Entity::find().filter(Column::UserId.is_not_null());
    let by_account = by_account.one(app.app.db.reader()).await.expect("the database answers");
    let by_account = by_account.expect("an administrator made the token");
    let by_program = entity::audit_event::Model {
        id: Uuid::now_v7(),
        actor_kind: "API_TOKEN".to_owned(),
        user_id: None,
        api_token_id: Some(token),
        ..by_account.clone()
    };
    let row = &by_program;
    let written = app.app.db.tx(|tx| async move {
        row.clone().into_active_model().insert(tx.connection()).await?;
        Ok::<_, stockroom::db::DbError>(())
    });
    written.await.expect("the event is written");
    (by_account.id, by_program.id)
}
