//! The database of the run, by its own programs: psql and pgbench.

use anyhow::{Context, bail};
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use tokio::io::AsyncWriteExt;
use tokio::process::Command;

/// A PostgreSQL that is there for this run alone.
#[derive(Debug, Clone)]
pub struct Database {
    /// Where it is, with user and password.
    pub url: String,
    /// The folder of its programs.
    pub programs: PathBuf,
    /// The process that all of its processes are children of.
    pub pid: u32,
}

impl Database {
    /// One of its programs.
    pub fn command(&self, program: &str) -> Command {
        let mut command = Command::new(self.programs.join(program));
        command.kill_on_drop(true);
        command
    }

    /// Runs statements, and returns what they say: a line a row, columns apart by `|`.
    ///
    /// # Errors
    /// When one fails.
    pub async fn run(&self, sql: &str) -> anyhow::Result<String> {
        self.feed(sql, &[]).await
    }

    /// The same, with more options for psql.
    ///
    /// # Errors
    /// When a statement fails.
    pub async fn feed(&self, sql: &str, options: &[&str]) -> anyhow::Result<String> {
        let mut psql = self.command("psql");
        psql.args(["-XAtq", "-v", "ON_ERROR_STOP=1", "-d", &self.url]).args(options);
        psql.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = psql.spawn().context("cannot start psql")?;
        let mut input = child.stdin.take().context("psql takes no input")?;
        let text = sql.to_owned();
        // Beside the reading: both are larger than a pipe holds.
        let writing = tokio::spawn(async move {
            input.write_all(text.as_bytes()).await?;
            input.shutdown().await
        });
        let output = child.wait_with_output().await?;
        // Input that psql did not want any more is an error that it tells of.
        let _ = writing.await?;
        said(&output, "psql")
    }

    /// One row with one value.
    ///
    /// # Errors
    /// When it is not there, or of another kind.
    pub async fn value<T: std::str::FromStr>(&self, sql: &str) -> anyhow::Result<T> {
        let text = self.run(sql).await?;
        text.trim().parse().ok().with_context(|| format!("{sql} says {text:?}"))
    }
}

/// What a program wrote, when it ended well.
///
/// # Errors
/// What it complained of.
pub fn said(output: &Output, program: &str) -> anyhow::Result<String> {
    if !output.status.success() {
        let told = [output.stdout.as_slice(), output.stderr.as_slice()].concat();
        bail!("{program}: {}", String::from_utf8_lossy(&told).trim());
    }
    Ok(String::from_utf8(output.stdout.clone())?)
}

/// Writes a file for one of the programs to read.
///
/// # Errors
/// When it cannot be written.
pub fn write(folder: &Path, name: &str, text: &str) -> anyhow::Result<PathBuf> {
    let path = folder.join(name);
    std::fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
    Ok(path)
}
