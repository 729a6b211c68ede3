//! What becomes of a trigger once it is read: the challenge is answered, the signature checked, the rows gathered.

use std::time::Duration;

use http::StatusCode;
use serde_json::{Value, json};
use tracing::{info, warn};

use super::Smartsheet;
use super::api::Ask;
use super::failure::Right;
use super::ids::RowPlace;
use super::session::TalkPlace;
use super::settings::Signing;
use super::signature;
use super::trigger::{self, Callback, Object, Reading};
use crate::http::Call;
use crate::model::{DeliveryKey, Failure, Priority};
use crate::platform::basics::{number, text_at};
use crate::platform::{Answer, DeliveryForm, TriggerReading, TriggerRefusal, TriggerRequest};

/// How long the rows of comments may take to be found while the vendor waits for our answer. What was found is kept, so that
/// the next delivery of the same callback goes on from there.
const PATIENCE: Duration = Duration::from_secs(3);

impl Smartsheet {
    /// Judges a trigger.
    pub(super) async fn judge_trigger(
        &self,
        request: &TriggerRequest,
    ) -> Result<TriggerReading, TriggerRefusal> {
        match trigger::read(request, self.settings.sheet)? {
            Reading::Challenge(value) => Ok(TriggerReading::Answer(challenge_answer(value))),
            Reading::Status { webhook, status } => {
                // Nothing follows from it: the subscription check asks the vendor itself.
                warn!(
                    webhook,
                    status, "Smartsheet says that a webhook changed its state"
                );
                Ok(TriggerReading::Answer(accepted()))
            }
            Reading::Events(callback) => {
                let header = request.headers.get(signature::HEADER);
                let header = header.and_then(|value| value.to_str().ok());
                self.keys
                    .check(&self.api, callback.webhook, header, &request.body)
                    .await?;
                self.gather(&callback).await
            }
            Reading::Rows { places, form } => self.named(&places, form),
        }
    }

    /// Gathers the rows of a callback that is genuine.
    async fn gather(&self, callback: &Callback) -> Result<TriggerReading, TriggerRefusal> {
        if callback.sheet != self.settings.sheet {
            return Ok(TriggerReading::NotOurs {
                why: format!("a callback about sheet {}", callback.sheet),
            });
        }
        if callback.concerns_columns() {
            self.session.forget_columns().await;
        }
        let agent = self.api.agent();
        let all = callback.rows(agent);
        let mut rows: Vec<u64> = all
            .iter()
            .filter(|(_, ours)| !**ours)
            .map(|(row, _)| *row)
            .collect();
        if self.features.messages.inbound() {
            for row in self.rows_of_comments(callback).await? {
                if !rows.contains(&row) {
                    rows.push(row);
                }
            }
        }
        if rows.is_empty() {
            return Ok(TriggerReading::NotOurs {
                why: if all.is_empty() {
                    "no event is about a row".to_owned()
                } else {
                    "our own changes come back".to_owned()
                },
            });
        }
        let sheet = callback.sheet;
        let ids = rows
            .into_iter()
            .map(|row| RowPlace { sheet, row }.record_id());
        let delivery = callback
            .nonce
            .as_ref()
            .map(|nonce| format!("{}:{nonce}", callback.webhook));
        Ok(TriggerReading::Records {
            ids: ids.collect(),
            delivery: delivery.map(DeliveryKey::new),
            form: DeliveryForm::Json,
            answer: Some(accepted()),
        })
    }

    /// The rows of comments whose events do not name them.
    async fn rows_of_comments(&self, callback: &Callback) -> Result<Vec<u64>, TriggerRefusal> {
        let mut rows = Vec::new();
        let looked = async {
            let call = Call::new(Priority::Live);
            for (object, id) in callback.homeless(self.api.agent()) {
                match self.place_of(&call, object, id).await {
                    Ok(TalkPlace::Row(row)) => rows.push(row),
                    Ok(TalkPlace::Elsewhere) => {}
                    Err(failure) if failure.category.is_passing() => return Err(failure.cause),
                    // To refuse the callback would only make the vendor switch the webhook off in the end.
                    Err(failure) => {
                        warn!(id, %failure, "the row of a Smartsheet comment can't be learned; the comment comes with the row's next change");
                    }
                }
            }
            Ok(())
        };
        match tokio::time::timeout(PATIENCE, looked).await {
            Ok(Ok(())) => Ok(rows),
            Ok(Err(why)) => Err(TriggerRefusal::NotNow(why)),
            Err(_) => Err(TriggerRefusal::NotNow(
                "Smartsheet did not say in time on which rows comments were made".to_owned(),
            )),
        }
    }

    /// Where a comment or discussion is.
    async fn place_of(&self, call: &Call, object: Object, id: u64) -> Result<TalkPlace, Failure> {
        if let Some(place) = self.session.place_of(id) {
            return Ok(place);
        }
        let sheet = self.settings.sheet;
        let discussion = if object == Object::Comment {
            let ask = Ask::get(
                format!("/sheets/{sheet}/comments/{id}"),
                Right::View,
                format!("read comment {id}"),
            );
            let comment = self.api.json_if_there(call, &ask).await?;
            comment.and_then(|comment| number(comment.get("discussionId")?))
        } else {
            Some(id)
        };
        let row = match discussion {
            Some(discussion) => {
                let path = format!("/sheets/{sheet}/discussions/{discussion}");
                let ask = Ask::get(path, Right::View, format!("read discussion {discussion}"));
                self.api
                    .json_if_there(call, &ask)
                    .await?
                    .as_ref()
                    .and_then(row_of_discussion)
            }
            None => None,
        };
        let place = row.map_or(TalkPlace::Elsewhere, TalkPlace::Row);
        self.session.remember_place(id, place);
        Ok(place)
    }

    /// Rows that somebody else than Smartsheet names.
    fn named(
        &self,
        places: &[RowPlace],
        form: DeliveryForm,
    ) -> Result<TriggerReading, TriggerRefusal> {
        if self.settings.signing == Signing::Required {
            return Err(TriggerRefusal::Signature(
                "this connector takes Smartsheet's own, signed callbacks only (require_signature)"
                    .to_owned(),
            ));
        }
        let sheet = self.settings.sheet;
        let ours = places.iter().filter(|place| place.sheet == sheet);
        let ids: Vec<_> = ours.map(|place| place.record_id()).collect();
        if ids.is_empty() {
            return Ok(TriggerReading::NotOurs {
                why: format!("the rows are not on sheet {sheet}"),
            });
        }
        info!(
            count = ids.len(),
            "rows were named by another caller than Smartsheet"
        );
        Ok(TriggerReading::Records {
            ids,
            delivery: None,
            form,
            answer: Some(accepted()),
        })
    }
}

fn row_of_discussion(discussion: &Value) -> Option<u64> {
    if text_at(discussion, &["parentType"]) != Some("ROW") {
        return None;
    }
    number(discussion.get("parentId")?)
}

/// The vendor takes a 200 and nothing else; a 202 would switch the webhook off.
fn accepted() -> Answer {
    Answer::json(StatusCode::OK, &json!({"accepted": true}))
}

/// The value goes back both ways that the vendor looks for it.
fn challenge_answer(value: String) -> Answer {
    let mut answer = Answer::json(StatusCode::OK, &json!({"smartsheetHookResponse": value}));
    answer.headers.push(("smartsheet-hook-response", value));
    answer
}
