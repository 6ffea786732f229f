//! How many sockets are open, in all and by whom.

use crate::auth::ClientAddress;
use crate::telemetry::{self, Standing};
use parking_lot::Mutex;
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;
use uuid::Uuid;

/// Whose sockets are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Holder {
    /// The process's: all of them.
    Process,
    /// One client address's.
    Address(IpAddr),
    /// One account's.
    User(Uuid),
}

impl Holder {
    /// A client address; a site of IPv6 is one holder. None: no network, and nobody to count.
    pub fn address(client: ClientAddress) -> Option<Self> {
        client.holder().map(Self::Address)
    }
}

/// Counts open sockets; clones share the counts.
#[derive(Clone, Default)]
pub struct Registry(Arc<Mutex<HashMap<Holder, usize>>>);

impl Registry {
    /// A seat for one more socket. None: the holder has as many as it may.
    pub fn take(&self, holder: Holder, most: usize) -> Option<Seat> {
        let mut counts = self.0.lock();
        let count = counts.entry(holder).or_default();
        if *count >= most {
            // An entry that was just made with a limit of none must not stay.
            if *count == 0 {
                counts.remove(&holder);
            }
            return None;
        }
        *count = count.saturating_add(1);
        let standing =
            (holder == Holder::Process).then(|| telemetry::stand(telemetry::OPEN_SOCKETS));
        Some(Seat { registry: self.clone(), holder, _standing: standing })
    }
}

/// One socket among those of a holder; free again when dropped.
pub struct Seat {
    registry: Registry,
    holder: Holder,
    /// Of the seats of a socket one is the process's.
    _standing: Option<Standing>,
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut counts = self.registry.0.lock();
        if let Some(count) = counts.get_mut(&self.holder) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                counts.remove(&self.holder);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of_address(text: &str) -> Holder {
        Holder::address(ClientAddress(text.parse().ok())).unwrap()
    }

    #[test]
    fn a_holder_has_its_seats_and_gets_them_back() {
        let registry = Registry::default();
        let holder = of_address("192.0.2.1");
        let seats: Vec<Seat> = (0..2).map(|_| registry.take(holder, 2).unwrap()).collect();
        assert!(registry.take(holder, 2).is_none());
        assert!(registry.take(of_address("192.0.2.2"), 2).is_some());
        drop(seats);
        assert!(registry.take(holder, 2).is_some());
        assert!(registry.0.lock().is_empty());
    }

    #[test]
    fn addresses_of_one_site_are_one_holder() {
        assert_eq!(of_address("2001:db8:1:2::1"), of_address("2001:db8:1:2:ffff::9"));
        assert_ne!(of_address("2001:db8:1:2::1"), of_address("2001:db8:1:3::1"));
        assert_eq!(of_address("::ffff:192.0.2.1"), of_address("192.0.2.1"));
    }
}
