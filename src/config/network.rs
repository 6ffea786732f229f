//! Addresses and ranges of addresses, as in `10.0.0.0/8`.

use std::net::IpAddr;
use std::str::FromStr;

/// A range of addresses; one address is a range of one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Network {
    first: u128,
    /// Bits that all addresses of the range have in common, of 128.
    common_bits: u32,
}

/// The text is no address and no range.
#[derive(Debug, thiserror::Error)]
#[error("must be an address or a range such as 10.0.0.0/8")]
pub struct NotANetwork;

impl Network {
    /// Whether the address lies in the range.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        shared(self.first ^ bits(address), self.common_bits)
    }
}

/// Whether the first `count` bits of a difference are all zero.
fn shared(difference: u128, count: u32) -> bool {
    difference.leading_zeros() >= count
}

/// All addresses as IPv6, those of IPv4 mapped into it.
fn bits(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(v4) => v4.to_ipv6_mapped().to_bits(),
        IpAddr::V6(v6) => v6.to_bits(),
    }
}

impl FromStr for Network {
    type Err = NotANetwork;

    fn from_str(text: &str) -> Result<Self, NotANetwork> {
        let (address, prefix) = match text.trim().split_once('/') {
            Some((address, prefix)) => (address, Some(prefix)),
            None => (text.trim(), None),
        };
        let address: IpAddr = address.parse().map_err(|_| NotANetwork)?;
        let (before, own) = if address.is_ipv4() { (96, 32) } else { (0, 128) };
        let prefix: u32 = match prefix {
            Some(prefix) => prefix.parse().map_err(|_| NotANetwork)?,
            None => own,
        };
        if prefix > own {
            return Err(NotANetwork);
        }
        Ok(Self { first: bits(address), common_bits: prefix.saturating_add(before) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn contains(network: &str, address: &str) -> bool {
        network.parse::<Network>().unwrap().contains(address.parse().unwrap())
    }

    #[test]
    fn a_range_holds_its_addresses_and_no_others() {
        assert!(contains("10.0.0.0/8", "10.255.0.1"));
        assert!(!contains("10.0.0.0/8", "11.0.0.1"));
        assert!(contains("192.0.2.7", "192.0.2.7"));
        assert!(contains("192.0.2.7", "::ffff:192.0.2.7"));
        assert!(!contains("192.0.2.7", "192.0.2.8"));
        assert!(contains("2001:db8::/32", "2001:db8:1::1"));
        assert!(!contains("2001:db8::/32", "2001:db9::1"));
        assert!(contains("0.0.0.0/0", "203.0.113.1"));
        assert!(!contains("0.0.0.0/0", "2001:db8::1"));
    }

    #[test]
    fn what_is_no_range_is_refused() {
        for text in ["", "shop.example", "10.0.0.0/33", "10.0.0.0/", "::1/129", "10.0.0/8"] {
            assert!(text.parse::<Network>().is_err(), "{text}");
        }
    }
}
