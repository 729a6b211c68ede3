//! The mapping that a new connector begins with, on the made-up service's tickets.

use std::io::Write as _;
use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};

const MAPPING: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/mappings/rest.toml");

fn mapping(arguments: &[&str], input: &Value) -> Output {
    let config = tempfile::tempdir().unwrap();
    let mut child = Command::new(env!("CARGO_BIN_EXE_fieldbridge"))
        .arg("--config")
        .arg(config.path())
        .arg("mapping")
        .args(arguments)
        .args(["--mapping", MAPPING])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let text = input.to_string();
    // A command that reads no input may be gone before it is written.
    let _gone = child.stdin.take().unwrap().write_all(text.as_bytes());
    child.wait_with_output().unwrap()
}

fn evaluated(arguments: &[&str], input: &Value) -> Value {
    let arguments = [&["eval", "--input", "-", "--direction"], arguments].concat();
    let output = mapping(&arguments, input);
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{told}");
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn it_has_neither_problems_nor_warnings() {
    let output = mapping(&["check"], &Value::Null);
    let told = String::from_utf8(output.stdout).unwrap();
    assert!(
        output.status.success() && !told.contains('▲') && !told.contains('✗'),
        "{told}"
    );
}

#[test]
fn a_ticket_becomes_a_work_order() {
    let ticket = json!({
        "id": "TK-1001", "subject": "Printer jams", "description": "Paper tears.", "status": "dispatch",
        "site": {"name": "HB-0101", "street": "101 Sample Plaza", "city": "Minneapolis", "state": "MN", "zip": "55401"},
        "contact": {"name": "Store manager", "phone": "555-0100", "email": "store@example.com"},
        "wantedAt": "2026-01-02T03:04:05Z"
    });
    let output = evaluated(&["inbound"], &ticket);
    assert_eq!(output["title"], "Printer jams");
    assert_eq!(output["location"]["state"], "MN");
    assert_eq!(output["location"]["zip"], "55401");
    assert_eq!(
        output["schedule"]["service_window"]["start"]["utc"],
        "2026-01-02 03:04:05"
    );
    assert_eq!(output["confidential"]["html"], "Ticket TK-1001");
}

#[test]
fn an_approved_work_order_closes_the_ticket() {
    let event = json!({"workorder": {"id": 7, "status": {"name": "Approved"}}});
    let output = evaluated(&["outbound", "--event", "FN_WO_APPROVED"], &event);
    assert_eq!(
        output,
        json!({"status": "closed", "externalReference": "FN-7"})
    );
}
