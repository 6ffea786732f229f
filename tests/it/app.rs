//! The application under test: the real `App` and router on a database of its own, and those who
//! call it. In-process for plain calls; on a real port for sockets and for clients that hang up.

mod caller;
mod database;
mod doctor;
mod fixture;
mod port;
mod postgres;
mod process;
mod redis;
mod sales;
mod shop;
mod smtp;
mod socket;
mod stripe;
mod till;

pub use caller::{Answer, Caller};
pub use port::Nobody;
pub use postgres::PostgresServer;
pub use process::ServerProcess;
pub use redis::RedisServer;
pub use sales::{country, currency};
pub use shop::{LevelNow, MAIN, QUARTER_HOUR, order_of, warehouse_id};
pub use smtp::{Mail, Mood, SmtpSink};
pub use socket::Socket;
pub use stripe::{StripeFront, Trouble};
pub use till::{eur, providers_answer_late, without_patience};

use axum::Router;
use clap::Parser;
use database::TestDatabase;
use secrecy::ExposeSecret;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use stockroom::app::App;
use stockroom::auth::{KeyMaterial, KeyRing, Role, TokenCodec, Viewer};
use stockroom::config::{Settings, SettingsArgs};
use tokio::net::TcpListener;
use uuid::Uuid;

/// Signs the tokens of all tests, so that they need not sign in.
const SIGNING_KEY: &str = "a key for tests alone, known to everyone who reads this";

/// Asks for the long form of tests that repeat something at random.
const LONG: &str = "STOCKROOM_TEST_LONG";

/// How often to repeat something: so often, or in the long form of the tests so often.
pub fn repeated(usually: usize, in_the_long_form: usize) -> usize {
    if std::env::var(LONG).is_ok_and(|it| it == "1") { in_the_long_form } else { usually }
}

/// The application under test. Its database goes when it does.
pub struct TestApp {
    /// The application.
    pub app: App,
    router: Router,
    address: tokio::sync::OnceCell<SocketAddr>,
    database: Arc<TestDatabase>,
}

/// Reads settings as the program does.
#[derive(Parser)]
struct Arguments {
    #[command(flatten)]
    settings: SettingsArgs,
}

/// The tests' own HTTP clients are made only where there is cryptography for TLS, used or not.
pub fn lets_clients_be_made() {
    // The second time it is there.
    let _ = rustls::crypto::ring::default_provider().install_default();
}

/// Whether these settings speak to the Redis that the tests share, and not to one of their own.
fn same_redis(one: &Settings, shared: &Settings) -> bool {
    let url =
        |settings: &Settings| settings.redis_url.as_ref().map(|url| url.expose_secret().to_owned());
    url(one) == url(shared)
}

impl TestApp {
    /// An application with the settings of development.
    pub async fn start() -> Self {
        Self::with(|_| ()).await
    }

    /// An application with other settings.
    pub async fn with(configure: impl FnOnce(&mut Settings)) -> Self {
        let database = Arc::new(TestDatabase::create().await);
        Box::pin(Self::on(database, configure)).await
    }

    /// An application on a database of its own on this Postgres server.
    pub async fn on_server(url: &str) -> Self {
        let database = Arc::new(TestDatabase::create_on(url).await);
        Box::pin(Self::on(database, |_| ())).await
    }

    /// Another replica on the same database and Redis, in this process.
    pub async fn replica(&self) -> Self {
        self.replica_with(|_| ()).await
    }

    /// Another replica on the same database, with other settings than this one has.
    pub async fn replica_with(&self, configure: impl FnOnce(&mut Settings)) -> Self {
        let inherit = |settings: &mut Settings| {
            *settings = self.app.settings.clone();
            configure(settings);
        };
        Box::pin(Self::on(Arc::clone(&self.database), inherit)).await
    }

    async fn on(database: Arc<TestDatabase>, configure: impl FnOnce(&mut Settings)) -> Self {
        lets_clients_be_made();
        let mut settings = database.settings();
        configure(&mut settings);
        let joins = settings.redis_url.is_some() && same_redis(&settings, &database.settings());
        let app = Box::pin(App::build(settings)).await.expect("the application starts");
        if joins {
            let joined = async {
                while !app.bus.is_shared() {
                    tokio::time::sleep(Duration::from_millis(5)).await;
                }
            };
            // Who stops the server that all tests share would not get here.
            tokio::time::timeout(Duration::from_secs(20), joined).await.expect("Redis is joined");
        }
        let router = stockroom::http::router(app.clone());
        Self { app, router, address: tokio::sync::OnceCell::new(), database }
    }

    /// Has every job done that is due, and those that follow from them; tells how many attempts.
    pub async fn works(&self) -> usize {
        self.app.worker.run_due().await.expect("the database answers")
    }

    /// Ends what was begun by `work_in_background`, and waits until it has ended: a connection that
    /// is being opened when the test is over would keep Postgres from dropping its database.
    pub async fn ends_background_work(&self) {
        let lifecycle = &self.app.lifecycle;
        lifecycle.stopping.cancel();
        lifecycle.tasks.close();
        lifecycle.tasks.wait().await;
        lifecycle.end().await;
    }

    /// The URL of the database, for other processes.
    pub fn database_url(&self) -> &str {
        &self.database.url
    }

    /// Whoever sends no token.
    pub fn guest(&self) -> Caller {
        Caller::new(self.router.clone(), None)
    }

    /// A member of staff.
    pub async fn staff(&self) -> Caller {
        self.signed_in(Role::Staff).await
    }

    /// A customer with an account.
    pub async fn customer(&self) -> Caller {
        self.signed_in(Role::Customer).await
    }

    /// An administrator.
    pub async fn admin(&self) -> Caller {
        self.signed_in(Role::Admin).await
    }

    /// Someone with a fresh account of this role.
    pub async fn signed_in(&self, role: Role) -> Caller {
        let user = self.account(role).await;
        self.with_token(self.token(user))
    }

    /// Whoever sends this token.
    pub fn with_token(&self, token: impl Into<String>) -> Caller {
        Caller::new(self.router.clone(), Some(token.into()))
    }

    /// Makes an account and tells its key.
    pub async fn account(&self, role: Role) -> Uuid {
        let new = stockroom::account::NewUser {
            email: format!("{}@stockroom.example", Uuid::new_v4().simple()),
            name: "Someone".to_owned(),
            password: "four words in a row".to_owned().into(),
            role,
        };
        let user = self.app.services.accounts.create(&Viewer::System, new).await;
        let user = user.expect("the account is made").id;
        self.open_sessions().await;
        user
    }

    /// Gives each account a session under its own key, which [`TestApp::token`] names: tests that
    /// are not about signing in need not do it.
    pub async fn open_sessions(&self) {
        self.execute(
            "INSERT INTO session (id, user_id, created_at, last_used_at, expires_at) \
             SELECT id, id, created_at, created_at, '2999-01-01T00:00:00+00:00' \
             FROM user_account WHERE id NOT IN (SELECT id FROM session)",
        )
        .await;
    }

    /// An access token of the account that is good from now on.
    pub fn token(&self, user: Uuid) -> String {
        self.token_issued_at(user, self.app.db.now().timestamp())
    }

    /// An access token of the account, issued at this time (seconds since 1970).
    pub fn token_issued_at(&self, user: Uuid, seconds: i64) -> String {
        let key = KeyMaterial::Secret(SIGNING_KEY.to_owned().into());
        let codec = TokenCodec::new(KeyRing::new(&key).expect("a secret is a key"));
        codec.issue(user, user, seconds).expect("the token is signed")
    }

    /// The real address of the application, which listens from the first call on.
    pub async fn listen(&self) -> SocketAddr {
        let listen = || async {
            let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
            let address = listener.local_addr().expect("the port is known");
            tokio::spawn(stockroom::http::serve(self.app.clone(), listener));
            address
        };
        *self.address.get_or_init(listen).await
    }

    /// A guest's socket, ready for operations.
    pub async fn socket(&self) -> Socket {
        Socket::ready(self.listen().await, None).await
    }

    /// A socket of someone with this token, ready for operations.
    pub async fn socket_with_token(&self, token: &str) -> Socket {
        Socket::ready(self.listen().await, Some(token)).await
    }
}

impl Drop for TestApp {
    fn drop(&mut self) {
        self.app.lifecycle.stopping.cancel();
        self.app.lifecycle.ended.cancel();
    }
}
