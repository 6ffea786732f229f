//! The first administrator of a new shop in development.

use crate::account::NewUser;
use crate::app::App;
use crate::auth::{Role, Viewer};
use crate::config::Environment;
use anyhow::Context;
use rand::RngExt;
use secrecy::SecretString;

/// Whom a new shop belongs to in development.
pub const FIRST_ADMIN_EMAIL: &str = "admin@stockroom.example";
/// Letters and digits that are hard to mistake for one another: 32 of them, 5 bits each.
const PASSWORD_ALPHABET: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";

impl App {
    /// In development a shop without an administrator gets one, so that the first mutation needs
    /// no other command. Tells the password, which is kept nowhere.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn first_admin(&self) -> anyhow::Result<Option<SecretString>> {
        let accounts = &self.services.accounts;
        if self.settings.environment != Environment::Development
            || !accounts.has_no_administrator().await?
        {
            return Ok(None);
        }
        let password = SecretString::from(random_password());
        let new = NewUser {
            email: FIRST_ADMIN_EMAIL.to_owned(),
            name: "Administrator".to_owned(),
            password: password.clone(),
            role: Role::Admin,
        };
        match accounts.create(&Viewer::System, new).await {
            Ok(_) => Ok(Some(password)),
            // Another replica was quicker and has told its own password.
            Err(_) if !accounts.has_no_administrator().await? => Ok(None),
            Err(error) => Err(error).context("cannot make the first administrator"),
        }
    }
}

/// Twenty characters in groups of five: 100 random bits.
fn random_password() -> String {
    let mut random = rand::rng();
    let mut password = String::new();
    for place in 0..20 {
        if place > 0 && place % 5 == 0 {
            password.push('-');
        }
        let letter = PASSWORD_ALPHABET.get(random.random_range(0..PASSWORD_ALPHABET.len()));
        password.extend(letter.copied().map(char::from));
    }
    password
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_password_is_long_and_never_the_same() {
        let (one, other) = (random_password(), random_password());
        assert_eq!(one.len(), 23);
        assert_ne!(one, other);
    }
}
