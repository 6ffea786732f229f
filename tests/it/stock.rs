//! Stock: levels, the ledger, reservations, and those who watch.

mod changes;
mod concurrency;
mod guards;
mod holds;
mod ledger;
mod lists;
mod live;
mod property;
mod reservations;
mod transfers;
mod warehouses;
