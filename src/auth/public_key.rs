//! The public half of a key pair, as a JSON Web Key (RFC 7517).

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, DecodingKey};
use serde::Serialize;
use sha2::{Digest, Sha256};

/// Public keys whose private halves stand in specifications and on the page that everyone tries
/// tokens on: their first coordinates.
const WELL_KNOWN: [&str; 4] = [
    // RFC 8037, appendix A.
    "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
    // RFC 7515, appendix A.3.
    "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
    // RFC 7517, appendix A.
    "MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4",
    // The debugger of jwt.io.
    "EVs_o5-uQbTjL3chynL4wXgUg2R9q9UU8I5mEovUf84",
];

/// A public key. It serialises to what the page of keys has of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PublicKey {
    kty: &'static str,
    crv: &'static str,
    x: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    y: Option<String>,
    alg: &'static str,
    #[serde(rename = "use")]
    purpose: &'static str,
    kid: String,
}

impl PublicKey {
    /// An Ed25519 key, for EdDSA.
    #[must_use]
    pub fn ed25519(bytes: &[u8; 32]) -> Self {
        let x = URL_SAFE_NO_PAD.encode(bytes);
        let kid = thumbprint(&format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{x}"}}"#));
        Self { kty: "OKP", crv: "Ed25519", x, y: None, alg: "EdDSA", purpose: "sig", kid }
    }

    /// A point on P-256, for ES256.
    #[must_use]
    pub fn p256(x: &[u8], y: &[u8]) -> Self {
        let (x, y) = (URL_SAFE_NO_PAD.encode(x), URL_SAFE_NO_PAD.encode(y));
        let kid = thumbprint(&format!(r#"{{"crv":"P-256","kty":"EC","x":"{x}","y":"{y}"}}"#));
        Self { kty: "EC", crv: "P-256", x, y: Some(y), alg: "ES256", purpose: "sig", kid }
    }

    /// The key's id: its thumbprint (RFC 7638).
    #[must_use]
    pub fn id(&self) -> &str {
        &self.kid
    }

    /// Whether everyone can look up the private half.
    #[must_use]
    pub fn is_well_known(&self) -> bool {
        WELL_KNOWN.contains(&self.x.as_str())
    }

    /// The one algorithm that the key is for.
    pub(crate) fn algorithm(&self) -> Algorithm {
        match self.y {
            None => Algorithm::EdDSA,
            Some(_) => Algorithm::ES256,
        }
    }

    pub(crate) fn decoding(&self) -> Result<DecodingKey, jsonwebtoken::errors::Error> {
        match &self.y {
            None => DecodingKey::from_ed_components(&self.x),
            Some(y) => DecodingKey::from_ec_components(&self.x, y),
        }
    }
}

/// The hash of a key's members in the order and the form that RFC 7638 fixes.
fn thumbprint(members: &str) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(members.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_id_is_the_thumbprint_of_the_specification_and_its_key_is_known_to_all() {
        let bytes = URL_SAFE_NO_PAD.decode("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo").unwrap();
        let key = PublicKey::ed25519(bytes.as_slice().try_into().unwrap());
        assert_eq!(key.id(), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
        assert!(key.is_well_known());
        assert!(!PublicKey::ed25519(&[7; 32]).is_well_known());
    }
}
