//! The rules of flash sales and their SQL.

mod dead;
mod end;
mod find;
mod give_back;
mod list;
mod rows;
mod set;
mod take;

pub use end::Ended;
pub(crate) use find::running;
pub(crate) use rows::SaleRow;
pub use set::Set;

use crate::db::{Db, DbError, DbErrorKind, Looks, Tx};
use crate::events::{Bus, BusMessage};
use crate::flash_sale::FlashSaleError;
use crate::telemetry;
use std::sync::Arc;
use uuid::Uuid;

/// The flash sales of the shop; cheap to clone.
#[derive(Clone)]
pub struct FlashSales {
    db: Db,
    bus: Bus,
    /// At one variant: all who watch it look when its stock changes.
    looks: Looks<Uuid, Arc<Vec<SaleRow>>>,
}

impl FlashSales {
    /// Flash sales in this database; the bus hears of what is set and ended.
    #[must_use]
    pub fn new(db: Db, bus: Bus) -> Self {
        Self { db, bus, looks: Looks::default() }
    }

    /// Once it is committed, tells that a variant may cost something else from now on.
    fn tell_in_txn(&self, tx: &Tx, variant_id: Uuid) {
        let bus = self.bus.clone();
        tx.after_commit(move || bus.publish(BusMessage::FlashSalesChanged(vec![variant_id])));
    }
}

/// Counts it when a constraint of the database had to refuse what a guard should have: more of a
/// sale given than it has, or an order's pieces of it twice.
fn count_conflict(error: DbError) -> FlashSaleError {
    let is_refused = matches!(error.kind, DbErrorKind::Check | DbErrorKind::Unique);
    // `flash_sale_taken_check`, and those of `flash_sale_take`; others are no matter of stock.
    let of_pieces = |name: &String| name.starts_with("flash_sale_take");
    if is_refused && error.constraint.as_ref().is_some_and(of_pieces) {
        telemetry::count(telemetry::STOCK_CONFLICTS);
        tracing::error!(%error, "a constraint had to save a flash sale");
    }
    error.into()
}
