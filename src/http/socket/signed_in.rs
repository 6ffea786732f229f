//! Who holds a socket, by an access token, and for how long.

use crate::app::App;
use crate::auth::Viewer;
use crate::graphql::code;
use crate::http::authorization::{bearer, identity_of};
use crate::http::socket::close;
use crate::http::socket::guard::Guard;
use crate::http::socket::wire::End;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, sleep_until};

/// A moment that never comes.
const NEVER: Duration = Duration::from_secs(100 * 365 * 24 * 60 * 60);

/// Who holds a socket.
pub struct SignedIn {
    /// The access token, which every operation is checked by.
    pub token: Arc<str>,
    /// Whose it is.
    pub viewer: Viewer,
    /// When it ends, in seconds since 1970; None when it does not.
    pub expires_at: Option<i64>,
    ends_at: Instant,
    guard: Guard,
}

impl SignedIn {
    /// Whoever sends this `authorization`.
    ///
    /// # Errors
    /// The code to close with: the token is not good, or nobody can tell now.
    pub async fn by(app: &Arc<App>, authorization: &str) -> Result<Self, End> {
        let forbidden = End::Closed(close::FORBIDDEN);
        let token = bearer(authorization).map_err(|_| forbidden)?;
        let heard = app.account_watch.heard();
        let identity = identity_of(app, Some(token)).await.map_err(|fault| match fault.code {
            code::UNAUTHENTICATED => forbidden,
            _ => End::Closed(close::TRY_AGAIN_LATER),
        })?;
        let left = identity.expires_at.map_or(NEVER, |seconds| {
            let left = seconds.saturating_sub(app.db.now().timestamp());
            Duration::from_secs(u64::try_from(left).unwrap_or(0))
        });
        let (token, viewer): (Arc<str>, Viewer) = (token.into(), identity.viewer);
        let guard = Guard::new(Arc::clone(app), Arc::clone(&token), viewer, heard);
        let ends_at = Instant::now() + left;
        Ok(Self { token, viewer, expires_at: identity.expires_at, ends_at, guard })
    }
}

/// Waits until whoever holds the socket may no longer; forever with a guest.
pub async fn end(signed_in: Option<&SignedIn>) {
    match signed_in {
        None => std::future::pending().await,
        Some(signed_in) => tokio::select! {
            () = sleep_until(signed_in.ends_at) => {}
            () = signed_in.guard.ended() => {}
        },
    }
}
