//! JSON pointers, plain and as they stand in a reference.

use percent_encoding::{AsciiSet, CONTROLS, percent_decode_str, utf8_percent_encode};

/// What a URI fragment can't hold as it is.
const FRAGMENT: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'#')
    .add(b'%')
    .add(b'<')
    .add(b'>')
    .add(b'[')
    .add(b'\\')
    .add(b']')
    .add(b'^')
    .add(b'`')
    .add(b'{')
    .add(b'|')
    .add(b'}');

/// A member's name as a pointer's token.
pub(super) fn token(name: &str) -> String {
    if name.contains(['~', '/']) {
        name.replace('~', "~0").replace('/', "~1")
    } else {
        name.to_owned()
    }
}

/// A pointer with one more token.
pub(super) fn child(pointer: &str, name: &str) -> String {
    format!("{pointer}/{}", token(name))
}

/// A pointer as a reference within its own document.
pub(super) fn as_reference(pointer: &str) -> String {
    format!("#{}", utf8_percent_encode(pointer, FRAGMENT))
}

/// The pointers that a fragment may mean, the likelier first: decoded, and as it stands (some names hold a `%`).
pub(super) fn of_fragment(fragment: &str) -> [String; 2] {
    let decoded = percent_decode_str(fragment).decode_utf8_lossy();
    [decoded.into_owned(), fragment.to_owned()]
}

/// A pointer for people: without its first token, the file's number.
pub(super) fn shown(pointer: &str) -> String {
    let rest = pointer
        .trim_start_matches('/')
        .split_once('/')
        .map_or("", |(_, rest)| rest);
    super::problems::short(&format!("#/{rest}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pointer_survives_its_way_through_a_reference() {
        let pointer = child(&child("/0/paths", "/sheets/{id}~x"), "ä %");
        assert_eq!(pointer, "/0/paths/~1sheets~1{id}~0x/ä %");
        let reference = as_reference(&pointer);
        assert_eq!(reference, "#/0/paths/~1sheets~1%7Bid%7D~0x/%C3%A4%20%25");
        let [decoded, _] = of_fragment(reference.trim_start_matches('#'));
        assert_eq!(decoded, pointer);
    }
}
