//! The GraphQL kit, with no domain in it: the document front, errors, connections, ids, scalars
//! and the batching of look-ups.

pub mod auth;
pub mod batch;
pub mod connection;
pub mod document;
pub mod fault;
pub mod filters;
pub mod freshness;
pub mod idempotency;
pub mod node_id;
pub mod permission;
pub mod scalars;
pub mod table_enum;
pub mod user_error;

pub use auth::Auth;
pub use batch::Batch;
pub use connection::{Connection, PageArgs};
pub use fault::{Fault, code};
pub use freshness::Freshness;
pub use node_id::NodeKind;
pub use user_error::{UserError, Warning};
