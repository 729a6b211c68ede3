//! What an admin sets, and what becomes of it once it is checked.

use std::fmt;

use secrecy::SecretString;
use serde::Deserialize;

use super::credential::{Credential, OauthClient};
use super::filter::Conditions;
use super::names::{
    extensions, field_name, instance, record_word, root, sendable, table_name, user_name,
};
use super::query::{Filter, is_field_name};
use crate::config::{Problem, SecretReference, Setting};
use crate::platform::registry::Setup;

/// The `[settings]` of a ServiceNow connector, under the names that the hosted broker's screen has.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    /// The part before `.service-now.com`.
    instance_name: String,
    /// How we sign in.
    #[serde(default)]
    auth: Auth,
    /// The user ID in whose name we work, whichever way we sign in.
    user_name: String,
    #[serde(default)]
    password: Option<SecretReference>,
    #[serde(default)]
    client_id: Option<SecretReference>,
    #[serde(default)]
    client_secret: Option<SecretReference>,
    #[serde(default)]
    api_key: Option<SecretReference>,
    /// The table.
    #[serde(default = "incident")]
    object_name: String,
    /// A well filled record, by number or `sys_id`.
    #[serde(default)]
    template_object_id: Option<String>,
    /// The field that holds our marker.
    #[serde(default = "correlation_id")]
    correlation_field: String,
    /// Fields of related records that are read along, e.g. `location.city`.
    #[serde(default)]
    related_fields: Option<Vec<String>>,
    /// The states, by label or value, whose records are wanted.
    #[serde(default)]
    trigger_on_state: Words,
    /// An encoded query that wanted records meet.
    #[serde(default)]
    trigger_query: Option<String>,
    #[serde(default)]
    trigger_secret: Option<SecretReference>,
    #[serde(default)]
    default_close_code: Option<String>,
    #[serde(default)]
    default_close_notes: Option<String>,
    /// The file name extensions that the instance takes; none: any.
    #[serde(default)]
    attachment_extensions: Vec<String>,
    /// The largest file that the instance takes.
    #[serde(default = "most_megabytes")]
    attachment_max_mb: u64,
    #[serde(default)]
    time_table: Option<String>,
    #[serde(default)]
    time_parent_field: Option<String>,
    #[serde(default)]
    charge_table: Option<String>,
    #[serde(default)]
    charge_parent_field: Option<String>,
    #[serde(default)]
    base_url: Option<String>,
}

fn incident() -> String {
    "incident".to_owned()
}

fn correlation_id() -> String {
    "correlation_id".to_owned()
}

/// `com.glide.attachment.max_size` as instances come.
fn most_megabytes() -> u64 {
    1024
}

/// The ways to sign in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Auth {
    #[default]
    Basic,
    OauthPassword,
    ClientCredentials,
    ApiKey,
}

/// One word or a list of them.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
enum Words {
    Many(Vec<Word>),
    One(Word),
}

/// A text, or a number that stands for itself.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
enum Word {
    Number(i64),
    Text(String),
}

impl fmt::Display for Word {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => write!(formatter, "{number}"),
            Self::Text(text) => formatter.write_str(text.trim()),
        }
    }
}

impl Default for Words {
    fn default() -> Self {
        Self::Many(Vec::new())
    }
}

impl Words {
    fn into_texts(self) -> Vec<String> {
        let words = match self {
            Self::Many(words) => words,
            Self::One(word) => vec![word],
        };
        let texts = words.iter().map(ToString::to_string);
        texts.filter(|text| !text.is_empty()).collect()
    }
}

/// A table that holds one kind of side record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct SideTable {
    /// The table.
    pub(super) table: String,
    /// Its field that refers to the record.
    pub(super) parent: String,
}

/// The settings, checked.
#[derive(Debug)]
pub(super) struct Checked {
    /// Where people open the instance, without a slash at the end.
    pub(super) portal: String,
    /// Where the API is, without a slash at the end.
    pub(super) root: String,
    pub(super) user: String,
    pub(super) table: String,
    pub(super) template: Option<String>,
    pub(super) marker_field: String,
    /// The related fields that are read along.
    pub(super) related: Vec<String>,
    pub(super) conditions: Conditions,
    pub(super) trigger_secret: Option<SecretString>,
    pub(super) close_code: Option<String>,
    pub(super) close_notes: Option<String>,
    /// Lower case, without a dot.
    pub(super) extensions: Vec<String>,
    pub(super) largest_file: u64,
    pub(super) time: Option<SideTable>,
    pub(super) charge: Option<SideTable>,
}

/// What is read along unless `related_fields` says otherwise. Names that a table does not have cost nothing: the vendor
/// leaves them out.
const RELATED: [&str; 24] = [
    "caller_id.name",
    "caller_id.email",
    "caller_id.phone",
    "caller_id.mobile_phone",
    "opened_by.name",
    "opened_by.email",
    "assigned_to.name",
    "assigned_to.email",
    "assignment_group.name",
    "company.name",
    "account.name",
    "contact.name",
    "contact.email",
    "contact.phone",
    "cmdb_ci.name",
    "location.name",
    "location.street",
    "location.city",
    "location.state",
    "location.zip",
    "location.country",
    "location.latitude",
    "location.longitude",
    "location.phone",
];

/// Gathers what is wrong with settings.
struct Problems<'a> {
    setup: &'a Setup<'a>,
    found: Vec<Problem>,
}

impl Problems<'_> {
    fn note(&mut self, setting: &str, why: &str, mend: &str) {
        self.found.push(Problem::new(
            &self.setup.config.file,
            format!("settings.{setting}: {why}"),
            mend,
        ));
    }

    /// What was made of a setting, or nothing and a note of why not.
    fn take<T>(&mut self, setting: &str, mend: &str, made: Result<T, String>) -> Option<T> {
        made.map_err(|why| self.note(setting, &why, mend)).ok()
    }

    /// A secret that this way to sign in can't do without.
    fn secret(
        &mut self,
        setting: &'static str,
        reference: Option<&SecretReference>,
    ) -> Option<SecretString> {
        let Some(reference) = reference else {
            let mend = format!(
                "set it, e.g. {setting} = {{ secret = \"sn-{}\" }}",
                setting.replace('_', "-")
            );
            self.note(setting, "this way to sign in (auth) needs it", &mend);
            return None;
        };
        let config = self.setup.config;
        match config.secret(Setting(setting), reference, self.setup.secrets) {
            Ok(value) => self.take(setting, "set it, or choose another auth", sendable(&value)),
            Err(problem) => {
                self.found.push(problem);
                None
            }
        }
    }

    fn table(&mut self, setting: &str, name: &str) -> Option<String> {
        let made = table_name(name);
        self.take(
            setting,
            "use the table's name, e.g. incident or u_field_visit, not its label",
            made,
        )
    }

    fn side(
        &mut self,
        settings: [&str; 2],
        table: Option<String>,
        parent: Option<String>,
    ) -> Option<SideTable> {
        match (table, parent) {
            (None, None) => None,
            (Some(table), Some(parent)) => {
                let table = self.table(settings[0], &table);
                let parent = self.take(settings[1], MEND_FIELD, field_name(&parent));
                Some(SideTable {
                    table: table?,
                    parent: parent?,
                })
            }
            (table, _) => {
                let missing = if table.is_none() {
                    settings[0]
                } else {
                    settings[1]
                };
                let why = format!("{} and {} go together", settings[0], settings[1]);
                self.note(missing, &why, "set both or neither");
                None
            }
        }
    }
}

/// Reads and checks the settings.
///
/// # Errors
/// All problems at once.
pub(super) fn read(setup: &Setup<'_>) -> Result<(Checked, Credential), Vec<Problem>> {
    let file: File = setup.config.settings().map_err(|problem| vec![problem])?;
    let mut problems = Problems {
        setup,
        found: Vec::new(),
    };
    let instance = problems.take(
        "instance_name",
        MEND_INSTANCE,
        instance(&file.instance_name),
    );
    let portal = format!(
        "https://{}.service-now.com",
        instance.as_deref().unwrap_or("unknown")
    );
    let root = problems.take(
        "base_url",
        "use the form https://host[:port][/path]",
        root(file.base_url.as_deref().unwrap_or(&portal)),
    );
    let user = problems.take(
        "user_name",
        "set the user ID (sys_user.user_name) in whose name the connector works, e.g. integration.fieldnation",
        user_name(&file.user_name),
    );
    let credential = credential(&mut problems, &file);
    let table = problems.table("object_name", &file.object_name);
    let template = file
        .template_object_id
        .as_deref()
        .map(str::trim)
        .filter(|text| !text.is_empty())
        .and_then(|text| {
            problems.take(
                "template_object_id",
                "use a number such as INC0010111, or a sys_id",
                record_word(text),
            )
        });
    let marker_field = problems.take(
        "correlation_field",
        MEND_FIELD,
        field_name(&file.correlation_field),
    );
    let conditions = conditions(
        &mut problems,
        file.trigger_on_state,
        file.trigger_query.as_deref(),
    );
    let related = related(&mut problems, file.related_fields, &conditions);
    let trigger_secret = file
        .trigger_secret
        .as_ref()
        .and_then(|reference| problems.secret("trigger_secret", Some(reference)));
    let time = problems.side(
        ["time_table", "time_parent_field"],
        file.time_table,
        file.time_parent_field,
    );
    let charge = problems.side(
        ["charge_table", "charge_parent_field"],
        file.charge_table,
        file.charge_parent_field,
    );
    let filled = |text: Option<String>| text.filter(|text| !text.trim().is_empty());
    match (root, user, credential, table, marker_field) {
        (Some(root), Some(user), Some(credential), Some(table), Some(marker_field))
            if problems.found.is_empty() =>
        {
            let checked = Checked {
                portal,
                root,
                user,
                table,
                template,
                marker_field,
                related,
                conditions,
                trigger_secret,
                close_code: filled(file.default_close_code),
                close_notes: filled(file.default_close_notes),
                extensions: extensions(&file.attachment_extensions),
                largest_file: file.attachment_max_mb.saturating_mul(1024 * 1024),
                time,
                charge,
            };
            Ok((checked, credential))
        }
        _ => Err(problems.found),
    }
}

fn credential(problems: &mut Problems<'_>, file: &File) -> Option<Credential> {
    let client = |problems: &mut Problems<'_>| {
        let id = problems.secret("client_id", file.client_id.as_ref());
        let secret = problems.secret("client_secret", file.client_secret.as_ref());
        Some(OauthClient {
            id: id?,
            secret: secret?,
        })
    };
    match file.auth {
        Auth::Basic => Some(Credential::Basic {
            password: problems.secret("password", file.password.as_ref())?,
        }),
        Auth::OauthPassword => {
            let client = client(problems);
            let password = problems.secret("password", file.password.as_ref());
            Some(Credential::OauthPassword {
                client: client?,
                password: password?,
            })
        }
        Auth::ClientCredentials => Some(Credential::ClientCredentials {
            client: client(problems)?,
        }),
        Auth::ApiKey => Some(Credential::ApiKey {
            key: problems.secret("api_key", file.api_key.as_ref())?,
        }),
    }
}

fn conditions(problems: &mut Problems<'_>, states: Words, query: Option<&str>) -> Conditions {
    let filter = query
        .filter(|text| !text.trim().is_empty())
        .and_then(|text| {
            let filter = Filter::parse(text);
            problems.take(
                "trigger_query",
                "copy the query from a list's filter, e.g. active=true^u_send_to_fn=true",
                filter,
            )
        });
    Conditions::new(states.into_texts(), filter)
}

/// The related fields to be read along: those set or the usual ones, and those that the conditions look at.
fn related(
    problems: &mut Problems<'_>,
    set: Option<Vec<String>>,
    conditions: &Conditions,
) -> Vec<String> {
    let mut related = match set {
        None => RELATED.map(str::to_owned).to_vec(),
        Some(names) => {
            let check = |name: &String| {
                let name = name.trim();
                let is_related = is_field_name(name) && name.matches('.').count() == 1;
                let why = format!("`{name}` is no field of a related record");
                let mend = "use a reference field, a dot and a field of what it refers to, e.g. location.city";
                problems.take(
                    "related_fields",
                    mend,
                    is_related.then(|| name.to_owned()).ok_or(why),
                )
            };
            names.iter().filter_map(check).collect()
        }
    };
    for name in conditions.fields().filter(|name| name.contains('.')) {
        if !related.iter().any(|known| known == name) {
            related.push(name.to_owned());
        }
    }
    related
}

const MEND_INSTANCE: &str =
    "use the part before .service-now.com, e.g. dev12345; for another host set base_url";
const MEND_FIELD: &str =
    "use a field's name, e.g. correlation_id or u_fn_work_order, not its label";
