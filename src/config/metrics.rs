//! How the shop's figures are kept, and where they are told.

use chrono::TimeDelta;
use std::net::SocketAddr;

/// The settings of figures as they are given.
#[derive(Debug, Clone, clap::Args)]
pub struct MetricsArgs {
    /// Days that figures about how the shop does are kept by the hour.
    #[arg(long, env = "METRICS_RETENTION_DAYS", default_value_t = 90, global = true,
        value_parser = clap::value_parser!(u16).range(1..=3650))]
    pub metrics_retention_days: u16,
    /// Address and port of a listener of its own for /metrics, which Prometheus reads. Without it,
    /// /metrics is on the listener of everything else, in development alone.
    #[arg(long, env = "METRICS_LISTEN_ADDR", global = true)]
    pub metrics_listen_addr: Option<SocketAddr>,
}

/// The settings of figures, checked.
#[derive(Debug, Clone, Copy)]
pub struct MetricsSettings {
    /// How long figures are kept by the hour.
    pub retention: TimeDelta,
    /// Where figures of the process are told, if apart from everything else.
    pub listen_addr: Option<SocketAddr>,
}

impl MetricsArgs {
    /// Checks the settings against the address that everything else is served at.
    pub(super) fn check(self, listen_addr: SocketAddr, wrong: &mut Vec<String>) -> MetricsSettings {
        // Port 0 is another one each time.
        if self.metrics_listen_addr == Some(listen_addr) && listen_addr.port() != 0 {
            wrong.push(
                "METRICS_LISTEN_ADDR must not be LISTEN_ADDR: give /metrics a port of its own."
                    .to_owned(),
            );
        }
        MetricsSettings {
            retention: TimeDelta::days(i64::from(self.metrics_retention_days)),
            listen_addr: self.metrics_listen_addr,
        }
    }
}
