//! A database per test, copied from a migrated template: a file with SQLite, and on the server of
//! `STOCKROOM_TEST_DATABASE_URL` a Postgres database, which goes when the test does.

use super::{Arguments, SIGNING_KEY};
use clap::Parser;
use sea_orm::{ConnectOptions, ConnectionTrait, Database, DatabaseConnection};
use sha2::{Digest, Sha256};
use std::cell::RefCell;
use std::path::{Path, PathBuf};
use std::thread::JoinHandle;
use stockroom::config::{DatabaseTarget, Settings};
use stockroom::db::Db;
use tempfile::TempDir;
use uuid::Uuid;

/// Names the Postgres server to test on; its user may make databases.
const POSTGRES_URL: &str = "STOCKROOM_TEST_DATABASE_URL";
/// Names the Redis to test with.
const REDIS_URL: &str = "STOCKROOM_TEST_REDIS_URL";

/// A migrated, empty database.
pub struct TestDatabase {
    /// `sqlite:…` or `postgres://…`.
    pub url: String,
    /// Where the application under test keeps its files.
    pub folder: TempDir,
    /// Keeps this test's traffic in a shared Redis apart.
    pub redis_prefix: String,
    postgres: Option<(String, String)>,
}

impl TestDatabase {
    pub async fn create() -> Self {
        if let Some(server) = postgres_url() {
            return Self::create_on(&server).await;
        }
        let folder = TempDir::new().expect("a folder can be made");
        let file = folder.path().join("stockroom.db");
        std::fs::copy(sqlite_template().await, &file).expect("the template can be copied");
        Self {
            url: format!("sqlite:{}", file.display()),
            folder,
            redis_prefix: new_name(),
            postgres: None,
        }
    }

    /// On this Postgres server.
    pub async fn create_on(server: &str) -> Self {
        let folder = TempDir::new().expect("a folder can be made");
        let name = new_name();
        let url = copy_postgres(server, &name).await;
        let postgres = Some((server.to_owned(), name.clone()));
        Self { url, folder, redis_prefix: name, postgres }
    }

    /// The settings of development, on this database.
    pub fn settings(&self) -> Settings {
        let folder = self.folder.path().display().to_string();
        let mut arguments = vec!["stockroom", "--data-dir", &folder, "--database-url", &self.url];
        arguments.extend(["--jwt-signing-key", SIGNING_KEY, "--database-pool-size", "8"]);
        let redis = redis_url();
        if let Some(redis) = &redis {
            arguments.extend(["--redis-url", redis, "--redis-key-prefix", &self.redis_prefix]);
        }
        let arguments = Arguments::parse_from(arguments);
        let mut settings = arguments.settings.check().expect("the settings are good");
        // Tests say themselves when a payer confirms.
        settings.payment.sandbox.confirms_after = None;
        settings
    }
}

fn new_name() -> String {
    format!("stockroom_test_{}", Uuid::new_v4().simple())
}

/// The Postgres server to test on, if there is one.
pub fn postgres_url() -> Option<String> {
    std::env::var(POSTGRES_URL).ok()
}

/// The Redis to test with, if there is one.
pub fn redis_url() -> Option<String> {
    std::env::var(REDIS_URL).ok()
}

impl Drop for TestDatabase {
    /// Has the database dropped by another thread, without waiting for it here: the test's runtime
    /// may be the one thread that a connection of its needs to get through its authentication, and
    /// Postgres drops no database before that.
    fn drop(&mut self) {
        let Some((server, name)) = self.postgres.take() else { return };
        let dropping = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            let dropped = runtime.expect("a runtime starts").block_on(async {
                let sql = format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)");
                administer(&server).await.execute_unprepared(&sql).await
            });
            dropped.expect("a test's database is dropped");
        });
        DROPPING.with_borrow_mut(|all| all.0.push(dropping));
    }
}

thread_local! {
    static DROPPING: RefCell<Dropping> = const { RefCell::new(Dropping(Vec::new())) };
}

/// Waits, at the end of the test's thread, until its databases are gone: its runtime is by then.
struct Dropping(Vec<JoinHandle<()>>);

impl Drop for Dropping {
    fn drop(&mut self) {
        for dropping in self.0.drain(..) {
            if dropping.join().is_err() {
                eprintln!("a test's database was not dropped");
            }
        }
    }
}

/// Tells the templates of different migrations apart.
fn migrations_hash() -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("migration/src");
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder)
        .expect("the migrations are there")
        .map(|entry| entry.expect("an entry can be read").path())
        .collect();
    files.sort();
    let mut hash = Sha256::new();
    for file in files {
        hash.update(std::fs::read(file).expect("a migration can be read"));
    }
    hash.finalize().iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

/// The file that tests copy. The first test to come makes it; two at once make the same.
async fn sqlite_template() -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let template = folder.join(format!("template-{}.db", migrations_hash()));
    if template.exists() {
        return template;
    }
    let building = folder.join(format!("building-{}.db", Uuid::new_v4().simple()));
    let db = Db::open(&DatabaseTarget::Sqlite(building.clone())).await.expect("SQLite opens");
    db.migrate().await.expect("the migrations run");
    // Closing the last connection moves the write-ahead log into the file.
    db.close().await;
    std::fs::rename(&building, &template).expect("the template can be put in place");
    template
}

/// A copy of the template on a Postgres server.
async fn copy_postgres(server: &str, name: &str) -> String {
    let template = format!("stockroom_template_{}", migrations_hash());
    let admin = administer(server).await;
    let run = async |sql: &str| admin.execute_unprepared(sql).await.expect("Postgres obeys");
    // Held until the connection closes: one test makes the template, the others wait for it.
    run("SELECT pg_advisory_lock(7316220251121)").await;
    let known = format!("SELECT datname FROM pg_database WHERE datname = '{template}'");
    let known =
        admin.query_one_raw(sea_orm::Statement::from_string(sea_orm::DbBackend::Postgres, known));
    if known.await.expect("Postgres tells its databases").is_none() {
        let building = format!("building_{}", Uuid::new_v4().simple());
        run(&format!("CREATE DATABASE {building}")).await;
        let url = with_database(server, &building).into();
        let target = DatabaseTarget::Postgres { url, max_connections: 2, kept_open: 1 };
        let db = Db::open(&target).await.expect("the template opens");
        db.migrate().await.expect("the migrations run");
        db.close().await;
        run(&format!("ALTER DATABASE {building} RENAME TO {template}")).await;
    }
    run(&format!("CREATE DATABASE {name} TEMPLATE {template}")).await;
    admin.close().await.expect("the connection closes");
    with_database(server, name)
}

async fn administer(server: &str) -> DatabaseConnection {
    let mut options = ConnectOptions::new(server);
    options.max_connections(1).sqlx_logging(false);
    Database::connect(options).await.expect("the Postgres server of the tests answers")
}

/// The URL with another database in it.
fn with_database(server: &str, name: &str) -> String {
    let (base, parameters) =
        server.split_once('?').map_or((server, ""), |(base, rest)| (base, rest));
    let (scheme, rest) = base.split_once("://").expect("a URL");
    let authority = rest.split('/').next().unwrap_or(rest);
    let parameters = if parameters.is_empty() { String::new() } else { format!("?{parameters}") };
    format!("{scheme}://{authority}/{name}{parameters}")
}
