//! The rules of flash sales and their SQL.

mod end;
mod find;
mod give_back;
mod list;
mod rows;
mod set;
mod take;

pub use end::Ended;
pub use set::Set;

use crate::db::Db;

/// The flash sales of the shop; cheap to clone.
#[derive(Clone)]
pub struct FlashSales {
    db: Db,
}

impl FlashSales {
    /// Flash sales in this database.
    #[must_use]
    pub fn new(db: Db) -> Self {
        Self { db }
    }
}
