//! What every command knows: where things are, how to print, how far it may go.

use std::cell::OnceCell;
use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;

use super::arguments::Global;
use super::failure::CliError;
use super::output::Output;
use crate::api::{Access, Client, ClientError};
use crate::config::{DataDirectory, Directory, Loaded, load};

/// What every command knows.
pub(super) struct Context {
    pub(super) directory: Directory,
    pub(super) output: Output,
    pub(super) access: Access,
    data_flag: Option<PathBuf>,
    loaded: OnceCell<Loaded>,
}

impl Context {
    pub(super) fn new(global: &Global, output: Output) -> Result<Self, CliError> {
        let directory = Directory::resolve(global.config.as_deref());
        Ok(Self {
            directory: directory.map_err(|error| CliError::Usage(error.to_string()))?,
            output,
            access: if global.read_only {
                Access::ReadOnly
            } else {
                Access::Full
            },
            data_flag: global.data.clone(),
            loaded: OnceCell::new(),
        })
    }

    /// The config directory's files, read once.
    pub(super) fn loaded(&self) -> &Loaded {
        self.loaded.get_or_init(|| load(&self.directory))
    }

    /// The data directory; a broken fieldbridge.toml does not hide it where a flag or the environment names it.
    pub(super) fn data(&self) -> Result<DataDirectory, CliError> {
        let settings = self.loaded().settings.as_ref();
        let configured = settings
            .ok()
            .and_then(|settings| settings.data_directory.as_deref());
        // A relative path in a file means the file's own directory, wherever the program was started.
        let configured = configured.map(|path| self.directory.path().join(path));
        DataDirectory::resolve(self.data_flag.as_deref(), configured.as_deref())
            .map_err(|error| CliError::Usage(error.to_string()))
    }

    /// Connects to the engine that runs.
    pub(super) async fn connect(&self) -> Result<Client, CliError> {
        let client = Client::connect(&self.data()?.socket()).await?;
        Ok(client.with_access(self.access))
    }

    /// Connects to the engine if one runs.
    pub(super) async fn connect_if_running(&self) -> Result<Option<Client>, CliError> {
        match Client::connect(&self.data()?.socket()).await {
            Ok(client) => Ok(Some(client.with_access(self.access))),
            Err(ClientError::NotRunning(_)) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Refuses under `--read-only`.
    pub(super) fn may_change(&self) -> Result<(), CliError> {
        match self.access {
            Access::Full => Ok(()),
            Access::ReadOnly => Err(CliError::Refused(
                "this was started read-only (--read-only); nothing was changed".to_owned(),
            )),
        }
    }
}

/// The text of a file, or of stdin for `-`.
pub(super) fn text_of(file: &Path) -> Result<String, CliError> {
    let read = if file == Path::new("-") {
        let mut text = String::new();
        io::stdin().read_to_string(&mut text).map(|_| text)
    } else {
        fs::read_to_string(file)
    };
    read.map_err(|error| {
        let why = format!("{} can't be read: {error}", file.display());
        match error.kind() {
            io::ErrorKind::NotFound => CliError::NotFound(why),
            _ => CliError::Failed(why),
        }
    })
}

/// The JSON of a file, or of stdin for `-`.
pub(super) fn json_of<T: DeserializeOwned>(file: &Path) -> Result<T, CliError> {
    let text = text_of(file)?;
    serde_json::from_str(&text).map_err(|error| {
        CliError::failed(format!(
            "{}: this is not the JSON that is needed: {error}",
            file.display()
        ))
    })
}
