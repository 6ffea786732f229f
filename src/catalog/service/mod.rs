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
mod looks;
mod nested;
mod offers;
mod pages;
mod read;
mod refer;
mod relevance;
mod rows;
mod taken;
mod write;

pub use change_category::{CategoryChange, NewCategory};
pub use change_product::{Deleted, ProductChange};
pub use change_variant::VariantChange;
pub use create::{Created, CreatedRow, ErrorPolicy};
pub use offers::{Facet, Offer};

use crate::auth::{Permission, Viewer};
use crate::cache::{Cached, EntityCache};
use crate::catalog::service::looks::Looks;
use crate::db::{Db, Tx};
use crate::events::EntityChange;
use crate::flash_sale::FlashSales;
use crate::money::Currency;
use crate::stock::Stock;
use uuid::Uuid;

/// The catalogue of the shop; cheap to clone.
#[derive(Clone)]
pub struct Catalog {
    db: Db,
    stock: Stock,
    flash_sales: FlashSales,
    cache: EntityCache,
    shop_currency: Currency,
    looks: Looks,
}

impl Catalog {
    /// The catalogue in this database. Products are sorted by their prices in `shop_currency`.
    #[must_use]
    pub fn new(
        db: Db,
        (stock, flash_sales): (Stock, FlashSales),
        cache: EntityCache,
        shop_currency: Currency,
    ) -> Self {
        Self { db, stock, flash_sales, cache, shop_currency, looks: Looks::default() }
    }

    /// Lets caches forget what is older than `version`, once the transaction is committed.
    fn forget_after<T: Cached>(&self, tx: &Tx, id: Uuid, version: i64) {
        self.tell_after(tx, vec![EntityChange { kind: T::KIND, id, version }]);
    }

    /// Has it told, once the transaction is committed, that something is there from now on: lists
    /// that were made before are without it.
    fn appear_after<T: Cached>(&self, tx: &Tx, ids: impl IntoIterator<Item = Uuid>) {
        let new = |id| EntityChange { kind: T::KIND, id, version: FIRST_VERSION };
        self.tell_after(tx, ids.into_iter().map(new).collect());
    }

    fn tell_after(&self, tx: &Tx, changes: Vec<EntityChange>) {
        let cache = self.cache.clone();
        tx.after_commit(move || cache.invalidate(changes));
    }

    /// The currency that prices are told in when nobody asks for another.
    #[must_use]
    pub fn shop_currency(&self) -> Currency {
        self.shop_currency
    }
}

/// Of a row that was just written.
const FIRST_VERSION: i64 = 1;

/// Whether the viewer sees what is not for sale as well.
fn sees_all(viewer: &Viewer) -> bool {
    viewer.can(Permission::CatalogReadAll)
}
