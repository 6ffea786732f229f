//! Access tokens: JWTs as RFC 9068 profiles them and RFC 8725 wants them checked.

use crate::auth::KeyRing;
use crate::auth::keys::CheckingKey;
use jsonwebtoken::{Header, Validation};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use uuid::Uuid;

/// How long an access token is good for.
pub const ACCESS_TOKEN_SECONDS: i64 = 15 * 60;
const LEEWAY_SECONDS: u64 = 30;
const ISSUER: &str = "stockroom";
const AUDIENCE: &str = "stockroom-api";
const TOKEN_TYPE: &str = "at+jwt";

/// Signs access tokens with the one key that signs, and checks them with the key that they name.
#[derive(Clone)]
pub struct TokenCodec {
    keys: Arc<KeyRing>,
}

#[derive(Serialize, Deserialize)]
struct Claims {
    iss: String,
    aud: String,
    sub: Uuid,
    sid: Uuid,
    jti: Uuid,
    iat: i64,
    nbf: i64,
    exp: i64,
}

/// The token is not one of ours, was changed, or is past its time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("The access token is invalid or expired. Sign in again.")]
pub struct InvalidToken;

impl TokenCodec {
    /// A codec with these keys.
    #[must_use]
    pub fn new(keys: KeyRing) -> Self {
        Self { keys: Arc::new(keys) }
    }

    /// The keys.
    #[must_use]
    pub fn keys(&self) -> &KeyRing {
        &self.keys
    }

    /// A token for a session of an account, good from `now` (seconds since 1970) on.
    ///
    /// # Errors
    /// When the token cannot be signed, which is a fault of the program.
    pub fn issue(
        &self,
        user_id: Uuid,
        session_id: Uuid,
        now: i64,
    ) -> Result<String, jsonwebtoken::errors::Error> {
        let claims = Claims {
            iss: ISSUER.to_owned(),
            aud: AUDIENCE.to_owned(),
            sub: user_id,
            sid: session_id,
            jti: Uuid::new_v4(),
            iat: now,
            nbf: now,
            exp: now.saturating_add(ACCESS_TOKEN_SECONDS),
        };
        let (id, algorithm, key) = self.keys.signing();
        let header = Header {
            typ: Some(TOKEN_TYPE.to_owned()),
            kid: Some(id.to_owned()),
            ..Header::new(algorithm)
        };
        jsonwebtoken::encode(&header, &claims, key)
    }

    /// What a good token says.
    ///
    /// # Errors
    /// [`InvalidToken`], which never tells what was wrong with it.
    pub fn verify(&self, token: &str) -> Result<VerifiedToken, InvalidToken> {
        // Of the header nothing is believed but the name of one of our keys: where keys could be
        // fetched from, or a key itself, is not even looked at.
        let header = jsonwebtoken::decode_header(token).map_err(|_| InvalidToken)?;
        let is_ours = header.typ.as_deref() == Some(TOKEN_TYPE) && header.crit.is_none();
        let key = header.kid.as_deref().and_then(|id| self.keys.checking(id));
        let key = key.filter(|_| is_ours).ok_or(InvalidToken)?;
        let token = jsonwebtoken::decode::<Claims>(token, &key.key, &validation(key));
        let Claims { sub, sid, iat, exp, .. } = token.map_err(|_| InvalidToken)?.claims;
        let now = i64::try_from(jsonwebtoken::get_current_timestamp()).unwrap_or(i64::MAX);
        if iat.saturating_sub_unsigned(LEEWAY_SECONDS) > now {
            return Err(InvalidToken);
        }
        Ok(VerifiedToken { user_id: sub, session_id: sid, expires_at: exp })
    }
}

fn validation(key: &CheckingKey) -> Validation {
    let mut validation = Validation::new(key.algorithm);
    validation.leeway = LEEWAY_SECONDS;
    validation.validate_nbf = true;
    validation.set_issuer(&[ISSUER]);
    validation.set_audience(&[AUDIENCE]);
    validation.set_required_spec_claims(&["exp", "nbf", "iss", "aud", "sub"]);
    validation
}

/// What a good token says.
#[derive(Debug, Clone, Copy)]
pub struct VerifiedToken {
    /// The account it was issued to.
    pub user_id: Uuid,
    /// The session that it belongs to.
    pub session_id: Uuid,
    /// When it ends, in seconds since 1970.
    pub expires_at: i64,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auth::KeyMaterial;
    use secrecy::SecretString;

    const KEY: &str = "0123456789abcdef0123456789abcdef";

    fn secret(key: &str) -> KeyMaterial {
        KeyMaterial::Secret(SecretString::from(key.to_owned()))
    }

    fn codec(key: &str) -> TokenCodec {
        TokenCodec::new(KeyRing::new(&secret(key)).unwrap())
    }

    fn now() -> i64 {
        chrono::Utc::now().timestamp()
    }

    #[test]
    fn a_token_names_its_account_and_session() {
        let (codec, id, session) = (codec(KEY), Uuid::now_v7(), Uuid::now_v7());
        let token = codec.issue(id, session, now()).unwrap();
        let verified = codec.verify(&token).unwrap();
        assert_eq!((verified.user_id, verified.session_id), (id, session));
    }

    #[test]
    fn expired_and_not_yet_valid_tokens_are_refused() {
        let codec = codec(KEY);
        for at in [now() - ACCESS_TOKEN_SECONDS - 60, now() + 120] {
            let token = codec.issue(Uuid::now_v7(), Uuid::now_v7(), at).unwrap();
            assert!(codec.verify(&token).is_err());
        }
    }

    #[test]
    fn another_key_or_algorithm_is_refused() {
        let foreign = codec("another-key-another-key-another!");
        let foreign = foreign.issue(Uuid::now_v7(), Uuid::now_v7(), now()).unwrap();
        assert!(codec(KEY).verify(&foreign).is_err());
        // {"alg":"none","typ":"at+jwt"}.{}. with an empty signature
        assert!(codec(KEY).verify("eyJhbGciOiJub25lIiwidHlwIjoiYXQrand0In0.e30.").is_err());
    }

    #[test]
    fn a_previous_key_checks_and_does_not_sign() {
        let (old, new) = (codec(KEY), "another-key-another-key-another!");
        let token = old.issue(Uuid::now_v7(), Uuid::now_v7(), now()).unwrap();
        let ring = KeyRing::new(&secret(new)).unwrap().with_previous(&secret(KEY)).unwrap();
        let rotated = TokenCodec::new(ring);
        assert!(rotated.verify(&token).is_ok());
        let token = rotated.issue(Uuid::now_v7(), Uuid::now_v7(), now()).unwrap();
        assert!(codec(new).verify(&token).is_ok());
        assert!(old.verify(&token).is_err());
    }
}
