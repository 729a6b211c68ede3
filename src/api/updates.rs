//! The stream of live updates, read line by line.

use bytes::{Buf, BytesMut};
use reqwest::Response;

use super::client::{ClientError, lost};
use super::wire::{Update, UpdateBody};

/// Live updates of an engine. Dropping it ends the subscription.
#[derive(Debug)]
pub struct Updates {
    response: Response,
    buffer: BytesMut,
    searched: usize,
    last: Option<u64>,
}

impl Updates {
    pub(super) fn new(response: Response) -> Self {
        Self {
            response,
            buffer: BytesMut::new(),
            searched: 0,
            last: None,
        }
    }

    /// Waits for the next update. Dropping the future loses nothing (safe in `select!`).
    ///
    /// # Errors
    /// [`ClientError::Lost`] when the engine went away: connect again. No error is passing.
    pub async fn next(&mut self) -> Result<Update, ClientError> {
        loop {
            if let Some(line) = self.line() {
                let update: Update = serde_json::from_slice(&line)
                    .map_err(|error| ClientError::Unreadable(error.to_string()))?;
                self.in_order(&update)?;
                return Ok(update);
            }
            match self.response.chunk().await {
                Ok(Some(chunk)) => self.buffer.extend_from_slice(&chunk),
                Ok(None) => return Err(ClientError::Lost("the engine ended".to_owned())),
                Err(error) => return Err(lost(&error)),
            }
        }
    }

    /// Takes one whole line out of the buffer.
    fn line(&mut self) -> Option<BytesMut> {
        let unseen = &self.buffer[self.searched..];
        if let Some(end) = unseen.iter().position(|byte| *byte == b'\n') {
            let line = self.buffer.split_to(self.searched + end);
            self.buffer.advance(1);
            self.searched = 0;
            Some(line)
        } else {
            self.searched = self.buffer.len();
            None
        }
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
