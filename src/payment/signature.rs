//! Signed webhooks: HMAC-SHA256 over the time and the very bytes of the body, so that nobody makes
//! one up, changes one, or sends an old one again. A header says `t=<seconds>,v1=<hex>`.

use crate::db::Timestamp;
use crate::payment::provider::WebhookError;
use hmac::{Hmac, KeyInit, Mac};
use http::{HeaderMap, HeaderName};
use secrecy::{ExposeSecret, SecretString};
use sha2::Sha256;
use std::fmt::Write;

/// How far from now the time of a signature may be.
const TOLERANCE_SECONDS: u64 = 300;
/// Signatures in one header at most: one for each secret in use.
const SIGNATURES_MAX: usize = 4;

/// The value of the header for a body that is sent now.
pub fn sign(secret: &SecretString, now: Timestamp, body: &[u8]) -> String {
    let seconds = now.timestamp();
    let code = keyed(secret, seconds, body).finalize().into_bytes();
    let mut header = format!("t={seconds},v1=");
    for byte in code {
        // Writing to a string cannot fail.
        let _ = write!(header, "{byte:02x}");
    }
    header
}

/// Whether somebody who knows one of the secrets signed this body, not long ago. `name` is the
/// header that says so.
pub fn verify(
    name: &HeaderName,
    secrets: &[SecretString],
    headers: &HeaderMap,
    body: &[u8],
    now: Timestamp,
) -> Result<(), WebhookError> {
    let header = headers.get(name).and_then(|value| value.to_str().ok());
    let (seconds, codes) = header.and_then(parse).ok_or(WebhookError::Unsigned)?;
    let genuine = secrets.iter().any(|secret| {
        // Compared in a time that tells nothing.
        codes.iter().any(|code| keyed(secret, seconds, body).verify_slice(code).is_ok())
    });
    if !genuine {
        return Err(WebhookError::WrongSignature);
    }
    if now.timestamp().abs_diff(seconds) > TOLERANCE_SECONDS {
        return Err(WebhookError::NotFresh);
    }
    Ok(())
}

fn keyed(secret: &SecretString, seconds: i64, body: &[u8]) -> Hmac<Sha256> {
    let key = secret.expose_secret().as_bytes();
    // HMAC takes keys of any length; `new` would ask for exactly a block.
    let mut code =
        Hmac::<Sha256>::new_from_slice(key).unwrap_or_else(|_| Hmac::new(&[0; 64].into()));
    code.update(seconds.to_string().as_bytes());
    code.update(b".");
    code.update(body);
    code
}

/// The time and the codes of a header.
fn parse(header: &str) -> Option<(i64, Vec<Vec<u8>>)> {
    let (mut seconds, mut codes) = (None, Vec::new());
    for part in header.split(',') {
        match part.trim().split_once('=')? {
            ("t", text) if seconds.is_none() => seconds = Some(text.parse().ok()?),
            ("v1", text) if codes.len() < SIGNATURES_MAX => codes.push(from_hex(text)?),
            // A newer scheme beside ours.
            (name, _) if name.starts_with('v') => {}
            _ => return None,
        }
    }
    Some((seconds?, codes))
}

fn from_hex(text: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<u8>> =
        text.chars().map(|c| c.to_digit(16).and_then(|digit| u8::try_from(digit).ok())).collect();
    let pairs = digits?;
    let whole = pairs.len() == 64;
    whole.then(|| {
        let pairs = pairs.chunks(2);
        pairs.map(|pair| pair.iter().fold(0_u8, |byte, digit| (byte << 4) | digit)).collect()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::{DateTime, TimeDelta};

    fn secret(text: &str) -> SecretString {
        text.to_owned().into()
    }

    fn noon() -> Timestamp {
        DateTime::from_timestamp(1_800_000_000, 0).unwrap()
    }

    fn headers(value: &str) -> HeaderMap {
        HeaderMap::from_iter([(HEADER, value.parse().unwrap())])
    }

    const HEADER: HeaderName = HeaderName::from_static("signature-of-a-test");
    const BODY: &[u8] = br#"{"id":"evt_1"}"#;

    #[test]
    fn what_was_signed_is_believed_for_five_minutes() {
        let secrets = [secret("one")];
        let signed = headers(&sign(&secrets[0], noon(), BODY));
        for seconds in [-300, 0, 300] {
            let now = noon() + TimeDelta::seconds(seconds);
            assert_eq!(verify(&HEADER, &secrets, &signed, BODY, now), Ok(()), "{seconds}");
        }
        for seconds in [-301, 301] {
            let now = noon() + TimeDelta::seconds(seconds);
            assert_eq!(verify(&HEADER, &secrets, &signed, BODY, now), Err(WebhookError::NotFresh));
        }
    }

    #[test]
    fn one_signature_of_several_is_enough() {
        let secrets = [secret("one")];
        let mine = sign(&secrets[0], noon(), BODY);
        let (_, code) = mine.split_once(",v1=").unwrap();
        let other = sign(&secret("two"), noon(), BODY);
        let both = headers(&format!("{other},v1={code}"));
        assert_eq!(verify(&HEADER, &secrets, &both, BODY, noon()), Ok(()));
    }

    #[test]
    fn two_secrets_are_believed_while_they_rotate() {
        let (old, new) = (secret("old"), secret("new"));
        let by_old = headers(&sign(&old, noon(), BODY));
        let both = [new.clone(), old];
        assert_eq!(verify(&HEADER, &both, &by_old, BODY, noon()), Ok(()));
        assert_eq!(
            verify(&HEADER, &[new], &by_old, BODY, noon()),
            Err(WebhookError::WrongSignature),
            "the old one was taken away"
        );
    }

    #[test]
    fn what_was_changed_is_not_believed() {
        let secrets = [secret("one")];
        let header = sign(&secrets[0], noon(), BODY);
        let wrong =
            |header: &str, body: &[u8]| verify(&HEADER, &secrets, &headers(header), body, noon());
        assert_eq!(wrong(&header, br#"{"id":"evt_2"}"#), Err(WebhookError::WrongSignature));
        let later = header.replace("t=1800000000", "t=1800000001");
        assert_eq!(wrong(&later, BODY), Err(WebhookError::WrongSignature));
        let other = sign(&secret("two"), noon(), BODY);
        assert_eq!(wrong(&other, BODY), Err(WebhookError::WrongSignature));
        assert_eq!(wrong("t=1800000000", BODY), Err(WebhookError::WrongSignature));
    }

    #[test]
    fn what_cannot_be_read_is_not_believed() {
        let secrets = [secret("one")];
        let unsigned = Err(WebhookError::Unsigned);
        assert_eq!(verify(&HEADER, &secrets, &HeaderMap::new(), BODY, noon()), unsigned);
        let code = "0".repeat(64);
        for header in
            ["", "t=", "v1=00", "t=1,v1=xyz", "t=1,v1=00", &format!("v1={code}"), "t=1,t=2"]
        {
            assert_eq!(
                verify(&HEADER, &secrets, &headers(header), BODY, noon()),
                unsigned,
                "{header}"
            );
        }
        let newer = sign(&secrets[0], noon(), BODY) + ",v2=00";
        assert_eq!(verify(&HEADER, &secrets, &headers(&newer), BODY, noon()), Ok(()));
    }

    #[test]
    fn a_signature_is_the_one_that_others_would_make() {
        // printf '1800000000.{"id":"evt_1"}' | openssl dgst -sha256 -hmac one
        let expected = "2de6902786025bd7f98b4738c57c6a6561b2f31889e86c088fa595feb31bba8b";
        assert_eq!(sign(&secret("one"), noon(), BODY), format!("t=1800000000,v1={expected}"));
    }
}
