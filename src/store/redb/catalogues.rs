//! Field catalogues as they are shared: read from the file once, for every transaction asks for them.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use tokio::sync::{Mutex, MutexGuard};

use crate::model::{Catalogue, ConnectorId, Direction};
use crate::store::Result;

type Sides = [Option<Option<Arc<Catalogue>>>; 2];

/// What was read or written since the file was opened. The inner option says that there is none.
#[derive(Default)]
pub(super) struct Catalogues {
    known: RwLock<HashMap<ConnectorId, Sides>>,
    writing: Mutex<()>,
}

impl Catalogues {
    /// Waits for one's turn to write: what is kept here last must be what is on disk last.
    pub(super) async fn turn(&self) -> MutexGuard<'_, ()> {
        self.writing.lock().await
    }

    /// Keeps what was just written.
    pub(super) fn put(&self, connector: &ConnectorId, direction: Direction, new: Catalogue) {
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        let sides = known.entry(connector.clone()).or_default();
        sides[place(direction)] = Some(Some(Arc::new(new)));
    }

    /// What is known, else what `read` finds.
    pub(super) fn get(
        &self,
        connector: &ConnectorId,
        direction: Direction,
        read: impl FnOnce() -> Result<Option<Catalogue>>,
    ) -> Result<Option<Arc<Catalogue>>> {
        {
            let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
            let sides = known.get(connector);
            if let Some(known) = sides.and_then(|sides| sides[place(direction)].as_ref()) {
                return Ok(known.clone());
            }
        }
        let found = read()?.map(Arc::new);
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        let sides = known.entry(connector.clone()).or_default();
        // Whoever wrote meanwhile knows better than what was read before.
        Ok(sides[place(direction)].get_or_insert(found).clone())
    }
}

fn place(direction: Direction) -> usize {
    match direction {
        Direction::Inbound => 0,
        Direction::Outbound => 1,
    }
}
