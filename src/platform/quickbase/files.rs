//! Files: versions in file fields, of the record itself or of rows in a documents table.
//!
//! An upload is base64 without line breaks inside an upsert, and each makes a new version. A download is base64 text
//! too, from `/files/{table}/{record}/{field}/{version}`; these four make a file's id.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde_json::{Map, Value, json};

use super::Quickbase;
use super::api::record_number;
use super::endpoint::FILE;
use super::query::{Row, cell, row_id};
use super::settings::{Child, Documents};
use super::table::{Kind, RECORD_ID, Table};
use super::write::{MOST_BYTES, Writing, before_writing, gone};
use crate::http::Call;
use crate::model::{Category, Failure, FileContent, FileReference, RecordId};
use crate::platform::basics::{digits, file_name, text_at};

/// What a request holds besides the file itself, at most.
const ENVELOPE: usize = 4_096;

/// Where one version of a file is.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Version {
    table: String,
    record: u64,
    field: u64,
    number: u64,
}

impl fmt::Display for Version {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            table,
            record,
            field,
            number,
        } = self;
        write!(formatter, "{table}/{record}/{field}/{number}")
    }
}

impl Version {
    fn read(id: &str) -> Option<Self> {
        let mut parts = id.split('/');
        let table = parts.next()?;
        let legal = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
        let mut next = || digits(parts.next()?.as_bytes());
        let (record, field, number) = (next()?, next()?, next()?);
        let is_whole = parts.next().is_none() && !table.is_empty() && table.bytes().all(legal);
        is_whole.then(|| Self {
            table: table.to_owned(),
            record,
            field,
            number,
        })
    }
}

impl Quickbase {
    /// The newest versions in the record's own file fields.
    pub(super) fn record_files<'a>(
        &'a self,
        table: &'a Table,
        row: &'a Row,
    ) -> impl Iterator<Item = FileReference> + 'a {
        let fields = table
            .fields
            .iter()
            .filter(|field| field.kind == Kind::File && !field.derived);
        fields.filter_map(|field| self.newest(&self.settings.table, row, field.id))
    }

    /// The newest versions of the documents that refer to a record.
    pub(super) async fn read_documents(
        &self,
        call: &Call,
        number: u64,
        child: &Child,
        file: u64,
    ) -> Result<Vec<FileReference>, Failure> {
        let fields = vec![RECORD_ID, file];
        let rows = self
            .related_rows(call, number, child, fields, "documents")
            .await?;
        let newest = rows
            .iter()
            .filter_map(|row| self.newest(&child.table, row, file));
        Ok(newest.collect())
    }

    fn newest(&self, table: &str, row: &Row, field: u64) -> Option<FileReference> {
        let versions = cell(row, field)?.get("versions")?.as_array()?;
        let number = |version: &&Value| version.get("versionNumber").and_then(Value::as_u64);
        let newest = versions.iter().max_by_key(number)?;
        let version = Version {
            table: table.to_owned(),
            record: row_id(row)?,
            field,
            number: number(&newest)?,
        };
        Some(FileReference {
            id: version.to_string(),
            name: text_at(newest, &["fileName"]).unwrap_or("file").to_owned(),
            media_type: None,
            // The vendor does not tell it.
            size: None,
            url: None,
            by_us: newest
                .get("creator")
                .is_some_and(|user| self.session.is_us(user)),
        })
    }

    /// Reads a file's bytes.
    pub(super) async fn download_file(
        &self,
        call: &Call,
        file: &FileReference,
    ) -> Result<FileContent, Failure> {
        let refused = |category, why: &str| {
            Failure::new(
                category,
                format!("the file {} can't be downloaded: {why}", file.name),
            )
        };
        let version = Version::read(&file.id)
            .ok_or_else(|| refused(Category::Validation, "its id is none of Quickbase's"))?;
        let (record, field, number) = (
            version.record.to_string(),
            version.field.to_string(),
            version.number.to_string(),
        );
        let ids = [version.table.as_str(), &record, &field, &number];
        let request = self.api.request(&FILE, &ids);
        let deed = format!("download the file {}", file.name);
        let answer = self.api.send_if_there(call, &FILE, &deed, request).await?;
        let Some(answer) = answer else {
            let why = "it is not there any more";
            return Err(refused(Category::Validation, why)
                .hint("It was removed in Quickbase; there is nothing to carry over."));
        };
        let bytes = decode(&answer.body)
            .ok_or_else(|| refused(Category::Server, "what came is not base64"))?;
        Ok(FileContent {
            name: file.name.clone(),
            media_type: "application/octet-stream".to_owned(),
            bytes,
        })
    }

    /// Uploads a file: as a row of the documents table, or as a version in the record's file field.
    pub(super) async fn attach_file(
        &self,
        call: &Call,
        record: &RecordId,
        file: &FileContent,
    ) -> Result<Option<String>, Failure> {
        let number = record_number(record)?;
        let name = file_name(&file.name);
        check_size(&name, file.bytes.len())?;
        let cell = json!({"fileName": name, "data": STANDARD.encode(&file.bytes)});
        let deed = format!("attach {name} to record {number}");
        match &self.settings.documents {
            Some(Documents::Rows { child, file }) => {
                let row = self
                    .child_row(call, number, child, &Map::new(), &deed)
                    .await;
                let mut row = row.map_err(before_writing)?;
                row.insert(file.to_string(), cell);
                self.upload(call, &child.table, row, *file, &deed).await
            }
            Some(Documents::Field(field)) => {
                let table = &self.settings.table;
                // A row of an unknown key could become a new record.
                let there = self.row_of(call, table, number, vec![RECORD_ID]).await;
                if there.map_err(before_writing)?.is_none() {
                    return Err(gone(number));
                }
                let key = self.table(call, table).await.map_err(before_writing)?.key;
                let value = self.key_value(call, table, number).await;
                let row = Map::from_iter([
                    (key.to_string(), value.map_err(before_writing)?),
                    (field.to_string(), cell),
                ]);
                self.upload(call, table, row, *field, &deed).await
            }
            None => Err(Failure::new(
                Category::Configuration,
                "the connector has no place for files in Quickbase",
            )
            .hint("Set document_table_id, document_field_id and document_related_record_id.")),
        }
    }

    async fn upload(
        &self,
        call: &Call,
        table: &str,
        row: Map<String, Value>,
        field: u64,
        deed: &str,
    ) -> Result<Option<String>, Failure> {
        let writing = Writing {
            table,
            row,
            merge: None,
            asked: Some(field),
        };
        let outcome = self.write(call, deed, writing).await?;
        let told = self.newest(table, &outcome.row, field).map(|file| file.id);
        // A new row has one version.
        let first = outcome.created.map(|record| {
            let version = Version {
                table: table.to_owned(),
                record,
                field,
                number: 1,
            };
            version.to_string()
        });
        Ok(told.or(first))
    }
}

/// Checks that a request with the file in it is one that the vendor takes.
fn check_size(name: &str, length: usize) -> Result<(), Failure> {
    let encoded = length.div_ceil(3) * 4;
    if encoded + ENVELOPE <= MOST_BYTES {
        return Ok(());
    }
    let megabytes = |bytes: usize| format!("{}.{}", bytes / 1_000_000, bytes % 1_000_000 / 100_000);
    Err(Failure::new(
        Category::Validation,
        format!(
            "{name} has {} MB; Quickbase takes {} MB (40 MB a request, in which a file grows by a third)",
            megabytes(length),
            megabytes((MOST_BYTES - ENVELOPE) / 4 * 3),
        ),
    )
    .hint("Leave the file in Field Nation, or put a link into the record."))
}

/// The bytes of base64 text, which the vendor may have put into quotation marks or broken into lines.
fn decode(text: &[u8]) -> Option<Bytes> {
    let is_noise = |byte: &u8| byte.is_ascii_whitespace() || *byte == b'"';
    let clean: Vec<u8> = text
        .iter()
        .copied()
        .filter(|byte| !is_noise(byte))
        .collect();
    STANDARD.decode(clean).ok().map(Bytes::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_files_id_says_where_it_is() {
        let version = Version::read("bck7gp3q2/12/7/1").unwrap();
        assert_eq!(version.to_string(), "bck7gp3q2/12/7/1");
        for wrong in [
            "",
            "bck7gp3q2/12/7",
            "bck7gp3q2/12/7/1/2",
            "../12/7/1",
            "a b/1/1/1",
            "bck7gp3q2/x/7/1",
            "/1/7/1",
        ] {
            assert_eq!(Version::read(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn base64_is_read_however_it_is_laid_out() {
        let bytes = Bytes::from_static(b"Quick Base Inc.");
        for text in ["UXVpY2sgQmFzZSBJbmMu", "\"UXVpY2sgQmFz\r\nZSBJbmMu\"\n"] {
            assert_eq!(decode(text.as_bytes()), Some(bytes.clone()));
        }
        assert_eq!(decode(b"<html>"), None);
    }

    #[test]
    fn what_does_not_fit_is_told_with_numbers() {
        assert!(check_size("a.zip", 29_990_000).is_ok());
        let failure = check_size("a.zip", 30_000_000).unwrap_err();
        assert_eq!(failure.category, Category::Validation);
        assert!(
            failure
                .cause
                .contains("a.zip has 30.0 MB; Quickbase takes 29.9 MB"),
            "{}",
            failure.cause
        );
    }
}
