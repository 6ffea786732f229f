//! Products and their variants, as the rest of the program sees them.

use crate::cache::Cached;
use crate::db::Timestamp;
use crate::db::page::{Cursor, CursorKey};
use crate::events::EntityKind;
use crate::money::{Currency, Money};
use entity::product;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Whether a product is sold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum ProductStatus {
    /// Being prepared: staff see it.
    Draft,
    /// For sale: everybody sees it.
    Active,
    /// Not for sale any more: staff see it.
    Archived,
}

impl ProductStatus {
    /// As it stands in the database.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Draft => "DRAFT",
            Self::Active => "ACTIVE",
            Self::Archived => "ARCHIVED",
        }
    }

    /// The status that the database's word means. A CHECK names the words; one that this program
    /// does not know yet is shown to staff alone.
    #[must_use]
    pub fn from_word(word: &str) -> Self {
        match word {
            "ACTIVE" => Self::Active,
            "DRAFT" => Self::Draft,
            _ => Self::Archived,
        }
    }
}

/// What is sold, in one or more variants.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Product {
    /// The key.
    pub id: Uuid,
    /// The category that it is sorted into.
    pub category_id: Uuid,
    /// The display name.
    pub name: String,
    /// The name as lists are sorted by it, see `text::name_key`.
    pub name_key: String,
    /// The unique name for addresses of pages.
    pub slug: String,
    /// What the page says; empty when there is nothing to say.
    pub description: String,
    /// Whether it is sold.
    pub status: ProductStatus,
    /// The lowest list price of its active variants in the shop's currency, in minor units;
    /// [`NO_PRICE`] when none has one.
    pub lowest_price: i64,
    /// Rises with each change of the product and of its variants.
    pub version: i64,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it or one of its variants was changed last.
    pub updated_at: Timestamp,
}

/// In place of the lowest price where there is none: such products sort last.
pub const NO_PRICE: i64 = i64::MAX;

impl From<product::Model> for Product {
    fn from(model: product::Model) -> Self {
        Self {
            id: model.id,
            category_id: model.category_id,
            name: model.name,
            name_key: model.name_key,
            slug: model.slug,
            description: model.description,
            status: ProductStatus::from_word(&model.status),
            lowest_price: model.lowest_price,
            version: model.version,
            created_at: model.created_at,
            updated_at: model.updated_at,
        }
    }
}

/// Whether a variant is sold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum VariantStatus {
    /// For sale with its product.
    Active,
    /// Not for sale any more: staff see it.
    Archived,
}

impl VariantStatus {
    /// As it stands in the database.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Active => "ACTIVE",
            Self::Archived => "ARCHIVED",
        }
    }

    /// The status that the database's word means.
    #[must_use]
    pub fn from_word(word: &str) -> Self {
        if word == "ACTIVE" { Self::Active } else { Self::Archived }
    }
}

/// One way in which a variant differs from the others of its product.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct VariantOption {
    /// What differs, such as `Colour`.
    pub name: String,
    /// How it is here, such as `Black`.
    pub value: String,
}

/// What is put into a cart: one SKU, with its options and list prices.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Variant {
    /// The key.
    pub id: Uuid,
    /// The product that it is of.
    pub product_id: Uuid,
    /// The unique stock keeping unit.
    pub sku: String,
    /// The display name, next to the product's; empty when the product has only this variant.
    pub name: String,
    /// Its place among the product's variants, from 0.
    pub position: i32,
    /// What tells it from the others, in display order.
    pub options: Vec<VariantOption>,
    /// Whether it is sold.
    pub status: VariantStatus,
    /// The list prices, at most one a currency.
    pub prices: Vec<Money>,
    /// Rises with each change.
    pub version: i64,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was changed last.
    pub updated_at: Timestamp,
}

impl Cached for Product {
    const KIND: EntityKind = EntityKind::Product;

    fn id(&self) -> Uuid {
        self.id
    }

    fn version(&self) -> i64 {
        self.version
    }
}

impl Cached for Variant {
    const KIND: EntityKind = EntityKind::Variant;

    fn id(&self) -> Uuid {
        self.id
    }

    fn version(&self) -> i64 {
        self.version
    }
}

impl Variant {
    /// Its place among its product's variants.
    #[must_use]
    pub fn place(&self) -> Cursor {
        Cursor { key: CursorKey::Int(i64::from(self.position)), id: self.id }
    }

    /// The list price in a currency, if it is sold in it.
    #[must_use]
    pub fn price(&self, currency: Currency) -> Option<Money> {
        self.prices.iter().find(|price| price.currency == currency).copied()
    }
}

/// The lowest and the highest list price of a product's active variants in one currency.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PriceRange {
    /// The lowest.
    pub minimum: Money,
    /// The highest.
    pub maximum: Money,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_variant_survives_the_cache() {
        let currency = |code| Currency::from_code(code).unwrap();
        let variant = Variant {
            id: Uuid::now_v7(),
            product_id: Uuid::now_v7(),
            sku: "LAMP-1".to_owned(),
            name: "Größe M".to_owned(),
            position: 3,
            options: vec![VariantOption { name: "Size".to_owned(), value: "M".to_owned() }],
            status: VariantStatus::Archived,
            prices: vec![
                Money { minor: i64::MAX, currency: currency("EUR") },
                Money { minor: 0, currency: currency("JPY") },
            ],
            version: 7,
            created_at: Timestamp::UNIX_EPOCH,
            updated_at: Timestamp::UNIX_EPOCH + chrono::TimeDelta::microseconds(1),
        };
        let bytes = serde_json::to_vec(&variant).unwrap();
        assert_eq!(serde_json::from_slice::<Variant>(&bytes).unwrap(), variant);
    }
}
