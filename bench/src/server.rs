//! Servers of the run: Stockroom as it is shipped, and the plain one that shows what HTTP and JSON
//! cost by themselves.

use crate::machine::Watched;
use anyhow::{Context, bail};
use std::fs::File;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::time::{Duration, Instant};
use tokio::process::{Child, Command};

/// How long a server may take to be ready, and to end.
const PATIENCE: Duration = Duration::from_secs(60);

/// A process that listens.
pub struct Server {
    child: Child,
    /// Where.
    pub address: SocketAddr,
    /// Its id.
    pub pid: u32,
    /// Seconds from its start to its first "ready".
    pub ready_after: f64,
}

impl Server {
    /// Starts a program that is told its address by `listen`, and waits until `path` answers 200.
    ///
    /// # Errors
    /// When it ends, or is not ready in time.
    pub async fn start(
        mut command: Command,
        listen: impl FnOnce(&mut Command, SocketAddr),
        path: &str,
        log: &Path,
    ) -> anyhow::Result<Self> {
        let address = free_address()?;
        listen(&mut command, address);
        let output = File::create(log)?;
        command.stdout(output.try_clone()?).stderr(output).kill_on_drop(true);
        let began = Instant::now();
        let mut child = command.spawn().context("cannot start the server")?;
        let pid = child.id().context("the server is gone")?;
        while !answers(address, path) {
            if let Some(status) = child.try_wait()? {
                let said = std::fs::read_to_string(log).unwrap_or_default();
                bail!("the server ended with {status}: {said}");
            }
            if began.elapsed() > PATIENCE {
                bail!("the server was not ready in {} s", PATIENCE.as_secs());
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        Ok(Self { child, address, pid, ready_after: began.elapsed().as_secs_f64() })
    }

    /// The process, to look at its time.
    #[must_use]
    pub fn watched(&self) -> Watched {
        Watched { pid: self.pid, with_children: false }
    }

    /// Ends it in good order, and waits for that.
    ///
    /// # Errors
    /// When it does not end.
    pub async fn stop(mut self) -> anyhow::Result<()> {
        let told = Command::new("kill").args(["-TERM", &self.pid.to_string()]).status().await?;
        if !told.success() {
            bail!("the server was gone already");
        }
        tokio::time::timeout(PATIENCE, self.child.wait()).await.context("it does not end")??;
        Ok(())
    }
}

/// Whether a GET is answered with 200.
fn answers(address: SocketAddr, path: &str) -> bool {
    let asked = || -> std::io::Result<bool> {
        let mut stream = TcpStream::connect(address)?;
        stream.set_read_timeout(Some(Duration::from_secs(5)))?;
        write!(stream, "GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n")?;
        let mut head = [0; 12];
        stream.read_exact(&mut head)?;
        Ok(head.ends_with(b" 200"))
    };
    asked().unwrap_or(false)
}

/// A port that was free just now.
///
/// # Errors
/// When there is none.
pub fn free_address() -> anyhow::Result<SocketAddr> {
    let listener = TcpListener::bind("127.0.0.1:0").context("no port is free")?;
    Ok(listener.local_addr()?)
}

/// How Stockroom is run: its program and what every run of it is told.
#[derive(Debug, Clone)]
pub struct Stockroom {
    /// The program.
    pub program: std::path::PathBuf,
    /// A folder for data and logs.
    pub work: std::path::PathBuf,
    /// Settings of all servers, by name.
    pub settings: Vec<(&'static str, String)>,
}

impl Stockroom {
    /// Starts a server with these settings beside the common ones.
    ///
    /// # Errors
    /// When it does not come up.
    pub async fn serve(&self, name: &str, settings: &[(&str, &str)]) -> anyhow::Result<Server> {
        let mut command = self.command(&["serve"]);
        command.env("DATA_DIR", self.work.join(name));
        command.envs(settings.iter().copied());
        let listen = |command: &mut Command, address: SocketAddr| {
            command.env("LISTEN_ADDR", address.to_string());
        };
        let log = self.work.join(format!("{name}.log"));
        Server::start(command, listen, "/health/ready", &log).await
    }

    /// Runs another of its commands to the end.
    ///
    /// # Errors
    /// When it fails.
    pub async fn run(
        &self,
        arguments: &[&str],
        settings: &[(&str, &str)],
    ) -> anyhow::Result<String> {
        let mut command = self.command(arguments);
        command.env("DATA_DIR", self.work.join("command"));
        command.envs(settings.iter().copied());
        let output = command.output().await.context("cannot start stockroom")?;
        crate::database::said(&output, "stockroom")
    }

    /// Nothing of this shell's settings reaches it, nor a developer's `.env`.
    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        command.args(arguments).env_clear().current_dir(&self.work).kill_on_drop(true);
        command.envs(self.settings.iter().map(|(name, value)| (*name, value.as_str())));
        command
    }
}
