//! Which pages are welcome: our own, and those of the origins on the list. Browsers ask nobody
//! before they open a socket or send a cookie, so the server looks.

use http::{HeaderMap, header};

/// Whether the page that asks, if it is one, is our own or of an origin on the list. Programs that
/// are no browsers send no origin.
pub fn is_welcome(headers: &HeaderMap, allowed: &[String]) -> bool {
    !headers.contains_key(header::ORIGIN) || is_our_page(headers, allowed)
}

/// Whether a page asks, and one that is our own or of an origin on the list.
pub fn is_our_page(headers: &HeaderMap, allowed: &[String]) -> bool {
    let mut origins = headers.get_all(header::ORIGIN).iter();
    let (Some(origin), None) = (origins.next(), origins.next()) else { return false };
    let Ok(origin) = origin.to_str() else { return false };
    if allowed.iter().any(|allowed| allowed.eq_ignore_ascii_case(origin)) {
        return true;
    }
    let host = headers.get(header::HOST).and_then(|value| value.to_str().ok());
    let authority = origin.strip_prefix("http://").or_else(|| origin.strip_prefix("https://"));
    // A proxy may end TLS, so the scheme is not compared; whoever owns the host owns the page.
    match (authority, host) {
        (Some(authority), Some(host)) => authority.eq_ignore_ascii_case(host),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    fn welcome(origins: &[&'static str]) -> bool {
        let mut headers = HeaderMap::new();
        headers.insert(header::HOST, HeaderValue::from_static("shop.example:8000"));
        for origin in origins {
            headers.append(header::ORIGIN, HeaderValue::from_static(origin));
        }
        is_welcome(&headers, &["https://store.example".to_owned()])
    }

    #[test]
    fn programs_our_own_pages_and_listed_origins_are_welcome() {
        assert!(welcome(&[]));
        assert!(welcome(&["http://shop.example:8000"]));
        assert!(welcome(&["https://shop.example:8000"]));
        assert!(welcome(&["https://store.example"]));
    }

    #[test]
    fn a_program_is_no_page() {
        let page = |origin: Option<&'static str>| {
            let mut headers = HeaderMap::new();
            headers.insert(header::HOST, HeaderValue::from_static("shop.example"));
            let origin = origin.map(HeaderValue::from_static);
            origin.map(|origin| headers.insert(header::ORIGIN, origin));
            is_our_page(&headers, &[])
        };
        assert!(!page(None));
        assert!(page(Some("https://shop.example")));
    }

    #[test]
    fn every_other_page_is_not() {
        for origin in [
            "null",
            "",
            "https://evil.example",
            "http://store.example",
            "https://store.example.evil.example",
            "https://evil.example/?https://store.example",
            "http://shop.example",
            "ftp://shop.example:8000",
        ] {
            assert!(!welcome(&[origin]), "{origin}");
        }
        assert!(!welcome(&["https://store.example", "https://evil.example"]));
    }
}
