//! The real binary where no engine runs: what works all the same, what does not, and with which exit code.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;
use tempfile::TempDir;

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

    fn write(&self, name: &str, text: &str) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn run(&self, line: &[&str]) -> Said {
        self.run_with(line, "")
    }

    fn run_with(&self, line: &[&str], input: &str) -> Said {
        let mut child = Command::new(env!("CARGO_BIN_EXE_fieldbridge"))
            .args(line)
            .env_clear()
            .env("FIELDBRIDGE_CONFIG", self.path("config"))
            .env("FIELDBRIDGE_DATA", self.path("data"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdin = child.stdin.take().unwrap();
        // A command that reads no input may be gone before it is written.
        let _not_read = stdin.write_all(input.as_bytes());
        drop(stdin);
        let Output {
            status,
            stdout,
            stderr,
        } = child.wait_with_output().unwrap();
        Said {
            code: status.code().expect("it ended by itself"),
            out: String::from_utf8(stdout).unwrap(),
            err: String::from_utf8(stderr).unwrap(),
        }
    }
}

fn json(said: &Said) -> Value {
    serde_json::from_str(&said.out)
        .unwrap_or_else(|error| panic!("{error}: {}{}", said.out, said.err))
}

#[test]
fn what_needs_an_engine_says_that_none_runs() {
    let home = Home::new();
    let id = "00000000-0000-0000-0000-000000000001";
    for line in [
        &["tx", "list"][..],
        &["tx", "show", id],
        &["connector", "list"],
        &["connector", "pause", "cw-main"],
        &["fieldnation", "webhooks", "list"],
        &["audit"],
        &["mapping", "preview", "--connector", "cw-main"],
    ] {
        let said = home.run(line);
        assert_eq!(said.code, 5, "{line:?} {}", said.err);
        assert!(said.err.contains("no engine is running"), "{}", said.err);
        assert_eq!(said.out, "");
    }
    let said = home.run(&["tx", "list", "--json"]);
    let error: Value = serde_json::from_str(&said.err).unwrap();
    assert_eq!((said.code, &error["error"]), (5, &"not_running".into()));
}

#[test]
fn what_makes_no_sense_is_a_usage_error() {
    let home = Home::new();
    for line in [
        &["nonsense"][..],
        &["tx", "show", "not-an-id"],
        &["tx", "list", "--state", "lost"],
        &["secret", "set", "a b"],
        // The console needs a terminal.
        &[],
    ] {
        let said = home.run(line);
        assert_eq!(said.code, 2, "{line:?} {}", said.err);
        assert!(!said.err.is_empty());
    }
    assert_eq!(home.run(&["--help"]).code, 0);
    assert!(home.run(&["--version"]).out.starts_with("fieldbridge "));
}

#[test]
fn commands_that_need_no_engine_work_with_an_empty_directory() {
    let home = Home::new();
    assert_eq!(home.run(&["check"]).code, 0);
    assert_eq!(home.run(&["mapping", "check"]).code, 0);
    assert_eq!(home.run(&["secret", "list"]).code, 0);
    let completions = home.run(&["completions", "bash"]);
    assert!(
        completions.out.contains("fieldbridge"),
        "{}",
        completions.err
    );
    let page = home.run(&["man"]);
    assert!(page.out.contains(".TH fieldbridge"), "{}", page.err);
    let pages = home.path("man");
    assert_eq!(
        home.run(&["man", "--directory", pages.to_str().unwrap()])
            .code,
        0
    );
    assert!(pages.join("fieldbridge-tx-list.1").exists());
}

#[test]
fn init_writes_what_check_accepts_once_it_is_filled_in() {
    let home = Home::new();
    let said = home.run(&[
        "init",
        "--platform",
        "connectwise",
        "--id",
        "cw-main",
        "--json",
    ]);
    assert_eq!(said.code, 0, "{}", said.err);
    assert_eq!(json(&said)["written"].as_array().unwrap().len(), 3);
    let again = home.run(&["init", "--platform", "connectwise", "--id", "cw-main"]);
    assert_eq!(again.code, 4, "{}", again.err);
    let unknown = home.run(&["init", "--platform", "zendesk"]);
    assert_eq!(unknown.code, 2, "{}", unknown.err);

    let said = home.run(&["check"]);
    assert_eq!(said.code, 1);
    assert!(
        said.out.contains("settings.company is empty"),
        "{}",
        said.out
    );
    assert!(
        said.out
            .contains("fieldbridge secret set cw-main-private-key"),
        "{}",
        said.out
    );

    let connector = home.path("config/connectors/cw-main.toml");
    let text = fs::read_to_string(&connector).unwrap();
    fs::write(
        &connector,
        text.replace("company = \"\"", "company = \"acme\""),
    )
    .unwrap();
    for name in ["public-key", "private-key", "client-id"] {
        let name = format!("cw-main-{name}");
        let said = home.run_with(&["secret", "set", &name], "NotARealSecret\n");
        assert_eq!(said.code, 0, "{}", said.err);
    }
    let said = home.run(&["check", "--json"]);
    assert_eq!(said.code, 0, "{}{}", said.out, said.err);
    assert_eq!(json(&said)["connectors"], 1);
}

#[test]
fn a_broken_file_is_told_with_line_and_column() {
    let home = Home::new();
    home.write("config/fieldbridge.toml", "[engine]\nworkers = \"many\"\n");
    let said = home.run(&["check", "--json"]);
    assert_eq!(said.code, 1);
    let problem = &json(&said)["problems"][0];
    assert_eq!(problem["place"]["line"], 2, "{problem}");
    let said = home.run(&["serve"]);
    assert_eq!(said.code, 1);
    assert!(said.err.contains("fieldbridge.toml:2:"), "{}", said.err);
}

#[test]
fn a_secret_is_kept_sealed_listed_by_name_and_forgotten() {
    let home = Home::new();
    let said = home.run_with(&["secret", "set", "cw-key"], "NotARealSecret\n");
    assert_eq!(said.code, 0, "{}", said.err);
    assert!(!said.out.contains("NotARealSecret"));
    let names = home.run(&["secret", "list", "--json"]);
    assert_eq!(json(&names), serde_json::json!(["cw-key"]));
    let database = fs::read(home.path("data/fieldbridge.redb")).unwrap();
    let needle = b"NotARealSecret";
    assert!(!database.windows(needle.len()).any(|bytes| bytes == needle));
    for name in ["fieldbridge.redb", "master.key"] {
        assert_eq!(mode(&home.path("data").join(name)) & 0o077, 0, "{name}");
    }
    assert_eq!(home.run(&["secret", "rm", "cw-key", "--read-only"]).code, 4);
    assert_eq!(home.run(&["secret", "rm", "cw-key"]).code, 0);
    assert_eq!(home.run(&["secret", "rm", "cw-key"]).code, 3);
    assert_eq!(home.run_with(&["secret", "set", "cw-key"], "\n").code, 2);
}

fn mode(path: &Path) -> u32 {
    use std::os::unix::fs::PermissionsExt;
    fs::metadata(path).unwrap().permissions().mode()
}

#[test]
fn mapping_eval_prints_the_output_nested() {
    let home = Home::new();
    home.write(
        "m.toml",
        "[[inbound]]\nsource = \"summary\"\ntarget = \"title\"\naction = \"sync\"\n\
         [[inbound]]\nsource = \"site.city\"\ntarget = \"location.city\"\naction = \"sync\"\n\
         [[inbound]]\ntarget = \"note\"\naction = \"custom\"\nscript = \"$.input.summary + '!'\"\n",
    );
    let mapping = home.path("m.toml");
    let eval = |input: &str| {
        let line = ["mapping", "eval", "--mapping", mapping.to_str().unwrap()];
        let rest = ["--direction", "inbound", "--input", "-"];
        home.run_with(&[&line[..], &rest[..]].concat(), input)
    };
    let said = eval(r#"{"summary": "AP down", "site": {"city": "Tulsa"}}"#);
    assert_eq!(said.code, 0, "{}", said.err);
    let expected = serde_json::json!({
        "title": "AP down", "location": {"city": "Tulsa"}, "note": "AP down!"
    });
    assert_eq!(json(&said), expected);

    let said = eval(r#"{"site": {"city": "Tulsa"}}"#);
    assert_eq!((said.code, said.out.as_str()), (1, ""));
    assert!(said.err.contains("rule 3"), "{}", said.err);

    assert_eq!(eval("{ no json").code, 1);
    home.write("m.toml", "[[inbound]]\ntarget = 1\n");
    let said = eval("{}");
    assert_eq!(said.code, 1);
    assert!(said.err.contains("m.toml:"), "{}", said.err);
}

#[test]
fn shipped_mappings_pass_their_cases() {
    let home = Home::new();
    let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("mappings");
    let mut mappings = 0;
    for entry in fs::read_dir(&shipped).unwrap() {
        let file = entry.unwrap().path();
        if file.extension().is_none_or(|ending| ending != "toml") {
            continue;
        }
        mappings += 1;
        let line = ["mapping", "test", "--json", "--mapping"];
        let said = home.run(&[&line[..], &[file.to_str().unwrap()]].concat());
        assert_eq!(said.code, 0, "{}: {}", file.display(), said.out);
        let passed = json(&said)["passed"].as_u64().unwrap();
        assert!(passed >= 3, "{}: {passed} cases", file.display());
    }
    assert_eq!(mappings, 9);
}

#[test]
fn a_case_that_fails_says_what_differs_and_can_be_accepted() {
    let home = Home::new();
    let rule = "[[inbound]]\nsource = \"summary\"\ntarget = \"title\"\naction = \"sync\"\n";
    home.write("m.toml", rule);
    let mapping = home.path("m.toml");
    let test = |more: &[&str]| {
        let line = ["mapping", "test", "--mapping", mapping.to_str().unwrap()];
        home.run(&[&line[..], more].concat())
    };
    let absent = home.run(&["mapping", "test", "--mapping", "nowhere.toml"]);
    assert_eq!(absent.code, 3, "{}", absent.err);
    let said = test(&[]);
    assert_eq!(said.code, 0);
    assert!(said.out.contains("m.toml has no cases"), "{}", said.out);

    home.write(
        "m.cases/one.json",
        r#"{"about": "a ticket", "direction": "inbound", "for": "create", "source": {"summary": "AP down"},
            "expect": {"output": {"title": "AP up", "note": "x"}}}"#,
    );
    let said = test(&[]);
    assert_eq!(said.code, 1);
    for expected in [
        "one.json (a ticket)",
        "title: expected \"AP up\", got \"AP down\"",
        "note: expected \"x\", got nothing",
        "0 passed, 1 failed",
    ] {
        assert!(said.out.contains(expected), "{expected}: {}", said.out);
    }
    assert_eq!(test(&["--accept", "--read-only"]).code, 4);
    assert_eq!(test(&["--accept"]).code, 0);
    assert_eq!(test(&[]).code, 0);

    home.write("m.cases/two.json", "{\n \"about\": 1}");
    let said = test(&[]);
    assert_eq!(said.code, 1);
    assert!(said.out.contains("two.json:2:"), "{}", said.out);
}

#[test]
fn the_doctor_looks_at_this_machine() {
    let home = Home::new();
    home.write("config/fieldbridge.toml", "");
    let said = home.run(&["doctor", "--json"]);
    let findings = json(&said);
    let verdict = |what: &str| {
        let findings = findings.as_array().unwrap();
        let finding = findings.iter().find(|finding| finding["what"] == what);
        finding.unwrap_or_else(|| panic!("{what}: {said}", said = said.out))["verdict"].clone()
    };
    assert_eq!(verdict("config directory"), "good");
    assert_eq!(verdict("data directory"), "good");
    assert_eq!(verdict("engine"), "good");
    assert_eq!(verdict("clock"), "good");
    home.write("data", "a file");
    let said = home.run(&["doctor"]);
    assert_eq!(said.code, 1, "{}", said.out);
    assert!(said.out.contains("is no directory"), "{}", said.out);
}
