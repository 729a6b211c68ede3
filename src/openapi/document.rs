//! A description, read.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex, OnceLock};

use http::Method;
use jsonschema::{Registry, Validator};
use serde::Serialize;
use serde_json::Value;

use super::files::Files;
use super::operation::Schema;
use super::problems::{Problems, short};
use super::read;
use super::references;
use super::security::{self, Requirement, Scheme};
use super::servers;
use super::template;
use super::tree::Tree;
use super::{Limits, LoadProblem, Operation};

/// The versions of the specification, as far as they are read differently.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum Edition {
    /// Swagger 2.0.
    #[serde(rename = "2.0")]
    V2,
    /// OpenAPI 3.0.
    #[serde(rename = "3.0")]
    V30,
    /// OpenAPI 3.1 and later.
    #[serde(rename = "3.1")]
    V31,
}

impl Edition {
    /// The version, as people write it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::V2 => "2.0",
            Self::V30 => "3.0",
            Self::V31 => "3.1",
        }
    }
}

/// A description of an API.
pub struct Document {
    /// What it is called.
    pub title: String,
    /// Its own version.
    pub version: String,
    /// The version of the specification.
    pub edition: Edition,
    /// Where the API answers: whole addresses, or paths where the host is left open.
    pub servers: Vec<String>,
    /// What can be called.
    pub operations: Vec<Operation>,
    /// The ways to prove who one is.
    pub schemes: Vec<Scheme>,
    /// What is required unless an operation says otherwise. Any one is enough.
    pub security: Vec<Requirement>,
    /// What could not be used, in words for people.
    pub problems: Vec<String>,
    pub(super) tree: Tree,
    /// The schemas as validators take them; made when the first is asked for.
    registry: OnceLock<Option<Registry<'static>>>,
    validators: Mutex<HashMap<Schema, Result<Arc<Validator>, String>>>,
}

impl std::fmt::Debug for Document {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Document")
            .field("title", &self.title)
            .field("edition", &self.edition)
            .field("operations", &self.operations.len())
            .finish_non_exhaustive()
    }
}

/// The stack of the thread that reads a description. Only what is used of it is ever taken.
const STACK: usize = 64 * 1024 * 1024;

/// The address by which validators know the tree.
const TREE: &str = "fieldbridge://description/tree";

impl Document {
    /// Reads a description from a file, or from the main file of a directory.
    ///
    /// # Errors
    /// [`LoadProblem`] when nothing can be read; whatever is less than that is told in [`Document::problems`].
    pub fn load(path: &Path) -> Result<Self, LoadProblem> {
        Self::load_within(path, Limits::default())
    }

    /// Reads a description from a text; `name` is what people are told it is called.
    ///
    /// # Errors
    /// As [`Document::load`]. References to other files are told as problems.
    pub fn parse(name: &str, text: &str) -> Result<Self, LoadProblem> {
        Self::read_apart(Path::new(name), || {
            let limits = Limits::default();
            let value =
                super::files::parse(text, &limits).map_err(|why| LoadProblem::Unreadable {
                    file: name.to_owned(),
                    why,
                })?;
            Self::read(Files::alone(name, value, limits), name, Problems::default())
        })
    }

    /// The same, within other limits.
    ///
    /// # Errors
    /// As [`Document::load`].
    pub fn load_within(path: &Path, limits: Limits) -> Result<Self, LoadProblem> {
        Self::read_apart(path, || Self::load_here(path, limits))
    }

    /// Deep nesting costs the parsers much stack; a thread of its own has it, whoever calls. Should one of them fail
    /// beyond all care, that ends there too.
    fn read_apart(
        path: &Path,
        read: impl FnOnce() -> Result<Self, LoadProblem> + Send,
    ) -> Result<Self, LoadProblem> {
        let unreadable = |why: String| LoadProblem::Unreadable {
            file: path.display().to_string(),
            why,
        };
        let reading = std::thread::scope(|scope| {
            let thread = std::thread::Builder::new().stack_size(STACK);
            let running = thread.spawn_scoped(scope, read)?;
            Ok::<_, std::io::Error>(running.join())
        });
        match reading {
            Ok(Ok(read)) => read,
            Ok(Err(_)) => Err(unreadable("reading it failed badly".to_owned())),
            Err(error) => Err(unreadable(error.to_string())),
        }
    }

    fn load_here(path: &Path, limits: Limits) -> Result<Self, LoadProblem> {
        let mut problems = Problems::default();
        let files = Files::open(path, limits, &mut problems)?;
        let name = files.name(0);
        Self::read(files, &name, problems)
    }

    fn read(files: Files, name: &str, mut problems: Problems) -> Result<Self, LoadProblem> {
        let main = files.values.first().unwrap_or(&Value::Null);
        let edition = edition(main, &mut problems).map_err(|why| LoadProblem::NoDescription {
            file: name.to_owned(),
            why,
        })?;
        let mut tree = references::bundle(files, &mut problems);
        let operations = read::read_all(&mut tree, edition, &mut problems);
        let at = |pointer: &str| tree.resolve(pointer).map(|(_, value)| value);
        let text = |pointer: &str| match at(pointer) {
            Some(Value::String(text)) => short(text.trim()),
            Some(Value::Number(number)) => number.to_string(),
            _ => String::new(),
        };
        let schemes = match edition {
            Edition::V2 => "/0/securityDefinitions",
            _ => "/0/components/securitySchemes",
        };
        let named = at(schemes).and_then(Value::as_object).into_iter().flatten();
        let named: Vec<_> = named
            .filter_map(|(name, value)| {
                let value = match super::tree::target(value) {
                    Some(pointer) => at(&pointer)?,
                    None => value,
                };
                Some((name, value))
            })
            .collect();
        let schemes = security::schemes(named.into_iter(), &mut problems);
        let servers = match edition {
            Edition::V2 => at("/0").map(servers::of_host).unwrap_or_default(),
            _ => servers::of_list(at("/0/servers")),
        };
        if operations.is_empty() {
            problems.note("it describes no operation");
        }
        note_doubles(&operations, &mut problems);
        Ok(Self {
            title: text("/0/info/title"),
            version: text("/0/info/version"),
            edition,
            servers,
            security: at("/0/security")
                .and_then(security::requirements)
                .unwrap_or_default(),
            operations,
            schemes,
            problems: problems.into_texts(),
            tree,
            registry: OnceLock::new(),
            validators: Mutex::default(),
        })
    }

    /// The operation of a name: its id, or method and path such as `GET /tickets/{id}`.
    #[must_use]
    pub fn operation(&self, name: &str) -> Option<&Operation> {
        let name = name.trim();
        let by_id = |operation: &&Operation| operation.id.as_deref() == Some(name);
        if let Some(found) = self.operations.iter().find(by_id) {
            return Some(found);
        }
        let (method, path) = name.split_once(char::is_whitespace)?;
        let path = path.trim();
        self.operations.iter().find(|operation| {
            operation.method.as_str().eq_ignore_ascii_case(method) && operation.path == path
        })
    }

    /// The operation that a call of this method and path is, with the path's variables as they stand there. The path
    /// may begin with that of a server. The most specific template wins.
    #[must_use]
    pub fn operation_at<'a, 'b>(
        &'a self,
        method: &Method,
        path: &'b str,
    ) -> Option<(&'a Operation, Vec<(&'a str, &'b str)>)> {
        let mut best: Option<(usize, _)> = None;
        for operation in self.operations.iter().filter(|one| one.method == *method) {
            let bases = if operation.servers.is_empty() {
                &self.servers
            } else {
                &operation.servers
            };
            let bases = bases.iter().map(|server| servers::base_path(server));
            for base in bases.chain([String::new()]) {
                let Some(rest) = path.strip_prefix(base.as_str()) else {
                    continue;
                };
                if let Some(values) = template::read(&operation.path, rest) {
                    let weight = template::weight(&operation.path) + base.len();
                    if best.as_ref().is_none_or(|(known, _)| weight > *known) {
                        best = Some((weight, (operation, values)));
                    }
                }
            }
        }
        best.map(|(_, found)| found)
    }

    /// What a schema says, references followed.
    #[must_use]
    pub fn schema(&self, schema: &Schema) -> Option<&Value> {
        self.tree.resolve(&schema.0).map(|(_, value)| value)
    }

    /// A validator of a schema; why there is none, when its schema is beyond mending.
    pub(super) fn validator(&self, schema: &Schema) -> Result<Arc<Validator>, String> {
        let mut known = self
            .validators
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some(found) = known.get(schema) {
            return found.clone();
        }
        let registry = self.registry.get_or_init(|| {
            let tree = super::normalise::normalised(self.tree.root());
            Registry::new().add(TREE, tree).ok()?.prepare().ok()
        });
        let made = match registry {
            None => Err("the description's schemas can't be used".to_owned()),
            Some(registry) => jsonschema::options()
                .with_draft(jsonschema::Draft::Draft202012)
                .with_registry(registry)
                .build(&serde_json::json!({
                    "$ref": format!("{TREE}{}", super::pointer::as_reference(&schema.0)),
                }))
                .map(Arc::new)
                .map_err(|error| short(&error.to_string())),
        };
        known.insert(schema.clone(), made.clone());
        made
    }
}

/// The version of the specification, however it is written: `"3.0.1"`, `3.0`, `2.0`.
fn edition(main: &Value, problems: &mut Problems) -> Result<Edition, String> {
    let text = |name: &str| match main.get(name) {
        Some(Value::String(text)) => Some(text.trim().to_owned()),
        Some(Value::Number(number)) => Some(number.to_string()),
        _ => None,
    };
    if let Some(version) = text("openapi") {
        let mut numbers = version.split('.');
        return match (numbers.next(), numbers.next()) {
            (Some("3"), Some("0") | None) => Ok(Edition::V30),
            (Some("3"), Some("1")) => Ok(Edition::V31),
            (Some("3"), _) => {
                problems.note(format!(
                    "it is of version {}, newer than 3.1; what is new there is not used",
                    short(&version)
                ));
                Ok(Edition::V31)
            }
            _ => Err(format!(
                "its version is {}; 2.0, 3.0 and 3.1 are read",
                short(&version)
            )),
        };
    }
    match text("swagger") {
        Some(version) if version == "2" || version.starts_with("2.") => Ok(Edition::V2),
        Some(version) => Err(format!(
            "its version is {}; 2.0, 3.0 and 3.1 are read",
            short(&version)
        )),
        None => Err("it has neither a member `openapi` nor a member `swagger`".to_owned()),
    }
}

fn note_doubles(operations: &[Operation], problems: &mut Problems) {
    let mut seen: HashMap<&str, String> = HashMap::new();
    for operation in operations {
        let Some(id) = operation.id.as_deref() else {
            continue;
        };
        let address = operation.address();
        if let Some(first) = seen.get(id) {
            problems.note(format!(
                "the operation id {} is given to {first} and to {address}; it means the first",
                short(id)
            ));
        } else {
            seen.insert(id, address);
        }
    }
}
