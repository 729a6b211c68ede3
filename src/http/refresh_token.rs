//! Refresh tokens that a vendor changes at each use.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};

/// Keeps what became of a refresh token where a restart finds it again. It is the keeper's part to seal it.
#[async_trait]
pub trait TokenKeeper: Send + Sync + 'static {
    /// What was kept last.
    fn kept(&self) -> Option<SecretString>;

    /// Keeps this instead; it is on disk when this returns.
    ///
    /// # Errors
    /// Why it could not be kept, in words.
    async fn keep(&self, value: SecretString) -> Result<(), String>;
}

/// Keeps it for as long as the process lives.
#[derive(Debug, Default)]
pub struct KeepsInMemory(Mutex<Option<SecretString>>);

impl KeepsInMemory {
    fn lock(&self) -> MutexGuard<'_, Option<SecretString>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl TokenKeeper for KeepsInMemory {
    fn kept(&self) -> Option<SecretString> {
        self.lock().clone()
    }

    async fn keep(&self, value: SecretString) -> Result<(), String> {
        *self.lock() = Some(value);
        Ok(())
    }
}

/// A refresh token as it was configured, and what the vendor made of it since.
pub struct RefreshToken {
    configured: SecretString,
    keeper: Arc<dyn TokenKeeper>,
    /// The latest, while the keeper can't keep it.
    unkept: Mutex<Option<SecretString>>,
}

impl RefreshToken {
    /// A configured token, and who keeps what becomes of it.
    #[must_use]
    pub fn new(configured: SecretString, keeper: Arc<dyn TokenKeeper>) -> Self {
        Self {
            configured,
            keeper,
            unkept: Mutex::default(),
        }
    }

    /// The token as it was configured.
    #[must_use]
    pub fn configured(&self) -> &SecretString {
        &self.configured
    }

    /// The token to be used next. What is kept counts only if it came of the token that is configured: a person who
    /// signs in anew begins anew.
    #[must_use]
    pub fn current(&self) -> SecretString {
        let unkept = self.lock_unkept().clone();
        let kept = || token_of(&self.keeper.kept()?, &origin(&self.configured));
        unkept
            .or_else(kept)
            .unwrap_or_else(|| self.configured.clone())
    }

    /// Takes the token that the vendor gave instead of the one just used, and has it kept before anybody uses it.
    pub async fn change(&self, token: &SecretString) {
        if token.expose_secret() == self.current().expose_secret() {
            return;
        }
        let value = format!("{} {}", origin(&self.configured), token.expose_secret());
        let unkept = match self.keeper.keep(value.into()).await {
            Ok(()) => None,
            Err(why) => {
                tracing::error!(
                    "a vendor changed a refresh token, and it could not be kept ({why}): after a restart somebody must sign in anew"
                );
                Some(token.clone())
            }
        };
        *self.lock_unkept() = unkept;
    }

    fn lock_unkept(&self) -> MutexGuard<'_, Option<SecretString>> {
        self.unkept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for RefreshToken {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("RefreshToken")
            .finish_non_exhaustive()
    }
}

/// What tells a configured token from another, without being it.
fn origin(configured: &SecretString) -> String {
    hex::encode(Sha256::digest(configured.expose_secret()))
}

/// The token in what was kept, if it came of the token of this origin.
fn token_of(kept: &SecretString, origin: &str) -> Option<SecretString> {
    let (kept_origin, token) = kept.expose_secret().split_once(' ')?;
    (kept_origin == origin).then(|| token.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A disk that is full.
    struct Full;

    #[async_trait]
    impl TokenKeeper for Full {
        fn kept(&self) -> Option<SecretString> {
            None
        }

        async fn keep(&self, _: SecretString) -> Result<(), String> {
            Err("the disk is full".to_owned())
        }
    }

    fn current(token: &RefreshToken) -> String {
        token.current().expose_secret().to_owned()
    }

    #[tokio::test]
    async fn a_changed_token_outlives_the_adapter_and_not_its_configuration() {
        let drawer = Arc::new(KeepsInMemory::default());
        let token = RefreshToken::new("first".into(), drawer.clone());
        assert_eq!(current(&token), "first");
        token.change(&"first".into()).await;
        assert!(drawer.kept().is_none(), "nothing changed");
        token.change(&"second".into()).await;
        token.change(&"third".into()).await;
        assert_eq!(current(&token), "third");
        let again = RefreshToken::new("first".into(), drawer.clone());
        assert_eq!(current(&again), "third");
        let other = RefreshToken::new("signed in anew".into(), drawer.clone());
        assert_eq!(current(&other), "signed in anew");
        assert!(!format!("{again:?}").contains("third"));
    }

    #[tokio::test]
    async fn what_can_t_be_kept_is_followed_all_the_same() {
        let token = RefreshToken::new("first".into(), Arc::new(Full));
        token.change(&"second".into()).await;
        assert_eq!(current(&token), "second");
    }
}
