//! The files that scripts import: only from the mapping's own directory, and known before anything runs.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::script::{LONGEST_SCRIPT, Link};

/// More imported files than this in one mapping are a mistake.
const MOST_FILES: usize = 64;

/// Brackets nested deeper than this are refused before they reach a parser that recurses.
const DEEPEST_NESTING: usize = 100;

/// Where imports are looked up.
#[derive(Debug)]
pub(super) enum Shelf {
    /// Nowhere: imports are refused.
    None,
    /// A directory on disk, in its canonical form.
    Directory(PathBuf),
    /// Files and links kept with a mapping version.
    Kept {
        files: BTreeMap<String, Arc<str>>,
        links: Vec<Link>,
    },
}

/// The files of a mapping.
#[derive(Debug)]
pub(super) struct Library {
    shelf: Shelf,
    pub(super) files: BTreeMap<String, Arc<str>>,
    pub(super) links: Vec<Link>,
}

/// What is wrong inside a script, with the byte offset where.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Fault {
    pub(super) offset: usize,
    pub(super) what: String,
}

impl Library {
    pub(super) fn new(shelf: Shelf) -> Self {
        Self {
            shelf,
            files: BTreeMap::new(),
            links: Vec::new(),
        }
    }

    /// A library on a directory; without one, or with one that does not exist, imports are refused.
    pub(super) fn in_directory(directory: Option<&Path>) -> Self {
        let canonical = directory.and_then(|directory| directory.canonicalize().ok());
        Self::new(canonical.map_or(Shelf::None, Shelf::Directory))
    }

    /// Loads all that a script imports, directly and through others.
    /// `from` is the name of the file that the script is, empty for one written in the mapping.
    pub(super) fn take_in(&mut self, from: &str, text: &str) -> Result<(), Fault> {
        let scanned = scan(text)?;
        for import in scanned {
            if self
                .links
                .iter()
                .any(|link| link.from == from && link.import == import.path)
            {
                continue;
            }
            let fault = |what| Fault {
                offset: import.offset,
                what,
            };
            let (name, text) = self.open(from, &import.path).map_err(fault)?;
            self.links.push(Link {
                from: from.to_owned(),
                import: import.path.clone(),
                name: name.clone(),
            });
            let is_new = self.files.insert(name.clone(), Arc::clone(&text)).is_none();
            if self.files.len() > MOST_FILES {
                return Err(fault(format!(
                    "a mapping imports at most {MOST_FILES} files"
                )));
            }
            if is_new && import.is_code {
                self.take_in(&name, &text).map_err(|inner| {
                    let (line, column) = super::problem::Lines::new(&text).locate(inner.offset);
                    fault(format!("in {name}:{line}:{column}: {}", inner.what))
                })?;
            }
        }
        Ok(())
    }

    /// A file's canonical name and text.
    pub(super) fn open(&self, from: &str, import: &str) -> Result<(String, Arc<str>), String> {
        match &self.shelf {
            Shelf::None => Err(format!(
                "`{import}` can't be imported: the mapping has no directory"
            )),
            Shelf::Directory(directory) => open_on_disk(directory, from, import),
            Shelf::Kept { files, links } => {
                let link = links
                    .iter()
                    .find(|link| link.from == from && link.import == import);
                let found =
                    link.and_then(|link| Some((link.name.clone(), files.get(&link.name)?.clone())));
                found.ok_or_else(|| format!("`{import}` is not kept with this mapping version"))
            }
        }
    }
}

fn open_on_disk(directory: &Path, from: &str, import: &str) -> Result<(String, Arc<str>), String> {
    if Path::new(import).is_absolute() {
        return Err(format!(
            "`{import}` is an absolute path: only files of the mapping's own directory can be imported"
        ));
    }
    let beside = Path::new(from).parent().unwrap_or(Path::new(""));
    let path = directory.join(beside).join(import);
    let canonical = path
        .canonicalize()
        .map_err(|error| format!("`{import}` can't be imported: {error}"))?;
    let Ok(name) = canonical.strip_prefix(directory) else {
        return Err(format!(
            "`{import}` leads out of the mapping's directory, where nothing can be imported from"
        ));
    };
    let about = std::fs::metadata(&canonical)
        .map_err(|error| format!("`{import}` can't be imported: {error}"))?;
    if !about.is_file() {
        return Err(format!("`{import}` is no ordinary file"));
    }
    if about.len() > LONGEST_SCRIPT as u64 {
        return Err(format!(
            "`{import}` is larger than {} KiB",
            LONGEST_SCRIPT / 1024
        ));
    }
    let text = std::fs::read_to_string(&canonical)
        .map_err(|error| format!("`{import}` can't be read: {error}"))?;
    Ok((name.to_string_lossy().into_owned(), text.into()))
}

#[derive(Debug, PartialEq, Eq)]
struct Import {
    path: String,
    offset: usize,
    /// Whether it is read as Jsonnet, and not as text.
    is_code: bool,
}

/// Finds a script's imports (Jsonnet wants them as literal text) and refuses absurd nesting.
fn scan(text: &str) -> Result<Vec<Import>, Fault> {
    if text.len() > LONGEST_SCRIPT {
        return Err(Fault {
            offset: 0,
            what: format!("a script has at most {} KiB", LONGEST_SCRIPT / 1024),
        });
    }
    let mut imports = Vec::new();
    let mut depth = 0_usize;
    let mut waiting: Option<bool> = None;
    let mut offset = 0;
    while let Some(rest) = text.get(offset..).filter(|rest| !rest.is_empty()) {
        let length = token_length(rest);
        let token = &rest[..length];
        match token.chars().next() {
            Some('"' | '\'' | '@') if length > 1 => {
                if let Some(is_code) = waiting.take() {
                    imports.push(Import {
                        path: unquoted(token),
                        offset,
                        is_code,
                    });
                }
            }
            Some('(' | '[' | '{') => depth += 1,
            Some(')' | ']' | '}') => depth = depth.saturating_sub(1),
            _ => {}
        }
        match token {
            "import" => waiting = Some(true),
            "importstr" | "importbin" => waiting = Some(false),
            _ if is_blank(token) => {}
            _ => waiting = None,
        }
        if depth > DEEPEST_NESTING {
            return Err(Fault {
                offset,
                what: format!("brackets are nested more than {DEEPEST_NESTING} deep"),
            });
        }
        offset += length;
    }
    Ok(imports)
}

fn is_blank(token: &str) -> bool {
    token.starts_with(char::is_whitespace)
        || token.starts_with("//")
        || token.starts_with("/*")
        || token.starts_with('#')
}

/// The length in bytes of the token that a text begins with: comment, string, word, or one character.
fn token_length(rest: &str) -> usize {
    let to_line_end = || rest.find('\n').unwrap_or(rest.len());
    if rest.starts_with("//") || rest.starts_with('#') {
        return to_line_end();
    }
    if let Some(comment) = rest.strip_prefix("/*") {
        return comment.find("*/").map_or(rest.len(), |end| end + 4);
    }
    if let Some(block) = rest.strip_prefix("|||") {
        return text_block_length(block) + 3;
    }
    let mut characters = rest.chars();
    match characters.next() {
        Some(quote @ ('"' | '\'')) => quoted_length(rest, quote),
        Some('@') => match characters.next() {
            Some(quote @ ('"' | '\'')) => verbatim_length(rest, quote),
            _ => 1,
        },
        Some(first) if first.is_alphanumeric() || first == '_' => rest
            .find(|next: char| !next.is_alphanumeric() && next != '_')
            .unwrap_or(rest.len()),
        Some(first) => first.len_utf8(),
        None => 0,
    }
}

fn quoted_length(rest: &str, quote: char) -> usize {
    let mut escaped = false;
    for (at, character) in rest.char_indices().skip(1) {
        match character {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            _ if character == quote => return at + 1,
            _ => {}
        }
    }
    rest.len()
}

/// `@'…'`, where a doubled quote stands for one.
fn verbatim_length(rest: &str, quote: char) -> usize {
    let mut characters = rest.char_indices().skip(2).peekable();
    while let Some((at, character)) = characters.next() {
        if character == quote && characters.next_if(|(_, next)| *next == quote).is_none() {
            return at + 1;
        }
    }
    rest.len()
}

/// A text block ends with `|||` on a line of its own that is indented less than the block.
fn text_block_length(block: &str) -> usize {
    let mut length = 0;
    for (number, line) in block.split_inclusive('\n').enumerate() {
        let content = line.trim_start();
        if number > 0 && content.starts_with("|||") {
            return length + (line.len() - content.len()) + 3;
        }
        length += line.len();
    }
    block.len()
}

fn unquoted(token: &str) -> String {
    if let Some(verbatim) = token.strip_prefix('@') {
        let quote = verbatim.chars().next().unwrap_or('"');
        let inner = verbatim
            .get(1..verbatim.len().saturating_sub(1))
            .unwrap_or_default();
        return inner.replace(&format!("{quote}{quote}"), &quote.to_string());
    }
    let inner = token
        .get(1..token.len().saturating_sub(1))
        .unwrap_or_default();
    let mut text = String::with_capacity(inner.len());
    let mut characters = inner.chars();
    while let Some(character) = characters.next() {
        match character {
            '\\' => text.extend(characters.next()),
            _ => text.push(character),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn imports(text: &str) -> Vec<(String, bool)> {
        scan(text)
            .unwrap()
            .into_iter()
            .map(|import| (import.path, import.is_code))
            .collect()
    }

    #[test]
    fn imports_are_found_and_what_only_looks_like_one_is_not() {
        let script = r#"
            // import "no1"
            # import 'no2'
            /* import "no3" */
            local a = import 'lib.libsonnet', b = importstr /* why */ "text.txt";
            local c = "import 'no4'", important = "no5", d = @'import "no6"';
            local e = |||
              import "no7"
            |||;
            a + import @'it''s.jsonnet'
        "#;
        assert_eq!(
            imports(script),
            [
                ("lib.libsonnet".to_owned(), true),
                ("text.txt".to_owned(), false),
                ("it's.jsonnet".to_owned(), true)
            ]
        );
    }

    #[test]
    fn unfinished_tokens_do_not_confuse_the_scan() {
        for script in [
            "'abc",
            "@'abc",
            "/* abc",
            "||| abc",
            "\"\\",
            "import",
            "@",
            "ä import",
        ] {
            assert!(
                scan(script).is_ok_and(|imports| imports.is_empty()),
                "{script}"
            );
        }
    }

    #[test]
    fn absurd_nesting_is_refused_where_it_happens() {
        assert!(scan(&"(".repeat(100)).is_ok());
        assert_eq!(scan(&"[".repeat(3000)).unwrap_err().offset, 100);
        assert!(scan(&"[]".repeat(3000)).is_ok());
    }

    #[test]
    fn files_come_from_the_directory_alone() {
        let outside = tempfile::tempdir().unwrap();
        std::fs::write(outside.path().join("secret.txt"), "secret").unwrap();
        let directory = tempfile::tempdir().unwrap();
        let inside = directory.path();
        std::fs::create_dir(inside.join("lib")).unwrap();
        std::fs::write(inside.join("lib/a.libsonnet"), "import 'b.libsonnet'").unwrap();
        std::fs::write(inside.join("lib/b.libsonnet"), "{ x: 1 }").unwrap();
        std::os::unix::fs::symlink(outside.path().join("secret.txt"), inside.join("link.txt"))
            .unwrap();

        let mut library = Library::in_directory(Some(inside));
        library.take_in("", "import 'lib/a.libsonnet'").unwrap();
        assert_eq!(
            library.files.keys().collect::<Vec<_>>(),
            ["lib/a.libsonnet", "lib/b.libsonnet"]
        );

        for escape in [
            "link.txt",
            "/etc/passwd",
            "../../../../etc/passwd",
            "lib",
            "absent",
        ] {
            let script = format!("importstr '{escape}'");
            assert!(library.take_in("", &script).is_err(), "{escape}");
        }
        assert!(
            Library::in_directory(None)
                .take_in("", "import 'lib/a.libsonnet'")
                .is_err()
        );
    }

    #[test]
    fn files_that_import_each_other_are_loaded_once() {
        let directory = tempfile::tempdir().unwrap();
        std::fs::write(directory.path().join("a"), "import 'b'").unwrap();
        std::fs::write(directory.path().join("b"), "import 'a'").unwrap();
        let mut library = Library::in_directory(Some(directory.path()));
        library.take_in("", "import 'a'").unwrap();
        assert_eq!(library.files.len(), 2);
    }
}
