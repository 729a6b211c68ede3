//! Says when files of the config directory have changed.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::Duration;

use notify::{Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher};
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout_at};

use super::load::is_left_over;
use super::named::NamedFile;

/// How long it must be quiet before changes are told: an editor writes, renames and writes again.
const QUIET: Duration = Duration::from_millis(150);

/// How long changes are withheld at most if it never gets quiet.
const PATIENCE: Duration = Duration::from_secs(2);

/// A config directory under watch. Dropping it ends the watch.
#[derive(Debug)]
pub struct Watch {
    events: mpsc::UnboundedReceiver<PathBuf>,
    pending: BTreeSet<PathBuf>,
    directory: PathBuf,
    watcher: RecommendedWatcher,
    /// What connectors' settings name beside their own files.
    named: BTreeSet<NamedFile>,
    /// The directories that are watched for it.
    beside: BTreeMap<PathBuf, RecursiveMode>,
}

/// What is watched below the directory. Nothing else is: the data directory may be there too.
const BELOW: [&str; 3] = ["connectors", "mappings", "themes"];

/// Watches a config directory, which must exist.
///
/// # Errors
/// A sentence that says why the system does not let us watch.
pub fn watch(directory: &Path) -> Result<Watch, String> {
    let failed = |error: notify::Error| {
        format!(
            "changes in {} can't be watched: {error}; restart the engine after changing files",
            directory.display()
        )
    };
    let (sender, events) = mpsc::unbounded_channel();
    let mut watcher = notify::recommended_watcher(move |event: notify::Result<Event>| {
        let Ok(event) = event else { return };
        if matters(event.kind) {
            for path in event.paths.into_iter().filter(|path| is_ours(path)) {
                let _watch_is_over = sender.send(path);
            }
        }
    })
    .map_err(failed)?;
    watcher
        .watch(directory, RecursiveMode::NonRecursive)
        .map_err(failed)?;
    for below in BELOW.map(|name| directory.join(name)) {
        if below.is_dir() {
            watcher
                .watch(&below, RecursiveMode::Recursive)
                .map_err(failed)?;
        }
    }
    Ok(Watch {
        events,
        pending: BTreeSet::new(),
        directory: directory.to_owned(),
        watcher,
        named: BTreeSet::new(),
        beside: BTreeMap::new(),
    })
}

/// Reading a file changes nothing.
fn matters(kind: EventKind) -> bool {
    !matches!(kind, EventKind::Access(_))
}

/// An editor's own files do not count, but the hidden links by which a mounted directory is exchanged whole do.
fn is_ours(path: &Path) -> bool {
    let exchanged = path
        .file_name()
        .is_some_and(|name| name.to_string_lossy().starts_with(".."));
    exchanged || !is_left_over(path)
}

impl Watch {
    /// Waits until files have changed and the directory is quiet again; answers which. `None` when watching ended.
    /// Dropping the future loses nothing (safe in `select!`).
    pub async fn changed(&mut self) -> Option<BTreeSet<PathBuf>> {
        while self.pending.is_empty() {
            let path = self.events.recv().await?;
            self.note(path);
        }
        let patience_ends = Instant::now() + PATIENCE;
        loop {
            let quiet_at = (Instant::now() + QUIET).min(patience_ends);
            match timeout_at(quiet_at, self.events.recv()).await {
                Ok(Some(path)) => self.note(path),
                Ok(None) | Err(_) => return Some(std::mem::take(&mut self.pending)),
            }
        }
    }

    /// Watches what connectors' settings name as well, from now on this and nothing that was named before.
    pub fn follow(&mut self, named: BTreeSet<NamedFile>) {
        let mut wanted = BTreeMap::new();
        for (directory, mode) in named.iter().map(NamedFile::directory) {
            let known = wanted.entry(directory.to_owned()).or_insert(mode);
            if mode == RecursiveMode::Recursive {
                *known = mode;
            }
        }
        wanted.retain(|directory, _| !self.is_watched(directory));
        for (directory, mode) in std::mem::take(&mut self.beside) {
            if wanted.get(&directory) == Some(&mode) {
                self.beside.insert(directory, mode);
            } else if let Err(error) = self.watcher.unwatch(&directory) {
                tracing::debug!(%error, "{} was not watched any more", directory.display());
            }
        }
        for (directory, mode) in wanted {
            if self.beside.contains_key(&directory) {
                continue;
            }
            match self.watcher.watch(&directory, mode) {
                Ok(()) => drop(self.beside.insert(directory, mode)),
                Err(error) => {
                    tracing::warn!(%error, "changes in {} can't be watched; save the connector's file after changing files there", directory.display());
                }
            }
        }
        self.named = named;
    }

    /// Whether a directory is watched as part of the config directory.
    fn is_watched(&self, directory: &Path) -> bool {
        let below = BELOW.map(|name| self.directory.join(name));
        directory == self.directory || below.iter().any(|below| directory.starts_with(below))
    }

    /// Whether a change concerns the config directory or what its files name.
    fn concerns(&self, path: &Path) -> bool {
        let is_config = path.parent() == Some(self.directory.as_path())
            || path == self.directory
            || self.is_watched(path);
        is_config || self.named.iter().any(|named| named.is_touched_by(path))
    }

    /// A directory that has come (back) is watched from now on; what was written into it before is found by whoever
    /// reads the directory anew because it is told as changed.
    fn note(&mut self, path: PathBuf) {
        if !self.concerns(&path) {
            return;
        }
        let name = path.strip_prefix(&self.directory).ok();
        let come = name.is_some_and(|name| BELOW.iter().any(|below| Path::new(below) == name));
        if come
            && path.is_dir()
            && let Err(error) = self.watcher.watch(&path, RecursiveMode::Recursive)
        {
            tracing::warn!(%error, "changes in {} can't be watched", path.display());
        }
        self.pending.insert(path);
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    async fn next(watch: &mut Watch) -> BTreeSet<PathBuf> {
        let changed = tokio::time::timeout(Duration::from_secs(10), watch.changed());
        changed.await.expect("a change is told").unwrap()
    }

    #[tokio::test]
    async fn a_file_replaced_by_renaming_is_told_once_and_without_the_editors_own_files() {
        let home = tempfile::tempdir().unwrap();
        let file = home.path().join("fieldbridge.toml");
        fs::write(&file, "name = \"a\"").unwrap();
        let mut watch = watch(home.path()).unwrap();
        let swap = home.path().join(".fieldbridge.toml.swp");
        fs::write(&swap, "name = \"b\"").unwrap();
        fs::rename(&file, home.path().join("fieldbridge.toml~")).unwrap();
        fs::rename(&swap, &file).unwrap();
        assert_eq!(next(&mut watch).await, BTreeSet::from([file.clone()]));
        // Still seen after the exchange, though it is another inode.
        fs::write(&file, "name = \"c\"").unwrap();
        assert_eq!(next(&mut watch).await, BTreeSet::from([file]));
    }

    #[tokio::test]
    async fn a_directory_made_later_is_watched_too() {
        let home = tempfile::tempdir().unwrap();
        let mut watch = watch(home.path()).unwrap();
        let connectors = home.path().join("connectors");
        fs::create_dir(&connectors).unwrap();
        assert!(next(&mut watch).await.contains(&connectors));
        let file = connectors.join("cw-main.toml");
        fs::write(&file, "").unwrap();
        assert!(next(&mut watch).await.contains(&file));
        fs::remove_file(&file).unwrap();
        assert!(next(&mut watch).await.contains(&file));
    }

    #[tokio::test]
    async fn what_settings_name_elsewhere_is_told_and_its_neighbours_of_other_kinds_are_not() {
        let home = tempfile::tempdir().unwrap();
        let elsewhere = tempfile::tempdir().unwrap();
        let api = elsewhere.path().join("api.yaml");
        fs::write(&api, "a").unwrap();
        let mut watch = watch(home.path()).unwrap();
        watch.follow(BTreeSet::from([NamedFile::new(&api)]));
        fs::write(elsewhere.path().join("fieldbridge.redb"), "x").unwrap();
        fs::write(&api, "b").unwrap();
        assert_eq!(next(&mut watch).await, BTreeSet::from([api.clone()]));
        // What is named no more is watched no more.
        watch.follow(BTreeSet::new());
        fs::write(&api, "c").unwrap();
        let file = home.path().join("fieldbridge.toml");
        fs::write(&file, "").unwrap();
        assert_eq!(next(&mut watch).await, BTreeSet::from([file]));
    }

    #[test]
    fn a_directory_that_is_not_there_can_not_be_watched() {
        let why = watch(Path::new("/nonexistent/fieldbridge")).unwrap_err();
        assert!(why.contains("/nonexistent/fieldbridge"), "{why}");
    }
}
