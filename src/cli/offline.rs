//! The store without an engine: for commands that must work before the first start.

use std::fs::{self, DirBuilder};
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::sync::Arc;

use rustix::fs::Mode;

use super::failure::CliError;
use crate::config::{DataDirectory, Vault};
use crate::model::TokioClock;
use crate::store::redb::RedbStore;
use crate::store::{Store, StoreError};

/// Whatever this process writes from now on is for its user's eyes only.
pub(super) fn private_files() {
    let _before = rustix::process::umask(Mode::RWXG | Mode::RWXO);
}

/// Makes the data directory unless it is there, for its owner only.
pub(super) fn make_data_directory(data: &DataDirectory) -> Result<(), CliError> {
    let mut builder = DirBuilder::new();
    let made = builder.recursive(true).mode(0o700).create(data.path());
    made.map_err(|error| {
        CliError::failed(format!(
            "the data directory {} can't be made: {error}",
            data.path().display()
        ))
    })?;
    let owner = fs::metadata(data.path()).map(|metadata| metadata.uid());
    let own = rustix::process::geteuid().as_raw();
    match owner {
        // What root would write there, the engine could not read.
        Ok(owner) if owner != own => Err(CliError::Refused(format!(
            "the data directory {} belongs to user {owner}; run this as that user",
            data.path().display()
        ))),
        _ => Ok(()),
    }
}

/// Opens the store for this process alone.
pub(super) fn open_store(data: &DataDirectory) -> Result<RedbStore, CliError> {
    RedbStore::open(&data.database(), Arc::new(TokioClock::start())).map_err(|error| match error {
        StoreError::InUse { .. } => CliError::Refused(error.to_string()),
        other => CliError::failed(other.to_string()),
    })
}

/// Opens the vault of a data directory.
pub(super) fn open_vault(data: &DataDirectory) -> Result<Vault, CliError> {
    Vault::with_key_of(&data.master_key()).map_err(|error| CliError::failed(error.to_string()))
}

/// All sealed secrets of a store, by name.
pub(super) async fn sealed_secrets(
    store: &dyn Store,
) -> Result<Vec<(String, bytes::Bytes)>, StoreError> {
    let mut sealed = Vec::new();
    for name in store.secret_names().await? {
        if let Some(bytes) = store.secret(&name).await? {
            sealed.push((name, bytes));
        }
    }
    Ok(sealed)
}
