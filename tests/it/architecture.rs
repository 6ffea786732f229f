//! The house rules over the syntax tree of `src/`: which module may use which, and who may name the
//! GraphQL engine, the database or a transaction.
//!
//! `house` holds the tier table and the exceptions as data, `source` reads a file into facts,
//! `rules` turns facts into findings, and `planted` proves every rule by breaking it. A new module
//! needs a row in `house`.

mod house;
mod planted;
mod rules;
mod source;

use std::fs;
use std::io;
use std::path::Path;

/// Every Rust file below `folder` of the repository, as (path from the root, text).
fn read_tree(folder: &str) -> io::Result<Vec<(String, String)>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = Vec::new();
    let mut folders = vec![root.join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder)? {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let name = path.strip_prefix(root).unwrap_or(&path);
                let name = name.to_string_lossy().replace('\\', "/");
                found.push((name, fs::read_to_string(&path)?));
            }
        }
    }
    found.sort();
    Ok(found)
}

#[test]
fn the_source_keeps_the_house_rules() {
    let tree = read_tree("src").expect("src/ can be read");
    assert!(tree.iter().any(|(path, _)| path == "src/lib.rs"), "src/lib.rs was not read");

    let findings = rules::check(&tree);

    let lines: Vec<String> = findings.iter().map(ToString::to_string).collect();
    assert!(lines.is_empty(), "{} findings:\n{}", lines.len(), lines.join("\n"));
}

#[test]
fn every_table_has_an_owner() {
    let tree = read_tree("entity/src").expect("entity/src/ can be read");
    let tables =
        tree.iter().filter_map(|(path, _)| path.strip_prefix("entity/src/")).filter_map(|file| {
            file.strip_suffix(".rs").filter(|table| !matches!(*table, "lib" | "mod"))
        });

    let unowned: Vec<&str> = tables.filter(|table| house::owner_of(table).is_none()).collect();

    assert!(
        unowned.is_empty(),
        "name the module that writes these tables in house::TABLES: {unowned:?}",
    );
}
