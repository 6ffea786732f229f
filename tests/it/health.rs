//! The probes, and how the process begins and ends.

use crate::app::{Nobody, ServerProcess, SmtpSink, Socket, TestApp};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

#[tokio::test]
async fn a_ready_server_says_so_in_detail() {
    let app = TestApp::start().await;
    app.app.work_in_background();
    app.until("it is ready", async |app| {
        app.guest().get("/health/ready").await.json["status"] == "healthy"
    })
    .await;

    let answer = app.guest().get("/health/ready").await;

    app.ends_background_work().await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.json["status"], "healthy");
    assert_eq!(answer.json["service"], "stockroom");
    assert_eq!(answer.json["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(answer.json["checks"]["database"]["status"], "healthy");
    assert_eq!(answer.json["checks"]["cache"]["status"], "healthy");
    assert_eq!(answer.json["checks"]["worker"]["status"], "healthy");
    assert_eq!(answer.json["checks"]["mail"]["status"], "healthy");
    assert!(answer.json["latency_ms"].is_number());
    assert!(answer.json["timestamp"].as_str().unwrap().ends_with('Z'));
}

#[tokio::test]
async fn a_worker_that_has_just_begun_is_well_and_one_that_was_never_begun_is_not() {
    let app = TestApp::start().await;
    assert!(app.app.check_worker().await.is_err());

    app.app.work_in_background();

    // Nothing has been awaited: it has not had its first turn.
    let now = futures::FutureExt::now_or_never(app.app.check_worker());
    assert!(matches!(now, Some(Ok(()))), "{now:?}");
    app.ends_background_work().await;
}

#[tokio::test]
async fn a_server_that_starts_has_nothing_to_warn_of() {
    let app = TestApp::start().await;
    // It is asked whether it is ready from the moment on when it listens.
    let mut server = ServerProcess::start_logging(&app).await;

    let log = server.end_and_read_log().await;

    assert!(!log.contains("not well") && !log.contains("\"WARN\""), "{log}");
}

#[tokio::test]
async fn without_the_database_it_is_alive_and_not_ready() {
    let app = TestApp::start().await;
    app.app.db.close().await;

    let live = app.guest().get("/health/live").await;
    let ready = app.guest().get("/health/ready").await;

    assert_eq!((live.status.as_u16(), &live.json["status"]), (200, &"healthy".into()));
    assert_eq!((ready.status.as_u16(), &ready.json["status"]), (503, &"unhealthy".into()));
    assert_eq!(ready.json["checks"]["database"]["status"], "unhealthy");
}

#[tokio::test]
async fn while_draining_it_serves_and_is_not_ready() {
    let app = TestApp::start().await;
    assert_eq!(app.guest().get("/health/ready").await.status, 200);

    app.app.lifecycle.draining.cancel();

    assert_eq!(app.guest().get("/health/ready").await.status, 503);
    assert_eq!(app.guest().get("/health/live").await.status, 200);
    assert_eq!(app.guest().query("{ __typename }").await.status, 200);
}

#[tokio::test]
async fn the_program_serves_the_database_it_is_given() {
    let app = TestApp::start().await;
    let server = ServerProcess::start(&app).await;
    let customer = app.token(app.account(stockroom::auth::Role::Customer).await);

    let client = reqwest::Client::new().post(server.url("/graphql")).bearer_auth(customer);
    let body = serde_json::json!({ "query": "{ me { role } }" });
    let answer = client.json(&body).send().await.unwrap();

    let answer: serde_json::Value = answer.json().await.unwrap();
    assert_eq!(answer["data"]["me"]["role"], "CUSTOMER", "{answer}");
}

#[tokio::test]
async fn told_to_end_it_is_not_ready_first_and_then_closes_in_order() {
    let app = TestApp::start().await;
    let mut server = ServerProcess::start_with(&app, &[("DRAIN_DELAY_SECONDS", "5")]).await;
    let mut socket = Socket::ready(server.address(), None).await;

    server.signal("TERM");
    app.until("it is not ready", async |_| {
        let ready = reqwest::get(server.url("/health/ready")).await;
        ready.is_ok_and(|ready| ready.status() == 503)
    })
    .await;
    assert_eq!(reqwest::get(server.url("/health/live")).await.unwrap().status(), 200);
    assert_eq!(socket.close_code().await, 1001);

    assert!(server.child().wait().await.unwrap().success());
}

#[tokio::test]
async fn the_health_command_says_what_the_probe_says() {
    let app = TestApp::start().await;
    let mut server = ServerProcess::start_with(&app, &[("DRAIN_DELAY_SECONDS", "60")]).await;
    let everywhere = format!("0.0.0.0:{}", server.address().port());

    let ready = server.health(&server.address().to_string()).await;
    let found = server.health(&everywhere).await;
    server.signal("TERM");
    app.until("it is not ready", async |_| {
        let ready = reqwest::get(server.url("/health/ready")).await;
        ready.is_ok_and(|ready| ready.status() == 503)
    })
    .await;
    let draining = server.health(&everywhere).await;
    server.child().kill().await.unwrap();
    let gone = server.health(&everywhere).await;

    for ended in [ready, found] {
        assert_eq!(ended.status.code(), Some(0), "{ended:?}");
        assert!(ended.stdout.starts_with(b"ready"), "{ended:?}");
    }
    for (ended, sentence) in [(draining, "answers 503"), (gone, "cannot ask http://127.0.0.1:")] {
        assert_eq!(ended.status.code(), Some(1), "{ended:?}");
        let said = String::from_utf8(ended.stderr).unwrap();
        assert!(said.starts_with("stockroom: ") && said.contains(sentence), "{said}");
    }
}

#[tokio::test]
async fn told_twice_it_ends_at_once() {
    let app = TestApp::start().await;
    let mut server = ServerProcess::start_with(&app, &[("DRAIN_DELAY_SECONDS", "60")]).await;

    server.signal("TERM");
    app.until("it has heard", async |_| {
        let ready = reqwest::get(server.url("/health/ready")).await;
        ready.is_ok_and(|ready| ready.status() == 503)
    })
    .await;
    server.signal("INT");

    assert_eq!(server.child().wait().await.unwrap().code(), Some(143));
}

#[tokio::test]
async fn a_mutation_under_way_is_through_before_the_program_ends() {
    let app = TestApp::start().await;
    let mut server = ServerProcess::start(&app).await;
    let staff = app.staff().await;
    let held = app.hold_warehouses().await;
    let document = "mutation { warehouseCreate(input: { code: \"LAST\", name: \"Last\" }) \
                    { userErrors { code } } }";
    let body = serde_json::json!({ "query": document }).to_string();
    let head = format!(
        "POST /graphql HTTP/1.1\r\nhost: test\r\ncontent-type: application/json\r\n\
         authorization: Bearer {}\r\ncontent-length: {}\r\nexpect: 100-continue\r\n\r\n",
        staff.token().unwrap(),
        body.len()
    );
    let mut socket = Socket::ready(server.address(), None).await;
    let mut client = TcpStream::connect(server.address()).await.unwrap();
    client.write_all(head.as_bytes()).await.unwrap();
    let mut told = Vec::new();
    while !told.ends_with(b"\r\n\r\n") {
        assert!(client.read_buf(&mut told).await.unwrap() > 0, "the connection was closed");
    }
    // The server has begun with the request.
    assert!(told.starts_with(b"HTTP/1.1 100 "), "{}", String::from_utf8_lossy(&told));
    client.write_all(body.as_bytes()).await.unwrap();

    server.signal("TERM");
    assert_eq!(socket.close_code().await, 1001);
    held.release().await;

    let mut answer = String::new();
    client.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    assert!(answer.contains(r#"{"warehouseCreate":{"userErrors":[]}}"#), "{answer}");
    assert!(server.child().wait().await.unwrap().success());
}

#[tokio::test]
async fn a_new_shop_in_development_has_an_administrator_whose_password_is_told_once() {
    let app = TestApp::start().await;

    let password = app.app.first_admin().await.unwrap().expect("the shop is new");
    assert!(app.app.first_admin().await.unwrap().is_none());

    let document = "mutation ($password: String!) { tokenCreate(input: { \
        email: \"admin@stockroom.example\", password: $password }) \
        { user { role } userErrors { code } } }";
    let password = secrecy::ExposeSecret::expose_secret(&password).to_owned();
    let variables = serde_json::json!({ "password": password });
    let answer = app.guest().query(document).with_variables(variables).await;
    assert_eq!(answer.data()["tokenCreate"]["user"]["role"], "ADMIN");
}

#[tokio::test]
async fn a_new_shop_in_production_has_no_administrator_that_nobody_asked_for() {
    let production = stockroom::config::Environment::Production;
    let app = TestApp::with(|settings| settings.environment = production).await;

    assert!(app.app.first_admin().await.unwrap().is_none());
}

#[tokio::test]
async fn without_a_worker_or_a_mail_server_it_is_ready_and_says_so() {
    let nobody = Nobody::there();
    let url = format!("smtp://{}", nobody.address());
    let app = TestApp::with(|settings| settings.mail.smtp_url = Some(url.into())).await;

    let answer = app.guest().get("/health/ready").await;

    assert_eq!((answer.status.as_u16(), &answer.json["status"]), (200, &"degraded".into()));
    assert_eq!(answer.json["checks"]["worker"]["status"], "degraded");
    assert_eq!(answer.json["checks"]["mail"]["status"], "degraded");
    assert_eq!(answer.json["checks"]["database"]["status"], "healthy");
}

#[tokio::test]
async fn a_mail_server_that_answers_is_asked_once_for_many_probes() {
    let sink = SmtpSink::start().await;
    let app = TestApp::with(|settings| settings.mail.smtp_url = Some(sink.url().into())).await;

    for _ in 0..20 {
        assert!(app.app.mailer.check().await.is_ok());
    }

    assert_eq!(sink.connections(), 1);
}

#[tokio::test]
async fn api_and_worker_can_be_processes_of_their_own() {
    let app = TestApp::start().await;
    if !app.app.db.is_postgres() {
        // Refused on SQLite, which the tests of the command line see to.
        return;
    }
    let api = ServerProcess::start_with(&app, &[("ROLE", "api")]).await;
    let worker_of = async || {
        let ready = reqwest::get(api.url("/health/ready")).await.unwrap();
        let ready: serde_json::Value = ready.json().await.unwrap();
        ready["checks"]["worker"]["status"].clone()
    };
    assert_eq!(worker_of().await, "degraded");

    let mut worker = ServerProcess::start_with(&app, &[("ROLE", "worker")]).await;

    app.until("the worker is seen", async |_| worker_of().await == "healthy").await;
    assert_eq!(reqwest::get(worker.url("/graphql")).await.unwrap().status(), 404);
    assert_eq!(reqwest::get(worker.url("/health/live")).await.unwrap().status(), 200);
    assert!(worker.health(&worker.address().to_string()).await.status.success());
    worker.end_and_read_log().await;
    app.until("the worker has left", async |_| worker_of().await == "degraded").await;
}
