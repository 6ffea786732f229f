//! Idempotency keys of the sandbox: the same key gets the same answer, however often and however
//! many at once.

use crate::db::{Db, DbError, Tx};
use crate::payment::sandbox::service::{Refusal, broken};
use entity::sandbox_idempotency::{Column, Entity, Model};
use sea_orm::sea_query::{Asterisk, Expr, ExprTrait, InsertStatement, OnConflict, Query};
use serde::Serialize;
use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};

const REUSED: &str = "idempotency_key_reused";

/// What a request said before, under the same key.
pub(super) enum Earlier<T> {
    /// Nothing: it is to be carried out.
    Nothing,
    /// This.
    Answer(T),
}

/// Claims a key, as the first statement of a transaction; whoever comes second waits for the first.
pub(super) async fn claim_in_txn<T: DeserializeOwned>(
    tx: &Tx,
    key: &str,
    request: &impl Serialize,
) -> Result<Earlier<T>, Refusal> {
    let fingerprint = fingerprint(request)?;
    let mut insert = insert(tx.db(), key, fingerprint.clone(), serde_json::Value::Null);
    insert.on_conflict(OnConflict::column(Column::Key).do_nothing().to_owned());
    if tx.run(&insert).await? == 1 {
        return Ok(Earlier::Nothing);
    }
    let mut select = Query::select();
    select.column(Asterisk).from(Entity).and_where(Expr::col(Column::Key).eq(key));
    let row: Option<Model> = tx.one(&select).await?;
    let row = row.ok_or_else(|| broken("a key came and went"))?;
    if row.fingerprint != fingerprint {
        return Err(Refusal::Code(REUSED));
    }
    let answer = serde_json::from_value(row.answer).map_err(|error| broken(&error.to_string()))?;
    Ok(Earlier::Answer(answer))
}

/// What claims a key and keeps what is answered under it. A constraint refuses a key that is there.
pub(super) fn answering(
    db: &Db,
    key: &str,
    request: &impl Serialize,
    answer: &impl Serialize,
) -> Result<InsertStatement, DbError> {
    let answer = serde_json::to_value(answer).map_err(|error| broken(&error.to_string()))?;
    Ok(insert(db, key, fingerprint(request)?, answer))
}

fn fingerprint(request: &impl Serialize) -> Result<Vec<u8>, DbError> {
    let request = serde_json::to_vec(request).map_err(|error| broken(&error.to_string()))?;
    Ok(Sha256::digest(&request).to_vec())
}

fn insert(db: &Db, key: &str, fingerprint: Vec<u8>, answer: serde_json::Value) -> InsertStatement {
    let mut insert = Query::insert();
    insert
        .into_table(Entity)
        .columns([Column::Key, Column::Fingerprint, Column::Answer, Column::CreatedAt])
        .values_panic([
            Expr::value(key),
            Expr::value(fingerprint),
            Expr::value(answer),
            db.now_sql(),
        ]);
    insert
}

/// Keeps what was answered.
pub(super) async fn keep_in_txn(
    tx: &Tx,
    key: &str,
    answer: &impl Serialize,
) -> Result<(), DbError> {
    let answer = serde_json::to_value(answer).map_err(|error| broken(&error.to_string()))?;
    let mut update = Query::update();
    update.table(Entity).value(Column::Answer, answer).and_where(Expr::col(Column::Key).eq(key));
    tx.run(&update).await.map(drop)
}
