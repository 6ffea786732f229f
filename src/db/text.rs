//! Conditions on text that read the same on both databases.

use sea_orm::sea_query::{ExprTrait, LikeExpr, SimpleExpr};

/// Whether the column has the text somewhere in it. Both are folded the same way already; nothing
/// in the text stands for anything but itself.
pub fn contains(column: impl ExprTrait, text: &str) -> SimpleExpr {
    let mut pattern = String::with_capacity(text.len().saturating_add(2));
    pattern.push('%');
    for c in text.chars() {
        if matches!(c, '\\' | '%' | '_') {
            pattern.push('\\');
        }
        pattern.push(c);
    }
    pattern.push('%');
    column.like(LikeExpr::new(pattern).escape('\\'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use sea_orm::sea_query::{Expr, Query, SqliteQueryBuilder};

    #[test]
    fn no_character_stands_for_others() {
        let mut select = Query::select();
        select.expr(Expr::value(1)).and_where(contains(Expr::col("name"), r"50%_\"));
        let sql = select.to_string(SqliteQueryBuilder);
        assert_eq!(sql, r#"SELECT 1 WHERE "name" LIKE '%50\%\_\\%' ESCAPE '\'"#);
    }
}
