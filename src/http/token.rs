//! Access tokens: fetched once for all who wait, and dropped when refused.

use std::future::Future;
use std::time::Duration;

use secrecy::SecretString;
use tokio::sync::Mutex;
use tokio::time::Instant;

use crate::model::Failure;

/// An access token and what is known of its life.
#[derive(Clone, Debug)]
pub struct Token {
    /// What is sent.
    pub access: SecretString,
    /// What gets the next one, if the vendor gives such.
    pub refresh: Option<SecretString>,
    /// When to stop using it.
    pub expires_at: Option<Instant>,
    /// Tells this token from an earlier one.
    generation: u64,
}

/// How long before its end a token is renewed.
const MARGIN: Duration = Duration::from_secs(60);

#[derive(Debug, Default)]
struct Inner {
    token: Option<Token>,
    /// The latest there was: it outlives the access token it came with, whatever becomes of that.
    refresh: Option<SecretString>,
    generation: u64,
}

/// Keeps the current token of one credential. While it is being fetched, everybody else waits for that one fetch.
#[derive(Debug, Default)]
pub struct TokenCache {
    inner: Mutex<Inner>,
}

impl Token {
    /// A token as it came.
    #[must_use]
    pub fn new(
        access: SecretString,
        refresh: Option<SecretString>,
        lasts: Option<Duration>,
    ) -> Self {
        let expires_at =
            lasts.map(|lasts| Instant::now() + lasts.saturating_sub(MARGIN.min(lasts / 2)));
        Self {
            access,
            refresh,
            expires_at,
            generation: 0,
        }
    }

    fn is_fresh(&self) -> bool {
        self.expires_at.is_none_or(|end| Instant::now() < end)
    }
}

impl TokenCache {
    /// The current token, or the one that `fetch` gets; `fetch` is given the latest refresh token there was.
    ///
    /// # Errors
    /// What `fetch` fails with; the next caller tries again.
    pub async fn get<F, Fut>(&self, fetch: F) -> Result<Token, Failure>
    where
        F: FnOnce(Option<SecretString>) -> Fut,
        Fut: Future<Output = Result<Token, Failure>>,
    {
        let mut inner = self.inner.lock().await;
        if let Some(token) = inner.token.as_ref().filter(|token| token.is_fresh()) {
            return Ok(token.clone());
        }
        inner.token = None;
        let mut token = fetch(inner.refresh.clone()).await?;
        inner.generation += 1;
        token.generation = inner.generation;
        if token.refresh.is_some() {
            inner.refresh.clone_from(&token.refresh);
        }
        inner.token = Some(token.clone());
        Ok(token)
    }

    /// Drops an access token that was refused, unless it has been replaced meanwhile. Its refresh token stays.
    pub async fn refused(&self, token: &Token) {
        let mut inner = self.inner.lock().await;
        if inner
            .token
            .as_ref()
            .is_some_and(|current| current.generation == token.generation)
        {
            inner.token = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    fn token(lasts: u64) -> Token {
        Token::new("fake-token".into(), None, Some(Duration::from_secs(lasts)))
    }

    #[tokio::test(start_paused = true)]
    async fn a_hundred_callers_make_one_fetch() {
        let cache = TokenCache::default();
        let fetches = AtomicU32::new(0);
        let callers = (0..100).map(|_| {
            cache.get(|_| async {
                fetches.fetch_add(1, Ordering::Relaxed);
                tokio::time::sleep(Duration::from_secs(1)).await;
                Ok(token(3600))
            })
        });
        futures_util::future::join_all(callers).await;
        assert_eq!(fetches.load(Ordering::Relaxed), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn a_token_is_renewed_before_it_ends_and_after_a_refusal() {
        let cache = TokenCache::default();
        let first = cache.get(|_| async { Ok(token(3600)) }).await.unwrap();
        tokio::time::advance(Duration::from_secs(3545)).await;
        let second = cache.get(|_| async { Ok(token(3600)) }).await.unwrap();
        assert_ne!(first.generation, second.generation);
        cache.refused(&first).await;
        let same = cache.get(|_| async { Ok(token(3600)) }).await.unwrap();
        assert_eq!(second.generation, same.generation);
        cache.refused(&second).await;
        let third = cache.get(|_| async { Ok(token(3600)) }).await.unwrap();
        assert_ne!(second.generation, third.generation);
    }

    #[tokio::test(start_paused = true)]
    async fn a_refresh_token_outlives_refusals_and_failures() {
        let cache = TokenCache::default();
        let with_refresh = |text: &str| Token::new("fake".into(), Some(text.into()), None);
        let given = |refresh: Option<SecretString>| {
            refresh.map(|token| secrecy::ExposeSecret::expose_secret(&token).to_owned())
        };
        let first = cache.get(async |none| {
            assert_eq!(given(none), None);
            Ok(with_refresh("one"))
        });
        let first = first.await.unwrap();
        cache.refused(&first).await;
        let failed = cache.get(async |refresh| {
            assert_eq!(given(refresh).as_deref(), Some("one"));
            Err(Failure::new(crate::model::Category::Network, "no answer"))
        });
        failed.await.unwrap_err();
        let second = cache.get(async |refresh| {
            assert_eq!(given(refresh).as_deref(), Some("one"));
            // No other one came along: the same goes on.
            Ok(token(3600))
        });
        cache.refused(&second.await.unwrap()).await;
        let third = cache.get(async |refresh| {
            assert_eq!(given(refresh).as_deref(), Some("one"));
            Ok(with_refresh("two"))
        });
        third.await.unwrap();
    }
}
