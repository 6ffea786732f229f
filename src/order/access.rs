//! The way of a guest to an order.

use crate::auth::Viewer;
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};
use std::fmt::Write as _;
use uuid::Uuid;

/// What lets somebody without an account see an order: 128 bits that nobody can guess.
///
/// It is made of the cart's key, which was the guest's secret, so that a repeated checkout can tell
/// it again although only its hash is kept.
#[derive(Debug, Clone)]
pub struct GuestToken(SecretString);

impl GuestToken {
    /// The token of the order that this cart became.
    #[must_use]
    pub fn of(cart_id: Uuid, order_id: Uuid) -> Self {
        let digest = Sha256::new()
            .chain_update(b"guest access to an order")
            .chain_update(cart_id.as_bytes())
            .chain_update(order_id.as_bytes())
            .finalize();
        let mut text = String::from("gat_");
        for byte in digest.iter().take(16) {
            // Writing to a String cannot fail.
            let _ = write!(text, "{byte:02x}");
        }
        Self(text.into())
    }

    /// One that somebody sent.
    #[must_use]
    pub fn given(text: String) -> Self {
        Self(text.into())
    }

    /// To be shown, once.
    #[must_use]
    pub fn reveal(&self) -> &str {
        self.0.expose_secret()
    }

    /// What is kept of it.
    #[must_use]
    pub fn hash(&self) -> Vec<u8> {
        Sha256::digest(self.reveal().as_bytes()).to_vec()
    }
}

/// Which order, and by what right.
#[derive(Debug, Clone)]
pub struct Access {
    /// The order.
    pub order_id: Uuid,
    /// What a guest holds; None: by who asks.
    pub token: Option<GuestToken>,
}

impl Access {
    /// Under whose name idempotency keys are kept: a guest is whoever holds the token.
    #[must_use]
    pub(crate) fn scope(&self, viewer: &Viewer) -> String {
        match (&self.token, viewer) {
            (Some(token), Viewer::Guest) => {
                let hash = token.hash();
                let hex: String = hash.iter().take(16).map(|byte| format!("{byte:02x}")).collect();
                format!("guest:{hex}")
            }
            (_, viewer) => viewer.scope(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_of_one_cart_and_one_order() {
        let (cart, order) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let token = GuestToken::of(cart, order);
        assert_eq!(token.reveal(), GuestToken::of(cart, order).reveal());
        assert_ne!(token.reveal(), GuestToken::of(order, cart).reveal());
        assert_eq!(token.reveal().len(), "gat_".len() + 32);
        assert_eq!(GuestToken::given(token.reveal().to_owned()).hash(), token.hash());
    }

    #[test]
    fn a_token_ends_in_no_log() {
        let token = GuestToken::of(Uuid::from_u128(1), Uuid::from_u128(2));
        assert!(!format!("{token:?}").contains(token.reveal()));
    }
}
