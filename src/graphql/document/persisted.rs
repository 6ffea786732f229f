//! Automatic persisted queries: a client sends the hash of a document first, and the text only
//! when the server does not know the hash. The store is the cache of documents.

use async_graphql::Value;
use sha2::{Digest, Sha256};

use crate::graphql::document::params::JsonObject;
use crate::graphql::document::refusal::{RefusalKind, Refused};

/// SHA-256 of a document's text.
pub type DocumentHash = [u8; 32];

/// The hash of a text.
pub fn hash_of(text: &str) -> DocumentHash {
    Sha256::digest(text.as_bytes()).into()
}

/// The hash that `extensions.persistedQuery` names, if the request has that member.
///
/// # Errors
/// The member is not `{ version: 1, sha256Hash: "<64 hexadecimal digits>" }`.
pub fn named_hash(extensions: Option<&JsonObject>) -> Result<Option<DocumentHash>, Refused> {
    let refuse = |message: &str| Err(Refused::new(RefusalKind::ParameterInvalid, message));
    let persisted = match extensions.and_then(|extensions| extensions.get("persistedQuery")) {
        None | Some(Value::Null) => return Ok(None),
        Some(Value::Object(persisted)) => persisted,
        Some(_) => return refuse("\"extensions.persistedQuery\" must be an object."),
    };
    let version = match persisted.get("version") {
        Some(Value::Number(version)) => version.as_u64(),
        _ => None,
    };
    if version != Some(1) {
        return refuse("\"extensions.persistedQuery.version\" must be 1.");
    }
    let hash = match persisted.get("sha256Hash") {
        Some(Value::String(digits)) => decode(digits),
        _ => None,
    };
    match hash {
        Some(hash) => Ok(Some(hash)),
        None => refuse("\"extensions.persistedQuery.sha256Hash\" must be 64 hexadecimal digits."),
    }
}

fn decode(digits: &str) -> Option<DocumentHash> {
    let mut hash = DocumentHash::default();
    let (pairs, []) = digits.as_bytes().as_chunks::<2>() else { return None };
    if pairs.len() != hash.len() {
        return None;
    }
    for (byte, [high, low]) in hash.iter_mut().zip(pairs) {
        let digit = |digit: u8| char::from(digit).to_digit(16).and_then(|d| u8::try_from(d).ok());
        *byte = (digit(*high)? << 4) | digit(*low)?;
    }
    Some(hash)
}
