//! Writes of a transaction that nothing waits for: they are sent together, on Postgres as one
//! statement, so that they cost one round trip.

use crate::db::{Db, DbError, Tx, row};
use sea_orm::sea_query::{
    Alias, CommonTableExpression, Expr, InsertStatement, Query, SubQueryStatement, UpdateStatement,
    WithClause, WithQuery,
};
use sea_orm::{DbBackend, FromQueryResult, StatementBuilder};

/// Rows that are sent at once: a statement of Postgres takes 65,535 parameters.
const ROWS: usize = 2_000;

/// A write that waits.
pub(super) struct Later {
    write: Write,
    rows: usize,
    refused: fn(&DbError),
}

/// A statement whose result nobody needs.
#[derive(Clone)]
pub enum Write {
    /// New rows.
    Insert(InsertStatement),
    /// Changed rows.
    Update(UpdateStatement),
}

impl From<InsertStatement> for Write {
    fn from(insert: InsertStatement) -> Self {
        Self::Insert(insert)
    }
}

impl From<UpdateStatement> for Write {
    fn from(update: UpdateStatement) -> Self {
        Self::Update(update)
    }
}

impl From<Write> for SubQueryStatement {
    fn from(write: Write) -> Self {
        match write {
            Write::Insert(insert) => insert.into(),
            Write::Update(update) => update.into(),
        }
    }
}

impl Tx {
    /// Has a write of so many rows sent with others: before the next statement of the transaction, at
    /// the end of the body at the latest. It must not depend on one that still waits.
    pub fn later(&self, write: impl Into<Write>, rows: usize) {
        self.later_or(write, rows, |_| {});
    }

    /// The same; `refused` hears of an error of what is sent with it.
    pub fn later_or(&self, write: impl Into<Write>, rows: usize, refused: fn(&DbError)) {
        self.waiting().lock().push(Later { write: write.into(), rows, refused });
    }

    /// Sends what waits, so that whatever comes next finds it.
    pub(super) async fn send_waiting(&self) -> Result<(), DbError> {
        if self.waiting().lock().is_empty() {
            return Ok(());
        }
        // Boxed: it is seldom there, and would stand in the state of every statement.
        Box::pin(self.send()).await
    }

    async fn send(&self) -> Result<(), DbError> {
        let waiting = std::mem::take(&mut *self.waiting().lock());
        let mut together: Vec<Later> = Vec::new();
        for later in waiting {
            let rows: usize = together.iter().map(|later| later.rows).sum();
            if rows + later.rows > ROWS && !together.is_empty() {
                self.send_together(std::mem::take(&mut together)).await?;
            }
            together.push(later);
        }
        self.send_together(together).await.map(drop)
    }

    /// Runs a write now, and sends what waits with it; tells how many rows this one touched. It does
    /// not see what goes along; what waits for the same table is sent before it.
    ///
    /// # Errors
    /// [`DbError`] when the database refuses.
    pub async fn run_along(&self, write: impl Into<Write>) -> Result<u64, DbError> {
        let write = write.into();
        let mut waiting = self.going_along_with(&write).await?;
        waiting.push(write.into());
        self.send_together(waiting).await
    }

    /// Makes changes of which each is made only where the one before touched a row, with what waits and
    /// the rows that are inserted last: all that is left to do in the transaction. Tells how many rows the
    /// last one touched; when that is none, it is to be rolled back. What waits is written all the same on
    /// Postgres, where all of it is one statement, and may be refused then. Rows are locked in the order of
    /// the changes on either database.
    ///
    /// # Errors
    /// [`DbError`] when the database refuses.
    pub async fn run_last_in_turn(&self, changes: Vec<UpdateStatement>) -> Result<u64, DbError> {
        self.last_waits();
        if !self.db().is_postgres() {
            let mut touched = 0;
            for change in &changes {
                touched = self.execute(change).await?;
                if touched == 0 {
                    break;
                }
            }
            return Ok(touched);
        }
        let tables: Vec<String> =
            changes.iter().cloned().map(Write::from).map(|it| table(&it)).collect();
        if self.waiting().lock().iter().any(|later| tables.contains(&table(&later.write))) {
            self.send_waiting().await?;
        }
        let waiting = std::mem::take(&mut *self.waiting().lock());
        let refused: Vec<fn(&DbError)> = waiting.iter().map(|later| later.refused).collect();
        let Some(statement) = in_turn(waiting, changes) else { return Ok(0) };
        let sent = self.execute(&statement).await;
        sent.inspect_err(|error| refused.iter().for_each(|refused| refused(error)))
    }

    /// Runs a write that returns rows now, and sends what waits with it, as [`Tx::run_along`] does;
    /// decodes the first row, if any.
    ///
    /// # Errors
    /// [`DbError`] when the database refuses.
    pub async fn one_along<T: FromQueryResult>(
        &self,
        write: impl Into<Write>,
    ) -> Result<Option<T>, DbError> {
        let write = write.into();
        let waiting = self.going_along_with(&write).await?;
        if waiting.is_empty() || !self.db().is_postgres() {
            self.send_together(waiting).await?;
            return match &write {
                Write::Insert(insert) => row(self.connection(), insert).await,
                Write::Update(update) => row(self.connection(), update).await,
            };
        }
        let refused: Vec<fn(&DbError)> = waiting.iter().map(|later| later.refused).collect();
        let sent = row(self.connection(), &one_statement(waiting, write)).await;
        sent.inspect_err(|error| refused.iter().for_each(|refused| refused(error)))
    }

    /// What waits and can go along: what waits for the same table is sent now, with the rest.
    async fn going_along_with(&self, write: &Write) -> Result<Vec<Later>, DbError> {
        let is_waiting = !self.waiting().lock().is_empty();
        if is_waiting {
            let same = table(write);
            if self.waiting().lock().iter().any(|later| table(&later.write) == same) {
                self.send_waiting().await?;
            }
        }
        Ok(std::mem::take(&mut *self.waiting().lock()))
    }

    /// Tells how many rows the last one touched.
    async fn send_together(&self, mut writes: Vec<Later>) -> Result<u64, DbError> {
        if !self.db().is_postgres() {
            // A statement of SQLite writes to one table, and a round trip costs nothing there.
            let mut touched = 0;
            for Later { write, refused, .. } in writes {
                touched = self.send_one(write).await.inspect_err(refused)?;
            }
            return Ok(touched);
        }
        let Some(last) = writes.pop() else { return Ok(0) };
        let refused: Vec<fn(&DbError)> =
            writes.iter().chain([&last]).map(|later| later.refused).collect();
        let sent = match writes.is_empty() {
            true => self.send_one(last.write).await,
            false => self.execute(&one_statement(writes, last.write)).await,
        };
        sent.inspect_err(|error| refused.iter().for_each(|refused| refused(error)))
    }

    async fn send_one(&self, write: Write) -> Result<u64, DbError> {
        match write {
            Write::Insert(insert) => self.execute(&insert).await,
            Write::Update(update) => self.execute(&update).await,
        }
    }
}

impl Db {
    /// Makes writes that are a transaction by themselves, as [`Db::write`] does. On Postgres they must
    /// not depend on each other.
    ///
    /// # Errors
    /// [`DbError`] when the database refuses: then none of them was made.
    pub async fn write_together(&self, writes: Vec<Write>) -> Result<(), DbError> {
        #[derive(FromQueryResult)]
        struct Nothing {}
        if self.is_postgres() {
            let mut first: Vec<Later> = writes.into_iter().map(Later::from).collect();
            let Some(last) = first.pop() else { return Ok(()) };
            return self.write::<Nothing>(&one_statement(first, last.write)).await.map(drop);
        }
        let writing = self.tx(|tx| {
            writes.iter().for_each(|write| tx.later(write.clone(), 1));
            async { Ok(()) }
        });
        writing.await
    }
}

impl From<Write> for Later {
    fn from(write: Write) -> Self {
        Self { write, rows: 1, refused: |_| {} }
    }
}

/// The table that it writes to: `INSERT INTO "table" …`, `UPDATE "table" …`.
fn table(write: &Write) -> String {
    let sql = match write {
        Write::Insert(insert) => StatementBuilder::build(insert, &DbBackend::Postgres).sql,
        Write::Update(update) => StatementBuilder::build(update, &DbBackend::Postgres).sql,
    };
    sql.split('"').nth(1).unwrap_or_default().to_owned()
}

/// All of them as parts of one statement. Their order is not said, and none sees the others.
fn one_statement(first: Vec<Later>, last: Write) -> WithQuery {
    let mut with = WithClause::new();
    add_parts(&mut with, first);
    with.query(last)
}

fn add_parts(with: &mut WithClause, parts: Vec<Later>) {
    for (number, later) in parts.into_iter().enumerate() {
        let mut part = CommonTableExpression::new();
        part.table_name(format!("part_{number}")).query(later.write);
        with.cte(part);
    }
}

/// The same, with changes that wait for each other: each looks at what the one before returns, and so
/// comes after it. None: there are no changes.
fn in_turn(beside: Vec<Later>, mut changes: Vec<UpdateStatement>) -> Option<WithQuery> {
    let mut last = changes.pop()?;
    let mut with = WithClause::new();
    let mut before: Option<String> = None;
    for (number, mut change) in changes.into_iter().enumerate() {
        let name = format!("turn_{number}");
        wait_for(&mut change, before.as_deref());
        change.returning(Query::returning().expr(Expr::value(1)));
        let mut part = CommonTableExpression::new();
        part.table_name(name.clone()).column("touched").query(change);
        with.cte(part);
        before = Some(name);
    }
    wait_for(&mut last, before.as_deref());
    add_parts(&mut with, beside);
    Some(with.query(last))
}

fn wait_for(change: &mut UpdateStatement, before: Option<&str>) {
    let Some(before) = before else { return };
    let mut touched = Query::select();
    touched.expr(Expr::value(1)).from(Alias::new(before));
    change.and_where(Expr::exists(touched));
}
