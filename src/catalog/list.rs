//! Which products a list has and in which order, apart from any database.

use crate::catalog::{Product, ProductStatus};
use crate::db::Timestamp;
use crate::db::page::{Cursor, CursorKey};
use crate::money::Currency;
use crate::text::fold;
use std::sync::Arc;
use uuid::Uuid;

/// A list of products: what is in it and how it is sorted. Two lists are the same list when these
/// are equal; cursors hold within one list.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct ProductList {
    /// Only these; None for all.
    pub filter: Option<ProductFilter>,
    /// Sorted by this; None: by relevance when searched for, else in the order of creation.
    pub sort: Option<ProductSort>,
    /// Only what has these words.
    pub search: Option<Search>,
}

/// A condition on products.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum ProductFilter {
    /// All of these hold.
    And(Vec<Self>),
    /// At least one of these holds.
    Or(Vec<Self>),
    /// None of these holds.
    Not(Vec<Self>),
    /// One of these keys.
    Id(Vec<Uuid>),
    /// A name.
    Name(TextMatch),
    /// In one of these categories or their descendants.
    Category(Vec<Uuid>),
    /// One of these states.
    Status(Vec<ProductStatus>),
    /// An active variant has a list price within.
    Price(PriceBounds),
    /// An active variant can be bought now, or none.
    InStock(bool),
    /// Made within.
    Created(TimeBounds),
}

/// A condition on a text.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum TextMatch {
    /// Exactly one of these.
    OneOf(Vec<String>),
    /// Has this in it, whatever the case and the diacritics.
    Contains(String),
}

/// A range of prices in one currency, both ends included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct PriceBounds {
    /// The currency.
    pub currency: Currency,
    /// In minor units; None: no lower end.
    pub gte: Option<i64>,
    /// In minor units; None: no upper end.
    pub lte: Option<i64>,
}

/// A range of time, both ends included.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct TimeBounds {
    /// None: no lower end.
    pub gte: Option<Timestamp>,
    /// None: no upper end.
    pub lte: Option<Timestamp>,
}

/// What products can be sorted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ProductSortField {
    /// The name, whatever its case and diacritics.
    Name,
    /// The lowest list price in the shop's currency.
    Price,
    /// When it was made.
    CreatedAt,
    /// When it was changed last.
    UpdatedAt,
}

/// An order of products; the id breaks ties in the same direction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ProductSort {
    /// What they are sorted by.
    pub field: ProductSortField,
    /// Largest first.
    pub descending: bool,
}

/// Words to look for; all must be there, each as the beginning of a word.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Search {
    words: Vec<String>,
}

/// Words of a search text that count.
const MAX_WORDS: usize = 10;
/// Characters of a word that count; Postgres refuses words beyond 2,046 bytes, and one character
/// of a client's text may fold to eighteen.
const MAX_WORD_CHARS: usize = 100;

impl Search {
    /// The words of a text, folded as the stored text is: letters and digits alone, so that
    /// nothing in them means anything to a query language.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let folded = fold(text);
        let words = folded.split_whitespace().take(MAX_WORDS);
        Self { words: words.map(|word| word.chars().take(MAX_WORD_CHARS).collect()).collect() }
    }

    /// The words; none when the text had neither letters nor digits, which nothing matches.
    #[must_use]
    pub fn words(&self) -> &[String] {
        &self.words
    }
}

/// A product and its place in a list.
#[derive(Debug, Clone)]
pub struct ListedProduct {
    /// The place.
    pub cursor: Cursor,
    /// The product.
    pub product: Arc<Product>,
}

impl ProductList {
    /// Whether the list is sorted by how well the products match.
    #[must_use]
    pub fn by_relevance(&self) -> bool {
        self.search.is_some() && self.sort.is_none()
    }

    /// Whether a cursor's key can be one of this list. Cursors come from clients: one that was
    /// made up must not reach the database as a value of the wrong type.
    #[must_use]
    pub fn knows(&self, key: &CursorKey) -> bool {
        match (self.sort.map(|sort| sort.field), key) {
            (None, CursorKey::Int(_)) => self.by_relevance(),
            (None, CursorKey::Id) => !self.by_relevance(),
            (Some(ProductSortField::Name), CursorKey::Text(text)) => !text.contains('\0'),
            (Some(ProductSortField::Price), CursorKey::Int(_)) => true,
            (
                Some(ProductSortField::CreatedAt | ProductSortField::UpdatedAt),
                CursorKey::Time(time),
            ) => (0..=253_402_300_799).contains(&time.timestamp()),
            _ => false,
        }
    }

    /// The place of a product in this list, unless that is sorted by relevance.
    #[must_use]
    pub fn place(&self, product: &Product) -> Cursor {
        let key = match self.sort.map(|sort| sort.field) {
            None => CursorKey::Id,
            Some(ProductSortField::Name) => CursorKey::Text(product.name_key.clone()),
            Some(ProductSortField::Price) => CursorKey::Int(product.lowest_price),
            Some(ProductSortField::CreatedAt) => CursorKey::Time(product.created_at),
            Some(ProductSortField::UpdatedAt) => CursorKey::Time(product.updated_at),
        };
        Cursor { key, id: product.id }
    }
}
