//! Accounts, as those who have one and those who want into another's see them.

mod address_book;
mod administering;
mod busy;
mod manual;
mod passwords;
pub mod people;
mod privacy;
mod registering;
mod signing_in;
mod throttle;
mod undelivered;
mod upkeep;
