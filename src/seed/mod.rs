//! The demo catalogue: products that read like a shop's, from ten to hundreds of thousands, the
//! same rows in every database and at every run. It writes the tables of catalogue and stock in
//! bulk; the rules of those domains hold for what it writes, and tests say so.

mod categories;
mod clear;
mod identity;
mod places;
mod product;
mod random;
mod rows;
mod sales;
mod showcase;
mod wares;
mod words;

use crate::db::{Db, DbError, DbErrorKind, Tx};
use crate::money::Currency;
use crate::seed::product::Product;
use crate::seed::rows::Places;
use entity::{category, product as product_table};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QuerySelect, QueryTrait};
use std::collections::HashSet;
use uuid::Uuid;

/// Products when nobody names a number.
pub const DEFAULT_SCALE: u64 = 10;
/// Products at most.
pub const MAX_SCALE: u64 = 1_000_000;
/// Products in one transaction: on SQLite a server beside waits for half a second at most.
const BATCH: u64 = 1_000;

/// Writes and removes the demo catalogue of one database.
pub struct Seed {
    db: Db,
    shop_currency: Currency,
}

/// What a run did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seeded {
    /// Products that were added.
    pub added: u64,
    /// Products that were there already, and stay as they are.
    pub present: u64,
}

/// Why the demo catalogue could not be written or removed.
#[derive(Debug, thiserror::Error)]
pub enum SeedError {
    /// The shop's own products are in the way.
    #[error(
        "a product of the shop has a slug or SKU of the demo catalogue ({0}): rename it, or remove \
         everything with `seed --clear`"
    )]
    Taken(String),
    /// Tables that the demo catalogue is not part of refer to it.
    #[error("orders or other records refer to the catalogue: it cannot be cleared ({0})")]
    InUse(String),
    /// The database failed.
    #[error(transparent)]
    Db(DbError),
}

impl From<DbError> for SeedError {
    fn from(error: DbError) -> Self {
        match error.kind {
            DbErrorKind::Unique => Self::Taken(error.constraint.unwrap_or(error.message)),
            DbErrorKind::ForeignKey => Self::InUse(error.message),
            _ => Self::Db(error),
        }
    }
}

impl Seed {
    /// The demo catalogue of this database, with prices in the shop's currency among others.
    #[must_use]
    pub fn new(db: Db, shop_currency: Currency) -> Self {
        Self { db, shop_currency }
    }

    /// Adds the categories, shipping methods and tax rates, and of the first `scale` products those that are missing. What is
    /// there stays as it is, also when the shop has changed it. `progress` hears how many products
    /// are through.
    ///
    /// # Errors
    /// [`SeedError`]; the batches before it stay, and the next run goes on from there.
    pub async fn run(&self, scale: u64, progress: impl Fn(u64)) -> Result<Seeded, SeedError> {
        let beyond_the_showcase = scale > showcase::SIZE;
        let places = patiently(async || {
            self.db.tx(|tx| places::ensure_in_txn(tx, beyond_the_showcase)).await
        })
        .await?;
        let currency = self.shop_currency;
        let ensure = |tx: Tx| async move { sales::ensure_in_txn(&tx, currency).await };
        patiently(async || self.db.tx(ensure).await).await?;
        let (mut added, mut through) = (0, 0);
        while through < scale {
            let end = scale.min(through + BATCH);
            let batch: Vec<Product> =
                (through..end).map(|index| Product::at(index, self.shop_currency)).collect();
            added += self.add(&batch, &places).await?;
            through = end;
            progress(through);
        }
        if added >= BATCH {
            self.analyze().await?;
        }
        Ok(Seeded { added, present: scale - added })
    }

    /// Seeds when the database has neither a category nor a product, and tells whether it did.
    ///
    /// # Errors
    /// [`SeedError`].
    pub async fn run_if_new(&self) -> Result<bool, SeedError> {
        let first_category = category::Entity::find().limit(1).into_query();
        let first_product = product_table::Entity::find().limit(1).into_query();
        let used = self.db.one::<category::Model>(&first_category).await?.is_some()
            || self.db.one::<product_table::Model>(&first_product).await?.is_some();
        if !used {
            self.run(DEFAULT_SCALE, |_| ()).await?;
        }
        Ok(!used)
    }

    /// Removes every category, product, variant, price, stock level, movement, reservation and cart,
    /// and every warehouse but the default one, whoever made them.
    ///
    /// # Errors
    /// [`SeedError`]; nothing is removed then.
    pub async fn clear(&self) -> Result<(), SeedError> {
        Ok(self.db.tx(|tx| async move { clear::clear_in_txn(&tx).await }).await?)
    }

    async fn add(&self, batch: &[Product], places: &Places) -> Result<u64, DbError> {
        let add = |tx| async move { add_missing_in_txn(&tx, batch, places).await };
        patiently(async || self.db.tx(add).await).await
    }

    /// Tells Postgres what the tables look like now, instead of when autovacuum comes round.
    async fn analyze(&self) -> Result<(), DbError> {
        if !self.db.is_postgres() {
            return Ok(());
        }
        self.db.tx(|tx| async move { rows::analyze_in_txn(&tx).await }).await
    }
}

/// Tries again when another process that seeds as well was faster: its rows are there by then.
async fn patiently<T>(attempt: impl AsyncFn() -> Result<T, DbError>) -> Result<T, DbError> {
    for _ in 0..2 {
        match attempt().await {
            Err(error) if matches!(error.kind, DbErrorKind::Unique | DbErrorKind::TimedOut) => {}
            result => return result,
        }
    }
    attempt().await
}

async fn add_missing_in_txn(tx: &Tx, batch: &[Product], places: &Places) -> Result<u64, DbError> {
    let query = product_table::Entity::find()
        .select_only()
        .column(product_table::Column::Id)
        .filter(product_table::Column::Id.is_in(batch.iter().map(|product| product.id)))
        .into_query();
    let present: HashSet<Uuid> =
        tx.all::<Key>(&query).await?.into_iter().map(|row| row.id).collect();
    let missing: Vec<&Product> =
        batch.iter().filter(|product| !present.contains(&product.id)).collect();
    rows::insert_products_in_txn(tx, &missing, places).await?;
    Ok(u64::try_from(missing.len()).unwrap_or_default())
}

#[derive(sea_orm::FromQueryResult)]
struct Key {
    id: Uuid,
}
