//! Changes of which each is made only where the one before touched a row: a transaction that is known
//! before it begins, or the end of one, on Postgres as one statement.

use crate::db::later::{Later, add_parts, whole};
use crate::db::round::Round;
use crate::db::tx::through;
use crate::db::{Db, DbError, DbErrorKind, Tx, TxError, Writes};
use crate::telemetry;
use sea_orm::sea_query::{
    Alias, Asterisk, CaseStatement, CommonTableExpression, Expr, ExprTrait, JoinType, Query,
    SelectStatement, SimpleExpr, UnionType, UpdateStatement, WithClause, WithQuery,
};
use sea_orm::{EntityName, FromQueryResult};
use std::sync::Arc;
use std::time::Instant;

/// What Postgres is made to stumble over where a change touched nothing, so that it undoes the whole. It
/// stands in its log.
const OVERTAKEN: &str = "nothing is written, because a row is not as it was";

/// Changes of one statement at most: each takes Postgres time to plan.
const CHANGES_AT_ONCE: usize = 8;

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

impl Tx {
    /// Makes changes of a table now, each only where the one before touched a row, with all that waits and
    /// all that is inserted last, which must not depend on them. Rows are locked in the order of the
    /// changes. Gives those that were changed, as they are then.
    ///
    /// # Errors
    /// [`DbError`] when the database refuses; [`DbErrorKind::Contention`] when a change touched nothing:
    /// then the transaction can only be repeated.
    pub async fn change_in_turn<T: FromQueryResult>(
        &self,
        table: impl EntityName,
        mut changes: Vec<UpdateStatement>,
    ) -> Result<Vec<T>, DbError> {
        for change in &mut changes {
            change.returning_all();
        }
        self.last_waits();
        if !self.db().is_postgres() || !self.goes_along_with(table.table_name()) {
            self.send_waiting().await?;
        }
        let mut changed = Vec::with_capacity(changes.len());
        if !self.db().is_postgres() {
            for change in &changes {
                let row = crate::db::row(self.connection(), change).await?;
                changed.push(row.ok_or_else(overtaken)?);
            }
            return Ok(changed);
        }
        let mut beside = self.take_waiting();
        let refused: Vec<fn(&DbError)> = beside.iter().map(Later::refused).collect();
        let mut chunks = changes.chunks(CHANGES_AT_ONCE).peekable();
        while let Some(changes) = chunks.next() {
            let beside =
                if chunks.peek().is_none() { std::mem::take(&mut beside) } else { Vec::new() };
            let statement = rows_in_turn(beside, changes);
            let rows = crate::db::rows(self.connection(), &statement).await;
            changed.extend(rows.map_err(|error| match error.message.contains(OVERTAKEN) {
                true => overtaken(),
                false => {
                    refused.iter().for_each(|refused| refused(&error));
                    error
                }
            })?);
        }
        Ok(changed)
    }
}

fn overtaken() -> DbError {
    let message = OVERTAKEN.to_owned();
    DbError { kind: DbErrorKind::Contention, constraint: None, message }
}

/// The changes in turn, and whether all of them were made. What goes beside is not referred to: Postgres
/// runs it when the rest is done.
fn in_turn(beside: Vec<Later>, changes: Vec<UpdateStatement>) -> WithQuery {
    let mut with = WithClause::new();
    let changes = changes.into_iter().map(|mut change| {
        change.returning(Query::returning().expr(Expr::value(1)));
        change
    });
    let names = add_turns(&mut with, changes);
    add_parts(&mut with, beside.into_iter().map(Later::into_write));
    let mut last = Query::select();
    last.expr(stumbling_after(names.last()));
    whole(with, last)
}

/// The same of changes that return rows: gives these.
fn rows_in_turn(beside: Vec<Later>, changes: &[UpdateStatement]) -> WithQuery {
    let mut with = WithClause::new();
    let names = add_turns(&mut with, changes.iter().cloned());
    add_parts(&mut with, beside.into_iter().map(Later::into_write));
    let mut rows = names.iter().map(|name| {
        let mut rows = Query::select();
        rows.column(Asterisk).from(Alias::new(name));
        rows
    });
    let mut last = Query::select();
    if let Some(mut changed) = rows.next() {
        changed.unions(rows.map(|rows| (UnionType::All, rows)));
        let mut one = Query::select();
        one.expr_as(Expr::value(1), "number");
        // There is a row to stumble at also when nothing was changed.
        last.column((Alias::new("changed"), Asterisk))
            .expr_as(stumbling_after(names.last()), "stumbling")
            .from_subquery(one, "one")
            .join_subquery(JoinType::LeftJoin, changed, "changed", Expr::cust("1 = 1"));
    }
    whole(with, last)
}

/// Adds changes that return something. Each looks at what the one before returns, and so comes after it.
fn add_turns(with: &mut WithClause, changes: impl Iterator<Item = UpdateStatement>) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for (number, mut change) in changes.enumerate() {
        if let Some(before) = names.last() {
            change.and_where(Expr::exists(touched(before)));
        }
        let name = format!("turn_{number}");
        let mut part = CommonTableExpression::new();
        part.table_name(name.clone()).query(change);
        with.cte(part);
        names.push(name);
    }
    names
}

/// A number, when the last change touched something.
fn stumbling_after(last: Option<&String>) -> SimpleExpr {
    let Some(last) = last else { return Expr::value(1) };
    // A text that is no number.
    let case = CaseStatement::new().case(Expr::exists(touched(last)), "1").finally(OVERTAKEN);
    let case: SimpleExpr = case.into();
    case.cast_as(Alias::new("integer"))
}

fn touched(name: &str) -> SelectStatement {
    let mut touched = Query::select();
    touched.expr(Expr::value(1)).from(Alias::new(name));
    touched
}
