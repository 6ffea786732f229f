//! Look-ups that are under way, so that nobody does the same one twice. They are driven by those
//! who wait for them, whoever that is; one that nobody waits for any more is dropped whole.

use crate::cache::key::Key;
use crate::db::DbError;
use futures::future::{BoxFuture, Shared, WeakShared};
use std::any::Any;
use std::collections::HashMap;
use std::sync::Arc;
use uuid::Uuid;

/// What a look-up of several keys ends with.
pub type Answer<T> = Result<Arc<HashMap<Uuid, Arc<T>>>, DbError>;

type Work<T> = BoxFuture<'static, Answer<T>>;

/// A look-up that someone waits for.
pub struct Running<T> {
    /// Which one.
    pub number: u64,
    /// What is awaited of it. It may bring more: of that a newer look-up may be under way.
    pub ids: Vec<Uuid>,
    /// Its end.
    pub future: Shared<Work<T>>,
}

/// A look-up as the board knows it. It does not keep the work alive: work that nobody drives would
/// hold a connection to the database for good.
pub struct Flight {
    number: u64,
    /// A `WeakShared` of the type that belongs to the key's kind.
    future: Option<Box<dyn Any + Send + Sync>>,
}

/// The look-ups under way, by key.
#[derive(Default)]
pub struct Flights {
    by_key: HashMap<Key, Flight>,
    last_number: u64,
}

impl Flight {
    /// A look-up that has just begun.
    pub fn of<T: Send + Sync + 'static>(running: &Running<T>) -> Self {
        let future = running.future.downgrade().map(|weak| {
            let future: Box<dyn Any + Send + Sync> = Box::new(weak);
            future
        });
        Self { number: running.number, future }
    }
}

impl Flights {
    /// A number that no look-up had.
    pub fn next_number(&mut self) -> u64 {
        self.last_number += 1;
        self.last_number
    }

    /// Adds the look-up that is under way for `key` to those to wait for; false if there is none.
    pub fn join<T: Send + Sync + 'static>(&self, key: &Key, running: &mut Vec<Running<T>>) -> bool {
        let Some(flight) = self.by_key.get(key) else { return false };
        let number = flight.number;
        if let Some(known) = running.iter_mut().find(|running| running.number == number) {
            known.ids.push(key.id);
            return true;
        }
        let weak = flight.future.as_ref();
        let weak = weak.and_then(|future| future.downcast_ref::<WeakShared<Work<T>>>());
        let Some(future) = weak.and_then(WeakShared::upgrade) else { return false };
        running.push(Running { number, ids: vec![key.id], future });
        true
    }

    /// Notes a look-up for `key`, in place of any before it.
    pub fn insert(&mut self, key: Key, flight: Flight) {
        self.by_key.insert(key, flight);
    }

    /// Lets go of whatever is under way for `key`: its end is no longer of interest to others.
    pub fn remove(&mut self, key: &Key) {
        self.by_key.remove(key);
    }

    /// Notes the end of a look-up for `key`; false when it had been let go of.
    pub fn end(&mut self, key: &Key, number: u64) -> bool {
        let current = self.by_key.get(key).is_some_and(|flight| flight.number == number);
        if current {
            self.by_key.remove(key);
        }
        current
    }

    /// Lets go of everything.
    pub fn clear(&mut self) {
        self.by_key.clear();
    }
}
