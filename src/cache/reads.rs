//! What an answer was made of, noted while it is made, so that it is known what changes it.

use chrono::{DateTime, Utc};
use parking_lot::Mutex;
use std::collections::BTreeSet;
use std::sync::Arc;
use uuid::Uuid;

tokio::task_local! {
    static READS: Reads;
}

/// The places in which changes of stock are remembered. Variants that share one outdate answers of
/// each other, which is harmless.
pub(super) const PLACES: usize = 4_096;

/// Collects what the work of one task reads; clones share it.
#[derive(Clone, Default)]
pub struct Reads(Arc<Mutex<Noted>>);

/// What was read.
#[derive(Default)]
pub(super) struct Noted {
    /// Stock and flash sales of these variants, by place.
    pub places: BTreeSet<usize>,
    /// Stock of whatever there is.
    pub all_stock: bool,
    /// When something of it changes without anybody telling, first.
    pub until: Option<DateTime<Utc>>,
}

impl Reads {
    /// Does work whose reads are noted here. Tasks that it spawns do not take part.
    pub async fn scope<F: Future>(&self, work: F) -> F::Output {
        READS.scope(self.clone(), work).await
    }

    /// Notes beforehand that the stock of whatever there is decides.
    pub fn note_all_stock(&self) {
        self.0.lock().all_stock = true;
    }

    /// What was noted so far.
    pub(super) fn take(&self) -> Noted {
        std::mem::take(&mut *self.0.lock())
    }
}

/// Notes that stock, or a flash sale, of these variants is read.
pub fn note_variants(variants: &[Uuid]) {
    note(|noted| noted.places.extend(variants.iter().map(place_of)));
}

/// Notes that the stock of whatever there is decides.
pub fn note_all_stock() {
    note(|noted| noted.all_stock = true);
}

/// Notes that something is read which changes at this moment without anybody telling.
pub fn note_until(moment: DateTime<Utc>) {
    note(|noted| noted.until = Some(noted.until.map_or(moment, |until| until.min(moment))));
}

fn note(what: impl FnOnce(&mut Noted)) {
    // Outside of any scope nobody wants to know.
    let _ = READS.try_with(|reads| what(&mut reads.0.lock()));
}

/// The place of a variant.
pub(super) fn place_of(variant: &Uuid) -> usize {
    // The last bytes of a key are random, also where it begins with the time.
    let [.., high, low] = variant.into_bytes();
    usize::from(u16::from_be_bytes([high, low])) % PLACES
}
