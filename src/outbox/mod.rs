//! The outbox in the hands of staff: what others were told, what was refused, and another chance
//! for that. The rows and their delivery are `events`'.

mod error;
pub mod graphql;
pub mod loader;
mod service;

pub use error::OutboxError;
pub use service::Outbox;
