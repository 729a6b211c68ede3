//! What a mapping would change of what was stored, against the one in force.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value;
use tokio::sync::mpsc;

use super::preview::{Sampled, mapping, stored};
use super::{Active, Answered, Shared, in_force};
use crate::engine::control::ControlError;
use crate::engine::workbench::{
    ChangeKind, FieldImpact, Impact, ImpactExample, ImpactRequest, ImpactUpdate,
};
use crate::mapping::{Evaluation, Mapping, MappingProblem};
use crate::model::{ConnectorId, Direction, State, Step, Transaction};
use crate::store::ListQuery;

/// How many examples of a change are told.
const MOST_EXAMPLES: usize = 5;

/// How many transactions are looked at most; more would only say the same more slowly.
const MOST_TRANSACTIONS: usize = 100_000;

/// So many transactions are read at once, and so often others have their turn.
const PAGE: usize = 100;

/// Begins to work an impact out, beside everything else. It ends when nobody listens any more.
pub(super) fn begin(
    shared: Arc<Shared>,
    request: ImpactRequest,
) -> Answered<mpsc::Receiver<ImpactUpdate>> {
    let (connector, active) = in_force(&shared, &request.connector)?;
    let other = mapping(&connector.mapping_file, &request.mapping)?
        .map_err(|problems| ControlError::Refused(crate::engine::workbench::told_all(&problems)))?;
    let (sender, receiver) = mpsc::channel(8);
    tokio::spawn(async move {
        let work = Work {
            shared: &shared,
            connector: &connector.id,
            active: &active,
            other: &other,
            sender: &sender,
        };
        let last = match work.run(&request).await {
            Ok(Some(impact)) => ImpactUpdate::Done(Box::new(impact)),
            Ok(None) => return,
            Err(error) => ImpactUpdate::Failed(error),
        };
        let _nobody_listens = sender.send(last).await;
    });
    Ok(receiver)
}

struct Work<'w> {
    shared: &'w Shared,
    connector: &'w ConnectorId,
    active: &'w Active,
    other: &'w Mapping,
    sender: &'w mpsc::Sender<ImpactUpdate>,
}

impl Work<'_> {
    /// `None` when nobody listens any more.
    async fn run(&self, request: &ImpactRequest) -> Answered<Option<Impact>> {
        let of = request.last.min(MOST_TRANSACTIONS);
        let mut tally = Tally::default();
        let mut query = ListQuery {
            connector: Some(self.connector.clone()),
            direction: request.direction,
            ..ListQuery::default()
        };
        let mut seen = 0;
        while seen < of {
            query.limit = PAGE.min(of - seen);
            let page = self.shared.store.list(query.clone()).await?;
            for transaction in &page.items {
                self.look_at(transaction, &mut tally).await?;
                if self.sender.is_closed() {
                    return Ok(None);
                }
            }
            seen += page.items.len();
            let progress = ImpactUpdate::Progress {
                looked_at: seen,
                of,
            };
            if self.sender.send(progress).await.is_err() {
                return Ok(None);
            }
            tokio::task::yield_now().await;
            match page.next {
                Some(next) => query.after = Some(next),
                None => break,
            }
        }
        Ok(Some(tally.into_impact()))
    }

    async fn look_at(&self, transaction: &Transaction, tally: &mut Tally) -> Answered<()> {
        let Some(mut sampled) = stored(self.shared, transaction).await? else {
            tally.impact.without_source += 1;
            return Ok(());
        };
        // What it created must still be creatable, though it is linked by now.
        let delivered = transaction.progress.delivered.as_ref();
        if delivered.is_some_and(|delivered| delivered.created) {
            sampled.linked = false;
        }
        let before = self.evaluate(&self.active.mapping, transaction, &sampled);
        let before = before.await?;
        let after = self.evaluate(self.other, transaction, &sampled).await?;
        tally.count(transaction, &sampled.label, &before, &after);
        Ok(())
    }

    async fn evaluate(
        &self,
        mapping: &Mapping,
        transaction: &Transaction,
        sampled: &Sampled,
    ) -> Answered<Evaluation> {
        super::preview::evaluate(
            self.shared,
            self.connector,
            mapping,
            transaction.direction,
            transaction.event,
            sampled,
        )
        .await
    }
}

/// Changes by direction, target and kind, as they are counted.
#[derive(Default)]
struct Tally {
    impact: Impact,
    fields: BTreeMap<(ChangeKind, Direction, String), FieldImpact>,
}

/// One field's change in one transaction.
struct Change {
    kind: ChangeKind,
    target: String,
    before: Option<Value>,
    after: Option<Value>,
    problem: Option<String>,
}

impl Tally {
    fn count(
        &mut self,
        transaction: &Transaction,
        label: &str,
        before: &Evaluation,
        after: &Evaluation,
    ) {
        self.impact.looked_at += 1;
        let changes = changes(before, after);
        let counter = match (before.problems.is_empty(), after.problems.is_empty()) {
            (true, true) if changes.is_empty() => &mut self.impact.unchanged,
            (true, true) => &mut self.impact.changed,
            (true, false) => &mut self.impact.broken,
            (false, true) => &mut self.impact.fixed,
            (false, false) => &mut self.impact.still_failing,
        };
        *counter += 1;
        let is_fixed = !before.problems.is_empty() && after.problems.is_empty();
        if is_fixed && died_mapping(transaction) {
            self.impact.to_retry.push(transaction.id);
        }
        for change in changes {
            let key = (change.kind, transaction.direction, change.target.clone());
            let field = self.fields.entry(key).or_insert_with(|| FieldImpact {
                direction: transaction.direction,
                target: change.target,
                change: change.kind,
                count: 0,
                examples: Vec::new(),
            });
            field.count += 1;
            if field.examples.len() < MOST_EXAMPLES {
                field.examples.push(ImpactExample {
                    transaction: transaction.id,
                    label: label.to_owned(),
                    before: change.before,
                    after: change.after,
                    problem: change.problem,
                });
            }
        }
    }

    fn into_impact(self) -> Impact {
        let mut impact = self.impact;
        impact.fields = self.fields.into_values().collect();
        // The kinds stand in the order of their gravity already.
        impact
            .fields
            .sort_by(|one, other| (one.change, other.count).cmp(&(other.change, one.count)));
        impact
    }
}

fn died_mapping(transaction: &Transaction) -> bool {
    let failed_in = transaction.failure.as_ref().map(|(step, _)| *step);
    transaction.state == State::Dead && failed_in == Some(Step::Map)
}

fn changes(before: &Evaluation, after: &Evaluation) -> Vec<Change> {
    let (old, new) = (written(before), written(after));
    let fixed = without(&before.problems, &after.problems);
    let failing = without(&after.problems, &before.problems);
    let of_problem = |kind, problem: &MappingProblem| {
        let target = problem.target.clone().unwrap_or_default();
        Change {
            kind,
            before: old.get(target.as_str()).map(|value| (*value).clone()),
            after: new.get(target.as_str()).map(|value| (*value).clone()),
            problem: Some(problem.to_string()),
            target,
        }
    };
    let mut changes: Vec<Change> = failing
        .iter()
        .map(|problem| of_problem(ChangeKind::NowFailing, problem))
        .chain(
            fixed
                .iter()
                .map(|problem| of_problem(ChangeKind::NowFixed, problem)),
        )
        .collect();
    let told: Vec<String> = changes.iter().map(|one| one.target.clone()).collect();
    let targets: std::collections::BTreeSet<&str> = old.keys().chain(new.keys()).copied().collect();
    for target in targets {
        if told.iter().any(|other| other == target) {
            continue;
        }
        let kind = match (old.get(target), new.get(target)) {
            (Some(old), Some(new)) if old == new => continue,
            (_, Some(_)) => ChangeKind::NewValue,
            (_, None) => ChangeKind::NowEmpty,
        };
        changes.push(Change {
            kind,
            target: target.to_owned(),
            before: old.get(target).map(|value| (*value).clone()),
            after: new.get(target).map(|value| (*value).clone()),
            problem: None,
        });
    }
    changes
}

/// What was written, by target; the last rule wins.
fn written(evaluation: &Evaluation) -> BTreeMap<&str, &Value> {
    let fields = evaluation.fields.iter();
    fields
        .filter_map(|field| Some((&*field.target, field.value.as_ref()?)))
        .collect()
}

/// The problems that the others don't have. Rules may have moved, so their numbers don't tell.
fn without<'p>(
    problems: &'p [MappingProblem],
    others: &[MappingProblem],
) -> Vec<&'p MappingProblem> {
    let is_known = |problem: &&MappingProblem| {
        others
            .iter()
            .any(|other| other.target == problem.target && other.reason == problem.reason)
    };
    problems
        .iter()
        .filter(|problem| !is_known(problem))
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::mapping::{FieldTrace, How};
    use crate::model::Category;

    fn evaluation(fields: &[(&str, Value)], problems: &[(&str, &str)]) -> Evaluation {
        let fields = fields.iter().map(|(target, value)| FieldTrace {
            rule: 1,
            target: (*target).into(),
            source: None,
            source_value: None,
            value: Some(value.clone()),
            how: How::Copied,
        });
        let problems = problems.iter().map(|(target, reason)| MappingProblem {
            rule: Some(1),
            target: Some((*target).to_owned()),
            category: Category::Validation,
            reason: (*reason).to_owned(),
            hint: None,
            position: None,
        });
        Evaluation {
            fields: fields.collect(),
            problems: problems.collect(),
            ..Evaluation::default()
        }
    }

    fn kinds(before: &Evaluation, after: &Evaluation) -> Vec<(ChangeKind, String)> {
        let changes = changes(before, after).into_iter();
        changes.map(|one| (one.kind, one.target)).collect()
    }

    #[test]
    fn each_field_changes_one_way() {
        let before = evaluation(
            &[("a", json!(1)), ("b", json!("x")), ("c", json!("gone"))],
            &[("city", "no value")],
        );
        let after = evaluation(
            &[
                ("a", json!(1)),
                ("b", json!("y")),
                ("d", json!(2)),
                ("city", json!("Tulsa")),
            ],
            &[("state", "no value")],
        );
        let expected = [
            (ChangeKind::NowFailing, "state"),
            (ChangeKind::NowFixed, "city"),
            (ChangeKind::NewValue, "b"),
            (ChangeKind::NowEmpty, "c"),
            (ChangeKind::NewValue, "d"),
        ];
        let expected = expected.map(|(kind, target)| (kind, target.to_owned()));
        assert_eq!(kinds(&before, &after), expected);
    }

    #[test]
    fn the_same_is_no_change_whatever_its_rule_is_called() {
        let before = evaluation(&[("a", json!(1))], &[("b", "no value")]);
        let mut after = before.clone();
        after.fields[0].rule = 2;
        after.problems[0].rule = Some(2);
        assert_eq!(kinds(&before, &after), []);
    }

    #[test]
    fn the_later_rule_decides() {
        let before = evaluation(&[("a", json!(1)), ("a", json!(2))], &[]);
        let after = evaluation(&[("a", json!(2))], &[]);
        assert_eq!(kinds(&before, &after), []);
    }
}
