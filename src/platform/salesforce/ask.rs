//! One call of the REST API, before it is known where the API is, and the right it takes.

use std::borrow::Cow;

use http::Method;
use serde_json::Value;

use crate::http::{Body, Request};

/// What the integration user must be allowed to do, for saying what is missing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Right {
    verb: &'static str,
    object: String,
}

impl Right {
    /// To use the API at all.
    pub(super) fn api() -> Self {
        Self::of("API Enabled", "")
    }

    /// To read an object.
    pub(super) fn read(object: &str) -> Self {
        Self::of("Read", object)
    }

    /// To create records of an object.
    pub(super) fn create(object: &str) -> Self {
        Self::of("Create", object)
    }

    /// To edit records of an object.
    pub(super) fn edit(object: &str) -> Self {
        Self::of("Edit", object)
    }

    fn of(verb: &'static str, object: &str) -> Self {
        Self {
            verb,
            object: object.to_owned(),
        }
    }

    /// What to do when it is missing.
    pub(super) fn hint(&self) -> String {
        if self.object.is_empty() {
            return "Give the integration user a permission set with API Enabled, and check that it is active.".to_owned();
        }
        format!(
            "Give the integration user a permission set with {} on {} and on the fields used (field-level security), and see that sharing lets it reach the record.",
            self.verb, self.object
        )
    }
}

/// One call.
#[derive(Clone, Debug)]
pub(super) struct Ask {
    pub(super) method: Method,
    /// The path from the instance's root on.
    pub(super) path: String,
    query: Vec<(&'static str, String)>,
    headers: Vec<(&'static str, Cow<'static, str>)>,
    body: Body,
    /// What is tried, for people, e.g. `read Case 500…`.
    pub(super) deed: String,
    /// The right it takes.
    pub(super) right: Right,
}

impl Ask {
    pub(super) fn new(
        method: Method,
        path: impl Into<String>,
        right: Right,
        deed: impl Into<String>,
    ) -> Self {
        Self {
            method,
            path: path.into(),
            query: Vec::new(),
            headers: Vec::new(),
            body: Body::Empty,
            deed: deed.into(),
            right,
        }
    }

    pub(super) fn get(path: impl Into<String>, right: Right, deed: impl Into<String>) -> Self {
        Self::new(Method::GET, path, right, deed)
    }

    pub(super) fn query(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.query.push((name, value.into()));
        self
    }

    pub(super) fn header(
        mut self,
        name: &'static str,
        value: impl Into<Cow<'static, str>>,
    ) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    pub(super) fn json(self, body: Value) -> Self {
        self.body(Body::Json(body))
    }

    pub(super) fn body(mut self, body: Body) -> Self {
        self.body = body;
        self
    }

    /// The request, under an instance.
    pub(super) fn request(&self, instance: &str) -> Request {
        let mut request = Request::new(self.method.clone(), format!("{instance}{}", self.path))
            .body(self.body.clone());
        for (name, value) in &self.query {
            request = request.query(*name, value.clone());
        }
        for (name, value) in &self.headers {
            request = request.header(*name, value.to_string());
        }
        request
    }
}
