//! The real program in a process of its own, on the database of a test.

use super::database::redis_url;
use super::{SIGNING_KEY, TestApp};
use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Output, Stdio};
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};
use tokio::process::{Child, Command};

/// Longer than a program takes to start.
const PATIENCE: Duration = Duration::from_secs(60);

/// A server process; it is killed when this is dropped.
pub struct ServerProcess {
    child: Child,
    address: SocketAddr,
    log: PathBuf,
}

impl ServerProcess {
    /// Starts the program on the database of `app` and waits until it is ready.
    pub async fn start(app: &TestApp) -> Self {
        Self::start_with(app, &[]).await
    }

    /// Starts the program with more settings, as environment variables.
    pub async fn start_with(app: &TestApp, settings: &[(&str, &str)]) -> Self {
        let started = Self::try_start_with(app, settings).await;
        started.unwrap_or_else(|log| panic!("the program ended before it was ready: {log}"))
    }

    /// The same, of a program that may end by itself at any time: its log when it did before it was
    /// ready.
    pub async fn try_start_with(app: &TestApp, settings: &[(&str, &str)]) -> Result<Self, String> {
        let folder = app.database.folder.path().join(uuid::Uuid::new_v4().to_string());
        std::fs::create_dir_all(&folder).expect("a folder can be made");
        let log = folder.join("log");
        let errors = std::fs::File::create(&log).expect("a file can be made");
        let mut command = Command::new(program());
        command
            .arg("serve")
            .env_clear()
            .env("DATABASE_URL", &app.database.url)
            .env("DATA_DIR", &folder)
            .env("JWT_SIGNING_KEY", SIGNING_KEY)
            .env("LISTEN_ADDR", "127.0.0.1:0")
            .env("SEED_DEMO", "false")
            .env("LOG_LEVEL", "warn")
            .envs(redis_url().map(|url| ("REDIS_URL", url)))
            .env("REDIS_KEY_PREFIX", &app.database.redis_prefix)
            .envs(settings.iter().copied())
            // Away from any .env of whoever runs the tests.
            .current_dir(&folder)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(errors)
            .kill_on_drop(true);
        let mut child = command.spawn().expect("the program starts");
        let stdout = child.stdout.take().expect("the output is piped");
        let mut lines = BufReader::new(stdout).lines();
        let address = async {
            while let Some(line) = lines.next_line().await.expect("the output can be read") {
                let after = line.split_once("http://").map(|(_, after)| after);
                let address = after.and_then(|after| after.split('/').next());
                if let Some(Ok(address)) = address.map(str::trim).map(str::parse) {
                    return Ok(address);
                }
            }
            Err(std::fs::read_to_string(&log).unwrap_or_default())
        };
        let address = tokio::time::timeout(PATIENCE, address).await;
        let address = address.expect("the program listens in time")?;
        // The pipe must not fill up.
        tokio::spawn(async move {
            let mut rest = Vec::new();
            lines.into_inner().read_to_end(&mut rest).await
        });
        let mut process = Self { child, address, log };
        process.wait_until_ready().await?;
        Ok(process)
    }

    /// Starts the program with its log, in JSON, in a file.
    pub async fn start_logging(app: &TestApp) -> Self {
        Self::start_with(app, &[("LOG_LEVEL", "info"), ("LOG_FORMAT", "json")]).await
    }

    /// Tells the program to end, waits until it has, and reads its log.
    pub async fn end_and_read_log(&mut self) -> String {
        self.signal("TERM");
        let ended = self.child.wait().await.expect("the program ends");
        assert!(ended.success(), "{ended}");
        std::fs::read_to_string(&self.log).expect("the log is there")
    }

    /// The log so far.
    pub fn log(&self) -> String {
        std::fs::read_to_string(&self.log).expect("the log is there")
    }

    /// Sends a signal, by its name without SIG.
    pub fn signal(&self, name: &str) {
        let pid = self.child.id().expect("the program runs").to_string();
        let kill = std::process::Command::new("kill").args(["-s", name, &pid]).status();
        assert!(kill.expect("there is a kill").success());
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What `stockroom health` says of it, when its address is given as `listen`.
    pub async fn health(&self, listen: &str) -> Output {
        let mut command = Command::new(program());
        command.arg("health").env_clear().env("LISTEN_ADDR", listen);
        // Away from any .env of whoever runs the tests.
        command.current_dir(self.log.parent().expect("the log lies in a folder"));
        command.output().await.expect("the program starts")
    }

    /// The URL of a path of it.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// The process, for signals and its end.
    pub fn child(&mut self) -> &mut Child {
        &mut self.child
    }

    async fn wait_until_ready(&mut self) -> Result<(), String> {
        let deadline = tokio::time::Instant::now() + PATIENCE;
        loop {
            let answer = reqwest::get(self.url("/health/ready")).await;
            if answer.is_ok_and(|answer| answer.status().is_success()) {
                return Ok(());
            }
            if self.child.try_wait().expect("the program can be looked at").is_some() {
                return Err(std::fs::read_to_string(&self.log).unwrap_or_default());
            }
            assert!(tokio::time::Instant::now() < deadline, "the program is not ready in time");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

/// The program. The runner's word first: it knows where binaries are that were built elsewhere.
fn program() -> OsString {
    let built = std::env::var_os("NEXTEST_BIN_EXE_stockroom");
    built.unwrap_or_else(|| env!("CARGO_BIN_EXE_stockroom").into())
}
