//! Access tokens: JWTs as RFC 9068 profiles them.

use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// How long an access token is good for.
pub const ACCESS_TOKEN_SECONDS: i64 = 15 * 60;
const LEEWAY_SECONDS: u64 = 30;
const ISSUER: &str = "stockroom";
const AUDIENCE: &str = "stockroom-api";
const TOKEN_TYPE: &str = "at+jwt";

/// Signs and checks access tokens: JWTs as RFC 9068 profiles them, HS256 and nothing else.
#[derive(Clone)]
pub struct TokenCodec {
    encoding: EncodingKey,
    decoding: DecodingKey,
    validation: Validation,
}

#[derive(Serialize, Deserialize)]
struct Claims {
    iss: String,
    aud: String,
    sub: Uuid,
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
    /// A codec with this signing key, which the settings have checked to be long enough.
    #[must_use]
    pub fn new(key: &SecretString) -> Self {
        let key = key.expose_secret().as_bytes();
        let mut validation = Validation::new(Algorithm::HS256);
        validation.leeway = LEEWAY_SECONDS;
        validation.validate_nbf = true;
        validation.set_issuer(&[ISSUER]);
        validation.set_audience(&[AUDIENCE]);
        validation.set_required_spec_claims(&["exp", "nbf", "iss", "aud", "sub"]);
        Self {
            encoding: EncodingKey::from_secret(key),
            decoding: DecodingKey::from_secret(key),
            validation,
        }
    }

    /// A token for the account `user_id`, good from `now` (seconds since 1970) on.
    ///
    /// # Errors
    /// When the token cannot be signed, which is a fault of the program.
    pub fn issue(&self, user_id: Uuid, now: i64) -> Result<String, jsonwebtoken::errors::Error> {
        let claims = Claims {
            iss: ISSUER.to_owned(),
            aud: AUDIENCE.to_owned(),
            sub: user_id,
            jti: Uuid::new_v4(),
            iat: now,
            nbf: now,
            exp: now.saturating_add(ACCESS_TOKEN_SECONDS),
        };
        let header = Header { typ: Some(TOKEN_TYPE.to_owned()), ..Header::new(Algorithm::HS256) };
        jsonwebtoken::encode(&header, &claims, &self.encoding)
    }

    /// The account that the token was issued to.
    ///
    /// # Errors
    /// [`InvalidToken`], which never tells what was wrong with it.
    pub fn verify(&self, token: &str) -> Result<VerifiedToken, InvalidToken> {
        let token = jsonwebtoken::decode::<Claims>(token, &self.decoding, &self.validation)
            .map_err(|_| InvalidToken)?;
        if token.header.typ.as_deref() != Some(TOKEN_TYPE) {
            return Err(InvalidToken);
        }
        Ok(VerifiedToken { user_id: token.claims.sub, expires_at: token.claims.exp })
    }
}

/// What a good token says.
#[derive(Debug, Clone, Copy)]
pub struct VerifiedToken {
    /// The account it was issued to.
    pub user_id: Uuid,
    /// When it ends, in seconds since 1970.
    pub expires_at: i64,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn codec(key: &str) -> TokenCodec {
        TokenCodec::new(&SecretString::from(key.to_owned()))
    }

    fn now() -> i64 {
        chrono::Utc::now().timestamp()
    }

    #[test]
    fn a_token_names_its_account() {
        let (codec, id) = (codec("0123456789abcdef0123456789abcdef"), Uuid::now_v7());
        let token = codec.issue(id, now()).unwrap();
        assert_eq!(codec.verify(&token).unwrap().user_id, id);
    }

    #[test]
    fn expired_and_not_yet_valid_tokens_are_refused() {
        let codec = codec("0123456789abcdef0123456789abcdef");
        for at in [now() - ACCESS_TOKEN_SECONDS - 60, now() + 120] {
            let token = codec.issue(Uuid::now_v7(), at).unwrap();
            assert!(codec.verify(&token).is_err());
        }
    }

    #[test]
    fn another_key_or_algorithm_is_refused() {
        let codec_here = codec("0123456789abcdef0123456789abcdef");
        let foreign = codec("another-key-another-key-another!").issue(Uuid::now_v7(), now());
        assert!(codec_here.verify(&foreign.unwrap()).is_err());
        // {"alg":"none","typ":"at+jwt"}.{}. with an empty signature
        assert!(codec_here.verify("eyJhbGciOiJub25lIiwidHlwIjoiYXQrand0In0.e30.").is_err());
    }
}
