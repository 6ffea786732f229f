//! Where a request comes from, also behind proxies: as far as they are trusted and no farther.

use crate::auth::ClientAddress;
use crate::config::Network;
use axum::extract::ConnectInfo;
use http::request::Parts;
use http::{HeaderMap, HeaderName};
use std::net::{IpAddr, SocketAddr};

const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// Where a request with these parts comes from.
pub fn of_request(parts: &Parts, trusted: &[Network]) -> ClientAddress {
    let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>().map(|peer| peer.0.ip());
    ClientAddress(peer.map(|peer| client_address(peer, &parts.headers, trusted)))
}

/// The client's address. Each trusted proxy vouches for the address before it in
/// `X-Forwarded-For`; what a stranger wrote there says nothing.
fn client_address(peer: IpAddr, headers: &HeaderMap, trusted: &[Network]) -> IpAddr {
    let is_trusted = |address| trusted.iter().any(|network| network.contains(address));
    let values: Vec<&str> =
        headers.get_all(FORWARDED_FOR).iter().filter_map(|value| value.to_str().ok()).collect();
    let mut hops = values.iter().rev().flat_map(|value| value.rsplit(','));
    let mut address = peer;
    while is_trusted(address) {
        match hops.next().map(|hop| hop.trim().parse()) {
            Some(Ok(hop)) => address = hop,
            _ => break,
        }
    }
    address
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    fn address(peer: &str, forwarded: &[&'static str]) -> String {
        let mut headers = HeaderMap::new();
        for value in forwarded {
            headers.append(FORWARDED_FOR, HeaderValue::from_static(value));
        }
        let trusted = ["10.0.0.0/8".parse().unwrap(), "127.0.0.1".parse().unwrap()];
        client_address(peer.parse().unwrap(), &headers, &trusted).to_string()
    }

    #[test]
    fn a_stranger_speaks_for_itself_alone() {
        assert_eq!(address("203.0.113.9", &["198.51.100.1"]), "203.0.113.9");
    }

    #[test]
    fn proxies_vouch_for_who_came_to_them() {
        assert_eq!(address("10.1.1.1", &["198.51.100.1"]), "198.51.100.1");
        assert_eq!(address("10.1.1.1", &["198.51.100.1, 10.2.2.2"]), "198.51.100.1");
        assert_eq!(address("127.0.0.1", &["198.51.100.1", "10.2.2.2"]), "198.51.100.1");
    }

    #[test]
    fn what_the_client_wrote_before_its_proxy_is_not_believed() {
        assert_eq!(address("10.1.1.1", &["192.0.2.66, 198.51.100.1"]), "198.51.100.1");
        assert_eq!(address("10.1.1.1", &["nonsense, 10.2.2.2"]), "10.2.2.2");
        assert_eq!(address("10.1.1.1", &[]), "10.1.1.1");
    }
}
