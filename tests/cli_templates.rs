//! What `init` writes for each platform, held against the adapters: every key is shown, and each can be set.

use std::path::Path;
use std::sync::Arc;

use fieldbridge::config::{
    ConnectorConfig, Problem, SealedSecrets, Secrets, connector_text, default_mapping,
};
use fieldbridge::http::QuotaBook;
use fieldbridge::mapping::Mapping;
use fieldbridge::model::{ConnectorId, PlatformKind, TokioClock};
use fieldbridge::platform::registry::{self, Setup, available};

fn id() -> ConnectorId {
    ConnectorId::new("one").unwrap()
}

fn template(platform: PlatformKind) -> String {
    connector_text(platform, &id())
}

/// The text with every key set that is shown unset, and with the empty ones filled in.
fn filled(text: &str) -> String {
    let line = |line: &str| match line.strip_prefix('#') {
        Some(key) if key.starts_with(|first: char| first.is_ascii_lowercase()) => key.to_owned(),
        _ => line.replace("= \"\"", "= \"acme\""),
    };
    text.lines().map(line).collect::<Vec<_>>().join("\n")
}

/// What the empty settings are filled with is a file too, for the one platform that asks for a description: it has
/// the operations that its template names.
const DESCRIPTION: &str = r#"{"openapi": "3.0.0", "paths": {
    "/acme/{id}": {"get": {"operationId": "acme"}},
    "/tickets": {"get": {}, "post": {}},
    "/tickets/{ticketId}": {"patch": {}},
    "/tickets/{ticketId}/attachments": {"post": {}},
    "/ticket-fields": {"get": {}}
}}"#;

fn problems(text: &str) -> Vec<Problem> {
    let home = tempfile::tempdir().unwrap();
    std::fs::write(home.path().join("acme"), DESCRIPTION).unwrap();
    drop(rustls::crypto::ring::default_provider().install_default());
    let stored = SealedSecrets::default();
    let names = text.split("{ secret = \"").skip(1);
    let names = names.filter_map(|rest| rest.split('"').next());
    stored
        .write()
        .unwrap()
        .extend(names.map(|name| (name.to_owned(), "NotARealSecret".into())));
    let file = home.path().join("connectors/one.toml");
    let config = ConnectorConfig::parse(&file, text).unwrap();
    let secrets = Secrets::new(Path::new("."), stored);
    let setup = Setup {
        config: &config,
        secrets: &secrets,
        clock: Arc::new(TokioClock::start()),
        tokens: Arc::new(fieldbridge::http::KeepsInMemory::default()),
        quotas: &QuotaBook::default(),
    };
    registry::build(&setup).err().unwrap_or_default()
}

#[tokio::test]
async fn every_platform_with_an_adapter_has_a_template_with_every_key() {
    for platform in available() {
        let text = filled(&template(*platform));
        assert_eq!(problems(&text), [], "{platform}");
        // A key that nobody has makes the adapter list those that it knows.
        let wrong = text.replace("[settings]\n", "[settings]\nzzz = 1\n");
        let complaint = problems(&wrong)[0].what.clone();
        let known = complaint.split("expected one of").nth(1).unwrap();
        for key in known.split('`').skip(1).step_by(2) {
            assert!(text.contains(&format!("\n{key} = ")), "{platform}: {key}");
        }
    }
}

#[tokio::test]
async fn what_init_leaves_to_be_filled_in_is_named() {
    for platform in available() {
        let problems = problems(&template(*platform));
        assert!(!problems.is_empty(), "{platform}");
        for problem in problems {
            assert!(problem.what.contains("settings."), "{platform}: {problem}");
        }
    }
}

#[test]
fn every_platform_with_an_adapter_has_a_mapping_to_begin_with() {
    for platform in available() {
        let text = default_mapping(*platform);
        let parsed = Mapping::parse(text, "one.toml", None);
        assert!(parsed.is_ok(), "{platform}: {:?}", parsed.err());
    }
}
