//! Conditions on text that read the same on both databases.

use sea_orm::sea_query::{BinOper, Expr, ExprTrait, LikeExpr, SimpleExpr};

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

/// Whether the column begins with the text, byte for byte. An index serves it: on Postgres one with
/// `text_pattern_ops`, because its locale may sort otherwise.
pub fn begins_with(postgres: bool, column: SimpleExpr, text: &str) -> SimpleExpr {
    let (least, beyond) = if postgres {
        (BinOper::Custom("~>=~"), BinOper::Custom("~<~"))
    } else {
        (BinOper::GreaterThanOrEqual, BinOper::SmallerThan)
    };
    let end = format!("{text}{}", char::MAX);
    column.clone().binary(least, Expr::value(text)).and(column.binary(beyond, Expr::value(end)))
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
