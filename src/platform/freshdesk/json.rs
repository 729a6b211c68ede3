//! Small readings of loosely typed JSON: the vendor gives ids as numbers or as text.

pub(super) use crate::platform::basics::{digits, id, is_empty, number, text};
