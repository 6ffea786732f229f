//! What the bus carries. Messages tell what changed, never how the whole looks: whoever missed one
//! reads again.

use crate::db::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// One piece of news for every replica.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum BusMessage {
    /// Levels of stock as they are after a commit, in any order.
    StockLevelsChanged(Vec<LevelState>),
    /// A warehouse was made, changed or archived: sums over warehouses must be read again.
    WarehousesChanged,
    /// Entities that caches must forget.
    EntitiesChanged(Vec<EntityChange>),
    /// Variants whose flash sales were set or ended: what they cost must be read again.
    FlashSalesChanged(Vec<Uuid>),
    /// Accounts whose role, state or sessions changed: whoever serves one for long looks again.
    AccountsChanged(Vec<Uuid>),
    /// Orders that changed, or whose payment did: whoever watches one reads it again.
    OrdersChanged(Vec<Uuid>),
    /// Alerts that were raised, acknowledged or resolved: whoever watches reads them.
    AlertsChanged(Vec<Uuid>),
    /// Figures of the shop changed: whoever watches them reads them again.
    MetricsChanged,
    /// What the outbox tells once more, some time after the commit: whoever knows less looks again.
    Recalled(Vec<Recall>),
}

impl BusMessage {
    /// Whether there is nothing in it to tell.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        match self {
            Self::StockLevelsChanged(levels) => levels.is_empty(),
            Self::WarehousesChanged | Self::MetricsChanged => false,
            Self::EntitiesChanged(changes) => changes.is_empty(),
            Self::FlashSalesChanged(ids)
            | Self::AccountsChanged(ids)
            | Self::OrdersChanged(ids)
            | Self::AlertsChanged(ids) => ids.is_empty(),
            Self::Recalled(recalls) => recalls.is_empty(),
        }
    }
}

/// Something that changed a while ago.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Recall {
    /// An order, or a payment of it.
    Order {
        /// Its key.
        order_id: Uuid,
    },
    /// A level of stock.
    Level {
        /// The variant.
        variant_id: Uuid,
        /// The warehouse that it lies in.
        warehouse_id: Uuid,
        /// Its version since.
        version: i64,
    },
}

/// A level of stock after a commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct LevelState {
    /// The variant.
    pub variant_id: Uuid,
    /// The warehouse that it lies in.
    pub warehouse_id: Uuid,
    /// Units in the warehouse.
    pub on_hand: i64,
    /// Units of these that are promised.
    pub reserved: i64,
    /// At this many available pieces or fewer the level is low.
    pub reorder_point: i64,
    /// Rises with every change of this level: of two states the one with the larger is newer.
    pub version: i64,
    /// Its version before this change: whoever knows an older one has missed something between.
    pub previous_version: i64,
    /// When it was changed.
    pub occurred_at: Timestamp,
}

/// The kinds of entities that are cached by their id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum EntityKind {
    /// A product.
    Product,
    /// A product's variant.
    Variant,
    /// A category.
    Category,
    /// A warehouse.
    Warehouse,
}

/// An entity that was made, changed or deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct EntityChange {
    /// What it is.
    pub kind: EntityKind,
    /// Its key.
    pub id: Uuid,
    /// Its version after the change; what is older is out of date. [`EntityChange::DELETED`] when
    /// there is none.
    pub version: i64,
}

impl EntityChange {
    /// The version of what is gone: newer than any.
    pub const DELETED: i64 = i64::MAX;
}
