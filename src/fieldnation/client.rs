//! The client of one Field Nation company.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use url::Url;

use super::catalogue;
use super::directory::{Age, CompanyField, CompanyFields, Directory};
use super::order;
use super::session::{Credentials, Session};
use super::work_order::{CustomValue, custom_values, id_of, internal_value, text_of};
use crate::config::{FieldNationSettings, Problem, SecretReference, Secrets};
use crate::http::{
    BucketSettings, Call, Client, ClientSettings, Quota, QuotaView, Redactor, Request,
};
use crate::model::{Category, Clock, Failure, Field, Marker, Priority, WorkOrderId};

/// One Field Nation company: its connection, quota, token and what it told us of itself. One for all connectors,
/// shared in an `Arc`, because the quota belongs to the company.
pub struct FieldNation {
    pub(super) session: Session,
    pub(super) directory: Directory,
    pub(super) clock: Arc<dyn Clock>,
    correlation: Option<String>,
    webhook_secret: Option<SecretString>,
    /// The API user's id; 0 until Field Nation let it show.
    own_user: AtomicU64,
}

impl std::fmt::Debug for FieldNation {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("FieldNation")
            .field("base", &self.session.base())
            .field("user", &self.session.username())
            .finish_non_exhaustive()
    }
}

impl FieldNation {
    /// A client as `fieldbridge.toml` (`file`, for saying where a problem is) describes it. Makes no call.
    ///
    /// # Errors
    /// Everything that is wrong with the settings: addresses, missing secrets.
    pub fn new(
        settings: &FieldNationSettings,
        secrets: &Secrets,
        clock: Arc<dyn Clock>,
        file: &Path,
    ) -> Result<Self, Vec<Problem>> {
        let mut problems = Vec::new();
        let mut problem = |what: String, mend: &str| problems.push(Problem::new(file, what, mend));
        let base = host_of("base_url", &settings.base_url, &mut problem);
        let webhooks = settings
            .webhooks_url
            .as_ref()
            .map(|address| host_of("webhooks_url", address, &mut problem));
        for (name, value) in [
            ("client_id", &settings.client_id),
            ("username", &settings.username),
        ] {
            if value.trim().is_empty() {
                problem(
                    format!("field_nation.{name} is empty"),
                    "Field Nation gives all five values of the API user: client id, client secret, user name, password and host",
                );
            }
        }
        let mut secret = |name: &str, reference: &SecretReference| match secrets.resolve(reference)
        {
            Ok(value) if value.expose_secret().is_empty() => {
                problem(format!("field_nation.{name} is empty"), "give it a value");
                value
            }
            Ok(value) => value,
            Err(why) => {
                problem(
                    format!("field_nation.{name}: {why}"),
                    "set the secret or name another source",
                );
                SecretString::default()
            }
        };
        let client_secret = secret("client_secret", &settings.client_secret);
        let password = secret("password", &settings.password);
        let webhook_secret = settings
            .webhook_secret
            .as_ref()
            .map(|reference| secret("webhook_secret", reference));
        let hidden: Vec<SecretString> = [&client_secret, &password]
            .into_iter()
            .chain(&webhook_secret)
            .cloned()
            .collect();
        let client = match client(settings, &hidden) {
            Ok(client) => client,
            Err(error) => {
                problem(error.to_string(), "check the system's TLS certificates");
                return Err(problems);
            }
        };
        if !problems.is_empty() {
            return Err(problems);
        }
        let credentials = Credentials {
            client_id: settings.client_id.clone(),
            client_secret,
            username: settings.username.clone(),
            password,
        };
        let webhooks = webhooks.unwrap_or_else(|| base.clone());
        let correlation = settings.correlation_field.as_deref().map(str::trim);
        Ok(Self {
            session: Session::new(client, credentials, hidden, base, webhooks),
            directory: Directory::default(),
            clock,
            correlation: correlation
                .filter(|name| !name.is_empty())
                .map(str::to_owned),
            webhook_secret,
            own_user: AtomicU64::new(0),
        })
    }

    /// What is left of the company's quota, for people.
    #[must_use]
    pub fn quota(&self) -> Vec<QuotaView> {
        self.session.client().quota().view()
    }

    /// How long until a call of this priority makes sense.
    #[must_use]
    pub fn ready_in(&self, priority: Priority) -> Duration {
        self.session.client().quota().ready_in(priority)
    }

    /// The secret by which incoming webhooks are verified, if one is configured.
    #[must_use]
    pub fn webhook_secret(&self) -> Option<&SecretString> {
        self.webhook_secret.as_ref()
    }

    /// The fields that every company has: those of the API description's requests, and what can be read.
    #[must_use]
    pub fn static_catalogue() -> &'static [Field] {
        catalogue::fields()
    }

    /// Where people see the work order, on Field Nation's own hosts.
    #[must_use]
    pub fn work_order_url(&self, id: WorkOrderId) -> Option<String> {
        let base = Url::parse(self.session.base()).ok()?;
        let host = match base.host_str()? {
            "api.fieldnation.com" => "app.fieldnation.com",
            "api-sandbox.fndev.net" => "app-sandbox.fndev.net",
            _ => return None,
        };
        Some(format!("https://{host}/workorders/{id}"))
    }

    /// The API user's id, once Field Nation let it show (in the token, or in something we wrote).
    #[must_use]
    pub fn own_user(&self) -> Option<u64> {
        Some(self.own_user.load(Ordering::Relaxed)).filter(|id| *id != 0)
    }

    /// The marker that a work order carries in the correlation field, if it is one of ours.
    #[must_use]
    pub fn marker_of(&self, work_order: &Value) -> Option<Marker> {
        let marker = Marker::from_text(self.correlation_value(work_order)?);
        marker.record().is_some().then_some(marker)
    }

    /// What stands in the correlation field, whoever wrote it.
    pub(super) fn correlation_value(&self, work_order: &Value) -> Option<String> {
        let Some(name) = &self.correlation else {
            return internal_value(work_order);
        };
        let id = name.parse().ok();
        let is_named = |field_id: Option<u64>, field_name: &str| {
            (field_id.is_some() && field_id == id) || field_name.eq_ignore_ascii_case(name)
        };
        let fields = custom_values(work_order);
        let found = fields
            .into_iter()
            .find(|field: &CustomValue<'_>| is_named(field.id, field.name));
        if let Some(field) = found {
            return field.value;
        }
        let internal = work_order.pointer("/custom_fields/internal")?;
        let internal_name = internal
            .get("name")
            .and_then(Value::as_str)
            .unwrap_or_default();
        is_named(internal.get("id").and_then(id_of), internal_name)
            .then(|| internal.get("value").and_then(text_of))
            .flatten()
    }

    /// The correlation field of this company; `None` when it has none and none is configured.
    pub(super) async fn correlation_field(
        &self,
        call: &Call,
    ) -> Result<Option<CompanyField>, Failure> {
        let fields = self.directory.fields(&self.session, call, Age::Any).await?;
        let Some(name) = &self.correlation else {
            return Ok(fields
                .internal()
                .filter(|field| CompanyFields::as_correlation(field).is_ok())
                .cloned());
        };
        if let Some(field) = fields.find(name) {
            return CompanyFields::as_correlation(field).cloned().map(Some);
        }
        let fields = self
            .directory
            .fields(&self.session, call, Age::Renewed)
            .await?;
        match fields.find(name) {
            Some(field) => CompanyFields::as_correlation(field).cloned().map(Some),
            None => Err(Failure::new(
                Category::Configuration,
                format!("correlation_field: {}", fields.unknown(name)),
            )
            .hint(
                "Create the text field in Field Nation, or name another one in fieldbridge.toml.",
            )),
        }
    }

    /// Checks credential and rights, and says who we are, what we see and where the link to records is kept.
    ///
    /// # Errors
    /// `authentication` when the credential is refused, `configuration` when the correlation field is wrong.
    pub async fn probe(&self, call: &Call) -> Result<String, Failure> {
        let page = self
            .session
            .expect(
                call,
                "list work orders",
                self.list_request("id,company,manager")
                    .query("per_page", "1"),
            )
            .await?;
        let total = page.pointer("/metadata/total").and_then(id_of).unwrap_or(0);
        let first = page.pointer("/results/0").unwrap_or(&Value::Null);
        self.learn(first);
        let company = first.pointer("/company/name").and_then(text_of);
        let link = match self.correlation_field(call).await? {
            Some(field) => format!("links are kept in `{}`", field.name),
            None => {
                "no Internal Ticket Number field: links can't be seen in Field Nation".to_owned()
            }
        };
        Ok(format!(
            "{}{} at {}; {total} work orders; {link}",
            self.session.username(),
            company
                .map(|name| format!(" of {name}"))
                .unwrap_or_default(),
            self.session.base(),
        ))
    }

    /// A request for the list of all work orders, without the filters a person left behind.
    pub(super) fn list_request(&self, columns: &str) -> Request {
        Request::get(self.session.rest("/workorders"))
            .query("list", "workorders_all")
            .query("sticky", "false")
            .query("columns", columns)
    }

    /// Takes note of our own id where a work order names us as its manager.
    pub(super) fn learn(&self, work_order: &Value) {
        let Some(manager) = work_order.get("manager") else {
            return;
        };
        let is_us = ["username", "email"].iter().any(|name| {
            let text = manager.get(*name).and_then(Value::as_str);
            text.is_some_and(|text| text.eq_ignore_ascii_case(self.session.username()))
        });
        if let Some(id) = manager.get("id").and_then(id_of).filter(|_| is_us) {
            self.own_user.store(id, Ordering::Relaxed);
        }
    }

    /// Takes note of our own id, from something that we surely wrote.
    pub(super) fn learn_id(&self, id: Option<u64>) {
        if let Some(id) = id {
            self.own_user.store(id, Ordering::Relaxed);
        }
    }

    /// Our own id: as noted, else from the token's claims, else from a work order that we manage.
    pub(super) async fn identify(&self, call: &Call) -> Result<Option<u64>, Failure> {
        if let Some(id) = self.own_user() {
            return Ok(Some(id));
        }
        let token = self.session.token(call).await?;
        if let Some(id) = user_in_token(token.access.expose_secret()) {
            self.own_user.store(id, Ordering::Relaxed);
            return Ok(Some(id));
        }
        let request = self
            .list_request(order::IDENTITY_COLUMNS)
            .query("per_page", "25");
        let page = self
            .session
            .expect(call, "list work orders", request)
            .await?;
        for work_order in page
            .get("results")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
        {
            self.learn(work_order);
        }
        Ok(self.own_user())
    }
}

fn client(
    settings: &FieldNationSettings,
    hidden: &[SecretString],
) -> Result<Client, crate::http::TransportProblem> {
    let calls = settings.calls_per_minute;
    let bucket = BucketSettings::per_minute("per minute", Some(calls), calls);
    let quota = Arc::new(Quota::new(&[bucket], settings.concurrency));
    let http = ClientSettings {
        timeout: Duration::from_secs(settings.timeout_seconds.max(1)),
        ..ClientSettings::default()
    };
    let hidden = hidden
        .iter()
        .map(|secret| secret.expose_secret().to_owned());
    Client::new(&http, quota, Redactor::new(hidden))
}

/// The host part of an address, with a path before the API's own (a proxy's) but without the API's own.
fn host_of(name: &str, address: &str, problem: &mut impl FnMut(String, &str)) -> String {
    let legal = Url::parse(address.trim())
        .ok()
        .filter(|url| matches!(url.scheme(), "http" | "https") && url.host_str().is_some());
    let Some(mut url) = legal else {
        problem(
            format!("field_nation.{name}: `{address}` is no address"),
            "write the host with its scheme, e.g. https://api.fieldnation.com",
        );
        return String::new();
    };
    url.set_query(None);
    url.set_fragment(None);
    let text = url.as_str().trim_end_matches('/');
    let text = text
        .strip_suffix("/api/rest/v2")
        .or_else(|| text.strip_suffix("/api/v1/webhooks"))
        .unwrap_or(text);
    text.trim_end_matches('/').to_owned()
}

/// The user id in the claims of a token, where the token is a JWT. It is our own token, so nothing is verified.
fn user_in_token(token: &str) -> Option<u64> {
    let claims = URL_SAFE_NO_PAD.decode(token.split('.').nth(1)?).ok()?;
    let claims: Value = serde_json::from_slice(&claims).ok()?;
    ["user_id", "userId", "uid", "sub"]
        .iter()
        .find_map(|name| id_of(claims.get(*name)?))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::model::TokioClock;

    fn settings(base_url: &str) -> FieldNationSettings {
        toml::from_str(&format!(
            "base_url = \"{base_url}\"\nclient_id = \"fake\"\nclient_secret = \"fake-client-secret\"\n\
             username = \"api@example.com\"\npassword = \"fake-password\"\ncorrelation_field = \"Ticket #\"\n"
        ))
        .unwrap()
    }

    fn client(base_url: &str) -> Result<FieldNation, Vec<Problem>> {
        let clock = Arc::new(TokioClock::start());
        FieldNation::new(
            &settings(base_url),
            &Secrets::default(),
            clock,
            Path::new("fieldbridge.toml"),
        )
    }

    #[tokio::test]
    async fn the_address_may_carry_the_api_path() {
        for base in [
            "https://api.fieldnation.com",
            "https://api.fieldnation.com/",
            "https://api.fieldnation.com/api/rest/v2",
        ] {
            let client = client(base).unwrap();
            assert_eq!(
                client.session.rest("/workorders"),
                "https://api.fieldnation.com/api/rest/v2/workorders"
            );
            assert_eq!(
                client.work_order_url(WorkOrderId(5)).unwrap(),
                "https://app.fieldnation.com/workorders/5"
            );
        }
    }

    #[tokio::test]
    async fn wrong_settings_are_told_all_at_once() {
        let mut settings = settings("fieldnation");
        settings.client_id.clear();
        settings.password = SecretReference::Stored {
            secret: "missing".to_owned(),
        };
        let clock = Arc::new(TokioClock::start());
        let problems = FieldNation::new(
            &settings,
            &Secrets::default(),
            clock,
            Path::new("fieldbridge.toml"),
        )
        .unwrap_err();
        assert_eq!(problems.len(), 3, "{problems:?}");
    }

    #[tokio::test]
    async fn the_marker_is_read_from_the_named_field() {
        let client = client("http://127.0.0.1:1").unwrap();
        let order = json!({"custom_fields": {
            "internal": {"id": 1, "name": "Other", "value": "cw-main:1"},
            "results": [{"results": [{"id": 2, "name": "Ticket #", "value": "cw-main:69"}]}],
        }});
        assert_eq!(client.marker_of(&order).unwrap().as_str(), "cw-main:69");
        let order =
            json!({"custom_fields": {"internal": {"id": 1, "name": "ticket #", "value": "fd:7"}}});
        assert_eq!(client.marker_of(&order).unwrap().as_str(), "fd:7");
        assert_eq!(client.marker_of(&json!({})), None);
    }

    #[test]
    fn a_token_with_claims_names_its_user() {
        let claims = URL_SAFE_NO_PAD.encode(r#"{"user_id":1068}"#);
        assert_eq!(user_in_token(&format!("e30.{claims}.sig")), Some(1068));
        assert_eq!(user_in_token("fake-opaque-token"), None);
    }
}
