//! What is wrong with settings, gathered so that all of it is told at once.

use secrecy::SecretString;

use crate::config::{Problem, SecretReference, Setting};
use crate::mapping::Path;
use crate::platform::registry::Setup;

/// Gathers what is wrong with settings.
pub(super) struct Problems<'a> {
    pub(super) setup: &'a Setup<'a>,
    pub(super) found: Vec<Problem>,
}

impl Problems<'_> {
    pub(super) fn note(&mut self, setting: &str, why: &str, mend: &str) {
        self.found.push(Problem::new(
            &self.setup.config.file,
            format!("settings.{setting}: {why}"),
            mend,
        ));
    }

    pub(super) fn secret(
        &mut self,
        setting: &'static str,
        reference: Option<&SecretReference>,
    ) -> Option<SecretString> {
        let config = self.setup.config;
        match config.secret(Setting(setting), reference?, self.setup.secrets) {
            Ok(value) => Some(value),
            Err(problem) => {
                self.found.push(problem);
                None
            }
        }
    }

    pub(super) fn path(&mut self, setting: &str, text: Option<&String>) -> Option<Path> {
        let text = text.filter(|text| !text.trim().is_empty())?;
        match Path::parse(text.trim()) {
            Ok(path) => Some(path),
            Err(error) => {
                self.note(
                    setting,
                    &error.to_string(),
                    "write a path such as data.ticket.id",
                );
                None
            }
        }
    }

    pub(super) fn header(&mut self, setting: &str, name: Option<&String>) -> Option<String> {
        let name = name?.trim();
        if http::HeaderName::from_bytes(name.as_bytes()).is_ok() {
            return Some(name.to_ascii_lowercase());
        }
        self.note(
            setting,
            &format!("`{name}` is no header's name"),
            "write one such as X-Signature",
        );
        None
    }
}
