//! Who asks, and by what they are known.

use crate::auth::Viewer;
use uuid::Uuid;

/// Who asks, and by what they are known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Identity {
    /// Who asks.
    pub viewer: Viewer,
    /// The session that the access token belongs to; None without one.
    pub session: Option<Uuid>,
    /// When the token ends, in seconds since 1970; None when it does not.
    pub expires_at: Option<i64>,
}

impl Identity {
    /// Nobody signed in.
    pub const GUEST: Self = Self { viewer: Viewer::Guest, session: None, expires_at: None };
}
