//! What the system knows of this process. Linux tells it in files; elsewhere nothing is known.

use std::path::Path;

/// Clock ticks a second in what Linux tells of processes, on every machine that it runs on here.
const TICKS_PER_SECOND: f64 = 100.0;

/// What the system knows of this process; None: it does not tell.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct ProcessFigures {
    /// Memory that is held, in bytes.
    pub resident_bytes: Option<f64>,
    /// Time that processors spent on it, in seconds.
    pub cpu_seconds: Option<f64>,
    /// Files and connections that are open.
    pub open_files: Option<f64>,
    /// Threads.
    pub threads: Option<f64>,
}

/// Asks the system about this process.
#[must_use]
pub fn process_figures() -> ProcessFigures {
    read(Path::new("/proc/self"))
}

fn read(folder: &Path) -> ProcessFigures {
    let text = |name: &str| std::fs::read_to_string(folder.join(name)).unwrap_or_default();
    let (status, stat) = (text("status"), text("stat"));
    let field = |name: &str| -> Option<f64> {
        let line = status.lines().find_map(|line| line.strip_prefix(name))?;
        line.trim_start_matches(':').split_whitespace().next()?.parse().ok()
    };
    // The name of the program, in brackets, can have blanks in it.
    let after_name = stat.rsplit_once(") ").map(|(_, rest)| rest).unwrap_or_default();
    let tick =
        |place: usize| -> Option<f64> { after_name.split_whitespace().nth(place)?.parse().ok() };
    let ticks = tick(11).zip(tick(12)).map(|(user, system)| user + system);
    let files = std::fs::read_dir(folder.join("fd")).ok();
    ProcessFigures {
        resident_bytes: field("VmRSS").map(|kib| kib * 1_024.0),
        cpu_seconds: ticks.map(|ticks| ticks / TICKS_PER_SECOND),
        open_files: files.map(|files| files.fold(0.0, |count, _| count + 1.0)),
        threads: field("Threads"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_linux_writes_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| {
            std::fs::write(folder.path().join(name), text).unwrap();
        };
        write("status", "Name:\tstock room\nVmRSS:\t   12 kB\nThreads:\t7\n");
        write("stat", "42 (a ) b) S 1 1 1 0 -1 4194304 9 9 9 9 150 50 3 4 20 0 7 0 100 1 2\n");
        std::fs::create_dir(folder.path().join("fd")).unwrap();
        write("fd/0", "");
        write("fd/1", "");

        assert_eq!(
            read(folder.path()),
            ProcessFigures {
                resident_bytes: Some(12_288.0),
                cpu_seconds: Some(2.0),
                open_files: Some(2.0),
                threads: Some(7.0),
            }
        );
        assert_eq!(read(Path::new("/nowhere")), ProcessFigures::default());
    }
}
