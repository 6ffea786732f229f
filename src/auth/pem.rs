//! Keys in PEM files: Ed25519 and P-256, private as PKCS#8 or SEC 1, public as SPKI.

use crate::auth::{KeyError, PublicKey};
use ed25519_dalek::pkcs8::{
    DecodePrivateKey as DecodeEd25519, DecodePublicKey as DecodeEd25519Public,
};
use ed25519_dalek::{SigningKey, VerifyingKey};
use jsonwebtoken::EncodingKey;
use p256::elliptic_curve::sec1::ToEncodedPoint;
use p256::pkcs8::{EncodePrivateKey, SecretDocument};
use p256::{PublicKey as P256Public, SecretKey as P256Secret};

/// The private key in a PEM text, and what is public of it.
///
/// # Errors
/// [`KeyError`] when there is no private key of a known kind.
pub fn read_private(pem: &str) -> Result<(EncodingKey, PublicKey), KeyError> {
    let (label, document) = read(pem)?;
    let der = document.as_bytes();
    match label.as_str() {
        "PRIVATE KEY" => {
            if let Ok(key) = SigningKey::from_pkcs8_der(der) {
                let public = ed25519(&key.verifying_key());
                return Ok((EncodingKey::from_ed_der(der), public));
            }
            let key = P256Secret::from_pkcs8_der(der).map_err(|_| KeyError::Unknown)?;
            p256_pair(&key)
        }
        "EC PRIVATE KEY" => {
            let key = P256Secret::from_sec1_der(der).map_err(|_| KeyError::Unknown)?;
            p256_pair(&key)
        }
        "PUBLIC KEY" => Err(KeyError::NotPrivate),
        _ => Err(KeyError::Unknown),
    }
}

/// What is public of the key in a PEM text, whether that is public or private.
///
/// # Errors
/// [`KeyError`] when there is no key of a known kind.
pub fn read_public(pem: &str) -> Result<PublicKey, KeyError> {
    let (label, document) = read(pem)?;
    if label != "PUBLIC KEY" {
        return Ok(read_private(pem)?.1);
    }
    let der = document.as_bytes();
    if let Ok(key) = VerifyingKey::from_public_key_der(der) {
        return Ok(ed25519(&key));
    }
    let key = P256Public::from_public_key_der(der).map_err(|_| KeyError::Unknown)?;
    p256(&key)
}

fn read(pem: &str) -> Result<(String, SecretDocument), KeyError> {
    let (label, document) = SecretDocument::from_pem(pem.trim()).map_err(|_| KeyError::NotPem)?;
    Ok((label.to_owned(), document))
}

fn p256_pair(key: &P256Secret) -> Result<(EncodingKey, PublicKey), KeyError> {
    let der = key.to_pkcs8_der().map_err(|_| KeyError::Unknown)?;
    Ok((EncodingKey::from_ec_der(der.as_bytes()), p256(&key.public_key())?))
}

fn ed25519(key: &VerifyingKey) -> PublicKey {
    PublicKey::ed25519(key.as_bytes())
}

fn p256(key: &P256Public) -> Result<PublicKey, KeyError> {
    let point = key.to_encoded_point(false);
    let (x, y) = point.x().zip(point.y()).ok_or(KeyError::Unknown)?;
    Ok(PublicKey::p256(x, y))
}
