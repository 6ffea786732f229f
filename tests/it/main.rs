//! One test binary: a file a domain, and the rules that hold for the whole tree.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::as_conversions,
    reason = "a test that meets something unexpected fails, there and at once"
)]

mod account;
mod alerts;
mod api_tokens;
mod app;
mod architecture;
mod audit;
mod cache;
mod cart;
mod catalog;
mod cli;
mod container;
mod crashes;
mod doctor;
mod events;
mod faults;
mod flash_sale;
mod health;
mod http;
mod idempotency;
mod in_turn;
mod jobs;
mod mail;
mod metrics;
mod migrations;
mod order;
mod outbox;
mod payment;
mod permissions;
mod scenarios;
mod schema;
mod seed;
mod services;
mod statements;
mod stock;
mod tokens;
mod transactions;
mod walkthrough;
mod web;
mod ws;
