//! Stockroom: one GraphQL server for a shop's products, stock and, in time, all that is sold.
//!
//! The modules in reading order: the command line, what wires everything, how requests come in,
//! the domains, and what they stand on. `ARCHITECTURE.md` is the map.

pub mod cli;

pub mod app;
pub mod doctor;
pub mod http;
pub mod schema;
pub mod seed;

pub mod account;
pub mod cart;
pub mod catalog;
pub mod flash_sale;
pub mod metrics;
pub mod order;
pub mod outbox;
pub mod payment;
pub mod stock;

pub mod audit;
pub mod auth;
pub mod cache;
pub mod db;
pub mod events;
pub mod failpoint;
pub mod graphql;
pub mod idempotency;
pub mod jobs;
pub mod mail;
pub mod redis;
pub mod telemetry;

pub mod config;
pub mod country;
pub mod money;
pub mod text;
pub mod validation;
