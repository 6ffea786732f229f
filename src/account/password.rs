//! Password hashes: argon2id with the parameters that OWASP recommends (19 MiB, 2 passes, 1
//! lane), off the async threads and bounded, so that sign-ins cannot starve everything else.

use crate::account::AccountError;
use crate::account::password_rules::normalize;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use argon2::{Algorithm, Argon2, Params, Version};
use secrecy::{ExposeSecret, SecretString};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::sync::Semaphore;

/// Memory of one hash in KiB. Who raises one of these three replaces [`NOBODYS`] as well; stored
/// hashes follow one by one, as people sign in.
const MEMORY_KIB: u32 = 19 * 1024;
/// Passes over the memory.
const PASSES: u32 = 2;
/// Lanes, worked on one after the other here.
const LANES: u32 = 1;

/// The hash of nothing anyone knows: an unknown e-mail costs the same time as a known one.
const NOBODYS: &str = "$argon2id$v=19$m=19456,t=2,p=1$3o3WMgEsZugSgOy5Xr4XXw$\
    KQpr6yNGyAKUm/v8XlLnjw0RjmKgENa1uBD400tjzow";

/// How many may wait for their turn before the next is told to come back.
const MAX_WAITING: usize = 32;

/// Hashes and checks passwords, a few at a time.
#[derive(Clone)]
pub struct Passwords {
    turns: Arc<Semaphore>,
    waiting: Arc<AtomicUsize>,
}

struct Waiting<'a>(&'a AtomicUsize);

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Passwords {
    /// As many turns at once as there are cores.
    #[must_use]
    pub fn new() -> Self {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        Self { turns: Arc::new(Semaphore::new(cores)), waiting: Arc::default() }
    }

    /// The PHC string of a password.
    ///
    /// # Errors
    /// [`AccountError::Busy`] when too many wait.
    pub async fn hash(&self, password: SecretString) -> Result<String, AccountError> {
        self.in_turn(move || hash(&password)).await?
    }

    /// Whether the password is the one behind `stored`; without a stored hash, no, after as much
    /// work. A hash that costs less than today's is followed by the work that it lacks: the time
    /// tells nobody that there is an account, or how long ago someone last signed in to it.
    ///
    /// # Errors
    /// [`AccountError::Busy`] when too many wait.
    pub async fn verify(
        &self,
        password: SecretString,
        stored: Option<String>,
    ) -> Result<bool, AccountError> {
        let known = stored.is_some();
        let matches = self
            .in_turn(move || {
                // What is too long for a password is as much work as any wrong one.
                let normal = normalize(&password);
                let fits = normal.is_some();
                let normal = normal.unwrap_or_default();
                let stored = stored.as_deref().unwrap_or(NOBODYS);
                let matches = PasswordHash::new(stored).is_ok_and(|stored| {
                    let password = normal.expose_secret().as_bytes();
                    Argon2::default().verify_password(password, &stored).is_ok()
                });
                if let Some(rest) = missing_work(stored) {
                    spend(&normal, rest);
                }
                matches && fits
            })
            .await?;
        Ok(matches && known)
    }

    /// Whether a stored hash was made with less work than is asked for today.
    #[must_use]
    pub fn is_outdated(stored: &str) -> bool {
        let Ok(stored) = PasswordHash::new(stored) else { return true };
        let Ok(params) = Params::try_from(&stored) else { return true };
        stored.algorithm != Algorithm::Argon2id.ident()
            || params.m_cost() < MEMORY_KIB
            || params.t_cost() < PASSES
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

/// What a stored hash costs less than today's, as the parameters of one that costs so much; None
/// when that is nothing worth speaking of. Time goes with the memory that is filled, once a pass.
fn missing_work(stored: &str) -> Option<Params> {
    let params = PasswordHash::new(stored).ok().and_then(|hash| Params::try_from(&hash).ok());
    let filled = params.map_or(0, |params| params.m_cost().saturating_mul(params.t_cost()));
    let missing = MEMORY_KIB.saturating_mul(PASSES).saturating_sub(filled);
    // What is left over is too little to make a hash of, and to be measured.
    Params::new(missing / PASSES, PASSES, LANES, None).ok()
}

/// Works as long as hashing with these parameters takes.
fn spend(password: &SecretString, params: Params) {
    let mut nothing = [0; 32];
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    let password = password.expose_secret().as_bytes();
    // It cannot fail with parameters that were accepted; were it to, an answer would come sooner.
    let _ = argon2.hash_password_into(password, b"no salt is needed", &mut nothing);
    std::hint::black_box(nothing);
}

fn hash(password: &SecretString) -> Result<String, AccountError> {
    let fault = |error: &dyn std::fmt::Display| AccountError::Fault(error.to_string());
    let normal = normalize(password).ok_or_else(|| fault(&"a password is too long"))?;
    let params = Params::new(MEMORY_KIB, PASSES, LANES, None).map_err(|error| fault(&error))?;
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
        .hash_password(normal.expose_secret().as_bytes())
        .map(|hash| hash.to_string())
        .map_err(|error| fault(&error))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(text: &str) -> SecretString {
        SecretString::from(text)
    }

    #[tokio::test]
    async fn only_the_right_password_matches_and_an_unknown_account_never() {
        let passwords = Passwords::new();
        let right = || secret("correct horse battery");
        let stored = passwords.hash(right()).await.unwrap();
        assert!(stored.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
        assert!(passwords.verify(right(), Some(stored.clone())).await.unwrap());
        let wrong = secret("correct horse batterz");
        assert!(!passwords.verify(wrong, Some(stored)).await.unwrap());
        assert!(!passwords.verify(right(), None).await.unwrap());
    }

    #[tokio::test]
    async fn a_password_matches_however_its_characters_were_composed() {
        let passwords = Passwords::new();
        let stored = passwords.hash(secret("cr\u{e8}me br\u{fb}l\u{e9}e ﬁne")).await.unwrap();
        let typed = secret("cre\u{300}me bru\u{302}le\u{301}e fine");
        assert!(passwords.verify(typed, Some(stored)).await.unwrap());
    }

    #[tokio::test]
    async fn what_is_too_long_matches_nothing_not_even_the_empty_password() {
        let passwords = Passwords::new();
        let stored = passwords.hash(secret("")).await.unwrap();
        let long = secret(&"long ".repeat(1_000));
        assert!(!passwords.verify(long, Some(stored)).await.unwrap());
    }

    #[test]
    fn nobodys_hash_costs_what_others_cost() {
        assert!(!Passwords::is_outdated(NOBODYS));
        assert!(NOBODYS.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
    }

    #[test]
    fn a_hash_that_cost_less_is_outdated() {
        let less = |text: &str| Passwords::is_outdated(&NOBODYS.replace("m=19456,t=2", text));
        assert!(less("m=19455,t=2"));
        assert!(less("m=19456,t=1"));
        assert!(!less("m=47104,t=3"));
        assert!(Passwords::is_outdated("none"));
    }

    #[test]
    fn every_hash_costs_what_nobodys_costs() {
        let filled = |params: &Params| params.m_cost() * params.t_cost();
        let total = |stored: &str| {
            let own = PasswordHash::new(stored).ok();
            let own = own.and_then(|hash| Params::try_from(&hash).ok());
            own.as_ref().map_or(0, filled) + missing_work(stored).as_ref().map_or(0, filled)
        };
        let today = total(NOBODYS);
        assert_eq!(today, MEMORY_KIB * PASSES);
        for earlier in ["m=19456,t=1", "m=9216,t=1", "m=4096,t=3", "m=8192,t=4", "m=64,t=1"] {
            let stored = NOBODYS.replace("m=19456,t=2", earlier);
            // A few KiB of tens of thousands are not measured.
            assert!(today - total(&stored) < 16, "{earlier}: {} of {today}", total(&stored));
        }
        assert_eq!(total("none"), today);
        assert_eq!(total(""), today);
        assert!(missing_work(&NOBODYS.replace("m=19456,t=2", "m=47104,t=1")).is_none());
    }

    #[tokio::test]
    async fn a_hash_of_earlier_parameters_is_still_checked() {
        let params = Params::new(64, 1, 1, None).unwrap();
        let weak = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        let stored = weak.hash_password(b"correct horse battery").unwrap().to_string();
        let passwords = Passwords::new();
        let right = secret("correct horse battery");
        assert!(passwords.verify(right, Some(stored.clone())).await.unwrap());
        let wrong = secret("correct horse batterz");
        assert!(!passwords.verify(wrong, Some(stored)).await.unwrap());
    }

    #[tokio::test]
    async fn a_crowd_is_told_to_come_back() {
        let passwords = Passwords::new();
        let all = passwords.turns.available_permits();
        let held = Arc::clone(&passwords.turns).acquire_many_owned(all.try_into().unwrap()).await;
        let wait = |_| {
            let passwords = passwords.clone();
            tokio::spawn(async move { passwords.hash(secret("a")).await })
        };
        let waiting: Vec<_> = (0..MAX_WAITING).map(wait).collect();
        while passwords.waiting.load(Ordering::Relaxed) < MAX_WAITING {
            tokio::task::yield_now().await;
        }

        let refused = passwords.hash(secret("a")).await;
        drop(held);

        assert!(matches!(refused, Err(AccountError::Busy)));
        for one in waiting {
            assert!(one.await.unwrap().is_ok());
        }
    }
}
