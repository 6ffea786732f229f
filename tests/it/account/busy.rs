//! When there is too much to hash: whoever is told to come back later has not tried.

use super::people::{NEW_PASSWORD, PASSWORD, WRONG, account, ok, refused, run, signed_in};
use super::throttle::{PAUSES, outcome, sign_in};
use crate::app::TestApp;
use chrono::TimeDelta;
use serde_json::json;
use std::sync::mpsc;
use std::time::Duration;
use stockroom::account::{AccountError, NewUser};
use stockroom::auth::{Role, Viewer};
use uuid::Uuid;

const ADA: &str = "ada@shop.example";
/// What the counters of all tries come to.
const TRIES: &str = "SELECT coalesce(sum(attempts), 0) FROM throttle";
/// As many as hash or wait at one time.
const CROWD: usize = 32;

/// Runs a test where all hashing is done by one thread, which the test can keep from working.
fn with_one_to_hash(test: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .max_blocking_threads(1)
        .enable_all()
        .build();
    runtime.expect("a runtime starts").block_on(test);
}

/// Those who fill the queue of the hashing, and do not come on.
struct Crowd {
    release: mpsc::Sender<()>,
    waiting: Vec<tokio::task::JoinHandle<Result<Uuid, AccountError>>>,
}

impl Crowd {
    async fn gathers(app: &TestApp) -> Self {
        let (release, released) = mpsc::channel::<()>();
        tokio::task::spawn_blocking(move || released.recv());
        let come = (0..=CROWD).map(|_| {
            let accounts = app.app.services.accounts.clone();
            tokio::spawn(async move {
                let new = NewUser {
                    email: format!("{}@stockroom.example", Uuid::new_v4().simple()),
                    name: "One of many".to_owned(),
                    password: PASSWORD.to_owned().into(),
                    role: Role::Customer,
                };
                accounts.create(&Viewer::System, new).await.map(|user| user.id)
            })
        });
        // The one who is too many is told so, when all others are in the queue.
        let (first, _, waiting) = futures::future::select_all(come).await;
        assert!(matches!(first.unwrap(), Err(AccountError::Busy)));
        Self { release, waiting }
    }

    async fn leaves(self) {
        self.release.send(()).unwrap();
        for one in self.waiting {
            one.await.unwrap().expect("whoever waits is served");
        }
    }
}

#[test]
fn a_sign_in_that_there_was_no_time_for_neither_counts_nor_clears() {
    with_one_to_hash(async {
        let app = TestApp::start().await;
        account(&app, ADA, Role::Customer).await;
        let guest = app.guest().at("203.0.113.9");
        let (last, before) = PAUSES.split_last().unwrap();
        for pause in before {
            app.waits(TimeDelta::seconds(*pause));
            assert_eq!(outcome(&sign_in(&guest, ADA, WRONG).await), "wrong");
        }
        app.waits(TimeDelta::seconds(*last));

        let crowd = Crowd::gathers(&app).await;
        for password in [PASSWORD, WRONG].into_iter().cycle().take(30) {
            let busy = sign_in(&guest, ADA, password).await;
            assert_eq!(busy.error_codes(), ["SERVICE_UNAVAILABLE"], "{}", busy.text);
        }
        let tries = app.number(TRIES).await;
        crowd.leaves().await;

        assert_eq!(tries, 18, "nine of the account, nine of the address");
        assert_eq!(outcome(&sign_in(&guest, ADA, WRONG).await), "wrong");
        assert_eq!(outcome(&sign_in(&guest, ADA, PASSWORD).await), "limited");
    });
}

#[test]
fn a_password_that_there_was_no_time_to_check_neither_counts_nor_clears() {
    with_one_to_hash(async {
        let app = TestApp::start().await;
        account(&app, ADA, Role::Customer).await;
        let own = signed_in(&app, ADA, PASSWORD).await;
        let change =
            |current: &str| json!({ "currentPassword": current, "newPassword": NEW_PASSWORD });
        for _ in 0..3 {
            let told = refused(&own, "passwordChange", change(WRONG)).await;
            assert_eq!(told, ["INVALID_CREDENTIALS currentPassword"]);
        }

        let crowd = Crowd::gathers(&app).await;
        for _ in 0..4 {
            for (mutation, input) in [
                ("passwordChange", change(PASSWORD)),
                ("emailChangeRequest", json!({ "email": "a@b.example", "password": PASSWORD })),
                ("accountDeactivate", json!({ "password": PASSWORD })),
                ("accountErase", json!({ "password": WRONG })),
            ] {
                let busy = run(&own, mutation, "", input).await;
                assert_eq!(busy.error_codes(), ["SERVICE_UNAVAILABLE"], "{}", busy.text);
            }
        }
        let tries = app.number(TRIES).await;
        crowd.leaves().await;

        assert_eq!(tries, 3);
        let told = refused(&own, "passwordChange", change(WRONG)).await;
        assert_eq!(told, ["INVALID_CREDENTIALS currentPassword"]);
        ok(&own, "passwordChange", "", change(PASSWORD)).await;
        assert_eq!(app.number(TRIES).await, 0);
    });
}

#[test]
fn a_registration_that_there_was_no_time_for_does_not_count() {
    with_one_to_hash(async {
        let app = TestApp::start().await;
        let guest = app.guest().at("203.0.113.9");
        let input = json!({ "email": ADA, "name": "Ada", "password": PASSWORD });

        let crowd = Crowd::gathers(&app).await;
        for _ in 0..6 {
            let busy = run(&guest, "accountRegister", "", input.clone()).await;
            assert_eq!(busy.error_codes(), ["SERVICE_UNAVAILABLE"], "{}", busy.text);
        }
        crowd.leaves().await;

        ok(&guest, "accountRegister", "", input).await;
        assert_eq!(app.number(TRIES).await, 2, "one of the address, one of the client");
    });
}

/// A shop whose requests may take as long as a crowd takes to be served, on any machine.
async fn patient() -> TestApp {
    TestApp::with(|settings| settings.transport.request = Duration::from_secs(60)).await
}

/// Signs these in, all at once, from one address and through two replicas; tells how it ended for
/// each.
async fn sign_in_at_once(app: &TestApp, emails: Vec<String>) -> Vec<String> {
    let replica = app.replica().await;
    let callers = [app, &replica].map(|app| app.guest().at("203.0.113.9"));
    let sign_ins = emails.into_iter().zip(callers.into_iter().cycle()).map(|(email, caller)| {
        tokio::spawn(async move { outcome(&sign_in(&caller, &email, PASSWORD).await).to_owned() })
    });
    let outcomes = futures::future::join_all(sign_ins.collect::<Vec<_>>()).await;
    outcomes.into_iter().map(|outcome| outcome.expect("it is decided")).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn everyone_who_knows_the_password_of_an_account_comes_in_at_once() {
    let app = patient().await;
    account(&app, ADA, Role::Customer).await;

    let outcomes = sign_in_at_once(&app, vec![ADA.to_owned(); 12]).await;

    assert_eq!(outcomes, vec!["in"; 12]);
    assert_eq!(app.number("SELECT count(*) FROM session").await, 12);
    assert_eq!(app.number(TRIES).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn everyone_behind_an_address_comes_in_at_once() {
    let app = patient().await;
    let emails: Vec<String> = (0..24).map(|n| format!("user{n}@shop.example")).collect();
    for email in &emails {
        account(&app, email, Role::Customer).await;
    }

    let outcomes = sign_in_at_once(&app, emails).await;

    assert_eq!(outcomes, vec!["in"; 24]);
    assert_eq!(app.number(TRIES).await, 0);
}
