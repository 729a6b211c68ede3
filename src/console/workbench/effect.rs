//! Doing what a workbench asks for.

use std::path::{Path, PathBuf};

use serde_json::Value;
use tokio::sync::mpsc::UnboundedSender;

use super::message::{Answer, Ask};
use super::sample;
use crate::console::message::Message;
use crate::console::remote::{Remote, RemoteError};
use crate::engine::{ImpactRequest, ImpactUpdate, RecordCase};

/// A sample file has at most so many bytes; a record has some kilobytes.
const LONGEST_SAMPLE: u64 = 16 * 1024 * 1024;

/// Carries out what needs one answer; an impact has many and is for [`follow_impact`].
pub(in crate::console) async fn carry_out(remote: &dyn Remote, ask: Ask) -> Option<Answer> {
    Some(match ask {
        Ask::Bench(connector) => {
            let bench = remote.bench(&connector).await;
            Answer::Bench(connector, bench.map(Box::new))
        }
        Ask::Preview(number, request, rest) => {
            tokio::time::sleep(rest).await;
            Answer::Previewed(number, remote.preview(*request).await.map(Box::new))
        }
        Ask::Save(connector, draft) => {
            let saved = remote.save_draft(&connector, draft).await;
            Answer::Saved(connector, saved)
        }
        Ask::Discard(connector) => {
            let done = remote.discard_draft(&connector).await;
            Answer::Discarded(connector, done)
        }
        Ask::Publish(connector, publish) => {
            let entry = remote.publish(&connector, publish).await;
            Answer::Published(connector, entry)
        }
        Ask::RollBack(connector, roll_back) => {
            let entry = remote.roll_back(&connector, roll_back).await;
            Answer::RolledBack(connector, entry)
        }
        Ask::History(connector) => {
            let history = remote.mapping_history(&connector).await;
            Answer::History(connector, history)
        }
        Ask::Text(connector, version) => {
            let text = remote.mapping_text(&version).await;
            Answer::Text(connector, version, text)
        }
        Ask::Case(transaction) => {
            let record = RecordCase {
                transaction,
                name: None,
            };
            Answer::Recorded(remote.record_case(record).await)
        }
        Ask::Samples(ticket, query) => Answer::Samples(ticket, remote.list(query).await),
        Ask::File(path) => {
            let read = read_file(&path).await;
            Answer::File(path, read)
        }
        Ask::Impact(..) | Ask::CancelImpact => return None,
    })
}

/// The file a person means; `~/` is their home.
fn meant(path: &Path) -> PathBuf {
    let home = std::env::var_os("HOME").map(PathBuf::from);
    match (path.strip_prefix("~"), home) {
        (Ok(rest), Some(home)) => home.join(rest),
        _ => path.to_owned(),
    }
}

async fn read_file(path: &Path) -> Result<Value, String> {
    let path = &meant(path);
    let told = |error: std::io::Error| format!("{} can't be read: {error}", path.display());
    let size = tokio::fs::metadata(path).await.map_err(told)?.len();
    if size > LONGEST_SAMPLE {
        return Err(format!(
            "{} has {size} bytes; a sample has at most {LONGEST_SAMPLE}",
            path.display()
        ));
    }
    let text = tokio::fs::read_to_string(path).await.map_err(told)?;
    sample::read(&text).map_err(|error| format!("{}: {error}", path.display()))
}

/// Follows an impact to its end, telling how it goes. Dropping this ends the work in the engine.
pub(in crate::console) async fn follow_impact(
    remote: &dyn Remote,
    number: u64,
    request: ImpactRequest,
    messages: &UnboundedSender<Message>,
) {
    let tell = |update| {
        // The loop that reads this is the one that began us; when it is gone, so is the need.
        let _ = messages.send(Message::Workbench(Answer::Impact(number, update)));
    };
    let mut updates = match remote.impact(request).await {
        Ok(updates) => updates,
        Err(error) => return tell(Err(error)),
    };
    while let Some(update) = updates.recv().await {
        let over = match &update {
            Ok(ImpactUpdate::Progress { .. }) => false,
            Ok(ImpactUpdate::Done(_) | ImpactUpdate::Failed(_)) | Err(_) => true,
        };
        tell(update);
        if over {
            return;
        }
    }
    let why = "the engine ended before the impact was worked out";
    tell(Err(RemoteError::Unreachable(why.to_owned())));
}
