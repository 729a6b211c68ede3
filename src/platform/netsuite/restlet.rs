//! What goes through the RESTlet that the customer deploys: messages and files, which REST does not reach.
//!
//! The contract is ours, in the shape that integrations of NetSuite use: `{"action", "type", "id", …}` there, and
//! `{"header": {"status"}, "body"}` back. A script that fails by itself answers 200 with the status ERROR; one that NetSuite
//! stops answers 400. Its source is shipped as `docs/platforms/netsuite/fieldbridge_restlet.js`.

use serde_json::{Map, Value, json};

use super::NetSuite;
use super::api::Ask;
use super::failure::{self, Meaning};
use super::right::Right;
use super::settings::Script;
use crate::http::Call;
use crate::model::{Category, Failure};
use crate::platform::basics::{is_true, text_at};

/// The version of the contract that this adapter speaks.
const VERSION: u64 = 1;

/// The largest text that NetSuite lets a RESTlet take or give, in bytes.
const LARGEST_TEXT: usize = 10 * 1024 * 1024;

/// The largest file that fits into such a text as base64, with room for the rest of the call.
pub(super) const LARGEST_FILE: usize = (LARGEST_TEXT - 64 * 1024) / 4 * 3;

/// What a deployed RESTlet says of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Ping {
    /// Whether it has a folder to store files in.
    pub(super) stores_files: bool,
}

impl NetSuite {
    /// Asks the RESTlet whether it is there and speaks our contract.
    pub(super) async fn ping(&self, call: &Call, script: &Script) -> Result<Ping, Failure> {
        let body = self
            .run(call, script, "ping", "call the RESTlet", Map::new())
            .await?;
        let version = body.get("version").and_then(Value::as_u64);
        if version != Some(VERSION) {
            let shown = version.map_or_else(|| "none".to_owned(), |version| version.to_string());
            return Err(Failure::new(
                Category::Configuration,
                format!("the RESTlet speaks version {shown} of the contract, this connector version {VERSION}"),
            )
            .hint("Deploy the fieldbridge_restlet.js that came with this version of Fieldbridge."));
        }
        Ok(Ping {
            stores_files: is_true(&body, "storesFiles"),
        })
    }

    /// Runs one of the RESTlet's actions on a record of ours.
    pub(super) async fn act(
        &self,
        call: &Call,
        script: &Script,
        action: &str,
        record: &str,
        deed: &str,
        more: Value,
    ) -> Result<Value, Failure> {
        let mut members = Map::from_iter([("id".to_owned(), json!(record))]);
        if let Value::Object(more) = more {
            members.extend(more);
        }
        self.run(call, script, action, deed, members).await
    }

    async fn run(
        &self,
        call: &Call,
        script: &Script,
        action: &str,
        deed: &str,
        mut members: Map<String, Value>,
    ) -> Result<Value, Failure> {
        members.insert("action".to_owned(), action.into());
        // SuiteScript writes record types in lower case.
        let record_type = self.settings.record_type.to_ascii_lowercase();
        members.insert("type".to_owned(), record_type.into());
        let ask = Ask::script(script, deed).json(Value::Object(members));
        match self.api.json(call, &ask).await {
            Ok(answer) => unwrap(answer, deed),
            Err(failure) if failure.category == Category::Authentication => {
                Err(self.whose_refusal(call, failure).await)
            }
            Err(failure) => Err(failure),
        }
    }

    /// A role that is marked "Web Services Only" logs in to REST and never to a RESTlet: that must not pause the connector.
    async fn whose_refusal(&self, call: &Call, failure: Failure) -> Failure {
        let ask = Ask::get("/system/v1/serverTime", Right::LogIn, "tell the time");
        match self.api.send(call, &ask).await {
            Ok(_) => Failure {
                category: Category::Configuration,
                ..failure
            }
            .hint(Right::Script.hint()),
            Err(_) => failure,
        }
    }
}

/// What stands in the envelope.
fn unwrap(mut answer: Value, deed: &str) -> Result<Value, Failure> {
    let status = text_at(&answer, &["header", "status"]).map(str::to_ascii_uppercase);
    match status.as_deref() {
        Some("SUCCESS") => Ok(answer.get_mut("body").map(Value::take).unwrap_or_default()),
        Some("ERROR") => Err(refused(&answer, deed)),
        _ => Err(Failure::new(
            Category::Configuration,
            format!("NetSuite was asked to {deed}, and the script answered in another way than ours"),
        )
        .hint("Check that restlet_script and restlet_deployment name the deployment of fieldbridge_restlet.js.")
        .effect_unknown()),
    }
}

fn refused(answer: &Value, deed: &str) -> Failure {
    let text = |name: &str| text_at(answer, &["body", name]).unwrap_or_default();
    let code = text("errorCode");
    let said: String = match text("errorMessage") {
        "" => code.to_owned(),
        message => message.chars().take(400).collect(),
    };
    if let Some(meaning) = failure::meaning_of(code) {
        let right = match meaning {
            Meaning::Right if code == "INSUFFICIENT_PERMISSION" => Right::Files,
            _ => Right::Script,
        };
        return failure::told(meaning, right, deed, &said);
    }
    let failure = |category| Failure::new(category, format!("NetSuite refused to {deed}: {said}"));
    match code {
        "FB_NO_FOLDER" => failure(Category::Configuration).hint(
            "Set the parameter \"Fieldbridge folder\" of the RESTlet's deployment to the internal id of a folder in the File Cabinet.",
        ),
        "FB_UNKNOWN_ACTION" => failure(Category::Configuration)
            .hint("Deploy the fieldbridge_restlet.js that came with this version of Fieldbridge."),
        "FB_TOO_LARGE" => failure(Category::Validation)
            .hint("NetSuite gives a RESTlet texts of 10 MB at most; leave the file in NetSuite."),
        "UNEXPECTED_ERROR" => failure(Category::Server).effect_unknown(),
        _ => failure(Category::Validation)
            .hint("The script's log in NetSuite (Customization › Scripting › Script Execution Logs) tells more."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Effect;

    #[test]
    fn an_envelope_is_opened() {
        let good = json!({"header": {"status": "SUCCESS"}, "body": {"id": "7"}});
        assert_eq!(unwrap(good, "try it").unwrap(), json!({"id": "7"}));
        let error = |code: &str| {
            let answer = json!({"header": {"status": "ERROR"}, "body": {"errorCode": code, "errorMessage": "m"}});
            unwrap(answer, "try it").unwrap_err()
        };
        for (code, category) in [
            ("FB_NO_FOLDER", Category::Configuration),
            ("FB_NOT_FOUND", Category::Validation),
            ("FB_TOO_LARGE", Category::Validation),
            ("INSUFFICIENT_PERMISSION", Category::Configuration),
            ("RCRD_HAS_BEEN_CHANGED", Category::Server),
            ("SSS_USAGE_LIMIT_EXCEEDED", Category::Server),
            ("UNEXPECTED_ERROR", Category::Server),
            ("SOMETHING_ELSE", Category::Validation),
        ] {
            assert_eq!(error(code).category, category, "{code}");
        }
        assert_eq!(error("RCRD_HAS_BEEN_CHANGED").effect, Effect::None);
        assert_eq!(error("SSS_USAGE_LIMIT_EXCEEDED").effect, Effect::Unknown);
    }

    #[test]
    fn another_script_is_noticed() {
        for answer in [
            json!({"ok": true}),
            json!(null),
            json!("x"),
            json!({"header": {"status": "MAYBE"}}),
        ] {
            let failure = unwrap(answer, "try it").unwrap_err();
            assert_eq!(failure.category, Category::Configuration);
        }
    }
}
