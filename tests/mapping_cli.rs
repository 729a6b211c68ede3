//! `fieldbridge mapping …` as people and scripts call it: check, explain, import and export.

#[path = "support/fake_engine.rs"]
mod fake_engine;

use std::fs;
use std::path::PathBuf;
use std::process::Output;
use std::sync::Arc;

use fake_engine::{FakeEngine, connector, moment};
use fieldbridge::api::{Server, ServerSetup};
use fieldbridge::config::{DataDirectory, Roles};
use fieldbridge::engine::Control;
use fieldbridge::model::ManualClock;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::process::Command;

struct Home(TempDir);

struct Said {
    code: i32,
    out: String,
    err: String,
}

impl Home {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, name: &str, text: &str) -> String {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    }

    /// An engine that knows the connector `zz-last`, and Field Nation's one field `title`.
    async fn engine(&self) -> Server {
        let engine = FakeEngine::new();
        engine.change(|overview| overview.connectors.push(connector("zz-last")));
        let data = DataDirectory::resolve(Some(&self.path("data")), None).unwrap();
        let server = Server::start(ServerSetup {
            control: engine as Arc<dyn Control>,
            socket: data.socket(),
            roles: Roles::default(),
            name: "test".to_owned(),
            clock: Arc::new(ManualClock::at(moment(0))),
        });
        server.await.unwrap()
    }

    async fn run(&self, line: &[&str]) -> Said {
        let output = Command::new(env!("CARGO_BIN_EXE_fieldbridge"))
            .args(line)
            .env_clear()
            .env("FIELDBRIDGE_CONFIG", self.path("config"))
            .env("FIELDBRIDGE_DATA", self.path("data"))
            .kill_on_drop(true)
            .output();
        let Output {
            status,
            stdout,
            stderr,
        } = output.await.unwrap();
        Said {
            code: status.code().expect("it ended by itself"),
            out: String::from_utf8(stdout).unwrap(),
            err: String::from_utf8(stderr).unwrap(),
        }
    }
}

impl Said {
    fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|_| panic!("{} {}", self.out, self.err))
    }
}

const MAPPING: &str = r#"[[inbound]]
action = "sync"
source = "summary"
target = "titel"
note = "it's <needed>"

[[outbound]]
action = "sync"
source = "status.name"
target = "state"
when = "$.input.id > 1"
"#;

#[tokio::test]
async fn without_an_engine_field_nations_usual_fields_are_known() {
    let home = Home::new();
    let file = home.write("m.toml", MAPPING);
    let said = home
        .run(&["mapping", "check", "--mapping", &file, "--json"])
        .await;
    // What is needed, and what custom fields there are, is the company's affair.
    assert_eq!(said.code, 0, "{}", said.err);
    let warnings = said.json()["warnings"].clone();
    let unknown = &warnings[0];
    assert_eq!(
        unknown["place"],
        json!({"line": 1, "column": 1}),
        "{warnings}"
    );
    let told = warnings.to_string();
    assert!(
        told.contains("the target field `titel` is not known (did you mean `title`?)"),
        "{told}"
    );
    assert!(told.contains("no rule makes `location.address1`"), "{told}");
    let wrong = MAPPING.replace(
        "action = \"sync\"\nsource = \"summary\"",
        "action = \"set_static\"\nvalue = \"Fixd\"",
    );
    let file = home.write("w.toml", &wrong.replace("titel", "pay.type"));
    let said = home.run(&["mapping", "check", "--mapping", &file]).await;
    assert_eq!(said.code, 1);
    assert!(
        said.out
            .contains("w.toml:3:9: rule 1: for `pay.type`, \"Fixd\" is none of the allowed values"),
        "{}",
        said.out
    );
    let custom = "[[inbound]]\naction = \"sync\"\nsource = \"a\"\ntarget = 'custom_fields[\"Site #\"]'\n[[outbound]]\naction = \"sync\"\nsource = \"custom_field_12\"\ntarget = \"b\"\n";
    let file = home.write("c.toml", custom);
    let said = home.run(&["mapping", "check", "--mapping", &file]).await;
    assert!(!said.out.contains("is not known"), "{}", said.out);
}

#[tokio::test]
async fn a_connectors_mapping_is_checked_against_the_fields_the_engine_knows() {
    let home = Home::new();
    let none = home
        .run(&["mapping", "check", "--connector", "zz-last"])
        .await;
    assert_eq!(none.code, 5, "{}", none.err);
    let _engine = home.engine().await;
    let unknown = home
        .run(&["mapping", "check", "--connector", "zz-last"])
        .await;
    assert_eq!(unknown.code, 3, "{}", unknown.err);
    home.write(
        "config/connectors/zz-last.toml",
        "platform = \"connectwise\"\n",
    );
    home.write(
        "config/mappings/zz-last.toml",
        &MAPPING.replace("titel", "description"),
    );
    let said = home
        .run(&["mapping", "check", "--connector", "zz-last"])
        .await;
    assert_eq!(said.code, 1, "{}", said.err);
    assert!(
        said.out
            .contains("zz-last.toml:1:1: no rule makes `title` (Title), which is required"),
        "{}",
        said.out
    );
    assert!(
        said.out
            .contains("zz-last.toml:4:10: rule 1: the target field `description` is not known"),
        "{}",
        said.out
    );
    assert!(
        said.err.contains("connector fields zz-last --refresh"),
        "{}",
        said.err
    );
    // Another text against the same fields.
    let file = home.write("m.toml", &MAPPING.replace("titel", "title"));
    let said = home
        .run(&[
            "mapping",
            "check",
            "--connector",
            "zz-last",
            "--mapping",
            &file,
        ])
        .await;
    assert_eq!(said.code, 0, "{}", said.out);
}

#[tokio::test]
async fn fields_are_searched_and_their_age_is_told() {
    let home = Home::new();
    let _engine = home.engine().await;
    let all = home
        .run(&["connector", "fields", "zz-last", "--search", "TIT"])
        .await;
    assert!(all.out.contains("title  text"), "{}", all.out);
    assert!(all.out.contains("1 of 1 fields, read "), "{}", all.out);
    let none = home
        .run(&[
            "connector",
            "fields",
            "zz-last",
            "--search",
            "zip",
            "--json",
        ])
        .await;
    assert_eq!(none.json()["fields"], json!([]));
}

#[tokio::test]
async fn a_mapping_is_explained_in_words() {
    let home = Home::new();
    let file = home.write("m.toml", &MAPPING.replace("titel", "title"));
    let said = home.run(&["mapping", "explain", "--mapping", &file]).await;
    assert_eq!(said.code, 0, "{}", said.err);
    assert!(
        said.out
            .contains("## Inbound: from the platform to Field Nation"),
        "{}",
        said.out
    );
    assert!(
        said.out.contains(
            "| 1 | Status (status.name) | copied as it is | state |  | if $.input.id &gt; 1 |  |"
        ),
        "{}",
        said.out
    );
    let page = home
        .run(&["mapping", "explain", "--mapping", &file, "--format", "html"])
        .await;
    assert!(page.out.starts_with("<!doctype html>"), "{}", page.out);
    assert!(page.out.contains("it&#39;s &lt;needed&gt;"), "{}", page.out);
    for line in [&["--format", "json"][..], &["--json"]] {
        let line = [&["mapping", "explain", "--mapping", &file], line].concat();
        let rules = home.run(&line).await.json();
        assert_eq!(rules[1]["direction"], "outbound");
        assert_eq!(rules[1]["condition"], "if $.input.id > 1");
    }
    let broken = home.write("b.toml", "[[inbound]]\naction = \"snyc\"\n");
    let said = home
        .run(&["mapping", "explain", "--mapping", &broken])
        .await;
    assert_eq!(said.code, 1);
    assert!(
        said.err
            .contains("b.toml:2:10: `snyc` is no action (did you mean `sync`?)"),
        "{}",
        said.err
    );
    assert_eq!(home.run(&["mapping", "explain"]).await.code, 2);
    assert_eq!(
        home.run(&["mapping", "explain", "--mapping", "none.toml"])
            .await
            .code,
        3
    );
}

#[tokio::test]
async fn the_hosted_form_comes_in_and_goes_out() {
    let home = Home::new();
    let hosted = json!({
        "inbound": [{"source": "summary", "target": "title", "action": "sync"}],
        "outbound": [{"target": "state", "action": "set_static", "value": "Done"}],
    });
    let file = home.write("hosted.json", &hosted.to_string());
    let output = home.path("m.toml");
    let output = output.to_str().unwrap();
    let line = ["mapping", "import", &file, "--output", output];
    let said = home.run(&line).await;
    assert_eq!(said.code, 0, "{}", said.err);
    assert!(said.out.starts_with("written  "), "{}", said.out);
    let again = home.run(&line).await;
    assert_eq!(again.code, 4, "{}", again.err);
    assert!(again.err.contains("--force"), "{}", again.err);
    assert_eq!(home.run(&[&line[..], &["--force"]].concat()).await.code, 0);
    let refused = home
        .run(&[&line[..], &["--force", "--read-only"]].concat())
        .await;
    assert_eq!(refused.code, 4);
    let export = home.run(&["mapping", "export", "--mapping", output]).await;
    assert_eq!((export.json(), export.err.as_str()), (hosted, ""));

    let printed = home
        .run(&["mapping", "import", &file, "--json"])
        .await
        .json();
    assert_eq!(printed["mapping"], fs::read_to_string(output).unwrap());
    let file = home.write("own.toml", MAPPING);
    let export = home
        .run(&["mapping", "export", "--mapping", &file, "--json"])
        .await;
    assert_eq!(export.code, 0);
    assert_eq!(export.json()["inbound"][0]["source"], "summary");
    assert_eq!(export.err, "left out: outbound rule 1: `when`\n");

    let broken = home.write("broken.json", "{\"inbound\": [\n{\"action\": \"sync\"}]}");
    let said = home.run(&["mapping", "import", &broken]).await;
    assert_eq!(said.code, 1);
    assert!(
        said.err.contains("broken.json:2:1: rule 1 has no `target`"),
        "{}",
        said.err
    );
}
