//! Where a request came from, as far as that can be believed.

use std::net::{IpAddr, Ipv6Addr};

/// The address of a client; None when the request came over no network.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ClientAddress(pub Option<IpAddr>);

impl ClientAddress {
    /// The address under which what a client does is counted. A site of IPv6 has a /64 to itself,
    /// and is one client.
    #[must_use]
    pub fn holder(self) -> Option<IpAddr> {
        Some(match self.0?.to_canonical() {
            IpAddr::V6(address) => {
                let [a, b, c, d, ..] = address.segments();
                Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).into()
            }
            v4 => v4,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn holder(address: &str) -> String {
        ClientAddress(Some(address.parse().unwrap())).holder().unwrap().to_string()
    }

    #[test]
    fn a_site_is_one_client() {
        assert_eq!(holder("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::");
        assert_eq!(holder("203.0.113.7"), "203.0.113.7");
        assert_eq!(holder("::ffff:203.0.113.7"), "203.0.113.7");
        assert_eq!(ClientAddress(None).holder(), None);
    }
}
