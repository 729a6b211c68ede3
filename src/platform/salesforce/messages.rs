//! Messages on records: case comments, Chatter posts, or an object of the org's own.
//!
//! The vendor's rules: `CaseComment.IsPublished` shows a comment to the customer, `FeedItem.Visibility` does the same by
//! `AllUsers` and `InternalUsers`; a comment takes 4,000 bytes.

use serde_json::{Map, Value, json};

use super::ask::{Ask, Right};
use super::read::moment;
use super::session::Freshness;
use super::settings::Audience;
use super::{Salesforce, soql};
use crate::http::Call;
use crate::model::{Category, Failure, Note, NoteVisibility};
use crate::platform::basics::text_at;

/// What a message may have where its object does not say.
const LONGEST: usize = 4_000;

impl Salesforce {
    /// A record's messages, oldest first.
    pub(super) async fn read_messages(&self, call: &Call, key: &str) -> Result<Vec<Note>, Failure> {
        let messages = &self.settings.messages;
        let audience = match &messages.audience {
            Audience::Checkbox(field) => field,
            Audience::Visibility => "Visibility",
        };
        let query = format!(
            "SELECT Id,{},{audience},CreatedDate,CreatedById,CreatedBy.Name FROM {} WHERE {} = {} ORDER BY CreatedDate,Id",
            messages.body,
            messages.object,
            messages.parent,
            soql::text(key)
        );
        let right = Right::read(&messages.object);
        let deed = format!("list the {} of {key}", messages.object);
        let rows = self.session.rows(call, &query, right, &deed).await?;
        let signed = self.session.signed(call).await?;
        let us = signed.login.user.as_deref();
        Ok(rows.iter().filter_map(|row| self.note(row, us)).collect())
    }

    fn note(&self, row: &Value, us: Option<&str>) -> Option<Note> {
        let messages = &self.settings.messages;
        let is_public = match &messages.audience {
            Audience::Checkbox(field) => row.get(field) == Some(&Value::Bool(true)),
            Audience::Visibility => text_at(row, &["Visibility"]) == Some("AllUsers"),
        };
        let author = text_at(row, &["CreatedById"]);
        Some(Note {
            id: text_at(row, &["Id"])?.to_owned(),
            // A feed tells of tracked changes too, and those have no text.
            text: text_at(row, &[&messages.body])?.to_owned(),
            visibility: if is_public {
                NoteVisibility::Public
            } else {
                NoteVisibility::Internal
            },
            author: text_at(row, &["CreatedBy", "Name"]).map(str::to_owned),
            created_at: text_at(row, &["CreatedDate"]).and_then(moment),
            by_us: author
                .zip(us)
                .is_some_and(|(author, us)| super::ids::same(author, us)),
        })
    }

    /// Adds a message; answers its id.
    pub(super) async fn write_message(
        &self,
        call: &Call,
        key: &str,
        text: &str,
        visibility: NoteVisibility,
    ) -> Result<Option<String>, Failure> {
        let messages = &self.settings.messages;
        let text = text.trim();
        if text.is_empty() {
            return Err(Failure::new(
                Category::Validation,
                format!("the message for {key} has no text"),
            ));
        }
        let longest = self.longest_message(call).await?;
        let fitted = cut(text, longest);
        if fitted != text
            && let Some(id) = self.find_message(call, key, &fitted, visibility).await?
        {
            // Who compares by the whole text does not find what was cut.
            return Ok(Some(id));
        }
        let is_public = visibility == NoteVisibility::Public;
        let mut body = Map::new();
        body.insert(messages.parent.clone(), key.into());
        body.insert(messages.body.clone(), fitted.into());
        match &messages.audience {
            Audience::Checkbox(field) => body.insert(field.clone(), is_public.into()),
            Audience::Visibility => {
                let word = if is_public {
                    "AllUsers"
                } else {
                    "InternalUsers"
                };
                body.insert("Visibility".to_owned(), word.into())
            }
        };
        let ask = Ask::new(
            http::Method::POST,
            self.session.path(&format!("sobjects/{}", messages.object)),
            Right::create(&messages.object),
            format!("add a {} to {key}", messages.object),
        );
        let answer = self.session.json(call, &ask.json(json!(body))).await?;
        Ok(text_at(&answer, &["id"]).map(str::to_owned))
    }

    /// Adds a message unless the same stands there already: a repeated update must not repeat it.
    pub(super) async fn put_message(
        &self,
        call: &Call,
        key: &str,
        text: &str,
        visibility: NoteVisibility,
    ) -> Result<(), Failure> {
        let longest = self.longest_message(call).await?;
        let fitted = cut(text.trim(), longest);
        if self
            .find_message(call, key, &fitted, visibility)
            .await?
            .is_some()
        {
            return Ok(());
        }
        self.write_message(call, key, text, visibility)
            .await
            .map(drop)
    }

    async fn find_message(
        &self,
        call: &Call,
        key: &str,
        text: &str,
        visibility: NoteVisibility,
    ) -> Result<Option<String>, Failure> {
        let wanted = squeezed(text);
        let there = self.read_messages(call, key).await?;
        let same = there.into_iter().find(|note| {
            note.by_us && note.visibility == visibility && squeezed(&note.text) == wanted
        });
        Ok(same.map(|note| note.id))
    }

    async fn longest_message(&self, call: &Call) -> Result<usize, Failure> {
        let messages = &self.settings.messages;
        let describe = self
            .session
            .describe(call, &messages.object, Freshness::Recent)
            .await?;
        let length = describe
            .field(&messages.body)
            .map_or(0, |field| field.length);
        Ok(if length == 0 { LONGEST } else { length })
    }
}

/// A text of at most so many bytes; where it was cut, it says so.
pub(super) fn cut(text: &str, longest: usize) -> String {
    const SIGN: &str = "… (cut)";
    if text.len() <= longest {
        return text.to_owned();
    }
    let mut end = longest.saturating_sub(SIGN.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    format!("{}{SIGN}", text.get(..end).unwrap_or_default().trim_end())
}

/// A text without regard to how its white space was kept.
fn squeezed(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_text_is_cut_between_characters_and_says_so() {
        assert_eq!(cut("short", 10), "short");
        let long = "é".repeat(3_000);
        let cut = cut(&long, 4_000);
        assert!(
            cut.len() <= 4_000 && cut.ends_with("(cut)"),
            "{}",
            cut.len()
        );
    }
}
