//! Files: Salesforce Files, kept in versions and linked to records.
//!
//! The vendor's rules: a version given `FirstPublishLocationId` is linked to that record at once; as base64 in JSON it may
//! have 37.5 MB of base64, beyond that it goes as multipart, up to 2 GB; links can only be listed by what they link.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::{BufMut, Bytes, BytesMut};
use http::Method;
use serde_json::{Value, json};

use super::ask::{Ask, Right};
use super::{Salesforce, ids, soql};
use crate::http::{Body, Call};
use crate::model::{Category, Failure, FileContent, FileReference, RecordId};
use crate::platform::basics::{at, text_at};

/// The most bytes whose base64 still fits into JSON: 37.5 MB of base64.
const MOST_IN_JSON: usize = 28 * 1_000_000;

/// The most bytes of one file.
const MOST: u64 = 2 * 1024 * 1024 * 1024;

/// The longest title that a file may have.
const LONGEST_TITLE: usize = 255;

impl Salesforce {
    /// The files linked to a record, each by its latest version.
    pub(super) async fn list_files(
        &self,
        call: &Call,
        key: &str,
    ) -> Result<Vec<FileReference>, Failure> {
        let query = format!(
            "SELECT ContentDocument.LatestPublishedVersionId,ContentDocument.Title,ContentDocument.FileExtension,ContentDocument.ContentSize,ContentDocument.CreatedById FROM ContentDocumentLink WHERE LinkedEntityId = {}",
            soql::text(key)
        );
        let deed = format!("list the files of {key}");
        let rows = self
            .session
            .rows(call, &query, Right::read("ContentDocumentLink"), &deed)
            .await?;
        let signed = self.session.signed(call).await?;
        let us = signed.login.user.as_deref();
        let documents = rows.iter().filter_map(|row| at(row, &["ContentDocument"]));
        Ok(documents
            .filter_map(|document| reference(document, us))
            .collect())
    }

    /// Reads a file's bytes.
    pub(super) async fn download_file(
        &self,
        call: &Call,
        file: &FileReference,
    ) -> Result<FileContent, Failure> {
        let version = ids::checked(&RecordId::new(file.id.clone()))?;
        let ask = Ask::get(
            self.session
                .path(&format!("sobjects/ContentVersion/{version}/VersionData")),
            Right::read("ContentVersion"),
            format!("read the file {}", file.name),
        );
        let response = self.session.send(call, &ask).await?;
        Ok(FileContent {
            name: file.name.clone(),
            // The vendor serves every file as a stream of bytes.
            media_type: file
                .media_type
                .clone()
                .unwrap_or_else(|| "application/octet-stream".to_owned()),
            bytes: Bytes::clone(&response.body),
        })
    }

    /// Attaches a file; answers the version's id.
    pub(super) async fn attach_file(
        &self,
        call: &Call,
        record: &RecordId,
        file: &FileContent,
    ) -> Result<Option<String>, Failure> {
        let key = ids::checked(record)?;
        if file.bytes.is_empty() {
            return Err(Failure::new(
                Category::Validation,
                format!(
                    "the file {} is empty, and Salesforce takes no empty files",
                    file.name
                ),
            ));
        }
        if file.bytes.len() as u64 > MOST {
            return Err(Failure::new(
                Category::Validation,
                format!(
                    "the file {} has more than 2 GB, the most Salesforce takes",
                    file.name
                ),
            )
            .hint("Leave it in Field Nation."));
        }
        let name = file_name(&file.name);
        let version = json!({"Title": name, "PathOnClient": name, "FirstPublishLocationId": key});
        let ask = Ask::new(
            Method::POST,
            self.session.path("sobjects/ContentVersion"),
            Right::create("ContentVersion"),
            format!("attach {name} to {key}"),
        );
        let ask = if file.bytes.len() <= MOST_IN_JSON {
            let mut version = version;
            if let Some(members) = version.as_object_mut() {
                members.insert(
                    "VersionData".to_owned(),
                    STANDARD.encode(&file.bytes).into(),
                );
            }
            ask.json(version)
        } else {
            ask.body(multipart(&version, &name, &file.media_type, &file.bytes))
        };
        let answer = self.session.json(call, &ask).await?;
        Ok(text_at(&answer, &["id"]).map(str::to_owned))
    }
}

/// The two parts, in the vendor's order: the members as JSON, then the bytes.
fn multipart(version: &Value, name: &str, media_type: &str, bytes: &Bytes) -> Body {
    let boundary = format!("fieldbridge-{}", uuid::Uuid::now_v7().simple());
    let media_type = if is_header_text(media_type) {
        media_type
    } else {
        "application/octet-stream"
    };
    let head = format!(
        "--{boundary}\r\nContent-Disposition: form-data; name=\"entity_content\"\r\nContent-Type: application/json\r\n\r\n{version}\r\n\
         --{boundary}\r\nContent-Disposition: form-data; name=\"VersionData\"; filename=\"{}\"\r\nContent-Type: {media_type}\r\n\r\n",
        name.replace(['"', '\\'], "_")
    );
    let tail = format!("\r\n--{boundary}--\r\n");
    let mut body = BytesMut::with_capacity(head.len() + bytes.len() + tail.len());
    body.put_slice(head.as_bytes());
    body.put_slice(bytes);
    body.put_slice(tail.as_bytes());
    Body::Bytes(
        format!("multipart/form-data; boundary={boundary}"),
        body.freeze(),
    )
}

fn is_header_text(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| (0x20..0x7f).contains(&byte))
}

/// A name without folders and line ends, short enough for a title, its ending kept.
fn file_name(name: &str) -> String {
    let name = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let name: String = name
        .chars()
        .filter(|character| !character.is_control())
        .collect();
    let name = name.trim();
    if name.is_empty() {
        return "file".to_owned();
    }
    if name.chars().count() <= LONGEST_TITLE {
        return name.to_owned();
    }
    let ending = name
        .rsplit_once('.')
        .map(|(_, ending)| ending)
        .filter(|ending| ending.len() <= 10);
    let ending = ending
        .map(|ending| format!(".{ending}"))
        .unwrap_or_default();
    let kept: String = name
        .chars()
        .take(LONGEST_TITLE - ending.chars().count())
        .collect();
    format!("{kept}{ending}")
}

fn reference(document: &Value, us: Option<&str>) -> Option<FileReference> {
    let title = text_at(document, &["Title"]).unwrap_or("file");
    let ending = text_at(document, &["FileExtension"]);
    let has_ending = |ending: &str| {
        let tail = format!(".{ending}").to_ascii_lowercase();
        title.to_ascii_lowercase().ends_with(&tail)
    };
    // A title typed by a person has no ending, one given by a program often has.
    let name = match ending {
        Some(ending) if !has_ending(ending) => format!("{title}.{ending}"),
        _ => title.to_owned(),
    };
    let author = text_at(document, &["CreatedById"]);
    Some(FileReference {
        id: text_at(document, &["LatestPublishedVersionId"])?.to_owned(),
        name,
        media_type: ending.and_then(media_type).map(str::to_owned),
        size: document.get("ContentSize").and_then(Value::as_u64),
        url: None,
        by_us: author
            .zip(us)
            .is_some_and(|(author, us)| ids::same(author, us)),
    })
}

/// The media types of what technicians and customers send.
fn media_type(ending: &str) -> Option<&'static str> {
    Some(match ending.to_ascii_lowercase().as_str() {
        "pdf" => "application/pdf",
        "png" => "image/png",
        "jpg" | "jpeg" => "image/jpeg",
        "gif" => "image/gif",
        "heic" => "image/heic",
        "webp" => "image/webp",
        "txt" | "log" => "text/plain",
        "csv" => "text/csv",
        "zip" => "application/zip",
        "doc" => "application/msword",
        "docx" => "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        "xls" => "application/vnd.ms-excel",
        "xlsx" => "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        "mp4" => "video/mp4",
        "mov" => "video/quicktime",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_has_one_ending() {
        let named = |title: &str, ending: Value| {
            let document = json!({"LatestPublishedVersionId": "068000000000001AAA", "Title": title, "FileExtension": ending});
            reference(&document, None).unwrap().name
        };
        assert_eq!(named("photo", json!("jpg")), "photo.jpg");
        assert_eq!(named("photo.JPG", json!("jpg")), "photo.JPG");
        assert_eq!(named("README", Value::Null), "README");
    }

    #[test]
    fn names_are_made_fit() {
        assert_eq!(file_name("C:\\x\\photo\r\n.png"), "photo.png");
        assert_eq!(file_name(" / "), "file");
        let long = file_name(&format!("{}.pdf", "x".repeat(400)));
        assert!(long.chars().count() == 255 && long.rsplit('.').next() == Some("pdf"));
    }

    #[test]
    fn the_two_parts_stand_in_the_vendors_order() {
        let Body::Bytes(kind, body) = multipart(
            &json!({"Title": "a"}),
            "a\".bin",
            "x\r\ny",
            &Bytes::from_static(b"\0\x01"),
        ) else {
            panic!()
        };
        let boundary = kind.strip_prefix("multipart/form-data; boundary=").unwrap();
        let text = String::from_utf8_lossy(&body).into_owned();
        assert!(
            text.starts_with(&format!("--{boundary}\r\n"))
                && text.ends_with(&format!("\r\n--{boundary}--\r\n"))
        );
        assert!(text.find("entity_content") < text.find("VersionData"));
        assert!(
            text.contains("filename=\"a_.bin\"")
                && text.contains("application/octet-stream\r\n\r\n\0\u{1}\r\n")
        );
    }
}
