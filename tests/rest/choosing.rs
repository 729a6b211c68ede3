//! Any choice of what a description offers: a connector that can be built, or a reason why not.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use fieldbridge::config::ConnectorConfig;
use fieldbridge::model::ConnectorId;
use fieldbridge::openapi::Document;
use fieldbridge::platform::{Choice, ChoiceProblem, Proposal, Purpose};
use fieldbridge::sandbox::REST_DESCRIPTION;
use proptest::prelude::*;

use super::scene::build;
use super::shared;

fn id() -> ConnectorId {
    ConnectorId::new("rest-erp").unwrap()
}

fn desk() -> Document {
    Document::parse("desk.yaml", REST_DESCRIPTION).unwrap()
}

/// The file of a choice, with the description named by its whole path and stand-ins for secrets.
fn buildable(text: &str, path: &str) -> String {
    let settings = text.split("[settings]").nth(1).unwrap();
    let line = |line: &str| match line.split_once(" = { secret = ") {
        Some((key, _)) if !key.starts_with('#') => format!("{key} = \"NotARealSecret\"\n"),
        _ if line.starts_with("document = ") => format!("document = {path:?}\n"),
        _ => format!("{line}\n"),
    };
    settings.lines().map(line).collect()
}

#[test]
fn what_depends_on_the_fetch_is_proposed_around_it() {
    let text = "
openapi: 3.0.0
info: {title: Two kinds, version: '1'}
servers: [{url: 'https://api.example.com'}]
paths:
  /tickets/{id}:
    get: {operationId: getTicket, parameters: [{name: id, in: path, required: true}], responses: {200: {description: ok}}}
    patch: {operationId: changeTicket, requestBody: {content: {application/json: {}}}}
  /regions/{region}/visits:
    get: {operationId: listVisits}
    post: {operationId: planVisit, requestBody: {content: {application/json: {}}}}
  /regions/{region}/visits/{visitId}:
    parameters: [{name: region, in: path, required: true}, {name: visitId, in: path, required: true}]
    get:
      operationId: getVisit
      responses: {200: {description: ok, content: {application/json: {schema: {type: object, properties: {visit: {type: object, properties: {key: {type: string}, title: {type: string}, changed: {type: string, format: date-time}}}, item: {type: object, properties: {id: {type: string}}}}}}}}}
    put: {operationId: moveVisit, requestBody: {content: {application/json: {}}}}
";
    let document = Document::parse("x", text).unwrap();
    let first = Proposal::of(&document).choice();
    assert_eq!(first.operation(Purpose::Fetch), Some("getTicket"));
    assert_eq!(first.operation(Purpose::Update), Some("changeTicket"));
    let around = Proposal::around(&document, "getVisit", None).unwrap();
    let choice = around.choice();
    let chosen: Vec<_> = choice.operations.values().map(String::as_str).collect();
    assert_eq!(chosen, ["getVisit", "planVisit", "moveVisit", "listVisits"]);
    assert_eq!(choice.envelope.as_deref(), Some("item"));
    let offer = around.offer();
    assert_eq!(offer.envelopes, ["visit", "item"]);
    assert_eq!(offer.open_parameters(&choice), ["region"]);

    // A person knows better where the record is.
    let told = Proposal::around(&document, "getVisit", Some("visit")).unwrap();
    let choice = Choice {
        parameters: BTreeMap::from([("region".to_owned(), "north".to_owned())]),
        ..told.choice()
    };
    let text = told.connector_text(&id(), "x", &choice).unwrap();
    for line in [
        "record_fetch = \"getVisit\"",
        "#record_fetch = \"getTicket\"",
        "record_create = \"planVisit\"",
        "record_update = \"moveVisit\"",
        "id_parameter = \"visitId\"",
        "parameters = { region = \"north\" }",
        "envelope = \"visit\"",
        "id_field = \"key\"",
        "label_field = \"title\"",
        "changed_at_field = \"changed\"",
    ] {
        assert!(text.lines().any(|found| found == line), "{line}\n{text}");
    }
}

#[test]
fn a_choice_of_what_is_not_there_is_refused() {
    let document = desk();
    let proposal = Proposal::of(&document);
    let refused = |change: &dyn Fn(&mut Choice)| {
        let mut choice = proposal.choice();
        change(&mut choice);
        proposal.connector_text(&id(), "x", &choice).unwrap_err()
    };
    let no_fetch = refused(&|choice| drop(choice.operations.remove(&Purpose::Fetch)));
    assert_eq!(no_fetch, ChoiceProblem::NoFetch);
    let no_such = refused(&|choice| {
        choice.operations.insert(Purpose::List, "listGhosts".into());
    });
    assert!(
        no_such
            .to_string()
            .contains("no operation `listGhosts` (list)")
    );
    let no_id = refused(&|choice| {
        choice
            .operations
            .insert(Purpose::Fetch, "describeTicket".into());
    });
    assert_eq!(no_id, ChoiceProblem::NoId("describeTicket".into()));
    let no_way = refused(&|choice| choice.credential = Some("handshake".into()));
    assert_eq!(no_way, ChoiceProblem::NoSuchCredential("handshake".into()));
}

#[test]
fn the_credential_that_is_chosen_is_the_one_that_is_sent() {
    let text = "
openapi: 3.0.0
info: {title: Ways in, version: '1'}
servers: [{url: 'https://api.example.com'}]
components:
  securitySchemes:
    first: {type: apiKey, in: header, name: X-First}
    second: {type: apiKey, in: query, name: token}
    basic: {type: http, scheme: basic}
    machine: {type: oauth2, flows: {clientCredentials: {tokenUrl: 'https://login.example.com/a', scopes: {}}}}
    person: {type: oauth2, flows: {authorizationCode: {tokenUrl: 'https://login.example.com/b', authorizationUrl: 'https://x', scopes: {}}}}
    browser: {type: oauth2, flows: {implicit: {authorizationUrl: 'https://x', scopes: {}}}}
paths:
  /tickets/{id}:
    get: {operationId: getTicket, parameters: [{name: id, in: path, required: true}]}
";
    let document = Document::parse("x", text).unwrap();
    let proposal = Proposal::of(&document);
    let offered = proposal.offer().credentials;
    let names: Vec<_> = offered.iter().map(|one| one.scheme.as_str()).collect();
    assert_eq!(names, ["first", "second", "basic", "machine", "person"]);
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("api.yaml");
    fs::write(&path, text).unwrap();
    for (scheme, lines, secrets) in [
        (
            "second",
            &["api_key_in = \"query\"", "api_key_name = \"token\""][..],
            &["rest-erp-api-key"][..],
        ),
        ("basic", &["username = \"me\""], &["rest-erp-password"]),
        (
            "machine",
            &[
                "client_id = \"me\"",
                "token_url = \"https://login.example.com/a\"",
            ],
            &["rest-erp-client-secret"],
        ),
        (
            "person",
            &["token_url = \"https://login.example.com/b\""],
            &["rest-erp-client-secret", "rest-erp-refresh-token"],
        ),
    ] {
        let choice = Choice {
            credential: Some(scheme.to_owned()),
            account: Some("me".to_owned()),
            ..proposal.choice()
        };
        let text = proposal.connector_text(&id(), "api.yaml", &choice).unwrap();
        for line in lines {
            assert!(text.lines().any(|found| found == *line), "{line}\n{text}");
        }
        assert_eq!(proposal.secrets(&id(), &choice), secrets);
        let built = build("", &buildable(&text, path.to_str().unwrap()));
        assert!(built.is_ok(), "{scheme}: {:?}", built.err());
    }
}

/// The descriptions at hand, with their paths; our own lies in the directory for as long as that is kept.
fn descriptions() -> (tempfile::TempDir, Vec<(String, Document)>) {
    let home = tempfile::tempdir().unwrap();
    let own = home.path().join("desk.yaml");
    fs::write(&own, REST_DESCRIPTION).unwrap();
    let others = [
        "openapi/varied/05-petstore3-3.0.yaml",
        "openapi/varied/15-security-3.0.json",
        "openapi/varied/13-parameters-style-3.1.json",
        "openapi/freshdesk.yaml",
    ];
    let paths = others.iter().filter_map(|name| shared(name));
    let paths = std::iter::once(own).chain(paths);
    let read = |path: std::path::PathBuf| {
        let document = Document::load(&path).unwrap();
        (path.display().to_string(), document)
    };
    (home, paths.map(read).collect())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    /// Whatever is chosen of what there is, the file can be read, and the adapter takes it or says why not.
    #[test]
    fn any_choice_gives_a_connector_or_a_reason(
        which in any::<prop::sample::Index>(),
        operations in prop::collection::vec(prop::option::weighted(0.8, any::<prop::sample::Index>()), 6),
        credential in prop::option::of(any::<prop::sample::Index>()),
        texts in prop::collection::vec(prop::option::of("\\PC{0,12}|[a-z]{1,4}(\\.[a-z]{1,4})?|[\\n\\r\"'#=\\[\\]]{1,6}"), 8),
    ) {
        thread_local! {
            static KNOWN: (tempfile::TempDir, Vec<(String, Document)>) = descriptions();
        }
        KNOWN.with(|(_home, known)| {
            let (path, document) = which.get(known);
            let proposal = Proposal::of(document);
            let offer = proposal.offer();
            let text = |place: usize| texts[place].clone();
            let chosen = Purpose::ALL.into_iter().zip(&operations);
            let chosen = chosen.filter_map(|(purpose, place)| {
                let operation = place.as_ref()?.get(&offer.operations);
                Some((purpose, operation.name.clone()))
            });
            let mut choice = Choice {
                name: text(0),
                operations: chosen.collect(),
                base_url: text(1).map(|path| format!("https://api.example.com/{path}")),
                envelope: text(2),
                id_field: text(3),
                label_field: text(4),
                changed_at_field: text(5),
                marker_field: text(6),
                credential: credential
                    .filter(|_| !offer.credentials.is_empty())
                    .map(|place| place.get(&offer.credentials).scheme.clone()),
                account: text(7),
                parameters: BTreeMap::new(),
            };
            for name in offer.open_parameters(&choice) {
                choice.parameters.insert(name, "a\"b\n[limits]".to_owned());
            }
            let made = proposal.connector_text(&id(), "api.yaml", &choice);
            let made = match made {
                Ok(made) => made,
                Err(problem) => {
                    prop_assert!(!problem.to_string().is_empty());
                    return Ok(());
                }
            };
            let file = Path::new("connectors/rest-erp.toml");
            let config = ConnectorConfig::parse(file, &made);
            let config = config.map_err(|why| TestCaseError::fail(format!("{why}\n{made}")))?;
            prop_assert_eq!(config.limits.max_attempts, 8);
            prop_assert_eq!(Some(config.name), choice.name.or(Some("rest-erp".into())));
            if let Err(problems) = build("", &buildable(&made, path)) {
                for problem in problems {
                    // What is wrong with what was typed; the operations and parameters always fit.
                    let about = ["record_", "attachment_upload", "parameters", "api_key", "token"];
                    let typed = ["envelope", "_field", "base_url"].iter().any(|key| problem.what.contains(key));
                    let needed = problem.what.contains(" needs ");
                    prop_assert!(
                        typed || needed || !about.iter().any(|key| problem.what.contains(key)),
                        "{problem}\n{made}"
                    );
                }
            }
            Ok(())
        })?;
    }
}
