//! Mail over a real conversation with a mail server, willing and unwilling, from a job.

use crate::app::{Mood, Nobody, SmtpSink, TestApp};
use serde::{Deserialize, Serialize};
use std::time::Duration;
use stockroom::config::{Environment, MailSettings};
use stockroom::jobs::{Handlers, Job, NewJob, Status, Timing, Worker, enqueue_in_txn, list};
use stockroom::mail::{MailError, Mailer, Message};

#[derive(Serialize, Deserialize)]
struct Greeting {
    to: String,
}

impl Job for Greeting {
    const KIND: &'static str = "test.greeting";
}

fn settings(url: Option<String>) -> MailSettings {
    MailSettings {
        smtp_url: url.map(Into::into),
        from: "Shop <hello@shop.example>".parse().unwrap(),
        storefront_url: "https://shop.example".to_owned(),
    }
}

fn mailer(sink: &SmtpSink) -> Mailer {
    mailer_with(sink.url(), Duration::from_secs(30))
}

/// A mailer to this server, which waits so long for it.
fn mailer_with(url: String, limit: Duration) -> Mailer {
    Mailer::with_limit(&settings(Some(url)), Environment::Production, limit).unwrap()
}

fn message(to: &str) -> Message {
    Message {
        to: to.to_owned(),
        subject: "Grüße aus dem Laden".to_owned(),
        text: "Hello!\n.\nhttps://shop.example/verify?token=a=b\n.. and good bye.\n".to_owned(),
    }
}

/// A worker that mails, and one greeting to be mailed.
async fn a_greeting(app: &TestApp, mailer: Mailer) -> Worker {
    let mut handlers = Handlers::default();
    handlers.on(move |greeting: Greeting, _| {
        let mailer = mailer.clone();
        async move { Ok(mailer.send(&message(&greeting.to)).await?) }
    });
    let job = &NewJob::new(&Greeting { to: "anna@example.com".to_owned() });
    let written = app.app.db.tx(|tx| async move { enqueue_in_txn(&tx, job).await });
    assert!(written.await.unwrap());
    Worker::new(app.app.db.clone(), handlers, Vec::new(), Timing::default())
}

#[tokio::test]
async fn a_message_arrives_as_it_was_written() {
    let sink = SmtpSink::start().await;

    mailer(&sink).send(&message("anna@example.com")).await.unwrap();

    let mail = sink.mails().remove(0);
    assert_eq!(mail.from, "hello@shop.example");
    assert_eq!(mail.to, ["anna@example.com"]);
    assert_eq!(mail.header("From"), "Shop <hello@shop.example>");
    assert_eq!(mail.text(), message("").text);
    assert!(!mail.header("Date").is_empty() && mail.header("Message-ID").contains("@shop.example"));
}

#[tokio::test]
async fn connections_are_used_again() {
    let sink = SmtpSink::start().await;
    let mailer = mailer(&sink);

    for _ in 0..5 {
        mailer.send(&message("anna@example.com")).await.unwrap();
        // The connection is put back by a task of the library's.
        tokio::time::sleep(Duration::from_millis(20)).await;
    }

    assert_eq!(sink.mails().len(), 5);
    assert!(sink.connections() < 5, "{} connections", sink.connections());
}

#[tokio::test]
async fn a_temporary_refusal_is_tried_again() {
    let app = TestApp::start().await;
    let sink = SmtpSink::start().await;
    sink.is_now(Mood::Refusing("450 4.2.1 <anna@example.com> is busy".to_owned()));
    let worker = a_greeting(&app, mailer(&sink)).await;

    worker.run_due().await.unwrap();
    let waiting = list(&app.app.db, Status::Queued, 9).await.unwrap().remove(0);
    sink.is_now(Mood::Willing);
    app.waits(chrono::TimeDelta::seconds(2));
    worker.run_due().await.unwrap();

    let error = waiting.error.unwrap();
    assert!(error.contains("450") && !error.contains("anna"), "{error}");
    assert_eq!(sink.mails().len(), 1);
    assert_eq!(list(&app.app.db, Status::Done, 9).await.unwrap().len(), 1);
}

#[tokio::test]
async fn what_the_server_will_never_take_is_not_offered_again() {
    let app = TestApp::start().await;
    let sink = SmtpSink::start().await;
    sink.is_now(Mood::Refusing("550 5.1.1 <anna@example.com>: no such user".to_owned()));
    let worker = a_greeting(&app, mailer(&sink)).await;

    worker.run_due().await.unwrap();

    let done = list(&app.app.db, Status::Done, 9).await.unwrap().remove(0);
    let error = done.error.unwrap();
    assert!(error.contains("550") && !error.contains("anna"), "{error}");
    assert_eq!(done.attempts, 1);
    assert!(sink.mails().is_empty());
}

#[tokio::test]
async fn a_server_that_does_not_let_us_in_is_for_operators_to_see() {
    let app = TestApp::start().await;
    let sink = SmtpSink::start().await;
    sink.is_now(Mood::Refusing("530 5.7.0 authentication required".to_owned()));
    let worker = a_greeting(&app, mailer(&sink)).await;

    for _ in 0..5 {
        worker.run_due().await.unwrap();
        app.waits(chrono::TimeDelta::minutes(2));
    }

    let dead = list(&app.app.db, Status::Dead, 9).await.unwrap().remove(0);
    assert!(dead.error.unwrap().contains("530"));
}

#[tokio::test]
async fn a_server_that_never_answers_is_left_after_a_while() {
    let sink = SmtpSink::start().await;
    let mailer = mailer_with(sink.url(), Duration::from_secs(2));
    for mood in [Mood::Silent, Mood::SilentAtTheEnd] {
        sink.is_now(mood);
        let refused = mailer.send(&message("anna@example.com")).await.unwrap_err();
        assert!(matches!(refused, MailError::TimedOut(_)), "{refused}");
    }

    // What was left in the middle does not disturb what comes after it.
    sink.is_now(Mood::Willing);
    for name in ["one", "two", "three"] {
        mailer.send(&message(&format!("{name}@example.com"))).await.unwrap();
    }
    let to: Vec<_> = sink.mails().into_iter().flat_map(|mail| mail.to).collect();
    assert_eq!(to, ["one@example.com", "two@example.com", "three@example.com"]);
}

#[tokio::test]
async fn a_server_that_is_away_is_tried_again() {
    let nobody = Nobody::there();
    let mailer = mailer_with(format!("smtp://{}", nobody.address()), Duration::from_secs(30));

    let refused = mailer.send(&message("anna@example.com")).await.unwrap_err();

    assert!(matches!(refused, MailError::Unavailable(_)), "{refused}");
}

#[tokio::test]
async fn a_header_cannot_be_smuggled_in() {
    let sink = SmtpSink::start().await;
    let mailer = mailer(&sink);

    for (to, subject) in [
        ("anna@example.com\r\nBcc: eve@example.com", "Hi"),
        ("anna@example.com>\r\nRCPT TO:<eve@example.com", "Hi"),
        ("anna@example.com", "Hi\r\nBcc: eve@example.com"),
    ] {
        let message = Message { to: to.into(), subject: subject.into(), text: "x".into() };
        let refused = mailer.send(&message).await.unwrap_err();
        assert!(matches!(refused, MailError::Unsendable(_)), "{refused}");
    }
    // In the text it is text.
    let mut harmless = message("anna@example.com");
    harmless.text = "a\r\n.\r\nMAIL FROM:<eve@example.com>\r\n".to_owned();
    mailer.send(&harmless).await.unwrap();

    let mails = sink.mails();
    assert_eq!(mails.len(), 1);
    assert_eq!(mails[0].text(), "a\n.\nMAIL FROM:<eve@example.com>\n");
}

#[tokio::test]
async fn without_a_server_production_sends_nothing_and_development_writes_a_log() {
    let nowhere = Mailer::new(&settings(None), Environment::Production).unwrap();
    let log = Mailer::new(&settings(None), Environment::Development).unwrap();

    let refused = nowhere.send(&message("anna@example.com")).await.unwrap_err();

    assert!(matches!(refused, MailError::NotConfigured), "{refused}");
    log.send(&message("anna@example.com")).await.unwrap();
    assert!(nowhere.check().await.is_err() && log.check().await.is_ok());
}
