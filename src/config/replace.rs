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
    fn a_new_file_is_made_and_a_missing_directory_is_told() {
        let home = tempfile::tempdir().unwrap();
        replace_file(&home.path().join("m.toml"), "new").unwrap();
        assert!(replace_file(&home.path().join("no/m.toml"), "new").is_err());
    }
}
