//! What is known of whoever sends a request besides who they are, and the cookie that a browser may
//! keep its refresh token in.

use crate::auth::ClientAddress;
use parking_lot::Mutex;
use secrecy::{ExposeSecret, SecretString};
use std::sync::Arc;
use uuid::Uuid;

const MAX_USER_AGENT_CHARS: usize = 200;

/// The client of a request.
#[derive(Debug, Clone, Default)]
pub struct Client {
    /// Where it is.
    pub address: ClientAddress,
    /// The session that the access token belongs to; None without one.
    pub session: Option<Uuid>,
    /// The cookie, for pages that may use one.
    pub cookie: Option<RefreshCookie>,
    user_agent: Option<String>,
}

impl Client {
    /// With what the client says that it is, cut to a sane length.
    #[must_use]
    pub fn with_user_agent(mut self, user_agent: Option<&str>) -> Self {
        let cut = |text: &str| -> String {
            let plain = text.chars().filter(|c| !c.is_control());
            plain.take(MAX_USER_AGENT_CHARS).collect()
        };
        self.user_agent = user_agent.map(cut).filter(|text| !text.is_empty());
        self
    }

    /// What the client says that it is, at most 200 characters.
    #[must_use]
    pub fn user_agent(&self) -> Option<&str> {
        self.user_agent.as_deref()
    }
}

/// The refresh token in a cookie. Resolvers read what was sent and say what to change; only the
/// answer over HTTP knows how a cookie is written.
#[derive(Debug, Clone, Default)]
pub struct RefreshCookie {
    sent: Option<SecretString>,
    change: Arc<Mutex<Option<CookieChange>>>,
}

/// What becomes of the cookie.
#[derive(Debug, Clone)]
pub enum CookieChange {
    /// It holds this token from now on.
    Set(SecretString),
    /// It goes.
    Clear,
}

impl RefreshCookie {
    /// The cookie as it was sent.
    #[must_use]
    pub fn new(sent: Option<SecretString>) -> Self {
        Self { sent, change: Arc::default() }
    }

    /// The token that was sent.
    #[must_use]
    pub fn sent(&self) -> Option<&str> {
        self.sent.as_ref().map(ExposeSecret::expose_secret)
    }

    /// Keeps this token.
    pub fn set(&self, token: SecretString) {
        *self.change.lock() = Some(CookieChange::Set(token));
    }

    /// Keeps none.
    pub fn clear(&self) {
        *self.change.lock() = Some(CookieChange::Clear);
    }

    /// What was said last.
    #[must_use]
    pub fn take_change(&self) -> Option<CookieChange> {
        self.change.lock().take()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_agent_is_cut_and_loses_what_cannot_be_shown() {
        let long = format!("Shop\u{0}App\n{}", "x".repeat(1_000));
        let client = Client::default().with_user_agent(Some(&long));
        let kept = client.user_agent().unwrap();
        assert!(kept.starts_with("ShopAppx") && kept.len() == 200, "{kept}");
        assert_eq!(Client::default().with_user_agent(Some("")).user_agent(), None);
    }
}
