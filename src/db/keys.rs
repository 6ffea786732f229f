//! Look-ups by many keys at once.

use sea_orm::sea_query::{Expr, ExprTrait, SimpleExpr, Value};

/// Keys in one statement at most: SQLite binds 32,766 values. Who has more asks again.
pub const MAX_KEYS: usize = 16_384;

/// `column IN (keys)`. The last key is repeated up to the next power of two: the number of
/// different statement texts stays small, so that the connection's cache of prepared statements
/// holds them all.
pub fn among<T: Clone + Into<Value>>(column: impl ExprTrait, keys: &[T]) -> SimpleExpr {
    let padding = keys.len().next_power_of_two().saturating_sub(keys.len());
    let last = keys.last().into_iter().cycle().take(padding);
    // Of no keys at all the padding is empty too: the condition is then never true.
    column.is_in(keys.iter().chain(last).cloned().map(|key| Expr::value(key)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use sea_orm::sea_query::{Query, SqliteQueryBuilder};

    fn sql(keys: &[i64]) -> String {
        let mut select = Query::select();
        select.expr(Expr::value(1)).and_where(among(Expr::col("id"), keys));
        select.to_string(SqliteQueryBuilder)
    }

    #[test]
    fn keys_are_padded_to_a_power_of_two() {
        assert_eq!(sql(&[1, 2, 3]), r#"SELECT 1 WHERE "id" IN (1, 2, 3, 3)"#);
        assert_eq!(sql(&[1, 2]), r#"SELECT 1 WHERE "id" IN (1, 2)"#);
    }

    #[test]
    fn no_keys_match_nothing() {
        assert_eq!(sql(&[]), "SELECT 1 WHERE 1 = 2");
    }
}
