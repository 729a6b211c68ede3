//! `connector import-openapi` on descriptions as they are found, and on broken ones.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use fieldbridge::openapi::{Document, Limits, LoadProblem, Purpose};
use serde_json::Value;

use super::shared;

/// What the command printed, and its exit code.
fn import(path: &Path) -> (Value, i32) {
    let config = tempfile::tempdir().unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_fieldbridge"))
        .args(["--json", "--config"])
        .arg(config.path())
        .args(["connector", "import-openapi"])
        .arg(path)
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let value = serde_json::from_str(&text).unwrap_or(Value::Null);
    (value, output.status.code().unwrap())
}

fn descriptions() -> Vec<PathBuf> {
    let Some(home) = shared("openapi") else {
        return Vec::new();
    };
    let mut found: Vec<PathBuf> = [home.clone(), home.join("varied")]
        .iter()
        .flat_map(|directory| fs::read_dir(directory).unwrap())
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_file())
        .collect();
    found.sort();
    found
}

#[test]
fn every_description_at_hand_is_read_in_seconds() {
    for path in descriptions() {
        let started = Instant::now();
        let document = Document::load(&path).unwrap_or_else(|problem| panic!("{problem}"));
        let took = started.elapsed();
        println!(
            "{:45} {:?} {:4} operations, {:3} problems, {took:?}",
            path.file_name().unwrap().to_string_lossy(),
            document.edition,
            document.operations.len(),
            document.problems.len()
        );
        for problem in document.problems.iter().take(5) {
            println!("    {problem}");
        }
        assert!(!document.operations.is_empty(), "{}", path.display());
        assert!(!document.title.is_empty(), "{}", path.display());
        assert!(
            took < Duration::from_secs(20),
            "{} took {took:?}",
            path.display()
        );
        // Autotask's has lost its definitions; nothing but that is wrong with it.
        let lost = |problem: &&String| problem.contains("#/definitions/");
        let others = document
            .problems
            .iter()
            .filter(|problem| !lost(problem))
            .count();
        assert!(others < 20, "{:?}", document.problems);
    }
}

#[test]
fn the_command_prints_what_the_contract_says() {
    let Some(path) = shared("openapi/smartsheet.json") else {
        return;
    };
    let (printed, code) = import(&path);
    assert_eq!(code, 0);
    assert_eq!(printed["title"], "Smartsheet API Reference");
    assert_eq!(printed["version"], "2.0.0");
    let operations = printed["operations"].as_array().unwrap();
    assert_eq!(operations.len(), 183);
    let named = |id: &str| operations.iter().find(|one| one["id"] == id);
    let rows = named("rows-addToSheet").unwrap();
    assert_eq!(
        (&rows["method"], &rows["path"]),
        (&"POST".into(), &"/sheets/{sheetId}/rows".into())
    );
    assert!(
        rows["summary"]
            .as_str()
            .is_some_and(|text| !text.is_empty())
    );
    assert!(printed["security"].as_array().unwrap().len() >= 2);
    assert!(
        printed["problems"]
            .as_array()
            .unwrap()
            .iter()
            .all(Value::is_string)
    );
}

#[test]
fn a_host_with_a_path_and_servers_with_variables_are_made_addresses() {
    for (file, server) in [
        ("quickbase.json", "https://api.quickbase.com/v1"),
        (
            "netsuite-supportcase-derived.json",
            "https://demo123.suitetalk.api.netsuite.com/services/rest",
        ),
        (
            "autotask-subset.json",
            "https://webservices2.autotask.net/ATServicesRest",
        ),
    ] {
        let Some(path) = shared(&format!("openapi/{file}")) else {
            return;
        };
        let document = Document::load(&path).unwrap();
        assert_eq!(document.servers.first().map(String::as_str), Some(server));
    }
}

#[test]
fn circular_schemas_have_fields_all_the_same() {
    let Some(path) = shared("openapi/varied/12-schema-circular-3.0.json") else {
        return;
    };
    let document = Document::load(&path).unwrap();
    for operation in &document.operations {
        let body = operation.body.as_ref().and_then(|body| body.json());
        for content in body.into_iter().chain(operation.json_answer()) {
            let Some(schema) = &content.schema else {
                continue;
            };
            let fields = document.fields(schema, Purpose::Read);
            assert!(fields.len() < 2_000, "{}", operation.name());
        }
    }
}

fn write(directory: &Path, name: &str, text: &str) {
    let path = directory.join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

#[test]
fn a_description_of_several_files_is_read_whole_and_from_its_directory_only() {
    let home = tempfile::tempdir().unwrap();
    write(
        home.path(),
        "secret.yaml",
        "type: string\ndescription: not yours\n",
    );
    let api = home.path().join("api");
    write(
        &api,
        "openapi.yaml",
        r"
openapi: 3.0
info: {title: Split, version: 1.10, description: {$ref: ./about.md}}
servers: [{url: '/v1'}]
paths:
  /tickets/{id}:
    $ref: 'paths/ticket.yaml#/~1tickets~1%7Bid%7D'
  /bad:
    get:
      operationId: bad
      responses: {200: {description: ok, content: {application/json: {schema: {$ref: '#/components/schemas/Nowhere'}}}}}
  /worse:
    get: {$ref: 'paths/missing.yaml'}
    post: {$ref: 'https://example.com/remote.yaml#/x'}
    put: {$ref: '../secret.yaml'}
    patch: 7
  /circle: {$ref: '#/paths/~1circle'}
components: {schemas: {Loop: {$ref: '#/components/schemas/Loop'}}}
",
    );
    write(&api, "about.md", "# About\n");
    write(
        &api,
        "paths/ticket.yaml",
        r"
/tickets/{id}:
  parameters: [{$ref: '../shared/parameters.json#/id'}]
  get:
    operationId: getTicket
    summary: Read a ticket
    responses:
      200: {description: ok, content: {application/json: {schema: {$ref: '../shared/ticket.yaml'}}}}
",
    );
    write(
        &api,
        "shared/parameters.json",
        r#"{"id": {"name": "id", "in": "path", "required": true, "schema": {"type": "integer"}}}"#,
    );
    write(
        &api,
        "shared/ticket.yaml",
        "type: object\nproperties:\n  id: {type: integer}\n  parent: {$ref: 'ticket.yaml'}\n  city: {type: string, maxLength: 40}\n",
    );

    let (printed, code) = import(&api);
    assert_eq!(code, 0, "{printed}");
    assert_eq!(printed["title"], "Split");
    let ids: Vec<&str> = printed["operations"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|one| one["id"].as_str())
        .collect();
    assert_eq!(ids, ["getTicket", "bad"]);
    let problems = printed["problems"].to_string();
    for part in [
        "Nowhere points at nothing",
        "missing.yaml can't be followed: there is no such file",
        "remote references are not followed",
        "outside of the description's directory",
        "only leads back to itself",
        "PATCH /worse is no operation",
    ] {
        assert!(problems.contains(part), "{part}: {problems}");
    }
    assert!(!problems.contains("not yours"));

    let document = Document::load(&api.join("openapi.yaml")).unwrap();
    let operation = document.operation("getTicket").unwrap();
    assert_eq!(operation.parameters.len(), 1);
    let schema = operation.json_answer().unwrap().schema.clone().unwrap();
    let fields = document.fields(&schema, Purpose::Read);
    let paths: Vec<&str> = fields.iter().map(|field| field.path.as_str()).collect();
    assert_eq!(paths, ["id", "parent", "city"]);
    assert_eq!(fields[2].max_length, Some(40));
}

#[test]
fn what_is_no_description_is_refused_with_a_sentence() {
    let home = tempfile::tempdir().unwrap();
    for (text, why) in [
        ("", "neither a member"),
        ("just words", "neither a member"),
        ("{\"openapi\": \"3.0.0\"", "it is no JSON"),
        ("openapi: 4.0.0\n", "its version is 4.0.0"),
        ("swagger: '1.2'\n", "its version is 1.2"),
        ("a: [", "it is no YAML"),
    ] {
        write(home.path(), "api.yaml", text);
        let problem = Document::load(&home.path().join("api.yaml")).unwrap_err();
        assert!(problem.to_string().contains(why), "{text}: {problem}");
    }
    assert!(matches!(
        Document::load(&home.path().join("no")),
        Err(LoadProblem::Missing(_))
    ));
    let (_, code) = import(&home.path().join("no"));
    assert_eq!(code, 3);
    write(home.path(), "api.yaml", "openapi: 3.0.0\n");
    let (printed, code) = import(home.path());
    assert_eq!((code, &printed["operations"]), (1, &Value::Array(vec![])));
}

#[test]
fn odd_shapes_are_told_and_survived() {
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("api.json");
    for odd in [
        "null",
        "7",
        "\"x\"",
        "[]",
        "{}",
        "[1]",
        "{\"x\": null}",
        "{\"$ref\": 7}",
        "{\"$ref\": \"#\"}",
        "{\"$ref\": \"##/%\"}",
        "{\"$ref\": \"\"}",
        "{\"$ref\": \"#/paths\"}",
    ] {
        for text in [
            format!(
                r#"{{"openapi":"3.1.0","info":{odd},"paths":{odd},"servers":{odd},"security":{odd},"components":{odd}}}"#
            ),
            format!(
                r#"{{"openapi":"3.1.0","paths":{{"/a":{odd},"/b":{{"get":{odd},"parameters":{odd}}}}},"components":{{"schemas":{odd},"securitySchemes":{odd}}}}}"#
            ),
            format!(
                r#"{{"swagger":"2.0","host":{odd},"basePath":{odd},"schemes":{odd},"consumes":{odd},"paths":{{"/c":{{"post":{{"operationId":{odd},"summary":{odd},"parameters":[{odd},{{"name":{odd},"in":"query"}},{{"name":"x","in":"formData","type":{odd}}},{{"in":"body","schema":{odd}}}],"responses":{odd}}}}}}},"securityDefinitions":{{"x":{odd}}}}}"#
            ),
            format!(
                r#"{{"openapi":"3.0.0","paths":{{"/d":{{"put":{{"requestBody":{odd},"responses":{{"200":{odd}}},"servers":{odd},"security":{odd}}},"post":{{"requestBody":{{"content":{{"application/json":{{"schema":{{"type":{odd},"properties":{odd},"items":{odd},"allOf":{odd},"required":{odd},"enum":{odd},"pattern":{odd}}}}}}}}}}}}}}}}}"#
            ),
        ] {
            fs::write(&file, &text).unwrap();
            let document =
                Document::load(&file).unwrap_or_else(|problem| panic!("{text}: {problem}"));
            for operation in &document.operations {
                let body = operation.body.as_ref().and_then(|body| body.json());
                if let Some(schema) = body.and_then(|body| body.schema.as_ref()) {
                    let _fields = document.fields(schema, Purpose::Write);
                }
            }
        }
    }
}

#[test]
fn limits_hold() {
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("api.json");
    fs::write(
        &file,
        format!("{{\"openapi\":\"3.0.0\",\"x\":\"{}\"}}", "x".repeat(2_000)),
    )
    .unwrap();
    let small = Limits {
        file_bytes: 1_000,
        ..Limits::default()
    };
    let problem = Document::load_within(&file, small).unwrap_err();
    assert!(problem.to_string().contains("too large"), "{problem}");
    fs::write(
        &file,
        format!(
            "{{\"openapi\":\"3.0.0\",\"x\":{}{}}}",
            "[".repeat(5_000),
            "]".repeat(5_000)
        ),
    )
    .unwrap();
    assert!(Document::load(&file).is_err());
    // A long chain and a wide web of references end as well.
    let mut schemas = String::new();
    for number in 0..3_000 {
        schemas.push_str(&format!(r##""S{number}":{{"allOf":[{{"$ref":"#/components/schemas/S{}"}},{{"$ref":"#/components/schemas/S{}"}}],"properties":{{"p{number}":{{"type":"string"}}}}}},"##, (number + 1) % 3_000, (number * 7) % 3_000));
    }
    fs::write(&file, format!(r##"{{"openapi":"3.0.0","paths":{{"/a":{{"post":{{"requestBody":{{"content":{{"application/json":{{"schema":{{"$ref":"#/components/schemas/S0"}}}}}}}}}}}}}},"components":{{"schemas":{{{}}}}}}}"##, schemas.trim_end_matches(','))).unwrap();
    let started = Instant::now();
    let document = Document::load(&file).unwrap();
    let schema = document.operations[0].body.as_ref().unwrap().contents[0]
        .schema
        .clone()
        .unwrap();
    assert!(document.fields(&schema, Purpose::Write).len() <= 2_000);
    assert!(
        started.elapsed() < Duration::from_secs(20),
        "{:?}",
        started.elapsed()
    );
}
