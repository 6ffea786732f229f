//! Carts: what is in them, what it costs, and whose they are.

mod ordering;
