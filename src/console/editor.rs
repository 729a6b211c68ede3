//! A person's own editor: which it is, how it opens a file at a line, and where a rule stands in a mapping file.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;

use crate::model::Direction;

/// The command of the editor and its first arguments: `$VISUAL`, else `$EDITOR`, else `vi`.
#[must_use]
pub fn command(visual: Option<String>, editor: Option<String>) -> Vec<String> {
    let chosen = [visual, editor]
        .into_iter()
        .flatten()
        .find(|text| !text.trim().is_empty())
        .unwrap_or_else(|| "vi".to_owned());
    chosen.split_whitespace().map(str::to_owned).collect()
}

/// The arguments by which an editor opens a file at a line.
#[must_use]
pub fn arguments(program: &str, path: &Path, line: Option<usize>) -> Vec<String> {
    let file = path.display().to_string();
    let Some(line) = line else {
        return vec![file];
    };
    let name = Path::new(program)
        .file_name()
        .and_then(|name| name.to_str());
    match name.unwrap_or(program) {
        "code" | "codium" | "code-insiders" => vec!["--goto".to_owned(), format!("{file}:{line}")],
        "hx" | "helix" | "zed" | "subl" => vec![format!("{file}:{line}")],
        _ => vec![format!("+{line}"), file],
    }
}

/// Runs the editor on a file and waits for it.
///
/// # Errors
/// When it can't be started.
pub async fn run(path: &Path, line: Option<usize>) -> std::io::Result<ExitStatus> {
    let parts = command(std::env::var("VISUAL").ok(), std::env::var("EDITOR").ok());
    let (program, first) = parts.split_first().ok_or(std::io::ErrorKind::NotFound)?;
    tokio::process::Command::new(program)
        .args(first)
        .args(arguments(program, path, line))
        .status()
        .await
}

/// Writes a text to a new file that only its owner can read.
///
/// # Errors
/// When the file can't be written.
pub fn scratch_file(name: &str, text: &str) -> std::io::Result<PathBuf> {
    use std::os::unix::fs::OpenOptionsExt;
    let directory =
        std::env::var_os("XDG_RUNTIME_DIR").map_or_else(std::env::temp_dir, PathBuf::from);
    let unique = uuid::Uuid::now_v7();
    let path = directory.join(format!("fieldbridge-{unique}-{name}"));
    let mut file = std::fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&path)?;
    file.write_all(text.as_bytes())?;
    Ok(path)
}

/// The line, counted from 1, at which the given rule of a direction begins.
#[must_use]
pub fn rule_line(text: &str, direction: Direction, rule: usize) -> Option<usize> {
    let index = rule.checked_sub(1)?;
    let key = direction.word();
    if let Ok(document) = toml_edit::Document::parse(text) {
        let item = document.as_table().get(key)?;
        let span = match item {
            toml_edit::Item::ArrayOfTables(rules) => rules.get(index)?.span(),
            toml_edit::Item::Value(toml_edit::Value::Array(rules)) => rules.get(index)?.span(),
            _ => None,
        };
        if let Some(span) = span {
            return Some(crate::config::Place::of_offset(text, span.start).line);
        }
    }
    // A file that does not parse is the very one a person wants to mend.
    let heading = format!("[[{key}]]");
    let mut headings = text
        .lines()
        .enumerate()
        .filter(|(_, line)| line.trim_start().starts_with(&heading));
    headings.nth(index).map(|(line, _)| line + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAPPING: &str = "# note\n[[inbound]]\ntarget = \"title\"\nvalue = '''\n[[inbound]]\n'''\n\n[[outbound]]\ntarget = \"x\"\n\n[[inbound]]\ntarget = \"location.state\"\n";

    #[test]
    fn a_rule_is_found_where_it_begins() {
        assert_eq!(rule_line(MAPPING, Direction::Inbound, 1), Some(2));
        assert_eq!(rule_line(MAPPING, Direction::Inbound, 2), Some(11));
        assert_eq!(rule_line(MAPPING, Direction::Outbound, 1), Some(8));
        assert_eq!(rule_line(MAPPING, Direction::Inbound, 3), None);
        assert_eq!(rule_line(MAPPING, Direction::Inbound, 0), None);
    }

    #[test]
    fn a_rule_is_found_in_a_broken_file_too() {
        let broken = "[[inbound]]\ntarget = \n[[inbound]]\n";
        assert_eq!(rule_line(broken, Direction::Inbound, 2), Some(3));
    }

    #[test]
    fn editors_are_told_the_line_in_their_own_way() {
        let path = Path::new("/m/cw.toml");
        assert_eq!(
            arguments("/usr/bin/vim", path, Some(7)),
            ["+7", "/m/cw.toml"]
        );
        assert_eq!(arguments("code", path, Some(7)), ["--goto", "/m/cw.toml:7"]);
        assert_eq!(arguments("hx", path, Some(7)), ["/m/cw.toml:7"]);
        assert_eq!(arguments("nano", path, None), ["/m/cw.toml"]);
    }

    #[test]
    fn the_editor_comes_from_the_environment() {
        assert_eq!(
            command(None, Some("code --wait".into())),
            ["code", "--wait"]
        );
        assert_eq!(command(Some(" ".into()), None), ["vi"]);
    }

    #[test]
    fn a_scratch_file_is_private() {
        use std::os::unix::fs::PermissionsExt;
        let path = scratch_file("output.json", "{}").unwrap();
        let mode = std::fs::metadata(&path).unwrap().permissions().mode();
        std::fs::remove_file(&path).unwrap();
        assert_eq!(mode & 0o777, 0o600);
    }
}
