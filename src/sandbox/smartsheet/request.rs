//! What a request says, as the vendor reads it: numbers in the path, flags in the query, JSON in the body.

use std::collections::HashMap;

use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::header;
use axum::http::request::Parts;
use bytes::Bytes;
use serde_json::{Value, json};

use super::problem::Problem;

/// A body that must be JSON.
pub(super) struct Body(pub(super) Value);

impl<S: Send + Sync> FromRequest<S> for Body {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let kind = request.headers().get(header::CONTENT_TYPE);
        let kind = kind.and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        if kind.split(';').next().unwrap_or_default().trim() != "application/json" {
            return Err(Problem::media_type());
        }
        let bytes = Bytes::from_request(request, state).await;
        let bytes = bytes.map_err(|_| Problem::unreadable("the body can't be read"))?;
        serde_json::from_slice(&bytes)
            .map(Self)
            .map_err(|error| Problem::unreadable(&error.to_string()))
    }
}

/// Under which name a caller writes.
pub(super) struct Agent(pub(super) Option<String>);

impl<S: Send + Sync> FromRequestParts<S> for Agent {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let value = parts.headers.get("smartsheet-change-agent");
        let text = value.and_then(|value| value.to_str().ok());
        // Longer names are cut.
        Ok(Self(text.map(|text| text.chars().take(512).collect())))
    }
}

/// The query.
pub(super) struct Query(HashMap<String, String>);

impl<S: Send + Sync> FromRequestParts<S> for Query {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let query = parts.uri.query().unwrap_or_default();
        Ok(Self(
            url::form_urlencoded::parse(query.as_bytes())
                .into_owned()
                .collect(),
        ))
    }
}

/// What a listing gives at once unless told otherwise.
const USUAL_PAGE: usize = 100;

impl Query {
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    pub(super) fn is_set(&self, name: &str) -> bool {
        self.text(name) == Some("true")
    }

    fn number(&self, name: &str) -> Result<Option<u64>, Problem> {
        let Some(text) = self.text(name) else {
            return Ok(None);
        };
        let number = text.parse().ok().filter(|number| *number > 0);
        number
            .map(Some)
            .ok_or_else(|| Problem::wrong_parameter(name, text))
    }

    /// How new the features may be that the caller knows.
    pub(super) fn level(&self) -> Result<u64, Problem> {
        match self.text("level") {
            None => Ok(0),
            Some(text) => text
                .parse()
                .map_err(|_| Problem::wrong_parameter("level", text)),
        }
    }

    /// The flags of `include`, of which only these exist.
    pub(super) fn include(&self, known: &[&str]) -> Result<Vec<String>, Problem> {
        let flags = self.text("include").unwrap_or_default().split(',');
        let flags: Vec<String> = flags
            .filter(|flag| !flag.is_empty())
            .map(str::to_owned)
            .collect();
        match flags.iter().find(|flag| !known.contains(&flag.as_str())) {
            Some(unknown) => Err(Problem::wrong_parameter("include", unknown)),
            None => Ok(flags),
        }
    }

    /// A list of numbers with commas between.
    pub(super) fn ids(&self, name: &str) -> Result<Option<Vec<u64>>, Problem> {
        let Some(text) = self.text(name) else {
            return Ok(None);
        };
        let ids: Result<Vec<u64>, _> = text.split(',').map(str::parse).collect();
        ids.map(Some)
            .map_err(|_| Problem::wrong_parameter(name, text))
    }

    /// Whether a listing is asked for by the page.
    pub(super) fn is_paged(&self) -> bool {
        self.text("page").is_some() || self.text("pageSize").is_some()
    }

    /// The page asked for, with what the vendor says about it.
    pub(super) fn page(&self, items: Vec<Value>) -> Result<Value, Problem> {
        let count = items.len();
        let whole = self.is_set("includeAll");
        let size = self
            .number("pageSize")?
            .and_then(|size| usize::try_from(size).ok());
        let size = if whole {
            count.max(1)
        } else {
            size.unwrap_or(USUAL_PAGE)
        };
        let pages = count.div_ceil(size).max(1);
        let wanted = self
            .number("page")?
            .and_then(|page| usize::try_from(page).ok())
            .unwrap_or(1);
        // Beyond the last page stands the last page.
        let page = if whole { 1 } else { wanted.min(pages) };
        let data: Vec<Value> = items
            .into_iter()
            .skip((page - 1) * size)
            .take(size)
            .collect();
        Ok(json!({
            "pageNumber": page,
            "pageSize": size,
            "totalPages": pages,
            "totalCount": count,
            "data": data,
        }))
    }
}

/// The envelope of what was written.
pub(super) fn success(version: Option<u64>, result: &Value) -> Value {
    let mut envelope = json!({"message": "SUCCESS", "resultCode": 0, "result": result});
    if let Some(version) = version {
        envelope["version"] = json!(version);
    }
    envelope
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_beyond_the_last_is_the_last() {
        let query = Query(HashMap::from([
            ("page".to_owned(), "9".to_owned()),
            ("pageSize".to_owned(), "2".to_owned()),
        ]));
        let page = query.page(vec![json!(1), json!(2), json!(3)]).unwrap();
        assert_eq!(
            (page["pageNumber"].as_u64(), &page["data"]),
            (Some(2), &json!([3]))
        );
        assert_eq!(page["totalPages"], 2);
    }
}
