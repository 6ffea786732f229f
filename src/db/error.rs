//! What a database error means for the caller, on either database.

use sea_orm::{DbErr, RuntimeErr, sqlx};
use std::fmt;

/// An error of the database, told apart by what it means.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{kind} ({message})")]
pub struct DbError {
    /// What it means.
    pub kind: DbErrorKind,
    /// The name of the constraint that refused, if one did. SQLite names unique constraints by
    /// their columns (`product.slug`); [`DbError::violates`] knows both.
    pub constraint: Option<String>,
    /// The database's own words; for logs, never for clients.
    pub message: String,
}

/// What a database error means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DbErrorKind {
    /// A UNIQUE or PRIMARY KEY constraint refused.
    Unique,
    /// A FOREIGN KEY constraint refused.
    ForeignKey,
    /// A CHECK constraint refused: it saved us from a fault of ours.
    Check,
    /// Another transaction was in the way; the same transaction may succeed when it is repeated.
    Contention,
    /// A statement took longer than it may, be it with its work or with waiting for others.
    TimedOut,
    /// The database cannot be reached, or every connection is in use.
    Unavailable,
    /// Anything else: a fault of ours.
    Fault,
}

impl fmt::Display for DbErrorKind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Unique => "something with this key exists",
            Self::ForeignKey => "a row refers to one that is not there",
            Self::Check => "a rule of the database was about to be broken",
            Self::Contention => "other transactions are in the way",
            Self::TimedOut => "the database took too long",
            Self::Unavailable => "the database cannot be reached",
            Self::Fault => "the database refused",
        })
    }
}

impl DbError {
    /// What is told when a transaction was not ended where it began.
    pub(super) fn stray() -> Self {
        Self {
            kind: DbErrorKind::Fault,
            constraint: None,
            message: "a transaction was not ended where it began".to_owned(),
        }
    }

    /// Whether this is the refusal of the UNIQUE constraint `name`, whose columns on SQLite read
    /// `columns` (`"product.slug"`).
    #[must_use]
    pub fn violates(&self, name: &str, columns: &str) -> bool {
        self.kind == DbErrorKind::Unique
            && self.constraint.as_deref().is_some_and(|found| found == name || found == columns)
    }
}

impl From<DbErr> for DbError {
    fn from(error: DbErr) -> Self {
        let message = error.to_string();
        let (kind, constraint) = match &error {
            DbErr::ConnectionAcquire(_) | DbErr::Conn(_) => (DbErrorKind::Unavailable, None),
            DbErr::Exec(RuntimeErr::SqlxError(error))
            | DbErr::Query(RuntimeErr::SqlxError(error)) => classify(error),
            _ => (DbErrorKind::Fault, None),
        };
        Self { kind, constraint, message }
    }
}

fn classify(error: &sqlx::Error) -> (DbErrorKind, Option<String>) {
    let error = match error {
        sqlx::Error::Database(error) => error,
        sqlx::Error::Io(_)
        | sqlx::Error::Tls(_)
        | sqlx::Error::Protocol(_)
        | sqlx::Error::PoolTimedOut
        | sqlx::Error::PoolClosed
        | sqlx::Error::WorkerCrashed => return (DbErrorKind::Unavailable, None),
        _ => return (DbErrorKind::Fault, None),
    };
    let code = error.code().unwrap_or_default();
    let postgres = error.try_downcast_ref::<sqlx::postgres::PgDatabaseError>();
    if let Some(error) = postgres {
        return (postgres_kind(&code), error.constraint().map(str::to_owned));
    }
    // SQLite: extended result codes, https://sqlite.org/rescode.html. It names the constraint
    // only in its message: `UNIQUE constraint failed: product.slug`, `CHECK constraint failed: x`.
    let constraint = error.message().split_once("failed: ").map(|(_, name)| name.to_owned());
    let kind = match code.parse::<u32>().unwrap_or_default() {
        2067 | 1555 | 2579 => DbErrorKind::Unique,
        787 => DbErrorKind::ForeignKey,
        275 => DbErrorKind::Check,
        // BUSY and LOCKED in all their extended forms.
        code if matches!(code & 0xff, 5 | 6) => DbErrorKind::Contention,
        code if matches!(code & 0xff, 10 | 13 | 14) => DbErrorKind::Unavailable,
        _ => DbErrorKind::Fault,
    };
    (kind, constraint)
}

/// Postgres: SQLSTATE, <https://www.postgresql.org/docs/current/errcodes-appendix.html>.
fn postgres_kind(code: &str) -> DbErrorKind {
    match code {
        "23505" => DbErrorKind::Unique,
        "23503" => DbErrorKind::ForeignKey,
        "23514" => DbErrorKind::Check,
        // A lock that did not come in time, too: what holds it may be gone at the next try.
        "40001" | "40P01" | "55P03" => DbErrorKind::Contention,
        "57014" | "25P03" => DbErrorKind::TimedOut,
        "57P01" | "57P02" | "57P03" | "53300" => DbErrorKind::Unavailable,
        code if code.starts_with("08") => DbErrorKind::Unavailable,
        _ => DbErrorKind::Fault,
    }
}
