//! The real engine in the real binary: started, refused twice, fed with changed files, stopped, killed, started again.

use std::fs;
use std::path::PathBuf;
use std::process::{Output, Stdio};
use std::sync::Arc;
use std::time::Duration;

use fieldbridge::api::Client;
use fieldbridge::engine::{DescriptionRequest, Extent, MakeConnector};
use fieldbridge::model::{ConnectorId, TokioClock};
use fieldbridge::platform::{Choice, Purpose};
use fieldbridge::sandbox::{REST_DESCRIPTION, Rest, RestSettings};
use serde_json::Value;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStderr, Command};
use tokio::time::timeout;

/// Longer than anything here takes on a slow machine.
const PATIENCE: Duration = Duration::from_secs(60);

struct Home(TempDir);

struct Engine {
    child: Child,
    log: Lines<BufReader<ChildStderr>>,
}

impl Home {
    fn new() -> Self {
        let home = Self(tempfile::tempdir().unwrap());
        home.write(
            "config/fieldbridge.toml",
            "name = \"here\"\n[server]\nlisten = \"127.0.0.1:0\"\n",
        );
        home
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn command(&self, line: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_fieldbridge"));
        command
            .args(line)
            .env_clear()
            .env("FIELDBRIDGE_CONFIG", self.path("config"))
            .env("FIELDBRIDGE_DATA", self.path("data"))
            .stdin(Stdio::null())
            .kill_on_drop(true);
        command
    }

    async fn run(&self, line: &[&str]) -> Output {
        self.command(line).output().await.unwrap()
    }

    async fn json(&self, line: &[&str]) -> Value {
        let output = self.run(&[line, &["--json"][..]].concat()).await;
        let err = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{line:?} {err}");
        serde_json::from_slice(&output.stdout).unwrap()
    }

    async fn keep_secret(&self, name: &str) {
        let mut child = self
            .command(&["secret", "set", name])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let mut stdin = child.stdin.take().unwrap();
        stdin.write_all(b"NotARealSecret\n").await.unwrap();
        drop(stdin);
        assert!(child.wait().await.unwrap().success());
    }

    async fn serve(&self) -> Engine {
        let mut child = self
            .command(&["serve"])
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let log = BufReader::new(child.stderr.take().unwrap()).lines();
        let mut engine = Engine { child, log };
        engine.says(" ready").await;
        engine
    }
}

impl Engine {
    /// Reads the log until a line has this in it.
    async fn says(&mut self, words: &str) {
        let found = timeout(PATIENCE, async {
            while let Some(line) = self.log.next_line().await.unwrap() {
                if line.contains(words) {
                    return true;
                }
            }
            false
        });
        assert!(found.await.unwrap(), "{words}");
    }

    fn signal(&self, signal: rustix::process::Signal) {
        let pid = i32::try_from(self.child.id().unwrap()).unwrap();
        let pid = rustix::process::Pid::from_raw(pid).unwrap();
        rustix::process::kill_process(pid, signal).unwrap();
    }

    async fn ends(&mut self) -> Option<i32> {
        let status = timeout(PATIENCE, self.child.wait()).await.unwrap();
        status.unwrap().code()
    }
}

#[tokio::test]
async fn an_engine_is_started_asked_and_stopped_in_order() {
    let home = Home::new();
    let mut engine = home.serve().await;
    assert_eq!(
        home.json(&["connector", "list"]).await,
        serde_json::json!([])
    );
    assert!(home.json(&["doctor"]).await.is_array());

    let second = home.run(&["serve"]).await;
    assert_eq!(second.status.code(), Some(4));
    let why = String::from_utf8_lossy(&second.stderr).into_owned();
    assert!(why.contains("an engine runs already"), "{why}");

    engine.signal(rustix::process::Signal::TERM);
    assert_eq!(engine.ends().await, Some(0));
    assert!(!home.path("data/control.sock").exists());
    assert_eq!(home.run(&["tx", "list"]).await.status.code(), Some(5));
    let logs: Vec<_> = fs::read_dir(home.path("data/logs")).unwrap().collect();
    assert_eq!(logs.len(), 1);
    let log = fs::read_to_string(logs[0].as_ref().unwrap().path()).unwrap();
    for line in log.lines() {
        serde_json::from_str::<Value>(line).unwrap();
    }
    assert!(log.contains("the engine has stopped"), "{log}");
}

#[tokio::test]
async fn changed_files_and_new_secrets_are_in_force_without_a_restart() {
    let home = Home::new();
    let mut engine = home.serve().await;
    let init = home
        .run(&["init", "--platform", "connectwise", "--id", "cw-main"])
        .await;
    assert!(init.status.success());
    engine.says("files have changed").await;
    let connector = changed(&home, |connectors| connectors[0]["id"] == "cw-main").await;
    assert_eq!(connector[0]["state"], "off");
    assert!(
        connector[0]["problems"]
            .to_string()
            .contains("settings.company")
    );

    for name in ["public-key", "private-key", "client-id"] {
        home.keep_secret(&format!("cw-main-{name}")).await;
    }
    let file = "config/connectors/cw-main.toml";
    let text = fs::read_to_string(home.path(file)).unwrap();
    let text = text
        .replace("company = \"\"", "company = \"acme\"")
        .replace(
            "site = \"na.myconnectwise.net\"",
            "base_url = \"http://127.0.0.1:9\"",
        );
    home.write(file, &text);
    let connectors = changed(&home, |connectors| connectors[0]["state"] != "off").await;
    assert_eq!(connectors[0]["problems"], serde_json::json!([]));

    // A file that is broken now leaves the last good version in force.
    home.write(file, "platform = \n");
    let told = |connectors: &Value| connectors[0]["problems"] != serde_json::json!([]);
    let connectors = changed(&home, told).await;
    assert_ne!(connectors[0]["state"], "off", "{connectors}");
}

const DESCRIPTION: &str = r#"{"openapi": "3.0.0", "info": {"title": "Things", "version": "1"}, "paths": {
    "/things/{id}": {"get": {"operationId": "getThing"}}}}"#;

/// The settings of a connector name a description, which is a file of its own.
#[tokio::test]
async fn a_changed_description_is_in_force_and_a_broken_one_is_not() {
    let home = Home::new();
    home.write("config/apis/things.json", DESCRIPTION);
    home.write("config/mappings/things.toml", "");
    home.write(
        "config/connectors/things.toml",
        "platform = \"rest\"\n[settings]\ndocument = \"apis/things.json\"\nbase_url = \"http://127.0.0.1:9\"\nrecord_fetch = \"getThing\"\nauthentication = \"none\"\n",
    );
    let mut engine = home.serve().await;
    let fine = |connectors: &Value| connectors[0]["problems"] == serde_json::json!([]);
    let connectors = changed(&home, fine).await;
    assert_ne!(connectors[0]["state"], "off", "{connectors}");

    // The operation that the connector uses is gone.
    home.write(
        "config/apis/things.json",
        &DESCRIPTION.replace("getThing", "readThing"),
    );
    engine.says("files have changed").await;
    let connectors = changed(&home, |connectors| !fine(connectors)).await;
    let problems = connectors[0]["problems"].to_string();
    assert!(problems.contains("record_fetch"), "{problems}");
    assert_ne!(connectors[0]["state"], "off", "what it had stays in force");

    home.write("config/apis/things.json", "{");
    let told = |connectors: &Value| {
        connectors[0]["problems"]
            .to_string()
            .contains("things.json")
    };
    changed(&home, told).await;

    home.write("config/apis/things.json", DESCRIPTION);
    changed(&home, fine).await;
}

/// The connectors, once they are as wanted; the engine tells of each change.
async fn changed(home: &Home, wanted: impl Fn(&Value) -> bool) -> Value {
    let data = home.path("data/control.sock");
    let client = fieldbridge::api::Client::connect(&data).await.unwrap();
    let mut updates = client.updates().await.unwrap();
    let seen = timeout(PATIENCE, async {
        loop {
            updates.next().await.unwrap();
            let overview = client.overview().await.unwrap();
            let connectors = serde_json::to_value(&overview.connectors).unwrap();
            if wanted(&connectors) {
                return connectors;
            }
        }
    });
    seen.await.expect("the change is in force")
}

#[tokio::test]
async fn a_description_becomes_a_connector_that_works_once_its_secret_is_kept() {
    let clock = Arc::new(TokioClock::start());
    let desk = Rest::start(RestSettings::default(), clock, 1)
        .await
        .unwrap();
    let home = Home::new();
    home.write("config/apis/desk.yaml", REST_DESCRIPTION);
    let _engine = home.serve().await;
    let socket = home.path("data/control.sock");
    let client = Client::connect(&socket).await.unwrap();
    let id = ConnectorId::new("rest-desk").unwrap();
    let request = DescriptionRequest {
        file: "apis/desk.yaml".to_owned(),
        connector: Some(id.clone()),
        ..DescriptionRequest::default()
    };
    let offer = client.describe(&request).await.unwrap();
    assert_eq!(offer.candidates(Purpose::Fetch)[0], "getTicket");
    let mut make = MakeConnector {
        connector: id.clone(),
        file: request.file.clone(),
        choice: Choice {
            name: Some("Harbour Desk".to_owned()),
            base_url: Some(desk.rest_url()),
            ..offer.choice
        },
        extent: Extent::DryRun,
    };
    let tried = client.make_connector(&make).await.unwrap();
    assert_eq!(tried.missing_secrets, ["rest-desk-api-key"]);
    assert_eq!((tried.problems.len(), tried.written.len()), (0, 0));
    assert!(!home.path("config/connectors").exists());

    make.extent = Extent::Write;
    let made = client.make_connector(&make).await.unwrap();
    assert_eq!(fs::read_to_string(&made.file).unwrap(), tried.text);
    assert_eq!(made.written.len(), 2);
    let waits = |connectors: &Value| {
        let problems = &connectors[0]["problems"];
        problems.to_string().contains("rest-desk-api-key")
    };
    changed(&home, waits).await;
    let key = RestSettings::default().api_key;
    let name = "rest-desk-api-key";
    client.set_secret(name, Some(key.into())).await.unwrap();
    changed(&home, |connectors| connectors[0]["state"] == "live").await;
    let probe = client.probe(&id).await.unwrap();
    assert!(probe.is_good(), "{probe:?}");

    // What is there is not written over, and who made it is known.
    let again = client.make_connector(&make).await.unwrap_err();
    assert!(again.to_string().contains("already"), "{again}");
    assert_eq!(fs::read_to_string(&made.file).unwrap(), tried.text);
    let audit = client.audit(10, None).await.unwrap();
    let line = audit
        .items
        .iter()
        .find(|line| line.connector.as_ref() == Some(&id));
    let line = line.expect("the audit trail tells of it");
    assert_eq!(line.by, client.hello().user);
    assert!(line.action.contains("apis/desk.yaml"), "{}", line.action);
}

#[tokio::test]
async fn what_can_not_be_made_is_refused_and_nothing_is_written() {
    let home = Home::new();
    home.write("config/desk.yaml", REST_DESCRIPTION);
    home.write("config/none.yaml", "just: words\n");
    home.write("config/connectors/taken.toml", "this is broken");
    let _engine = home.serve().await;
    let socket = home.path("data/control.sock");
    let client = Client::connect(&socket).await.unwrap();
    let describe = async |file: &str, id: &str, fetch: Option<&str>| {
        let request = DescriptionRequest {
            file: file.to_owned(),
            connector: Some(ConnectorId::new(id).unwrap()),
            fetch: fetch.map(str::to_owned),
            envelope: None,
        };
        client
            .describe(&request)
            .await
            .map_err(|why| why.to_string())
    };
    for (file, id, fetch, why) in [
        ("missing.yaml", "new", None, "is not there"),
        ("none.yaml", "new", None, "no OpenAPI description"),
        ("", "new", None, "no description is named"),
        ("/dev/zero", "new", None, "neither a file nor a directory"),
        ("desk.yaml", "taken", None, "a connector `taken` already"),
        (
            "desk.yaml",
            "new",
            Some("flyToTheMoon"),
            "no operation `flyToTheMoon`",
        ),
        (
            "desk.yaml",
            "new",
            Some("describeTicket"),
            "no parameter for the record's id",
        ),
    ] {
        let refused = describe(file, id, fetch).await.unwrap_err();
        assert!(refused.contains(why), "{refused}");
    }
    let offer = describe("desk.yaml", "new", None).await.unwrap();
    let make = |choice: Choice| MakeConnector {
        connector: ConnectorId::new("new").unwrap(),
        file: "desk.yaml".to_owned(),
        choice,
        extent: Extent::Write,
    };
    let nowhere = Choice {
        base_url: Some("nowhere".to_owned()),
        ..offer.choice.clone()
    };
    let mut nothing = offer.choice.clone();
    nothing.operations.remove(&Purpose::Fetch);
    for (choice, why) in [
        (nowhere, "is no whole address"),
        (nothing, "reads one record"),
    ] {
        let refused = client.make_connector(&make(choice)).await.unwrap_err();
        assert!(refused.to_string().contains(why), "{refused}");
    }
    assert!(!home.path("config/connectors/new.toml").exists());
    assert!(!home.path("config/mappings/new.toml").exists());

    // A mapping that is there already stays, and the connector takes it.
    home.write("config/mappings/new.toml", "# mine\n");
    let made = client.make_connector(&make(offer.choice)).await.unwrap();
    assert_eq!(made.kept, [home.path("config/mappings/new.toml")]);
    let kept = fs::read_to_string(home.path("config/mappings/new.toml")).unwrap();
    assert_eq!(kept, "# mine\n");
}

#[tokio::test]
async fn after_a_kill_it_starts_again_over_the_socket_left_behind() {
    let home = Home::new();
    let mut engine = home.serve().await;
    engine.signal(rustix::process::Signal::KILL);
    assert_eq!(engine.ends().await, None);
    assert!(home.path("data/control.sock").exists());
    let mut engine = home.serve().await;
    assert_eq!(
        home.json(&["tx", "list"]).await["items"],
        serde_json::json!([])
    );
    // Asked over the socket, it ends by itself.
    let data = home.path("data/control.sock");
    let client = fieldbridge::api::Client::connect(&data).await.unwrap();
    client.stop().await.unwrap();
    assert_eq!(engine.ends().await, Some(0));
}

#[tokio::test]
async fn why_nothing_is_synced_is_told_until_the_missing_secret_is_kept() {
    let home = Home::new();
    home.write(
        "config/fieldbridge.toml",
        "[server]\nlisten = \"127.0.0.1:0\"\n[field_nation]\nbase_url = \"http://127.0.0.1:9\"\nclient_id = \"a\"\n\
         client_secret = { secret = \"fn-client\" }\nusername = \"u\"\npassword = { secret = \"fn-password\" }\n",
    );
    let _engine = home.serve().await;
    let client = Client::connect(&home.path("data/control.sock"))
        .await
        .unwrap();
    let told = async || {
        let problems = client.overview().await.unwrap().engine.problems;
        let told = problems.iter().map(ToString::to_string);
        told.collect::<Vec<_>>().join("\n")
    };
    let first = told().await;
    assert!(first.contains("fn-client"), "{first}");
    assert!(first.contains("fn-password"), "{first}");
    let key = |text: &str| Some(text.to_owned().into());
    client
        .set_secret("fn-client", key("NotARealSecret"))
        .await
        .unwrap();
    let then = told().await;
    assert!(
        !then.contains("fn-client") && then.contains("fn-password"),
        "{then}"
    );
    client
        .set_secret("fn-password", key("NotARealPassword"))
        .await
        .unwrap();
    assert_eq!(told().await, "");
}
