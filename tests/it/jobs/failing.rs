//! Jobs that fail: tried again after pauses, given up, thrown away, revived.

use super::crew::{Crew, Errand};
use crate::app::TestApp;
use std::time::Duration;
use stockroom::jobs::{Failure, Status, list, retry};
use stockroom::telemetry;

#[tokio::test]
async fn a_job_that_fails_is_tried_again_until_it_succeeds() {
    let app = TestApp::start().await;
    let crew = Crew::of(&app, |_, attempt| async move {
        if attempt.number < 4 { Err(Failure::retry("not yet")) } else { Ok(()) }
    });
    let worker = crew.hire();
    let retried = telemetry::total(telemetry::JOBS_RETRIED);

    crew.asks("stubborn").await;
    crew.until_done(1).await;

    worker.ends().await;
    let numbers: Vec<u32> = crew.attempts().into_iter().map(|(_, number)| number).collect();
    assert_eq!(numbers, [1, 2, 3, 4]);
    assert!(telemetry::total(telemetry::JOBS_RETRIED) >= retried + 3);
    assert_eq!(app.number("SELECT count(*) FROM job WHERE error IS NULL").await, 1);
}

#[tokio::test]
async fn each_pause_stands_in_the_row_and_is_four_times_the_last() {
    let app = TestApp::start().await;
    let mut crew = Crew::of(&app, |_, _| async { Err(Failure::retry("no")) });
    crew.timing.backoff = Duration::from_secs(30);
    crew.asks("failing").await;

    for seconds in [30.0, 120.0, 480.0, 1_920.0] {
        let before = app.app.db.now();
        assert_eq!(crew.works().await, 1);
        let row = list(&app.app.db, Status::Queued, 1).await.unwrap().remove(0);

        let pause = (row.run_at - before).as_seconds_f64();
        assert!((seconds * 0.8..seconds * 1.2 + 20.0).contains(&pause), "{seconds}: {pause}");
        assert_eq!(row.error.as_deref(), Some("no"));
        assert_eq!(crew.works().await, 0, "it waits");
        app.waits(chrono::TimeDelta::milliseconds((seconds * 1_200.0) as i64));
    }
    assert_eq!(crew.works().await, 1);
    assert_eq!(list(&app.app.db, Status::Dead, 9).await.unwrap().len(), 1);
}

#[tokio::test]
async fn after_the_last_attempt_it_is_dead_and_operators_can_revive_it() {
    let app = TestApp::start().await;
    let crew = Crew::of(&app, |_, attempt| async move {
        assert_eq!(attempt.is_last(), attempt.number == 2);
        Err(Failure::retry("broken"))
    });
    let worker = crew.hire();
    crew.writes(Errand::job("doomed").max_attempts(2)).await;
    crew.until_there_are(1, "dead").await;
    worker.ends().await;

    let dead = list(&app.app.db, Status::Dead, 9).await.unwrap().remove(0);
    assert_eq!((dead.attempts, dead.error.as_deref()), (2, Some("broken")));
    assert!(retry(&app.app.db, dead.id).await.unwrap());
    assert!(!retry(&app.app.db, dead.id).await.unwrap(), "it is not dead any more");

    let healed = Crew::obedient(&app);
    assert_eq!(healed.works().await, 1);
    assert_eq!(healed.attempts(), [("doomed".to_owned(), 1)]);
    assert_eq!(list(&app.app.db, Status::Done, 9).await.unwrap().len(), 1);
}

#[tokio::test]
async fn what_is_discarded_is_not_tried_again_and_keeps_the_reason() {
    let app = TestApp::start().await;
    let crew = Crew::of(&app, |_, _| async { Err(Failure::discard("nobody wants it")) });
    crew.asks("unwanted").await;

    assert_eq!(crew.works().await, 1);

    assert_eq!(crew.works().await, 0);
    let done = list(&app.app.db, Status::Done, 9).await.unwrap().remove(0);
    assert_eq!(done.error.as_deref(), Some("nobody wants it"));
}

#[tokio::test]
async fn a_panic_is_a_failure_of_its_job_alone() {
    let app = TestApp::start().await;
    let crew = Crew::of(&app, |name, attempt| async move {
        assert!(name != "explosive" || attempt.number > 1, "in a handler");
        Ok(())
    });
    let worker = crew.hire();

    crew.asks("explosive").await;
    crew.asks("calm").await;
    crew.until_done(2).await;

    worker.ends().await;
    let again = crew.attempts().into_iter().filter(|(name, _)| name == "explosive").count();
    assert_eq!(again, 2);
}

#[tokio::test]
async fn arguments_that_cannot_be_read_are_tried_again_and_never_reach_the_handler() {
    let app = TestApp::start().await;
    let mut crew = Crew::obedient(&app);
    crew.timing.backoff = Duration::from_secs(60);
    crew.asks("garbled").await;
    app.execute("UPDATE job SET args = '{\"no\": \"name\"}'").await;

    assert_eq!(crew.works().await, 1);

    assert!(crew.attempts().is_empty());
    let queued = list(&app.app.db, Status::Queued, 9).await.unwrap().remove(0);
    assert!(queued.error.unwrap().contains("arguments"));
}
