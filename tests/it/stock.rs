//! Stock: levels, the ledger, reservations, and those who watch.

mod changes;
mod guards;
mod holds;
mod ledger;
mod lists;
mod property;
mod reservations;
mod transfers;
mod warehouses;
