//! Opens the pools: one writer and several readers on SQLite, one pool on Postgres.

use crate::config::DatabaseTarget;
use crate::db::commits::Commits;
use crate::db::lines::Lines;
use crate::db::{Db, DbError, DbErrorKind, Parts, SqlStats};
use sea_orm::sqlx::postgres::PgConnectOptions;
use sea_orm::sqlx::sqlite::{SqliteJournalMode, SqliteSynchronous};
use sea_orm::{ConnectOptions, Database, DatabaseConnection, DbBackend};
use std::num::NonZero;
use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::AtomicI64;
use std::time::Duration;
use tokio::sync::{Semaphore, watch};

/// How long a request waits for a free connection before it is told that the server is busy.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(1);
/// How long a connection that was given back is believed to be as it was then.
const TRUSTED_FOR: Duration = Duration::from_secs(1);

/// Readers of SQLite: one for each processor, as reading there is work of this process. Each has a thread
/// and knows the schema by itself, which takes most of a MiB.
fn sqlite_readers() -> u32 {
    let processors = std::thread::available_parallelism().map_or(2, NonZero::get);
    u32::try_from(processors).unwrap_or(u32::MAX).clamp(2, 4)
}

/// What a commit on Postgres waits for.
#[derive(Clone, Copy)]
enum Durability {
    /// That it is on the disk, as the server is set.
    Own,
    /// Nothing.
    Follows,
}

impl Db {
    /// Opens the database.
    ///
    /// # Errors
    /// [`DbError`] when it cannot be reached or opened.
    pub async fn open(target: &DatabaseTarget) -> Result<Self, DbError> {
        let connections = match target {
            DatabaseTarget::Sqlite(_) => sqlite_readers(),
            DatabaseTarget::Postgres { max_connections, .. } => *max_connections,
        };
        let parts = Parts::connect(target, connections, Durability::Own).await?;
        Ok(Self { parts: Arc::new(parts) })
    }

    /// Opens the same database once more, with a few connections of its own: for a part that keeps
    /// its record apart from everything else, like a foreign system. Tests move both clocks at once.
    ///
    /// On SQLite, where one writes at a time, the two take turns, however many wait on either side:
    /// nobody has to outlast the other's crowd. So whoever is in a transaction of one must not wait
    /// for the other. On Postgres it does not wait until what it commits is on the disk: the next
    /// commit of the others takes it along. When the database fails in between, both lose it, and
    /// whoever asked is not told otherwise.
    ///
    /// # Errors
    /// [`DbError`] when it cannot be reached or opened.
    pub async fn beside(&self, target: &DatabaseTarget, connections: u32) -> Result<Self, DbError> {
        let beside = Parts::connect(target, connections, Durability::Follows).await?;
        let clock_offset_us = Arc::clone(&self.clock_offset_us);
        let parts = Parts { turn: self.turn.clone(), clock_offset_us, ..beside };
        Ok(Self { parts: Arc::new(parts) })
    }
}

impl Parts {
    async fn connect(
        target: &DatabaseTarget,
        connections: u32,
        durability: Durability,
    ) -> Result<Self, DbError> {
        let (read, write, writers, backend) = match target {
            DatabaseTarget::Sqlite(path) => {
                // The writer comes first: it makes the file and sets its journal mode.
                let write = open_sqlite(path, 1, false).await?;
                let read = open_sqlite(path, connections, true).await?;
                (read, write, 1, DbBackend::Sqlite)
            }
            DatabaseTarget::Postgres { url, kept_open, .. } => {
                let pool = open_postgres(url, (connections, *kept_open), durability).await?;
                // A quarter stays for reads.
                let writers = connections - connections.div_ceil(4);
                (pool.clone(), pool, writers.max(1), DbBackend::Postgres)
            }
        };
        let turn = (backend == DbBackend::Sqlite).then(|| Arc::new(Semaphore::new(1)));
        let writers = Arc::new(Semaphore::new(usize::try_from(writers).unwrap_or(1)));
        let clock_offset_us = Arc::new(AtomicI64::new(0));
        let (work, _) = watch::channel(());
        let (events, _) = watch::channel(());
        let clock_ahead_us = Arc::new(AtomicI64::new(0));
        Ok(Self {
            read,
            write,
            writers,
            turn,
            lines: Lines::default(),
            backend,
            clock_offset_us,
            clock_ahead_us,
            commits: Commits::default(),
            work,
            events,
        })
    }
}

async fn open_sqlite(
    path: &std::path::Path,
    connections: u32,
    read_only: bool,
) -> Result<DatabaseConnection, DbError> {
    let path = path.to_owned();
    let mut options = ConnectOptions::new("sqlite:stockroom");
    options
        .max_connections(connections)
        .min_connections(1)
        .acquire_timeout(ACQUIRE_TIMEOUT)
        .idle_timeout(None)
        .max_lifetime(None)
        .test_before_acquire(false)
        .sqlx_logging(false)
        .map_sqlx_sqlite_opts(move |sqlite| {
            let sqlite = sqlite
                .filename(&path)
                .create_if_missing(!read_only)
                .foreign_keys(true)
                .busy_timeout(Duration::from_secs(5))
                // NORMAL could lose the last acknowledged commits when the power fails.
                .synchronous(SqliteSynchronous::Full)
                .pragma("cache_size", "-16000")
                .pragma("temp_store", "memory");
            if read_only {
                sqlite.pragma("query_only", "on")
            } else {
                sqlite.journal_mode(SqliteJournalMode::Wal)
            }
        })
        .map_sqlx_sqlite_before_acquire(|connection, _| {
            Box::pin(async move { rollback(connection).await })
        });
    connect(options).await
}

/// Ends a transaction that a cancelled `BEGIN` may have left open. SQLite answers with an error
/// when there is none, which is the usual case and no fault of the connection.
async fn rollback(
    connection: &mut sea_orm::sqlx::SqliteConnection,
) -> Result<bool, sea_orm::sqlx::Error> {
    use sea_orm::sqlx::Executor;
    match connection.execute("ROLLBACK").await {
        Ok(_) | Err(sea_orm::sqlx::Error::Database(_)) => Ok(true),
        Err(error) => Err(error),
    }
}

async fn open_postgres(
    url: &secrecy::SecretString,
    (max_connections, kept_open): (u32, u32),
    durability: Durability,
) -> Result<DatabaseConnection, DbError> {
    use secrecy::ExposeSecret;
    let mut options = ConnectOptions::new(url.expose_secret());
    options
        .max_connections(max_connections)
        .min_connections(kept_open.clamp(1, max_connections))
        .connect_timeout(Duration::from_secs(5))
        .acquire_timeout(ACQUIRE_TIMEOUT)
        .test_before_acquire(false)
        .sqlx_logging(false)
        .set_application_name("stockroom")
        .map_sqlx_postgres_opts(move |postgres| {
            let postgres = match durability {
                Durability::Own => postgres,
                Durability::Follows => postgres.options([("synchronous_commit", "off")]),
            };
            postgres.options([
                ("statement_timeout", "3s"),
                ("lock_timeout", "1s"),
                ("idle_in_transaction_session_timeout", "5s"),
                ("timezone", "UTC"),
                // Whatever is the server's default: guarded updates look again at what they waited for.
                ("default_transaction_isolation", "read committed"),
                // Storage without heads: with the default of 4, twenty rows of one category cost
                // more by their index than a walk along the primary key past all others.
                ("random_page_cost", "1.1"),
                // The ROLLBACK below warns each time that there was nothing to roll back.
                ("client_min_messages", "error"),
            ])
        })
        // sqlx hands a connection out again after a BEGIN was cancelled half-way, with the
        // transaction still open: later writes would be acknowledged and lost. `Db::tx` begins in
        // a task that nobody cancels, and ROLLBACK here stands behind it. It tells a dead
        // connection as well, at the price of a round trip: sqlx has just looked at one that was
        // given back within the last second, and a server takes longer to go and come.
        .map_sqlx_postgres_before_acquire(|connection, seen| {
            Box::pin(async move {
                use sea_orm::sqlx::Executor;
                if seen.idle_for < TRUSTED_FOR {
                    return Ok(true);
                }
                connection.execute("ROLLBACK").await.map(|_| true)
            })
        });
    match connect(options).await {
        // The pool tells that it waited in vain, and not what for.
        Err(error) if error.kind == DbErrorKind::Unavailable => {
            Err(refusal(url.expose_secret()).await.unwrap_or(error))
        }
        opened => opened,
    }
}

/// Why Postgres cannot be reached, in the words of the network or of the server.
async fn refusal(url: &str) -> Option<DbError> {
    use sea_orm::sqlx::ConnectOptions;
    let options = PgConnectOptions::from_str(url).ok()?;
    let tried = tokio::time::timeout(ACQUIRE_TIMEOUT, options.connect()).await.ok()?;
    let message = tried.err()?.to_string();
    Some(DbError { kind: DbErrorKind::Unavailable, constraint: None, message })
}

async fn connect(options: ConnectOptions) -> Result<DatabaseConnection, DbError> {
    let mut connection = Database::connect(options).await?;
    connection.set_metric_callback(|info| SqlStats::record(info.elapsed));
    Ok(connection)
}
