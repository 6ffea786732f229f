//! What is told of this process to whoever watches it from outside.

use crate::app::App;
use crate::db::DbError;
use crate::events;
use crate::jobs;
use crate::metrics::{CircuitState, Reading, exposition};
use crate::telemetry::{ProcessFigures, process_figures};
use std::time::Duration;

/// The media type of [`App::prometheus_text`].
pub const PROMETHEUS_MEDIA_TYPE: &str = exposition::MEDIA_TYPE;

/// How long the database may take to tell what waits; after that it is left out.
const PATIENCE: Duration = Duration::from_secs(1);

impl App {
    /// What this process counts and how it stands, as the text that Prometheus reads. Without the
    /// database it tells the rest.
    pub async fn prometheus_text(&self) -> String {
        let mut readings = vec![
            Reading::by(
                "stockroom_build_info",
                "Always 1; the label tells the release.",
                "version",
                [(env!("CARGO_PKG_VERSION").to_owned(), 1.0)],
            ),
            self.circuit_states(),
        ];
        readings.extend(self.connections());
        readings.extend(of_process(process_figures()));
        readings.extend(self.waiting().await);
        exposition::text(&readings)
    }

    fn circuit_states(&self) -> Reading {
        let circuits = self.services.metrics.own_circuits().into_iter();
        Reading::by(
            "stockroom_payment_circuit_state",
            "Whether this process calls a payment provider: 0 yes, 1 a few calls try, 2 no.",
            "provider",
            circuits.map(|circuit| {
                let state = match circuit.state {
                    CircuitState::Closed => 0.0,
                    CircuitState::HalfOpen => 1.0,
                    CircuitState::Open => 2.0,
                };
                (circuit.provider, state)
            }),
        )
    }

    fn connections(&self) -> [Reading; 3] {
        let pools = self.db.pools();
        let by = |name, about, of: fn(&crate::db::PoolFigures) -> u32| {
            let values = pools.iter().map(|pool| (pool.name.to_owned(), f64::from(of(pool))));
            Reading::by(name, about, "pool", values)
        };
        [
            by(
                "stockroom_database_connections_used",
                "Connections to the database that somebody uses.",
                |pool| pool.used,
            ),
            by(
                "stockroom_database_connections_idle",
                "Connections to the database that wait for somebody.",
                |pool| pool.idle,
            ),
            by(
                "stockroom_database_connections_max",
                "Connections to the database that there can be.",
                |pool| pool.max,
            ),
        ]
    }

    /// What waits in the database, the same for every process of the shop.
    async fn waiting(&self) -> Vec<Reading> {
        let asking = async {
            let (jobs, events) =
                tokio::try_join!(jobs::count_due(&self.db), events::count_open(&self.db))?;
            Ok::<_, DbError>((jobs, events))
        };
        let answer = tokio::time::timeout(PATIENCE, asking).await;
        let found = answer.ok().and_then(Result::ok);
        let up = Reading::of(
            "stockroom_database_up",
            "Whether the database told what waits: 1, or 0.",
            if found.is_some() { 1.0 } else { 0.0 },
        );
        let Some((jobs, events)) = found else { return vec![up] };
        let waiting = |name, about, count: u32| Reading::of(name, about, f64::from(count));
        vec![
            up,
            waiting(
                "stockroom_jobs_waiting",
                "Jobs of the shop that are due and not begun; at most 10,000 are counted.",
                jobs,
            ),
            waiting(
                "stockroom_events_waiting",
                "Events in the outbox that are not delivered; at most 10,000 are counted.",
                events,
            ),
        ]
    }
}

/// Under the names that these have in every program.
fn of_process(figures: ProcessFigures) -> Vec<Reading> {
    let ProcessFigures { resident_bytes, cpu_seconds, open_files, threads } = figures;
    let reading = |name, about, value: Option<f64>| Some(Reading::of(name, about, value?));
    [
        reading("process_resident_memory_bytes", "Resident memory size in bytes.", resident_bytes),
        reading(
            "process_cpu_seconds_total",
            "Total user and system CPU time spent in seconds.",
            cpu_seconds,
        )
        .map(Reading::rising),
        reading("process_open_fds", "Number of open file descriptors.", open_files),
        reading("process_threads", "Number of OS threads in the process.", threads),
    ]
    .into_iter()
    .flatten()
    .collect()
}
