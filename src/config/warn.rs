//! Secrets that others can read: what works and should not stay so.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use toml_edit::{Document, Item, TableLike};

use super::{Place, Problem};

/// Warnings about the secrets of one file: values that stand in it, and secret files open to all.
pub(super) fn about_secrets(directory: &Path, file: &Path, text: &str) -> Vec<Problem> {
    // A file that can't be parsed is a problem already, told elsewhere.
    let Ok(document) = Document::parse(text) else {
        return Vec::new();
    };
    let mut look = Look {
        directory,
        file,
        text,
        warnings: Vec::new(),
    };
    look.table(document.as_table(), "");
    look.warnings
}

struct Look<'a> {
    directory: &'a Path,
    file: &'a Path,
    text: &'a str,
    warnings: Vec<Problem>,
}

impl Look<'_> {
    fn table(&mut self, table: &dyn TableLike, path: &str) {
        for (key, item) in table.iter() {
            let path = if path.is_empty() {
                key.to_owned()
            } else {
                format!("{path}.{key}")
            };
            if let Some(inner) = item.as_table_like() {
                match reference(inner) {
                    Some(("file", secret)) => self.secret_file(secret, &path, item),
                    Some(_) => {}
                    None => self.table(inner, &path),
                }
            } else if names_a_secret(key) && item.as_str().is_some_and(|value| !value.is_empty()) {
                self.warn(
                    item,
                    format!("{path}: the secret itself stands in this file"),
                    "keep it with `fieldbridge secret set NAME` and write { secret = \"NAME\" }",
                );
            }
        }
    }

    fn secret_file(&mut self, secret: &str, path: &str, item: &Item) {
        let secret = self.directory.join(secret);
        let open =
            fs::metadata(&secret).is_ok_and(|metadata| metadata.permissions().mode() & 0o007 != 0);
        if open {
            self.warn(
                item,
                format!(
                    "{path}: everybody on this machine can read {}",
                    secret.display()
                ),
                &format!("chmod 600 {}", secret.display()),
            );
        }
    }

    fn warn(&mut self, item: &Item, what: String, mend: &str) {
        let place = item
            .span()
            .map(|span| Place::of_offset(self.text, span.start));
        self.warnings
            .push(Problem::new(self.file, what, mend).at(place));
    }
}

/// The kind and the text of a secret's reference, e.g. `{ file = "…" }`.
fn reference(table: &dyn TableLike) -> Option<(&str, &str)> {
    let (kind, item) = table.iter().next()?;
    let is_reference = table.len() == 1 && ["env", "file", "credential", "secret"].contains(&kind);
    Some((kind, item.as_str()?)).filter(|_| is_reference)
}

/// Whether a key's value is a secret, by its name: adapters name theirs as the vendors do.
fn names_a_secret(key: &str) -> bool {
    let secret = ["secret", "password", "passphrase", "token"]
        .iter()
        .any(|word| key.contains(word));
    (secret || key.ends_with("_key") || key == "key") && !key.contains("public")
}

#[cfg(test)]
mod tests {
    use std::fs::Permissions;

    use super::*;

    #[test]
    fn a_literal_secret_is_warned_of_with_its_place() {
        let text = "platform = \"connectwise\"\n[settings]\npublic_key = \"x\"\nprivate_key = \"not-real\"\n\
                    client_secret = { env = \"X\" }\nkey = { secret = \"name\" }\n";
        let warnings = about_secrets(Path::new("."), Path::new("a.toml"), text);
        assert_eq!(warnings.len(), 1, "{warnings:?}");
        let place = warnings[0].place.unwrap();
        assert_eq!((place.line, place.column), (4, 15));
        assert!(warnings[0].what.contains("settings.private_key"));
        assert!(!warnings[0].to_string().contains("not-real"));
    }

    #[test]
    fn a_secret_file_is_to_be_closed_to_others() {
        let home = tempfile::tempdir().unwrap();
        let secret = home.path().join("key");
        fs::write(&secret, "not-real").unwrap();
        let text = "[field_nation]\npassword = { file = \"key\" }\n";
        let warnings = |mode| {
            fs::set_permissions(&secret, Permissions::from_mode(mode)).unwrap();
            about_secrets(home.path(), Path::new("a.toml"), text).len()
        };
        assert_eq!(warnings(0o644), 1);
        assert_eq!(warnings(0o600), 0);
        assert_eq!(warnings(0o640), 0);
    }
}
