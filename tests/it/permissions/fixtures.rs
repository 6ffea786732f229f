//! A shop with one object of each kind, and what arguments are made of.

use super::viewers::api_token;
use crate::app::{Caller, MAIN, TestApp};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use stockroom::auth::{Permission, Role};
use stockroom::graphql::NodeKind;
use uuid::Uuid;

/// Who sees an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SeenBy {
    /// Whoever has this permission.
    Permission(Permission),
    /// Its owner, and whoever has this permission.
    OwnerAnd(Permission),
}

/// An object of each kind.
#[derive(Clone)]
pub struct Fixtures {
    owner: Uuid,
    sku: String,
    /// By the name of its type in the schema.
    pub objects: BTreeMap<&'static str, (String, SeenBy)>,
}

impl Fixtures {
    pub async fn make(app: &TestApp) -> Self {
        let sku = "THING-1".to_owned();
        let product = app.sells(&[&sku]).await;
        app.receives(&sku, MAIN, 5).await;
        let draft = app.drafts(&["DRAFT-1"]).await;
        let level = app.ledger().await.first().expect("goods came in").clone();
        let category = entity_category(app, product.id).await;
        let (token, _) = api_token(app, &[Permission::StockRead]).await;
        let event = app.first_audit_event().await;
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
            ("StockLevel", NodeKind::StockLevel, level.level_id, see(Permission::StockRead)),
            ("StockMovement", NodeKind::StockMovement, level.id, see(Permission::StockRead)),
            ("ApiToken", NodeKind::ApiToken, token, see(Permission::AccountRead)),
            ("AuditEvent", NodeKind::AuditEvent, event, see(Permission::AuditRead)),
        ];
        let objects = rows
            .into_iter()
            .map(|(name, kind, key, seen)| (name, (kind.id(key).to_string(), seen)))
            .collect();
        Self { owner: Uuid::nil(), sku, objects }.of_new_owner(app).await
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
        let payment = NodeKind::Payment.id(payment.expect("it is the first").id).to_string();
        objects.insert("Payment", (payment, SeenBy::OwnerAnd(Permission::PaymentRead)));
        Self { owner, sku: self.sku.clone(), objects }
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
            (_, "sku") => json!(self.sku),
            (_, "email" | "newEmail") => json!(format!("{}@stockroom.example", unique())),
            (_, "password" | "newPassword" | "currentPassword") => json!("four words in a row"),
            _ => return None,
        })
    }

    /// The id that an argument asks for, by its name or by the name of its input.
    pub fn id(&self, owner: &str, name: &str) -> &str {
        let kind = match (owner, name) {
            ("Query.node" | "Query.nodes", _) => "User",
            (_, "toWarehouseId" | "fromWarehouseId") => "Warehouse",
            (_, "parentId") => "Category",
            ("ProductBy", "id") => "Product",
            ("VariantUpdateInput" | "VariantDeleteInput", "id") => "ProductVariant",
            (_, "id") => owner.trim_start_matches("Query."),
            (_, name) => name.trim_end_matches('s').trim_end_matches("Id"),
        };
        let mut kinds = self.objects.iter().filter(|(own, _)| {
            own.eq_ignore_ascii_case(kind)
                || (name == "id" && kind.to_lowercase().starts_with(&own.to_lowercase()))
        });
        let found = kinds.next_back();
        &found.unwrap_or_else(|| panic!("{owner}.{name}: say in fixtures.rs what it names")).1.0
    }
}

async fn entity_category(app: &TestApp, product: Uuid) -> Uuid {
    use sea_orm::EntityTrait;
    let found = entity::product::Entity::find_by_id(product).one(app.app.db.reader()).await;
    found.expect("the database answers").expect("the product is there").category_id
}
