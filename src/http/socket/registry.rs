//! How many sockets are open, in all and by whom.

use parking_lot::Mutex;
use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
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
    /// A client address. A site of IPv6 has a /64 to itself, and is one holder.
    pub fn address(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V6(address) => {
                let [a, b, c, d, ..] = address.segments();
                Self::Address(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).into())
            }
            v4 => Self::Address(v4),
        }
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
        Some(Seat { registry: self.clone(), holder })
    }
}

/// One socket among those of a holder; free again when dropped.
pub struct Seat {
    registry: Registry,
    holder: Holder,
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

    #[test]
    fn a_holder_has_its_seats_and_gets_them_back() {
        let registry = Registry::default();
        let holder = Holder::address("192.0.2.1".parse().unwrap());
        let seats: Vec<Seat> = (0..2).map(|_| registry.take(holder, 2).unwrap()).collect();
        assert!(registry.take(holder, 2).is_none());
        assert!(registry.take(Holder::address("192.0.2.2".parse().unwrap()), 2).is_some());
        drop(seats);
        assert!(registry.take(holder, 2).is_some());
        assert!(registry.0.lock().is_empty());
    }

    #[test]
    fn addresses_of_one_site_are_one_holder() {
        let holder = |text: &str| Holder::address(text.parse().unwrap());
        assert_eq!(holder("2001:db8:1:2::1"), holder("2001:db8:1:2:ffff::9"));
        assert_ne!(holder("2001:db8:1:2::1"), holder("2001:db8:1:3::1"));
        assert_eq!(holder("::ffff:192.0.2.1"), holder("192.0.2.1"));
    }
}
