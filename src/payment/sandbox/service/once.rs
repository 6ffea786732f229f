//! Idempotency keys of the sandbox: the same key gets the same answer, however often and however
//! many at once.

use crate::db::{DbError, Tx};
use crate::payment::sandbox::service::{Refusal, broken};
use entity::sandbox_idempotency::{Column, Entity, Model};
use sea_orm::sea_query::{Asterisk, Expr, ExprTrait, OnConflict, Query};
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
    if insert_in_txn(tx, key, fingerprint.clone(), serde_json::Value::Null).await? {
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

/// Claims a key and keeps what is answered under it, of a request that is carried out already.
pub(super) async fn answer_in_txn(
    tx: &Tx,
    key: &str,
    request: &impl Serialize,
    answer: &impl Serialize,
) -> Result<(), Refusal> {
    let answer = serde_json::to_value(answer).map_err(|error| broken(&error.to_string()))?;
    if insert_in_txn(tx, key, fingerprint(request)?, answer).await? {
        return Ok(());
    }
    // Had it been this request, then what it asks for would have been there.
    Err(Refusal::Code(REUSED))
}

fn fingerprint(request: &impl Serialize) -> Result<Vec<u8>, Refusal> {
    let request = serde_json::to_vec(request).map_err(|error| broken(&error.to_string()))?;
    Ok(Sha256::digest(&request).to_vec())
}

/// False: the key is there already.
async fn insert_in_txn(
    tx: &Tx,
    key: &str,
    fingerprint: Vec<u8>,
    answer: serde_json::Value,
) -> Result<bool, DbError> {
    let mut insert = Query::insert();
    insert
        .into_table(Entity)
        .columns([Column::Key, Column::Fingerprint, Column::Answer, Column::CreatedAt])
        .values_panic([
            Expr::value(key),
            Expr::value(fingerprint),
            Expr::value(answer),
            tx.db().now_sql(),
        ])
        .on_conflict(OnConflict::column(Column::Key).do_nothing().to_owned());
    Ok(tx.run_along(insert).await? == 1)
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
