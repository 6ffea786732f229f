//! Changes of which each is made only where the one before touched a row: a transaction that is known
//! before it begins, on Postgres one statement.

use crate::db::later::{Later, add_parts, whole};
use crate::db::round::Round;
use crate::db::tx::through;
use crate::db::{Db, DbError, TxError, Writes};
use crate::telemetry;
use sea_orm::FromQueryResult;
use sea_orm::sea_query::{
    Alias, CaseStatement, CommonTableExpression, Expr, ExprTrait, Query, SelectStatement,
    SimpleExpr, UpdateStatement, WithClause, WithQuery,
};
use std::sync::Arc;
use std::time::Instant;

/// What Postgres is made to stumble over where a change touched nothing, so that it undoes the whole. It
/// stands in its log.
const OVERTAKEN: &str = "nothing is written, because a row is not as it was";

/// Why a transaction of SQLite is rolled back.
enum Undone<E> {
    Overtaken,
    Failed(E),
}

impl<E: TxError> From<DbError> for Undone<E> {
    fn from(error: DbError) -> Self {
        Self::Failed(error.into())
    }
}

impl<E: TxError> TxError for Undone<E> {
    fn db_error(&self) -> Option<&DbError> {
        match self {
            Self::Overtaken => None,
            Self::Failed(error) => error.db_error(),
        }
    }
}

#[derive(FromQueryResult)]
struct Nothing {}

impl Db {
    /// Makes the changes that `body` gives, each only where the one before touched a row, with what it
    /// has had written besides, which must not depend on them. Rows are locked in the order of the changes.
    /// None: a change touched nothing, so nothing was written and nobody is told.
    ///
    /// It is repeated as [`Db::tx`] is, with its body. When the caller is cancelled meanwhile, it is done
    /// whole or not at all.
    ///
    /// # Errors
    /// The body's own, and [`DbError`] when the database refuses.
    pub async fn write_in_turn<T, E>(
        &self,
        body: impl Fn(&Writes) -> Result<(Vec<UpdateStatement>, T), E>,
    ) -> Result<Option<T>, E>
    where
        E: TxError,
    {
        if !self.is_postgres() {
            return self.change_one_by_one(body).await;
        }
        let began = Instant::now();
        let result = self.repeat(|round| self.change_in_turn(&body, round)).await;
        telemetry::time(telemetry::DB_TRANSACTIONS, began.elapsed());
        result
    }

    async fn change_one_by_one<T, E: TxError>(
        &self,
        body: impl Fn(&Writes) -> Result<(Vec<UpdateStatement>, T), E>,
    ) -> Result<Option<T>, E> {
        let changing = self.tx(|tx| {
            let planned = body(&tx);
            async move {
                let (changes, value) = planned.map_err(Undone::Failed)?;
                for change in &changes {
                    if tx.execute(change).await? == 0 {
                        return Err(Undone::Overtaken);
                    }
                }
                Ok(value)
            }
        });
        match changing.await {
            Ok(value) => Ok(Some(value)),
            Err(Undone::Overtaken) => Ok(None),
            Err(Undone::Failed(error)) => Err(error),
        }
    }

    async fn change_in_turn<T, E: TxError>(
        &self,
        body: &impl Fn(&Writes) -> Result<(Vec<UpdateStatement>, T), E>,
        round: Round,
    ) -> Result<Option<T>, E> {
        let writes = Arc::new(Writes::new(self.clone()));
        let (changes, value) = body(&writes)?;
        writes.last_waits();
        let beside = writes.take_waiting();
        let refused: Vec<fn(&DbError)> = beside.iter().map(Later::refused).collect();
        let statement = in_turn(beside, changes);
        let place = self.place_within(round.patience()).await?;
        let db = self.clone();
        let writing = async move {
            let written: Result<Vec<Nothing>, _> = crate::db::rows(&db.write, &statement).await;
            drop(place);
            written
        };
        match through(writing, writes, self.commits.begin()).await {
            Ok(_) => Ok(Some(value)),
            Err(error) if error.message.contains(OVERTAKEN) => Ok(None),
            Err(error) => {
                refused.iter().for_each(|refused| refused(&error));
                Err(error.into())
            }
        }
    }
}

/// Each change looks at what the one before returns, and so comes after it; what ends the statement looks
/// at the last one. What goes beside is not referred to: Postgres runs it when the rest is done.
fn in_turn(beside: Vec<Later>, changes: Vec<UpdateStatement>) -> WithQuery {
    let mut with = WithClause::new();
    let mut before: Option<String> = None;
    for (number, mut change) in changes.into_iter().enumerate() {
        let name = format!("turn_{number}");
        if let Some(before) = before {
            change.and_where(Expr::exists(touched(before)));
        }
        change.returning(Query::returning().expr(Expr::value(1)));
        let mut part = CommonTableExpression::new();
        part.table_name(name.clone()).column("touched").query(change);
        with.cte(part);
        before = Some(name);
    }
    add_parts(&mut with, beside.into_iter().map(Later::into_write));
    let mut last = Query::select();
    if let Some(before) = before {
        // A text that is no number.
        let case = CaseStatement::new().case(Expr::exists(touched(before)), "1").finally(OVERTAKEN);
        let case: SimpleExpr = case.into();
        last.expr(case.cast_as(Alias::new("integer")));
    } else {
        last.expr(Expr::value(1));
    }
    whole(with, last)
}

fn touched(before: String) -> SelectStatement {
    let mut touched = Query::select();
    touched.expr(Expr::value(1)).from(Alias::new(before));
    touched
}
