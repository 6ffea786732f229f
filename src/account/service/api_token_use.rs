//! Programs that come in by an API token, and when each was last seen.

use crate::account::service::api_token::{NOTED_EVERY, is_good};
use crate::account::{AccountError, ApiToken, ApiTokens};
use crate::auth::{Identity, InvalidToken, Viewer, api_token_hash};
use crate::db::{DbError, Tx};
use entity::api_token::{Column, Entity, Model};
use parking_lot::Mutex;
use sea_orm::sea_query::{Expr, ExprTrait, Query};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryTrait};
use std::collections::HashSet;
use std::sync::Arc;
use uuid::Uuid;

/// The tokens whose use is being noted right now.
#[derive(Clone, Default)]
pub(super) struct Noting(Arc<Mutex<HashSet<Uuid>>>);

impl ApiTokens {
    /// Who comes with this token. It is read anew each time, so that a revoked
    /// one is refused at once.
    ///
    /// # Errors
    /// [`AccountError::InvalidToken`] when it is none, was revoked, or has ended.
    pub(super) async fn identify(&self, token: &str) -> Result<Identity, AccountError> {
        let hash = api_token_hash(token).ok_or(InvalidToken)?;
        let query = Entity::find()
            .filter(Column::TokenHash.eq(hash))
            .filter(is_good(self.db.now_sql()))
            .into_query();
        let found: Option<Model> = self.db.one(&query).await?;
        let token = ApiToken::from(found.ok_or(InvalidToken)?);
        self.note_use(&token);
        let viewer = Viewer::Service { id: token.id, permissions: token.permissions };
        let expires_at = token.expires_at.map(|end| end.timestamp());
        Ok(Identity { viewer, session: None, expires_at })
    }

    /// Notes the use of a token in the background: nobody waits for it, and one a minute is enough.
    fn note_use(&self, token: &ApiToken) {
        let (id, now) = (token.id, self.db.now());
        let is_fresh = |noted| now.signed_duration_since(noted) < NOTED_EVERY;
        if token.last_used_at.is_some_and(is_fresh) || !self.noting.0.lock().insert(id) {
            return;
        }
        let tokens = self.clone();
        tokio::spawn(async move {
            let noted = tokens.db.tx(|tx| async move { note_in_txn(&tx, id).await }).await;
            if let Err(error) = noted {
                tracing::warn!(%error, token = %id, "the use of an API token was not noted");
            }
            tokens.noting.0.lock().remove(&id);
        });
    }
}

async fn note_in_txn(tx: &Tx, id: Uuid) -> Result<(), DbError> {
    let noted = || Expr::col(Column::LastUsedAt);
    let old = noted().is_null().or(noted().lte(tx.db().now_plus_sql(-NOTED_EVERY)));
    let mut update = Query::update();
    update
        .table(Entity)
        .value(Column::LastUsedAt, tx.db().now_sql())
        .and_where(Expr::col(Column::Id).eq(id))
        // Another replica may have been quicker.
        .and_where(old);
    tx.run(&update).await?;
    Ok(())
}
