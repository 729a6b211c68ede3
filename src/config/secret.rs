//! Secrets: references in files, and where their values come from.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use secrecy::SecretString;
use serde::Deserialize;

/// A secret as a file names it. The value itself is never written out by `Debug` or a serializer.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged, deny_unknown_fields)]
pub enum SecretReference {
    /// `{ env = "NAME" }`: an environment variable.
    Environment {
        /// Its name.
        env: String,
    },
    /// `{ file = "PATH" }`: a file's text without the last line end.
    File {
        /// Its path; a relative one is looked for in the config directory.
        file: PathBuf,
    },
    /// `{ credential = "NAME" }`: a systemd credential.
    Credential {
        /// Its name in `$CREDENTIALS_DIRECTORY`.
        credential: String,
    },
    /// `{ secret = "NAME" }`: kept by `fieldbridge secret set NAME`.
    Stored {
        /// Its name.
        secret: String,
    },
    /// The value itself; accepted with a warning.
    Literal(SecretString),
}

/// Reads sealed secrets by name; filled in by whoever has the store.
pub type SealedSecrets = Arc<RwLock<HashMap<String, SecretString>>>;

/// Where secrets come from.
#[derive(Clone, Debug, Default)]
pub struct Secrets {
    directory: PathBuf,
    stored: SealedSecrets,
}

impl Secrets {
    /// Secrets of a config directory, with those of the own store.
    #[must_use]
    pub fn new(directory: &Path, stored: SealedSecrets) -> Self {
        Self {
            directory: directory.to_owned(),
            stored,
        }
    }

    /// The same secrets with stand-ins for those of these names that are not kept, to try what needs them; and which
    /// those are.
    #[must_use]
    pub fn with_stand_ins(&self, names: &[String]) -> (Self, Vec<String>) {
        let stored = self.stored.read().unwrap_or_else(PoisonError::into_inner);
        let mut all = stored.clone();
        let missing = names.iter().filter(|name| !stored.contains_key(*name));
        let missing: Vec<String> = missing.cloned().collect();
        all.extend(missing.iter().map(|name| (name.clone(), "stand-in".into())));
        let tried = Self {
            directory: self.directory.clone(),
            stored: Arc::new(RwLock::new(all)),
        };
        (tried, missing)
    }

    /// The value of a reference.
    ///
    /// # Errors
    /// A sentence that says which secret is missing and where it was looked for.
    pub fn resolve(&self, reference: &SecretReference) -> Result<SecretString, String> {
        match reference {
            SecretReference::Literal(value) => Ok(value.clone()),
            SecretReference::Environment { env } => std::env::var(env)
                .map(Into::into)
                .map_err(|_| format!("the environment variable {env} is not set (or is no text)")),
            SecretReference::File { file } => read(&self.directory.join(file)),
            SecretReference::Credential { credential } => {
                let directory = std::env::var_os("CREDENTIALS_DIRECTORY")
                    .ok_or("systemd gave no credentials ($CREDENTIALS_DIRECTORY is not set)")?;
                read(&Path::new(&directory).join(credential))
            }
            SecretReference::Stored { secret } => {
                let stored = self.stored.read().unwrap_or_else(PoisonError::into_inner);
                stored.get(secret).cloned().ok_or_else(|| {
                    format!(
                        "no secret `{secret}` is kept; set it with: fieldbridge secret set {secret}"
                    )
                })
            }
        }
    }
}

fn read(path: &Path) -> Result<SecretString, String> {
    match std::fs::read_to_string(path) {
        Ok(text) => Ok(text
            .strip_suffix('\n')
            .unwrap_or(&text)
            .trim_end_matches('\r')
            .into()),
        Err(error) => Err(format!(
            "the secret's file {} can't be read: {error}",
            path.display()
        )),
    }
}

impl SecretReference {
    /// Whether the value stands in the file itself.
    #[must_use]
    pub fn is_literal(&self) -> bool {
        matches!(self, Self::Literal(_))
    }
}
