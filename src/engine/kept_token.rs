//! Refresh tokens that vendors change are kept among the secrets, sealed.

use std::sync::Arc;

use async_trait::async_trait;
use secrecy::SecretString;

use super::shared::Seal;
use crate::config::{SecretReference, Secrets};
use crate::http::TokenKeeper;
use crate::model::ConnectorId;
use crate::store::SharedStore;

/// Keeps the refresh token of one connector.
pub(super) struct KeptToken {
    /// The secret's name, as people see it listed.
    name: String,
    secrets: Secrets,
    vault: Arc<dyn Seal>,
    store: SharedStore,
}

impl KeptToken {
    pub(super) fn of(
        connector: &ConnectorId,
        secrets: Secrets,
        vault: Arc<dyn Seal>,
        store: SharedStore,
    ) -> Self {
        Self {
            name: format!("connector/{connector}/refresh-token"),
            secrets,
            vault,
            store,
        }
    }
}

#[async_trait]
impl TokenKeeper for KeptToken {
    fn kept(&self) -> Option<SecretString> {
        let reference = SecretReference::Stored {
            secret: self.name.clone(),
        };
        self.secrets.resolve(&reference).ok()
    }

    async fn keep(&self, value: SecretString) -> Result<(), String> {
        let sealed = self.vault.seal(&self.name, &value)?;
        let put = self.store.put_secret(&self.name, Some(sealed)).await;
        put.map_err(|refusal| refusal.to_string())?;
        self.vault.publish(&self.name, Some(value));
        Ok(())
    }
}
