//! The stream of live updates, read line by line.

use reqwest::Response;

use super::client::ClientError;
use super::lines::Lines;
use super::wire::{Update, UpdateBody};

/// Live updates of an engine. Dropping it ends the subscription.
#[derive(Debug)]
pub struct Updates {
    lines: Lines,
    last: Option<u64>,
}

impl Updates {
    pub(super) fn new(response: Response) -> Self {
        Self {
            lines: Lines::new(response),
            last: None,
        }
    }

    /// Waits for the next update. Dropping the future loses nothing (safe in `select!`).
    ///
    /// # Errors
    /// [`ClientError::Lost`] when the engine went away: connect again. No error is passing.
    pub async fn next(&mut self) -> Result<Update, ClientError> {
        let update: Update = self.lines.next().await?;
        self.in_order(&update)?;
        Ok(update)
    }

    /// A delta that does not follow what was seen would make a picture that never was.
    fn in_order(&mut self, update: &Update) -> Result<(), ClientError> {
        let follows = self
            .last
            .is_some_and(|last| last.checked_add(1) == Some(update.sequence));
        if matches!(update.body, UpdateBody::Delta(_)) && !follows {
            return Err(ClientError::Unreadable(format!(
                "update {} does not follow {:?}",
                update.sequence, self.last
            )));
        }
        self.last = Some(update.sequence);
        Ok(())
    }
}
