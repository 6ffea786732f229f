//! The keys of access tokens: one that signs, and all that check, each by its id and with one
//! algorithm of its own.

use crate::auth::{PublicKey, pem};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey};
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};
use std::collections::HashMap;

/// A key as it is set.
#[derive(Clone)]
pub enum KeyMaterial {
    /// A secret that signs and checks, for HS256.
    Secret(SecretString),
    /// A PEM text with half a pair, or all of it, for EdDSA or ES256.
    Pem(SecretString),
}

/// Why a PEM text cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// It is no PEM.
    #[error("is no PEM text")]
    NotPem,
    /// The key is of another kind.
    #[error("holds no Ed25519 and no P-256 key (encrypted keys cannot be read)")]
    Unknown,
    /// A private key is needed.
    #[error("holds a public key, and signing needs the private one")]
    NotPrivate,
}

/// The keys of access tokens.
#[derive(Clone)]
pub struct KeyRing {
    id: String,
    algorithm: Algorithm,
    signing: EncodingKey,
    checking: HashMap<String, CheckingKey>,
    public: Vec<PublicKey>,
}

/// A key that checks.
#[derive(Clone)]
pub struct CheckingKey {
    /// The only algorithm that it checks with, whatever a token asks for.
    pub algorithm: Algorithm,
    /// The key.
    pub key: DecodingKey,
}

impl KeyRing {
    /// A ring with one key, which signs and checks.
    ///
    /// # Errors
    /// [`KeyError`] when the PEM text holds no private key of a known kind.
    pub fn new(signing: &KeyMaterial) -> Result<Self, KeyError> {
        match signing {
            KeyMaterial::Secret(secret) => {
                let (id, key) = secret_key(secret);
                let signing = EncodingKey::from_secret(secret.expose_secret().as_bytes());
                let checking = HashMap::from([(id.clone(), key)]);
                Ok(Self { id, algorithm: Algorithm::HS256, signing, checking, public: Vec::new() })
            }
            KeyMaterial::Pem(text) => {
                let (signing, public) = pem::read_private(text.expose_secret())?;
                let (id, algorithm) = (public.id().to_owned(), public.algorithm());
                let mut ring =
                    Self { id, algorithm, signing, checking: HashMap::new(), public: Vec::new() };
                ring.add_public(public)?;
                Ok(ring)
            }
        }
    }

    /// Adds a key that checks and does not sign: tokens that it signed stay good.
    ///
    /// # Errors
    /// [`KeyError`] when the PEM text holds no key of a known kind.
    pub fn with_previous(mut self, key: &KeyMaterial) -> Result<Self, KeyError> {
        match key {
            KeyMaterial::Secret(secret) => {
                let (id, key) = secret_key(secret);
                self.checking.insert(id, key);
            }
            KeyMaterial::Pem(text) => {
                self.add_public(pem::read_public(text.expose_secret())?)?;
            }
        }
        Ok(self)
    }

    /// The public halves of all pairs, the one that signs first.
    #[must_use]
    pub fn public_keys(&self) -> &[PublicKey] {
        &self.public
    }

    /// The id of the key that signs, and with what.
    pub(crate) fn signing(&self) -> (&str, Algorithm, &EncodingKey) {
        (&self.id, self.algorithm, &self.signing)
    }

    /// The key with this id. An id is a name in this map and nothing else: no path, no address.
    pub(crate) fn checking(&self, id: &str) -> Option<&CheckingKey> {
        self.checking.get(id)
    }

    fn add_public(&mut self, public: PublicKey) -> Result<(), KeyError> {
        let key = public.decoding().map_err(|_| KeyError::Unknown)?;
        let checking = CheckingKey { algorithm: public.algorithm(), key };
        if self.checking.insert(public.id().to_owned(), checking).is_none() {
            self.public.push(public);
        }
        Ok(())
    }
}

/// A secret with its id, which tells nothing of it but whether it is the same.
fn secret_key(secret: &SecretString) -> (String, CheckingKey) {
    let secret = secret.expose_secret().as_bytes();
    let hash = Sha256::new().chain_update(b"stockroom signing key\0").chain_update(secret);
    let short: Vec<u8> = hash.finalize().into_iter().take(12).collect();
    let key = DecodingKey::from_secret(secret);
    (URL_SAFE_NO_PAD.encode(short), CheckingKey { algorithm: Algorithm::HS256, key })
}
