//! The pages that are embedded in the binary belong to their sources.

use sha2::{Digest, Sha256};
use std::fmt::Write;
use std::path::{Path, PathBuf};

/// The sources of the pages below `web/`, as `scripts/web` names them.
const SOURCES: [&str; 7] = [
    "dashboard.html",
    "graphiql.html",
    "package-lock.json",
    "package.json",
    "src",
    "tsconfig.json",
    "vite.config.ts",
];
const LARGEST_DIST_BYTES: u64 = 4 * 1024 * 1024;

fn web() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("web")
}

fn files_below(path: &Path) -> Vec<PathBuf> {
    if path.is_file() {
        return vec![path.to_owned()];
    }
    let entries = std::fs::read_dir(path).expect("the folder can be read");
    entries.flat_map(|entry| files_below(&entry.unwrap().path())).collect()
}

fn hex(bytes: impl AsRef<[u8]>) -> String {
    let mut text = String::new();
    for byte in Sha256::digest(bytes.as_ref()) {
        write!(text, "{byte:02x}").unwrap();
    }
    text
}

#[test]
fn the_embedded_pages_were_built_from_the_present_sources() {
    let files = SOURCES.iter().flat_map(|name| files_below(&web().join(name)));
    let mut sources: Vec<(String, PathBuf)> = files
        .map(|file| {
            let name = file.strip_prefix(web()).unwrap().components();
            let name: Vec<_> = name.map(|part| part.as_os_str().to_str().unwrap()).collect();
            (name.join("/"), file)
        })
        .collect();
    sources.sort();
    let mut listed = String::new();
    for (name, file) in sources {
        writeln!(listed, "{name}\n{}", hex(std::fs::read(file).unwrap())).unwrap();
    }
    let stamp = std::fs::read_to_string(web().join("dist/SOURCES.sha256")).unwrap();
    assert_eq!(stamp.trim_end(), hex(listed), "web/dist is stale: run scripts/web");
}

#[test]
fn the_embedded_pages_stay_small() {
    let files = files_below(&web().join("dist"));
    let bytes: u64 = files.iter().map(|file| file.metadata().unwrap().len()).sum();
    assert!(bytes <= LARGEST_DIST_BYTES, "web/dist has {bytes} bytes");
}
