//! The things that stock is made of, as the rest of the program sees them.

use crate::cache::Cached;
use crate::db::Timestamp;
use crate::events::EntityKind;
use entity::{stock_level, stock_movement, warehouse};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// A place that holds stock.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Warehouse {
    /// The key.
    pub id: Uuid,
    /// A short unique name, such as `MAIN`.
    pub code: String,
    /// The display name.
    pub name: String,
    /// Orders are served from the lowest number first.
    pub priority: i32,
    /// Whether its stock is for sale.
    pub active: bool,
    /// Whether operations without a warehouse mean this one.
    pub is_default: bool,
    /// Rises with each change.
    pub version: i64,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was changed last.
    pub updated_at: Timestamp,
}

impl From<warehouse::Model> for Warehouse {
    fn from(model: warehouse::Model) -> Self {
        Self {
            id: model.id,
            code: model.code,
            name: model.name,
            priority: model.priority,
            active: model.active,
            is_default: model.is_default,
            version: model.version,
            created_at: model.created_at,
            updated_at: model.updated_at,
        }
    }
}

impl Cached for Warehouse {
    const KIND: EntityKind = EntityKind::Warehouse;

    fn id(&self) -> Uuid {
        self.id
    }

    fn version(&self) -> i64 {
        self.version
    }
}

/// The stock of one variant in one warehouse.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Level {
    /// The key.
    pub id: Uuid,
    /// The variant.
    pub variant_id: Uuid,
    /// The warehouse.
    pub warehouse_id: Uuid,
    /// Pieces in the warehouse.
    pub on_hand: i64,
    /// Of these, pieces that orders have set aside.
    pub reserved: i64,
    /// Pieces that are ordered and not here yet.
    pub incoming: i64,
    /// At this many available pieces or fewer the level is low.
    pub reorder_point: i64,
    /// Rises by one with each change.
    pub version: i64,
    /// When it changed last.
    pub updated_at: Timestamp,
}

impl Level {
    /// Pieces that can be sold.
    #[must_use]
    pub fn available(&self) -> i64 {
        self.on_hand - self.reserved
    }
}

impl From<stock_level::Model> for Level {
    fn from(model: stock_level::Model) -> Self {
        Self {
            id: model.id,
            variant_id: model.variant_id,
            warehouse_id: model.warehouse_id,
            on_hand: model.on_hand,
            reserved: model.reserved,
            incoming: model.incoming,
            reorder_point: model.reorder_point,
            version: model.version,
            updated_at: model.updated_at,
        }
    }
}

/// Why a level changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum MovementKind {
    /// Goods came in.
    Receipt,
    /// Goods went out to a customer.
    Sale,
    /// A customer sent goods back.
    Return,
    /// A count found another number.
    Adjustment,
    /// An order set pieces aside.
    Reservation,
    /// An order gave them back.
    Release,
    /// Came from another warehouse.
    TransferIn,
    /// Went to another warehouse.
    TransferOut,
}

impl MovementKind {
    const ALL: [Self; 8] = [
        Self::Receipt,
        Self::Sale,
        Self::Return,
        Self::Adjustment,
        Self::Reservation,
        Self::Release,
        Self::TransferIn,
        Self::TransferOut,
    ];

    /// As it stands in the database.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Receipt => "RECEIPT",
            Self::Sale => "SALE",
            Self::Return => "RETURN",
            Self::Adjustment => "ADJUSTMENT",
            Self::Reservation => "RESERVATION",
            Self::Release => "RELEASE",
            Self::TransferIn => "TRANSFER_IN",
            Self::TransferOut => "TRANSFER_OUT",
        }
    }
}

/// One line of the ledger.
#[derive(Debug, Clone)]
pub struct Movement {
    /// The key.
    pub id: Uuid,
    /// The level that changed.
    pub level_id: Uuid,
    /// Why.
    pub kind: MovementKind,
    /// Change of the pieces on hand.
    pub on_hand_change: i64,
    /// Change of the pieces reserved.
    pub reserved_change: i64,
    /// Pieces on hand afterwards.
    pub on_hand_after: i64,
    /// Pieces reserved afterwards.
    pub reserved_after: i64,
    /// The level's version afterwards.
    pub version: i64,
    /// What it was for, in the words of whoever did it.
    pub reference_id: Option<String>,
    /// A remark.
    pub note: Option<String>,
    /// Who did it; None for the system and for a program.
    pub actor_id: Option<Uuid>,
    /// The API token of the program that did it; None for accounts and the system.
    pub api_token_id: Option<Uuid>,
    /// When.
    pub created_at: Timestamp,
}

impl From<stock_movement::Model> for Movement {
    fn from(model: stock_movement::Model) -> Self {
        let kind = MovementKind::ALL.into_iter().find(|kind| kind.as_str() == model.kind);
        Self {
            id: model.id,
            level_id: model.level_id,
            // A CHECK names the kinds.
            kind: kind.unwrap_or(MovementKind::Adjustment),
            on_hand_change: model.on_hand_change,
            reserved_change: model.reserved_change,
            on_hand_after: model.on_hand_after,
            reserved_after: model.reserved_after,
            version: model.version,
            reference_id: model.reference_id,
            note: model.note,
            actor_id: model.actor_id,
            api_token_id: model.api_token_id,
            created_at: model.created_at,
        }
    }
}

/// What a shopper may know of a variant's stock: the sum over the active warehouses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Availability {
    /// Pieces that can be sold.
    pub available: i64,
    /// The sum of the reorder points.
    pub reorder_point: i64,
    /// The sum of the versions of all its levels: rises with each change.
    pub version: i64,
}

/// Availability in a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StockStatus {
    /// More than the reorder point.
    InStock,
    /// At or below the reorder point.
    LowStock,
    /// None.
    OutOfStock,
}

impl Availability {
    /// Availability in a word.
    #[must_use]
    pub fn status(&self) -> StockStatus {
        if self.available <= 0 {
            StockStatus::OutOfStock
        } else if self.available <= self.reorder_point {
            StockStatus::LowStock
        } else {
            StockStatus::InStock
        }
    }
}

/// Which levels to list.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct LevelFilter {
    /// Only of these SKUs.
    pub skus: Option<Vec<String>>,
    /// Only of this product's variants.
    pub product_id: Option<Uuid>,
    /// Only in this warehouse.
    pub warehouse_id: Option<Uuid>,
    /// Only with at least this many available.
    pub available_gte: Option<i64>,
    /// Only with at most this many available.
    pub available_lte: Option<i64>,
    /// Only those at or below their reorder point, of variants that are sold.
    pub low: bool,
}

/// Which movements to list.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct MovementFilter {
    /// Only of this level.
    pub level_id: Option<Uuid>,
    /// Only of these SKUs.
    pub skus: Option<Vec<String>>,
    /// Only in this warehouse.
    pub warehouse_id: Option<Uuid>,
    /// Only of these kinds.
    pub kinds: Option<Vec<MovementKind>>,
    /// Only with this reference.
    pub reference_id: Option<String>,
    /// Only at or after this time.
    pub created_gte: Option<Timestamp>,
    /// Only at or before this time.
    pub created_lte: Option<Timestamp>,
}
