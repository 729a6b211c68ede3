//! Notes and files.

use std::fmt::Write as _;

use bytes::Bytes;
use http::StatusCode;
use serde_json::{Value, json};
use url::Url;

use super::api::ticket_number;
use super::endpoint::ADD_NOTE;
use super::read::{attachments, reference, size};
use super::{Freshdesk, html, json};
use crate::http::{Body, Call, Part, Request, Response, classify};
use crate::model::{Category, Failure, FileContent, FileReference, Note, NoteVisibility, RecordId};
use crate::platform::basics::{file_name, media_type};

/// All attachments of a ticket together may have so many bytes (vendor's reference, by several SDKs' word).
pub(super) const MOST_ATTACHED: u64 = 20 * 1024 * 1024;

/// A signed link may lead on to the storage behind it; never further than this.
const MOST_HOPS: usize = 3;

impl Freshdesk {
    /// Adds a note. Never a reply: that would mail the customer.
    pub(super) async fn write_note(
        &self,
        call: &Call,
        number: u64,
        note: &Note,
    ) -> Result<Option<String>, Failure> {
        if note.text.trim().is_empty() {
            return Err(Failure::new(
                Category::Validation,
                format!("the note for ticket {number} has no text"),
            ));
        }
        let mut body = json!({
            "body": format!("<div>{}</div>", html::from_text(&note.text)),
            "private": note.visibility == NoteVisibility::Internal,
        });
        if let (Some(author), Some(body)) = (self.settings.note_author, body.as_object_mut()) {
            body.insert("user_id".to_owned(), author.into());
        }
        let deed = format!("add a note to ticket {number}");
        let request = self.api.request_for(&ADD_NOTE, number).json(body);
        let conversation = self.api.json(call, &ADD_NOTE, &deed, request).await?;
        Ok(json::id(&conversation, "id"))
    }

    /// Attaches a file by a private note that says where it comes from.
    pub(super) async fn attach_file(
        &self,
        call: &Call,
        record: &RecordId,
        file: &FileContent,
    ) -> Result<Option<String>, Failure> {
        let number = ticket_number(record)?;
        let length = file.bytes.len() as u64;
        if length > MOST_ATTACHED {
            return Err(too_large(number, file, length, 0));
        }
        let attached = self.attached_bytes(call, number).await?;
        if attached + length > MOST_ATTACHED {
            return Err(too_large(number, file, length, attached));
        }
        let name = file_name(&file.name);
        let text = |name: &str, value: String| Part::Text {
            name: name.to_owned(),
            value,
        };
        let mut parts = vec![
            text(
                "body",
                format!(
                    "<div>File from Field Nation: {}</div>",
                    html::from_text(&name)
                ),
            ),
            text("private", "true".to_owned()),
        ];
        if let Some(author) = self.settings.note_author {
            parts.push(text("user_id", author.to_string()));
        }
        parts.push(Part::File {
            name: "attachments[]".to_owned(),
            file_name: name.clone(),
            media_type: media_type(&file.media_type),
            bytes: file.bytes.clone(),
        });
        let deed = format!("attach {name} to ticket {number}");
        let request = self
            .api
            .request_for(&ADD_NOTE, number)
            .body(Body::Multipart(parts));
        let conversation = self.api.json(call, &ADD_NOTE, &deed, request).await?;
        Ok(attachments(&conversation).find_map(|file| json::id(file, "id")))
    }

    async fn attached_bytes(&self, call: &Call, number: u64) -> Result<u64, Failure> {
        let Some(ticket) = self.read_bare(call, number).await? else {
            return Err(gone(number));
        };
        let ticket = Value::Object(ticket);
        let conversations = self.read_conversations(call, number).await?;
        let owners = std::iter::once(&ticket).chain(&conversations);
        Ok(owners.flat_map(attachments).filter_map(size).sum())
    }

    /// Reads an attachment's bytes by its signed link, which must never see our credential. A link that has
    /// run out is asked for anew, once.
    pub(super) async fn download_file(
        &self,
        call: &Call,
        record: &RecordId,
        file: &FileReference,
    ) -> Result<FileContent, Failure> {
        let number = ticket_number(record)?;
        let mut response = None;
        if let Some(link) = &file.url {
            let answer = self.follow(call, file, link).await?;
            if answer.is_success() {
                response = Some(answer);
            } else if !has_run_out(answer.status) {
                return Err(refused_download(file, &answer));
            }
        }
        let response = if let Some(response) = response {
            response
        } else {
            let link = self.fresh_link(call, number, file).await?;
            let answer = self.follow(call, file, &link).await?;
            if !answer.is_success() {
                return Err(refused_download(file, &answer));
            }
            answer
        };
        let named = response.header("content-type").map(str::to_owned);
        Ok(FileContent {
            name: file.name.clone(),
            media_type: media_type(
                file.media_type
                    .as_deref()
                    .or(named.as_deref())
                    .unwrap_or_default(),
            ),
            bytes: Bytes::clone(&response.body),
        })
    }

    async fn fresh_link(
        &self,
        call: &Call,
        number: u64,
        file: &FileReference,
    ) -> Result<String, Failure> {
        let Some(ticket) = self.read_bare(call, number).await? else {
            return Err(gone(number));
        };
        let ticket = Value::Object(ticket);
        let linked = |owner: &Value| {
            attachments(owner)
                .filter_map(|file| reference(file, false))
                .find(|candidate| candidate.id == file.id)
                .and_then(|candidate| candidate.url)
        };
        if let Some(link) = linked(&ticket) {
            return Ok(link);
        }
        let conversations = self.read_conversations(call, number).await?;
        conversations.iter().find_map(linked).ok_or_else(|| {
            Failure::new(
                Category::Validation,
                format!(
                    "the file {} is no longer attached to ticket {number}",
                    file.name
                ),
            )
            .hint("It was removed in Freshdesk; there is nothing to carry over.")
        })
    }

    async fn follow(
        &self,
        call: &Call,
        file: &FileReference,
        link: &str,
    ) -> Result<Response, Failure> {
        let mut link = self.allowed_link(file, link)?;
        for _ in 0..MOST_HOPS {
            let response = self
                .downloads
                .send(call, Request::get(link.as_str()))
                .await?;
            let Some(next) = response
                .header("location")
                .filter(|_| response.status.is_redirection())
            else {
                return Ok(response);
            };
            let next = link.join(next).map_err(|_| bad_link(file, next))?;
            link = self.allowed_link(file, next.as_str())?;
        }
        Err(bad_link(file, "a chain of redirects"))
    }

    /// Only https, or the very host that the connector talks to (a sandbox has no https).
    fn allowed_link(&self, file: &FileReference, link: &str) -> Result<Url, Failure> {
        let url = Url::parse(link).map_err(|_| bad_link(file, link))?;
        let root = self.api.root();
        let is_ours = url.scheme() == root.scheme()
            && url.host_str() == root.host_str()
            && url.port_or_known_default() == root.port_or_known_default();
        if url.scheme() == "https" || is_ours {
            Ok(url)
        } else {
            Err(bad_link(file, link))
        }
    }
}

/// What storages answer for a link whose time is over.
fn has_run_out(status: StatusCode) -> bool {
    matches!(
        status,
        StatusCode::BAD_REQUEST
            | StatusCode::UNAUTHORIZED
            | StatusCode::FORBIDDEN
            | StatusCode::NOT_FOUND
            | StatusCode::GONE
    )
}

fn refused_download(file: &FileReference, response: &Response) -> Failure {
    let what = format!("the file {} can't be downloaded", file.name);
    let mut failure = classify(&what, response);
    if failure.category == Category::Authentication {
        // The link was refused, not our key: that must not pause the connector.
        failure.category = Category::Server;
        failure = failure
            .hint("The signed link was refused although it was just made; it is tried again.");
    }
    failure
}

fn bad_link(file: &FileReference, link: &str) -> Failure {
    // A signed link opens the file to anyone: only its beginning is shown.
    let shown = link.split('?').next().unwrap_or_default();
    let shown: String = shown.chars().take(120).collect();
    Failure::new(
        Category::Validation,
        format!(
            "the file {} stands at {shown}, which is not followed",
            file.name
        ),
    )
    .hint("Only https addresses and the help desk's own host are followed.")
}

fn gone(number: u64) -> Failure {
    Failure::new(
        Category::Validation,
        format!("ticket {number} is not there (deleted, or never was)"),
    )
}

fn too_large(number: u64, file: &FileContent, length: u64, attached: u64) -> Failure {
    let megabytes = |bytes: u64| {
        format!(
            "{}.{}",
            bytes / 1_048_576,
            bytes % 1_048_576 * 10 / 1_048_576
        )
    };
    let mut cause = format!(
        "{} ({} MB) does not fit on ticket {number}: Freshdesk takes 20 MB for a whole ticket",
        file.name,
        megabytes(length)
    );
    if attached > 0 {
        let _ = write!(
            cause,
            ", and {} MB are attached already",
            megabytes(attached)
        );
    }
    Failure::new(Category::Validation, cause)
        .hint("Leave the file in Field Nation, or remove attachments from the ticket.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_does_not_fit_is_told_with_numbers() {
        let file = FileContent {
            name: "site.zip".into(),
            media_type: String::new(),
            bytes: Bytes::new(),
        };
        let failure = too_large(7, &file, 6 * 1_048_576, 15 * 1_048_576 + 524_288);
        assert_eq!(
            failure.cause,
            "site.zip (6.0 MB) does not fit on ticket 7: Freshdesk takes 20 MB for a whole ticket, and 15.5 MB are attached already"
        );
    }
}
