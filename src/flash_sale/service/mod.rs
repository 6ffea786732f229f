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

use crate::db::{Db, Tx};
use crate::events::{Bus, BusMessage};
use uuid::Uuid;

/// The flash sales of the shop; cheap to clone.
#[derive(Clone)]
pub struct FlashSales {
    db: Db,
    bus: Bus,
}

impl FlashSales {
    /// Flash sales in this database; the bus hears of what is set and ended.
    #[must_use]
    pub fn new(db: Db, bus: Bus) -> Self {
        Self { db, bus }
    }

    /// Once it is committed, tells that a variant may cost something else from now on.
    fn tell_in_txn(&self, tx: &Tx, variant_id: Uuid) {
        let bus = self.bus.clone();
        tx.after_commit(move || bus.publish(BusMessage::FlashSalesChanged(vec![variant_id])));
    }
}
