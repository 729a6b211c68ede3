//! Placeholder.

use std::sync::Arc;

use super::{Platform, registry::Setup};
use crate::config::Problem;

pub(super) fn build(setup: &Setup<'_>) -> Result<Arc<dyn Platform>, Vec<Problem>> {
    Err(vec![Problem::new(&setup.config.file, "not here", "")])
}
