//! How the shop does: what all processes count, added up by the minute and by the hour, and the
//! figures that are made of it. It reads what domains write, and no domain knows of it.

pub mod alerts;
mod circuit;
mod counts;
mod error;
pub mod exposition;
mod figures;
pub mod graphql;
pub mod health;
pub mod scenarios;
mod service;

pub use circuit::{Circuit, CircuitSource, CircuitState};
pub use counts::Counts;
pub use error::MetricsError;
pub use exposition::Reading;
pub use figures::{DayCounts, Figures, Point};
pub use service::{Metrics, Report, Retention};
