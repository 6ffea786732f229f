//! Jobs where whole processes end and begin: servers beside each other, one that is killed, and a
//! Postgres that is started anew.

use super::crew::{Crew, QUICK};
use crate::app::{Mood, PostgresServer, ServerProcess, SmtpSink, TestApp};
use serde_json::{Value, json};
use std::collections::HashSet;
use std::time::Duration;
use stockroom::jobs::{Status, list};

#[tokio::test]
async fn two_servers_on_one_postgres_write_each_tick_once() {
    let app = TestApp::start().await;
    if !app.app.db.is_postgres() {
        // SQLite has one process.
        return;
    }

    let (mut one, mut two) = tokio::join!(ServerProcess::start(&app), ServerProcess::start(&app));

    // Whoever shows that it is there has written the last tick of each schedule, or found it.
    app.until("both work", async |app| app.number("SELECT count(*) FROM job_worker").await == 2)
        .await;
    let undone = "SELECT count(*) FROM job WHERE status <> 'done'";
    app.until("all is done", async |app| app.number(undone).await == 0).await;
    for server in [&mut one, &mut two] {
        server.end_and_read_log().await;
    }
    let done = list(&app.app.db, Status::Done, 100).await.unwrap();
    let tick = |key: &str| {
        let (schedule, instant) = key.strip_prefix("schedule:")?.split_once(':')?;
        Some((schedule.to_owned(), instant.get(.."2026-11-22T03:00:00Z".len())?.to_owned()))
    };
    let ticks: HashSet<_> =
        done.iter().map(|job| job.dedupe.as_deref().and_then(tick).expect("a tick")).collect();
    let schedules: HashSet<_> = ticks.iter().map(|(schedule, _)| schedule).collect();
    assert!(schedules.len() >= 4, "{schedules:?}");
    assert_eq!(done.len(), ticks.len(), "a tick was written twice: {done:?}");
    assert!(done.iter().all(|job| job.attempts == 1), "a job was done twice: {done:?}");
}

/// Registers with a server; from the answer on, a mail is promised.
async fn register(server: &ServerProcess, email: &str) {
    let document = "mutation ($input: AccountRegisterInput!) { \
        accountRegister(input: $input) { userErrors { code } } }";
    let input = json!({ "email": email, "name": "One", "password": "four words in a row" });
    let body = json!({ "query": document, "variables": { "input": input } });
    let answer = reqwest::Client::new().post(server.url("/graphql")).json(&body).send().await;
    let answer: Value = answer.unwrap().json().await.unwrap();
    assert_eq!(answer["data"]["accountRegister"]["userErrors"], json!([]), "{answer}");
}

#[tokio::test]
async fn a_server_that_was_killed_does_its_backlog_when_it_is_started_again() {
    let app = TestApp::start().await;
    let sink = SmtpSink::start().await;
    sink.is_now(Mood::Silent);
    let url = sink.url();
    let settings = [("SMTP_URL", url.as_str())];
    let mut server = ServerProcess::start_with(&app, &settings).await;
    let emails: Vec<String> = (0..8).map(|n| format!("user{n}@shop.example")).collect();
    for email in &emails {
        register(&server, email).await;
    }
    let mails = |status: &str| {
        format!(
            "SELECT count(*) FROM job WHERE kind = 'account.registered' AND status = '{status}'"
        )
    };
    app.until("some are under way", async |app| app.number(&mails("running")).await == 4).await;

    server.child().kill().await.unwrap();
    assert_eq!(app.number(&mails("running")).await, 4, "nobody could say that they were cut short");
    assert_eq!(app.number(&mails("queued")).await, 4);
    // The time passes for which the one that is gone had claimed them.
    app.execute("UPDATE job SET run_at = created_at WHERE status = 'running'").await;
    sink.is_now(Mood::Willing);
    let _again = ServerProcess::start_with(&app, &settings).await;

    app.until("all are done", async |app| app.number(&mails("done")).await == 8).await;
    let mut to: Vec<String> = sink.mails().into_iter().flat_map(|mail| mail.to).collect();
    to.sort();
    let mut expected = emails;
    expected.sort();
    assert_eq!(to, expected);
}

#[tokio::test]
async fn a_restart_of_postgres_loses_no_job() {
    const JOBS: usize = 200;
    let Some(mut postgres) = PostgresServer::start().await else { return };
    let app = TestApp::on_server(&postgres.url()).await;
    let crew = Crew::of(&app, |_, _| async {
        tokio::time::sleep(Duration::from_millis(60)).await;
        Ok(())
    });
    for number in 0..JOBS {
        crew.asks(&number.to_string()).await;
    }
    let worker = crew.hire();

    for begun in [6, 20] {
        crew.until_begun(begun).await;
        postgres.crash().await;
        // What ends meanwhile cannot be written, and nothing can be claimed.
        tokio::time::sleep(QUICK.pause * 4).await;
        assert!(crew.attempts().len() < JOBS, "there is no backlog left");
        postgres.start_again().await;
    }

    crew.until_done(i64::try_from(JOBS).unwrap()).await;
    assert!(worker.is_there());
    worker.ends().await;
    let done: HashSet<String> = crew.attempts().into_iter().map(|(name, _)| name).collect();
    assert_eq!(done.len(), JOBS);
}
