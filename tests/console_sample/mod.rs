//! Fixed sample data and a fixed clock for tests and benches of the console.

#![allow(dead_code, reason = "each test crate uses its own part of the samples")]

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use fieldbridge::api::Role;
use fieldbridge::config::Problem;
use fieldbridge::console::theme::{Depth, Theme};
use fieldbridge::console::workbench::{Answer, Ask};
use fieldbridge::console::{
    App, ConsoleSettings, Effect, Feed, Identity, Message, message::Previewed, update,
};
use fieldbridge::engine::{
    Bench, BreakerView, ChangeKind, ConnectorState, ConnectorView, EngineView, FieldImpact,
    FieldNationView, Flow, Impact, ImpactExample, MappingDraft, Overview, PreviewField,
    PreviewRequest, PreviewResult, QueueKind, QueueView, SaveDraft, TransactionDetail,
};
use fieldbridge::http::QuotaView;
use fieldbridge::mapping::Mapping;
use fieldbridge::model::{
    Catalogue, Category, ConnectorId, Direction, Exchange, Failure, Field, FieldKind, Fingerprint,
    JournalEntry, MappingVersion, Origin, PayloadKind, PicklistValue, PlatformKind, Priority,
    Progress, RecordId, State, Step, StepOutcome, Timestamp, Transaction, TransactionId,
};
use fieldbridge::store::{CountsOf, Draft, FailureGroup, Hold, MappingEntry, Page};
use serde_json::json;

pub fn now() -> Timestamp {
    at("14:02:11")
}

pub fn at(time: &str) -> Timestamp {
    format!("2026-07-22T{time}Z").parse().unwrap()
}

pub fn connector_id(text: &str) -> ConnectorId {
    ConnectorId::new(text).unwrap()
}

pub fn transaction_id(number: u128) -> TransactionId {
    TransactionId::from_u128(0x0193_0000_0000_7000_8000_0000_0000_0000 + number)
}

fn flow(values: &[u32]) -> Flow {
    Flow {
        per_minute: values.to_vec(),
    }
}

fn connector(id: &str, name: &str, platform: PlatformKind) -> ConnectorView {
    ConnectorView {
        id: connector_id(id),
        name: name.to_owned(),
        platform,
        state: ConnectorState::Live,
        hold: None,
        next_probe_at: None,
        breaker: BreakerView::Closed,
        inbound: CountsOf([1, 2, 0, 0, 3, 400, 20, 1]),
        outbound: CountsOf([0, 0, 1, 0, 0, 12_345, 5, 0]),
        inbound_flow: flow(&[2, 4, 9, 31]),
        outbound_flow: flow(&[1, 5, 18, 18]),
        last_success_at: Some(at("14:02:09")),
        quota: vec![QuotaView {
            name: "calls a minute".to_owned(),
            limit: 100,
            left: 87,
            blocked_for: None,
        }],
        problems: Vec::new(),
        warnings: Vec::new(),
        mapping: Some(MappingVersion::new("3f9a01c2")),
        outbound_create: false,
    }
}

pub fn group(
    connector: &str,
    step: Step,
    cause: &str,
    count: u64,
    rule: Option<usize>,
) -> FailureGroup {
    let mut failure = Failure::new(Category::Transformation, cause);
    failure.rule = rule;
    let connector = connector_id(connector);
    FailureGroup {
        fingerprint: Fingerprint::of(&connector, step, &failure),
        connector,
        step,
        category: failure.category,
        cause: cause.to_owned(),
        rule,
        count,
        last_at: at("14:01:00"),
        latest: transaction_id(u128::from(count)),
    }
}

pub fn transaction(number: u128, state: State) -> Transaction {
    let cause = "no value for required location.state";
    let failure = Failure::new(Category::Transformation, cause)
        .hint("Give rule 7 a default, or complete the site and fetch again.")
        .at_rule(7);
    Transaction {
        id: transaction_id(number),
        connector: connector_id("cw-main"),
        direction: Direction::Inbound,
        origin: Origin::Trigger,
        priority: Priority::Live,
        state,
        record: Some(RecordId::new((48_200 + number).to_string())),
        work_order: None,
        event: None,
        label: Some("AP down, floor 2".to_owned()),
        received_at: at("14:01:07"),
        updated_at: at("14:01:08"),
        due_at: None,
        attempts: 1,
        joined: 0,
        progress: Progress::default(),
        lease: None,
        failure: (state == State::Dead).then_some((Step::Map, failure)),
        skipped: None,
        discarded: None,
        replays: None,
        revision: 3,
        changed_by: None,
    }
}

fn queue(kind: QueueKind, depth: u64) -> QueueView {
    QueueView {
        kind,
        by_connector: [(connector_id("cw-main"), depth)].into(),
        depth,
        history: vec![0, 1, 3, 2, depth],
        oldest: Some(Duration::from_millis(400)),
        next_due_at: (kind == QueueKind::Retry).then(|| at("14:02:39")),
    }
}

pub fn overview() -> Overview {
    let mut held = connector("sn-emea", "ServiceNow EMEA", PlatformKind::ServiceNow);
    held.state = ConnectorState::Held;
    held.hold = Some(Hold {
        since: at("13:40:00"),
        failure: Some(Failure::new(
            Category::Authentication,
            "credentials refused",
        )),
        by: None,
    });
    held.next_probe_at = Some(at("14:02:35"));
    held.last_success_at = Some(at("13:40:00"));
    let mut failing = connector("sf-cases", "Salesforce cases", PlatformKind::Salesforce);
    failing.state = ConnectorState::Failing;
    failing.breaker = BreakerView::HalfOpen;
    let mut broken = connector("fd-support", "Freshdesk", PlatformKind::Freshdesk);
    broken.problems = vec![Problem::new(
        std::path::Path::new("mappings/fd-support.toml"),
        "rule 3 has no target",
        "name a work order field",
    )];
    Overview {
        engine: EngineView {
            name: "prod-east".to_owned(),
            version: "0.1.0".to_owned(),
            pid: 4242,
            started_at: "2026-07-10T09:00:00Z".parse().unwrap(),
            now: now(),
            accepting: true,
            workers: 16,
            listening_on: "127.0.0.1:8480".to_owned(),
            inbound: flow(&[10, 20, 30, 41]),
            outbound: flow(&[5, 9, 30, 27]),
            field_nation: FieldNationView::default(),
            problems: Vec::new(),
        },
        connectors: vec![
            connector("cw-main", "ConnectWise", PlatformKind::ConnectWise),
            broken,
            failing,
            held,
        ],
        queues: vec![
            queue(QueueKind::Inbound, 4),
            queue(QueueKind::Outbound, 0),
            queue(QueueKind::Processing, 6),
            queue(QueueKind::Retry, 3),
            queue(QueueKind::Held, 12),
            queue(QueueKind::Dead, 7),
        ],
        groups: vec![
            group(
                "cw-main",
                Step::Map,
                "no value for required location.state",
                12,
                Some(7),
            ),
            group(
                "sf-cases",
                Step::Deliver,
                "422 pay.base.amount must be above 0",
                4,
                None,
            ),
            group(
                "sn-emea",
                Step::Fetch,
                "401 after refresh: user locked?",
                2,
                None,
            ),
            group(
                "fd-support",
                Step::Map,
                "Jsonnet: null has no field city",
                1,
                Some(11),
            ),
        ],
        failed: vec![transaction(12, State::Dead)],
    }
}

pub fn detail(number: u128, state: State) -> TransactionDetail {
    let row = transaction(number, state);
    let entry = |step, outcome, detail: &str, elapsed_us, exchanges| JournalEntry {
        at: at("14:01:07"),
        attempt: 1,
        step,
        outcome,
        detail: detail.to_owned(),
        elapsed_us,
        exchanges,
    };
    let exchange = Exchange {
        method: "GET".to_owned(),
        url: "https://cw.example/v4_6_release/apis/3.0/service/tickets/48212".to_owned(),
        request_headers: vec![("authorization".to_owned(), "***".to_owned())],
        request_body: None,
        status: Some(200),
        response_headers: vec![("content-type".to_owned(), "application/json".to_owned())],
        response_body: Some(r#"{"id":48212,"summary":"AP down, floor 2"}"#.to_owned()),
        error: None,
        elapsed_us: 212_000,
    };
    let failure = row.failure.clone().map(|(_, failure)| failure);
    let mapped = failure.map_or(StepOutcome::Done, |failure| StepOutcome::Failed { failure });
    TransactionDetail {
        transaction: row,
        journal: vec![
            entry(
                Step::Fetch,
                StepOutcome::Done,
                "GET ticket, site, company",
                212_000,
                vec![exchange],
            ),
            entry(
                Step::Filter,
                StepOutcome::Done,
                "status matches",
                40,
                Vec::new(),
            ),
            entry(Step::Map, mapped, "1 of 14 rules failed", 1_200, Vec::new()),
        ],
        payloads: vec![(PayloadKind::Source, 230), (PayloadKind::Output, 90)],
        correlation: None,
        record_url: Some("https://cw.example/ticket/48212".to_owned()),
        work_order_url: None,
    }
}

pub fn source() -> Bytes {
    let value = json!({
        "id": 48212, "summary": "AP down, floor 2", "budgetHours": 1.5, "closedFlag": false,
        "site": {"id": 12, "name": "Tulsa 4", "city": "Tulsa", "state": null},
        "notes": ["first", "second"]
    });
    Bytes::from(value.to_string())
}

pub fn output() -> Bytes {
    Bytes::from(json!({"title": "AP down, floor 2", "location": {"city": "Tulsa"}}).to_string())
}

pub fn previewed() -> Previewed {
    let field = |rule, action: &str, source: &str, read, target: &str, written| PreviewField {
        rule,
        action: action.to_owned(),
        source: Some(source.to_owned()),
        read,
        target: target.to_owned(),
        written,
        how: String::new(),
        problem: None,
        was: None,
    };
    let mut state = field(7, "sync", "site.state", None, "location.state", None);
    state.problem = Some("required, no value".to_owned());
    let mut severity = field(
        9,
        "array map",
        "priority.name",
        Some(json!("High")),
        "custom \"Severity\"",
        Some(json!("Sev 2")),
    );
    severity.was = Some(json!("Sev 3"));
    "matched High".clone_into(&mut severity.how);
    Previewed {
        connector: connector_id("cw-main"),
        direction: Direction::Inbound,
        transaction: Some(transaction_id(12)),
        result: PreviewResult {
            label: "ticket 48212".to_owned(),
            source: json!({"summary": "AP down, floor 2"}),
            output: json!({"title": "AP down, floor 2"})
                .as_object()
                .unwrap()
                .clone(),
            fields: vec![
                field(
                    1,
                    "sync",
                    "summary",
                    Some(json!("AP down, floor 2")),
                    "title",
                    Some(json!("AP down, floor 2")),
                ),
                field(
                    5,
                    "sync",
                    "site.city",
                    Some(json!("Tulsa")),
                    "location.city",
                    Some(json!("Tulsa")),
                ),
                state,
                severity,
            ],
            problems: vec![(Some(7), "required, no value".to_owned())],
            warnings: vec!["rule 9 matched by text".to_owned()],
            trace: vec!["states looked up: 51".to_owned()],
            findings: Vec::new(),
            delivered: None,
        },
    }
}

pub fn identity(role: Role) -> Identity {
    Identity {
        user: "sam".to_owned(),
        role,
    }
}

/// A console that heard from the engine.
pub fn app(columns: u16, rows: u16) -> App {
    app_with(
        &ConsoleSettings {
            config_directory: Some("/etc/fieldbridge".into()),
            log_directory: Some("/var/log/fieldbridge".into()),
            ..ConsoleSettings::default()
        },
        columns,
        rows,
        Role::Admin,
    )
}

pub fn app_with(settings: &ConsoleSettings, columns: u16, rows: u16, role: Role) -> App {
    let theme = Theme::load("dark", None, Depth::True).unwrap();
    let mut app = App::new(settings, theme, now(), (columns, rows));
    let feed = Feed::Live(identity(role), Arc::new(overview()));
    let effects = update(&mut app, Message::Feed(feed));
    answer_previews(&mut app, &effects);
    app
}

/// Answers what asks for a preview, so that it is on the screen.
pub fn answer_previews(app: &mut App, effects: &[Effect]) {
    for effect in effects {
        if let Effect::Preview(number, ..) = effect {
            update(app, Message::Previewed(*number, Ok(Box::new(previewed()))));
        }
    }
}

/// A page of transactions.
pub fn page(count: u128, state: State) -> Page<Transaction> {
    Page {
        items: (1..=count)
            .rev()
            .map(|number| transaction(number, state))
            .collect(),
        next: None,
    }
}

/// The mapping of cw-main; its seventh rule has no default.
pub const MAPPING: &str = r#"# cw-main

[[inbound]]
source = "summary"
target = "title"
action = "sync"

[[inbound]]
source = "id"
target = "confidential.html"
action = "sync"

[[inbound]]
target = "location.mode"
action = "set_static"
value = "custom"

[[inbound]]
source = "site.name"
target = "location.display_name"
action = "sync"

[[inbound]]
source = "site.city"
target = "location.city"
action = "sync"

[[inbound]]
source = "site.zip"
target = "location.zip"
action = "sync"

# Two letters.
[[inbound]]
source = "site.state"
target = "location.state"
action = "sync"

[[outbound]]
source = "status.name"
target = "status.name"
action = "sync"
"#;

pub fn entry(version: &str, by: Option<&str>, note: Option<&str>) -> MappingEntry {
    MappingEntry {
        version: MappingVersion::new(version),
        since: at("09:00:00"),
        by: by.map(str::to_owned),
        note: note.map(str::to_owned),
    }
}

pub fn catalogue(fields: Vec<Field>) -> Catalogue {
    Catalogue {
        fields,
        read_at: at("08:00:00"),
    }
}

/// What the workbench of cw-main starts from.
pub fn bench() -> Bench {
    let mut state = Field::new("location.state", "State", FieldKind::Text).required();
    state.picklist = vec![
        PicklistValue {
            value: "OK".to_owned(),
            label: "Oklahoma".to_owned(),
        },
        PicklistValue {
            value: "OR".to_owned(),
            label: "Oregon".to_owned(),
        },
    ];
    Bench {
        connector: connector_id("cw-main"),
        file: "/etc/fieldbridge/mappings/cw-main.toml".into(),
        text: MAPPING.to_owned(),
        version: MappingVersion::new("3f9a01c2aa"),
        entry: Some(entry("3f9a01c2aa", Some("robin"), None)),
        template: Some(RecordId::new("12")),
        draft: None,
        field_nation: Some(catalogue(vec![
            Field::new("title", "Title", FieldKind::Text).required(),
            state,
        ])),
        platform: Some(catalogue(vec![
            Field::new("site.state", "State", FieldKind::Text),
            Field::new(
                "site.stateReference.identifier",
                "State code",
                FieldKind::Text,
            ),
            Field::new("summary", "Summary", FieldKind::Text),
        ])),
    }
}

/// The sample, and nothing made of it.
fn untried() -> PreviewResult {
    let source = json!({
        "id": 48212, "summary": "AP down, floor 2",
        "site": {"name": "Tulsa 4", "city": "Tulsa", "zip": "74103", "state": null}
    });
    PreviewResult {
        label: "record 48212: AP down, floor 2".to_owned(),
        source,
        output: serde_json::Map::new(),
        fields: Vec::new(),
        problems: Vec::new(),
        warnings: Vec::new(),
        trace: Vec::new(),
        findings: Vec::new(),
        delivered: None,
    }
}

/// What a text makes of the sample: the seventh rule fails unless it has a default.
pub fn tried(request: &PreviewRequest) -> PreviewResult {
    let MappingDraft::Text(text) = &request.mapping else {
        panic!("a workbench tries a text");
    };
    let mut result = untried();
    if let Err(findings) = Mapping::parse(text, "cw-main.toml", None) {
        result.findings = findings;
        return result;
    }
    if request.direction == Direction::Outbound {
        return result;
    }
    let state = text.contains("default = \"OK\"").then(|| json!("OK"));
    let field =
        |rule, action: &str, source: Option<&str>, read, target: &str, written| PreviewField {
            rule,
            action: action.to_owned(),
            source: source.map(str::to_owned),
            read,
            target: target.to_owned(),
            written,
            how: "copied".to_owned(),
            problem: None,
            was: None,
        };
    let copied = |rule, source, target, value: serde_json::Value| {
        field(
            rule,
            "sync",
            Some(source),
            Some(value.clone()),
            target,
            Some(value),
        )
    };
    let mut fields = vec![
        copied(1, "summary", "title", json!("AP down, floor 2")),
        copied(2, "id", "confidential.html", json!("48212")),
        field(
            3,
            "set_static",
            None,
            None,
            "location.mode",
            Some(json!("custom")),
        ),
        copied(4, "site.name", "location.display_name", json!("Tulsa 4")),
        copied(5, "site.city", "location.city", json!("Tulsa")),
        copied(6, "site.zip", "location.zip", json!("74103")),
        field(
            7,
            "sync",
            Some("site.state"),
            None,
            "location.state",
            state.clone(),
        ),
    ];
    fields[0].was = Some(json!("AP down"));
    let mut location = json!({
        "mode": "custom", "display_name": "Tulsa 4", "city": "Tulsa", "zip": "74103"
    });
    match state {
        Some(state) => {
            location["state"] = state;
            "default used".clone_into(&mut fields[6].how);
        }
        None => {
            let why = "rule 7 (location.state): required, and not set: `site.state` is empty";
            fields[6].problem = Some(why.to_owned());
            result.problems.push((Some(7), why.to_owned()));
        }
    }
    result
        .warnings
        .push("rule 2 (confidential.html): a number became text".to_owned());
    result.trace.push("states looked up: 51".to_owned());
    let output = json!({
        "title": "AP down, floor 2", "confidential": {"html": "48212"}, "location": location
    });
    result.output.clone_from(output.as_object().unwrap());
    result.delivered = json!({"title": "AP down", "location": {"city": "Tulsa"}})
        .as_object()
        .cloned();
    result.fields = fields;
    result
}

/// What the draft would change of 500 transactions.
pub fn impact() -> Impact {
    let example = |number, before, after, problem: Option<&str>| ImpactExample {
        transaction: transaction_id(number),
        label: format!("record {}: AP down, floor 2", 48_200 + number),
        before,
        after,
        problem: problem.map(str::to_owned),
    };
    let field = |target: &str, change, count, examples| FieldImpact {
        direction: Direction::Inbound,
        target: target.to_owned(),
        change,
        count,
        examples,
    };
    Impact {
        looked_at: 498,
        without_source: 2,
        unchanged: 482,
        changed: 3,
        fixed: 12,
        broken: 1,
        still_failing: 0,
        fields: vec![
            field(
                "location.zip",
                ChangeKind::NowFailing,
                1,
                vec![example(
                    9,
                    Some(json!("74103")),
                    None,
                    Some("rule 6 (location.zip): not allowed"),
                )],
            ),
            field(
                "title",
                ChangeKind::NewValue,
                3,
                vec![example(
                    8,
                    Some(json!("AP down")),
                    Some(json!("AP down!")),
                    None,
                )],
            ),
            field(
                "location.state",
                ChangeKind::NowFixed,
                12,
                vec![
                    example(12, None, Some(json!("OK")), None),
                    example(11, None, Some(json!("OK")), None),
                ],
            ),
        ],
        to_retry: (1..=12).map(transaction_id).collect(),
    }
}

pub fn kept(save: &SaveDraft, by: &str) -> Draft {
    Draft {
        text: save.text.clone(),
        base: save.base.clone(),
        by: by.to_owned(),
        at: now(),
        revision: save.seen.unwrap_or(0) + 1,
    }
}

/// Answers what a workbench asks for as a willing engine would; an impact is left to the test.
pub fn answer(app: &mut App, effects: &[Effect]) -> Vec<Effect> {
    let mut left = Vec::new();
    for effect in effects {
        let Effect::Workbench(ask) = effect else {
            left.push(effect.clone());
            continue;
        };
        let answer = match ask.clone() {
            Ask::Bench(connector) => Answer::Bench(connector, Ok(Box::new(bench()))),
            Ask::Preview(number, request, _) => {
                Answer::Previewed(number, Ok(Box::new(tried(&request))))
            }
            Ask::Samples(ticket, _) => Answer::Samples(ticket, Ok(page(30, State::Dead))),
            Ask::History(connector) => Answer::History(
                connector,
                Ok(vec![
                    entry("3f9a01c2aa", Some("robin"), Some("states by city")),
                    entry("77aa12bb34", None, None),
                ]),
            ),
            Ask::Text(connector, version) => {
                let text = MAPPING.replace("site.city", "city");
                Answer::Text(connector, version, Ok(text))
            }
            _ => {
                left.push(effect.clone());
                continue;
            }
        };
        let asked = update(app, Message::Workbench(answer));
        left.extend(self::answer(app, &asked));
    }
    left
}
