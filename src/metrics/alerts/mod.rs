//! Alerts: what those who run the shop should look at. They open and resolve by themselves; what is
//! open can be acknowledged. The rules are pure; of a rule and a subject one alert is unresolved at
//! most, whoever finds the reason for it and however often.

mod alert;
mod error;
pub mod graphql;
pub mod jobs;
pub mod loader;
mod plan;
mod prompt;
mod rules;
mod service;

pub use alert::{Acknowledge, Alert, Rule, Severity, Status};
pub use error::AlertError;
pub use service::{Acknowledged, Alerts, Evaluated};
