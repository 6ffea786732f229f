//! The secrets of mailed links: good once, not for long, and stored as hashes alone. Whoever uses
//! one locks the account's row first, so that two who use it at once come one after the other.

use crate::account::AccountError;
use crate::db::{Db, DbError, Tx};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::TimeDelta;
use entity::account_token::{Column, Entity, Model};
use rand::RngExt;
use sea_orm::sea_query::{Expr, ExprTrait, Order, Query, SelectStatement};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryTrait};
use secrecy::SecretString;
use sha2::{Digest, Sha256};
use uuid::Uuid;

/// What a link lets its holder do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    VerifyEmail,
    ResetPassword,
    ChangeEmail,
}

impl Purpose {
    fn as_str(self) -> &'static str {
        match self {
            Self::VerifyEmail => "VERIFY_EMAIL",
            Self::ResetPassword => "RESET_PASSWORD",
            Self::ChangeEmail => "CHANGE_EMAIL",
        }
    }

    fn lifetime(self) -> TimeDelta {
        match self {
            Self::VerifyEmail => TimeDelta::days(7),
            Self::ResetPassword | Self::ChangeEmail => TimeDelta::hours(1),
        }
    }
}

/// Notes that a token for this address is asked for: what is mailed later is mailed only as long as
/// this stands. It ends the earlier ones of its purpose.
pub(crate) async fn ask_in_txn(
    tx: &Tx,
    purpose: Purpose,
    user_id: Uuid,
    email: &str,
) -> Result<(), DbError> {
    // A token that nobody has been told is as good a note as any.
    issue_in_txn(tx, purpose, user_id, email).await.map(drop)
}

/// Whether a token for this address is still asked for, and not used.
pub(crate) async fn is_asked_in_txn(
    tx: &Tx,
    purpose: Purpose,
    user_id: Uuid,
    email: &str,
) -> Result<bool, DbError> {
    let asked = Entity::find()
        .filter(Column::UserId.eq(user_id))
        .filter(Column::Purpose.eq(purpose.as_str()))
        .filter(Column::Email.eq(email))
        .filter(Column::UsedAt.is_null())
        .filter(Expr::col(Column::ExpiresAt).gt(tx.db().now_sql()))
        .into_query();
    Ok(tx.one::<Model>(&asked).await?.is_some())
}

/// A token that is good now.
pub(crate) struct GoodToken {
    pub(crate) user_id: Uuid,
    /// The address that it was mailed to.
    pub(crate) email: String,
}

/// How long tokens are kept after their end.
const KEPT: TimeDelta = TimeDelta::days(1);

/// Makes a token for what is mailed to `email`; it ends the earlier ones of its purpose.
pub(crate) async fn issue_in_txn(
    tx: &Tx,
    purpose: Purpose,
    user_id: Uuid,
    email: &str,
) -> Result<SecretString, DbError> {
    let mut earlier = Query::delete();
    earlier
        .from_table(Entity)
        .and_where(Expr::col(Column::UserId).eq(user_id))
        .and_where(Expr::col(Column::Purpose).eq(purpose.as_str()));
    tx.run(&earlier).await?;
    let token = URL_SAFE_NO_PAD.encode(rand::rng().random::<[u8; 32]>());
    let mut insert = Query::insert();
    insert
        .into_table(Entity)
        .columns([
            Column::Id,
            Column::UserId,
            Column::Purpose,
            Column::TokenHash,
            Column::Email,
            Column::CreatedAt,
            Column::ExpiresAt,
        ])
        .values_panic([
            Expr::value(Uuid::now_v7()),
            Expr::value(user_id),
            Expr::value(purpose.as_str()),
            Expr::value(hash(&token)),
            Expr::value(email),
            tx.db().now_sql(),
            tx.db().now_plus_sql(purpose.lifetime()),
        ]);
    tx.run(&insert).await?;
    Ok(SecretString::from(token))
}

/// Whose the token is, if it is good now; it stays good.
pub(crate) async fn look_up(
    db: &Db,
    purpose: Purpose,
    token: &str,
) -> Result<Option<GoodToken>, DbError> {
    let found: Option<Model> = db.one(&select(db, purpose, token)).await?;
    Ok(found.map(GoodToken::from))
}

/// As [`look_up`], in a transaction.
pub(crate) async fn look_up_in_txn(
    tx: &Tx,
    purpose: Purpose,
    token: &str,
) -> Result<Option<GoodToken>, DbError> {
    let found: Option<Model> = tx.one(&select(tx.db(), purpose, token)).await?;
    Ok(found.map(GoodToken::from))
}

/// Uses the token up. Of two who do so at once, one succeeds.
///
/// # Errors
/// [`AccountError::InvalidLink`] when it is not good, or not any more.
pub(crate) async fn redeem_in_txn(
    tx: &Tx,
    purpose: Purpose,
    token: &str,
) -> Result<GoodToken, AccountError> {
    let mut update = Query::update();
    update
        .table(Entity)
        .value(Column::UsedAt, tx.db().now_sql())
        .and_where(Expr::col(Column::TokenHash).eq(hash(token)))
        .and_where(Expr::col(Column::Purpose).eq(purpose.as_str()))
        .and_where(Expr::col(Column::UsedAt).is_null())
        .and_where(Expr::col(Column::ExpiresAt).gt(tx.db().now_sql()))
        .returning_all();
    let used: Option<Model> = tx.one(&update).await?;
    used.map(GoodToken::from).ok_or(AccountError::InvalidLink)
}

/// Ends all tokens of an account.
pub(crate) async fn end_all_in_txn(tx: &Tx, user_id: Uuid) -> Result<(), DbError> {
    let mut delete = Query::delete();
    delete.from_table(Entity).and_where(Expr::col(Column::UserId).eq(user_id));
    tx.run(&delete).await.map(drop)
}

fn select(db: &Db, purpose: Purpose, token: &str) -> SelectStatement {
    Entity::find()
        .filter(Column::TokenHash.eq(hash(token)))
        .filter(Column::Purpose.eq(purpose.as_str()))
        .filter(Column::UsedAt.is_null())
        .filter(Expr::col(Column::ExpiresAt).gt(db.now_sql()))
        .into_query()
}

/// Tokens are 256 random bits: their hash needs no salt.
fn hash(token: &str) -> Vec<u8> {
    Sha256::digest(token.as_bytes()).to_vec()
}

impl From<Model> for GoodToken {
    fn from(model: Model) -> Self {
        Self { user_id: model.user_id, email: model.email }
    }
}

/// Deletes the tokens that ended long ago; tells how many.
pub(crate) async fn purge(db: &Db) -> Result<u64, DbError> {
    let old = |db: &Db| {
        let mut old = Query::select();
        old.column(Column::Id)
            .from(Entity)
            .and_where(Expr::col(Column::ExpiresAt).lt(db.now_plus_sql(-KEPT)))
            .order_by(Column::ExpiresAt, Order::Asc);
        old
    };
    db.delete_in_batches(Entity, Column::Id, old).await
}
