//! Who asks, by their access token.

use crate::account::{AccountError, Accounts};
use crate::auth::{Identity, InvalidToken, PublicKey, Role, Viewer, is_api_token};
use entity::{session, user_account};
use sea_orm::FromQueryResult;
use sea_orm::sea_query::{Expr, ExprTrait, Query};

#[derive(FromQueryResult)]
struct Known {
    role: String,
}

impl Accounts {
    /// Who sends this access token; a guest without one. Account and session are read anew each
    /// time, in one statement, so that what was taken away is gone at once.
    ///
    /// # Errors
    /// [`AccountError::InvalidToken`] when it is not good, its session was ended, or the account is
    /// not active any more; never a fall back to guest.
    pub async fn identify(&self, token: Option<&str>) -> Result<Identity, AccountError> {
        let Some(token) = token else {
            return Ok(Identity::GUEST);
        };
        if is_api_token(token) {
            return self.api_tokens.identify(token).await;
        }
        let verified = self.tokens.verify(token)?;
        let user = |column| (user_account::Entity, column);
        let of_session = |column| (session::Entity, column);
        let mut select = Query::select();
        select
            .column(user(user_account::Column::Role))
            .from(session::Entity)
            .inner_join(
                user_account::Entity,
                Expr::col(user(user_account::Column::Id))
                    .equals(of_session(session::Column::UserId)),
            )
            .and_where(Expr::col(of_session(session::Column::Id)).eq(verified.session_id))
            .and_where(Expr::col(of_session(session::Column::RevokedAt)).is_null())
            .and_where(Expr::col(of_session(session::Column::ExpiresAt)).gt(self.db.now_sql()))
            .and_where(Expr::col(user(user_account::Column::Id)).eq(verified.user_id))
            .and_where(Expr::col(user(user_account::Column::Active)).eq(true));
        let known = self.db.one::<Known>(&select).await?.ok_or(InvalidToken)?;
        // A CHECK names the roles; a word that this program does not know yet gets the least.
        let role = Role::from_word(&known.role).unwrap_or(Role::Customer);
        Ok(Identity {
            viewer: Viewer::User { id: verified.user_id, role },
            session: Some(verified.session_id),
            expires_at: Some(verified.expires_at),
        })
    }

    /// The public keys that access tokens can be checked with; none when a secret signs them.
    #[must_use]
    pub fn public_keys(&self) -> &[PublicKey] {
        self.tokens.keys().public_keys()
    }
}
