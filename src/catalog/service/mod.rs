//! The catalogue's rules and its SQL.

mod change_category;
mod change_product;
mod change_variant;
mod create;
mod filter;
mod find;
mod list;
mod list_categories;
mod list_variants;
mod nested;
mod pages;
mod relevance;
mod rows;
mod taken;
mod write;

pub use change_category::{CategoryChange, NewCategory};
pub use change_product::{Deleted, ProductChange};
pub use change_variant::VariantChange;
pub use create::{Created, CreatedRow, ErrorPolicy};

use crate::auth::{Permission, Viewer};
use crate::db::Db;
use crate::money::Currency;
use crate::stock::Stock;

/// The catalogue of the shop; cheap to clone.
#[derive(Clone)]
pub struct Catalog {
    db: Db,
    stock: Stock,
    shop_currency: Currency,
}

impl Catalog {
    /// The catalogue in this database. Products are sorted by their prices in `shop_currency`.
    #[must_use]
    pub fn new(db: Db, stock: Stock, shop_currency: Currency) -> Self {
        Self { db, stock, shop_currency }
    }

    /// The currency that prices are told in when nobody asks for another.
    #[must_use]
    pub fn shop_currency(&self) -> Currency {
        self.shop_currency
    }
}

/// Whether the viewer sees what is not for sale as well.
fn sees_all(viewer: &Viewer) -> bool {
    viewer.can(Permission::CatalogReadAll)
}
