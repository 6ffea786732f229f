//! Quality scenarios: whether the shop keeps what it promises, told from what it did.

pub mod graphql;
mod judge;
mod service;

pub use judge::{Scenario, Standing};
pub use service::{Error, Scenarios};
