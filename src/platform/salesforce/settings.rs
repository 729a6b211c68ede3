//! What an admin sets, and what becomes of it once it is checked.

use std::sync::Arc;

use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

use super::filter::Conditions;
use super::host::{self, Door, InstanceType};
use super::ids;
use super::key::SigningKey;
use super::soql;
use crate::config::{Problem, SecretReference, Setting};
use crate::http::RefreshToken;
use crate::model::SideRecordKind;
use crate::platform::registry::Setup;

/// The `[settings]` of a Salesforce connector, under the vendor's own names where it has any.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    instance_name: String,
    #[serde(default)]
    instance_type: InstanceType,
    #[serde(default)]
    grant_type: GrantType,
    #[serde(default)]
    client_id: Option<SecretReference>,
    #[serde(default)]
    client_secret: Option<SecretReference>,
    #[serde(default)]
    private_key: Option<SecretReference>,
    #[serde(default)]
    refresh_token: Option<SecretReference>,
    #[serde(default)]
    user_name: Option<String>,
    #[serde(default)]
    password: Option<SecretReference>,
    #[serde(default)]
    token: Option<SecretReference>,
    #[serde(default = "case")]
    object_name: String,
    #[serde(default)]
    external_id_field: Option<String>,
    #[serde(default)]
    parent_fields: Option<Vec<String>>,
    #[serde(default)]
    trigger_on_status: Words,
    #[serde(default)]
    trigger_on_checkbox: Option<String>,
    #[serde(default = "case_comment")]
    message_object_name: String,
    #[serde(default)]
    message_object_body_field_name: Option<String>,
    #[serde(default)]
    message_object_parent_field_name: Option<String>,
    #[serde(default)]
    message_object_public_field_name: Option<String>,
    #[serde(default)]
    schedule: Option<SideFile>,
    #[serde(default)]
    time_entry: Option<SideFile>,
    #[serde(default)]
    charge: Option<SideFile>,
    #[serde(default)]
    organization_id: Option<String>,
    #[serde(default)]
    trigger_secret: Option<SecretReference>,
    #[serde(default = "yes")]
    auto_assign: bool,
    #[serde(default = "tenth")]
    api_reserve_percent: u8,
    #[serde(default = "version")]
    api_version: String,
    #[serde(default)]
    base_url: Option<String>,
}

fn case() -> String {
    "Case".to_owned()
}

fn case_comment() -> String {
    "CaseComment".to_owned()
}

fn yes() -> bool {
    true
}

fn tenth() -> u8 {
    10
}

fn version() -> String {
    "64.0".to_owned()
}

/// How we sign in, by the vendor's words for its OAuth grants.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum GrantType {
    #[default]
    ClientCredentials,
    JwtBearer,
    RefreshToken,
    Password,
    SoapLogin,
}

/// An object that carries schedules, times or charges.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct SideFile {
    object_name: String,
    parent_field: String,
    #[serde(default)]
    external_id_field: Option<String>,
}

/// One word or a list of them.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
enum Words {
    Many(Vec<String>),
    One(String),
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
        let texts = words.iter().map(|word| word.trim().to_owned());
        texts.filter(|text| !text.is_empty()).collect()
    }
}

/// How we sign in, with all it takes.
#[derive(Clone, Debug)]
pub(super) enum Grant {
    /// A signed assertion instead of a password.
    JwtBearer {
        client_id: SecretString,
        user_name: String,
        key: SigningKey,
        audience: &'static str,
    },
    /// The connected app itself, running as the user it names.
    ClientCredentials {
        client_id: SecretString,
        client_secret: SecretString,
    },
    /// A token that a person got by signing in once.
    RefreshToken {
        client_id: SecretString,
        client_secret: Option<SecretString>,
        refresh_token: Arc<RefreshToken>,
    },
    /// User name and password; off by default in new orgs.
    Password {
        client_id: SecretString,
        client_secret: SecretString,
        user_name: String,
        /// The password with the security token behind it, as the vendor wants it.
        password: SecretString,
    },
    /// The call `login()` of the SOAP API, which the vendor is about to end.
    SoapLogin {
        user_name: String,
        /// The password with the security token behind it.
        password: SecretString,
    },
}

/// Where messages stand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Messages {
    /// The object.
    pub(super) object: String,
    /// The field with the text.
    pub(super) body: String,
    /// The field that names the record.
    pub(super) parent: String,
    /// The field that says who may read it.
    pub(super) audience: Audience,
}

/// How a message says who may read it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Audience {
    /// A checkbox, set for customers.
    Checkbox(String),
    /// Chatter's `Visibility`: `AllUsers` or `InternalUsers`.
    Visibility,
}

/// An object that carries one kind of side record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct SideObject {
    /// What it carries.
    pub(super) kind: SideRecordKind,
    /// The object.
    pub(super) object: String,
    /// The field that names the record.
    pub(super) parent: String,
    /// The external-id field by which it is found again.
    pub(super) external_id: Option<String>,
}

/// The settings, checked.
#[derive(Debug)]
pub(super) struct Checked {
    /// Where people open the org.
    pub(super) portal: String,
    /// Where we sign in.
    pub(super) door: Door,
    /// How.
    pub(super) grant: Grant,
    /// The version of the API, e.g. `64.0`.
    pub(super) version: String,
    /// The object of the records.
    pub(super) object: String,
    /// The external-id field that holds the marker.
    pub(super) external_id: Option<String>,
    /// The fields of related objects that come with a record, e.g. `Contact.Name`.
    pub(super) parents: Vec<String>,
    /// Whether the admin chose them.
    pub(super) parents_are_set: bool,
    /// Which records are wanted.
    pub(super) conditions: Conditions,
    /// Where messages stand.
    pub(super) messages: Messages,
    /// The objects that carry side records.
    pub(super) sides: Vec<SideObject>,
    /// The org's id, if the admin names it.
    pub(super) organization: Option<String>,
    /// What each callout must carry.
    pub(super) trigger_secret: Option<SecretString>,
    /// Whether the org's assignment rules run on what we write.
    pub(super) auto_assign: bool,
    /// The part of the org's calls that we leave to others.
    pub(super) reserve: f64,
}

/// Parents that a case ordinarily has, and what mappings want of them.
const CASE_PARENTS: [&str; 14] = [
    "Account.Name",
    "Account.Phone",
    "Account.ShippingStreet",
    "Account.ShippingCity",
    "Account.ShippingState",
    "Account.ShippingPostalCode",
    "Account.ShippingCountry",
    "Contact.Name",
    "Contact.Email",
    "Contact.Phone",
    "Contact.MobilePhone",
    "Owner.Name",
    "CreatedBy.Name",
    "LastModifiedBy.Name",
];

/// Parents that every object has.
const ANY_PARENTS: [&str; 2] = ["CreatedBy.Name", "LastModifiedBy.Name"];

/// Gathers what is wrong with settings.
struct Problems<'a> {
    setup: &'a Setup<'a>,
    found: Vec<Problem>,
}

impl Problems<'_> {
    fn note(&mut self, setting: &str, why: &str, mend: &str) {
        let what = format!("settings.{setting}: {why}");
        self.found
            .push(Problem::new(&self.setup.config.file, what, mend));
    }

    /// What was made of a setting, or nothing and a note of why not.
    fn take<T>(&mut self, setting: &str, mend: &str, made: Result<T, String>) -> Option<T> {
        made.map_err(|why| self.note(setting, &why, mend)).ok()
    }

    fn secret(
        &mut self,
        setting: &'static str,
        reference: Option<&SecretReference>,
    ) -> Option<SecretString> {
        let config = self.setup.config;
        match config.secret(Setting(setting), reference?, self.setup.secrets) {
            Ok(value) if value.expose_secret().trim().is_empty() => {
                self.note(setting, "it is empty", "set it, or remove the setting");
                None
            }
            Ok(value) => Some(value.expose_secret().trim().to_owned().into()),
            Err(problem) => {
                self.found.push(problem);
                None
            }
        }
    }

    /// A secret that the grant needs.
    fn needed(
        &mut self,
        setting: &'static str,
        reference: Option<&SecretReference>,
    ) -> Option<SecretString> {
        if reference.is_none() {
            self.note(setting, "it is missing", "this grant_type needs it");
        }
        self.secret(setting, reference)
    }

    fn name(&mut self, setting: &str, text: &str) -> Option<String> {
        let text = text.trim();
        let made = if soql::is_name(text) {
            Ok(text.to_owned())
        } else {
            Err(format!("`{text}` is no API name"))
        };
        self.take(setting, MEND_NAME, made)
    }

    fn optional_name(&mut self, setting: &str, text: Option<&str>) -> Option<String> {
        let text = text.filter(|text| !text.trim().is_empty())?;
        self.name(setting, text)
    }
}

const MEND_NAME: &str =
    "use the API name that Setup › Object Manager shows, e.g. FN_Work_Order__c, not the label";
const MEND_INSTANCE: &str =
    "use the org's My Domain: acme, acme--uat or acme.my.salesforce.com (Setup › My Domain)";

/// Reads and checks the settings.
///
/// # Errors
/// All problems at once.
pub(super) fn read(setup: &Setup<'_>) -> Result<Checked, Vec<Problem>> {
    let file: File = setup.config.settings().map_err(|problem| vec![problem])?;
    let mut problems = Problems {
        setup,
        found: Vec::new(),
    };
    let host = host::my_domain(&file.instance_name, file.instance_type);
    let host = problems.take("instance_name", MEND_INSTANCE, host);
    let portal = format!(
        "https://{}",
        host.as_deref().unwrap_or("unknown.my.salesforce.com")
    );
    let door = door(&mut problems, &portal, file.base_url.as_deref());
    let grant = grant(&mut problems, &file);
    let version = version_number(&file.api_version, file.grant_type);
    let version = problems.take(
        "api_version",
        "use a version from 46.0 on, e.g. 64.0",
        version,
    );
    let object = problems.name("object_name", &file.object_name);
    let external_id =
        problems.optional_name("external_id_field", file.external_id_field.as_deref());
    let parents = parents(
        &mut problems,
        file.parent_fields.as_deref(),
        &file.object_name,
    );
    let checkbox =
        problems.optional_name("trigger_on_checkbox", file.trigger_on_checkbox.as_deref());
    let messages = messages(&mut problems, &file);
    let sides = sides(&mut problems, &file);
    let organization = file
        .organization_id
        .as_deref()
        .map(str::trim)
        .filter(|text| !text.is_empty());
    let organization = organization.and_then(|text| {
        let made = ids::long(text).ok_or_else(|| format!("`{text}` is no organization id"));
        problems.take(
            "organization_id",
            "copy it from Setup › Company Information",
            made,
        )
    });
    let trigger_secret = problems.secret("trigger_secret", file.trigger_secret.as_ref());
    if file.api_reserve_percent > 90 {
        problems.note(
            "api_reserve_percent",
            "more than 90 leaves nothing",
            "use 0 to 90",
        );
    }
    match (door, grant, version, object, messages) {
        (Some(door), Some(grant), Some(version), Some(object), Some(messages))
            if problems.found.is_empty() =>
        {
            Ok(Checked {
                portal,
                door,
                grant,
                version,
                object,
                external_id,
                parents_are_set: file.parent_fields.is_some(),
                parents,
                conditions: Conditions::new(file.trigger_on_status.into_texts(), checkbox),
                messages,
                sides,
                organization,
                trigger_secret,
                auto_assign: file.auto_assign,
                reserve: f64::from(file.api_reserve_percent) / 100.0,
            })
        }
        _ => Err(problems.found),
    }
}

fn door(problems: &mut Problems<'_>, portal: &str, base_url: Option<&str>) -> Option<Door> {
    match base_url.filter(|text| !text.trim().is_empty()) {
        Some(text) => {
            let mend = "use the form https://host[:port][/path]";
            problems
                .take("base_url", mend, host::root(text))
                .map(Door::Override)
        }
        None => host::root(portal).ok().map(Door::Vendor),
    }
}

fn grant(problems: &mut Problems<'_>, file: &File) -> Option<Grant> {
    // Read one by one, so that all that is missing is told at once.
    match file.grant_type {
        GrantType::JwtBearer => {
            let client_id = problems.needed("client_id", file.client_id.as_ref());
            let user_name = user_name(problems, file);
            let key = problems.needed("private_key", file.private_key.as_ref()).and_then(|key| {
                let mend = "use the RSA key whose certificate the connected app holds, unencrypted, in PEM form";
                problems.take("private_key", mend, SigningKey::read(&key))
            });
            Some(Grant::JwtBearer {
                client_id: client_id?,
                user_name: user_name?,
                key: key?,
                audience: file.instance_type.audience(),
            })
        }
        GrantType::ClientCredentials => {
            let client_id = problems.needed("client_id", file.client_id.as_ref());
            let client_secret = problems.needed("client_secret", file.client_secret.as_ref());
            Some(Grant::ClientCredentials {
                client_id: client_id?,
                client_secret: client_secret?,
            })
        }
        GrantType::RefreshToken => {
            let client_id = problems.needed("client_id", file.client_id.as_ref());
            let client_secret = problems.secret("client_secret", file.client_secret.as_ref());
            let refresh_token = problems.needed("refresh_token", file.refresh_token.as_ref());
            Some(Grant::RefreshToken {
                client_id: client_id?,
                client_secret,
                refresh_token: Arc::new(RefreshToken::new(
                    refresh_token?,
                    Arc::clone(&problems.setup.tokens),
                )),
            })
        }
        GrantType::Password => {
            let client_id = problems.needed("client_id", file.client_id.as_ref());
            let client_secret = problems.needed("client_secret", file.client_secret.as_ref());
            let user_name = user_name(problems, file);
            let password = password(problems, file);
            Some(Grant::Password {
                client_id: client_id?,
                client_secret: client_secret?,
                user_name: user_name?,
                password: password?,
            })
        }
        GrantType::SoapLogin => {
            let user_name = user_name(problems, file);
            let password = password(problems, file);
            Some(Grant::SoapLogin {
                user_name: user_name?,
                password: password?,
            })
        }
    }
}

fn user_name(problems: &mut Problems<'_>, file: &File) -> Option<String> {
    let name = file.user_name.as_deref().map(str::trim).unwrap_or_default();
    if name.is_empty() {
        problems.note(
            "user_name",
            "it is missing",
            "this grant_type needs the integration user's name",
        );
        return None;
    }
    Some(name.to_owned())
}

/// The vendor wants the security token behind the password; it is set apart because it changes with the password.
fn password(problems: &mut Problems<'_>, file: &File) -> Option<SecretString> {
    let password = problems.needed("password", file.password.as_ref());
    let token = problems.secret("token", file.token.as_ref());
    let password = password?;
    let token = token
        .as_ref()
        .map(ExposeSecret::expose_secret)
        .unwrap_or_default();
    Some(format!("{}{token}", password.expose_secret()).into())
}

/// `64.0` from `64.0`, `v64.0` or `64`. SOAP's `login()` exists up to 64.0, upserts answer as we read them from 46.0 on.
fn version_number(text: &str, grant: GrantType) -> Result<String, String> {
    let number = text.trim().trim_start_matches('v');
    let major = number.strip_suffix(".0").unwrap_or(number);
    let major: u32 = major
        .parse()
        .map_err(|_| format!("`{text}` is no version"))?;
    if !(46..=99).contains(&major) {
        return Err(format!("version {major}.0 is not supported"));
    }
    if grant == GrantType::SoapLogin && major > 64 {
        return Err(format!("version {major}.0 has no SOAP login"));
    }
    Ok(format!("{major}.0"))
}

fn parents(problems: &mut Problems<'_>, given: Option<&[String]>, object: &str) -> Vec<String> {
    let Some(given) = given else {
        let usual: &[&str] = if object.trim() == "Case" {
            &CASE_PARENTS
        } else {
            &ANY_PARENTS
        };
        return usual.iter().map(ToString::to_string).collect();
    };
    let mut parents: Vec<String> = Vec::new();
    for text in given {
        let text = text.trim();
        let one_level = text
            .split_once('.')
            .is_some_and(|(relation, field)| soql::is_name(relation) && soql::is_name(field));
        if !one_level {
            let why = format!("`{text}` is no field of a related object");
            problems.note(
                "parent_fields",
                &why,
                "use one level, e.g. Contact.Name or Site__r.City__c",
            );
        } else if !parents.iter().any(|known| known == text) {
            parents.push(text.to_owned());
        }
    }
    parents
}

fn messages(problems: &mut Problems<'_>, file: &File) -> Option<Messages> {
    let object = problems.name("message_object_name", &file.message_object_name);
    let body = problems.optional_name(
        "message_object_body_field_name",
        file.message_object_body_field_name.as_deref(),
    );
    let parent = problems.optional_name(
        "message_object_parent_field_name",
        file.message_object_parent_field_name.as_deref(),
    );
    let public = problems.optional_name(
        "message_object_public_field_name",
        file.message_object_public_field_name.as_deref(),
    );
    let object = object?;
    let or = |given: Option<String>, usual: &str| given.unwrap_or_else(|| usual.to_owned());
    match object.as_str() {
        "CaseComment" => Some(Messages {
            body: or(body, "CommentBody"),
            parent: or(parent, "ParentId"),
            audience: Audience::Checkbox(or(public, "IsPublished")),
            object,
        }),
        "FeedItem" => Some(Messages {
            body: or(body, "Body"),
            parent: or(parent, "ParentId"),
            audience: Audience::Visibility,
            object,
        }),
        _ => {
            for (setting, given) in [
                ("message_object_body_field_name", &body),
                ("message_object_parent_field_name", &parent),
                // Without it an internal note would be as public as the object is.
                ("message_object_public_field_name", &public),
            ] {
                if given.is_none() {
                    problems.note(setting, "it is missing", "an object of your own needs it");
                }
            }
            Some(Messages {
                object,
                body: body?,
                parent: parent?,
                audience: Audience::Checkbox(public?),
            })
        }
    }
}

fn sides(problems: &mut Problems<'_>, file: &File) -> Vec<SideObject> {
    let mut sides = Vec::new();
    for (setting, kind, given) in [
        ("schedule", SideRecordKind::Schedule, &file.schedule),
        ("time_entry", SideRecordKind::Time, &file.time_entry),
        ("charge", SideRecordKind::Charge, &file.charge),
    ] {
        let Some(given) = given else { continue };
        let object = problems.name(&format!("{setting}.object_name"), &given.object_name);
        let parent = problems.name(&format!("{setting}.parent_field"), &given.parent_field);
        let field = given.external_id_field.as_deref();
        let external_id = problems.optional_name(&format!("{setting}.external_id_field"), field);
        if let (Some(object), Some(parent)) = (object, parent) {
            sides.push(SideObject {
                kind,
                object,
                parent,
                external_id,
            });
        }
    }
    sides
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_written_in_several_ways() {
        for text in ["64.0", "v64.0", " 64 "] {
            assert_eq!(
                version_number(text, GrantType::JwtBearer).as_deref(),
                Ok("64.0")
            );
        }
        assert!(version_number("30.0", GrantType::JwtBearer).is_err());
        assert!(version_number("65.0", GrantType::SoapLogin).is_err());
        assert!(version_number("65.0", GrantType::Password).is_ok());
        assert!(version_number("latest", GrantType::JwtBearer).is_err());
    }
}
