//! What a transaction is still to write, and to tell once it is committed: gathered first, so that
//! writes that nothing waits for are sent together.

use crate::db::later::{Later, Write};
use crate::db::{Db, DbError};
use parking_lot::Mutex;
use sea_orm::EntityName;
use sea_orm::sea_query::{Expr, InsertStatement};

/// Rows that one statement inserts before the commit.
const LAST_ROWS: usize = 500;

pub(super) type AfterCommit = Box<dyn FnOnce() + Send>;

/// Writes that wait to be sent. A [`Tx`](crate::db::Tx) is one as well: whoever only adds to what is
/// written takes this.
pub struct Writes {
    waiting: Mutex<Vec<Later>>,
    last: Mutex<Vec<Last>>,
    after_commit: Mutex<Vec<AfterCommit>>,
    db: Db,
}

/// Rows that are inserted when the body is through.
struct Last {
    table: &'static str,
    insert: InsertStatement,
    rows: usize,
}

impl Writes {
    /// None yet.
    pub(super) fn new(db: Db) -> Self {
        Self {
            waiting: Mutex::default(),
            last: Mutex::default(),
            after_commit: Mutex::default(),
            db,
        }
    }

    /// The database that they are for, for its dialect and clock.
    #[must_use]
    pub fn db(&self) -> &Db {
        &self.db
    }

    /// Does something once the transaction is committed, and never when it is not.
    pub fn after_commit(&self, action: impl FnOnce() + Send + 'static) {
        self.after_commit.lock().push(Box::new(action));
    }

    /// Has a write of so many rows of a table sent with others: before the next statement of the
    /// transaction, at the end of the body at the latest. It must not depend on one that still waits.
    pub fn later(&self, table: impl EntityName, write: impl Into<Write>, rows: usize) {
        self.later_or(table, write, rows, |_| {});
    }

    /// The same; `refused` hears of an error of what is sent with it.
    pub fn later_or(
        &self,
        table: impl EntityName,
        write: impl Into<Write>,
        rows: usize,
        refused: fn(&DbError),
    ) {
        self.push(Later::new(table.table_name(), write.into(), rows, refused));
    }

    fn push(&self, later: Later) {
        self.waiting.lock().push(later);
    }

    /// Has a row of a table inserted when the body is through, in one statement with those that others
    /// add: for the one table that several parts of a transaction write to last, and none of them
    /// reads. `begin` names it and its columns, the same each time.
    pub fn insert_last(
        &self,
        table: impl EntityName,
        begin: fn() -> InsertStatement,
        row: Vec<Expr>,
    ) {
        let mut last = self.last.lock();
        match last.last_mut() {
            Some(Last { insert, rows, .. }) if *rows < LAST_ROWS => {
                insert.values_panic(row);
                *rows += 1;
            }
            _ => {
                let mut insert = begin();
                insert.values_panic(row);
                last.push(Last { table: table.table_name(), insert, rows: 1 });
            }
        }
    }

    /// From now on the rows that are inserted last wait like others.
    pub(super) fn last_waits(&self) {
        let last = std::mem::take(&mut *self.last.lock());
        for Last { table, insert, rows } in last {
            self.push(Later::new(table, insert.into(), rows, |_| {}));
        }
    }

    /// Whether anything waits.
    pub(super) fn is_waiting(&self) -> bool {
        !self.waiting.lock().is_empty()
    }

    /// How many rows wait.
    pub(super) fn rows_waiting(&self) -> usize {
        self.waiting.lock().iter().map(Later::rows).sum()
    }

    /// Whether a write of this table waits.
    pub(super) fn is_waiting_for(&self, table: &str) -> bool {
        self.waiting.lock().iter().any(|later| later.table() == table)
    }

    /// What waits; it is whoever takes it that sends it.
    pub(super) fn take_waiting(&self) -> Vec<Later> {
        std::mem::take(&mut *self.waiting.lock())
    }

    /// Does what is to be done after the commit.
    pub(super) fn tell(&self) {
        let actions = std::mem::take(&mut *self.after_commit.lock());
        actions.into_iter().for_each(|action| action());
    }
}
