//! How the shop's figures are kept.

use chrono::TimeDelta;

/// The settings of figures as they are given.
#[derive(Debug, Clone, clap::Args)]
pub struct MetricsArgs {
    /// Days that figures about how the shop does are kept by the hour.
    #[arg(long, env = "METRICS_RETENTION_DAYS", default_value_t = 90, global = true,
        value_parser = clap::value_parser!(u16).range(1..=3650))]
    pub metrics_retention_days: u16,
}

/// The settings of figures, checked.
#[derive(Debug, Clone, Copy)]
pub struct MetricsSettings {
    /// How long figures are kept by the hour.
    pub retention: TimeDelta,
}

impl From<MetricsArgs> for MetricsSettings {
    fn from(args: MetricsArgs) -> Self {
        Self { retention: TimeDelta::days(i64::from(args.metrics_retention_days)) }
    }
}
