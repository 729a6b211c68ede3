//! New files of the config directory: never over one that is there.

use std::io;
use std::path::{Path, PathBuf};

use super::Directory;
use super::replace::{Created, create_file};
use crate::model::ConnectorId;

/// The files that were to be made.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CreatedFiles {
    /// The files written.
    pub written: Vec<PathBuf>,
    /// The files that were there already and were left as they are.
    pub kept: Vec<PathBuf>,
}

/// Why files were not made.
#[derive(Debug, thiserror::Error)]
pub enum CreateError {
    /// There is a connector of this id already, a good one or a broken one.
    #[error("there is a connector `{}` already ({}); choose another id", .0, .1.display())]
    Taken(ConnectorId, PathBuf),
    /// The file can't be written.
    #[error("{} can't be written: {error}", .path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
}

impl CreatedFiles {
    /// Makes a file unless it is there.
    pub(super) fn create(&mut self, file: PathBuf, text: &str) -> Result<(), CreateError> {
        match create(&file, text)? {
            Created::New => self.written.push(file),
            Created::WasThere => self.kept.push(file),
        }
        Ok(())
    }
}

/// Sees that no connector has this id.
///
/// # Errors
/// [`CreateError::Taken`].
pub fn see_free(directory: &Directory, id: &ConnectorId) -> Result<(), CreateError> {
    let file = directory.connector_file(id);
    match file.symlink_metadata() {
        Ok(_) => Err(CreateError::Taken(id.clone(), file)),
        Err(_) => Ok(()),
    }
}

/// Makes a connector's file and the mapping it begins with; a mapping that is there is kept. Blocks while it writes.
///
/// # Errors
/// [`CreateError`]; nothing was made then.
pub fn create_connector(
    directory: &Directory,
    id: &ConnectorId,
    text: &str,
    mapping: &str,
) -> Result<CreatedFiles, CreateError> {
    see_free(directory, id)?;
    let file = directory.connector_file(id);
    let beside = directory.mapping_file(id);
    // The mapping first: a running engine takes the connector up as soon as it is there.
    let of_mapping = create(&beside, mapping)?;
    let of_file = create(&file, text);
    if of_mapping == Created::New && !matches!(of_file, Ok(Created::New)) {
        // A mapping that belongs to no connector would only be warned of.
        let _ = std::fs::remove_file(&beside);
    }
    if of_file? == Created::WasThere {
        return Err(CreateError::Taken(id.clone(), file));
    }
    let (written, kept) = match of_mapping {
        Created::New => (vec![file, beside], Vec::new()),
        Created::WasThere => (vec![file], vec![beside]),
    };
    Ok(CreatedFiles { written, kept })
}

fn create(file: &Path, text: &str) -> Result<Created, CreateError> {
    create_file(file, text).map_err(|error| CreateError::Io {
        path: file.to_owned(),
        error,
    })
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_connector_is_made_whole_or_not_at_all() {
        let home = tempfile::tempdir().unwrap();
        let directory = Directory::resolve(Some(home.path())).unwrap();
        let id = ConnectorId::new("one").unwrap();
        let (file, beside) = (directory.connector_file(&id), directory.mapping_file(&id));
        let made = create_connector(&directory, &id, "a", "b").unwrap();
        assert_eq!(made.written, [file.clone(), beside.clone()]);
        assert_eq!(made.kept, Vec::<PathBuf>::new());
        let again = create_connector(&directory, &id, "c", "d").unwrap_err();
        assert!(matches!(again, CreateError::Taken(..)), "{again}");
        assert_eq!(fs::read_to_string(&file).unwrap(), "a");
        fs::remove_file(&file).unwrap();
        let kept = create_connector(&directory, &id, "c", "d").unwrap();
        assert_eq!(kept.kept, std::slice::from_ref(&beside));
        assert_eq!(fs::read_to_string(&beside).unwrap(), "b");

        // Where the connector's file can't be made, no mapping is left alone.
        let other = ConnectorId::new("two").unwrap();
        fs::remove_dir_all(home.path().join("connectors")).unwrap();
        fs::write(home.path().join("connectors"), "no directory").unwrap();
        let failed = create_connector(&directory, &other, "a", "b").unwrap_err();
        assert!(matches!(failed, CreateError::Io { .. }), "{failed}");
        assert!(!directory.mapping_file(&other).exists());
    }
}
