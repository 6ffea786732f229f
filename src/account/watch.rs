//! Tells whoever serves an account for long, such as a socket, that it has to be looked at again:
//! its role, its state or its sessions changed, here or on another replica.

use crate::events::{BusEvent, BusMessage, BusSubscription};
use parking_lot::Mutex;
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::sync::watch;
use uuid::Uuid;

/// Who waits for news of which account; cheap to clone.
#[derive(Clone, Default)]
pub struct AccountWatch {
    /// The channels count what was certain; what may have been missed moves them and counts nothing.
    watched: Arc<Mutex<HashMap<Uuid, watch::Sender<u64>>>>,
    heard: Arc<AtomicU64>,
}

/// Waits for news of one account.
pub struct AccountNews {
    id: Uuid,
    news: watch::Receiver<u64>,
    certain: u64,
    watch: AccountWatch,
}

impl AccountWatch {
    /// Hands on what the bus tells, until it is gone.
    pub async fn run(self, mut bus: BusSubscription) {
        while let Some(event) = bus.next().await {
            match event {
                BusEvent::Message(message) => {
                    if let BusMessage::AccountsChanged(ids) = &*message {
                        self.tell(ids);
                    }
                }
                // What was missed can be about anyone.
                BusEvent::Lagged | BusEvent::Resumed => self.tell_all(),
            }
        }
    }

    /// How many pieces of news there were. Whoever reads an account and begins to wait afterwards
    /// compares, to notice what came between.
    #[must_use]
    pub fn heard(&self) -> u64 {
        self.heard.load(Ordering::SeqCst)
    }

    /// Waits for news of this account from now on.
    #[must_use]
    pub fn of(&self, id: Uuid) -> AccountNews {
        let mut watched = self.watched.lock();
        let news = watched.entry(id).or_insert_with(|| watch::channel(0).0).subscribe();
        let certain = *news.borrow();
        AccountNews { id, news, certain, watch: self.clone() }
    }

    fn tell(&self, ids: &[Uuid]) {
        let watched = self.watched.lock();
        self.heard.fetch_add(1, Ordering::SeqCst);
        for sender in ids.iter().filter_map(|id| watched.get(id)) {
            sender.send_modify(|certain| *certain = certain.wrapping_add(1));
        }
    }

    fn tell_all(&self) {
        let watched = self.watched.lock();
        self.heard.fetch_add(1, Ordering::SeqCst);
        for sender in watched.values() {
            sender.send_modify(|_| ());
        }
    }
}

impl AccountNews {
    /// Comes back when there is news since the last time. True: the account has changed. False: news
    /// was missed that may have been about this account or any other; there is no hurry, or everybody
    /// would look at once.
    pub async fn next(&mut self) -> bool {
        if self.news.changed().await.is_err() {
            // The sender lives as long as somebody waits.
            std::future::pending::<()>().await;
        }
        let certain = *self.news.borrow_and_update();
        std::mem::replace(&mut self.certain, certain) != certain
    }
}

impl Drop for AccountNews {
    fn drop(&mut self) {
        let mut watched = self.watch.watched.lock();
        // Behind the lock: of two who end at once, one is the last.
        self.news = watch::channel(self.certain).1;
        if watched.get(&self.id).is_some_and(|sender| sender.receiver_count() == 0) {
            watched.remove(&self.id);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::events::Bus;
    use futures::FutureExt;

    #[tokio::test]
    async fn those_who_wait_for_an_account_hear_of_it_and_leave_nothing_behind() {
        let (bus, watch) = (Bus::local(), AccountWatch::default());
        let task = tokio::spawn(watch.clone().run(bus.subscribe()));
        let (one, other) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let (mut first, mut second) = (watch.of(one), watch.of(one));
        let mut stranger = watch.of(other);

        bus.publish(BusMessage::AccountsChanged(vec![one]));

        assert!(first.next().await);
        assert!(second.next().await);
        assert_eq!(stranger.next().now_or_never(), None);
        assert_eq!(watch.heard(), 1);
        watch.tell_all();
        assert!(!first.next().await);
        assert!(!stranger.next().await);
        drop(first);
        assert_eq!(watch.watched.lock().len(), 2);
        drop((second, stranger));
        assert!(watch.watched.lock().is_empty());
        task.abort();
    }
}
