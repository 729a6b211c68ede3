//! The mapping workbench on an engine with real traffic: what an edited mapping would change, publishing it, going
//! back, and keeping a transaction as a regression case.

use std::collections::BTreeSet;
use std::time::Duration;

use fieldbridge::engine::{
    ChangeKind, Control, ControlError, Impact, ImpactRequest, ImpactUpdate, MappingDraft,
    PreviewRequest, Publish, RecordCase, RollBack, Sample, SaveDraft, Workbench,
};
use fieldbridge::mapping::{CASES_ENDING, Case, Evaluator, Limits, Mapping, WorkerProgram};
use fieldbridge::model::{Catalogue, Direction, PicklistValue, PlatformKind, State, Transaction};
use fieldbridge::sandbox::{Fault, FaultKind};
use fieldbridge::store::{ListQuery, PersonCommand, PersonMove};
use uuid::Uuid;

use crate::rig::Rig;

/// A rule that fails on every ticket, as somebody may well write one.
const BROKEN: &str = r#"
[[inbound]]
action = "array_map"
source = "priority"
target = "location.display_name"
no_match = "error"
mappings = [{ compare = "nobody has this", value = "x" }]
"#;

const MENDED: &str = r#"
[[inbound]]
action = "set_static"
target = "location.display_name"
value = "Front desk"
"#;

async fn publish(rig: &Rig, text: &str) -> Result<(), ControlError> {
    let bench = rig.engine.bench(&rig.id).await.unwrap();
    let publish = Publish {
        text: text.to_owned(),
        base: bench.version,
        note: Some("trying".to_owned()),
    };
    rig.engine
        .publish(&rig.id, publish, "maria")
        .await
        .map(drop)
}

async fn impact(rig: &Rig, text: &str) -> Impact {
    let request = ImpactRequest {
        connector: rig.id.clone(),
        mapping: MappingDraft::Text(text.to_owned()),
        last: 100,
        direction: None,
    };
    let mut updates = rig.engine.impact(request).await.unwrap();
    let mut progress = 0;
    loop {
        match updates.recv().await.unwrap() {
            ImpactUpdate::Progress { looked_at, of } => {
                assert!(looked_at >= progress && looked_at <= of);
                progress = looked_at;
            }
            ImpactUpdate::Done(impact) => return *impact,
            ImpactUpdate::Failed(error) => panic!("{error}"),
        }
    }
}

async fn transactions(rig: &Rig, state: State) -> Vec<Transaction> {
    let query = ListQuery {
        connector: Some(rig.id.clone()),
        states: vec![state],
        limit: 100,
        ..ListQuery::default()
    };
    rig.store.list(query).await.unwrap().items
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broken_mapping_is_mended_published_and_its_dead_are_retried() {
    let rig = Rig::start(PlatformKind::Freshdesk).await;
    let good = std::fs::read_to_string(rig.mapping_file()).unwrap();
    let ticket = rig.dispatch(1);
    rig.work_order_of(ticket).await;
    rig.until_quiet().await;

    let broken = format!("{good}{BROKEN}");
    let found = impact(&rig, &broken).await;
    assert_eq!((found.fixed, found.unchanged > 0), (0, true), "{found:?}");
    assert!(found.broken > 0, "{found:?}");
    let first = &found.fields[0];
    assert_eq!(first.change, ChangeKind::NowFailing);
    assert_eq!(first.target, "location.display_name");
    publish(&rig, &broken).await.unwrap();
    assert_eq!(std::fs::read_to_string(rig.mapping_file()).unwrap(), broken);
    let dead: Vec<u64> = (2..=3).map(|number| rig.dispatch(number)).collect();
    rig.until_quiet().await;
    let died: BTreeSet<_> = transactions(&rig, State::Dead)
        .await
        .iter()
        .map(|transaction| transaction.id)
        .collect();
    assert!(died.len() >= 2, "{}", rig.failures().await);

    let mended = format!("{good}{MENDED}");
    let found = impact(&rig, &mended).await;
    assert!(found.fixed > died.len(), "what was done is mended too");
    assert_eq!(found.broken, 0, "{found:?}");
    let to_retry: BTreeSet<_> = found.to_retry.iter().copied().collect();
    assert_eq!(to_retry, died, "what is done is not retried");
    publish(&rig, &mended).await.unwrap();
    for transaction in found.to_retry {
        let command = PersonCommand {
            id: Uuid::now_v7(),
            by: "maria".to_owned(),
            at: rig.engine.overview().await.unwrap().engine.now,
            transaction,
            seen: None,
            action: PersonMove::Retry,
        };
        rig.engine.command(command).await.unwrap();
    }
    for ticket in dead {
        let order = rig.work_order_of(ticket).await;
        let order = rig.sandbox.field_nation.work_order(order).unwrap();
        assert_eq!(order["location"]["display_name"], "Front desk");
    }
    rig.until_quiet().await;
    assert_eq!(rig.count(State::Dead).await, 0, "{}", rig.failures().await);

    let history = rig.engine.mapping_history(&rig.id).await.unwrap();
    let by: Vec<_> = history.iter().map(|entry| entry.by.as_deref()).collect();
    assert_eq!(by, [Some("maria"), Some("maria"), None]);
    let back = RollBack {
        to: history[2].version.clone(),
        seen: history[0].version.clone(),
    };
    rig.engine
        .roll_back(&rig.id, back.clone(), "paul")
        .await
        .unwrap();
    assert_eq!(std::fs::read_to_string(rig.mapping_file()).unwrap(), good);
    let again = rig.engine.roll_back(&rig.id, back, "paul").await;
    let again = again.unwrap_err();
    assert!(
        matches!(&again, ControlError::Stale(why) if why.contains("paul published it")),
        "{again}"
    );
    rig.stop().await;
}

/// What Field Nation alone knows to refuse is seen before it is published.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_impact_knows_what_field_nation_has_no_field_for() {
    let rig = Rig::start(PlatformKind::Freshdesk).await;
    let ticket = rig.dispatch(1);
    rig.work_order_of(ticket).await;
    rig.until_quiet().await;
    let good = std::fs::read_to_string(rig.mapping_file()).unwrap();
    let other = MENDED.replace("display_name", "notes");
    let found = impact(&rig, &format!("{good}{other}")).await;
    assert!(found.broken > 0, "{found:?}");
    let problem = found.fields[0].examples[0].problem.as_deref().unwrap();
    assert!(problem.contains("there is no field `notes`"), "{problem}");
    rig.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_no_mapping_is_refused_with_every_place_and_changes_nothing() {
    let rig = Rig::start(PlatformKind::Freshdesk).await;
    let good = std::fs::read_to_string(rig.mapping_file()).unwrap();
    let before = rig.engine.bench(&rig.id).await.unwrap();
    for (broken, expected) in [
        ("[[inbound]]\naction = \"snyc\"\n", "did you mean"),
        (
            "[[inbound]]\naction = \"custom\"\ntarget = \"title\"\nscript = \"{ a: \"\n",
            "rule 1",
        ),
        ("[[inbound]\n", ":1:"),
    ] {
        let refused = publish(&rig, broken).await.unwrap_err().to_string();
        assert!(refused.contains(expected), "{refused}");
    }
    assert_eq!(std::fs::read_to_string(rig.mapping_file()).unwrap(), good);
    let after = rig.engine.bench(&rig.id).await.unwrap();
    assert_eq!(after.version, before.version);

    let preview = PreviewRequest {
        connector: rig.id.clone(),
        direction: Direction::Inbound,
        event: None,
        sample: Sample::Source(serde_json::json!({"subject": "AP down"})),
        mapping: MappingDraft::Text("[[inbound]]\naction = \"snyc\"\n".to_owned()),
    };
    let preview = rig.engine.preview(preview).await.unwrap();
    assert!(preview.is_unreadable(), "{preview:?}");
    assert_eq!(preview.findings[0].position.line, 2);
    rig.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_draft_is_kept_until_it_is_published() {
    let rig = Rig::start(PlatformKind::Freshdesk).await;
    let bench = rig.engine.bench(&rig.id).await.unwrap();
    let text = format!("{}{MENDED}", bench.text);
    let save = |text: &str, seen| SaveDraft {
        text: text.to_owned(),
        base: bench.version.clone(),
        seen,
    };
    let draft = rig.engine.save_draft(&rig.id, save(&text, None), "maria");
    let draft = draft.await.unwrap();
    let stale = rig.engine.save_draft(&rig.id, save("", None), "paul").await;
    let stale = stale.unwrap_err();
    assert!(
        matches!(&stale, ControlError::Stale(why) if why.contains("maria")),
        "{stale}"
    );
    let now = rig.engine.bench(&rig.id).await.unwrap();
    assert_eq!(now.draft.as_ref(), Some(&draft));
    assert_eq!(now.version, bench.version, "a draft is not in force");
    publish(&rig, &text).await.unwrap();
    let now = rig.engine.bench(&rig.id).await.unwrap();
    assert_eq!(now.draft, None);
    assert_ne!(now.version, bench.version);
    rig.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_transaction_becomes_a_case_that_stands_by_itself() {
    let rig = Rig::start(PlatformKind::Freshdesk).await;
    let ticket = rig.dispatch(1);
    rig.work_order_of(ticket).await;
    rig.until_quiet().await;
    let done = transactions(&rig, State::Done).await;
    let inbound = done
        .iter()
        .find(|one| one.direction == Direction::Inbound)
        .unwrap();
    let record = RecordCase {
        transaction: inbound.id,
        name: Some("a plain case".to_owned()),
    };
    let recorded = rig.engine.record_case(record, "maria").await.unwrap();
    let home = rig.mapping_file().with_extension(CASES_ENDING);
    assert_eq!(recorded.file, home.join("a-plain-case.json"));
    assert!(!recorded.masked.is_empty());
    let text = std::fs::read_to_string(&recorded.file).unwrap();
    let case: Case = serde_json::from_str(&text).unwrap();
    let mapping = std::fs::read_to_string(rig.mapping_file()).unwrap();
    let mapping = Mapping::parse(&mapping, "one.toml", None).unwrap();
    let program = WorkerProgram::at(env!("CARGO_BIN_EXE_fieldbridge"));
    let evaluator = Evaluator::new(Limits::default(), program);
    assert_eq!(case.run(&mapping, &evaluator).await, []);
    let other = Mapping::parse(MENDED, "one.toml", None).unwrap();
    assert!(!case.run(&other, &evaluator).await.is_empty());
    rig.stop().await;
}

/// The vendor's admin takes a value away that the mapping looks for.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_value_that_is_no_longer_there_is_told_on_the_connector() {
    let rig = Rig::start(PlatformKind::Freshdesk).await;
    rig.engine.refresh_fields(&rig.id).await.unwrap();
    let known = rig.store.catalogue(&rig.id, Direction::Outbound).await;
    let mut before = Catalogue::clone(&known.unwrap().unwrap());
    let field = before
        .fields
        .iter_mut()
        .find(|field| !field.picklist.is_empty())
        .unwrap();
    let path = field.path.clone();
    field.picklist.push(PicklistValue {
        value: "99".to_owned(),
        label: "Dispatch to FN".to_owned(),
    });
    let put = rig
        .store
        .put_catalogue(&rig.id, Direction::Outbound, before);
    put.await.unwrap();
    let good = std::fs::read_to_string(rig.mapping_file()).unwrap();
    let rule = format!(
        "\n[[inbound]]\naction = \"array_map\"\nsource = \"{path}\"\ntarget = \"title\"\n\
         mappings = [{{ compare = 99, value = \"x\" }}]\n"
    );
    publish(&rig, &format!("{good}{rule}")).await.unwrap();
    let told = async || {
        let overview = rig.engine.overview().await.unwrap();
        let warnings = overview.connectors[0].warnings.iter();
        let about = warnings.filter(|warning| warning.what.contains(&path));
        about.map(ToString::to_string).collect::<Vec<_>>()
    };
    let before = told().await;
    rig.engine.refresh_fields(&rig.id).await.unwrap();
    let after = told().await;
    assert_eq!(after.len(), before.len() + 1, "{before:?} {after:?}");
    let new = after.iter().find(|one| one.contains("99")).unwrap();
    assert!(new.contains("so since the fields were read at"), "{new}");
    rig.stop().await;
}

/// Somebody saves the file by hand in the moment in which somebody else publishes.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_just_written_by_hand_is_not_overwritten() {
    let rig = Rig::start(PlatformKind::Freshdesk).await;
    let good = std::fs::read_to_string(rig.mapping_file()).unwrap();
    let by_hand = format!("{good}# by hand\n");
    std::fs::write(rig.mapping_file(), &by_hand).unwrap();
    let refused = publish(&rig, &format!("{good}{MENDED}")).await.unwrap_err();
    assert!(
        matches!(&refused, ControlError::Stale(why) if why.contains("written by hand just now")),
        "{refused}"
    );
    assert_eq!(
        std::fs::read_to_string(rig.mapping_file()).unwrap(),
        by_hand
    );
    rig.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_workbench_starts_from_the_template_record() {
    let rig = Rig::start(PlatformKind::ConnectWise).await;
    let bench = rig.engine.bench(&rig.id).await.unwrap();
    let template = bench.template.expect("the stand-in's settings name one");
    let request = |sample| PreviewRequest {
        connector: rig.id.clone(),
        direction: Direction::Inbound,
        event: None,
        sample,
        mapping: MappingDraft::Current,
    };
    let record = || Sample::Record(template.clone());
    let preview = rig.engine.preview(request(record())).await.unwrap();
    assert!(!preview.output.is_empty(), "{preview:?}");
    // What was fetched once is tried again without a call.
    let broken = Fault::lasting(
        FaultKind::ServerError { status: 500 },
        Duration::from_secs(60),
    );
    rig.desk().faults().push(broken);
    assert!(rig.engine.preview(request(record())).await.is_err());
    let fetched = Sample::Fetched {
        record: template.clone(),
        label: preview.label.clone(),
        source: preview.source.clone(),
    };
    let again = rig.engine.preview(request(fetched)).await.unwrap();
    assert_eq!(again, preview);
    rig.stop().await;
}
