//! The database file: opening it for us alone, and saying who has it when that fails.

use std::fmt;
use std::fs::{self, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

use redb::{Builder, Database, DatabaseError, StorageError, TransactionError};
use serde::{Deserialize, Serialize};

use super::fault::Fault;
use super::schema::{MIGRATIONS, Unfit, prepare};
use crate::model::Timestamp;
use crate::store::StoreError;

/// How much of the file is kept in memory.
const CACHE: usize = 64 << 20;

/// Where the database lies. Opening it again has to be possible: after a failed write the old handle
/// refuses everything.
pub(super) trait Home: Send + Sync + 'static {
    /// Opens the database, for this process alone.
    fn open(&self, builder: &Builder) -> Result<Database, DatabaseError>;

    /// The name for people.
    fn name(&self) -> String;
}

/// A file on disk.
#[derive(Debug)]
pub(super) struct File(pub(super) PathBuf);

impl Home for File {
    fn open(&self, builder: &Builder) -> Result<Database, DatabaseError> {
        create_private(&self.0).map_err(StorageError::from)?;
        builder.create(&self.0)
    }

    fn name(&self) -> String {
        self.0.display().to_string()
    }
}

/// Creates the file, if there is none, readable by its owner alone.
fn create_private(path: &Path) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(path) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        _ => Ok(()),
    }
}

/// Opens a database and brings it to the newest version.
pub(super) fn open(home: &dyn Home) -> Result<Database, StoreError> {
    let mut builder = Database::builder();
    builder.set_cache_size(CACHE);
    let database = home.open(&builder).map_err(|error| refusal(home, error))?;
    let unusable = |why| StoreError::Unusable {
        path: home.name(),
        why,
    };
    let mut txn = database.begin_write()?;
    txn.set_quick_repair(true);
    match prepare(&txn, MIGRATIONS) {
        Ok(()) => txn.commit()?,
        Err(refused) => {
            let aborted = txn.abort();
            return Err(match refused {
                Unfit::Unusable(why) => unusable(why),
                Unfit::Fault(Fault::Refused(error) | Fault::Broken(error)) => {
                    aborted.map_or_else(StoreError::from, |()| error)
                }
            });
        }
    }
    Ok(database)
}

fn refusal(home: &dyn Home, error: DatabaseError) -> StoreError {
    let unusable = |why: String| StoreError::Unusable {
        path: home.name(),
        why,
    };
    match error {
        DatabaseError::DatabaseAlreadyOpen | DatabaseError::LockProtocolMismatch => {
            StoreError::InUse {
                path: home.name(),
                holder: Holder::read(home)
                    .map_or_else(|| "another process".to_owned(), |holder| holder.to_string()),
            }
        }
        DatabaseError::UpgradeRequired(version) => unusable(format!(
            "its file format (version {version}) is older than this program can read"
        )),
        DatabaseError::Storage(StorageError::Io(error))
            if error.kind() == io::ErrorKind::InvalidData =>
        {
            unusable("it is no database; move it away, or name another data directory".to_owned())
        }
        DatabaseError::Storage(StorageError::Corrupted(why)) => {
            unusable(format!("it is damaged ({why}); restore it from a backup"))
        }
        other => StoreError::from(other),
    }
}

/// Who has the file open, as noted beside it.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Holder {
    pid: u32,
    since: Timestamp,
}

impl fmt::Display for Holder {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "process {}, running since {:.0}",
            self.pid, self.since
        )
    }
}

impl Holder {
    /// This process.
    pub(super) fn this_process(since: Timestamp) -> Self {
        Self {
            pid: std::process::id(),
            since,
        }
    }

    fn path(database: &Path) -> PathBuf {
        let mut path = database.as_os_str().to_owned();
        path.push(".holder");
        path.into()
    }

    fn read(home: &dyn Home) -> Option<Self> {
        let text = fs::read(Self::path(Path::new(&home.name()))).ok()?;
        serde_json::from_slice(&text).ok()
    }

    /// Notes it beside the database.
    pub(super) fn write(&self, database: &Path) -> io::Result<()> {
        fs::write(Self::path(database), serde_json::to_vec(self)?)
    }

    /// Takes the note away.
    pub(super) fn remove(database: &Path) {
        // A note left behind does no harm: it is read only while the file is locked, and written anew by
        // whoever locks it next.
        let _ = fs::remove_file(Self::path(database));
    }
}

impl From<TransactionError> for Fault {
    fn from(error: TransactionError) -> Self {
        Self::Broken(error.into())
    }
}
