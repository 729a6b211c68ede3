//! The map step, the same in both directions.

use serde_json::{Map, Value};

use super::attempt::{Attempt, Stepped};
use super::changes::Targets;
use crate::mapping::{Evaluate, Evaluation, FieldTrace, Required};
use crate::model::{Catalogue, Failure, PayloadKind, Step};

/// What the mapping made.
pub(super) struct Mapped {
    /// The output, nested.
    pub output: Map<String, Value>,
    /// The same by target path.
    pub targets: Targets,
    /// Which source path each target was read from, where it was one.
    pub sources: Vec<(String, String)>,
}

/// Maps a source with the mapping in force, or takes the output that a replay brought along.
pub(super) async fn map(
    attempt: &mut Attempt,
    input: &Value,
    target: Option<&Catalogue>,
    require: Required,
) -> Stepped<Mapped> {
    let running = attempt.begin(Step::Map);
    if let Some(given) = given_output(attempt).await? {
        return attempt.end(running, Ok(given), |_| "output given".into());
    }
    let mapping = attempt.active.mapping.clone();
    let evaluate = Evaluate {
        direction: attempt.transaction.direction,
        event: attempt.transaction.event,
        input,
        target,
        require,
    };
    let evaluation = attempt.shared.evaluator.evaluate(&mapping, evaluate).await;
    let result = mapped(evaluation);
    let mapped = attempt.end(running, result, |mapped| {
        format!("{} fields", mapped.targets.len())
    })?;
    attempt.keep(PayloadKind::Output, &Value::Object(mapped.output.clone()));
    attempt.progress.mapped = Some(mapping.version().clone());
    Ok(mapped)
}

fn mapped(evaluation: Evaluation) -> Result<Mapped, Failure> {
    if let Some(failure) = evaluation.failure() {
        return Err(failure);
    }
    let written = |field: &FieldTrace| Some((field.target.to_string(), field.value.clone()?));
    let read =
        |field: &FieldTrace| Some((field.target.to_string(), field.source.as_ref()?.to_string()));
    Ok(Mapped {
        targets: evaluation.fields.iter().filter_map(written).collect(),
        sources: evaluation.fields.iter().filter_map(read).collect(),
        output: evaluation.output,
    })
}

async fn given_output(attempt: &Attempt) -> Stepped<Option<Mapped>> {
    if attempt.transaction.replays.is_none() || attempt.progress.mapped.is_none() {
        return Ok(None);
    }
    let Some(Value::Object(output)) = attempt.kept(PayloadKind::Output).await? else {
        return Ok(None);
    };
    Ok(Some(Mapped {
        targets: crate::mapping::flatten(&output).into_iter().collect(),
        sources: Vec::new(),
        output,
    }))
}
