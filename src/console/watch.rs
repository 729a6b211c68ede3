//! Watching the config directory, so that preview and theme follow the files as they are saved.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use notify::{EventKind, RecursiveMode, Watcher};
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};

use super::message::Message;

/// Editors write a file in several steps; what happens within this time is one change.
const SETTLE: Duration = Duration::from_millis(120);

/// Watches a directory as long as the answer is kept.
///
/// # Errors
/// When the directory can't be watched.
pub(super) fn watch(
    directory: &Path,
    messages: UnboundedSender<Message>,
) -> notify::Result<notify::RecommendedWatcher> {
    let (seen, mut paths) = unbounded_channel::<Vec<PathBuf>>();
    let mut watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
        if let Ok(event) = event
            && !matches!(event.kind, EventKind::Access(_))
        {
            // Nobody listens any more once the console has ended.
            let _ = seen.send(event.paths);
        }
    })?;
    watcher.watch(directory, RecursiveMode::Recursive)?;
    tokio::spawn(async move {
        while let Some(first) = paths.recv().await {
            let mut changed: BTreeSet<PathBuf> = first.into_iter().collect();
            while let Ok(Some(more)) = tokio::time::timeout(SETTLE, paths.recv()).await {
                changed.extend(more);
            }
            let changed = changed.into_iter().collect();
            if messages.send(Message::FilesChanged(changed)).is_err() {
                return;
            }
        }
    });
    Ok(watcher)
}
