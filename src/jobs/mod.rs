//! Work that is done apart from the request that asked for it: a row of `job`, written in the
//! transaction of its effect and run at least once by a worker that holds a lease on it. Handlers
//! live in their domains; nothing here knows what they do.

mod desk;
mod handlers;
mod job;
mod lease;
mod operators;
mod schedule;
mod store;
mod subject;
mod upkeep;
mod worker;

pub use crate::jobs::handlers::Handlers;
pub use crate::jobs::job::{Attempt, Failure, Job, NewJob, Queue, Subject};
pub use crate::jobs::operators::{Status, count_due, list, retry};
pub use crate::jobs::schedule::{NoSchedule, Schedule};
pub use crate::jobs::store::{enqueue_in_txn, enqueue_later};
pub use crate::jobs::subject::{JobNote, find_about, forget_in_txn, hand_over_in_txn};
pub use crate::jobs::upkeep::{DEAD_KEPT_DAYS, KEPT_DAYS, is_worked, purge_dead, purge_done};
pub use crate::jobs::worker::{Pulse, Timing, Worker};
