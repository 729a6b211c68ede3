//! The interpreter with the scripts of the mappings it last met, in the worker.

use std::collections::HashMap;
use std::sync::Arc;

use futures_util::FutureExt;
use jrsonnet_evaluator::async_import::{AsyncImportResolver, ResolvedImportResolver, async_import};
use jrsonnet_evaluator::tla::TlaArg;
use jrsonnet_evaluator::trace::PathResolver;
use jrsonnet_evaluator::{
    AsPathLike, Error, IStr, ObjValueBuilder, ResolvePath, SourcePath, SourceVirtual, State, Val,
    apply_tla,
};
use serde_json::Value;

use super::explain::{Blamed, explain};
use super::journal::{self, Mark};
use super::natives::natives;
use super::{Fault, Outcome, Task, input, output};
use crate::mapping::rule::WORK_ORDER;
use crate::mapping::script::ScriptSet;
use crate::mapping::value::{is_empty, kind_word};
use crate::model::Direction;

/// The interpreter's names of imported files begin so; scripts are called by their own names.
pub(super) const FILE_PREFIX: &str = "file/";

/// The helper library's name.
pub(super) const UTIL: &str = "util";

/// How many mappings' scripts are kept ready.
const MOST_KEPT: usize = 8;

/// The interpreter.
#[derive(Default)]
pub(super) struct Interpreter {
    /// The most recently used last.
    kept: Vec<Kept>,
}

/// A mapping's scripts, ready.
struct Kept {
    key: String,
    /// Holds what was read and what imports gave; dropped with the mapping.
    state: State,
    util: Result<Val, Fault>,
    scripts: Vec<Result<Val, Fault>>,
    /// The scripts' texts, to find in them what an error means.
    texts: Vec<Arc<str>>,
}

/// What scripts are evaluated on.
struct Record<'r> {
    value: Val,
    json: &'r [u8],
    direction: Direction,
}

impl Interpreter {
    /// Reads and keeps the scripts of a set.
    pub(super) fn prepare(&mut self, set: ScriptSet, except: &[usize]) -> Vec<(usize, Fault)> {
        self.kept.retain(|kept| kept.key != set.key);
        if self.kept.len() >= MOST_KEPT {
            self.kept.remove(0);
        }
        let kept = Kept::new(set, except);
        let faults = kept.scripts.iter().enumerate();
        let faults = faults
            .filter_map(|(index, script)| Some((index, script.as_ref().err()?.clone())))
            .collect();
        self.kept.push(kept);
        faults
    }

    /// Evaluates tasks on a record; `None` when the set is not kept.
    pub(super) fn run(
        &mut self,
        key: &str,
        direction: Direction,
        tasks: &[Task],
        record: &[u8],
    ) -> Option<Vec<Outcome>> {
        let position = self.kept.iter().position(|kept| kept.key == key)?;
        let kept = self.kept.remove(position);
        self.kept.push(kept);
        let kept = self.kept.last()?;
        let _entered = kept.state.try_enter();
        let value = match input::read(record) {
            Ok(value) => with_work_order(value, direction),
            Err(error) => {
                let fault = Fault::new(format!("the record can't be read: {error}"));
                let outcome = || Outcome::Failed(fault.clone());
                return Some(tasks.iter().map(|_| outcome()).collect());
            }
        };
        let record = Record {
            value,
            json: record,
            direction,
        };
        let outcomes = tasks.iter().enumerate();
        Some(
            outcomes
                .map(|(index, task)| kept.task(index, *task, &record))
                .collect(),
        )
    }
}

impl Kept {
    fn new(set: ScriptSet, except: &[usize]) -> Self {
        let context = jrsonnet_stdlib::ContextInitializer::new(PathResolver::FileName);
        for (name, native) in natives() {
            context.add_native(name, native);
        }
        let mut builder = State::builder();
        builder
            .import_resolver(ResolvedImportResolver::new())
            .context_initializer(context);
        let state = builder.build();
        let entered = state.try_enter();
        let library = Library { set: &set };
        let util = library.load(&state, UTIL);
        let scripts = set.scripts.iter().enumerate().map(|(index, script)| {
            if except.contains(&index) {
                return Err(Fault::new(
                    "not read again, as it ended the last worker that read it",
                ));
            }
            // Without the mark, a crash would not be attributed; the script is read all the same.
            let _ = journal::mark(Mark::Prepare(index));
            library.load(&state, &script.name)
        });
        let scripts = scripts.collect();
        drop(entered);
        Self {
            key: set.key,
            state,
            util,
            scripts,
            texts: set.scripts.into_iter().map(|script| script.text).collect(),
        }
    }

    fn task(&self, index: usize, task: Task, record: &Record<'_>) -> Outcome {
        if let Some(when) = task.when {
            match self.evaluate(Mark::When(index), when, record) {
                Ok(Value::Bool(true)) => {}
                Ok(value) if value == Value::Bool(false) || is_empty(&value) => {
                    return Outcome::WhenFalse;
                }
                Ok(value) => {
                    let what = format!(
                        "`when` must give true or false, and gave {}",
                        kind_word(&value)
                    );
                    return Outcome::WhenFailed(Fault::new(what));
                }
                Err(fault) => return Outcome::WhenFailed(fault),
            }
        }
        match task.script {
            None => Outcome::WhenTrue,
            Some(script) => match self.evaluate(Mark::Script(index), script, record) {
                Ok(value) => Outcome::Value(value),
                Err(fault) => Outcome::Failed(fault),
            },
        }
    }

    fn evaluate(&self, mark: Mark, script: usize, record: &Record<'_>) -> Result<Value, Fault> {
        let missing = || Err(Fault::new("the script is not in the set"));
        let function = self.scripts.get(script).cloned().unwrap_or_else(missing)?;
        // Without a journal only the trace is poorer.
        let _ = journal::mark(mark);
        // An interned text's hash does not depend on what in it can change, its reference count.
        #[expect(clippy::mutable_key_type)]
        let mut arguments: HashMap<IStr, TlaArg> = HashMap::with_capacity(2);
        arguments.insert("input".into(), TlaArg::Val(record.value.clone()));
        arguments.insert("util".into(), TlaArg::Val(self.util.clone()?));
        apply_tla(&arguments, function)
            .and_then(|value| output::to_json(&value))
            .map_err(|error| {
                explain(&error).blamed(&Blamed {
                    error: &error,
                    script: self.texts.get(script).map_or("", |text| text),
                    record: record.json,
                    direction: record.direction,
                })
            })
    }
}

/// An outbound record shows the work order both bare and as `workorder`, as the hosted broker's examples use both.
fn with_work_order(record: Val, direction: Direction) -> Val {
    let Val::Obj(object) = &record else {
        return record;
    };
    if direction == Direction::Inbound {
        return record;
    }
    match object.get(WORK_ORDER.into()) {
        Ok(Some(Val::Obj(work_order))) => Val::Obj(object.extend_from(work_order)),
        Ok(None) => {
            let mut member = ObjValueBuilder::with_capacity(1);
            member.with_super(object.clone());
            member.field(WORK_ORDER).hide().value(record.clone());
            Val::Obj(member.build())
        }
        _ => record,
    }
}

/// The texts that a set may load, and nothing else.
struct Library<'s> {
    set: &'s ScriptSet,
}

impl Library<'_> {
    /// Loads a script, or the helper library, with all that it imports.
    fn load(&self, state: &State, name: &str) -> Result<Val, Fault> {
        // Nothing in it ever waits: all texts are at hand.
        let imported = async_import(state.clone(), self, &name).now_or_never();
        let source = imported
            .unwrap_or_else(|| Err("loading does not end".to_owned()))
            .map_err(Fault::new)?;
        state
            .import_resolved(source)
            .map_err(|error: Error| explain(&error))
    }
}

impl AsyncImportResolver for &Library<'_> {
    type Error = String;

    async fn resolve_from(
        &self,
        from: &SourcePath,
        import: &dyn AsPathLike,
    ) -> Result<SourcePath, String> {
        let import = text_of(import);
        if from.downcast_ref::<SourceVirtual>().is_none() {
            return Ok(virtual_path(&import));
        }
        let importer = self
            .linked_name(from)
            .ok_or_else(|| format!("`{import}` can't be imported"))?;
        let link = self
            .set
            .links
            .iter()
            .find(|link| link.from == importer && link.import == import);
        match link {
            Some(link) => Ok(virtual_path(&format!("{FILE_PREFIX}{}", link.name))),
            None => Err(format!(
                "`{import}` can't be imported: it is no file beside the mapping"
            )),
        }
    }

    async fn load_file_contents(&self, path: &SourcePath) -> Result<Vec<u8>, String> {
        let name = virtual_name(path).unwrap_or_default();
        if name == UTIL {
            return Ok(include_bytes!("util.libsonnet").to_vec());
        }
        if let Some(file) = name.strip_prefix(FILE_PREFIX) {
            let text = self
                .set
                .files
                .get(file)
                .ok_or_else(|| format!("`{file}` is not there"))?;
            return Ok(text.as_bytes().to_vec());
        }
        let script = self.set.scripts.iter().find(|script| script.name == name);
        script
            .map(|script| wrapped(&script.text))
            .ok_or_else(|| format!("`{name}` is not there"))
    }
}

impl Library<'_> {
    /// The name by which the links know an importing file.
    fn linked_name(&self, path: &SourcePath) -> Option<String> {
        let name = virtual_name(path)?;
        if let Some(file) = name.strip_prefix(FILE_PREFIX) {
            return Some(file.to_owned());
        }
        self.set
            .scripts
            .iter()
            .find(|script| script.name == name)
            .map(|script| script.from.clone())
    }
}

/// `$` is an object with `input` and `util`. The script begins on the second line, its columns are its own.
fn wrapped(script: &Arc<str>) -> Vec<u8> {
    format!(
        "function(input, util) {{ input:: input, util:: util, result:: (\n{script}\n) }}.result"
    )
    .into_bytes()
}

fn virtual_path(name: &str) -> SourcePath {
    SourcePath::new(SourceVirtual(name.into()))
}

pub(super) fn virtual_name(path: &SourcePath) -> Option<String> {
    path.downcast_ref::<SourceVirtual>()
        .map(|source| source.0.to_string())
}

fn text_of(path: &dyn AsPathLike) -> String {
    match path.as_path() {
        ResolvePath::Str(text) => text.to_owned(),
        ResolvePath::Path(path) => path.to_string_lossy().into_owned(),
    }
}
