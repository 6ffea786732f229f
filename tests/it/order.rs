//! Orders: checkout, paying, cancelling, and what becomes of what nobody paid.

mod breaking;
mod cancelling;
mod checkout;
mod colliding;
mod crowding;
pub mod entering;
mod expiring;
mod flash_sales;
pub mod goods;
mod late;
mod listing;
mod money;
mod money_racing;
mod owed;
mod paying;
mod personal;
mod purchasing;
mod racing;
mod repeated;
mod returning;
mod seeing;
mod sending;
pub mod shop;
mod stats;
mod stripe;
mod walking;
mod webhooks;
