//! The rules of carts and their SQL.

mod change;
mod create;
mod deliver;
mod facts;
mod find;
mod keyed;
mod lines;
mod lock;
mod merge;
mod personal;
mod purge;
mod quote;
mod row;
mod shipping;
mod tax;

pub use create::NewCart;
pub use deliver::Delivery;
pub use find::Contents;
pub use keyed::Changed;
pub use lock::LockedCart;
pub use shipping::{ShippingChange, ShippingPriceAsk};
pub use tax::TaxChange;

use crate::auth::Viewer;
use crate::db::{Db, DbError, Tx};
use crate::flash_sale::FlashSales;
use crate::money::Currency;
use crate::stock::Stock;
use chrono::TimeDelta;
use sea_orm::FromQueryResult;
use sea_orm::sea_query::SelectStatement;

/// How long carts are kept after the last change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lifetimes {
    /// Those of guests.
    pub guest: TimeDelta,
    /// Those of customers.
    pub customer: TimeDelta,
}

/// The carts of the shop; cheap to clone.
#[derive(Clone)]
pub struct Carts {
    db: Db,
    stock: Stock,
    flash_sales: FlashSales,
    shop_currency: Currency,
    lifetimes: Lifetimes,
}

impl Carts {
    /// Carts in this database, in `shop_currency` unless somebody asks for another.
    #[must_use]
    pub fn new(
        db: Db,
        (stock, flash_sales): (Stock, FlashSales),
        shop_currency: Currency,
        lifetimes: Lifetimes,
    ) -> Self {
        Self { db, stock, flash_sales, shop_currency, lifetimes }
    }
}

/// Where rows are read: outside of any transaction, or in an open one.
#[derive(Clone, Copy)]
enum Source<'a> {
    Db(&'a Db),
    Tx(&'a Tx),
}

impl Source<'_> {
    async fn all<T: FromQueryResult>(&self, query: &SelectStatement) -> Result<Vec<T>, DbError> {
        match self {
            Self::Db(db) => db.all(query).await,
            Self::Tx(tx) => tx.all(query).await,
        }
    }
}

/// Leaves a line in the log of who set what, once it is done.
fn log_in_txn(tx: &Tx, viewer: &Viewer, what: &'static str, which: &str) {
    let (by, which) = (viewer.scope(), which.to_owned());
    tx.after_commit(move || tracing::info!(by, what, which, "a setting of sales was changed"));
}
