//! Jobs about a person: what is left of them when they are done, dead, or the person is forgotten.

use super::crew::{Crew, Errand, Letter};
use crate::app::TestApp;
use std::sync::Arc;
use stockroom::db::DbError;
use stockroom::jobs::{
    DEAD_KEPT_DAYS, Failure, NewJob, Subject, find_about, forget_in_txn, purge_dead, purge_done,
};
use tokio::sync::Notify;

fn letter(name: &str) -> NewJob {
    NewJob::new(&Letter { name: name.to_owned() })
}

async fn forget(app: &TestApp, name: &str) -> u64 {
    let subjects = &[Subject::new("test", name)];
    let forgotten: Result<u64, DbError> =
        app.app.db.tx(|tx| async move { forget_in_txn(&tx, subjects).await }).await;
    forgotten.unwrap()
}

/// Jobs whose arguments have this in them.
async fn naming(app: &TestApp, name: &str) -> i64 {
    app.number(&format!("SELECT count(*) FROM job WHERE CAST(args AS text) LIKE '%{name}%'")).await
}

#[tokio::test]
async fn a_job_that_is_done_says_nothing_of_a_person_any_more() {
    let app = TestApp::start().await;
    let crew = Crew::of(&app, |name, _| async move {
        if name == "nobody" { Err(Failure::discard("nobody needs it")) } else { Ok(()) }
    });
    for name in ["ada", "nobody"] {
        crew.writes(letter(name)).await;
    }
    crew.asks("plain").await;

    crew.works().await;

    assert_eq!(naming(&app, "ada").await + naming(&app, "nobody").await, 0);
    assert_eq!(naming(&app, "plain").await, 1, "what is about nobody stays as it is");
    let notes = find_about(&app.app.db, &[Subject::new("test", "ada")]).await.unwrap();
    let [note] = &notes[..] else { panic!("{notes:?}") };
    assert_eq!((note.kind.as_str(), note.status.as_str()), ("test.letter", "done"));
    assert!(note.finished_at.is_some());
}

#[tokio::test]
async fn a_failed_job_keeps_what_the_next_attempt_needs() {
    let app = TestApp::start().await;
    let mut crew = Crew::of(&app, |_, attempt| async move {
        if attempt.number == 1 { Err(Failure::retry("busy")) } else { Ok(()) }
    });
    // Longer than a slow machine takes to look again.
    crew.timing.backoff = std::time::Duration::from_secs(30);
    crew.writes(letter("ada")).await;

    crew.works().await;
    assert_eq!(naming(&app, "ada").await, 1);
    app.waits(chrono::TimeDelta::minutes(1));
    crew.works().await;

    assert_eq!(naming(&app, "ada").await, 0);
}

#[tokio::test]
async fn the_jobs_about_a_person_are_forgotten_in_every_state_and_no_others() {
    let app = TestApp::start().await;
    let mut crew = Crew::of(&app, |name, _| async move {
        if name == "done" { Ok(()) } else { Err(Failure::retry("no")) }
    });
    // What is queued stays so.
    crew.timing.backoff = std::time::Duration::from_secs(30);
    for name in ["ada", "eve"] {
        crew.writes(letter(name)).await;
        crew.writes(letter(name).max_attempts(1)).await;
    }
    crew.works().await;
    app.execute("UPDATE job SET status = 'done' WHERE status = 'dead'").await;
    for name in ["ada", "eve"] {
        crew.writes(letter(name).max_attempts(1)).await;
    }
    crew.works().await;
    assert_eq!(app.number("SELECT count(DISTINCT status) FROM job").await, 3);

    assert_eq!(forget(&app, "ada").await, 3);

    assert_eq!(naming(&app, "ada").await, 0);
    assert_eq!(naming(&app, "eve").await, 3);
    assert_eq!(app.number("SELECT count(*) FROM job").await, 3);
}

#[tokio::test]
async fn a_job_that_is_forgotten_while_it_is_done_does_not_come_back() {
    let app = TestApp::start().await;
    let go_on = Arc::new(Notify::new());
    let waiting = Arc::clone(&go_on);
    let crew = Crew::of(&app, move |_, _| {
        let waiting = Arc::clone(&waiting);
        async move {
            waiting.notified().await;
            Err(Failure::retry("it would be tried again"))
        }
    });
    crew.writes(letter("ada")).await;
    let worker = crew.hire();
    crew.until_there_are(1, "running").await;

    assert_eq!(forget(&app, "ada").await, 1);
    go_on.notify_one();

    worker.ends().await;
    assert_eq!(app.number("SELECT count(*) FROM job").await, 0);
}

#[tokio::test]
async fn a_dead_job_about_a_person_is_forgotten_in_time_and_others_wait_for_operators() {
    let app = TestApp::start().await;
    let crew = Crew::of(&app, |_, _| async { Err(Failure::retry("no")) });
    crew.writes(letter("ada").max_attempts(1)).await;
    // A mail of an earlier version of the program does not say whom it is about.
    crew.writes(letter("old").max_attempts(1)).await;
    app.execute("UPDATE job SET subject = NULL WHERE CAST(args AS text) LIKE '%old%'").await;
    crew.writes(Errand::job("plain").max_attempts(1)).await;
    crew.works().await;
    assert_eq!(app.number("SELECT count(*) FROM job WHERE status = 'dead'").await, 3);

    app.waits(chrono::TimeDelta::days(DEAD_KEPT_DAYS - 1));
    assert_eq!(purge_dead(&app.app.db).await.unwrap(), 0);
    app.waits(chrono::TimeDelta::days(2));
    assert_eq!(purge_dead(&app.app.db).await.unwrap(), 2);

    assert_eq!((naming(&app, "plain").await, naming(&app, "ada").await), (1, 0));
}

#[tokio::test]
async fn ticks_of_schedules_are_forgotten_also_when_they_failed_or_were_never_begun() {
    let app = TestApp::start().await;
    let crew = Crew::of(&app, |_, _| async { Err(Failure::retry("no")) });
    let tick = |name: &str| Errand::job(name).dedupe(format!("schedule:{name}:1"));
    crew.writes(tick("failed").max_attempts(1)).await;
    crew.works().await;
    crew.writes(tick("missed")).await;
    crew.writes(Errand::job("asked for")).await;

    app.waits(chrono::TimeDelta::hours(3));
    assert_eq!(purge_done(&app.app.db).await.unwrap(), 1, "the one that was not begun");
    assert_eq!(purge_dead(&app.app.db).await.unwrap(), 0, "somebody may look at it");
    app.waits(chrono::TimeDelta::hours(22));
    assert_eq!(purge_dead(&app.app.db).await.unwrap(), 1);

    assert_eq!((naming(&app, "missed").await, naming(&app, "asked for").await), (0, 1));
}
