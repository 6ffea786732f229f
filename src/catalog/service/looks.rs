//! Looks at offers that those share who are told of the same change. However many they are, what one
//! of them finds is what any other would have found: it looked after the change was heard of.

use crate::catalog::CatalogError;
use crate::catalog::service::Catalog;
use crate::catalog::service::offers::{Facet, Offer};
use parking_lot::Mutex;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::Instant;
use uuid::Uuid;

/// How long a look serves: who is told later looks again, since a sale may have begun or ended.
const SERVES_FOR: Duration = Duration::from_secs(1);

/// What is asked for.
pub(super) type Asked = (Uuid, Facet);

type Offers = HashMap<Asked, Offer>;

/// The latest look at each offer, clones share them.
#[derive(Clone, Default)]
pub(super) struct Looks {
    latest: Arc<Mutex<HashMap<Asked, Look>>>,
}

#[derive(Clone)]
struct Look {
    began: Instant,
    found: watch::Receiver<Option<Arc<Offers>>>,
}

/// What somebody has to look up for itself and for others. Dropped without having found it, it sends
/// them to look for themselves.
struct Own {
    keys: Vec<Asked>,
    tell: watch::Sender<Option<Arc<Offers>>>,
}

impl Look {
    fn serves(&self, heard_at: Instant) -> bool {
        let given_up = self.found.borrow().is_none() && self.found.has_changed().is_err();
        self.began >= heard_at && self.is_recent() && !given_up
    }

    fn is_recent(&self) -> bool {
        self.began.elapsed() < SERVES_FOR
    }
}

impl Looks {
    /// The looks of others that serve, with the keys that each serves for, and what is left.
    fn join(&self, asked: &[Asked], heard_at: Instant) -> (Vec<(Asked, Look)>, Option<Own>) {
        let mut latest = self.latest.lock();
        let (mut joined, mut keys) = (Vec::new(), Vec::new());
        for key in asked {
            match latest.get(key).filter(|look| look.serves(heard_at)) {
                Some(look) => joined.push((*key, look.clone())),
                None => keys.push(*key),
            }
        }
        if keys.is_empty() {
            return (joined, None);
        }
        latest.retain(|_, look| look.is_recent());
        let (tell, found) = watch::channel(None);
        let look = Look { began: Instant::now(), found };
        latest.extend(keys.iter().map(|key| (*key, look.clone())));
        (joined, Some(Own { keys, tell }))
    }
}

impl Catalog {
    /// What is offered of variants, as [`Catalog::find_offers`] tells it, at a moment after
    /// `heard_at`; all who ask for the same since then share one look.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn find_offers_since(
        &self,
        asked: &[(Uuid, Facet)],
        heard_at: Instant,
    ) -> Result<HashMap<(Uuid, Facet), Offer>, CatalogError> {
        let (joined, own) = self.looks.join(asked, heard_at);
        let mut found = Offers::new();
        // Its own comes first: nobody waits for somebody who waits.
        if let Some(Own { keys, tell }) = own {
            let offers = Arc::new(self.find_offers(&keys).await?);
            tell.send_replace(Some(Arc::clone(&offers)));
            found.extend(offers.iter().map(|(key, offer)| (*key, offer.clone())));
        }
        let mut missed = Vec::new();
        for (key, mut look) in joined {
            let offers = look.found.wait_for(Option::is_some).await;
            match offers.ok().and_then(|offers| offers.as_ref()?.get(&key).cloned()) {
                Some(offer) => {
                    found.insert(key, offer);
                }
                None => missed.push(key),
            }
        }
        if !missed.is_empty() {
            found.extend(self.find_offers(&missed).await?);
        }
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked() -> Asked {
        (Uuid::from_u128(1), Facet::Sale)
    }

    fn owns(looks: &Looks, heard_at: Instant) -> Option<Own> {
        looks.join(&[asked()], heard_at).1
    }

    #[test]
    fn one_look_serves_all_who_were_told_before_it() {
        let (looks, heard_at) = (Looks::default(), Instant::now());
        let own = owns(&looks, heard_at).unwrap();
        assert!(owns(&looks, heard_at).is_none(), "it is under way");
        own.tell.send_replace(Some(Arc::default()));
        drop(own);
        assert!(owns(&looks, heard_at).is_none(), "it was found");
    }

    #[test]
    fn a_look_serves_nobody_who_was_told_after_it_began() {
        let looks = Looks::default();
        let _own = owns(&looks, Instant::now()).unwrap();
        let later = Instant::now() + Duration::from_millis(1);
        assert!(owns(&looks, later).is_some());
    }

    #[test]
    fn a_look_that_was_given_up_or_is_old_serves_nobody() {
        let (looks, heard_at) = (Looks::default(), Instant::now() - SERVES_FOR);
        drop(owns(&looks, heard_at).unwrap());
        let own = owns(&looks, heard_at).unwrap();
        own.tell.send_replace(Some(Arc::default()));
        for look in looks.latest.lock().values_mut() {
            look.began = heard_at;
        }
        assert!(owns(&looks, heard_at).is_some());
        assert_eq!(looks.latest.lock().len(), 1);
    }
}
