//! A Postgres of a test's own, to be ended and started again.

use super::database::postgres_url;
use super::port::free_port;
use std::os::unix::fs::{MetadataExt, chown};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;
use tempfile::TempDir;
use tokio::process::{Child, Command};

/// A server process; it is killed when this is dropped.
pub struct PostgresServer {
    child: Option<Child>,
    port: u16,
    folder: TempDir,
    programs: PathBuf,
    /// Who runs it: Postgres refuses root.
    user: Option<[u32; 2]>,
}

impl PostgresServer {
    /// Starts a server with data of its own. None where the tests run on SQLite: then the test has
    /// nothing to test.
    pub async fn start() -> Option<Self> {
        postgres_url()?;
        let programs = programs().expect("initdb is needed in PATH for the tests of faults");
        let folder = TempDir::new().expect("a folder can be made");
        let is_root = folder.path().metadata().expect("the folder is there").uid() == 0;
        let user = is_root.then(|| other_user().expect("there is a user postgres or nobody"));
        if let Some([user, group]) = user {
            chown(folder.path(), Some(user), Some(group)).expect("the folder can be given away");
        }
        let mut server = Self { child: None, port: 0, folder, programs, user };
        let made = server
            .command("initdb")
            .args(["--pgdata", "data", "--username", "postgres", "--auth", "trust"])
            .args(["--encoding", "UTF8", "--locale", "C", "--no-sync"])
            .stdout(Stdio::null())
            .status();
        assert!(made.await.expect("initdb runs").success());
        // Another process may take the port before Postgres does.
        for _ in 0..10 {
            server.port = free_port();
            if server.run().await {
                return Some(server);
            }
        }
        panic!("Postgres does not start: {}", server.log())
    }

    /// `postgres://…`, of a database for administration.
    pub fn url(&self) -> String {
        format!("postgres://postgres@127.0.0.1:{}/postgres", self.port)
    }

    /// Ends it as a crash does: connections break off in the middle, and the next start recovers
    /// what was committed.
    pub async fn crash(&mut self) {
        let mut child = self.child.take().expect("it runs");
        let pid = child.id().expect("it runs").to_string();
        let sent = Command::new("kill").args(["-s", "QUIT", &pid]).status().await;
        assert!(sent.expect("kill is there").success());
        child.wait().await.expect("it ends");
    }

    /// Starts it again where it was.
    pub async fn start_again(&mut self) {
        assert!(self.run().await, "Postgres starts again: {}", self.log());
    }

    async fn run(&mut self) -> bool {
        let log = std::fs::File::create(self.folder.path().join("log")).expect("a log can be made");
        let mut child = self
            .command("postgres")
            .args(["-D", "data", "-p", &self.port.to_string(), "-c", "listen_addresses=127.0.0.1"])
            .args(["-c", "unix_socket_directories=", "-c", "fsync=off"])
            .stderr(log)
            .spawn()
            .expect("Postgres starts");
        for _ in 0..3_000 {
            if child.try_wait().expect("its state is known").is_some() {
                return false;
            }
            if sea_orm::Database::connect(self.url()).await.is_ok() {
                self.child = Some(child);
                return true;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        false
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(self.programs.join(program));
        command.current_dir(self.folder.path()).stdin(Stdio::null()).kill_on_drop(true);
        if let Some([user, group]) = self.user {
            command.uid(user).gid(group);
        }
        command
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }
}

/// The folder of the server's programs: in PATH, or where Debian keeps them.
fn programs() -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut folders: Vec<PathBuf> = versions.map(|entry| entry.path().join("bin")).collect();
    folders.sort();
    folders.extend(std::env::split_paths(&path));
    folders
        .into_iter()
        .rfind(|folder| ["initdb", "postgres"].iter().all(|program| folder.join(program).is_file()))
}

/// User and group of whoever may run a server when root may not.
fn other_user() -> Option<[u32; 2]> {
    let users = std::fs::read_to_string(Path::new("/etc/passwd")).ok()?;
    ["postgres", "nobody"].iter().find_map(|name| {
        let line = users.lines().find(|line| line.split(':').next() == Some(*name))?;
        let mut numbers = line.split(':').skip(2).map(str::parse);
        Some([numbers.next()?.ok()?, numbers.next()?.ok()?])
    })
}
