//! Files of a ticket, which `ConnectWise` calls documents. They are uploaded as real multipart, and always private.

use http::Method;
use http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use serde_json::Value;

use super::error::Right;
use super::session::{Ask, Session, created_id};
use crate::http::{Body, Call, Part, Response};
use crate::model::{Category, Failure, FileContent, FileReference};
use crate::platform::basics::{id_text, is_true, text_at};

/// Lists the files of a ticket; links are left out, for they have no bytes.
pub(super) async fn list(
    session: &Session,
    call: &Call,
    ticket: u64,
) -> Result<Vec<FileReference>, Failure> {
    let ask = Ask::get(
        "system/documents",
        Right::ReadDocuments,
        format!("list the documents of ticket {ticket}"),
    )
    .query("recordType", "Ticket")
    .query("recordId", ticket);
    let documents = session.list(call, &ask).await?;
    Ok(documents
        .iter()
        .filter_map(|document| reference(session, document))
        .collect())
}

fn reference(session: &Session, document: &Value) -> Option<FileReference> {
    if is_true(document, "linkFlag") || is_true(document, "urlFlag") {
        return None;
    }
    let name = text_at(document, &["fileName"]).or_else(|| text_at(document, &["title"]))?;
    Some(FileReference {
        id: document.get("id").and_then(id_text)?,
        name: name.to_owned(),
        media_type: None,
        size: document
            .get("size")
            .and_then(Value::as_u64)
            .filter(|size| *size > 0),
        url: None,
        by_us: session.is_us(text_at(document, &["owner"]))
            || session.is_us(text_at(document, &["_info", "updatedBy"])),
    })
}

/// Reads a file's bytes.
pub(super) async fn download(
    session: &Session,
    call: &Call,
    file: &FileReference,
) -> Result<FileContent, Failure> {
    let number: u64 = file.id.parse().map_err(|_| {
        Failure::new(
            Category::Validation,
            format!("`{}` is no number of a ConnectWise document", file.id),
        )
    })?;
    let path = format!("system/documents/{number}/download");
    let ask = Ask::get(
        path,
        Right::ReadDocuments,
        format!("download document {number} ({})", file.name),
    );
    let response = session.send(call, &ask).await?;
    let media_type = response
        .header(CONTENT_TYPE.as_str())
        .and_then(|text| text.split(';').next());
    Ok(FileContent {
        name: named(&response).unwrap_or_else(|| file.name.clone()),
        media_type: media_type
            .or(file.media_type.as_deref())
            .unwrap_or("application/octet-stream")
            .trim()
            .to_owned(),
        bytes: response.body,
    })
}

/// The name in `Content-Disposition`, with or without quotation marks, and without any path.
fn named(response: &Response) -> Option<String> {
    let header = response.header(CONTENT_DISPOSITION.as_str())?;
    let (_, name) = header.split_once("filename=")?;
    let name = match name.strip_prefix('"') {
        Some(quoted) => quoted.split('"').next()?,
        None => name.split(';').next()?,
    };
    let name = name.rsplit(['/', '\\']).next()?.trim();
    (!name.is_empty()).then(|| name.to_owned())
}

/// Uploads a file as a private document of a ticket and answers its id.
pub(super) async fn attach(
    session: &Session,
    call: &Call,
    ticket: u64,
    file: &FileContent,
) -> Result<String, Failure> {
    let text = |name: &str, value: String| Part::Text {
        name: name.to_owned(),
        value,
    };
    let what = format!("attach `{}` to ticket {ticket}", file.name);
    let ask = Ask::new(
        Method::POST,
        "system/documents",
        Right::AddDocuments,
        what.as_str(),
    )
    .body(Body::Multipart(vec![
        text("recordType", "Ticket".to_owned()),
        text("recordId", ticket.to_string()),
        text("title", file.name.clone()),
        text("privateFlag", "true".to_owned()),
        text("readOnlyFlag", "false".to_owned()),
        Part::File {
            name: "file".to_owned(),
            file_name: file.name.clone(),
            media_type: file.media_type.clone(),
            bytes: file.bytes.clone(),
        },
    ]));
    let answer = session.json(call, &ask).await?;
    created_id(&answer, &what)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_with_and_without_quotation_marks() {
        for (header, name) in [
            (
                "attachment; filename=\"floor plan.pdf\"",
                Some("floor plan.pdf"),
            ),
            ("attachment; filename=plan.pdf; size=3", Some("plan.pdf")),
            ("attachment; filename=\"../../etc/passwd\"", Some("passwd")),
            ("attachment; filename=\"\"", None),
            ("inline", None),
        ] {
            let response = Response {
                status: http::StatusCode::OK,
                headers: http::HeaderMap::from_iter([(
                    CONTENT_DISPOSITION,
                    header.parse().unwrap(),
                )]),
                body: bytes::Bytes::new(),
            };
            assert_eq!(named(&response).as_deref(), name, "{header}");
        }
    }
}
