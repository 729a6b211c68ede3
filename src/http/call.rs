//! The context of the calls of one step.

use std::sync::{Mutex, PoisonError};

use crate::model::{Exchange, Priority};

/// What the calls of one step have in common: their priority, and the record of what was exchanged.
#[derive(Debug, Default)]
pub struct Call {
    priority: Priority,
    exchanges: Mutex<Vec<Exchange>>,
}

impl Call {
    /// A context for calls of this priority.
    #[must_use]
    pub fn new(priority: Priority) -> Self {
        Self {
            priority,
            exchanges: Mutex::default(),
        }
    }

    /// The priority.
    #[must_use]
    pub fn priority(&self) -> Priority {
        self.priority
    }

    /// Takes what was exchanged so far.
    #[must_use]
    pub fn take_exchanges(&self) -> Vec<Exchange> {
        std::mem::take(
            &mut *self
                .exchanges
                .lock()
                .unwrap_or_else(PoisonError::into_inner),
        )
    }

    pub(super) fn record(&self, exchange: Exchange) {
        self.exchanges
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(exchange);
    }
}
