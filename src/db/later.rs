//! Writes of a transaction that nothing waits for: they are sent together, on Postgres as one
//! statement, so that they cost one round trip.

use crate::db::{Db, DbError, Tx, row};
use sea_orm::sea_query::{
    CommonTableExpression, InsertStatement, SubQueryStatement, UpdateStatement, WithClause,
    WithQuery,
};
use sea_orm::{DbBackend, EntityName, FromQueryResult, StatementBuilder};

/// Rows that are sent at once: a statement of Postgres takes 65,535 parameters.
const ROWS: usize = 2_000;

/// A write that waits.
pub(super) struct Later {
    table: &'static str,
    write: Write,
    rows: usize,
    refused: fn(&DbError),
}

impl Later {
    pub(super) fn new(
        table: &'static str,
        write: Write,
        rows: usize,
        refused: fn(&DbError),
    ) -> Self {
        debug_assert_eq!(table, named(&write), "a write of another table than it is told");
        Self { table, write, rows, refused }
    }

    pub(super) const fn rows(&self) -> usize {
        self.rows
    }

    pub(super) const fn table(&self) -> &'static str {
        self.table
    }

    pub(super) fn refused(&self) -> fn(&DbError) {
        self.refused
    }

    pub(super) fn into_write(self) -> Write {
        self.write
    }
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
    /// Sends what waits, so that whatever comes next finds it.
    pub(super) async fn send_waiting(&self) -> Result<(), DbError> {
        if !self.is_waiting() {
            return Ok(());
        }
        // Boxed: it is seldom there, and would stand in the state of every statement.
        Box::pin(self.send()).await
    }

    async fn send(&self) -> Result<(), DbError> {
        let waiting = self.take_waiting();
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

    /// Runs a write of a table now, and sends what waits with it; tells how many rows this one touched.
    /// It does not see what goes along; what waits for the same table is sent before it.
    ///
    /// # Errors
    /// [`DbError`] when the database refuses.
    pub async fn run_along(
        &self,
        table: impl EntityName,
        write: impl Into<Write>,
    ) -> Result<u64, DbError> {
        let last = Later::new(table.table_name(), write.into(), 1, |_| {});
        let mut waiting = self.going_along_with(last.table).await?;
        waiting.push(last);
        self.send_together(waiting).await
    }

    /// Runs a write that returns rows now, and sends what waits with it, as [`Tx::run_along`] does;
    /// decodes the first row, if any.
    ///
    /// # Errors
    /// [`DbError`] when the database refuses.
    pub async fn one_along<T: FromQueryResult>(
        &self,
        table: impl EntityName,
        write: impl Into<Write>,
    ) -> Result<Option<T>, DbError> {
        let Later { table, write, .. } = Later::new(table.table_name(), write.into(), 1, |_| {});
        let waiting = self.going_along_with(table).await?;
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

    /// What waits and can go along with a write of this table: what waits for the same one is sent now,
    /// with the rest.
    async fn going_along_with(&self, table: &str) -> Result<Vec<Later>, DbError> {
        if self.is_waiting_for(table) {
            self.send_waiting().await?;
        }
        Ok(self.take_waiting())
    }

    /// Whether what waits can go along with a write of this table, in one statement.
    pub(super) fn goes_along_with(&self, table: &str) -> bool {
        !self.is_waiting_for(table) && self.rows_waiting() <= ROWS
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
            let mut writes = writes;
            let Some(last) = writes.pop() else { return Ok(()) };
            return self.write::<Nothing>(&whole(with(writes), last)).await.map(drop);
        }
        let writing = self.tx(|tx| {
            let writes = &writes;
            async move {
                for write in writes {
                    tx.send_one(write.clone()).await?;
                }
                Ok(())
            }
        });
        writing.await
    }
}

/// The table that it writes to: `INSERT INTO "table" …`, `UPDATE "table" …`.
fn named(write: &Write) -> String {
    let sql = match write {
        Write::Insert(insert) => StatementBuilder::build(insert, &DbBackend::Postgres).sql,
        Write::Update(update) => StatementBuilder::build(update, &DbBackend::Postgres).sql,
    };
    sql.split('"').nth(1).unwrap_or_default().to_owned()
}

/// All of them as parts of one statement. Their order is not said, and none sees the others.
fn one_statement(first: Vec<Later>, last: Write) -> WithQuery {
    whole(with(first.into_iter().map(Later::into_write)), last)
}

/// The same as [`WithClause::query`], which copies all of it.
pub(super) fn whole(with: WithClause, last: impl Into<SubQueryStatement>) -> WithQuery {
    let mut whole = WithQuery::new();
    whole.with_clause(with).query(last);
    whole
}

/// Parts of a statement that nothing refers to.
fn with(parts: impl IntoIterator<Item = Write>) -> WithClause {
    let mut with = WithClause::new();
    add_parts(&mut with, parts);
    with
}

pub(super) fn add_parts(with: &mut WithClause, parts: impl IntoIterator<Item = Write>) {
    for (number, write) in parts.into_iter().enumerate() {
        let mut part = CommonTableExpression::new();
        part.table_name(format!("part_{number}")).query(write);
        with.cte(part);
    }
}
