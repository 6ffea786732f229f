//! Jobs: written with their effect or not at all, done at least once, tried again, given up.

mod crew;
mod failing;
mod faults;
mod people;
mod processes;
mod schedules;

use crate::app::TestApp;
use crate::jobs::crew::{Crew, Errand, NO_END};
use std::time::Duration;
use stockroom::db::DbError;
use stockroom::jobs::{Failure, NewJob, Queue, Status, enqueue_in_txn};

#[tokio::test]
async fn a_job_is_done_once_with_its_arguments() {
    let app = TestApp::start().await;
    let mut crew = Crew::obedient(&app);
    crew.timing.lease = NO_END;
    let worker = crew.hire();

    crew.asks("one").await;
    crew.asks("two").await;
    crew.until_done(2).await;

    worker.ends().await;
    let mut done = crew.attempts();
    done.sort();
    assert_eq!(done, [("one".to_owned(), 1), ("two".to_owned(), 1)]);
    let rows = stockroom::jobs::list(&app.app.db, Status::Done, 10).await.unwrap();
    assert!(rows.iter().all(|row| row.finished_at.is_some() && row.error.is_none()), "{rows:?}");
}

#[tokio::test]
async fn a_transaction_that_is_rolled_back_has_asked_for_nothing() {
    let app = TestApp::start().await;

    let rolled_back = app
        .app
        .db
        .tx(|tx| async move {
            assert!(enqueue_in_txn(&tx, &Errand::job("never")).await?);
            let error = stockroom::db::DbErrorKind::Fault;
            Err::<(), _>(DbError { kind: error, constraint: None, message: String::new() })
        })
        .await;

    assert!(rolled_back.is_err());
    assert_eq!(app.number("SELECT count(*) FROM job").await, 0);
}

#[tokio::test]
async fn a_job_begins_as_soon_as_it_is_committed() {
    let app = TestApp::start().await;
    let mut crew = Crew::obedient(&app);
    // Nobody looks by itself while this test runs.
    crew.timing.poll = Duration::from_secs(600);
    let worker = crew.hire();
    crew.asks("first").await;
    crew.until_done(1).await;

    crew.asks("told of").await;
    crew.until_done(2).await;

    worker.ends().await;
}

#[tokio::test]
async fn jobs_of_other_processes_are_found_by_looking() {
    let app = TestApp::start().await;
    let other = app.replica().await;
    let crew = Crew::obedient(&app);
    let worker = crew.hire();

    Crew::obedient(&other).asks("from elsewhere").await;

    crew.until_done(1).await;
    worker.ends().await;
}

#[tokio::test]
async fn the_same_key_asks_once() {
    let app = TestApp::start().await;
    let crew = Crew::obedient(&app);
    let job = || Errand::job("once").dedupe("key");

    assert!(crew.writes(job()).await);
    assert!(!crew.writes(job()).await);
    assert_eq!(crew.works().await, 1);
    // Also while what was done can still be looked at.
    assert!(!crew.writes(job()).await);
    app.waits(chrono::TimeDelta::days(8));
    assert_eq!(stockroom::jobs::purge_done(&app.app.db).await.unwrap(), 1);
    assert!(crew.writes(job()).await);
}

#[tokio::test]
async fn ticks_of_schedules_are_forgotten_after_hours_and_not_before_one_could_come_late() {
    let app = TestApp::start().await;
    let crew = Crew::obedient(&app);
    let tick = || Errand::job("tick").dedupe("schedule:sweep:2026-01-01T00:00:05Z");
    crew.writes(tick()).await;
    crew.asks("asked for").await;
    crew.works().await;
    assert_eq!(app.number("SELECT count(*) FROM job WHERE status = 'done'").await, 2);

    app.waits(chrono::TimeDelta::minutes(90));
    assert_eq!(stockroom::jobs::purge_done(&app.app.db).await.unwrap(), 0);
    app.waits(chrono::TimeDelta::minutes(40));
    assert_eq!(stockroom::jobs::purge_done(&app.app.db).await.unwrap(), 1);

    assert_eq!(app.number("SELECT count(*) FROM job").await, 1);
}

#[tokio::test]
async fn a_delayed_job_waits_for_its_time() {
    let app = TestApp::start().await;
    let crew = Crew::obedient(&app);
    crew.writes(Errand::job("later").delay(Duration::from_secs(60))).await;

    assert_eq!(crew.works().await, 0);
    app.waits(chrono::TimeDelta::seconds(61));
    assert_eq!(crew.works().await, 1);
}

#[tokio::test]
async fn kinds_that_only_a_newer_program_knows_are_left_alone() {
    let app = TestApp::start().await;
    let crew = Crew::obedient(&app);
    crew.asks("known").await;
    app.execute("UPDATE job SET kind = 'test.newer'").await;
    crew.asks("also known").await;

    assert_eq!(crew.works().await, 1);

    assert_eq!(crew.attempts(), [("also known".to_owned(), 1)]);
    let untouched =
        "SELECT count(*) FROM job WHERE kind = 'test.newer' AND status = 'queued' AND attempts = 0";
    assert_eq!(app.number(untouched).await, 1);
}

#[tokio::test]
async fn a_worker_takes_as_many_as_it_has_places() {
    let app = TestApp::start().await;
    let mut crew = Crew::of(&app, |_, _| async {
        std::future::pending::<()>().await;
        Ok(())
    });
    crew.timing.lease = NO_END;
    for number in 0..10 {
        crew.asks(&number.to_string()).await;
    }
    let worker = crew.hire();

    let places = Queue::Default.places();
    crew.until_begun(places).await;
    // Two looks later it has taken no more.
    tokio::time::sleep(crew.timing.poll * 4).await;

    assert_eq!(crew.attempts().len(), places);
    assert_eq!(app.number("SELECT count(*) FROM job WHERE status = 'queued'").await, 6);
    worker.vanishes();
}

#[tokio::test]
async fn jobs_that_were_done_are_forgotten_after_a_week_and_dead_ones_are_not() {
    let app = TestApp::start().await;
    let crew = Crew::of(&app, |name, _| async move {
        if name == "bad" { Err(Failure::retry("no")) } else { Ok(()) }
    });
    crew.asks("good").await;
    crew.writes(Errand::job("bad").max_attempts(1)).await;
    crew.works().await;

    app.waits(chrono::TimeDelta::days(6));
    assert_eq!(stockroom::jobs::purge_done(&app.app.db).await.unwrap(), 0);
    app.waits(chrono::TimeDelta::days(2));
    assert_eq!(stockroom::jobs::purge_done(&app.app.db).await.unwrap(), 1);

    let dead = stockroom::jobs::list(&app.app.db, Status::Dead, 10).await.unwrap();
    assert_eq!(dead.len(), 1);
}

#[tokio::test]
async fn told_to_end_it_finishes_what_it_can_and_gives_back_the_rest() {
    let app = TestApp::start().await;
    let mut crew = Crew::of(&app, |name, _| async move {
        if name == "endless" {
            std::future::pending::<()>().await;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
        Ok(())
    });
    crew.timing.lease = NO_END;
    crew.timing.grace = Duration::from_secs(2);
    crew.asks("endless").await;
    crew.asks("short").await;
    let worker = crew.hire();
    crew.until_begun(2).await;

    worker.ends().await;

    let row = |name: &str| {
        let sql = format!(
            "SELECT count(*) FROM job WHERE args LIKE '%{name}%' AND status = '{}' AND attempts = {}",
            if name == "short" { "done" } else { "queued" },
            if name == "short" { 1 } else { 0 }
        );
        if app.app.db.is_postgres() { sql.replace("args LIKE", "args::text LIKE") } else { sql }
    };
    assert_eq!(app.number(&row("short")).await, 1);
    assert_eq!(app.number(&row("endless")).await, 1, "no attempt is charged, and it is due");
    let mut other = Crew::obedient(&app);
    other.timing = crew.timing;
    assert_eq!(other.works().await, 1);
    assert_eq!(other.attempts(), [("endless".to_owned(), 1)]);
}

#[tokio::test]
async fn a_worker_shows_that_it_works() {
    let app = TestApp::start().await;
    let worker = Crew::obedient(&app).hire();
    let within = Duration::from_secs(60);

    app.until("it looked", async |_| worker.pulse.is_felt(within)).await;
    if app.app.db.is_postgres() {
        app.until("others see", async |app| {
            stockroom::jobs::is_worked(&app.app.db, within).await.unwrap()
        })
        .await;
    }
    worker.ends().await;

    assert!(!stockroom::jobs::is_worked(&app.app.db, within).await.unwrap(), "it has left");
}

#[tokio::test]
async fn a_server_forgets_by_itself_what_is_old() {
    let app = TestApp::start().await;

    app.app.work_in_background();

    let done =
        |kind: &str| format!("SELECT count(*) FROM job WHERE status = 'done' AND kind = '{kind}'");
    for kind in ["idempotency.purge", "jobs.purge"] {
        app.until(kind, async |app| app.number(&done(kind)).await >= 1).await;
    }
    // Whatever else fell due meanwhile is done as well, by the server itself.
    let left = "SELECT count(*) FROM job WHERE status NOT IN ('done', 'dead')";
    app.until("nothing is left", async |app| app.number(left).await == 0).await;
    app.ends_background_work().await;
}

#[tokio::test]
async fn queues_do_not_wait_for_one_another() {
    let app = TestApp::start().await;
    let crew = Crew::of(&app, |name, _| async move {
        if name != "letter" {
            std::future::pending::<()>().await;
        }
        Ok(())
    });
    for _ in 0..Queue::Default.places() {
        crew.asks("endless").await;
    }
    let worker = crew.hire();
    crew.until_begun(Queue::Default.places()).await;

    crew.writes(NewJob::new(&crew::Letter { name: "letter".to_owned() })).await;

    crew.until_done(1).await;
    worker.vanishes();
}
