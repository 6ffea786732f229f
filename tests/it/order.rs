//! Orders: checkout, paying, cancelling, and what becomes of what nobody paid.

mod breaking;
mod cancelling;
mod checkout;
mod colliding;
mod expiring;
mod late;
mod listing;
mod money;
mod money_racing;
mod paying;
mod personal;
mod racing;
mod seeing;
pub mod shop;
mod stats;
mod webhooks;
