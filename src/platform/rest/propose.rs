//! What a connector of a description would probably look like.
//!
//! Names are all there is to go by, so this proposes and decides nothing: the best candidate of each operation is
//! set, the next ones stand beside it as comments.

use http::Method;

use super::envelope;
use super::settings::Envelope;
use crate::config::{connector_text, default_mapping};
use crate::mapping::Path;
use crate::model::{ConnectorId, FieldKind, PlatformKind};
use crate::openapi::{Document, Operation, Place, Purpose, SchemeKind};

/// How many alternatives are shown beside the best.
const MOST: usize = 4;

/// The probable operations of a connector, each with the likeliest first.
#[derive(Debug)]
pub struct Proposal<'a> {
    document: &'a Document,
    /// Reads one record.
    pub fetch: Vec<&'a Operation>,
    /// Describes a record's fields.
    pub metadata: Vec<&'a Operation>,
    /// Creates a record.
    pub create: Vec<&'a Operation>,
    /// Changes a record.
    pub update: Vec<&'a Operation>,
    /// Attaches a file to a record.
    pub attach: Vec<&'a Operation>,
    /// Lists records.
    pub list: Vec<&'a Operation>,
}

/// Words that name what a work order is made of, the likeliest first.
const RECORDS: [&str; 12] = [
    "ticket",
    "workorder",
    "servicerequest",
    "incident",
    "case",
    "issue",
    "task",
    "job",
    "record",
    "request",
    "row",
    "order",
];

/// A name without case and punctuation.
fn plain(text: &str) -> String {
    let kept = text.chars().filter(char::is_ascii_alphanumeric);
    kept.collect::<String>().to_ascii_lowercase()
}

/// How likely an operation is about the records that are wanted: less is better.
fn rank(operation: &Operation) -> (usize, usize, usize) {
    let parts: Vec<String> = nouns(&operation.path).map(plain).collect();
    let last = parts.last().map_or("", String::as_str);
    let place = |text: &str| RECORDS.iter().position(|noun| text.starts_with(noun));
    // The last noun says what an operation is about; one before it only where that is.
    let anywhere = || Some(RECORDS.len() + parts.iter().find_map(|part| place(part))?);
    let noun = place(last).or_else(anywhere).unwrap_or(RECORDS.len() * 3);
    (
        usize::from(operation.deprecated),
        noun,
        operation.path.len(),
    )
}

/// The path's parts that are no variables.
fn nouns(path: &str) -> impl Iterator<Item = &str> {
    path.split('/')
        .filter(|part| !part.is_empty() && !part.contains('{'))
}

fn ends_with_variable(path: &str) -> bool {
    path.trim_end_matches('/').ends_with('}')
}

fn takes_file(operation: &Operation) -> bool {
    let about = ["attach", "upload", "file", "document", "photo", "image"];
    let words = plain(&format!("{}{}", operation.path, operation.name()));
    let contents = operation.body.iter().flat_map(|body| &body.contents);
    let binary = contents.clone().any(|content| {
        content.media_type == "multipart/form-data"
            || content.media_type == "application/octet-stream"
    });
    let named = about.iter().any(|word| words.contains(word));
    (binary && named) || (named && words.contains("attachment") && contents.count() > 0)
}

impl<'a> Proposal<'a> {
    /// What a description suggests.
    #[must_use]
    pub fn of(document: &'a Document) -> Self {
        let pick = |wanted: &dyn Fn(&Operation) -> bool| {
            let mut found: Vec<&Operation> = document
                .operations
                .iter()
                .filter(|one| wanted(one))
                .collect();
            found.sort_by_key(|operation| rank(operation));
            found
        };
        let has_body = |operation: &Operation| {
            let body = operation.body.as_ref();
            body.is_some_and(|body| {
                body.json().is_some()
                    || body
                        .contents
                        .iter()
                        .any(|one| one.media_type.contains("form"))
            })
        };
        let fetch = pick(&|operation| {
            operation.method == Method::GET && ends_with_variable(&operation.path)
        });
        let best = fetch.first().copied();
        // The rest is about the same thing as the fetch: its own path first, then that of its collection.
        let item = best.map(|best| best.path.as_str());
        let collection = item.and_then(|path| Some(path.trim_end_matches('/').rsplit_once('/')?.0));
        let near = |mut found: Vec<&'a Operation>, own: Option<&str>| {
            let distance = |operation: &Operation| match own {
                Some(own) if operation.path.trim_end_matches('/') == own.trim_end_matches('/') => 0,
                Some(own) if operation.path.starts_with(own) => 1,
                _ => 2,
            };
            found.sort_by_key(|operation| (distance(operation), rank(operation)));
            found
        };
        let create = pick(&|operation| {
            operation.method == Method::POST
                && has_body(operation)
                && !ends_with_variable(&operation.path)
                && !takes_file(operation)
        });
        let mut update = pick(&|operation| {
            matches!(operation.method, Method::PATCH | Method::PUT | Method::POST)
                && has_body(operation)
                && ends_with_variable(&operation.path)
        });
        // What changes a few fields is better than what replaces all.
        update.sort_by_key(|operation| operation.method != Method::PATCH);
        let metadata = pick(&|operation| {
            let words = plain(&format!("{}{}", operation.path, operation.name()));
            let about = [
                "metadata",
                "describe",
                "schema",
                "fields",
                "fielddefinition",
                "columns",
            ];
            operation.method == Method::GET
                && about.iter().any(|word| words.contains(word))
                && !ends_with_variable(&operation.path)
        });
        let list = pick(&|operation| {
            operation.method == Method::GET && !ends_with_variable(&operation.path)
        });
        let list = near(list, collection);
        let is_collection = |operation: &&&Operation| {
            collection.is_some_and(|path| operation.path.trim_end_matches('/') == path)
        };
        let list = list.iter().filter(is_collection).copied().collect();
        Self {
            document,
            metadata: near(metadata, collection),
            create: near(create, collection),
            update: near(update, item),
            attach: near(
                pick(&|operation| operation.method != Method::GET && takes_file(operation)),
                item,
            ),
            list,
            fetch,
        }
    }

    /// The mapping that such a connector begins with.
    #[must_use]
    pub fn mapping_text(&self) -> &'static str {
        default_mapping(PlatformKind::Rest)
    }

    /// Whether an operation may be about the records that are fetched. What writes to another place certainly writes to
    /// other records; what only tells about them may stand anywhere.
    fn may_concern(&self, key: &str, operation: &Operation) -> bool {
        let writes = matches!(key, "record_create" | "record_update" | "attachment_upload");
        let fetched = self.fetch.first().map(|one| one.path.trim_end_matches('/'));
        let collection = fetched.and_then(|path| Some(path.rsplit_once('/')?.0));
        !writes || collection.is_none_or(|collection| operation.path.starts_with(collection))
    }

    /// The file of a connector as proposed; `document` is how the connector's file names the description.
    #[must_use]
    pub fn connector_text(&self, id: &ConnectorId, document: &str) -> String {
        let mut text = connector_text(PlatformKind::Rest, id);
        set(&mut text, "document", &[quoted(document)]);
        for (key, found) in [
            ("record_fetch", &self.fetch),
            ("record_metadata", &self.metadata),
            ("record_create", &self.create),
            ("record_update", &self.update),
            ("attachment_upload", &self.attach),
            ("record_list", &self.list),
        ] {
            let names: Vec<String> = found
                .iter()
                .take(MOST + 1)
                .map(|one| quoted(&self.name(one)))
                .collect();
            if found.first().is_none_or(|best| self.may_concern(key, best)) {
                set(&mut text, key, &names);
            } else {
                show(&mut text, key, &names);
            }
        }
        let servers: Vec<String> = self
            .document
            .servers
            .iter()
            .filter(|one| one.contains("://"))
            .map(|one| quoted(one))
            .collect();
        // The description's own address holds unless another is set, so all of them are only shown.
        show(&mut text, "base_url", &servers);
        self.set_parameters(&mut text);
        self.set_fields(&mut text);
        self.set_credentials(&mut text, id);
        text
    }

    /// An operation as settings name it: by its id where that means it alone.
    fn name(&self, operation: &Operation) -> String {
        let own = operation.id.as_deref().filter(|id| {
            self.document
                .operation(id)
                .is_some_and(|found| found.address() == operation.address())
        });
        own.map_or_else(|| operation.address(), str::to_owned)
    }

    /// Parameters that the path needs besides the id.
    fn set_parameters(&self, text: &mut String) {
        let Some(fetch) = self.fetch.first() else {
            return;
        };
        let names: Vec<&str> = fetch
            .parameters_in(Place::Path)
            .map(|one| one.name.as_str())
            .collect();
        let Some((id, others)) = names.split_last() else {
            return;
        };
        set(text, "id_parameter", &[quoted(id)]);
        if !others.is_empty() {
            let values: Vec<String> = others
                .iter()
                .map(|name| format!("{} = \"CHANGE ME\"", key(name)))
                .collect();
            set(
                text,
                "parameters",
                &[format!("{{ {} }}", values.join(", "))],
            );
        }
    }

    fn set_fields(&self, text: &mut String) {
        let Some(fetch) = self.fetch.first() else {
            return;
        };
        let Ok(id) = Path::parse("id") else { return };
        let guessed = envelope::guess(self.document, fetch, &id);
        if let Some(name) = &guessed {
            set(text, "envelope", &[quoted(name)]);
        }
        let envelope = guessed.map_or(Envelope::None, Envelope::Guessed);
        let schema = fetch
            .json_answer()
            .and_then(|content| content.schema.as_ref());
        let schema = schema.and_then(|schema| match &envelope {
            Envelope::Guessed(name) => self.document.property(schema, name),
            _ => Some(schema.clone()),
        });
        let Some(schema) = schema else { return };
        let record = self.document.items(&schema).unwrap_or(schema);
        let fields = self.document.fields(&record, Purpose::Read);
        let named = |wanted: &dyn Fn(&str) -> bool| -> Vec<String> {
            let found = fields.iter().filter(|field| wanted(&plain(&field.path)));
            found
                .take(MOST + 1)
                .map(|field| quoted(&field.path))
                .collect()
        };
        let ids = named(&|name| {
            matches!(
                name,
                "id" | "sysid" | "recordid" | "ticketid" | "key" | "number"
            )
        });
        if ids.first().is_some_and(|first| first != "\"id\"") {
            set(text, "id_field", &ids);
        }
        set(
            text,
            "label_field",
            &named(&|name| {
                matches!(
                    name,
                    "subject" | "title" | "summary" | "name" | "shortdescription"
                )
            }),
        );
        let times = fields
            .iter()
            .filter(|field| field.kind == FieldKind::DateTime);
        let changed = ["updat", "modif", "chang"];
        let times =
            times.filter(|field| changed.iter().any(|word| plain(&field.path).contains(word)));
        set(
            text,
            "changed_at_field",
            &times
                .take(MOST + 1)
                .map(|field| quoted(&field.path))
                .collect::<Vec<_>>(),
        );
        show(
            text,
            "marker_field",
            &named(&|name| {
                name.contains("external")
                    || name.contains("reference")
                    || name.contains("correlation")
            }),
        );
        if let Some(list) = self.list.first() {
            let parameter = |wanted: &dyn Fn(&str) -> bool| -> Vec<String> {
                let found = list
                    .parameters_in(Place::Query)
                    .filter(|one| wanted(&plain(&one.name)));
                found.map(|one| quoted(&one.name)).collect()
            };
            show(
                text,
                "since_parameter",
                &parameter(&|name| {
                    name.contains("since")
                        || name.contains("updatedafter")
                        || name.contains("modifiedafter")
                }),
            );
            show(
                text,
                "marker_parameter",
                &parameter(&|name| {
                    name.contains("external")
                        || name.contains("reference")
                        || name.contains("correlation")
                }),
            );
        }
    }

    /// The settings of the first way in that we know, and a word on the others.
    fn set_credentials(&self, text: &mut String, id: &ConnectorId) {
        let secret = |name: &str| format!("{{ secret = \"{id}-{name}\" }}");
        for scheme in &self.document.schemes {
            match &scheme.kind {
                SchemeKind::Basic => {
                    set(text, "username", &["\"CHANGE ME\"".to_owned()]);
                    set(text, "password", &[secret("password")]);
                }
                SchemeKind::Bearer | SchemeKind::OpenIdConnect => {
                    set(text, "bearer_token", &[secret("token")]);
                }
                SchemeKind::ApiKey { .. } => set(text, "api_key", &[secret("api-key")]),
                SchemeKind::OAuth2 { flows }
                    if flows.iter().any(|flow| flow.grant == "client_credentials") =>
                {
                    set(text, "client_id", &["\"CHANGE ME\"".to_owned()]);
                    set(text, "client_secret", &[secret("client-secret")]);
                }
                SchemeKind::OAuth2 { .. } | SchemeKind::Other { .. } => continue,
            }
            return;
        }
    }
}

fn quoted(text: &str) -> String {
    toml::Value::from(text).to_string()
}

fn key(name: &str) -> String {
    let bare = !name.is_empty()
        && name
            .chars()
            .all(|char| char.is_ascii_alphanumeric() || matches!(char, '-' | '_'));
    if bare { name.to_owned() } else { quoted(name) }
}

/// Sets a key to the first value, and shows the others beside it as comments.
fn set(text: &mut String, key: &str, values: &[String]) {
    put(text, key, values, "");
}

/// Shows values as comments.
fn show(text: &mut String, key: &str, values: &[String]) {
    put(text, key, values, "#");
}

fn put(text: &mut String, key: &str, values: &[String], before: &str) {
    let Some((first, others)) = values.split_first() else {
        return;
    };
    let mut lines: Vec<String> = Vec::new();
    for line in text.lines() {
        let own = line.strip_prefix('#').unwrap_or(line);
        if own
            .strip_prefix(key)
            .is_some_and(|rest| rest.starts_with(" = "))
        {
            lines.push(format!("{before}{key} = {first}"));
            lines.extend(others.iter().map(|value| format!("#{key} = {value}")));
        } else {
            lines.push(line.to_owned());
        }
    }
    *text = lines.join("\n") + "\n";
}
