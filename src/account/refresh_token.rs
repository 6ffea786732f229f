//! Refresh tokens: 256 random bits that mean nothing by themselves. The database knows their hashes.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rand::RngExt;
use secrecy::SecretString;
use sha2::{Digest, Sha256};

/// What the database knows of a token.
pub type TokenHash = Vec<u8>;

/// A new token and its hash.
pub fn new() -> (SecretString, TokenHash) {
    let bytes: [u8; 32] = rand::rng().random();
    let text = URL_SAFE_NO_PAD.encode(bytes);
    (SecretString::from(text), Sha256::digest(bytes).to_vec())
}

/// The hash of a token; None for a text that is none.
pub fn hash_of(text: &str) -> Option<TokenHash> {
    let mut bytes = [0; 32];
    let length = URL_SAFE_NO_PAD.decode_slice(text.trim(), &mut bytes).ok()?;
    (length == bytes.len()).then(|| Sha256::digest(bytes).to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;
    use secrecy::ExposeSecret;

    #[test]
    fn a_token_is_known_by_its_hash_and_never_made_twice() {
        let ((one, hash), (other, _)) = (new(), new());
        assert_eq!(one.expose_secret().len(), 43);
        assert_eq!(hash_of(one.expose_secret()), Some(hash));
        assert_ne!(one.expose_secret(), other.expose_secret());
    }

    #[test]
    fn what_is_no_token_has_no_hash() {
        let long = "A".repeat(10_000);
        for text in ["", "A", "not a token", &"A".repeat(42), &"A".repeat(44), &long, "ä\0"] {
            assert_eq!(hash_of(text), None, "{text}");
        }
    }
}
