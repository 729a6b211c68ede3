//! The real binary against a control socket with a stand-in for the engine behind it.

#[path = "support/fake_engine.rs"]
mod fake_engine;

use std::path::{Path, PathBuf};
use std::process::Output;
use std::sync::Arc;

use fake_engine::{FakeEngine, connector, moment};
use fieldbridge::api::{Server, ServerSetup};
use fieldbridge::config::{DataDirectory, Roles};
use fieldbridge::engine::Control;
use fieldbridge::model::ManualClock;
use serde_json::Value;
use tempfile::TempDir;
use tokio::process::Command;

const ID: &str = "00000000-0000-0000-0000-000000000001";
const NOWHERE: &str = "00000000-0000-0000-0000-0000000000ff";

struct House {
    engine: Arc<FakeEngine>,
    _server: Server,
    home: TempDir,
}

struct Said {
    code: i32,
    out: String,
    err: String,
}

async fn house(roles: Roles) -> House {
    let home = tempfile::tempdir().unwrap();
    let engine = FakeEngine::new();
    engine.change(|overview| overview.connectors.push(connector("zz-last")));
    let data = DataDirectory::resolve(Some(&home.path().join("data")), None).unwrap();
    let server = Server::start(ServerSetup {
        control: Arc::clone(&engine) as Arc<dyn Control>,
        socket: data.socket(),
        roles,
        name: "test".to_owned(),
        clock: Arc::new(ManualClock::at(moment(0))),
    });
    House {
        engine,
        _server: server.await.unwrap(),
        home,
    }
}

impl House {
    fn path(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }

    fn command(&self, line: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_fieldbridge"));
        command
            .args(line)
            .env_clear()
            .env("FIELDBRIDGE_CONFIG", self.path("config"))
            .env("FIELDBRIDGE_DATA", self.path("data"))
            .kill_on_drop(true);
        command
    }

    async fn run(&self, line: &[&str]) -> Said {
        said(self.command(line).output().await.unwrap())
    }

    async fn json(&self, line: &[&str]) -> Value {
        let said = self.run(&[line, &["--json"][..]].concat()).await;
        assert_eq!(said.code, 0, "{line:?} {}", said.err);
        serde_json::from_str(&said.out).unwrap()
    }

    fn deeds(&self) -> Vec<String> {
        self.engine.deeds.lock().unwrap().clone()
    }
}

fn said(output: Output) -> Said {
    Said {
        code: output.status.code().expect("it ended by itself"),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

#[tokio::test]
async fn a_list_is_a_table_without_what_could_steer_the_terminal() {
    let house = house(Roles::default()).await;
    let said = house.run(&["tx", "list", "--limit", "1"]).await;
    assert_eq!(said.code, 0, "{}", said.err);
    let lines: Vec<_> = said.out.lines().collect();
    assert!(lines[0].starts_with("id "), "{}", said.out);
    assert!(lines[1].contains("✗ dead"), "{}", said.out);
    assert!(lines[2].starts_with("more: --after "), "{}", said.out);
    let said = house.run(&["tx", "show", ID]).await;
    assert!(said.out.contains("AP down, [31mfloor 2"), "{}", said.out);
    assert!(
        said.out.contains("Give the rule a default."),
        "{}",
        said.out
    );
    assert!(!said.out.contains('\u{1b}'), "{}", said.out);
}

#[tokio::test]
async fn every_fact_is_there_as_json() {
    let house = house(Roles::default()).await;
    assert_eq!(
        house.json(&["tx", "list"]).await["items"]
            .as_array()
            .unwrap()
            .len(),
        2
    );
    assert_eq!(
        house.json(&["tx", "show", ID]).await["transaction"]["id"],
        ID
    );
    let source = house.json(&["tx", "show", ID, "--payload", "source"]).await;
    assert_eq!(source["summary"], "hi");
    let export = house.json(&["tx", "export", ID]).await;
    assert_eq!(export["payloads"]["source"]["summary"], "hi");
    assert_eq!(house.json(&["connector", "list"]).await[2]["id"], "zz-last");
    assert_eq!(
        house.json(&["connector", "show", "cw-main"]).await["state"],
        "live"
    );
    let fields = house
        .json(&["connector", "fields", "cw-main", "--refresh"])
        .await;
    assert_eq!(fields["fields"][0]["path"], "title");
    assert_eq!(
        house
            .json(&["connector", "callbacks", "list", "cw-main"])
            .await[0]["id"],
        "a/b c"
    );
    assert_eq!(
        house.json(&["fieldnation", "webhooks", "check"]).await[0]["standing"],
        "alive"
    );
    assert_eq!(house.json(&["audit"]).await["items"][0]["by"], "maria");
    let plan = house
        .json(&["tx", "replay", ID, "--as", "remap", "--plan"])
        .await;
    assert_eq!(plan["would_send"]["title"], "AP down");
}

#[tokio::test]
async fn deeds_are_done_and_told() {
    let house = house(Roles::default()).await;
    for line in [
        &["connector", "pause", "cw-main"][..],
        &["connector", "resume", "cw-main"],
        &["connector", "trigger", "cw-main", "48213"],
        &["connector", "rotate-token", "cw-main"],
        &["connector", "callbacks", "register", "cw-main"],
        &["connector", "callbacks", "remove", "cw-main", "a/b c"],
        &["fieldnation", "webhooks", "register"],
        &["tx", "replay", ID, "--as", "same-output"],
    ] {
        let said = house.run(line).await;
        assert_eq!(said.code, 0, "{line:?} {}", said.err);
        assert!(!said.out.is_empty());
    }
    let verbs: Vec<_> = house
        .deeds()
        .iter()
        .map(|deed| deed.split(' ').nth(1).unwrap().to_owned())
        .collect();
    let expected = [
        "pauses",
        "resumes",
        "triggers",
        "rotates",
        "subscribes",
        "unsubscribes",
        "registers",
        "replays",
    ];
    assert_eq!(verbs, expected);
}

#[tokio::test]
async fn what_is_not_there_is_exit_code_3() {
    let house = house(Roles::default()).await;
    for line in [
        &["tx", "show", NOWHERE][..],
        &["tx", "show", ID, "--payload", "sent"],
        &["connector", "show", "nowhere"],
        &["connector", "pause", "nowhere"],
        &["connector", "fields", "cw-main", "--direction", "outbound"],
        &["secret", "rm", "nothing"],
    ] {
        let said = house.run(line).await;
        assert_eq!(said.code, 3, "{line:?} {}", said.err);
        assert_eq!(said.out, "");
    }
}

#[tokio::test]
async fn one_of_many_that_is_refused_does_not_hold_up_the_others() {
    let house = house(Roles::default()).await;
    let other = "00000000-0000-0000-0000-000000000002";
    let said = house
        .run(&[
            "tx", "discard", ID, NOWHERE, other, "--reason", "a test", "--json",
        ])
        .await;
    assert_eq!(said.code, 3, "{}", said.err);
    let done: Value = serde_json::from_str(&said.out).unwrap();
    assert_eq!(done.as_array().unwrap().len(), 2);
    let stale = house.run(&["tx", "restore", ID, "--seen", "3"]).await;
    assert_eq!(stale.code, 4, "{}", stale.err);
    let current = house.run(&["tx", "restore", ID, "--seen", "4"]).await;
    assert_eq!(current.code, 0, "{}", current.err);
}

#[tokio::test]
async fn read_only_refuses_what_changes_anything() {
    let house = house(Roles::default()).await;
    assert_eq!(house.run(&["--read-only", "tx", "list"]).await.code, 0);
    for line in [
        &["--read-only", "tx", "retry", ID][..],
        &["--read-only", "connector", "pause", "cw-main"],
        &["--read-only", "secret", "set", "name"],
        &["--read-only", "init"],
        &["--read-only", "serve"],
    ] {
        let said = house.run(line).await;
        assert_eq!(said.code, 4, "{line:?} {}", said.err);
    }
    assert!(house.deeds().is_empty());
}

#[tokio::test]
async fn a_second_engine_is_refused_and_told_how_to_attach() {
    let house = house(Roles::default()).await;
    let said = house.run(&["serve"]).await;
    assert_eq!(said.code, 4, "{}", said.err);
    assert!(
        said.err.contains("attach to it with: fieldbridge"),
        "{}",
        said.err
    );
    assert!(
        said.err.contains(&std::process::id().to_string()),
        "{}",
        said.err
    );
}

/// A user that is not root and not the owner of anything here.
const SOMEBODY: u32 = 65_534;

#[tokio::test]
async fn another_unix_user_may_do_what_the_roles_say() {
    if !rustix::process::geteuid().is_root() {
        println!("skipped: only root can be somebody else");
        return;
    }
    let viewer = Roles {
        viewer: vec![SOMEBODY.to_string()],
        ..Roles::default()
    };
    let house = house(viewer).await;
    open_to_all(house.home.path());
    let binary = house.path("fieldbridge");
    std::fs::copy(env!("CARGO_BIN_EXE_fieldbridge"), &binary).unwrap();
    let as_somebody = async |line: &[&str]| {
        let mut command = Command::new(&binary);
        command
            .args(line)
            .env_clear()
            .env("FIELDBRIDGE_CONFIG", house.path("config"))
            .env("FIELDBRIDGE_DATA", house.path("data"))
            .uid(SOMEBODY)
            .gid(SOMEBODY);
        said(command.output().await.unwrap())
    };
    let list = as_somebody(&["tx", "list"]).await;
    assert_eq!(list.code, 0, "{}", list.err);
    let pause = as_somebody(&["connector", "pause", "cw-main"]).await;
    assert_eq!(pause.code, 4, "{}", pause.err);
    assert!(pause.err.contains("needs the role admin"), "{}", pause.err);
    assert!(house.deeds().is_empty());
}

fn open_to_all(directory: &Path) {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(directory, std::fs::Permissions::from_mode(0o755)).unwrap();
}
