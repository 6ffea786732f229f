//! A Redis of a test's own, to be stopped, stalled and started again.

use super::database::redis_url;
use super::port::free_port;
use std::process::Stdio;
use std::time::Duration;
use tempfile::TempDir;
use tokio::process::{Child, Command};

/// A server process; it is killed when this is dropped.
pub struct RedisServer {
    child: Option<Child>,
    port: u16,
    folder: TempDir,
}

impl RedisServer {
    /// Starts a server, or tells that there is none to start: then the test has nothing to test.
    /// Where Redis is among the servers to test with, it must be there.
    pub async fn start() -> Option<Self> {
        let there = Command::new("redis-server").arg("--version").stdout(Stdio::null()).status();
        if !there.await.is_ok_and(|status| status.success()) {
            assert!(
                redis_url().is_none(),
                "redis-server is needed in PATH for the tests of faults"
            );
            eprintln!("NOT TESTED: there is no redis-server in PATH");
            return None;
        }
        // Another process may take the port before Redis does.
        for _ in 0..10 {
            let folder = TempDir::new().expect("a folder can be made");
            let mut server = Self { child: None, port: free_port(), folder };
            if server.run().await {
                return Some(server);
            }
        }
        panic!("redis-server does not start")
    }

    /// `redis://…`.
    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// A connection of the test's own.
    pub async fn connection(&self) -> redis::aio::MultiplexedConnection {
        let client = redis::Client::open(self.url()).expect("a URL");
        client.get_multiplexed_async_connection().await.expect("Redis answers")
    }

    /// Ends it at once; what it knew is gone.
    pub async fn kill(&mut self) {
        let mut child = self.child.take().expect("it runs");
        child.kill().await.expect("it can be killed");
    }

    /// Starts it again where it was, empty.
    pub async fn restart(&mut self) {
        assert!(self.run().await, "redis-server starts again");
    }

    /// From now on it accepts connections and never answers.
    pub async fn stall(&self) {
        self.signal("-STOP").await;
    }

    /// It goes on where it was stalled.
    pub async fn resume(&self) {
        self.signal("-CONT").await;
    }

    async fn signal(&self, signal: &str) {
        let pid = self.child.as_ref().and_then(Child::id).expect("it runs").to_string();
        let sent = Command::new("kill").args([signal, &pid]).status().await;
        assert!(sent.expect("kill is there").success());
    }

    async fn run(&mut self) -> bool {
        let mut command = Command::new("redis-server");
        command
            .args(["--port", &self.port.to_string(), "--bind", "127.0.0.1"])
            .args(["--save", "", "--appendonly", "no"])
            .current_dir(self.folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .kill_on_drop(true);
        let mut child = command.spawn().expect("redis-server starts");
        let client = redis::Client::open(self.url()).expect("a URL");
        for _ in 0..6_000 {
            if child.try_wait().expect("its state is known").is_some() {
                return false;
            }
            if client.get_multiplexed_async_connection().await.is_ok() {
                self.child = Some(child);
                return true;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        false
    }
}
