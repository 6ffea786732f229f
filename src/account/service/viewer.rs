//! Who asks, by their access token.

use crate::account::{AccountError, Accounts, User};
use crate::auth::Viewer;
use entity::user_account::{Entity, Model};
use sea_orm::{EntityTrait, QueryTrait};

impl Accounts {
    /// Who sends this access token; a guest without one. The account is read anew each time, so
    /// that a role taken away is gone at once.
    ///
    /// # Errors
    /// [`AccountError::InvalidToken`] when it is not good, or the account is not active any more;
    /// never a fall back to guest.
    pub async fn viewer(&self, token: Option<&str>) -> Result<Viewer, AccountError> {
        let Some(token) = token else {
            return Ok(Viewer::Guest);
        };
        let verified = self.tokens.verify(token)?;
        let query = Entity::find_by_id(verified.user_id).into_query();
        let found = self.db.one::<Model>(&query).await?.filter(|model| model.active);
        let user = found.map(User::from).ok_or(crate::auth::InvalidToken)?;
        Ok(Viewer::User { id: user.id, role: user.role })
    }

    /// When the token ends, in seconds since 1970; None without a good one.
    #[must_use]
    pub fn token_expiry(&self, token: &str) -> Option<i64> {
        self.tokens.verify(token).ok().map(|token| token.expires_at)
    }
}
