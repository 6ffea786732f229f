//! Those who try the same thing come one after the other, or a few at a time. A try counts from its
//! beginning until it is decided: of many who all know the password, most would be refused because
//! of the others.

use crate::account::AccountError;
use crate::account::throttle::Slot;
use parking_lot::Mutex;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// How long somebody stands in line before being told to come back: most of the time that a request
/// has.
const PATIENCE: Duration = Duration::from_secs(8);

/// Who tries what in this process, by the keys of their slots; cheap to clone.
#[derive(Clone, Default)]
pub(crate) struct Lines(Arc<Mutex<HashMap<String, Arc<Semaphore>>>>);

/// Somebody in a line; dropped when the try is decided.
pub(crate) struct Place {
    key: String,
    line: Option<Arc<Semaphore>>,
    permit: Option<OwnedSemaphorePermit>,
    lines: Lines,
}

impl Lines {
    /// Waits until those before are through. Whoever stands in several lines enters them in the
    /// order of their keys.
    ///
    /// # Errors
    /// [`AccountError::Busy`] when that takes too long.
    pub(crate) async fn enter(&self, slot: &Slot) -> Result<Place, AccountError> {
        let line = {
            let mut lines = self.0.lock();
            let new = || Arc::new(Semaphore::new(slot.rule.at_once()));
            Arc::clone(lines.entry(slot.key.clone()).or_insert_with(new))
        };
        let (key, lines) = (slot.key.clone(), self.clone());
        let mut place = Place { key, line: Some(Arc::clone(&line)), permit: None, lines };
        let turn = tokio::time::timeout(PATIENCE, line.acquire_owned()).await;
        let turn = turn.map_err(|_| AccountError::Busy)?;
        place.permit = Some(turn.map_err(|_| AccountError::Busy)?);
        Ok(place)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut lines = self.lines.0.lock();
        // Behind the lock: of two who leave at once, one is the last.
        (self.permit, self.line) = (None, None);
        if lines.get(&self.key).is_some_and(|line| Arc::strong_count(line) == 1) {
            lines.remove(&self.key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::account::throttle::{SIGN_IN, SIGN_IN_FROM};
    use futures::FutureExt;

    #[tokio::test]
    async fn whoever_is_first_in_line_is_through_first_and_nobody_leaves_anything_behind() {
        let lines = Lines::default();
        let (one, other) = (SIGN_IN.on("ada@shop.example"), SIGN_IN.on("bob@shop.example"));
        let first = lines.enter(&one).await.unwrap();
        let mut second = Box::pin(lines.enter(&one));
        assert!(second.as_mut().now_or_never().is_none());
        let third = lines.enter(&one).now_or_never();
        assert!(third.is_none(), "and has gone again");
        let elsewhere = lines.enter(&other).now_or_never().expect("nobody is there").unwrap();

        drop(first);

        let second = second.as_mut().now_or_never().expect("it is its turn").unwrap();
        assert_eq!(lines.0.lock().len(), 2);
        drop((second, elsewhere));
        assert!(lines.0.lock().is_empty());
    }

    #[tokio::test]
    async fn a_client_may_try_a_few_at_a_time() {
        let (lines, slot) = (Lines::default(), SIGN_IN_FROM.on("203.0.113.9"));
        let mut places = Vec::new();
        while let Some(place) = lines.enter(&slot).now_or_never() {
            places.push(place.unwrap());
        }
        assert_eq!(places.len(), 4);
    }
}
