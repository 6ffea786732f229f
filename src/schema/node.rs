//! Any object by its id, whatever its kind.

use crate::account::graphql::{Address, ApiToken, User};
use crate::account::loader::AccountLoaders;
use crate::audit::loader::AuditLoaders;
use crate::auth::Permission;
use crate::cart::graphql::Cart;
use crate::cart::loader::CartLoaders;
use crate::catalog::graphql::{Category, Product, ProductVariant};
use crate::catalog::loader::CatalogLoaders;
use crate::flash_sale::graphql::FlashSale;
use crate::flash_sale::loader::FlashSaleLoaders;
use crate::graphql::node_id::parse;
use crate::graphql::{Auth, Fault, NodeKind, code};
use crate::metrics::alerts::graphql::Alert;
use crate::metrics::alerts::loader::AlertLoaders;
use crate::order::graphql::Order;
use crate::order::loader::OrderLoaders;
use crate::outbox::graphql::OutboxEvent;
use crate::outbox::loader::OutboxLoaders;
use crate::payment::graphql::Payment;
use crate::payment::loader::PaymentLoaders;
use crate::schema::audit::AuditEvent;
use crate::stock::graphql::{StockLevel, StockMovement, Warehouse};
use crate::stock::loader::StockLoaders;
use async_graphql::{Context, ID, Interface, Object};
use futures::future::join_all;
use uuid::Uuid;

/// Ids in one call of `nodes` at most.
const MAX_IDS: usize = 100;

/// An object with an id by which it can be read again.
#[derive(Interface)]
#[graphql(field(name = "id", ty = "ID", desc = "The opaque id, for `node`."))]
pub enum Node {
    /// A category.
    Category(Category),
    /// A product.
    Product(Product),
    /// A variant of a product.
    ProductVariant(ProductVariant),
    /// A warehouse.
    Warehouse(Warehouse),
    /// The stock of a variant in a warehouse.
    StockLevel(StockLevel),
    /// A line of a level's ledger.
    StockMovement(StockMovement),
    /// An account.
    User(User),
    /// A program's way in.
    ApiToken(ApiToken),
    /// A postal address in an account's address book, or as an order keeps it.
    Address(Address),
    /// What a customer buys, or the shop orders.
    Order(Order),
    /// An event of the audit log.
    AuditEvent(AuditEvent),
    /// A change that others are told.
    OutboxEvent(OutboxEvent),
    /// Something that those who run the shop should look at.
    Alert(Alert),
    /// A payment of an order.
    Payment(Payment),
    /// What someone means to buy.
    Cart(Cart),
    /// A variant at a lower price for a while.
    FlashSale(FlashSale),
}

/// Queries for any object.
#[derive(Default)]
pub struct NodeQuery;

/// Queries for any object.
#[Object]
impl NodeQuery {
    /// The object with this id; null when there is none, or none that you may see.
    #[graphql(directive = Auth::apply(Permission::NodeRead))]
    async fn node(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "An id that the server gave.")] id: ID,
    ) -> Option<Result<Node, Fault>> {
        find(ctx, &id).await.transpose()
    }

    /// The objects with these ids, in their order; null in place of those that are not there or
    /// that you may not see.
    #[graphql(directive = Auth::apply(Permission::NodeRead))]
    async fn nodes(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Ids that the server gave, at most 100.")] ids: Vec<ID>,
    ) -> Result<Vec<Option<Node>>, Fault> {
        if ids.len() > MAX_IDS {
            let message = format!("ids has {} ids; {MAX_IDS} at most.", ids.len());
            return Err(Fault::bad_user_input(message));
        }
        // Side by side, so that those of one kind become one look-up.
        let found = join_all(ids.iter().map(|id| find(ctx, id))).await;
        found.into_iter().collect()
    }
}

async fn find(ctx: &Context<'_>, id: &ID) -> Result<Option<Node>, Fault> {
    let Some((kind, key)) = parse(id) else {
        let shown: String = id.chars().take(40).collect();
        return Err(Fault::bad_user_input(format!("{shown:?} is not an id of this server.")));
    };
    find_visible(ctx, kind, key).await
}

/// The object with this key; None when there is none, or none that the viewer may see.
pub(crate) async fn find_visible(
    ctx: &Context<'_>,
    kind: NodeKind,
    key: Uuid,
) -> Result<Option<Node>, Fault> {
    match find_key(ctx, kind, key).await {
        // What the viewer may not see does not exist for them.
        Err(fault) if matches!(fault.code, code::FORBIDDEN | code::UNAUTHENTICATED) => Ok(None),
        found => found,
    }
}

async fn find_key(ctx: &Context<'_>, kind: NodeKind, key: Uuid) -> Result<Option<Node>, Fault> {
    let catalog = ctx.data_unchecked::<CatalogLoaders>();
    let stock = ctx.data_unchecked::<StockLoaders>();
    Ok(match kind {
        NodeKind::Category => catalog.category.get(key).await?.map(|found| Category(found).into()),
        NodeKind::Product => catalog.product.get(key).await?.map(|found| Product(found).into()),
        NodeKind::ProductVariant => {
            catalog.variant.get(key).await?.map(|found| ProductVariant::from(found).into())
        }
        NodeKind::Warehouse => stock.warehouse.get(key).await?.map(|found| Warehouse(found).into()),
        NodeKind::StockLevel => stock.level.get(key).await?.map(|found| StockLevel(found).into()),
        NodeKind::StockMovement => {
            stock.movement.get(key).await?.map(|found| StockMovement(found).into())
        }
        NodeKind::User => {
            let accounts = ctx.data_unchecked::<AccountLoaders>();
            accounts.user.get(key).await?.map(|found| User(found).into())
        }
        NodeKind::ApiToken => {
            let accounts = ctx.data_unchecked::<AccountLoaders>();
            accounts.api_token.get(key).await?.map(|found| ApiToken(found).into())
        }
        NodeKind::Address => {
            let accounts = ctx.data_unchecked::<AccountLoaders>();
            accounts.address.get(key).await?.map(|found| Address::from(found).into())
        }
        NodeKind::Cart => {
            let carts = ctx.data_unchecked::<CartLoaders>();
            carts.cart.get(key).await?.map(|found| Cart(found).into())
        }
        NodeKind::FlashSale => {
            let sales = ctx.data_unchecked::<FlashSaleLoaders>();
            sales.sale.get(key).await?.map(|found| FlashSale(found).into())
        }
        NodeKind::AuditEvent => {
            let log = ctx.data_unchecked::<AuditLoaders>();
            log.event.get(key).await?.map(|found| AuditEvent(found).into())
        }
        NodeKind::OutboxEvent => {
            let outbox = ctx.data_unchecked::<OutboxLoaders>();
            outbox.event.get(key).await?.map(|found| OutboxEvent(found).into())
        }
        NodeKind::Alert => {
            let alerts = ctx.data_unchecked::<AlertLoaders>();
            alerts.alert.get(key).await?.map(|found| Alert(found).into())
        }
        NodeKind::Payment => {
            let payments = ctx.data_unchecked::<PaymentLoaders>();
            payments.payment.get(key).await?.map(|found| Payment(found).into())
        }
        NodeKind::Order => {
            let orders = ctx.data_unchecked::<OrderLoaders>();
            orders.order.get(key).await?.map(|found| Order(found).into())
        }
        NodeKind::OrderShippingAddress | NodeKind::OrderBillingAddress => {
            let orders = ctx.data_unchecked::<OrderLoaders>();
            let order = orders.order.get(key).await?;
            order.and_then(|found| Order(found).address(kind)).map(Node::from)
        }
        // Lines are read with what they are lines of.
        NodeKind::OrderLine | NodeKind::Refund => None,
    })
}
