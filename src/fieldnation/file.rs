//! Files of a work order, which lie in folders.

use http::StatusCode;
use serde_json::{Value, json};
use url::Url;

use super::client::FieldNation;
use super::session::feature_success;
use super::work_order::{id_of, text_of};
use crate::http::{Body, Call, Part, Request, Response, classify};
use crate::model::{Category, Failure, FileContent, FileReference, WorkOrderId};

/// The folder that is made for what comes from the record.
const FOLDER: &str = "Ticket files";

/// More redirects than this are not followed for a download.
const MOST_REDIRECTS: u8 = 4;

impl FieldNation {
    /// The files of a work order, from all its folders.
    ///
    /// # Errors
    /// What the call fails with; a missing right is `configuration`.
    pub async fn files(&self, call: &Call, id: WorkOrderId) -> Result<Vec<FileReference>, Failure> {
        let folders = self.folders(call, id).await?;
        let mut files = Vec::new();
        for folder in &folders {
            for attachment in results(folder) {
                files.extend(self.reference(attachment));
            }
        }
        Ok(files)
    }

    fn reference(&self, attachment: &Value) -> Option<FileReference> {
        let file = attachment.get("file").unwrap_or(attachment);
        let author = attachment.get("author").unwrap_or(&Value::Null);
        let email = author.get("email").and_then(Value::as_str);
        let is_us = email.is_some_and(|email| email.eq_ignore_ascii_case(self.session.username()));
        let author_id = author.get("id").and_then(id_of);
        if is_us {
            self.learn_id(author_id);
        }
        Some(FileReference {
            id: text_of(attachment.get("id")?)?,
            name: text_of(file.get("name")?)?,
            media_type: file.get("mime").and_then(text_of),
            size: file.get("size_bytes").and_then(id_of),
            url: file.get("link").and_then(text_of),
            by_us: is_us || (author_id.is_some() && author_id == self.own_user()),
        })
    }

    /// Reads a file's bytes from its link. The link may lead to another host, which never sees our token.
    ///
    /// # Errors
    /// `validation` when there is no link, `server` when the link has run out, else what the call fails with.
    pub async fn download(
        &self,
        call: &Call,
        file: &FileReference,
    ) -> Result<FileContent, Failure> {
        let what = format!("download of `{}` from Field Nation", file.name);
        let link = file.url.as_deref().ok_or_else(|| {
            Failure::new(
                Category::Validation,
                format!("{what}: the file has no link"),
            )
        })?;
        let base = Url::parse(&format!("{}/", self.session.base())).map_err(|error| {
            Failure::new(
                Category::Configuration,
                format!("{what}: base_url: {error}"),
            )
        })?;
        let mut address = base.join(link).map_err(|error| {
            Failure::new(
                Category::Validation,
                format!("{what}: the link is no address ({error})"),
            )
        })?;
        for _ in 0..MOST_REDIRECTS {
            let response = self.get_link(call, &base, &address).await?;
            if response.is_success() {
                return Ok(content(file, response));
            }
            if !response.status.is_redirection() {
                return Err(download_refusal(&what, &response));
            }
            let next = response
                .header("location")
                .and_then(|next| address.join(next).ok());
            address = next.ok_or_else(|| {
                Failure::new(
                    Category::Server,
                    format!("{what}: the redirect leads nowhere"),
                )
            })?;
        }
        Err(Failure::new(
            Category::Server,
            format!("{what}: too many redirects"),
        ))
    }

    async fn get_link(&self, call: &Call, base: &Url, address: &Url) -> Result<Response, Failure> {
        let is_downgrade = base.scheme() == "https" && address.scheme() != "https";
        if is_downgrade || !matches!(address.scheme(), "http" | "https") {
            return Err(Failure::new(
                Category::Validation,
                format!(
                    "a file's link must begin with https:, and this one begins with {}:",
                    address.scheme()
                ),
            ));
        }
        let request = Request::get(address.as_str());
        let is_ours = address.origin() == base.origin();
        let signs_itself = address
            .query_pairs()
            .any(|(name, _)| name == "access_token");
        if is_ours && !signs_itself {
            self.session.send(call, request).await
        } else {
            self.session.client().send(call, request).await
        }
    }

    /// Attaches a file in the folder for the record's files, which is made when it is not there. Answers its id.
    ///
    /// # Errors
    /// `validation` when the folder takes no file of this size, else what a call fails with.
    pub async fn attach(
        &self,
        call: &Call,
        id: WorkOrderId,
        file: &FileContent,
    ) -> Result<Option<String>, Failure> {
        let folder = self.folder(call, id).await?;
        let largest = folder
            .get("max_bytes")
            .and_then(id_of)
            .filter(|most| *most > 0);
        let size = file.bytes.len() as u64;
        if let Some(largest) = largest.filter(|largest| size > *largest) {
            return Err(Failure::new(
                Category::Validation,
                format!(
                    "the file `{}` has {size} bytes; Field Nation takes {largest} in this folder",
                    file.name
                ),
            ));
        }
        let folder_id = folder.get("id").and_then(id_of).unwrap_or_default();
        let path = format!("/workorders/{id}/attachments/{folder_id}");
        let part = Part::File {
            name: "file".to_owned(),
            file_name: file.name.clone(),
            media_type: file.media_type.clone(),
            bytes: file.bytes.clone(),
        };
        let request = Request::post(self.session.rest(&path))
            .query("async", "false")
            .body(Body::Multipart(vec![part]));
        let response = self.session.send(call, request).await?;
        let what = format!("attach `{}` to work order {id}", file.name);
        let answer = feature_success(&what, "attachments", &response)?;
        let before: Vec<String> = results(&folder)
            .filter_map(|known| text_of(known.get("id")?))
            .collect();
        Ok(attached_id(&answer, &file.name, &before))
    }

    /// The folder for the record's files: ours by name, or a new one, or, where none may be made, a general one.
    async fn folder(&self, call: &Call, id: WorkOrderId) -> Result<Value, Failure> {
        let folders = self.folders(call, id).await?;
        if let Some(ours) = named_folder(&folders) {
            return Ok(ours.clone());
        }
        let request = Request::post(self.session.rest(&format!("/workorders/{id}/attachments")))
            .json(json!({ "name": FOLDER }));
        let response = self.session.send(call, request).await?;
        let what = format!("make a folder in work order {id}");
        let made = feature_success(&what, "attachments", &response);
        match made {
            Ok(answer) => {
                let list = folders_in(&answer);
                if let Some(ours) = named_folder(&list) {
                    return Ok(ours.clone());
                }
                let again = self.folders(call, id).await?;
                named_folder(&again).cloned().ok_or_else(|| {
                    Failure::new(
                        Category::Validation,
                        format!("Field Nation answered success for a folder `{FOLDER}` in work order {id}, and there is none"),
                    )
                })
            }
            Err(failure)
                if matches!(
                    failure.category,
                    Category::Validation | Category::Configuration
                ) =>
            {
                folders.into_iter().find(is_general).ok_or(failure)
            }
            Err(failure) => Err(failure),
        }
    }

    async fn folders(&self, call: &Call, id: WorkOrderId) -> Result<Vec<Value>, Failure> {
        let request = Request::get(self.session.rest(&format!("/workorders/{id}/attachments")));
        let what = format!("list the files of work order {id}");
        let body = self
            .session
            .expect_feature(call, &what, "attachments", request)
            .await?;
        Ok(folders_in(&body))
    }
}

/// The folders in a list of folders, or in a work order.
fn folders_in(body: &Value) -> Vec<Value> {
    let list = body
        .pointer("/attachments/results")
        .or_else(|| body.get("results"));
    let mut folders = list.and_then(Value::as_array).cloned().unwrap_or_default();
    // Some calls answer the one folder that was made.
    if folders.is_empty() && body.get("name").is_some_and(|name| name == FOLDER) {
        folders.push(body.clone());
    }
    folders
}

fn results(folder: &Value) -> impl Iterator<Item = &Value> {
    folder
        .get("results")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
}

fn named_folder(folders: &[Value]) -> Option<&Value> {
    let mut named = folders.iter().filter(|folder| {
        folder.get("id").and_then(id_of).is_some()
            && folder.get("name").is_some_and(|name| name == FOLDER)
    });
    named.next()
}

/// A folder that belongs to no task and no expense and has room.
fn is_general(folder: &Value) -> bool {
    let belongs = folder
        .pointer("/task/id")
        .and_then(id_of)
        .is_some_and(|task| task > 0)
        || folder.get("expense").and_then(Value::as_bool) == Some(true);
    let most = folder
        .get("max_files")
        .and_then(id_of)
        .filter(|most| *most > 0);
    let has_room = most.is_none_or(|most| (results(folder).count() as u64) < most);
    !belongs && has_room && folder.get("id").and_then(id_of).is_some()
}

/// The id of the attachment of this name that was not there before.
fn attached_id(answer: &Value, name: &str, before: &[String]) -> Option<String> {
    let named = |attachment: &Value| {
        let file = attachment.get("file").unwrap_or(attachment);
        let is_it = file.get("name").and_then(Value::as_str) == Some(name);
        text_of(attachment.get("id")?).filter(|id| is_it && !before.contains(id))
    };
    named(answer).or_else(|| {
        let folders = folders_in(answer);
        folders
            .iter()
            .flat_map(|folder| {
                named(folder)
                    .into_iter()
                    .chain(results(folder).filter_map(named))
            })
            .max_by_key(|id| id.parse::<u64>().ok())
    })
}

fn content(file: &FileReference, response: Response) -> FileContent {
    let served = response
        .header("content-type")
        .map(|kind| kind.split(';').next().unwrap_or(kind).trim().to_owned());
    FileContent {
        name: file.name.clone(),
        media_type: file
            .media_type
            .clone()
            .or(served)
            .unwrap_or_else(|| "application/octet-stream".to_owned()),
        bytes: response.body,
    }
}

/// A refusal says nothing about our credential: it is the link that has run out.
fn download_refusal(what: &str, response: &Response) -> Failure {
    let mut failure = classify(what, response);
    let has_run_out = matches!(
        response.status,
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN | StatusCode::NOT_FOUND | StatusCode::GONE
    );
    if has_run_out {
        failure.category = Category::Server;
        failure.hint = Some(
            "The link has run out or the file was removed; the next attempt asks for a new link."
                .to_owned(),
        );
    }
    failure
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_new_attachment_is_told_from_one_of_the_same_name() {
        let answer = json!({"id": 5, "attachments": {"results": [{"id": 1, "name": FOLDER, "results": [
            {"id": 10, "file": {"name": "photo.png"}}, {"id": 11, "file": {"name": "photo.png"}},
            {"id": 12, "file": {"name": "other.png"}}]}]}});
        assert_eq!(
            attached_id(&answer, "photo.png", &["10".to_owned()]).as_deref(),
            Some("11")
        );
        assert_eq!(
            attached_id(
                &json!({"id": 11, "file": {"name": "photo.png"}}),
                "photo.png",
                &[]
            )
            .as_deref(),
            Some("11")
        );
        assert_eq!(attached_id(&json!({}), "photo.png", &[]), None);
    }

    #[test]
    fn a_task_s_folder_and_a_full_one_are_not_general() {
        assert!(is_general(&json!({"id": 1, "name": "Misc", "task": null})));
        assert!(!is_general(&json!({"id": 1, "task": {"id": 4}})));
        assert!(!is_general(&json!({"id": 1, "expense": true})));
        assert!(!is_general(
            &json!({"id": 1, "max_files": 1, "results": [{}]})
        ));
    }
}
