//! What ends workers and cuts them off: a kill, a database that is away, locks, leases that end.

use super::crew::{Crew, Errand, NO_END, QUICK};
use crate::app::TestApp;
use std::process::Stdio;
use std::time::Duration;
use stockroom::config::DatabaseTarget;
use stockroom::db::Db;
use stockroom::jobs::{Failure, Handlers, Status, Worker, list};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio_util::sync::CancellationToken;

/// How long a connection to SQLite waits for the lock of another process.
const SQLITE_WAITS: Duration = Duration::from_secs(5);

/// Set in the process that is killed: the database that it works on.
const VICTIM: &str = "STOCKROOM_TEST_VICTIM_DATABASE_URL";

#[tokio::test]
async fn a_job_whose_process_is_killed_is_done_by_another() {
    if let Ok(url) = std::env::var(VICTIM) {
        return be_the_victim(&url).await;
    }
    let app = TestApp::start().await;
    let crew = Crew::obedient(&app);
    let mut victim = tokio::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "jobs::faults::a_job_whose_process_is_killed_is_done_by_another"])
        .arg("--nocapture")
        .env(VICTIM, app.database_url())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    crew.asks("interrupted").await;
    let mut lines = BufReader::new(victim.stdout.take().unwrap()).lines();
    while !lines.next_line().await.unwrap().expect("it begins").contains("begun: attempt 1") {}

    victim.kill().await.unwrap();
    let worker = crew.hire();
    crew.until_done(1).await;

    worker.ends().await;
    assert_eq!(crew.attempts(), [("interrupted".to_owned(), 2)]);
}

/// Takes a job and never ends it.
async fn be_the_victim(url: &str) {
    let target = match url.strip_prefix("sqlite:") {
        Some(path) => DatabaseTarget::Sqlite(path.into()),
        None => DatabaseTarget::Postgres {
            url: url.to_owned().into(),
            max_connections: 4,
            kept_open: 1,
        },
    };
    let db = Db::open(&target).await.unwrap();
    let mut handlers = Handlers::default();
    handlers.on(|_: Errand, attempt| async move {
        println!("begun: attempt {}", attempt.number);
        std::future::pending::<Result<(), Failure>>().await
    });
    Worker::new(db, handlers, Vec::new(), QUICK).run(CancellationToken::new()).await;
}

#[tokio::test]
async fn a_worker_outlives_the_loss_of_all_its_connections() {
    let app = TestApp::start().await;
    if !app.app.db.is_postgres() {
        // SQLite has no connection to lose; its own case is the lock, below.
        return a_worker_outlives_a_database_that_refuses_everything(&app).await;
    }
    let crew = Crew::of(&app, |_, _| async {
        tokio::time::sleep(Duration::from_millis(40)).await;
        Ok(())
    });
    let worker = crew.hire();
    for number in 0..30 {
        crew.asks(&number.to_string()).await;
    }

    for _ in 0..5 {
        app.cut_connections().await;
        tokio::time::sleep(Duration::from_millis(60)).await;
    }

    crew.until_done(30).await;
    assert!(worker.is_there());
    worker.ends().await;
}

async fn a_worker_outlives_a_database_that_refuses_everything(app: &TestApp) {
    let crew = Crew::obedient(app);
    let worker = crew.hire();
    crew.asks("before").await;
    crew.until_done(1).await;

    app.execute("ALTER TABLE job RENAME TO job_away").await;
    tokio::time::sleep(QUICK.pause * 4).await;
    app.execute("ALTER TABLE job_away RENAME TO job").await;
    crew.asks("after").await;

    crew.until_done(2).await;
    assert!(worker.is_there());
    worker.ends().await;
}

#[tokio::test]
async fn while_a_lock_is_held_nothing_is_lost() {
    let app = TestApp::start().await;
    let mut crew = Crew::of(&app, |_, _| async {
        tokio::time::sleep(Duration::from_millis(50)).await;
        Ok(())
    });
    crew.timing.statement = Duration::from_millis(300);
    let worker = crew.hire();
    crew.asks("under way").await;
    crew.until_begun(1).await;

    // Longer than a lease, and than any statement of the worker may take.
    let lock = app.locks_jobs().await;
    tokio::time::sleep(QUICK.lease + QUICK.lease / 2).await;
    lock.release().await;
    crew.asks("after").await;

    crew.until_done(2).await;
    assert!(worker.is_there());
    worker.ends().await;
    assert_eq!(app.number("SELECT count(*) FROM job").await, 2);
}

#[tokio::test]
async fn while_a_lock_is_held_for_longer_than_sqlite_waits_nothing_is_lost() {
    let app = TestApp::start().await;
    if app.app.db.is_postgres() {
        // Its locks end statements after a second: that is the test before.
        return;
    }
    let mut crew = Crew::obedient(&app);
    crew.timing.statement = Duration::from_secs(60);
    let worker = crew.hire();
    crew.asks("before").await;
    crew.until_done(1).await;

    let lock = app.locks_jobs().await;
    tokio::time::sleep(SQLITE_WAITS + Duration::from_millis(500)).await;
    lock.release().await;
    crew.asks("after").await;

    crew.until_done(2).await;
    assert!(worker.is_there());
    worker.ends().await;
}

#[tokio::test]
async fn a_job_that_ends_its_worker_each_time_is_given_up() {
    let app = TestApp::start().await;
    let crew = Crew::of(&app, |_, _| std::future::pending());
    crew.writes(Errand::job("poison").max_attempts(2)).await;

    for attempt in 1..=2 {
        let worker = crew.hire();
        crew.until_begun(attempt).await;
        worker.dies().await;
    }
    let other = Crew::obedient(&app);
    let worker = other.hire();
    other.until_there_are(1, "dead").await;

    worker.ends().await;
    assert!(other.attempts().is_empty(), "a third attempt began");
    let dead = list(&app.app.db, Status::Dead, 9).await.unwrap().remove(0);
    assert_eq!(dead.attempts, 2);
    assert!(dead.error.unwrap().contains("worker"));
}

#[tokio::test]
async fn a_job_that_takes_longer_than_its_lease_keeps_it() {
    let app = TestApp::start().await;
    let mut crew = Crew::of(&app, |_, _| async {
        tokio::time::sleep(Duration::from_secs(4)).await;
        Ok(())
    });
    crew.timing.lease = Duration::from_secs(3);
    let workers = [crew.hire(), crew.hire()];

    crew.asks("long").await;
    crew.until_done(1).await;

    for worker in workers {
        worker.ends().await;
    }
    assert_eq!(crew.attempts(), [("long".to_owned(), 1)]);
}

#[tokio::test]
async fn who_lost_the_lease_has_nothing_to_say() {
    let app = TestApp::start().await;
    let (tell, mut hear) = tokio::sync::mpsc::unbounded_channel();
    let late = Crew::of(&app, move |_, _| {
        let told = tell.clone();
        async move {
            let _told_when_dropped = scopeguard(move || told.send(()).unwrap());
            std::future::pending::<()>().await;
            Ok(())
        }
    });
    let slow = late.hire();
    late.asks("contested").await;
    late.until_begun(1).await;

    // Someone else claims it, as after a lease that ended.
    let taken = "UPDATE job SET token = token + 1, attempts = 2, \
                 run_at = '2999-01-01T00:00:00+00:00'";
    app.execute(taken).await;

    // At the next renewal the handler is dropped, and its worker writes nothing.
    hear.recv().await.expect("the handler was dropped");
    slow.ends().await;
    let row = list(&app.app.db, Status::Running, 9).await.unwrap().remove(0);
    assert_eq!((row.attempts, row.token), (2, 2));
}

#[tokio::test]
async fn who_ends_after_losing_the_lease_does_not_count() {
    let app = TestApp::start().await;
    let db = app.app.db.clone();
    let mut crew = Crew::of(&app, move |_, _| {
        let db = db.clone();
        async move {
            // While it is at work, someone else claims it.
            let taken = "UPDATE job SET token = token + 1";
            db.tx::<_, stockroom::db::DbError, _, _>(|tx| async move {
                sea_orm::ConnectionTrait::execute_unprepared(tx.connection(), taken).await?;
                Ok(())
            })
            .await?;
            Ok(())
        }
    });
    crew.timing.lease = NO_END;
    crew.asks("contested").await;

    assert_eq!(crew.works().await, 1);

    assert_eq!(list(&app.app.db, Status::Done, 9).await.unwrap().len(), 0);
    assert_eq!(list(&app.app.db, Status::Running, 9).await.unwrap().len(), 1);
}

/// Does something when dropped.
fn scopeguard(last: impl FnMut()) -> impl Drop {
    struct Guard<F: FnMut()>(F);
    impl<F: FnMut()> Drop for Guard<F> {
        fn drop(&mut self) {
            (self.0)();
        }
    }
    Guard(last)
}
