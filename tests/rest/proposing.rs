//! What `import-openapi --connector` proposes, and that a connector can be built of it.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use fieldbridge::model::ConnectorId;
use fieldbridge::openapi::Document;
use fieldbridge::platform::{Proposal, Purpose};
use fieldbridge::sandbox::REST_DESCRIPTION;
use serde_json::Value;

use super::scene::build;
use super::shared;

fn run(config: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_fieldbridge"));
    command
        .arg("--config")
        .arg(config)
        .args(["connector", "import-openapi"])
        .args(arguments);
    command.output().unwrap()
}

fn proposed(document: &Document) -> String {
    let id = ConnectorId::new("rest-erp").unwrap();
    let proposal = Proposal::of(document);
    proposal
        .connector_text(&id, "api.yaml", &proposal.choice())
        .unwrap()
}

#[test]
fn the_likely_operations_and_fields_are_proposed() {
    let document = Document::parse("x", REST_DESCRIPTION).unwrap();
    let text = proposed(&document);
    for line in [
        "document = \"api.yaml\"",
        "record_fetch = \"getTicket\"",
        "record_metadata = \"describeTicket\"",
        "record_create = \"createTicket\"",
        "record_update = \"changeTicket\"",
        "#record_update = \"replaceTicket\"",
        "attachment_upload = \"attachFile\"",
        "record_list = \"listTickets\"",
        "id_parameter = \"ticketId\"",
        "envelope = \"data\"",
        "label_field = \"subject\"",
        "changed_at_field = \"updatedAt\"",
        "#marker_field = \"externalReference\"",
        "#since_parameter = \"updatedSince\"",
        "api_key = { secret = \"rest-erp-api-key\" }",
    ] {
        assert!(text.lines().any(|found| found == line), "{line}\n{text}");
    }
}

/// A description with an order that can't be changed, and a user that can.
#[test]
fn what_writes_to_other_records_is_shown_and_not_set() {
    let Some(path) = shared("openapi/varied/05-petstore3-3.0.yaml") else {
        return;
    };
    let text = proposed(&Document::load(&path).unwrap());
    for line in [
        "record_fetch = \"getOrderById\"",
        "record_create = \"placeOrder\"",
        "#record_update = \"updateUser\"",
        "#attachment_upload = \"uploadFile\"",
    ] {
        assert!(text.lines().any(|found| found == line), "{line}\n{text}");
    }
}

#[test]
fn a_connector_can_be_built_of_what_is_proposed_for_real_descriptions() {
    for (name, fetch, id) in [
        ("freshdesk.yaml", "/tickets/{", None),
        ("servicenow-table-records.yaml", "/", Some("sys_id")),
        ("netsuite-supportcase-derived.json", "supportCase/{", None),
        ("varied/11-museum-3.1.yaml", "/", Some("eventId")),
        ("varied/02-petstore-2.0.yaml", "/", None),
        ("connectwise.json", "/tickets/{", None),
    ] {
        let Some(path) = shared(&format!("openapi/{name}")) else {
            return;
        };
        let document = Document::load(&path).unwrap();
        let proposal = Proposal::of(&document);
        let best = proposal.candidates(Purpose::Fetch)[0];
        assert!(best.path.contains(fetch), "{name}: {}", best.path);
        let text = proposed(&document)
            .replace("\"api.yaml\"", &format!("{:?}", path.display().to_string()));
        let settings = text.split("[settings]").nth(1).unwrap();
        let told = settings
            .lines()
            .find_map(|line| line.strip_prefix("id_field = "));
        assert_eq!(told, id.map(|id| format!("{id:?}")).as_deref(), "{name}");
        // Secrets are named and not there yet; everything else must fit.
        let settings: String = settings
            .lines()
            .map(|line| {
                if line.contains("{ secret = ") {
                    line.split(" = ")
                        .next()
                        .map(|key| format!("{key} = \"NotARealSecret\"\n"))
                        .unwrap()
                } else {
                    format!("{line}\n")
                }
            })
            .collect();
        if let Err(problems) = build(
            "",
            &format!("base_url = \"http://127.0.0.1:9\"\n{settings}"),
        ) {
            panic!("{name}: {problems:?}\n{settings}");
        }
    }
}

#[test]
fn the_command_takes_a_choice_by_flags() {
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("desk.yaml");
    fs::write(&file, REST_DESCRIPTION).unwrap();
    let file = file.to_str().unwrap();
    let chosen = [
        file,
        "--connector",
        "rest-erp",
        "--fetch",
        "GET /tickets/{ticketId}",
        "--update",
        "replaceTicket",
        "--attach",
        "none",
        "--base-url",
        "https://desk.example.com/v2",
    ];
    let printed = run(home.path(), &chosen);
    let text = String::from_utf8(printed.stdout).unwrap();
    for line in [
        "record_fetch = \"GET /tickets/{ticketId}\"",
        "record_update = \"replaceTicket\"",
        "#record_update = \"changeTicket\"",
        "#attachment_upload = \"attachFile\"",
        "base_url = \"https://desk.example.com/v2\"",
    ] {
        assert!(text.lines().any(|found| found == line), "{line}\n{text}");
    }
    let written = run(home.path(), &[&chosen[..], &["--write"]].concat());
    assert!(written.status.success());
    let next = String::from_utf8(written.stdout).unwrap();
    for step in [
        "fieldbridge secret set rest-erp-api-key",
        "fieldbridge connector test rest-erp",
    ] {
        assert!(next.contains(step), "{next}");
    }
    for (flags, why) in [
        (
            ["--fetch", "none"],
            "no operation is chosen that reads one record",
        ),
        (["--fetch", "readGhost"], "no operation `readGhost` (fetch)"),
        (["--list", "listGhosts"], "no operation `listGhosts` (list)"),
        (
            ["--fetch", "describeTicket"],
            "no parameter for the record's id",
        ),
    ] {
        let refused = run(
            home.path(),
            &[&[file, "--connector", "other", "--write"][..], &flags].concat(),
        );
        assert_eq!(refused.status.code(), Some(1));
        let told = String::from_utf8(refused.stderr).unwrap();
        assert!(told.contains(why), "{told}");
    }
    assert!(!home.path().join("connectors/other.toml").exists());
    // Without a connector there is nothing to choose for; without a terminal nobody to ask.
    let usage = run(home.path(), &[file, "--fetch", "getTicket"]);
    assert_eq!(usage.status.code(), Some(2));
    let unasked = run(home.path(), &[file, "--connector", "other", "--ask"]);
    assert_eq!(unasked.status.code(), Some(2));
    let told = String::from_utf8(unasked.stderr).unwrap();
    assert!(told.contains("on a terminal"), "{told}");
}

#[test]
fn a_hostile_description_puts_nothing_of_its_own_into_the_file() {
    let hostile = "openapi: 3.0.0
info: {title: \"\\e[31mred\", version: '1'}
servers: [{url: \"https://x.example\\nenabled = false\"}]
paths:
  /tickets/{id}:
    get:
      operationId: \"get\\n[limits]\\nmax_attempts = 1\\n#\"
      parameters: [{name: id, in: path, required: true}]
      responses: {200: {description: ok, content: {application/json: {schema: {type: object, properties: {\"title\\nenabled = false\": {type: string}, id: {type: string}}}}}}}
";
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("desk.yaml");
    fs::write(&file, hostile).unwrap();
    let printed = run(
        home.path(),
        &[file.to_str().unwrap(), "--connector", "rest-erp"],
    );
    assert!(printed.status.success());
    let text = String::from_utf8(printed.stdout).unwrap();
    assert!(!text.contains('\u{1b}'));
    let table: toml::Table = toml::from_str(&text).unwrap();
    assert!(!table.contains_key("enabled"));
    assert_eq!(table["limits"].as_table().unwrap().len(), 0);
    let fetch = table["settings"]["record_fetch"].as_str().unwrap();
    assert!(fetch.starts_with("get\n[limits]"), "{fetch}");
}

#[test]
fn the_command_prints_or_writes_the_proposal() {
    let home = tempfile::tempdir().unwrap();
    fs::write(home.path().join("desk.yaml"), REST_DESCRIPTION).unwrap();
    let file = home.path().join("desk.yaml");
    let file = file.to_str().unwrap();
    let printed = run(home.path(), &[file, "--connector", "rest-erp"]);
    assert!(printed.status.success());
    let text = String::from_utf8(printed.stdout).unwrap();
    assert!(
        text.contains("platform = \"rest\"") && text.contains("document = \"desk.yaml\""),
        "{text}"
    );
    assert!(!home.path().join("connectors").exists());
    let json = run(home.path(), &[file, "--connector", "rest-erp", "--json"]);
    let json: Value = serde_json::from_slice(&json.stdout).unwrap();
    assert_eq!(json["connector_file"], text.as_str());

    assert!(
        run(home.path(), &[file, "--connector", "rest-erp", "--write"])
            .status
            .success()
    );
    let written = fs::read_to_string(home.path().join("connectors/rest-erp.toml")).unwrap();
    assert_eq!(written, text);
    assert!(home.path().join("mappings/rest-erp.toml").exists());
    let again = run(home.path(), &[file, "--connector", "rest-erp", "--write"]);
    assert_eq!(again.status.code(), Some(4));
    let refused = run(
        home.path(),
        &[file, "--connector", "other", "--write", "--read-only"],
    );
    assert_eq!(refused.status.code(), Some(4));
    assert!(!home.path().join("connectors/other.toml").exists());
}
