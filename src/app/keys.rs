//! The keys of access tokens, from the settings; in development one is made when none is set.

use crate::auth::{KeyMaterial, KeyRing};
use crate::config::{Environment, KeyFile, Settings};
use anyhow::{Context, bail};
use secrecy::SecretString;
use std::io::Write;
use std::path::Path;

/// Whether the keys can be used, without making one.
///
/// # Errors
/// What is wrong with them, and what to set.
pub fn check_keys(settings: &Settings) -> anyhow::Result<()> {
    let stand_in = || Ok(SecretString::from("a key that is not used".to_owned()));
    ring(settings, stand_in).map(drop)
}

/// The keys that the settings name.
pub fn key_ring(settings: &Settings) -> anyhow::Result<KeyRing> {
    ring(settings, || development_key(&settings.data_dir).context("cannot keep a signing key"))
}

fn ring(
    settings: &Settings,
    make: impl FnOnce() -> anyhow::Result<SecretString>,
) -> anyhow::Result<KeyRing> {
    let tokens = &settings.tokens;
    let signing = match (&tokens.key_file, &tokens.signing_key) {
        (Some(file), _) => {
            return ring_of_files(settings, file);
        }
        (None, Some(secret)) => secret.clone(),
        (None, None) => make()?,
    };
    let ring = KeyRing::new(&KeyMaterial::Secret(signing)).context("JWT_SIGNING_KEY")?;
    with_previous(settings, ring)
}

fn ring_of_files(settings: &Settings, file: &KeyFile) -> anyhow::Result<KeyRing> {
    let signing = KeyMaterial::Pem(file.pem.clone());
    let ring = KeyRing::new(&signing).map_err(|error| about("JWT_KEY_FILE", file, &error))?;
    with_previous(settings, ring)
}

fn with_previous(settings: &Settings, mut ring: KeyRing) -> anyhow::Result<KeyRing> {
    let tokens = &settings.tokens;
    for key in &tokens.previous_keys {
        ring = ring.with_previous(&KeyMaterial::Secret(key.clone()))?;
    }
    for file in &tokens.previous_key_files {
        let key = KeyMaterial::Pem(file.pem.clone());
        let added = ring.with_previous(&key);
        ring = added.map_err(|error| about("JWT_PREVIOUS_KEY_FILES", file, &error))?;
    }
    let production = settings.environment == Environment::Production;
    if production && ring.public_keys().iter().any(|key| key.is_well_known()) {
        bail!(
            "JWT_KEY_FILE or JWT_PREVIOUS_KEY_FILES has a key that stands in a specification, so \
             that everyone can sign with it: make one with `openssl genpkey -algorithm ed25519`."
        );
    }
    Ok(ring)
}

fn about(setting: &str, file: &KeyFile, error: &dyn std::fmt::Display) -> anyhow::Error {
    anyhow::anyhow!(
        "{setting}: {} {error}: make one with `openssl genpkey -algorithm ed25519`.",
        file.path.display()
    )
}

/// The key that development signs with: made once, kept in the data folder, readable by its owner.
fn development_key(data_dir: &Path) -> anyhow::Result<SecretString> {
    let path = data_dir.join("development-signing-key");
    if let Ok(key) = std::fs::read_to_string(&path) {
        return Ok(SecretString::from(key));
    }
    let key = format!("{}{}", uuid::Uuid::new_v4().simple(), uuid::Uuid::new_v4().simple());
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(&path)?.write_all(key.as_bytes())?;
    Ok(SecretString::from(key))
}
