//! The keys of access tokens, and whether browsers may keep refresh tokens in cookies.

use secrecy::{ExposeSecret, SecretString};
use std::path::{Path, PathBuf};

const SHORTEST_KEY: usize = 32;
/// Keys that stand in examples and tutorials; whoever knows them could sign tokens.
const WELL_KNOWN_KEYS: [&str; 4] = ["secret", "changeme", "change-me", "your-256-bit-secret"];

/// The settings as they are given.
#[derive(Debug, Clone, clap::Args)]
pub struct TokenArgs {
    /// Signs access tokens; at least 32 bytes. Production needs it, or JWT_KEY_FILE; without either
    /// one is made on the spot.
    #[arg(long, env = "JWT_SIGNING_KEY", hide_env_values = true, global = true)]
    pub jwt_signing_key: Option<SecretString>,
    /// Earlier signing keys, separated by commas: tokens that they signed stay good. Remove each 15
    /// minutes after its last use.
    #[arg(
        long,
        env = "JWT_PREVIOUS_KEYS",
        hide_env_values = true,
        value_delimiter = ',',
        global = true
    )]
    pub jwt_previous_keys: Vec<SecretString>,
    /// A PEM file with a private key, Ed25519 or P-256, that signs access tokens in place of
    /// JWT_SIGNING_KEY; others can check them by /.well-known/jwks.json.
    #[arg(long, env = "JWT_KEY_FILE", global = true)]
    pub jwt_key_file: Option<PathBuf>,
    /// PEM files with earlier keys, public or private, separated by commas: tokens that they signed
    /// stay good.
    #[arg(long, env = "JWT_PREVIOUS_KEY_FILES", value_delimiter = ',', global = true)]
    pub jwt_previous_key_files: Vec<PathBuf>,
    /// Whether pages of the server's own origin and of CORS_ALLOWED_ORIGINS get their refresh token
    /// in a cookie that scripts cannot read. Default: no.
    #[arg(long, env = "AUTH_COOKIES", global = true)]
    pub auth_cookies: Option<bool>,
}

/// The settings, checked.
#[derive(Clone, Default)]
pub struct TokenSettings {
    /// The secret that signs; None with a key file, and in development, where one is made and kept
    /// in the data folder.
    pub signing_key: Option<SecretString>,
    /// Secrets that check alone.
    pub previous_keys: Vec<SecretString>,
    /// The key that signs, in place of a secret.
    pub key_file: Option<KeyFile>,
    /// Keys that check alone.
    pub previous_key_files: Vec<KeyFile>,
    /// Whether browsers may keep refresh tokens in cookies.
    pub cookies: bool,
}

/// A PEM file that was read.
#[derive(Clone)]
pub struct KeyFile {
    /// Where it lies.
    pub path: PathBuf,
    /// What is in it.
    pub pem: SecretString,
}

impl TokenArgs {
    /// Checks the settings, and reads the files that they name.
    pub fn check(&self, production: bool, wrong: &mut Vec<String>) -> TokenSettings {
        const ADVICE: &str = "set it to the output of `openssl rand -base64 48`";
        match (&self.jwt_signing_key, &self.jwt_key_file) {
            (Some(_), Some(_)) => wrong.push(
                "JWT_SIGNING_KEY and JWT_KEY_FILE are both set, and one key signs: move the \
                 secret to JWT_PREVIOUS_KEYS, or remove it."
                    .to_owned(),
            ),
            (Some(key), None) => check_secret("JWT_SIGNING_KEY", ADVICE, key, production, wrong),
            (None, None) if production => wrong.push(format!(
                "JWT_SIGNING_KEY is missing: {ADVICE}, or set JWT_KEY_FILE to a private key in PEM."
            )),
            (None, _) => {}
        }
        for key in &self.jwt_previous_keys {
            check_secret("JWT_PREVIOUS_KEYS", "remove it", key, production, wrong);
        }
        let mut read = |name: &str, path: &PathBuf| match std::fs::read_to_string(path) {
            Ok(pem) => Some(KeyFile { path: path.clone(), pem: pem.into() }),
            Err(error) => {
                wrong.push(format!("{name}: {} cannot be read: {error}.", shown(path)));
                None
            }
        };
        let key_file = self.jwt_key_file.as_ref().and_then(|path| read("JWT_KEY_FILE", path));
        let files = self.jwt_previous_key_files.iter();
        TokenSettings {
            signing_key: self.jwt_signing_key.clone(),
            previous_keys: self.jwt_previous_keys.clone(),
            key_file,
            previous_key_files: files
                .filter_map(|path| read("JWT_PREVIOUS_KEY_FILES", path))
                .collect(),
            cookies: self.auth_cookies.unwrap_or(false),
        }
    }
}

fn shown(path: &Path) -> String {
    path.display().to_string()
}

fn check_secret(
    name: &str,
    advice: &str,
    key: &SecretString,
    production: bool,
    wrong: &mut Vec<String>,
) {
    let key = key.expose_secret();
    let known = WELL_KNOWN_KEYS.iter().any(|known| key.to_lowercase().contains(known));
    let mut bytes = key.as_bytes().to_vec();
    bytes.sort_unstable();
    bytes.dedup();
    if key.len() < SHORTEST_KEY {
        wrong.push(format!("{name} has a key with fewer than {SHORTEST_KEY} bytes: {advice}."));
    } else if production && (known || bytes.len() < 8) {
        wrong.push(format!("{name} has a key that is easy to guess: {advice}."));
    }
}
