//! Attachments: of a row and of its comments, up to 30 MB each.

use bytes::Bytes;
use http::Method;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;
use url::Url;

use super::Smartsheet;
use super::api::Ask;
use super::failure::Right;
use super::ids::RowPlace;
use super::notes::PAGE;
use super::session::Me;
use crate::http::{Body, Call, Request, Response, classify};
use crate::model::{Category, Failure, FileContent, FileReference, RecordId};
use crate::platform::basics::{digits, file_name, id, media_type, text_at};

/// "The max file size for uploads through the API is limited to 30mb."
pub(super) const MOST_BYTES: usize = 30 * 1024 * 1024;

/// The file's name stands URL-encoded in `Content-Disposition`.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'~');

impl Smartsheet {
    /// Lists the files of a row and of its comments. Links to other storages have no bytes and are left out.
    pub(super) async fn list_files(
        &self,
        call: &Call,
        place: RowPlace,
        me: &Me,
    ) -> Result<Vec<FileReference>, Failure> {
        let path = format!("/sheets/{}/rows/{}/attachments", place.sheet, place.row);
        let deed = format!("list the attachments of row {}", place.row);
        let found = self
            .api
            .list(call, &Ask::get(path, Right::View, deed), PAGE)
            .await?;
        Ok(found
            .iter()
            .filter_map(|file| reference(file, me))
            .collect())
    }

    /// Attaches a file to a row by a simple upload.
    pub(super) async fn attach_file(
        &self,
        call: &Call,
        record: &RecordId,
        file: &FileContent,
    ) -> Result<Option<String>, Failure> {
        let place = RowPlace::on(self.settings.sheet, record)?;
        let name = file_name(&file.name);
        if file.bytes.len() > MOST_BYTES {
            let megabytes = file.bytes.len() / 1_048_576;
            return Err(Failure::new(
                Category::Validation,
                format!("{name} ({megabytes} MB) does not fit on row {}: Smartsheet takes files of at most 30 MB", place.row),
            )
            .hint("Leave the file in Field Nation."));
        }
        let path = format!("/sheets/{}/rows/{}/attachments", place.sheet, place.row);
        let deed = format!("attach {name} to row {}", place.row);
        let encoded = utf8_percent_encode(&name, ENCODED);
        let ask = Ask::new(Method::POST, path, Right::Edit, deed)
            .header(
                "content-disposition",
                format!("attachment; filename=\"{encoded}\""),
            )
            .body(Body::Bytes(
                media_type(&file.media_type),
                file.bytes.clone(),
            ));
        let attachment = self.api.upload(call, &ask).await?;
        Ok(id(&attachment, "id"))
    }

    /// Reads an attachment's bytes: its address is asked for anew each time, for it lives two minutes, and is opened without our
    /// token.
    pub(super) async fn download_file(
        &self,
        call: &Call,
        record: &RecordId,
        file: &FileReference,
    ) -> Result<FileContent, Failure> {
        let place = RowPlace::on(self.settings.sheet, record)?;
        let number = digits(file.id.as_bytes()).ok_or_else(|| {
            Failure::new(
                Category::Validation,
                format!("`{}` is no Smartsheet attachment", file.id),
            )
        })?;
        let path = format!("/sheets/{}/attachments/{number}", place.sheet);
        let ask = Ask::get(
            path,
            Right::View,
            format!("read the attachment {}", file.name),
        );
        let Some(attachment) = self.api.json_if_there(call, &ask).await? else {
            return Err(Failure::new(
                Category::Validation,
                format!(
                    "the file {} is no longer attached to row {}",
                    file.name, place.row
                ),
            )
            .hint("It was removed in Smartsheet; there is nothing to carry over."));
        };
        let link = text_at(&attachment, &["url"]).unwrap_or_default();
        let link = self.allowed(file, link)?;
        let response = self
            .downloads
            .send(call, Request::get(link.as_str()))
            .await?;
        if !response.is_success() {
            return Err(refused(file, &response));
        }
        let named = response.header("content-type").map(str::to_owned);
        let told = file.media_type.as_deref().or(named.as_deref());
        Ok(FileContent {
            name: file.name.clone(),
            media_type: media_type(told.unwrap_or_default()),
            bytes: Bytes::clone(&response.body),
        })
    }

    /// Only https, or the very host that the connector talks to (a sandbox has no https).
    fn allowed(&self, file: &FileReference, link: &str) -> Result<Url, Failure> {
        // The address opens the file to anyone: only its beginning is shown.
        let shown: String = link
            .split('?')
            .next()
            .unwrap_or_default()
            .chars()
            .take(120)
            .collect();
        let root = self.api.root();
        let url = Url::parse(link).ok().filter(|url| {
            let is_ours = url.scheme() == root.scheme()
                && url.host_str() == root.host_str()
                && url.port_or_known_default() == root.port_or_known_default();
            url.scheme() == "https" || is_ours
        });
        url.ok_or_else(|| {
            Failure::new(
                Category::Validation,
                format!(
                    "the file {} stands at `{shown}`, which is not followed",
                    file.name
                ),
            )
            .hint("Only https addresses and the API's own host are followed.")
        })
    }
}

fn refused(file: &FileReference, response: &Response) -> Failure {
    let what = format!("the file {} can't be downloaded", file.name);
    let mut failure = classify(&what, response);
    if failure.category == Category::Authentication {
        // The short-lived address was refused, not our token: that must not pause the connector.
        failure.category = Category::Server;
        failure =
            failure.hint("The address was refused although it was just made; it is tried again.");
    }
    failure
}

/// An attachment that has bytes. Its size is told in whole kilobytes only, too roughly to compare files by.
fn reference(file: &Value, me: &Me) -> Option<FileReference> {
    (text_at(file, &["attachmentType"]) == Some("FILE")).then_some(())?;
    Some(FileReference {
        id: id(file, "id")?,
        name: text_at(file, &["name"]).unwrap_or("file").to_owned(),
        media_type: text_at(file, &["mimeType"]).map(str::to_owned),
        size: None,
        url: None,
        by_us: me.is(file.get("createdBy")),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_files_have_bytes() {
        let me = Me {
            email: "broker@example.com".into(),
            told: String::new(),
        };
        let file = json!({"id": 7, "name": "a.png", "attachmentType": "FILE", "mimeType": "image/png", "sizeInKb": 3,
            "createdBy": {"email": "broker@example.com"}});
        let read = reference(&file, &me).unwrap();
        assert_eq!((read.id.as_str(), read.by_us, read.size), ("7", true, None));
        let link =
            json!({"id": 8, "name": "Search", "attachmentType": "LINK", "url": "http://x.example"});
        assert!(reference(&link, &me).is_none());
    }

    #[test]
    fn a_name_is_encoded_for_its_header() {
        let encoded = utf8_percent_encode("plan v2 (ü).pdf", ENCODED).to_string();
        assert_eq!(encoded, "plan%20v2%20%28%C3%BC%29.pdf");
    }
}
