//! How much of a description is read.

/// The bounds within which a description is read. What lies beyond them is refused with a sentence, so that no
/// file, however made, can take the program's memory or time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The largest file, in bytes.
    pub file_bytes: u64,
    /// All files together, in bytes.
    pub total_bytes: u64,
    /// The most files that references may bring in.
    pub files: usize,
    /// How deep objects and lists may stand in each other.
    pub depth: usize,
    /// The most objects, lists and values of a YAML file, aliases written out.
    pub nodes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            file_bytes: 32 * 1024 * 1024,
            total_bytes: 96 * 1024 * 1024,
            files: 1_000,
            // What serde_json reads at most; a real description stays under 40.
            depth: 127,
            nodes: 4_000_000,
        }
    }
}
