//! Look-ups of stock, batched.

use crate::auth::Viewer;
use crate::db::page::{Page, Window};
use crate::graphql::{Batch, Fault};
use crate::stock::{Level, Movement, Stock, Warehouse};
use std::collections::HashMap;
use uuid::Uuid;

/// A list of a parent: the parent's key and the part of the list asked for.
pub type ListKey = (Uuid, Window);

/// The look-ups of one request.
pub struct StockLoaders {
    /// Whether something of a product can be bought, by product.
    pub product_in_stock: Batch<Uuid, bool>,
    /// The levels of a variant.
    pub levels: Batch<Uuid, Vec<Level>>,
    /// Levels by key.
    pub level: Batch<Uuid, Level>,
    /// Warehouses by key.
    pub warehouse: Batch<Uuid, Warehouse>,
    /// Movements by key.
    pub movement: Batch<Uuid, Movement>,
    /// A part of the movements of a level.
    pub movements: Batch<ListKey, Page<Movement>>,
    /// How many movements a level has.
    pub movement_count: Batch<Uuid, u64>,
}

impl StockLoaders {
    /// Look-ups as `viewer`.
    #[must_use]
    pub fn new(stock: &Stock, viewer: Viewer) -> Self {
        let with = || stock.clone();
        Self {
            product_in_stock: batch(with(), |stock, ids| async move {
                stock.find_in_stock(&ids).await.map_err(Fault::from)
            }),
            levels: batch(with(), move |stock, ids| async move {
                stock.find_levels_of(&viewer, &ids).await.map_err(Fault::from)
            }),
            level: batch(with(), move |stock, ids| async move {
                stock.find_levels(&viewer, &ids).await.map_err(Fault::from)
            }),
            warehouse: batch(with(), move |stock, ids| async move {
                stock.find_warehouses(&viewer, &ids).await.map_err(Fault::from)
            }),
            movement: batch(with(), move |stock, ids| async move {
                stock.find_movements(&viewer, &ids).await.map_err(Fault::from)
            }),
            movements: batch(with(), move |stock, keys| load_movements(stock, viewer, keys)),
            movement_count: batch(with(), move |stock, ids| async move {
                stock.count_movements_of(&viewer, &ids).await.map_err(Fault::from)
            }),
        }
    }
}

fn batch<K, V, F, Fut>(stock: Stock, find: F) -> Batch<K, V>
where
    K: Eq + std::hash::Hash + Clone + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
    F: Fn(Stock, Vec<K>) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<HashMap<K, V>, Fault>> + Send + 'static,
{
    Batch::new(move |keys| find(stock.clone(), keys))
}

/// One statement for each different part asked for, whatever the number of levels.
async fn load_movements(
    stock: Stock,
    viewer: Viewer,
    keys: Vec<ListKey>,
) -> Result<HashMap<ListKey, Page<Movement>>, Fault> {
    let mut by_window: HashMap<Window, Vec<Uuid>> = HashMap::new();
    for (level, window) in keys {
        by_window.entry(window).or_default().push(level);
    }
    let mut found = HashMap::new();
    for (window, levels) in by_window {
        let pages = stock.list_movements_of(&viewer, &levels, &window).await?;
        found.extend(pages.into_iter().map(|(level, page)| ((level, window.clone()), page)));
    }
    Ok(found)
}
