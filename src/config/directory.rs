//! Where things are: the config directory and the data directory.

use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use crate::model::ConnectorId;

/// What is said when neither a flag nor the environment tells where to look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "no place for {0} is known: neither a flag nor $HOME is set; name one with --config and --data"
)]
pub struct NoHome(&'static str);

/// Looks up an environment variable; passed in so that tests need not change the process.
type Lookup<'a> = &'a dyn Fn(&str) -> Option<OsString>;

/// The config directory: what a person writes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Directory(PathBuf);

impl Directory {
    /// The directory that the flag names, else `$FIELDBRIDGE_CONFIG`, else `fieldbridge` in the XDG config directory.
    /// It need not exist.
    ///
    /// # Errors
    /// [`NoHome`] when none of these is set.
    pub fn resolve(flag: Option<&Path>) -> Result<Self, NoHome> {
        Self::resolve_from(flag, &|name| env::var_os(name))
    }

    fn resolve_from(flag: Option<&Path>, lookup: Lookup<'_>) -> Result<Self, NoHome> {
        flag.map(Path::to_owned)
            .or_else(|| named(lookup, "FIELDBRIDGE_CONFIG"))
            .or_else(|| home(lookup, "XDG_CONFIG_HOME", ".config"))
            .map(|path| Self(absolute(path)))
            .ok_or(NoHome("the config directory"))
    }

    /// The directory itself.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// `fieldbridge.toml`.
    #[must_use]
    pub fn settings_file(&self) -> PathBuf {
        self.0.join("fieldbridge.toml")
    }

    /// Where connector files are.
    #[must_use]
    pub fn connectors(&self) -> PathBuf {
        self.0.join("connectors")
    }

    /// The file of a connector.
    #[must_use]
    pub fn connector_file(&self, id: &ConnectorId) -> PathBuf {
        self.connectors().join(format!("{id}.toml"))
    }

    /// Where mapping files and their scripts are.
    #[must_use]
    pub fn mappings(&self) -> PathBuf {
        self.0.join("mappings")
    }

    /// The mapping file of a connector.
    #[must_use]
    pub fn mapping_file(&self, id: &ConnectorId) -> PathBuf {
        self.mappings().join(format!("{id}.toml"))
    }

    /// Where a person's themes are.
    #[must_use]
    pub fn themes(&self) -> PathBuf {
        self.0.join("themes")
    }
}

/// The data directory: what the engine writes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DataDirectory(PathBuf);

impl DataDirectory {
    /// The directory that the flag names, else `$FIELDBRIDGE_DATA`, else `data_directory` of the settings, else
    /// systemd's `$STATE_DIRECTORY`, else `fieldbridge` in the XDG data directory. It need not exist.
    ///
    /// # Errors
    /// [`NoHome`] when none of these is set.
    pub fn resolve(flag: Option<&Path>, configured: Option<&Path>) -> Result<Self, NoHome> {
        Self::resolve_from(flag, configured, &|name| env::var_os(name))
    }

    fn resolve_from(
        flag: Option<&Path>,
        configured: Option<&Path>,
        lookup: Lookup<'_>,
    ) -> Result<Self, NoHome> {
        flag.map(Path::to_owned)
            .or_else(|| named(lookup, "FIELDBRIDGE_DATA"))
            .or_else(|| configured.map(Path::to_owned))
            .or_else(|| named(lookup, "STATE_DIRECTORY"))
            .or_else(|| home(lookup, "XDG_DATA_HOME", ".local/share"))
            .map(|path| Self(absolute(path)))
            .ok_or(NoHome("the data directory"))
    }

    /// The directory itself.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// The database.
    #[must_use]
    pub fn database(&self) -> PathBuf {
        self.0.join("fieldbridge.redb")
    }

    /// The control socket.
    #[must_use]
    pub fn socket(&self) -> PathBuf {
        self.0.join("control.sock")
    }

    /// Where logs are.
    #[must_use]
    pub fn logs(&self) -> PathBuf {
        self.0.join("logs")
    }

    /// The key that secrets are sealed with, unless it comes from elsewhere.
    #[must_use]
    pub fn master_key(&self) -> PathBuf {
        self.0.join("master.key")
    }
}

/// How a file in the config directory names another: relative to that directory where it lies in there, else whole.
#[must_use]
pub fn name_within(home: &Path, file: &Path) -> String {
    let whole = |path: &Path| std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let (file, home) = (whole(file), whole(home));
    let inner = file.strip_prefix(home).unwrap_or(&file);
    inner.display().to_string()
}

/// A relative path means the directory that the program was started in, and goes on to mean it.
fn absolute(path: PathBuf) -> PathBuf {
    std::path::absolute(&path).unwrap_or(path)
}

fn named(lookup: Lookup<'_>, variable: &str) -> Option<PathBuf> {
    let value = lookup(variable).filter(|value| !value.is_empty())?;
    Some(PathBuf::from(value))
}

/// As the XDG base directory specification has it: a relative path in the variable counts as none.
fn home(lookup: Lookup<'_>, variable: &str, below_home: &str) -> Option<PathBuf> {
    named(lookup, variable)
        .filter(|path| path.is_absolute())
        .or_else(|| Some(named(lookup, "HOME")?.join(below_home)))
        .map(|base| base.join("fieldbridge"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment<'a>(pairs: &'a [(&str, &str)]) -> impl Fn(&str) -> Option<OsString> + 'a {
        |name| {
            let pair = pairs.iter().find(|(key, _)| *key == name);
            pair.map(|(_, value)| value.into())
        }
    }

    #[test]
    fn the_flag_goes_before_the_environment_and_that_before_xdg() {
        let all = environment(&[
            ("FIELDBRIDGE_CONFIG", "/from/env"),
            ("XDG_CONFIG_HOME", "/xdg"),
            ("HOME", "/home/op"),
        ]);
        let resolve = |flag: Option<&str>| Directory::resolve_from(flag.map(Path::new), &all);
        assert_eq!(resolve(Some("/flag")).unwrap().path(), Path::new("/flag"));
        assert_eq!(resolve(None).unwrap().path(), Path::new("/from/env"));
        let xdg = environment(&[("XDG_CONFIG_HOME", "/xdg"), ("HOME", "/home/op")]);
        let directory = Directory::resolve_from(None, &xdg).unwrap();
        assert_eq!(directory.path(), Path::new("/xdg/fieldbridge"));
        let relative = environment(&[("XDG_CONFIG_HOME", "xdg"), ("HOME", "/home/op")]);
        let directory = Directory::resolve_from(None, &relative).unwrap();
        assert_eq!(directory.path(), Path::new("/home/op/.config/fieldbridge"));
        assert!(Directory::resolve_from(None, &environment(&[])).is_err());
    }

    #[test]
    fn the_settings_go_before_what_the_system_gives() {
        let system = environment(&[("STATE_DIRECTORY", "/var/lib/fb"), ("HOME", "/root")]);
        let resolve = |configured: Option<&str>| {
            DataDirectory::resolve_from(None, configured.map(Path::new), &system).unwrap()
        };
        assert_eq!(resolve(Some("/srv/fb")).path(), Path::new("/srv/fb"));
        assert_eq!(resolve(None).path(), Path::new("/var/lib/fb"));
        let home = environment(&[("HOME", "/home/op")]);
        let data = DataDirectory::resolve_from(None, None, &home).unwrap();
        assert_eq!(
            data.socket(),
            Path::new("/home/op/.local/share/fieldbridge/control.sock")
        );
    }
}
