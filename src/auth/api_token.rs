//! The text of API tokens: `srk_`, 256 random bits and a checksum, so that scanners for secrets
//! find one that was left lying around, and the server tells a typing error without a query.

use rand::RngExt;
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};

/// What every API token begins with.
const BEGINNING: &str = "srk_";
const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
/// So many letters of the alphabet hold 256 bits.
const RANDOM_CHARS: usize = 43;
/// So many letters hold 32 bits.
const CHECKSUM_CHARS: usize = 6;
/// What is shown of a token in lists.
const SHOWN_CHARS: usize = 10;

/// A new token. Its text is told once and never kept.
pub struct NewApiToken {
    /// The text.
    pub secret: SecretString,
    /// What is kept of it, to find it by.
    pub hash: Vec<u8>,
    /// What is shown of it: its first ten characters.
    pub prefix: String,
}

impl NewApiToken {
    /// A token that nobody can guess.
    #[must_use]
    pub fn random() -> Self {
        let mut random = rand::rng();
        let letters = (0..RANDOM_CHARS).map(|_| letter(random.random_range(0..ALPHABET.len())));
        let body = format!("{BEGINNING}{}", letters.collect::<String>());
        let text = format!("{body}{}", checksum(&body));
        let prefix = text.chars().take(SHOWN_CHARS).collect();
        Self { hash: hash(&text), prefix, secret: text.into() }
    }

    /// The text, to be told once.
    #[must_use]
    pub fn reveal(&self) -> String {
        self.secret.expose_secret().to_owned()
    }
}

/// Whether a bearer token claims to be an API token; all others are access tokens.
#[must_use]
pub fn is_api_token(token: &str) -> bool {
    token.starts_with(BEGINNING)
}

/// What the token is kept as; None when it is none of ours or was mistyped. A plain hash is
/// enough for 256 random bits, and being found by it tells nothing of the text.
#[must_use]
pub fn api_token_hash(token: &str) -> Option<Vec<u8>> {
    let length = BEGINNING.len() + RANDOM_CHARS + CHECKSUM_CHARS;
    if token.len() != length || !token.is_ascii() || !is_api_token(token) {
        return None;
    }
    let (body, sum) = token.split_at_checked(length - CHECKSUM_CHARS)?;
    (checksum(body) == sum).then(|| hash(token))
}

fn hash(text: &str) -> Vec<u8> {
    Sha256::digest(text.as_bytes()).to_vec()
}

/// The first 32 bits of the body's SHA-256, in letters of the alphabet.
fn checksum(body: &str) -> String {
    let digest = Sha256::digest(body.as_bytes());
    let mut number =
        digest.iter().take(4).fold(0_usize, |sum, byte| sum * 256 + usize::from(*byte));
    let mut letters: Vec<char> = Vec::with_capacity(CHECKSUM_CHARS);
    for _ in 0..CHECKSUM_CHARS {
        letters.push(letter(number % ALPHABET.len()));
        number /= ALPHABET.len();
    }
    letters.into_iter().rev().collect()
}

fn letter(place: usize) -> char {
    ALPHABET.get(place).copied().map_or('0', char::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_found_by_its_hash_and_shows_its_beginning_alone() {
        let token = NewApiToken::random();
        let text = token.reveal();
        assert_eq!(text.len(), 53);
        assert!(text.starts_with("srk_") && text.starts_with(&token.prefix), "{text}");
        assert_eq!(token.prefix.len(), 10);
        assert_eq!(api_token_hash(&text).as_ref(), Some(&token.hash));
        assert_ne!(NewApiToken::random().hash, token.hash);
    }

    #[test]
    fn a_mistyped_token_is_told_apart() {
        let text = NewApiToken::random().reveal();
        for at in 4..text.len() {
            let mut bytes = text.clone().into_bytes();
            bytes[at] = if bytes[at] == b'x' { b'y' } else { b'x' };
            assert_eq!(api_token_hash(&String::from_utf8(bytes).unwrap()), None, "at {at}");
        }
        for wrong in ["", "srk_", &text[1..], &text[..52], &format!("{text}0"), "srk_ä"] {
            assert_eq!(api_token_hash(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn the_checksum_is_what_the_readme_says() {
        // SHA-256 of the body begins with 4 bytes that are written in base 62, six digits.
        let body = format!("srk_{}", "0".repeat(RANDOM_CHARS));
        let digest = Sha256::digest(body.as_bytes());
        let number = u32::from_be_bytes([digest[0], digest[1], digest[2], digest[3]]);
        let read = checksum(&body).bytes().fold(0_u64, |sum, letter| {
            let digit = ALPHABET.iter().position(|own| *own == letter).unwrap();
            sum * 62 + u64::try_from(digit).unwrap()
        });
        assert_eq!(read, u64::from(number));
    }
}
