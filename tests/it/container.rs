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

/// The file `.env` that the README writes for production, with what it makes at random as it may be.
fn production_settings() -> String {
    let readme = file("README.md");
    let (_, rest) = readme.split_once("cat > .env <<END\n").unwrap();
    let (lines, _) = rest.split_once("\nEND\n").unwrap();
    lines
        // Nobody is there, and nobody is asked where it is.
        .replace("@mail.example", "@127.0.0.1:9")
        .replace("$(openssl rand -hex 24)", "6c1e0f6a2d5b4b8f9a7d3c21e4f5b6079d8c1a2b3e4f5061")
        .replace(
            "$(openssl rand -base64 48)",
            "pX3q7vLw9TzB1kYd5mRj8sNf2hGc6aQe4uVt0iOoKlMn3bWx7yZpQrStUvAeHgJd",
        )
}

#[test]
fn what_the_readme_sets_in_production_is_enough() {
    let folder = tempfile::TempDir::new().unwrap();
    let check = |settings: &str| {
        std::fs::write(folder.path().join(".env"), settings).unwrap();
        let ended = Command::new(env!("CARGO_BIN_EXE_stockroom"))
            .args(["config", "check"])
            .env_clear()
            .envs([
                ("ENVIRONMENT", "production"),
                ("DATABASE_URL", "postgres://stockroom:secret@127.0.0.1:9/stockroom"),
            ])
            .current_dir(folder.path())
            .output()
            .unwrap();
        String::from_utf8(ended.stderr).unwrap()
    };
    let settings = production_settings();
    assert!(settings.contains("127.0.0.1") && !settings.contains("$("), "{settings}");

    // The settings are complete: all that is wrong is that nobody answers there.
    let said = check(&settings);
    let wrong: Vec<&str> = said.lines().collect();
    assert_eq!(wrong.len(), 2, "{said}");
    assert!(wrong[0].contains("DATABASE_URL: the database cannot be reached"), "{said}");
    assert!(wrong[1].contains("SMTP_URL: the mail server could not be used"), "{said}");
    let without_key: Vec<&str> =
        settings.lines().filter(|line| !line.starts_with("JWT_SIGNING_KEY")).collect();
    let said = check(&without_key.join("\n"));
    assert!(said.contains("JWT_SIGNING_KEY"), "{said}");
}
