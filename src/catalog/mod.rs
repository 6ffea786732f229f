//! The catalogue: categories as a tree, products, variants and their prices.

pub mod search_text;
