//! Reading XML from outside: elements, their text, and nothing else the language offers.
//!
//! Document types and entities are refused, so that a body can neither grow by expansion nor name a file or an
//! address to be read; depth and number of elements are bounded.

use quick_xml::NsReader;
use quick_xml::events::{BytesStart, Event};
use quick_xml::name::{Namespace, ResolveResult};

/// Deeper than any SOAP message of the vendor's.
const DEEPEST: usize = 32;

/// A hundred notifications with all fields of a wide object fit.
const MOST_ELEMENTS: usize = 200_000;

/// An element, whatever prefixes its names had.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Element {
    /// Its name without prefix.
    pub(super) name: String,
    /// The namespace it belongs to; empty for none.
    pub(super) namespace: String,
    /// Its `xsi:type` without prefix; empty for none.
    pub(super) kind: String,
    /// The text directly within it.
    pub(super) text: String,
    /// The elements directly within it.
    pub(super) children: Vec<Element>,
}

impl Element {
    /// The first child of a name.
    pub(super) fn child(&self, name: &str) -> Option<&Self> {
        self.children.iter().find(|child| child.name == name)
    }

    /// The text of the first child of a name; empty counts as absent.
    pub(super) fn text_of(&self, name: &str) -> Option<&str> {
        let text = self.child(name)?.text.trim();
        (!text.is_empty()).then_some(text)
    }
}

/// Reads a document.
///
/// # Errors
/// Why it is refused.
pub(super) fn read(body: &[u8]) -> Result<Element, String> {
    let text = std::str::from_utf8(body).map_err(|_| "it is no UTF-8".to_owned())?;
    let text = text.trim_start_matches('\u{feff}').trim_start();
    let mut reader = NsReader::from_str(text);
    let mut open: Vec<Element> = Vec::new();
    let mut count = 0_usize;
    let mut root = None;
    loop {
        let (namespace, event) = reader
            .read_resolved_event()
            .map_err(|error| format!("it is no XML: {error}"))?;
        match event {
            Event::Start(start) | Event::Empty(start)
                if root.is_some() || open.len() >= DEEPEST =>
            {
                return Err(format!(
                    "<{}> stands where no element may",
                    shown(start.name().as_ref())
                ));
            }
            Event::Start(start) => {
                count += 1;
                open.push(element(&namespace, &start)?);
            }
            Event::Empty(start) => {
                count += 1;
                close(element(&namespace, &start)?, &mut open, &mut root);
            }
            Event::End(_) => {
                let ended = open
                    .pop()
                    .ok_or_else(|| "an element ends that did not begin".to_owned())?;
                close(ended, &mut open, &mut root);
            }
            Event::Text(text) => append(&mut open, &text.xml10_content())?,
            Event::CData(text) => append(&mut open, &text.xml10_content())?,
            Event::GeneralRef(reference) => {
                let character = if reference.is_char_ref() {
                    reference.resolve_char_ref().ok().flatten()
                } else {
                    predefined(&reference.xml10_content())
                };
                let character = character
                    .ok_or_else(|| "it names an entity, and entities are refused".to_owned())?;
                append(&mut open, character.encode_utf8(&mut [0; 4]))?;
            }
            Event::DocType(_) => {
                return Err("it has a document type, and those are refused".to_owned());
            }
            Event::Comment(_) | Event::Decl(_) | Event::PI(_) => {}
            Event::Eof => break,
        }
        if count > MOST_ELEMENTS {
            return Err("it has too many elements".to_owned());
        }
    }
    if !open.is_empty() {
        return Err("it is cut short".to_owned());
    }
    root.ok_or_else(|| "it has no element".to_owned())
}

/// The five entities that XML itself has.
fn predefined(name: &str) -> Option<char> {
    Some(match name {
        "amp" => '&',
        "lt" => '<',
        "gt" => '>',
        "quot" => '"',
        "apos" => '\'',
        _ => return None,
    })
}

fn element(namespace: &ResolveResult<'_>, start: &BytesStart<'_>) -> Result<Element, String> {
    let namespace = match namespace {
        ResolveResult::Bound(Namespace(namespace)) => (*namespace).to_owned(),
        _ => String::new(),
    };
    let mut kind = String::new();
    for attribute in start.attributes() {
        let attribute = attribute.map_err(|error| format!("it is no XML: {error}"))?;
        let is_type =
            attribute.key.local_name().as_ref() == "type" && attribute.key.prefix().is_some();
        if is_type {
            let value: &str = attribute.value.as_ref();
            value
                .rsplit(':')
                .next()
                .unwrap_or_default()
                .clone_into(&mut kind);
        }
    }
    Ok(Element {
        name: start.local_name().as_ref().to_owned(),
        namespace,
        kind,
        ..Element::default()
    })
}

fn close(ended: Element, open: &mut [Element], root: &mut Option<Element>) {
    match open.last_mut() {
        Some(parent) => parent.children.push(ended),
        None => *root = Some(ended),
    }
}

fn append(open: &mut [Element], text: &str) -> Result<(), String> {
    match open.last_mut() {
        Some(element) => element.text.push_str(text),
        None if text.trim().is_empty() => {}
        None => return Err("text stands outside of all elements".to_owned()),
    }
    Ok(())
}

fn shown(name: &str) -> String {
    name.chars().take(40).collect()
}

/// Text as it may stand in an element.
pub(super) fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&apos;"),
            character => escaped.push(character),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_lose_their_prefixes_and_keep_their_namespaces() {
        let text = "\u{feff}<?xml version=\"1.0\"?>\n<a:x xmlns:a=\"urn:a\" xmlns:i=\"urn:i\"><y i:type=\"a:Case\">1 &amp; &#50;<![CDATA[<3]]></y><z/></a:x>";
        let root = read(text.as_bytes()).unwrap();
        assert_eq!(
            (root.name.as_str(), root.namespace.as_str()),
            ("x", "urn:a")
        );
        let child = root.child("y").unwrap();
        assert_eq!(
            (child.kind.as_str(), child.text.as_str()),
            ("Case", "1 & 2<3")
        );
        assert_eq!(root.text_of("z"), None);
    }

    #[test]
    fn document_types_and_entities_are_refused() {
        for text in [
            "<!DOCTYPE x [<!ENTITY e SYSTEM \"file:///etc/passwd\">]><x>&e;</x>",
            "<!DOCTYPE x [<!ENTITY a \"aaaa\"><!ENTITY b \"&a;&a;&a;\">]><x>&b;</x>",
            "<!DOCTYPE x SYSTEM \"http://127.0.0.1/x.dtd\"><x/>",
            "<x>&e;</x>",
            "<x>&nbsp;</x>",
        ] {
            let why = read(text.as_bytes()).unwrap_err();
            assert!(why.contains("refused"), "{text}: {why}");
        }
    }

    #[test]
    fn what_is_no_document_is_refused() {
        let deep = "<a>".repeat(5_000);
        let wide = format!("<a>{}</a>", "<b/>".repeat(MOST_ELEMENTS + 1));
        for text in [
            "",
            "x",
            "<a>",
            "<a></b>",
            "<a/><b/>",
            "<a/>x",
            "</a>",
            "<a",
            deep.as_str(),
            wide.as_str(),
        ] {
            assert!(read(text.as_bytes()).is_err());
        }
        assert!(read(b"<a>\xff</a>").is_err());
    }

    proptest! {
        #[test]
        fn no_bytes_break_it(body in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = read(&body);
        }

        #[test]
        fn what_was_escaped_is_read_back(text in "[ -~\n]{0,60}") {
            let root = read(format!("<a>{}</a>", escaped(&text)).as_bytes()).unwrap();
            prop_assert_eq!(root.text, text);
        }
    }
}
