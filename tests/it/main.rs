//! One test binary: a file a domain, and the rules that hold for the whole tree.

mod architecture;
mod events;
