//! Staying signed in: a refresh token is good for one use and gives the next. A second use ends the
//! session, because one of the two users is a thief; within a few seconds it is another tab.

use crate::account::refresh_token::{self, TokenHash};
use crate::account::service::session::{
    SESSION_IDLE_DAYS, SESSION_LONGEST_DAYS, insert_token_in_txn,
};
use crate::account::{AccountError, Accounts, SignedIn, User};
use crate::auth::{Client, Denied, Viewer};
use crate::db::{DbError, Timestamp, Tx};
use crate::telemetry;
use chrono::TimeDelta;
use entity::refresh_token as token_table;
use entity::{session, user_account};
use sea_orm::FromQueryResult;
use sea_orm::sea_query::{CaseStatement, Expr, ExprTrait, LockType, Order, Query, SimpleExpr};
use uuid::Uuid;

/// For so long a spent token gives another one: tabs that refresh at once all go on.
const GRACE_SECONDS: i64 = 10;
/// Unspent tokens of one family. The grace makes new ones; the oldest beyond these are forgotten.
const MOST_UNSPENT: u64 = 32;

/// What a session's holder may end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Revocation {
    /// The session itself.
    One,
    /// Every session of its account.
    All,
}

/// A session that goes on, behind its row lock, and whose it is.
#[derive(FromQueryResult)]
struct Held {
    session_id: Uuid,
    session_began: Timestamp,
    #[sea_orm(nested)]
    user: user_account::Model,
}

/// What the use of a token is.
enum Use {
    /// The first, or another within the grace.
    Good(Box<Held>),
    /// Another one, too late: the session has ended by it.
    Replayed,
    /// The token is unknown, or past its time, or its session is.
    Unknown,
}

impl Accounts {
    /// A new pair of tokens for a refresh token, which is spent by it.
    ///
    /// # Errors
    /// [`AccountError::TokenInvalid`] when it is unknown, expired or spent; the last ends the
    /// session.
    pub async fn refresh(&self, token: &str) -> Result<SignedIn, AccountError> {
        let hash = &refresh_token::hash_of(token).ok_or(AccountError::TokenInvalid)?;
        let rotated = self
            .db
            .tx(|tx| async move {
                let Use::Good(held) = self.use_in_txn(&tx, hash).await? else {
                    return Ok(None);
                };
                let (next, next_hash) = refresh_token::new();
                if !spend_in_txn(&tx, hash).await? {
                    forget_oldest_in_txn(&tx, held.session_id).await?;
                }
                insert_token_in_txn(&tx, held.session_id, next_hash).await?;
                prolong_in_txn(&tx, &held).await?;
                Ok(Some((held, next)))
            })
            .await;
        let (held, next) = rotated.and_then(|held| held.ok_or(AccountError::TokenInvalid))?;
        self.sign(User::from(held.user), held.session_id, next)
    }

    /// Ends the session of a refresh token, or without one that of the access token; or all
    /// sessions of the account. With it ends the session of `beside`, the token in the client's
    /// cookie, if that is another one: who signs out leaves none behind in this browser. Tells how
    /// many ended.
    ///
    /// # Errors
    /// [`AccountError::TokenInvalid`] for a refresh token that is not good, and `beside` is left
    /// alone then; [`Denied::Unauthenticated`] for a guest without one.
    pub async fn revoke(
        &self,
        viewer: &Viewer,
        client: &Client,
        [token, beside]: [Option<&str>; 2],
        which: Revocation,
    ) -> Result<u64, AccountError> {
        let of_access = viewer.user_id().zip(client.session);
        if token.is_none() && of_access.is_none() {
            return Err(Denied::Unauthenticated.into());
        }
        let hash =
            token.map(|token| refresh_token::hash_of(token).ok_or(AccountError::TokenInvalid));
        let (hash, beside) = (&hash.transpose()?, &beside.and_then(refresh_token::hash_of));
        let revoked: Result<Option<u64>, AccountError> = self
            .db
            .tx(|tx| async move {
                let session = match (hash, of_access) {
                    (Some(hash), _) => match self.use_in_txn(&tx, hash).await? {
                        Use::Good(held) => Some((held.user.id, held.session_id)),
                        // A replay has ended its session, which is to be committed.
                        Use::Replayed | Use::Unknown => None,
                    },
                    (None, of_access) => of_access,
                };
                let Some((user_id, session_id)) = session else { return Ok(None) };
                let ended = self.revoke_which_in_txn(&tx, user_id, session_id, which).await?;
                let other = match beside {
                    Some(hash) => self.revoke_beside_in_txn(&tx, hash).await?,
                    None => 0,
                };
                Ok(Some(ended.saturating_add(other)))
            })
            .await;
        revoked?.ok_or(AccountError::TokenInvalid)
    }

    /// Ends the session of a token that is sent beside another; one that has ended already, or was
    /// never known, is none.
    async fn revoke_beside_in_txn(&self, tx: &Tx, hash: &TokenHash) -> Result<u64, AccountError> {
        Ok(match self.use_in_txn(tx, hash).await? {
            Use::Good(held) => {
                self.revoke_session_in_txn(tx, held.user.id, held.session_id).await?
            }
            Use::Replayed => 1,
            Use::Unknown => 0,
        })
    }

    async fn revoke_which_in_txn(
        &self,
        tx: &Tx,
        user_id: Uuid,
        session_id: Uuid,
        which: Revocation,
    ) -> Result<u64, AccountError> {
        Ok(match which {
            Revocation::One => self.revoke_session_in_txn(tx, user_id, session_id).await?,
            Revocation::All => self.revoke_sessions_in_txn(tx, user_id, None).await?,
        })
    }

    /// Looks at a token behind the lock of its session. A replay ends the session, which is to be
    /// committed.
    async fn use_in_txn(&self, tx: &Tx, hash: &TokenHash) -> Result<Use, AccountError> {
        let Some(held) = lock_session_in_txn(tx, hash).await? else {
            return Ok(Use::Unknown);
        };
        // Read after the lock: whoever spent it meanwhile has committed.
        match state_in_txn(tx, hash).await? {
            TokenState::Good => return Ok(Use::Good(Box::new(held))),
            TokenState::Outlived => return Ok(Use::Unknown),
            TokenState::Spent => {}
        }
        self.revoke_session_in_txn(tx, held.user.id, held.session_id).await?;
        let session_id = held.session_id;
        tx.after_commit(move || {
            telemetry::count(telemetry::REFRESH_TOKENS_REPLAYED);
            tracing::warn!(%session_id, "a spent refresh token was used again: its session ends");
        });
        Ok(Use::Replayed)
    }
}

/// The session of a token, if it still goes on; the token may be spent, however long ago.
async fn lock_session_in_txn(tx: &Tx, hash: &TokenHash) -> Result<Option<Held>, DbError> {
    let token = |column| (token_table::Entity, column);
    let mut select = Query::select();
    select
        .expr_as(Expr::col((session::Entity, session::Column::Id)), "session_id")
        .expr_as(Expr::col((session::Entity, session::Column::CreatedAt)), "session_began")
        .column((user_account::Entity, sea_orm::sea_query::Asterisk))
        .from(token_table::Entity)
        .inner_join(
            session::Entity,
            Expr::col((session::Entity, session::Column::Id))
                .equals(token(token_table::Column::SessionId)),
        )
        .inner_join(
            user_account::Entity,
            Expr::col((user_account::Entity, user_account::Column::Id))
                .equals((session::Entity, session::Column::UserId)),
        )
        .and_where(Expr::col(token(token_table::Column::Hash)).eq(hash.clone()))
        .and_where(Expr::col((session::Entity, session::Column::RevokedAt)).is_null())
        .and_where(Expr::col((session::Entity, session::Column::ExpiresAt)).gt(tx.db().now_sql()))
        .and_where(Expr::col((user_account::Entity, user_account::Column::Active)).eq(true))
        .lock_with_tables(LockType::Update, [session::Entity]);
    tx.one(&select).await
}

/// What a token of a session that goes on is good for.
enum TokenState {
    /// It is unspent, or was spent a moment ago.
    Good,
    /// It was spent, longer ago than the grace.
    Spent,
    /// It was never used, and is too old for it.
    Outlived,
}

#[derive(FromQueryResult)]
struct Times {
    spent: bool,
    good: bool,
}

/// What a token is, by the database's clock.
async fn state_in_txn(tx: &Tx, hash: &TokenHash) -> Result<TokenState, DbError> {
    let grace = tx.db().now_plus_sql(TimeDelta::seconds(-GRACE_SECONDS));
    let oldest = tx.db().now_plus_sql(TimeDelta::days(-SESSION_IDLE_DAYS));
    let spent_at = || Expr::col(token_table::Column::SpentAt);
    let young = Expr::col(token_table::Column::IssuedAt).gt(oldest);
    let case = |condition: SimpleExpr| {
        CaseStatement::new().case(condition, Expr::value(true)).finally(Expr::value(false))
    };
    let good =
        spent_at().is_null().and(young).or(spent_at().is_not_null().and(spent_at().gt(grace)));
    let mut select = Query::select();
    select
        .expr_as(case(spent_at().is_not_null()), "spent")
        .expr_as(case(good), "good")
        .from(token_table::Entity)
        .and_where(Expr::col(token_table::Column::Hash).eq(hash.clone()));
    Ok(match tx.one::<Times>(&select).await? {
        Some(Times { good: true, .. }) => TokenState::Good,
        Some(Times { spent: true, .. }) => TokenState::Spent,
        // Or purged since its session was found, because it is so old.
        Some(_) | None => TokenState::Outlived,
    })
}

/// Spends a token; false when it was spent before.
async fn spend_in_txn(tx: &Tx, hash: &TokenHash) -> Result<bool, DbError> {
    let mut update = Query::update();
    update
        .table(token_table::Entity)
        .value(token_table::Column::SpentAt, tx.db().now_sql())
        .and_where(Expr::col(token_table::Column::Hash).eq(hash.clone()))
        .and_where(Expr::col(token_table::Column::SpentAt).is_null());
    Ok(tx.run(&update).await? == 1)
}

/// Makes room for one more unspent token: the oldest beyond the limit go.
async fn forget_oldest_in_txn(tx: &Tx, session_id: Uuid) -> Result<(), DbError> {
    let unspent = Expr::col(token_table::Column::SessionId)
        .eq(session_id)
        .and(Expr::col(token_table::Column::SpentAt).is_null());
    let mut newest = Query::select();
    newest
        .column(token_table::Column::Hash)
        .from(token_table::Entity)
        .and_where(unspent.clone())
        .order_by(token_table::Column::IssuedAt, Order::Desc)
        .limit(MOST_UNSPENT.saturating_sub(1));
    let mut delete = Query::delete();
    delete
        .from_table(token_table::Entity)
        .and_where(unspent)
        .and_where(Expr::col(token_table::Column::Hash).in_subquery(newest).not());
    tx.run(&delete).await?;
    Ok(())
}

/// Moves the end of a session, up to its limit.
async fn prolong_in_txn(tx: &Tx, held: &Held) -> Result<(), DbError> {
    let next = || tx.db().now_plus_sql(TimeDelta::days(SESSION_IDLE_DAYS));
    let latest = held.session_began + TimeDelta::days(SESSION_LONGEST_DAYS);
    let expires_at = CaseStatement::new()
        .case(next().lt(Expr::value(latest)), next())
        .finally(Expr::value(latest));
    let mut update = Query::update();
    update
        .table(session::Entity)
        .value(session::Column::LastUsedAt, tx.db().now_sql())
        .value(session::Column::ExpiresAt, expires_at)
        .and_where(Expr::col(session::Column::Id).eq(held.session_id));
    tx.run(&update).await?;
    Ok(())
}
