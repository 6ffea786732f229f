//! Sessions: where someone is signed in. They begin with a sign-in and end at their time, when they
//! are revoked, or when a spent refresh token of theirs is used again.

use crate::account::refresh_token::{self, TokenHash};
use crate::account::service::SignedIn;
use crate::account::{AccountError, Accounts, User};
use crate::auth::{ACCESS_TOKEN_SECONDS, Client};
use crate::db::{Db, DbError, Tx};
use crate::events::BusMessage;
use chrono::TimeDelta;
use entity::{refresh_token as token_table, session};
use sea_orm::sea_query::{Expr, ExprTrait, Order, Query, SelectStatement};
use secrecy::SecretString;
use uuid::Uuid;

/// How long a session goes on without being used, and how long a refresh token is good. A spent one
/// is known as long as its session goes on, however old it is: its replay ends the session.
pub const SESSION_IDLE_DAYS: i64 = 30;
/// How long a session goes on at most; then the password is asked for again.
pub const SESSION_LONGEST_DAYS: i64 = 180;

impl Accounts {
    /// Begins a session of an account that proved who it is, behind a lock on the account's row.
    ///
    /// # Errors
    /// When the database fails, or a token cannot be signed.
    pub async fn open_session_in_txn(
        &self,
        tx: &Tx,
        user: User,
        client: &Client,
    ) -> Result<SignedIn, AccountError> {
        let (session_id, db) = (Uuid::now_v7(), tx.db());
        let (token, hash) = refresh_token::new();
        let mut insert = Query::insert();
        insert
            .into_table(session::Entity)
            .columns([
                session::Column::Id,
                session::Column::UserId,
                session::Column::UserAgent,
                session::Column::CreatedAt,
                session::Column::LastUsedAt,
                session::Column::ExpiresAt,
            ])
            .values_panic([
                Expr::value(session_id),
                Expr::value(user.id),
                Expr::value(client.user_agent()),
                db.now_sql(),
                db.now_sql(),
                db.now_plus_sql(TimeDelta::days(SESSION_IDLE_DAYS)),
            ]);
        tx.run(&insert).await?;
        insert_token_in_txn(tx, session_id, hash).await?;
        self.sign(user, session_id, token)
    }

    /// The access token that goes with a new refresh token.
    pub(super) fn sign(
        &self,
        user: User,
        session_id: Uuid,
        refresh_token: SecretString,
    ) -> Result<SignedIn, AccountError> {
        let now = self.db.now();
        let access_token = self
            .tokens
            .issue(user.id, session_id, now.timestamp())
            .map_err(|error| AccountError::Fault(error.to_string()))?;
        let expires_at = now + TimeDelta::seconds(ACCESS_TOKEN_SECONDS);
        Ok(SignedIn { access_token, expires_at, refresh_token, user })
    }

    /// Ends the sessions of an account, all or all but one, and tells how many. Access tokens and
    /// sockets of theirs end at once, on every replica. Whatever else changes of the account must
    /// be written before, in the same transaction, so that no sign-in comes between.
    ///
    /// # Errors
    /// [`DbError`] when the database refuses.
    pub async fn revoke_sessions_in_txn(
        &self,
        tx: &Tx,
        user_id: Uuid,
        except: Option<Uuid>,
    ) -> Result<u64, DbError> {
        let mut update = Query::update();
        update
            .table(session::Entity)
            .value(session::Column::RevokedAt, tx.db().now_sql())
            .and_where(Expr::col(session::Column::UserId).eq(user_id))
            .and_where(Expr::col(session::Column::RevokedAt).is_null());
        if let Some(except) = except {
            update.and_where(Expr::col(session::Column::Id).ne(except));
        }
        let revoked = tx.run(&update).await?;
        self.account_changed_in_txn(tx, user_id);
        Ok(revoked)
    }

    /// Ends one session and tells whether it was going on.
    pub(super) async fn revoke_session_in_txn(
        &self,
        tx: &Tx,
        user_id: Uuid,
        session_id: Uuid,
    ) -> Result<u64, DbError> {
        let mut update = Query::update();
        update
            .table(session::Entity)
            .value(session::Column::RevokedAt, tx.db().now_sql())
            .and_where(Expr::col(session::Column::Id).eq(session_id))
            .and_where(Expr::col(session::Column::UserId).eq(user_id))
            .and_where(Expr::col(session::Column::RevokedAt).is_null());
        let revoked = tx.run(&update).await?;
        self.account_changed_in_txn(tx, user_id);
        Ok(revoked)
    }

    /// Has open sockets of the account looked at again, on every replica, once the transaction is
    /// committed: to be called whenever its role, its state or its sessions change.
    pub fn account_changed_in_txn(&self, tx: &Tx, user_id: Uuid) {
        let bus = self.bus.clone();
        tx.after_commit(move || bus.publish(BusMessage::AccountsChanged(vec![user_id])));
    }

    /// Forgets sessions that ended by themselves with all their refresh tokens, and of the others the
    /// tokens that can neither be used any more nor tell of a theft; tells how many rows.
    ///
    /// # Errors
    /// [`DbError`] when the database refuses.
    pub async fn purge_sessions(&self) -> Result<u64, DbError> {
        let (tokens, hash) = (token_table::Entity, token_table::Column::Hash);
        let unspent = self.db.delete_in_batches(tokens, hash, outlived_tokens).await?;
        // Before their sessions: one can have thousands, and they would all go in its batch.
        let ended = self.db.delete_in_batches(tokens, hash, tokens_of_ended).await?;
        let (table, id) = (session::Entity, session::Column::Id);
        let sessions = self.db.delete_in_batches(table, id, ended_sessions).await?;
        Ok(unspent.saturating_add(ended).saturating_add(sessions))
    }
}

/// Adds a token to a session's family.
pub(super) async fn insert_token_in_txn(
    tx: &Tx,
    session_id: Uuid,
    hash: TokenHash,
) -> Result<(), DbError> {
    let mut insert = Query::insert();
    insert
        .into_table(token_table::Entity)
        .columns([
            token_table::Column::Hash,
            token_table::Column::SessionId,
            token_table::Column::IssuedAt,
        ])
        .values_panic([Expr::value(hash), Expr::value(session_id), tx.db().now_sql()]);
    tx.run(&insert).await?;
    Ok(())
}

fn ended_sessions(db: &Db) -> SelectStatement {
    let mut ended = Query::select();
    ended
        .column(session::Column::Id)
        .from(session::Entity)
        .and_where(Expr::col(session::Column::ExpiresAt).lt(db.now_sql()))
        .order_by(session::Column::ExpiresAt, Order::Asc);
    ended
}

fn tokens_of_ended(db: &Db) -> SelectStatement {
    let mut tokens = Query::select();
    tokens
        .column(token_table::Column::Hash)
        .from(token_table::Entity)
        .and_where(Expr::col(token_table::Column::SessionId).in_subquery(ended_sessions(db)));
    tokens
}

/// Tokens that were never used and are too old for it.
fn outlived_tokens(db: &Db) -> SelectStatement {
    let since = db.now_plus_sql(TimeDelta::days(-SESSION_IDLE_DAYS));
    let mut tokens = Query::select();
    tokens
        .column(token_table::Column::Hash)
        .from(token_table::Entity)
        .and_where(Expr::col(token_table::Column::IssuedAt).lt(since))
        .and_where(Expr::col(token_table::Column::SpentAt).is_null())
        .order_by(token_table::Column::IssuedAt, Order::Asc);
    tokens
}
