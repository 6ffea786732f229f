//! Schedules: each tick once, however many processes there are.

use super::crew::{Crew, Errand, NO_END};
use crate::app::TestApp;
use std::collections::HashSet;
use stockroom::jobs::{Schedule, Status, list};

#[tokio::test]
async fn two_workers_write_each_tick_once_and_nothing_is_done_twice() {
    let app = TestApp::start().await;
    let replica = app.replica().await;
    let mut crews = [Crew::obedient(&app), Crew::obedient(&replica)];
    for crew in &mut crews {
        let every_second = Schedule::new("tick", "* * * * * *", &Errand::named("tick"));
        crew.schedules = vec![every_second.unwrap()];
        crew.timing.lease = NO_END;
    }
    let workers = crews.each_ref().map(Crew::hire);

    let jobs = "SELECT count(*) FROM job WHERE status = 'done'";
    app.until("three ticks are done", async |app| app.number(jobs).await >= 3).await;
    for worker in workers {
        worker.ends().await;
    }

    let done = list(&app.app.db, Status::Done, 100).await.unwrap();
    let ticks: HashSet<_> = done.iter().filter_map(|job| job.dedupe.clone()).collect();
    assert_eq!(ticks.len(), done.len(), "a tick was written twice: {done:?}");
    let attempts: usize = crews.iter().map(|crew| crew.attempts().len()).sum();
    assert_eq!(attempts, done.len(), "a job was done twice");
}

#[tokio::test]
async fn many_workers_do_each_job_once() {
    const JOBS: usize = 200;
    let app = TestApp::start().await;
    let replica = app.replica().await;
    let mut crews = [Crew::obedient(&app), Crew::obedient(&replica)];
    for crew in &mut crews {
        crew.timing.lease = NO_END;
    }
    for number in 0..JOBS {
        crews[0].asks(&number.to_string()).await;
    }
    let workers = [crews[0].hire(), crews[0].hire(), crews[1].hire(), crews[1].hire()];

    crews[0].until_done(JOBS as i64).await;

    for worker in workers {
        worker.ends().await;
    }
    let attempts: Vec<_> = crews.iter().flat_map(Crew::attempts).collect();
    let jobs: HashSet<_> = attempts.iter().collect();
    assert_eq!((attempts.len(), jobs.len()), (JOBS, JOBS));
}
