//! How the parts of the server are, as each process finds them, and how they were: changes of their
//! states, how much of the time they were well, how fast they answered.

mod changes;
mod component;
mod diary;
mod examiner;
pub mod graphql;
pub mod jobs;
pub mod loader;
mod service;

pub use component::{Component, Finding, Health};
pub use examiner::{Examination, Examiner, Probe};
pub use service::{Change, Error, HealthLog, LatencyPoint, Outage, State};
