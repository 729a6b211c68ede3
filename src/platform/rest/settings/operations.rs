//! The operations that settings name, with the parameters they need, and where the API answers.

use url::Url;

use super::file::File;
use super::problems::Problems;
use crate::openapi::{Document, Operation};
use crate::platform::rest::binding::{Binding, Bindings};

pub(super) fn named(
    setting: &str,
    name: &str,
    document: &Document,
    problems: &mut Problems<'_>,
) -> Option<Operation> {
    let found = document.operation(name).cloned();
    if found.is_none() {
        problems.note(
            setting,
            &format!("the description has no operation `{name}`"),
            "name one by its id or as `GET /path`; fieldbridge connector import-openapi lists them",
        );
    }
    found
}

/// Finds the operations that the settings name.
pub(super) fn bindings(
    file: &File,
    document: &Document,
    problems: &mut Problems<'_>,
) -> Option<Bindings> {
    let fetch = if file.record_fetch.trim().is_empty() {
        problems.note(
            "record_fetch",
            "it names no operation",
            "name the operation that reads one record, by its id or as `GET /path`",
        );
        None
    } else {
        named("record_fetch", &file.record_fetch, document, problems)
    };
    let mut optional = |setting, name: &Option<String>| {
        let name = name.as_ref().filter(|name| !name.trim().is_empty())?;
        named(setting, name, document, problems)
    };
    let metadata = optional("record_metadata", &file.record_metadata);
    let create = optional("record_create", &file.record_create);
    let update = optional("record_update", &file.record_update);
    let attach = optional("attachment_upload", &file.attachment_upload);
    let list = optional("record_list", &file.record_list);
    let mut bind = |setting: &str, operation: Operation, with_id: bool| {
        let given = |name: &str| file.parameters.contains_key(name);
        match Binding::new(operation, file.id_parameter.as_deref(), with_id, &given) {
            Ok(binding) => Some(binding),
            Err(why) => {
                problems.note(
                    setting,
                    &why,
                    "set id_parameter, or give values in `parameters`",
                );
                None
            }
        }
    };
    let metadata = metadata.map(|operation| bind("record_metadata", operation, false));
    let create = create.map(|operation| bind("record_create", operation, false));
    let list = list.map(|operation| bind("record_list", operation, false));
    let update = update.map(|operation| bind("record_update", operation, true));
    let attach = attach.map(|operation| bind("attachment_upload", operation, true));
    let fetch = bind("record_fetch", fetch?, true);
    Some(Bindings {
        fetch: fetch?,
        metadata: metadata.flatten(),
        create: create.flatten(),
        update: update.flatten(),
        attach: attach.flatten(),
        list: list.flatten(),
    })
}

/// Where the API answers: the setting, else the fetch operation's own server, else the description's first.
pub(super) fn base(
    file: &File,
    document: &Document,
    bindings: Option<&Bindings>,
    problems: &mut Problems<'_>,
) -> Option<String> {
    let own = bindings.and_then(|bindings| bindings.fetch.operation.servers.first());
    let address = match file
        .base_url
        .as_deref()
        .map(str::trim)
        .filter(|url| !url.is_empty())
    {
        Some(address) => address,
        None => match own.or(document.servers.first()) {
            Some(address) => address,
            None => {
                problems.note(
                    "base_url",
                    "the description does not say where the API answers",
                    "set base_url, e.g. https://api.example.com/v1",
                );
                return None;
            }
        },
    };
    match Url::parse(address) {
        Ok(url) if matches!(url.scheme(), "http" | "https") && url.has_host() => {
            Some(address.trim_end_matches('/').to_owned())
        }
        _ => {
            problems.note(
                "base_url",
                &format!("`{address}` is no whole address"),
                "set base_url with its scheme and host, e.g. https://api.example.com/v1",
            );
            None
        }
    }
}
