#![allow(warnings)]
use crate::config::Problem;
use crate::model::*;
use serde_json::{Map, Value};
pub struct Mapping;
pub struct Rule;
impl Mapping {
    pub fn parse(
        text: &str,
        file: &str,
        dir: Option<&std::path::Path>,
    ) -> Result<Mapping, Vec<Problem>> {
        todo!()
    }
    pub fn version(&self) -> &MappingVersion {
        todo!()
    }
    pub fn listens_to(&self, e: EventName) -> bool {
        todo!()
    }
    pub fn has_imports(&self) -> bool {
        todo!()
    }
}
#[derive(Clone)]
pub struct Limits;
impl Limits {
    pub fn from_settings(s: &crate::config::JsonnetSettings) -> Self {
        todo!()
    }
    pub fn for_preview(&self) -> Self {
        todo!()
    }
}
#[derive(Clone)]
pub struct WorkerProgram;
pub struct Evaluator;
impl Evaluator {
    pub fn new(l: Limits, p: WorkerProgram) -> Self {
        todo!()
    }
    pub async fn evaluate(&self, m: &Mapping, e: Evaluate<'_>) -> Evaluation {
        todo!()
    }
}
pub enum Required {
    Create,
    Update,
}
pub struct Evaluate<'a> {
    pub direction: Direction,
    pub event: Option<EventName>,
    pub input: &'a Value,
    pub target: Option<&'a Catalogue>,
    pub required: Required,
}
pub struct FieldTrace {
    pub rule: usize,
    pub action: &'static str,
    pub target: String,
    pub source: Option<String>,
    pub read: Option<Value>,
    pub written: Option<Value>,
    pub how: String,
}
pub struct MappingProblem {
    pub rule: Option<usize>,
    pub category: Category,
}
impl std::fmt::Display for MappingProblem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        todo!()
    }
}
pub struct Evaluation {
    pub output: Map<String, Value>,
    pub fields: Vec<FieldTrace>,
    pub problems: Vec<MappingProblem>,
    pub warnings: Vec<String>,
    pub trace: Vec<String>,
}
pub fn flatten(m: &Map<String, Value>) -> Vec<(String, Value)> {
    todo!()
}
pub mod path {
    use super::*;
    pub struct Path;
    #[derive(Debug)]
    pub struct E;
    impl Path {
        pub fn parse(t: &str) -> Result<Path, E> {
            todo!()
        }
        pub fn read<'v>(&self, v: &'v Value) -> Option<std::borrow::Cow<'v, Value>> {
            todo!()
        }
        pub fn write(&self, m: &mut Map<String, Value>, v: Value) -> Result<(), E> {
            todo!()
        }
    }
}
