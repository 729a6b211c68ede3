//! Copying to the clipboard of the terminal a person sits at (OSC 52), which works over SSH too.

use std::io::Write;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// Encoded bytes that terminals are known to take; longer texts go to a file.
pub const MOST_ENCODED: usize = 74_994;

/// The sequence that asks the terminal to keep a text; `None` when it is too long.
#[must_use]
pub fn sequence(text: &str) -> Option<String> {
    let encoded = STANDARD.encode(text);
    (encoded.len() <= MOST_ENCODED).then(|| format!("\u{1b}]52;c;{encoded}\u{7}"))
}

/// Copies a text to the terminal, or to a file when it is too long; answers a sentence that says where it is.
///
/// # Errors
/// A sentence, when neither was possible.
pub fn copy(out: &mut impl Write, what: &str, text: &str) -> Result<String, String> {
    if let Some(sequence) = sequence(text) {
        let written = out
            .write_all(sequence.as_bytes())
            .and_then(|()| out.flush());
        return match written {
            Ok(()) => Ok(format!("copied {what}")),
            Err(error) => Err(format!("{what} could not be copied: {error}")),
        };
    }
    match super::editor::scratch_file("copy.txt", text) {
        Ok(path) => Ok(format!(
            "{what} is too long for the terminal's clipboard; it is in {}",
            path.display()
        )),
        Err(error) => Err(format!("{what} could not be written to a file: {error}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_encoded_whole() {
        let mut out = Vec::new();
        assert_eq!(
            copy(&mut out, "the id", "a\u{1b}b").unwrap(),
            "copied the id"
        );
        assert_eq!(out, b"\x1b]52;c;YRti\x07");
    }

    #[test]
    fn a_long_text_goes_to_a_file() {
        let mut out = Vec::new();
        let text = "x".repeat(60_000);
        let said = copy(&mut out, "the source", &text).unwrap();
        assert!(out.is_empty());
        let path = said.rsplit(' ').next().unwrap();
        assert_eq!(std::fs::read_to_string(path).unwrap(), text);
        std::fs::remove_file(path).unwrap();
    }
}
