//! Attachments.
//!
//! The vendor's rules that this follows: a file is sent as the raw body of `POST /attachment/file` with table, record and name in the query
//! and its media type in the header; sizes are told as text; a download answers with `X-Attachment-Metadata`; pictures inside a
//! record's fields are attachments of a table whose name begins with `ZZ_YY` and are nobody's files.

use http::Method;
use serde_json::Value;

use super::ServiceNow;
use super::api::PAGE;
use super::failure::{Deed, Right, is_page, judge};
use super::query::Query;
use super::record::cell;
use super::sys_id::SysId;
use crate::http::{Body, Call, Request};
use crate::model::{Category, Failure, FileContent, FileReference};

impl ServiceNow {
    /// Lists a record's files, oldest first.
    pub(super) async fn list_files(
        &self,
        call: &Call,
        id: &SysId,
        class: &str,
    ) -> Result<Vec<FileReference>, Failure> {
        let query = Query::is("table_sys_id", id.as_str())?.by("sys_created_on");
        let deed = Deed::new(Right::Attach, format!("list the attachments of {id}"));
        let mut files = Vec::new();
        let mut offset = 0;
        loop {
            let request = self
                .api
                .part(Method::GET, "attachment")
                .query("sysparm_query", query.as_str())
                .query("sysparm_limit", PAGE.to_string())
                .query("sysparm_offset", offset.to_string());
            let page = self.api.page_of(call, &deed, request).await?;
            let own = page.rows.iter().filter(|row| self.is_on(row, id, class));
            files.extend(own.filter_map(|row| self.reference(row)));
            offset += PAGE;
            // A record with thousands of files is none; a list that does not end is a dropped condition.
            if !page.more || offset >= 10 * PAGE {
                return Ok(files);
            }
        }
    }

    /// Whether an attachment's row is a file on this record.
    fn is_on(&self, row: &Value, id: &SysId, class: &str) -> bool {
        let table = cell(row, "table_name");
        cell(row, "table_sys_id") == id.as_str() && (table == self.settings.table || table == class)
    }

    fn reference(&self, row: &Value) -> Option<FileReference> {
        let filled = |name: &str| Some(cell(row, name)).filter(|text| !text.is_empty());
        Some(FileReference {
            id: SysId::parse(&cell(row, "sys_id"))?.as_str().to_owned(),
            name: filled("file_name").unwrap_or_else(|| "file".to_owned()),
            media_type: filled("content_type"),
            size: cell(row, "size_bytes").parse().ok(),
            url: None,
            by_us: self.is_us(&cell(row, "sys_created_by")),
        })
    }

    /// Reads a file's bytes.
    pub(super) async fn read_file(
        &self,
        call: &Call,
        file: &FileReference,
    ) -> Result<FileContent, Failure> {
        let Some(id) = SysId::parse(&file.id) else {
            return Err(Failure::new(
                Category::Validation,
                format!("`{}` is no ServiceNow attachment", file.id),
            ));
        };
        let deed = Deed::new(Right::Attach, format!("give the file {}", file.name));
        // Not `json`: whatever the file is must pass, JSON with a member `error` included.
        let request = self.api.part(Method::GET, &format!("attachment/{id}/file"));
        let response = self.api.answer(call, request).await?;
        let is_file = response.headers.contains_key("x-attachment-metadata");
        let names_page = file
            .media_type
            .as_deref()
            .is_some_and(|kind| kind.contains("html"));
        if !response.is_success() || (!is_file && !names_page && is_page(&response)) {
            return match judge(&deed, &Method::GET, &response, self.api.now()) {
                Err(failure) => Err(failure),
                Ok(_) => Err(Failure::new(
                    Category::Server,
                    format!("ServiceNow did not {}", deed.what),
                )),
            };
        }
        let told = response.header("content-type");
        Ok(FileContent {
            name: file.name.clone(),
            media_type: media_type(file.media_type.as_deref().or(told).unwrap_or_default()),
            bytes: response.body,
        })
    }

    /// Attaches a file, within the instance's limits as the settings tell them.
    pub(super) async fn attach_file(
        &self,
        call: &Call,
        id: &SysId,
        file: &FileContent,
    ) -> Result<Option<String>, Failure> {
        let name = file_name(&file.name);
        self.check_limits(&name, file.bytes.len() as u64)?;
        let table = &self.settings.table;
        let deed = Deed::new(Right::Attach, format!("attach {name} to {table} {id}"));
        let request: Request = self
            .api
            .part(Method::POST, "attachment/file")
            .query("table_name", table.as_str())
            .query("table_sys_id", id.as_str())
            .query("file_name", name)
            .body(Body::Bytes(
                media_type(&file.media_type),
                file.bytes.clone(),
            ));
        let answer = self.api.json(call, &deed, request).await?;
        let attached = answer.get("result").map(|result| cell(result, "sys_id"));
        match attached.as_deref().and_then(SysId::parse) {
            Some(id) => Ok(Some(id.as_str().to_owned())),
            None => Err(Failure::new(
                Category::Server,
                format!(
                    "ServiceNow was asked to {} and did not say that it did",
                    deed.what
                ),
            )
            .effect_unknown()),
        }
    }

    fn check_limits(&self, name: &str, length: u64) -> Result<(), Failure> {
        let largest = self.settings.largest_file;
        if length > largest {
            let megabytes = |bytes: u64| bytes.div_ceil(1024 * 1024);
            return Err(Failure::new(
                Category::Validation,
                format!(
                    "{name} ({} MB) is larger than the instance takes: {} MB",
                    megabytes(length),
                    megabytes(largest)
                ),
            )
            .hint("Leave the file in Field Nation; if the instance's com.glide.attachment.max_size is larger, set attachment_max_mb to it."));
        }
        if length == 0 {
            return Err(
                Failure::new(Category::Validation, format!("{name} is empty"))
                    .hint("There is nothing to carry over."),
            );
        }
        let allowed = &self.settings.extensions;
        let extension = name
            .rsplit_once('.')
            .map(|(_, extension)| extension.to_ascii_lowercase());
        if allowed.is_empty() || extension.is_some_and(|extension| allowed.contains(&extension)) {
            return Ok(());
        }
        Err(Failure::new(
            Category::Validation,
            format!("{name} has none of the extensions that the instance takes: {}", allowed.join(", ")),
        )
        .hint("Leave the file in Field Nation; if the instance's glide.attachment.extensions allows it, add it to attachment_extensions."))
    }
}

/// A file's name without what a path or a query could make of it.
fn file_name(name: &str) -> String {
    let last = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let clean: String = last
        .chars()
        .filter(|character| !character.is_control())
        .take(200)
        .collect();
    if clean.trim_matches(['.', ' ']).is_empty() {
        "file".to_owned()
    } else {
        clean
    }
}

/// A media type that can stand in a header.
fn media_type(text: &str) -> String {
    let text = text.split(';').next().unwrap_or_default().trim();
    let legal = |part: &str| {
        !part.is_empty()
            && part
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"!#$&-^_.+".contains(&byte))
    };
    match text.split_once('/') {
        Some((kind, subtype)) if legal(kind) && legal(subtype) => text.to_owned(),
        _ => "application/octet-stream".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_types_stay_in_their_place() {
        assert_eq!(file_name("../../etc/pass\nwd"), "passwd");
        assert_eq!(file_name("C:\\a\\photo 1.jpg"), "photo 1.jpg");
        assert_eq!(file_name(" . "), "file");
        assert_eq!(media_type("image/jpeg; q=1"), "image/jpeg");
        assert_eq!(media_type("image/jpeg\r\nx: y"), "application/octet-stream");
        assert_eq!(media_type(""), "application/octet-stream");
    }
}
