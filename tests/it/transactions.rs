//! What is known to lose or refuse writes, on either database: cancelled transactions and deferred
//! ones.

use crate::app::TestApp;
use futures::StreamExt;
use rand::RngExt;
use sea_orm::{ConnectionTrait, Database, TransactionTrait};
use std::sync::Arc;
use std::time::Duration;
use stockroom::config::DatabaseTarget;
use stockroom::db::{Db, DbError, DbErrorKind};
use stockroom::{failpoint, telemetry};
use tokio::sync::Semaphore;
use uuid::Uuid;

const CANCELLED: u64 = 2_000;
const ACKNOWLEDGED: usize = 1_000;

/// The smallest pool: every connection that was left in a wrong state is used again at once.
async fn app_with_a_small_pool() -> TestApp {
    let app = TestApp::with(|settings| {
        if let DatabaseTarget::Postgres { max_connections, .. } = &mut settings.database {
            *max_connections = 2;
        }
    })
    .await;
    app.execute("CREATE TABLE acknowledged (n BIGINT PRIMARY KEY)").await;
    app
}

/// Begins a transaction and is gone somewhere between its first and its last step.
async fn begin_and_vanish(db: Db) {
    let patience = Duration::from_micros(rand::rng().random_range(0..3_000));
    let transaction = db.tx::<_, DbError, _, _>(|tx| async move {
        tx.connection().execute_unprepared("DELETE FROM acknowledged WHERE n < 0").await?;
        Ok(())
    });
    let _ = tokio::time::timeout(patience, transaction).await;
}

async fn begin_and_stay(db: Db) {
    let transaction = db.tx::<(), DbError, _, _>(|_| std::future::pending());
    let _ = transaction.await;
}

/// Writes a row and tells whether the database acknowledged it.
async fn acknowledge(db: &Db, n: usize) -> bool {
    let insert = &format!("INSERT INTO acknowledged VALUES ({n})");
    if db.is_postgres() {
        // No transaction of its own: what a BEGIN left open would swallow it.
        return db.reader().execute_unprepared(insert).await.is_ok();
    }
    // The readers of SQLite do not write. On its one writer a BEGIN that was left open would
    // refuse the next one.
    let write = db.tx::<_, DbError, _, _>(|tx| async move {
        tx.connection().execute_unprepared(insert).await?;
        Ok(())
    });
    write.await.is_ok()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cancelled_transactions_lose_no_acknowledged_write() {
    let app = app_with_a_small_pool().await;
    let db = &app.app.db;

    let cancelled = futures::stream::iter(0..CANCELLED)
        .for_each_concurrent(2, |_| async { begin_and_vanish(db.clone()).await });
    let written = futures::stream::iter(0..ACKNOWLEDGED)
        .map(|n| acknowledge(db, n))
        .buffer_unordered(2)
        .filter(|acknowledged| std::future::ready(*acknowledged))
        .count();
    let (written, ()) = tokio::join!(written, cancelled);
    db.close().await;

    // Another connection sees what was committed, and nothing else.
    let again = app.replica().await;
    let found = again.number("SELECT COUNT(*) FROM acknowledged").await;
    assert_eq!((usize::try_from(found).unwrap(), written), (ACKNOWLEDGED, ACKNOWLEDGED));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn parallel_transactions_that_read_and_then_write_all_succeed() {
    let app = TestApp::start().await;
    app.execute("CREATE TABLE tally (n BIGINT NOT NULL)").await;
    app.execute("INSERT INTO tally VALUES (0)").await;
    // Two handles are two writers, as two processes would be.
    let other = app.replica().await;
    let retries = telemetry::total(telemetry::TX_RETRIES);

    let transactions = futures::stream::iter(0..1_000).map(|n| {
        let db = if n % 2 == 0 { &app.app.db } else { &other.app.db };
        db.tx::<_, DbError, _, _>(|tx| async move {
            // The read takes SQLite's snapshot; a deferred transaction could not write after it
            // when another wrote in between.
            tx.connection().execute_unprepared("SELECT n FROM tally").await?;
            tx.connection().execute_unprepared("UPDATE tally SET n = n + 1").await?;
            Ok(())
        })
    });
    let results: Vec<Result<(), DbError>> = transactions.buffer_unordered(16).collect().await;

    let failed: Vec<DbError> = results.into_iter().filter_map(Result::err).collect();
    assert!(failed.is_empty(), "{} failed: {:?}", failed.len(), failed.first());
    assert_eq!(app.number("SELECT n FROM tally").await, 1_000);
    assert_eq!(telemetry::total(telemetry::TX_RETRIES), retries, "none had to be repeated");
}

#[tokio::test]
async fn a_transaction_that_fails_leaves_nothing() {
    let app = TestApp::start().await;
    app.execute("CREATE TABLE tally (n BIGINT NOT NULL CHECK (n < 2))").await;

    let failed = app.app.db.tx::<(), DbError, _, _>(|tx| async move {
        tx.connection().execute_unprepared("INSERT INTO tally VALUES (1)").await?;
        tx.connection().execute_unprepared("INSERT INTO tally VALUES (2)").await?;
        Ok(())
    });

    assert!(failed.await.is_err());
    assert_eq!(app.number("SELECT COUNT(*) FROM tally").await, 0);
}

#[tokio::test]
async fn who_vanishes_while_a_transaction_begins_leaves_none_open() {
    let app = app_with_a_small_pool().await;
    let db = &app.app.db;
    let (begun, gate) = (Arc::new(Semaphore::new(0)), Arc::new(Semaphore::new(0)));
    let (reached, leave) = (Arc::clone(&begun), Arc::clone(&gate));
    failpoint::on("tx.during_begin", move || {
        let (reached, leave) = (Arc::clone(&reached), Arc::clone(&leave));
        async move {
            reached.add_permits(1);
            let _go = leave.acquire().await;
        }
    });

    for _ in 0..5 {
        let vanishing = tokio::spawn(begin_and_stay(db.clone()));
        begun.acquire().await.unwrap().forget();
        vanishing.abort();
        assert!(vanishing.await.unwrap_err().is_cancelled());
        gate.add_permits(1);
    }
    gate.add_permits(1_000);

    for n in 0..5 {
        assert!(acknowledge(db, n).await, "write {n}");
    }
    assert_eq!(app.rows("acknowledged", "1 = 1").await, 5);
}

#[tokio::test]
async fn who_waited_for_a_row_sees_it_as_it_is_whatever_the_servers_default() {
    let app = TestApp::start().await;
    if !app.app.db.is_postgres() {
        return;
    }
    app.execute(
        "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET default_transaction_isolation = \
         ''serializable''', current_database()); END $$",
    )
    .await;
    let other = app.replica().await;

    let level = other.app.db.tx::<_, DbError, _, _>(|tx| async move {
        let statement = "SELECT current_setting('transaction_isolation') AS level".to_owned();
        let statement = sea_orm::Statement::from_string(tx.db().backend(), statement);
        let row = tx.connection().query_one_raw(statement).await?.expect("there is a row");
        Ok(row.try_get_by_index::<String>(0)?)
    });

    assert_eq!(level.await.unwrap(), "read committed");
}

#[tokio::test]
async fn who_waited_for_a_row_as_long_as_a_statement_may_is_not_turned_away() {
    let app = TestApp::start().await;
    if !app.app.db.is_postgres() {
        return;
    }
    app.execute("CREATE TABLE tally (n BIGINT NOT NULL)").await;
    app.execute("INSERT INTO tally VALUES (0)").await;
    let raise = "UPDATE tally SET n = n + 1";
    let other = Database::connect(app.database_url()).await.unwrap();
    let holder = other.begin().await.unwrap();
    holder.execute_unprepared(raise).await.unwrap();
    let repeated = telemetry::total(telemetry::TX_RETRIES);

    // As behind many, none of whom holds it long enough for the limit on locks.
    let db = app.app.db.clone();
    let waiting = tokio::spawn(async move {
        let waiting = db.tx::<_, DbError, _, _>(|tx| async move {
            tx.connection().execute_unprepared("SET LOCAL lock_timeout = 0").await?;
            tx.connection().execute_unprepared(raise).await?;
            Ok(())
        });
        waiting.await
    });
    while telemetry::total(telemetry::TX_RETRIES) == repeated && !waiting.is_finished() {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    holder.commit().await.unwrap();

    waiting.await.unwrap().unwrap();
    assert!(telemetry::total(telemetry::TX_RETRIES) > repeated, "a statement was cut off");
    assert_eq!(app.number("SELECT n FROM tally").await, 2);
    other.close().await.unwrap();
}

#[tokio::test]
async fn what_always_takes_longer_than_a_statement_may_is_given_up() {
    let app = TestApp::start().await;
    if !app.app.db.is_postgres() {
        return;
    }

    let slow = app.app.db.tx::<(), DbError, _, _>(|tx| async move {
        tx.connection().execute_unprepared("SELECT pg_sleep(60)").await?;
        Ok(())
    });

    assert_eq!(slow.await.unwrap_err().kind, DbErrorKind::TimedOut);
}

#[tokio::test]
async fn who_stands_in_line_for_longer_than_a_transaction_may_be_idle_is_served() {
    let app = TestApp::start().await;
    if !app.app.db.is_postgres() {
        return;
    }
    app.execute("CREATE TABLE served (n BIGINT NOT NULL)").await;
    let (db, row) = (&app.app.db, [Uuid::now_v7()]);
    let repeated = telemetry::total(telemetry::TX_RETRIES);
    let (in_front, began) = (Arc::new(Semaphore::new(0)), Arc::new(Semaphore::new(0)));

    let first = db.tx::<_, DbError, _, _>(|tx| {
        let (in_front, began) = (Arc::clone(&in_front), Arc::clone(&began));
        async move {
            assert!(!tx.line_up(&row).await?);
            in_front.add_permits(1);
            let _second = began.acquire().await;
            // At work for 5.4 s.
            for _ in 0..3 {
                tx.connection().execute_unprepared("SELECT pg_sleep(1.8)").await?;
            }
            tx.connection().execute_unprepared("INSERT INTO served VALUES (1)").await?;
            Ok(())
        }
    });
    let second = async {
        let _first = in_front.acquire().await;
        let second = db.tx::<_, DbError, _, _>(|tx| {
            began.add_permits(1);
            async move {
                assert!(tx.line_up(&row).await?);
                let all = "INSERT INTO served SELECT 1 + COUNT(*) FROM served";
                tx.connection().execute_unprepared(all).await?;
                Ok(())
            }
        });
        second.await
    };
    let (first, second) = tokio::join!(first, second);

    first.unwrap();
    second.unwrap();
    assert_eq!(app.number("SELECT MAX(n) FROM served").await, 2);
    assert_eq!(telemetry::total(telemetry::TX_RETRIES), repeated);
}
