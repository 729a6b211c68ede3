//! Filling in the template of a connector's file.

use std::fmt::Write as _;

/// A connector's file whose keys are filled in one by one. What a description says is put between quotes, so that
/// none of it can ever be read as a key.
pub(super) struct FileText(String);

impl FileText {
    pub(super) fn new(template: String) -> Self {
        Self(template)
    }

    pub(super) fn into_text(self) -> String {
        self.0
    }

    /// Sets a key to a text.
    pub(super) fn set_text(&mut self, key: &str, value: &str) {
        self.put(key, Some(&quoted(value)), &[]);
    }

    /// Sets a key to a secret that is kept by a name.
    pub(super) fn set_secret(&mut self, key: &str, name: &str) {
        let reference = format!("{{ secret = {} }}", quoted(name));
        self.put(key, Some(&reference), &[]);
    }

    /// Sets a key to a table of texts.
    pub(super) fn set_table<'a>(
        &mut self,
        key: &str,
        entries: impl Iterator<Item = (&'a str, &'a str)>,
    ) {
        let entries: Vec<String> = entries
            .map(|(name, value)| format!("{} = {}", bare_or_quoted(name), quoted(value)))
            .collect();
        if !entries.is_empty() {
            let table = format!("{{ {} }}", entries.join(", "));
            self.put(key, Some(&table), &[]);
        }
    }

    /// Sets a key to what is chosen, if anything is, and shows the others as comments.
    pub(super) fn choose(&mut self, key: &str, chosen: Option<&str>, others: &[String]) {
        let others: Vec<String> = others
            .iter()
            .filter(|other| Some(other.as_str()) != chosen)
            .map(|other| quoted(other))
            .collect();
        self.put(key, chosen.map(quoted).as_deref(), &others);
    }

    fn put(&mut self, key: &str, value: Option<&str>, others: &[String]) {
        if value.is_none() && others.is_empty() {
            return;
        }
        let mut lines: Vec<String> = Vec::new();
        for line in self.0.lines() {
            let own = line.strip_prefix('#').unwrap_or(line);
            let is_it = own.strip_prefix(key);
            if is_it.is_some_and(|rest| rest.starts_with(" = ")) {
                lines.extend(value.iter().map(|value| format!("{key} = {value}")));
                lines.extend(others.iter().map(|other| format!("#{key} = {other}")));
            } else {
                lines.push(line.to_owned());
            }
        }
        self.0 = lines.join("\n") + "\n";
    }
}

/// A text as TOML spells it on one line, and so that nothing in it steers the terminal it is printed to.
fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for char in text.chars() {
        match char {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            '\t' => quoted.push_str("\\t"),
            _ if is_unseen(char) => {
                // Writing to a text can't fail.
                let _ = write!(quoted, "\\U{:08X}", u32::from(char));
            }
            _ => quoted.push(char),
        }
    }
    quoted.push('"');
    quoted
}

/// Control characters, and the marks that change the direction of text.
fn is_unseen(char: char) -> bool {
    char.is_control()
        || matches!(char, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}')
        || matches!(char, '\u{061c}' | '\u{feff}')
}

fn bare_or_quoted(name: &str) -> String {
    let is_bare = |char: char| char.is_ascii_alphanumeric() || matches!(char, '-' | '_');
    if !name.is_empty() && name.chars().all(is_bare) {
        name.to_owned()
    } else {
        quoted(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_chosen_is_set_and_the_others_are_shown() {
        let mut text = FileText::new("# Says.\n#key = \"x\"\nkeys = 1\n".to_owned());
        text.choose("key", Some("b"), &["a".to_owned(), "b".to_owned()]);
        assert_eq!(
            text.into_text(),
            "# Says.\nkey = \"b\"\n#key = \"a\"\nkeys = 1\n"
        );
        let mut text = FileText::new("key = \"\"\n".to_owned());
        text.choose("key", None, &["a".to_owned()]);
        assert_eq!(text.into_text(), "#key = \"a\"\n");
    }

    #[test]
    fn no_text_leaves_its_quotes() {
        for hostile in [
            "a\nenabled = false\n#",
            "\"\"\"\n[limits]",
            "'''",
            "\\",
            "\r\n[settings]",
            "\u{7f}\u{9b}31m\u{202e}\u{0}",
        ] {
            let mut text = FileText::new("#key = \"\"\nother = 1\n".to_owned());
            text.choose("key", Some(hostile), &[hostile.to_owned() + "!"]);
            let text = text.into_text();
            assert_eq!(text.lines().count(), 3, "{text}");
            let table: toml::Table = toml::from_str(&text).unwrap();
            assert_eq!(table["key"].as_str(), Some(hostile));
            assert_eq!(table.len(), 2);
            assert!(!text.contains(['\u{9b}', '\u{202e}', '\u{0}']));
        }
    }
}
