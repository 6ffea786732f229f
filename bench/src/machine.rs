//! What processes use of the machine, read from `/proc`.

use crate::figures::real;
use anyhow::Context;
use std::fs;

/// Parts of a second that Linux counts processor time in, for every program.
const TICKS_PER_SECOND: f64 = 100.0;

/// A process whose time is looked at.
#[derive(Debug, Clone, Copy)]
pub struct Watched {
    /// Its id.
    pub pid: u32,
    /// Whether its children count as well, also those that have ended: a database's sessions.
    pub with_children: bool,
}

/// Seconds of processor time so far.
#[derive(Debug, Clone, Copy, Default)]
pub struct Clock {
    /// Of the server under test.
    pub server: f64,
    /// Of the database.
    pub database: f64,
    /// Of this program and of what it waited for, such as pgbench: the clients.
    pub clients: f64,
    /// Of other processes that belong to the benchmark.
    pub rest: f64,
    /// Of everything that runs on the machine.
    pub machine: f64,
    /// That the machine had, used or not.
    pub available: f64,
}

impl Clock {
    /// What was used since an earlier moment.
    #[must_use]
    pub fn since(self, earlier: Self) -> Self {
        Self {
            server: self.server - earlier.server,
            database: self.database - earlier.database,
            clients: self.clients - earlier.clients,
            rest: self.rest - earlier.rest,
            machine: self.machine - earlier.machine,
            available: self.available - earlier.available,
        }
    }

    /// The share of the machine that others used, from 0 to 1.
    #[must_use]
    pub fn others(self) -> f64 {
        let ours = self.server + self.database + self.clients + self.rest;
        ((self.machine - ours) / self.available.max(0.01)).clamp(0.0, 1.0)
    }
}

/// The processes of a run.
#[derive(Debug, Clone, Default)]
pub struct Processes {
    /// The server under test; none while a limit is measured.
    pub server: Option<Watched>,
    /// The database.
    pub database: Option<Watched>,
    /// Others of the benchmark.
    pub rest: Vec<Watched>,
}

impl Processes {
    /// The time until now.
    ///
    /// # Errors
    /// When `/proc` cannot be read.
    pub fn clock(&self) -> anyhow::Result<Clock> {
        let (machine, available) = machine_time()?;
        let myself = Watched { pid: std::process::id(), with_children: false };
        let mut clock = Clock { machine, available, ..Clock::default() };
        clock.server = self.server.map_or(0.0, used);
        clock.database = self.database.map_or(0.0, used);
        clock.clients = used(myself) + ended_children(myself.pid);
        clock.rest = self.rest.iter().copied().map(used).sum();
        Ok(clock)
    }
}

/// What a process has in memory, in MiB.
#[derive(Debug, Clone, Copy)]
pub struct Resident {
    /// All of it, as Linux counts it (`VmRSS`).
    pub all: f64,
    /// What it wrote there itself (`RssAnon`).
    pub own: f64,
    /// Parts of its program and of libraries, which Linux can drop and read again (`RssFile`).
    pub program: f64,
}

impl Resident {
    /// Of a process, now.
    ///
    /// # Errors
    /// When there is no such process.
    pub fn of(pid: u32) -> anyhow::Result<Self> {
        let status = fs::read_to_string(format!("/proc/{pid}/status"))
            .with_context(|| format!("process {pid} is gone"))?;
        let mib = |name: &str| -> anyhow::Result<f64> {
            let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
            let kib = line.and_then(|rest| rest.split_whitespace().next()?.parse::<f64>().ok());
            Ok(kib.with_context(|| format!("Linux tells no {name}"))? / 1_024.0)
        };
        Ok(Self { all: mib("VmRSS")?, own: mib("RssAnon")?, program: mib("RssFile")? })
    }
}

/// A process has no time any more once it is gone.
fn used(watched: Watched) -> f64 {
    let own = stat(watched.pid).map_or(0.0, |stat| stat.own);
    if !watched.with_children {
        return own;
    }
    let living: f64 = children(watched.pid).iter().map(|child| child.own).sum();
    own + living + ended_children(watched.pid)
}

fn ended_children(pid: u32) -> f64 {
    stat(pid).map_or(0.0, |stat| stat.ended_children)
}

struct Stat {
    parent: u32,
    own: f64,
    ended_children: f64,
}

fn stat(pid: u32) -> Option<Stat> {
    parse_stat(&fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
}

/// The name in brackets may hold blanks and brackets itself: what counts stands after the last one.
fn parse_stat(text: &str) -> Option<Stat> {
    let (_, rest) = text.rsplit_once(')')?;
    let fields: Vec<&str> = rest.split_whitespace().collect();
    let ticks = |place: usize| fields.get(place)?.parse::<u64>().ok().map(real);
    Some(Stat {
        parent: fields.get(1)?.parse().ok()?,
        own: (ticks(11)? + ticks(12)?) / TICKS_PER_SECOND,
        ended_children: (ticks(13)? + ticks(14)?) / TICKS_PER_SECOND,
    })
}

fn children(parent: u32) -> Vec<Stat> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    pids.filter_map(stat).filter(|stat| stat.parent == parent).collect()
}

/// Seconds that the machine's processors worked, and had.
fn machine_time() -> anyhow::Result<(f64, f64)> {
    let text = fs::read_to_string("/proc/stat").context("cannot read /proc/stat")?;
    let line = text.lines().next().and_then(|line| line.strip_prefix("cpu "));
    // user nice system idle iowait irq softirq steal; what follows is in them already.
    let fields: Vec<f64> = line
        .context("/proc/stat has no line of the whole machine")?
        .split_whitespace()
        .take(8)
        .filter_map(|field| field.parse::<u64>().ok().map(real))
        .collect();
    let all: f64 = fields.iter().sum();
    let idle: f64 = fields.iter().skip(3).take(2).sum();
    Ok(((all - idle) / TICKS_PER_SECOND, all / TICKS_PER_SECOND))
}

/// How many files this process may have open at once.
///
/// # Errors
/// When `/proc` cannot be read.
pub fn open_files() -> anyhow::Result<u64> {
    let limits =
        fs::read_to_string("/proc/self/limits").context("cannot read /proc/self/limits")?;
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files"));
    let soft = line.and_then(|rest| rest.split_whitespace().next());
    match soft.context("Linux tells no limit on open files")? {
        "unlimited" => Ok(u64::MAX),
        number => number.parse().context("the limit on open files"),
    }
}

/// The machine in a line: processors, their model, memory.
#[must_use]
pub fn description() -> String {
    let cpus = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpus.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    let count = cpus.lines().filter(|line| line.starts_with("processor")).count();
    let memory = fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let kib = memory.lines().find_map(|line| {
        line.strip_prefix("MemTotal:")?.split_whitespace().next()?.parse::<u64>().ok()
    });
    format!(
        "{count} × {}, {} GiB of memory",
        model.map_or("an unnamed processor", |(_, name)| name),
        kib.unwrap_or_default() / 1_024 / 1_024
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_brackets_and_blanks_does_not_shift_the_fields() {
        let text = "7 (a) b (c) S 3 7 7 0 -1 4194560 1 0 0 0 150 50 25 75 20 0 1 0 9 0 0";

        let stat = parse_stat(text).unwrap();

        assert_eq!(stat.parent, 3);
        assert!((stat.own - 2.0).abs() < 1e-9, "{}", stat.own);
        assert!((stat.ended_children - 1.0).abs() < 1e-9, "{}", stat.ended_children);
    }

    #[test]
    fn what_is_not_ours_is_of_others() {
        let clock = Clock {
            server: 1.0,
            database: 0.5,
            clients: 0.25,
            rest: 0.25,
            machine: 3.0,
            available: 4.0,
        };
        assert!((clock.others() - 0.25).abs() < 1e-9);
    }
}
