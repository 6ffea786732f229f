//! Who asks, by the `Authorization` header. No header is a guest; a bad one never is.

use crate::app::App;
use crate::auth::Identity;
use crate::graphql::{Fault, code};
use crate::http::answer::Rejection;
use http::{HeaderMap, HeaderValue, StatusCode, header};

/// The token of an `Authorization` value.
///
/// # Errors
/// It is of another scheme, or holds no token.
pub fn bearer(value: &str) -> Result<&str, Fault> {
    let (scheme, token) = value.trim().split_once(' ').unwrap_or((value, ""));
    let token = token.trim();
    if scheme.eq_ignore_ascii_case("bearer") && !token.is_empty() && !token.contains(' ') {
        return Ok(token);
    }
    let message = "Authorization must be \"Bearer\" and an access token.";
    Err(Fault::new(code::UNAUTHENTICATED, message))
}

/// Who sends these headers.
///
/// # Errors
/// 401 for a token that is not good, 503 when the database cannot tell.
pub async fn identity(app: &App, headers: &HeaderMap) -> Result<Identity, Rejection> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let token = match (values.next(), values.next()) {
        (None, _) => None,
        (Some(value), None) => {
            let value = value.to_str().unwrap_or_default();
            Some(bearer(value).map_err(reject)?)
        }
        // Two readers of the request could take different ones.
        (Some(_), Some(_)) => {
            let message = "Authorization is there twice.";
            return Err(reject(Fault::new(code::UNAUTHENTICATED, message)));
        }
    };
    identity_of(app, token).await.map_err(reject)
}

/// Who holds this token; a guest holds none.
///
/// # Errors
/// The token is not good, or the database cannot tell.
pub async fn identity_of(app: &App, token: Option<&str>) -> Result<Identity, Fault> {
    Ok(app.services.accounts.identify(token).await?)
}

fn reject(fault: Fault) -> Rejection {
    match fault.code {
        code::UNAUTHENTICATED => {
            Rejection::new(StatusCode::UNAUTHORIZED, fault.code, fault.message).with_header(
                header::WWW_AUTHENTICATE,
                HeaderValue::from_static("Bearer error=\"invalid_token\""),
            )
        }
        code::SERVICE_UNAVAILABLE => Rejection::busy(fault.message),
        _ => Rejection::internal(),
    }
}
