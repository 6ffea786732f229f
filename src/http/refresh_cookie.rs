//! The cookie that a page may keep its refresh token in: out of reach of scripts, bound to this very
//! host in production, and believed only when one of our pages asks.

use crate::auth::{CookieChange, RefreshCookie};
use crate::config::{Environment, Settings};
use crate::http::origin::is_our_page;
use http::{HeaderMap, HeaderValue, header};
use secrecy::{ExposeSecret, SecretString};

const FETCH_SITE: &str = "sec-fetch-site";
/// As long as the token in it is good.
const AGE_SECONDS: i64 = 30 * 24 * 60 * 60;
/// A refresh token has 43 characters.
const LONGEST_VALUE: usize = 128;

/// The cookie of a request that was sent by POST in JSON. None: cookies are off, or no page of ours
/// asks; such a client gets its tokens in the answer and its cookies are not even read.
///
/// A page elsewhere cannot get here: it may not send JSON across origins without being asked, its
/// `Origin` is not on the list, its `Sec-Fetch-Site` says what it is, and `SameSite` keeps the
/// cookie back.
pub fn read(headers: &HeaderMap, settings: &Settings) -> Option<RefreshCookie> {
    let site = headers.get(FETCH_SITE).map(HeaderValue::as_bytes);
    let is_same_site = matches!(site, None | Some(b"same-origin" | b"same-site"));
    let is_ours = is_same_site && is_our_page(headers, &settings.cors_allowed_origins);
    if !settings.tokens.cookies || !is_ours {
        return None;
    }
    Some(RefreshCookie::new(value(headers, name(settings)).map(SecretString::from)))
}

/// The value of `Set-Cookie`.
pub fn write(change: &CookieChange, settings: &Settings) -> HeaderValue {
    let (token, age) = match change {
        CookieChange::Set(token) => (token.expose_secret(), AGE_SECONDS),
        CookieChange::Clear => ("", 0),
    };
    let name = name(settings);
    let secure = if is_secure(settings) { "; Secure" } else { "" };
    let cookie =
        format!("{name}={token}; Path=/; Max-Age={age}; HttpOnly; SameSite=Strict{secure}");
    // The token is base64url, so this is always a value of a header.
    let value = HeaderValue::from_str(&cookie);
    let mut value = value.unwrap_or_else(|_| HeaderValue::from_static(""));
    value.set_sensitive(true);
    value
}

/// Development has no TLS.
fn is_secure(settings: &Settings) -> bool {
    settings.environment == Environment::Production
}

/// Browsers take a name with this beginning over TLS alone, without a domain and for all paths: no
/// other host of the site can set one in its place, or get it sent.
fn name(settings: &Settings) -> &'static str {
    if is_secure(settings) { "__Host-stockroom-refresh" } else { "stockroom-refresh" }
}

/// The value of the cookie. None: it is not there, or there twice, so that one may be planted.
fn value(headers: &HeaderMap, name: &str) -> Option<String> {
    let lines = headers.get_all(header::COOKIE).iter();
    let pairs = lines.filter_map(|line| line.to_str().ok()).flat_map(|line| line.split(';'));
    let mut values = pairs.filter_map(|pair| {
        let (key, value) = pair.trim().split_once('=')?;
        (key == name).then_some(value)
    });
    let (Some(value), None) = (values.next(), values.next()) else { return None };
    let is_plain = !value.is_empty() && value.len() <= LONGEST_VALUE;
    is_plain.then(|| value.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(lines: &[&'static str]) -> Option<String> {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(header::COOKIE, HeaderValue::from_static(line));
        }
        value(&headers, "stockroom-refresh")
    }

    #[test]
    fn the_cookie_is_found_among_others_and_refused_when_it_is_there_twice() {
        let wanted = Some("abc".to_owned());
        assert_eq!(found(&["stockroom-refresh=abc"]), wanted);
        assert_eq!(found(&["a=1; stockroom-refresh=abc; b=2"]), wanted);
        assert_eq!(found(&["a=1", "stockroom-refresh=abc"]), wanted);
        assert_eq!(found(&["stockroom-refresh=abc; stockroom-refresh=abd"]), None);
        assert_eq!(found(&["stockroom-refresh=abc", "stockroom-refresh=abd"]), None);
        assert_eq!(
            found(&["xstockroom-refresh=abc", "stockroom-refresh", "stockroom-refresh="]),
            None
        );
        assert_eq!(found(&[]), None);
    }
}
