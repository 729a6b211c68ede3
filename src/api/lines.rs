//! An answer of many lines, each of them JSON, read as they come.

use bytes::{Buf, BytesMut};
use reqwest::Response;
use serde::de::DeserializeOwned;

use super::client::{ClientError, lost};

/// The lines of an answer. Dropping it tells the engine that nobody listens any more.
#[derive(Debug)]
pub(super) struct Lines {
    response: Response,
    buffer: BytesMut,
    searched: usize,
}

impl Lines {
    pub(super) fn new(response: Response) -> Self {
        Self {
            response,
            buffer: BytesMut::new(),
            searched: 0,
        }
    }

    /// Waits for the next line. Dropping the future loses nothing (safe in `select!`).
    ///
    /// # Errors
    /// [`ClientError::Lost`] when the engine went away.
    pub(super) async fn next<T: DeserializeOwned>(&mut self) -> Result<T, ClientError> {
        loop {
            if let Some(line) = self.line() {
                return serde_json::from_slice(&line)
                    .map_err(|error| ClientError::Unreadable(error.to_string()));
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
}
