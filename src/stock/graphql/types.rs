//! The types of stock.

use crate::account::graphql::{ApiToken, User};
use crate::account::loader::AccountLoaders;
use crate::auth::{Permission, Viewer};
use crate::catalog::graphql::ProductVariant;
use crate::catalog::loader::CatalogLoaders;
use crate::db::page::{Cursor, CursorKey, Page};
use crate::graphql::scalars::{BigInt, DateTime};
use crate::graphql::{Auth, Connection, Fault, NodeKind, PageArgs};
use crate::stock;
use crate::stock::graphql::pieces;
use crate::stock::loader::StockLoaders;
use crate::stock::{Availability, Level, Movement, MovementFilter, Stock};
use async_graphql::{Context, Enum, ID, Object, SimpleObject};
use futures::FutureExt;

/// Availability in a word.
#[expect(clippy::enum_variant_names, reason = "the names that clients rely on")]
#[derive(Enum, Debug, Clone, Copy, PartialEq, Eq)]
#[graphql(remote = "stock::StockStatus")]
pub enum StockStatus {
    /// More is available than the reorder point.
    InStock,
    /// Something is available, but no more than the reorder point.
    LowStock,
    /// Nothing is available.
    OutOfStock,
}

/// What a shopper may know of a variant's stock.
#[derive(SimpleObject)]
pub struct VariantStock {
    /// Pieces that can be bought now: on hand less reserved, summed over the active warehouses.
    available: i32,
    /// The same in a word.
    status: StockStatus,
    /// Rises with every change of the variant's stock: of two answers the one with the larger
    /// version is newer.
    version: BigInt,
}

impl From<Availability> for VariantStock {
    fn from(availability: Availability) -> Self {
        Self {
            available: pieces(availability.available),
            status: availability.status().into(),
            version: BigInt(availability.version),
        }
    }
}

/// A place that holds stock.
pub struct Warehouse(pub stock::Warehouse);

/// A place that holds stock. For those who have STOCK_READ.
#[Object]
impl Warehouse {
    /// The opaque id, for `node`.
    pub async fn id(&self) -> ID {
        NodeKind::Warehouse.id(self.0.id)
    }

    /// A short unique name, such as `MAIN`.
    async fn code(&self) -> &str {
        &self.0.code
    }

    /// The display name.
    async fn name(&self) -> &str {
        &self.0.name
    }

    /// Orders are served from the warehouse with the lowest number first.
    async fn priority(&self) -> i32 {
        self.0.priority
    }

    /// Whether its stock is for sale.
    async fn active(&self) -> bool {
        self.0.active
    }

    /// Whether operations that name no warehouse mean this one. Exactly one has true.
    async fn is_default(&self) -> bool {
        self.0.is_default
    }

    /// Rises with each change; give it as `expectedVersion`.
    async fn version(&self) -> BigInt {
        BigInt(self.0.version)
    }

    /// When it was made.
    async fn created_at(&self) -> DateTime {
        DateTime(self.0.created_at)
    }

    /// When it was changed last.
    async fn updated_at(&self) -> DateTime {
        DateTime(self.0.updated_at)
    }
}

/// The stock of one variant in one warehouse.
pub struct StockLevel(pub Level);

/// The stock of one variant in one warehouse. For those who have STOCK_READ.
#[Object]
impl StockLevel {
    /// The opaque id, for `node`.
    pub async fn id(&self) -> ID {
        NodeKind::StockLevel.id(self.0.id)
    }

    /// What it is the stock of.
    async fn variant(&self, ctx: &Context<'_>) -> Result<ProductVariant, Fault> {
        let variant = ctx.data_unchecked::<CatalogLoaders>().variant.get(self.0.variant_id).await?;
        let variant = variant.map(ProductVariant::from);
        variant.ok_or_else(|| Fault::internal(&"a level without a variant"))
    }

    /// Where it lies.
    async fn warehouse(&self, ctx: &Context<'_>) -> Result<Warehouse, Fault> {
        let loaders = ctx.data_unchecked::<StockLoaders>();
        let warehouse = loaders.warehouse.get(self.0.warehouse_id).await?;
        warehouse.map(Warehouse).ok_or_else(|| Fault::internal(&"a level without a warehouse"))
    }

    /// Pieces in the warehouse, the reserved ones among them.
    async fn on_hand(&self) -> i32 {
        pieces(self.0.on_hand)
    }

    /// Of these, pieces that orders have set aside.
    async fn reserved(&self) -> i32 {
        pieces(self.0.reserved)
    }

    /// Pieces that are ordered from a supplier and not here yet; they cannot be sold.
    async fn incoming(&self) -> i32 {
        pieces(self.0.incoming)
    }

    /// Pieces that can be sold: onHand − reserved. Never negative.
    async fn available(&self) -> i32 {
        pieces(self.0.available())
    }

    /// At this many available pieces or fewer the level counts as low.
    async fn reorder_point(&self) -> i32 {
        pieces(self.0.reorder_point)
    }

    /// Rises with each change; give it as `expectedVersion` to change only what you have seen.
    async fn version(&self) -> BigInt {
        BigInt(self.0.version)
    }

    /// When it changed last.
    async fn updated_at(&self) -> DateTime {
        DateTime(self.0.updated_at)
    }

    /// The ledger of this level, the latest movement first.
    async fn movements(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "So many from the beginning, 0 to 100; 20 when neither is given.")]
        first: Option<i32>,
        #[graphql(desc = "Only what comes after this cursor.")] after: Option<String>,
        #[graphql(desc = "So many from the end, 0 to 100.")] last: Option<i32>,
        #[graphql(desc = "Only what comes before this cursor.")] before: Option<String>,
    ) -> Result<Connection<StockMovement>, Fault> {
        let args = PageArgs { first, after, last, before };
        let loaders = ctx.data_unchecked::<StockLoaders>();
        let window = args.window(&LEVEL_MOVEMENTS)?;
        let page = loaders.movements.get((self.0.id, window)).await?;
        let (level_id, count) = (self.0.id, loaders.movement_count.clone());
        let count = move || {
            let count = count.clone();
            async move { Ok(count.get(level_id).await?.unwrap_or_default()) }.boxed()
        };
        let page = page.unwrap_or_else(Page::empty);
        Ok(movement_connection(page, &LEVEL_MOVEMENTS, true, count))
    }
}

/// Tells the cursors of this list from those of others.
const LEVEL_MOVEMENTS: &str = "StockLevel.movements";

/// Why a level changed.
#[derive(Enum, Debug, Clone, Copy, PartialEq, Eq)]
#[graphql(remote = "stock::MovementKind")]
pub enum StockMovementType {
    /// Goods came in: onHand rises.
    Receipt,
    /// Goods went out to a customer: onHand falls; at the fulfilment of an order reserved falls
    /// with it.
    Sale,
    /// A customer sent goods back: onHand rises.
    Return,
    /// A count found another number: onHand rises or falls.
    Adjustment,
    /// An order set pieces aside: reserved rises.
    Reservation,
    /// An order gave pieces back: reserved falls.
    Release,
    /// Came from another warehouse: onHand rises.
    TransferIn,
    /// Went to another warehouse: onHand falls.
    TransferOut,
}

/// One line of the ledger.
pub struct StockMovement(pub Movement);

/// One line of the ledger of a stock level: written once, never changed. The sums of a level's
/// lines are its onHand and reserved. For those who have STOCK_READ.
#[Object]
impl StockMovement {
    /// The opaque id, for `node`.
    pub async fn id(&self) -> ID {
        NodeKind::StockMovement.id(self.0.id)
    }

    /// Why the level changed.
    #[graphql(name = "type")]
    async fn kind(&self) -> StockMovementType {
        self.0.kind.into()
    }

    /// Change of the level's onHand; 0 for RESERVATION and RELEASE.
    async fn quantity_change(&self) -> i32 {
        pieces(self.0.on_hand_change)
    }

    /// Change of the level's reserved; 0 for most kinds.
    async fn reserved_change(&self) -> i32 {
        pieces(self.0.reserved_change)
    }

    /// The level's onHand after this.
    async fn on_hand_after(&self) -> i32 {
        pieces(self.0.on_hand_after)
    }

    /// The level's reserved after this.
    async fn reserved_after(&self) -> i32 {
        pieces(self.0.reserved_after)
    }

    /// The level's version after this.
    async fn version(&self) -> BigInt {
        BigInt(self.0.version)
    }

    /// What it was for, such as a delivery note or an order; null when nobody said.
    async fn reference_id(&self) -> Option<&str> {
        self.0.reference_id.as_deref()
    }

    /// A remark; null when there is none.
    async fn note(&self) -> Option<&str> {
        self.0.note.as_deref()
    }

    /// Who did it; null when the system or a program with an API token did.
    #[graphql(directive = Auth::apply(Permission::AccountRead))]
    async fn actor(&self, ctx: &Context<'_>) -> Option<Result<User, Fault>> {
        let actor = self.0.actor_id?;
        let found = ctx.data_unchecked::<AccountLoaders>().user.get(actor).await;
        found.map(|user| user.map(User)).transpose()
    }

    /// The API token of the program that did it; null when an account or the system did.
    #[graphql(directive = Auth::apply(Permission::AccountRead))]
    async fn api_token(&self, ctx: &Context<'_>) -> Option<Result<ApiToken, Fault>> {
        let token = self.0.api_token_id?;
        let found = ctx.data_unchecked::<AccountLoaders>().api_token.get(token).await;
        found.map(|token| token.map(ApiToken)).transpose()
    }

    /// When.
    async fn created_at(&self) -> DateTime {
        DateTime(self.0.created_at)
    }

    /// The level that changed.
    async fn level(&self, ctx: &Context<'_>) -> Result<StockLevel, Fault> {
        let loaders = ctx.data_unchecked::<StockLoaders>();
        let level = loaders.level.get(self.0.level_id).await?;
        level.map(StockLevel).ok_or_else(|| Fault::internal(&"a movement without a level"))
    }
}

/// A connection over a page of movements. Those of one level are in the order of its versions.
pub(super) fn movement_connection<F>(
    page: Page<Movement>,
    list: &impl std::hash::Hash,
    of_one_level: bool,
    count: F,
) -> Connection<StockMovement>
where
    F: Fn() -> futures::future::BoxFuture<'static, Result<u64, Fault>> + Send + Sync + 'static,
{
    let cursor = |movement: &Movement| Cursor {
        key: if of_one_level { CursorKey::Int(movement.version) } else { CursorKey::Id },
        id: movement.id,
    };
    Connection::new(page, list, cursor, StockMovement, count)
}

/// The connection that `stockMovements` and its likes answer.
pub(super) async fn list_movements(
    stock: &Stock,
    viewer: Viewer,
    filter: MovementFilter,
    args: PageArgs,
) -> Result<Connection<StockMovement>, Fault> {
    let page = stock.list_movements(&viewer, &filter, &args.window(&filter)?).await?;
    let (stock, counted) = (stock.clone(), filter.clone());
    let count = move || {
        let (stock, filter) = (stock.clone(), counted.clone());
        async move { Ok(stock.count_movements(&viewer, &filter).await?) }.boxed()
    };
    Ok(movement_connection(page, &filter, filter.level_id.is_some(), count))
}
