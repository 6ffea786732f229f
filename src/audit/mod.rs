//! The audit log: who did what that has to be answered for, written in the transaction of the
//! effect and never changed. Domains record here; nothing here knows what their things are.

mod event;
pub mod loader;
mod service;

pub use crate::audit::event::{
    Actor, AuditAction, AuditError, AuditEvent, AuditFilter, AuditSubject, NewAuditEvent,
};
pub use crate::audit::service::{AuditLog, record_in_txn};
