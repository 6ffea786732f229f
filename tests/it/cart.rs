//! Carts: what is in them, what it costs, and whose they are.

mod changing;
mod delivering;
mod expiring;
mod keyed;
mod manual;
mod merging;
mod ordering;
mod personal;
mod racing;
mod reading;
mod settings;
mod shop;
mod tampering;
