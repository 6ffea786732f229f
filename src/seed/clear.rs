//! Empties the tables of catalogue and stock. The ledger is append-only by trigger: this is the one
//! place that goes round it, and only for the whole of it.

use crate::db::{DbError, DbErrorKind, Tx};
use sea_orm::{ConnectionTrait, Statement};

/// Tables that no table of another domain refers to, children before their parents.
const OWN: [&str; 7] = [
    "cart_line",
    "cart",
    "reservation",
    "stock_movement",
    "stock_level",
    "variant_price",
    "product_search",
];
/// Tables that orders may refer to, children before their parents.
const REFERRED_TO: [&str; 4] = ["product_variant", "product", "category_closure", "category"];

/// Removes everything but the default warehouse.
pub async fn clear_in_txn(tx: &Tx) -> Result<(), DbError> {
    let connection = tx.connection();
    if tx.db().is_postgres() {
        // Row triggers do not fire.
        let truncate = format!("TRUNCATE {}", OWN.join(", "));
        connection.execute_unprepared(&truncate).await?;
        // Not these: TRUNCATE refuses when a table could refer to them, though it has no rows.
        for table in REFERRED_TO {
            connection.execute_unprepared(&format!("DELETE FROM {table}")).await?;
        }
    } else {
        let guard = delete_guard_in_txn(tx).await?;
        connection.execute_unprepared("DROP TRIGGER stock_movement_no_delete").await?;
        // A category may stand before its parent in the table: only roots have none above them.
        connection.execute_unprepared("UPDATE category SET parent_id = NULL").await?;
        for table in OWN.into_iter().chain(REFERRED_TO) {
            connection.execute_unprepared(&format!("DELETE FROM {table}")).await?;
        }
        connection.execute_unprepared(&guard).await?;
    }
    // Their answers name rows that are gone.
    connection.execute_unprepared("DELETE FROM idempotency").await?;
    connection.execute_unprepared("DELETE FROM warehouse WHERE NOT is_default").await?;
    Ok(())
}

/// The statement that made the trigger, to make it again.
async fn delete_guard_in_txn(tx: &Tx) -> Result<String, DbError> {
    let query = "SELECT sql FROM sqlite_schema WHERE type = 'trigger' \
                 AND name = 'stock_movement_no_delete'";
    let query = Statement::from_string(tx.db().backend(), query);
    let row = tx.connection().query_one_raw(query).await?;
    let sql = row.map(|row| row.try_get::<String>("", "sql")).transpose()?;
    sql.ok_or_else(|| DbError {
        kind: DbErrorKind::Fault,
        constraint: None,
        message: "the ledger has no guard against deletion".to_owned(),
    })
}
