//! `stockroom schema`.

use anyhow::Context;
use std::io::Write;

/// Prints the schema as `schema.graphql` has it.
///
/// # Errors
/// When the output cannot be written.
pub fn run() -> anyhow::Result<()> {
    let sdl = crate::schema::sdl();
    std::io::stdout().write_all(sdl.as_bytes()).context("cannot write the schema")
}
