//! The operations of a description: what is called, with which parameters and bodies.

use http::Method;
use serde_json::Value;

use super::security::Requirement;
use super::style::Encoded;

/// A schema, by the place where it stands in the description.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Schema(pub(super) String);

/// Something that can be called.
#[derive(Clone, Debug)]
pub struct Operation {
    /// The method.
    pub method: Method,
    /// The path's template, e.g. `/tickets/{id}`.
    pub path: String,
    /// The name that the description gives it.
    pub id: Option<String>,
    /// What it does, in a line.
    pub summary: String,
    /// Its parameters, those of the path included.
    pub parameters: Vec<Parameter>,
    /// Its body, if it takes one.
    pub body: Option<RequestBody>,
    /// What a success answers, by media type.
    pub answers: Vec<Content>,
    /// What it requires, if other than the whole description does. Any one is enough.
    pub security: Option<Vec<Requirement>>,
    /// Where it answers, if elsewhere than the whole description.
    pub servers: Vec<String>,
    /// Whether it is about to go.
    pub deprecated: bool,
}

/// Where a parameter travels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Place {
    /// In the path.
    Path,
    /// In the query.
    Query,
    /// In a header.
    Header,
    /// In a cookie.
    Cookie,
}

impl Place {
    /// The word for people.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Path => "path",
            Self::Query => "query",
            Self::Header => "header",
            Self::Cookie => "cookie",
        }
    }
}

/// A parameter.
#[derive(Clone, Debug)]
pub struct Parameter {
    /// Its name.
    pub name: String,
    /// Where it travels.
    pub place: Place,
    /// Whether it must be there.
    pub required: bool,
    /// How a value is spelt.
    pub encoding: Encoded,
    /// What it may be.
    pub schema: Option<Schema>,
    /// What is sent when nobody says otherwise.
    pub default: Option<Value>,
}

/// A request's body.
#[derive(Clone, Debug)]
pub struct RequestBody {
    /// Whether it must be there.
    pub required: bool,
    /// The media types it may have, in the description's order.
    pub contents: Vec<Content>,
}

/// A body of one media type.
#[derive(Clone, Debug)]
pub struct Content {
    /// The media type, in lower case and without parameters; `*/*` and `text/*` are ranges.
    pub media_type: String,
    /// What it may be.
    pub schema: Option<Schema>,
    /// The media types of a form's parts, by their names, where the description names them.
    pub part_types: Vec<(String, String)>,
}

impl Content {
    /// Whether it is JSON of some kind.
    #[must_use]
    pub fn is_json(&self) -> bool {
        is_json(&self.media_type)
    }

    /// Whether a media type is one this stands for.
    #[must_use]
    pub fn takes(&self, media_type: &str) -> bool {
        let media_type = essence(media_type);
        match self.media_type.strip_suffix('*') {
            Some("*/") => true,
            Some(range) => media_type.starts_with(range),
            None => self.media_type == media_type,
        }
    }
}

impl RequestBody {
    /// The body of JSON, if it may be that.
    #[must_use]
    pub fn json(&self) -> Option<&Content> {
        self.contents.iter().find(|content| content.is_json())
    }

    /// The body of a media type, if it may be that.
    #[must_use]
    pub fn of(&self, media_type: &str) -> Option<&Content> {
        let exact = |content: &&Content| content.media_type == essence(media_type);
        let mut contents = self.contents.iter();
        contents
            .clone()
            .find(exact)
            .or_else(|| contents.find(|content| content.takes(media_type)))
    }
}

impl Operation {
    /// The name by which people and settings mention it: its id, else method and path.
    #[must_use]
    pub fn name(&self) -> String {
        match &self.id {
            Some(id) => id.clone(),
            None => self.address(),
        }
    }

    /// Method and path.
    #[must_use]
    pub fn address(&self) -> String {
        format!("{} {}", self.method, self.path)
    }

    /// Its path with values in the place of its variables, each spelt as its parameter wants.
    ///
    /// # Errors
    /// The name of a variable that has no value.
    pub fn path_with<'a>(
        &self,
        value: impl Fn(&str) -> Option<&'a Value>,
    ) -> Result<String, String> {
        super::template::fill(&self.path, |name| {
            let mut parameters = self.parameters_in(Place::Path);
            let parameter = parameters.find(|parameter| parameter.name == name);
            let encoding =
                parameter.map_or(Encoded::usual(Place::Path), |parameter| parameter.encoding);
            value(name).map(|value| encoding.in_path(name, value))
        })
    }

    /// Its parameters in one place.
    pub fn parameters_in(&self, place: Place) -> impl Iterator<Item = &Parameter> {
        self.parameters
            .iter()
            .filter(move |parameter| parameter.place == place)
    }

    /// What a success answers as JSON.
    #[must_use]
    pub fn json_answer(&self) -> Option<&Content> {
        let mut answers = self.answers.iter().filter(|content| content.is_json());
        answers
            .clone()
            .find(|content| content.schema.is_some())
            .or_else(|| answers.next())
    }
}

/// A media type in lower case and without parameters.
pub(super) fn essence(media_type: &str) -> String {
    let essence = media_type.split(';').next().unwrap_or("");
    essence.trim().to_ascii_lowercase()
}

fn is_json(media_type: &str) -> bool {
    let media_type = essence(media_type);
    media_type.ends_with("/json") || media_type.ends_with("+json") || media_type == "text/json"
}
