//! The doctor finds what is broken, each rule on purpose and by name, and nothing in a shop that is
//! well.

mod command;
mod patient;
mod wounds;
