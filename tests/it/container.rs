//! The image and the layout of containers agree with the program.

use crate::cli::setting_names;
use std::path::Path;
use std::process::Command;

const LAYOUTS: [&str; 2] = ["compose.yaml", "deploy/compose.production.yaml"];

fn file(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(name);
    std::fs::read_to_string(path).unwrap()
}

#[test]
fn the_image_is_labelled_with_the_version_of_the_program() {
    let version = concat!("ARG VERSION=", env!("CARGO_PKG_VERSION"));
    assert!(file("Dockerfile").lines().any(|line| line == version), "Dockerfile: {version}");
}

#[test]
fn what_the_layout_sets_are_settings() {
    for name in LAYOUTS {
        let text = file(name);
        let (_, block) = text.split_once("x-settings: &settings\n").unwrap();
        let lines = block.lines().map(str::trim).take_while(|line| !line.is_empty());
        let given: Vec<&str> = lines
            .filter(|line| !line.starts_with('#'))
            .filter_map(|line| line.split_once(": ").map(|(name, _)| name))
            .collect();

        assert!(given.len() >= 5, "{name}: {given:?}");
        for setting in given {
            assert!(setting_names().iter().any(|known| known == setting), "{name}: {setting}");
        }
    }
}

#[test]
fn the_key_for_trying_out_is_refused_in_production() {
    let text = file("compose.yaml");
    let (_, rest) = text.split_once("${JWT_SIGNING_KEY:-").unwrap();
    let (key, _) = rest.split_once('}').unwrap();
    let folder = tempfile::TempDir::new().unwrap();

    let ended = Command::new(env!("CARGO_BIN_EXE_stockroom"))
        .args(["config", "check"])
        .env_clear()
        .envs([("ENVIRONMENT", "production"), ("JWT_SIGNING_KEY", key)])
        .current_dir(folder.path())
        .output()
        .unwrap();

    let said = String::from_utf8(ended.stderr).unwrap();
    assert_eq!(ended.status.code(), Some(1), "{said}");
    assert!(said.contains("JWT_SIGNING_KEY has a key that is easy to guess"), "{said}");
}
