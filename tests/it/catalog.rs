//! The catalogue, through the schema.

mod bulk;
mod filtering;
mod paging;
mod reading;
mod searching;
mod shop;
mod tree;
mod visibility;
mod writing;
