//! Password hashes: argon2id with the parameters that OWASP recommends (19 MiB, 2 passes, 1
//! lane), off the async threads and bounded, so that sign-ins cannot starve everything else.

use crate::account::AccountError;
use argon2::Argon2;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use secrecy::{ExposeSecret, SecretString};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::sync::Semaphore;

/// How many may wait for their turn before the next is told to come back.
const MAX_WAITING: usize = 32;

/// Hashes and checks passwords, a few at a time.
#[derive(Clone)]
pub struct Passwords {
    turns: Arc<Semaphore>,
    waiting: Arc<AtomicUsize>,
    /// The hash of nothing anyone knows: an unknown e-mail costs the same time as a known one.
    dummy: Arc<str>,
}

struct Waiting<'a>(&'a AtomicUsize);

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Passwords {
    /// As many turns at once as there are cores.
    ///
    /// # Errors
    /// When the system gives no random salt.
    pub fn new() -> Result<Self, AccountError> {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let dummy = hash(&SecretString::from(uuid::Uuid::new_v4().to_string()))?;
        Ok(Self {
            turns: Arc::new(Semaphore::new(cores)),
            waiting: Arc::default(),
            dummy: dummy.into(),
        })
    }

    /// The PHC string of a password.
    ///
    /// # Errors
    /// [`AccountError::Busy`] when too many wait.
    pub async fn hash(&self, password: SecretString) -> Result<String, AccountError> {
        self.in_turn(move || hash(&password)).await?
    }

    /// Whether the password is the one behind `stored`; without a stored hash, no, after as much
    /// work.
    ///
    /// # Errors
    /// [`AccountError::Busy`] when too many wait.
    pub async fn verify(
        &self,
        password: SecretString,
        stored: Option<String>,
    ) -> Result<bool, AccountError> {
        let known = stored.is_some();
        let stored = stored.unwrap_or_else(|| self.dummy.to_string());
        let matches = self
            .in_turn(move || {
                PasswordHash::new(&stored).is_ok_and(|stored| {
                    let password = password.expose_secret().as_bytes();
                    Argon2::default().verify_password(password, &stored).is_ok()
                })
            })
            .await?;
        Ok(matches && known)
    }

    async fn in_turn<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, AccountError> {
        let waiting = self.waiting.fetch_add(1, Ordering::Relaxed);
        let _waiting = Waiting(&self.waiting);
        if waiting >= MAX_WAITING {
            return Err(AccountError::Busy);
        }
        let turn = Arc::clone(&self.turns).acquire_owned().await;
        let turn = turn.map_err(|_| AccountError::Busy)?;
        tokio::task::spawn_blocking(move || {
            // The turn ends with the work, also when nobody waits for it any more.
            let _turn = turn;
            work()
        })
        .await
        .map_err(|error| AccountError::Fault(error.to_string()))
    }
}

fn hash(password: &SecretString) -> Result<String, AccountError> {
    Argon2::default()
        .hash_password(password.expose_secret().as_bytes())
        .map(|hash| hash.to_string())
        .map_err(|error| AccountError::Fault(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn only_the_right_password_matches_and_an_unknown_account_never() {
        let passwords = Passwords::new().unwrap();
        let right = || SecretString::from("correct horse battery".to_owned());
        let stored = passwords.hash(right()).await.unwrap();
        assert!(stored.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
        assert!(passwords.verify(right(), Some(stored.clone())).await.unwrap());
        let wrong = SecretString::from("correct horse batterz".to_owned());
        assert!(!passwords.verify(wrong, Some(stored)).await.unwrap());
        assert!(!passwords.verify(right(), None).await.unwrap());
    }
}
