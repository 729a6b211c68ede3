//! `fieldbridge check`: the config directory, file by file.

use std::sync::{Arc, PoisonError};

use serde_json::json;

use super::context::Context;
use super::failure::CliError;
use super::mapping_check::mapping_findings;
use super::offline::{open_store, open_vault, sealed_secrets};
use super::output::{Look, Output};
use super::text::{push_line, safe};
use crate::config::{
    ConnectorConfig, FieldNationSettings, Problem, SealedSecrets, SecretReference, Secrets,
};
use crate::http::QuotaBook;
use crate::model::TokioClock;
use crate::platform::registry::{self, Setup};

/// What checking found.
#[derive(Default)]
pub(super) struct Findings {
    pub(super) problems: Vec<Problem>,
    pub(super) warnings: Vec<Problem>,
}

pub(super) async fn check(context: &Context) -> Result<(), CliError> {
    let loaded = context.loaded();
    let secrets = Secrets::new(context.directory.path(), known_secrets(context).await);
    let mut findings = Findings {
        problems: loaded.problems().cloned().collect(),
        warnings: loaded.warnings.clone(),
    };
    if let Ok(settings) = &loaded.settings {
        match &settings.field_nation {
            Some(field_nation) => {
                findings
                    .problems
                    .extend(field_nation_problems(context, field_nation, &secrets));
            }
            None => findings.warnings.push(Problem::new(
                &context.directory.settings_file(),
                "there is no [field_nation]; nothing can be synced without it",
                "fieldbridge init writes the file with every key explained",
            )),
        }
    }
    for connector in loaded.good().filter(|connector| connector.enabled) {
        findings
            .problems
            .extend(adapter_problems(connector, &secrets));
    }
    mapping_findings(context, &mut findings).await;
    let value = json!({
        "connectors": loaded.connectors.len(),
        "problems": findings.problems,
        "warnings": findings.warnings,
    });
    let connectors = loaded.connectors.len();
    context.output.result(&value, |output| {
        let plural = if connectors == 1 {
            "connector"
        } else {
            "connectors"
        };
        findings_text(
            output,
            &findings,
            &format!("{connectors} {plural}, no problems"),
        )
    })?;
    if findings.problems.is_empty() {
        Ok(())
    } else {
        Err(CliError::Told(1))
    }
}

/// Problems and warnings as text; without a problem, what is good.
pub(super) fn findings_text(output: &Output, findings: &Findings, good: &str) -> String {
    let mut text = String::new();
    for (look, glyph, list) in [
        (Look::Bad, "✗", &findings.problems),
        (Look::Waiting, "▲", &findings.warnings),
    ] {
        for problem in list {
            let line = format!("{glyph} {}", safe(&problem.to_string()));
            push_line(&mut text, &output.paint(look, &line));
        }
    }
    if findings.problems.is_empty() {
        push_line(&mut text, &output.paint(Look::Good, &format!("✓ {good}")));
    }
    text
}

/// Secrets of the own store, as far as they can be known: opened where no engine holds the database, else by their
/// names alone, each with a stand-in for its value. Without either none is known, and those that are missing are told.
async fn known_secrets(context: &Context) -> SealedSecrets {
    let secrets = SealedSecrets::default();
    let Ok(data) = context.data() else {
        return secrets;
    };
    if let Ok(Some(client)) = context.connect_if_running().await {
        let names = client.secret_names().await.unwrap_or_default();
        let stand_ins = names.into_iter().map(|name| (name, "stand-in".into()));
        secrets
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .extend(stand_ins);
    } else if data.database().exists()
        && let (Ok(vault), Ok(store)) = (open_vault(&data), open_store(&data))
        && let Ok(sealed) = sealed_secrets(&store).await
    {
        let sealed = sealed.iter().map(|(name, bytes)| (name.as_str(), &**bytes));
        for failure in vault.fill(&secrets, sealed) {
            context.output.note(&failure.to_string());
        }
    }
    secrets
}

fn field_nation_problems(
    context: &Context,
    settings: &FieldNationSettings,
    secrets: &Secrets,
) -> Vec<Problem> {
    let file = context.directory.settings_file();
    let references: [(&str, Option<&SecretReference>); 3] = [
        ("client_secret", Some(&settings.client_secret)),
        ("password", Some(&settings.password)),
        ("webhook_secret", settings.webhook_secret.as_ref()),
    ];
    let missing = references.into_iter().filter_map(|(key, reference)| {
        let why = secrets.resolve(reference?).err()?;
        Some(Problem::new(
            &file,
            format!("field_nation.{key}: {why}"),
            "",
        ))
    });
    let mut problems: Vec<_> = missing.collect();
    for (key, address) in [
        ("base_url", Some(settings.base_url.as_str())),
        ("webhooks_url", settings.webhooks_url.as_deref()),
    ] {
        let good = address.is_none_or(|address| {
            url::Url::parse(address).is_ok_and(|url| matches!(url.scheme(), "http" | "https"))
        });
        if !good {
            problems.push(Problem::new(
                &file,
                format!("field_nation.{key} is no address"),
                "write it as https://host",
            ));
        }
    }
    problems
}

/// What the connector's adapter says of its settings.
fn adapter_problems(connector: &ConnectorConfig, secrets: &Secrets) -> Vec<Problem> {
    let setup = Setup {
        config: connector,
        secrets,
        clock: Arc::new(TokioClock::start()),
        tokens: Arc::new(crate::http::KeepsInMemory::default()),
        quotas: &QuotaBook::default(),
    };
    registry::build(&setup).err().unwrap_or_default()
}
