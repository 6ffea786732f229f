//! The catalogue, through the schema.

mod paging;
mod reading;
mod shop;
