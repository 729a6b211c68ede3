//! Writing a file so that a reader, or a crash, never meets half of it.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;

/// Replaces a file's text as a whole and waits until it is on disk; its mode stays as it was.
///
/// Blocks while it writes.
///
/// # Errors
/// When the directory can't be written; the file is then as it was.
pub fn replace_file(path: &Path, text: &str) -> io::Result<()> {
    let path = &fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let old = fs::read(path).ok();
    if old.as_deref() == Some(text.as_bytes()) {
        return Ok(());
    }
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".tmp");
    let new = path.with_file_name(name);
    let written = write_new(&new, text, path).and_then(|()| fs::rename(&new, path));
    if written.is_err() {
        // The half that was written is nobody's; that it stays behind changes nothing.
        let _ = fs::remove_file(&new);
    }
    written?;
    // The name is on disk once its directory is.
    path.parent()
        .map_or(Ok(()), |home| File::open(home)?.sync_all())
}

/// Whether a file was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Created {
    /// It was.
    New,
    /// There is one already, which stays as it is.
    WasThere,
}

/// Makes a file as a whole, on disk when this returns; one that is there stays as it is. Makes the directory too.
///
/// Blocks while it writes.
///
/// # Errors
/// When the directory can't be made or written.
pub(super) fn create_file(path: &Path, text: &str) -> io::Result<Created> {
    let home = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(home)?;
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".tmp");
    let new = path.with_file_name(name);
    // Unlike renaming, a link never takes the place of what is there.
    let linked = write_new(&new, text, path).and_then(|()| fs::hard_link(&new, path));
    // What is left behind under this name is nobody's; that it stays changes nothing.
    let _ = fs::remove_file(&new);
    match linked {
        Ok(()) => File::open(home)?.sync_all().map(|()| Created::New),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(Created::WasThere),
        Err(error) => Err(error),
    }
}

fn write_new(new: &Path, text: &str, old: &Path) -> io::Result<()> {
    let mut file = File::create(new)?;
    file.write_all(text.as_bytes())?;
    if let Ok(about) = fs::metadata(old) {
        file.set_permissions(about.permissions())?;
    }
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_file_is_replaced_as_a_whole_and_keeps_its_mode() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("m.toml");
        fs::write(&path, "old").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        replace_file(&path, "new").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "new");
        let mode = fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o640);
        assert_eq!(fs::read_dir(home.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_link_stays_a_link() {
        let home = tempfile::tempdir().unwrap();
        let real = home.path().join("real.toml");
        let link = home.path().join("link.toml");
        fs::write(&real, "old").unwrap();
        std::os::unix::fs::symlink(&real, &link).unwrap();
        replace_file(&link, "new").unwrap();
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(fs::read_to_string(&real).unwrap(), "new");
    }

    #[test]
    fn a_file_is_created_once_and_never_over_another() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("connectors/a.toml");
        assert_eq!(create_file(&path, "one").unwrap(), Created::New);
        assert_eq!(create_file(&path, "two").unwrap(), Created::WasThere);
        assert_eq!(fs::read_to_string(&path).unwrap(), "one");
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
        // A link that leads nowhere is somebody's too.
        let link = home.path().join("connectors/b.toml");
        std::os::unix::fs::symlink(home.path().join("nowhere"), &link).unwrap();
        assert_eq!(create_file(&link, "one").unwrap(), Created::WasThere);
        assert!(create_file(&path.join("c.toml"), "one").is_err());
    }

    #[test]
    fn a_new_file_is_made_and_a_missing_directory_is_told() {
        let home = tempfile::tempdir().unwrap();
        replace_file(&home.path().join("m.toml"), "new").unwrap();
        assert!(replace_file(&home.path().join("no/m.toml"), "new").is_err());
    }
}
