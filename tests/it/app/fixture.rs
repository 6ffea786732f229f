//! What tests need to be there before they begin, and ways to get in the server's way.

use super::TestApp;
use sea_orm::{ConnectionTrait, EntityTrait};
use std::sync::Arc;
use std::time::Duration;
use stockroom::account::PostalAddress;
use stockroom::auth::{Role, Viewer};
use stockroom::country::Country;
use stockroom::db::{Db, DbError};
use stockroom::seed::Seed;
use tokio::sync::{Notify, oneshot};
use uuid::Uuid;

/// Longer than anything that a test waits for.
const PATIENCE: Duration = Duration::from_secs(60);

impl TestApp {
    /// A SKU of a small demo catalogue.
    pub async fn a_sku(&self) -> String {
        let seed = Seed::new(self.app.db.clone(), self.app.settings.shop_currency);
        seed.run(1, |_| ()).await.expect("the demo catalogue is written");
        let variant = entity::product_variant::Entity::find().one(self.app.db.reader()).await;
        variant.expect("the database answers").expect("there is a variant").sku
    }

    /// An address in the book of an account.
    pub async fn address_of(&self, user: Uuid) -> Uuid {
        let address = PostalAddress {
            name: "Someone".to_owned(),
            line1: "12 St James's Square".to_owned(),
            line2: None,
            city: "London".to_owned(),
            region: None,
            postal_code: "SW1Y 4JH".to_owned(),
            country: Country::from_code("GB").expect("it is a country"),
        };
        let viewer = Viewer::User { id: user, role: Role::Customer };
        let kept = self.app.services.accounts.add_address(&viewer, address, [false; 2]).await;
        kept.expect("the address is kept").id
    }

    /// Runs any statement; not for production code, which has no way to do so.
    pub async fn execute(&self, sql: &str) {
        let done: Result<_, DbError> = self
            .app
            .db
            .tx(|tx| async move { Ok(tx.connection().execute_unprepared(sql).await?) })
            .await;
        done.expect("the statement is right");
    }

    /// The only number that a query gives.
    pub async fn number(&self, sql: &str) -> i64 {
        let statement = sea_orm::Statement::from_string(self.app.db.backend(), sql.to_owned());
        let row = self.app.db.reader().query_one_raw(statement).await;
        let row = row.expect("the query is right").expect("the query has a row");
        row.try_get_by_index(0).expect("the column is a number")
    }

    /// The texts of the only column that a query gives.
    pub async fn texts(&self, sql: &str) -> Vec<String> {
        let statement = sea_orm::Statement::from_string(self.app.db.backend(), sql.to_owned());
        let rows = self.app.db.reader().query_all_raw(statement).await;
        let rows = rows.expect("the query is right");
        rows.iter().map(|row| row.try_get_by_index(0).expect("the column is a text")).collect()
    }

    /// Lets no one write warehouses until the guard is let go.
    pub async fn hold_warehouses(&self) -> Held {
        hold(self.app.db.clone(), "LOCK TABLE warehouse IN EXCLUSIVE MODE").await
    }

    /// Somebody has locked all levels of stock, until the guard is let go.
    pub async fn locks_levels(&self) -> Held {
        hold(self.app.db.clone(), "SELECT 1 FROM stock_level FOR UPDATE").await
    }

    /// Another process lets no one write jobs until the guard is let go.
    pub async fn locks_jobs(&self) -> Held {
        let other = Db::open(&self.app.settings.database).await.expect("the database opens");
        hold(other, "LOCK TABLE job IN EXCLUSIVE MODE").await
    }

    /// Ends every session on the Postgres database, as a restart does.
    pub async fn cut_connections(&self) {
        let own = sea_orm::Database::connect(self.database_url()).await.expect("Postgres answers");
        // It waits until they have ended.
        let cut = "SELECT pg_terminate_backend(pid, 20000) FROM pg_stat_activity \
                   WHERE datname = current_database() AND pid <> pg_backend_pid()";
        own.execute_unprepared(cut).await.expect("Postgres obeys");
        own.close().await.expect("the connection closes");
    }

    /// Waits until this is true.
    pub async fn until(&self, what: &str, is_true: impl AsyncFn(&Self) -> bool) {
        self.until_within(PATIENCE, what, is_true).await;
    }

    /// Waits so long at most until this is true.
    pub async fn until_within(
        &self,
        patience: Duration,
        what: &str,
        is_true: impl AsyncFn(&Self) -> bool,
    ) {
        let deadline = tokio::time::Instant::now() + patience;
        while !is_true(self).await {
            assert!(tokio::time::Instant::now() < deadline, "it never came true: {what}");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// Waits until this many mutations and sockets are under way.
    pub async fn until_under_way(&self, tasks: usize) {
        let what = format!("{tasks} tasks are under way");
        self.until(&what, async |app| app.app.lifecycle.tasks.len() == tasks).await;
    }
}

/// Takes a lock of Postgres, and on SQLite the one lock there is, in a transaction that stays open.
async fn hold(db: Db, lock: &'static str) -> Held {
    let (release, began) = (Arc::new(Notify::new()), oneshot::channel());
    let began = (std::sync::Mutex::new(Some(began.0)), began.1);
    let released = Arc::clone(&release);
    let (told, hears) = began;
    let task = tokio::spawn(async move {
        let (told, released, is_postgres) = (&told, &released, db.is_postgres());
        let held: Result<(), DbError> = db
            .tx(|tx| async move {
                // On SQLite whoever has begun holds the one lock there is.
                if is_postgres {
                    tx.connection().execute_unprepared(lock).await?;
                }
                if let Some(told) = told.lock().expect("nobody panicked").take() {
                    told.send(()).expect("the test waits");
                }
                released.notified().await;
                Ok(())
            })
            .await;
        held.expect("the lock was held");
    });
    hears.await.expect("the lock is held");
    Held { release, task }
}

/// A lock that is held.
pub struct Held {
    release: Arc<Notify>,
    task: tokio::task::JoinHandle<()>,
}

impl Held {
    /// Lets go.
    pub async fn release(self) {
        self.release.notify_one();
        self.task.await.expect("the lock was held to its end");
    }
}
