//! `fieldbridge mapping check`: mappings against the fields that are known of both sides.

use std::fs;
use std::path::Path;

use serde_json::json;

use super::check::{Findings, findings_text};
use super::context::{Context, text_of};
use super::failure::CliError;
use super::mapping::{evaluator, file_of, located, parsed};
use crate::api::Client;
use crate::config::{LoadedConnector, Problem};
use crate::fieldnation::FieldNation;
use crate::mapping::{self, Evaluator, Mapping, Severity, unmapped};
use crate::model::{Catalogue, ConnectorId, Direction, Field, FieldKind, Timestamp};

/// What is known of the fields of both sides.
#[derive(Default)]
pub(super) struct BothSides {
    platform: Option<Catalogue>,
    field_nation: Option<Catalogue>,
    knowledge: Knowledge,
}

/// Where the fields are known from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Knowledge {
    /// What every company has; another may be needed, or filled in by hand.
    #[default]
    Usual,
    /// What the engine read from this company and this platform.
    Read,
}

impl BothSides {
    /// Field Nation's fields as every company has them. Which custom fields there are is not known.
    pub(super) fn usual() -> Self {
        let mut fields = FieldNation::static_catalogue().to_vec();
        fields.push(Field::new(
            "custom_fields",
            "Custom fields",
            FieldKind::Object,
        ));
        Self {
            field_nation: Some(Catalogue {
                fields,
                read_at: Timestamp::UNIX_EPOCH,
            }),
            ..Self::default()
        }
    }

    /// The fields that an engine knows.
    async fn read(client: &Client, connector: &ConnectorId) -> Result<Self, CliError> {
        Ok(Self {
            platform: client.fields(connector, Direction::Outbound).await?,
            field_nation: client.fields(connector, Direction::Inbound).await?,
            knowledge: Knowledge::Read,
        })
    }

    /// The fields that an engine knows, or the usual ones where none runs.
    pub(super) async fn if_running(
        context: &Context,
        connector: &ConnectorId,
    ) -> Result<Self, CliError> {
        match context.connect_if_running().await? {
            Some(client) => Self::read(&client, connector).await,
            None => Ok(Self::usual()),
        }
    }

    /// Source and target of a direction.
    pub(super) fn of(&self, direction: Direction) -> (Option<&Catalogue>, Option<&Catalogue>) {
        let (platform, field_nation) = (self.platform.as_ref(), self.field_nation.as_ref());
        match direction {
            Direction::Inbound => (platform, field_nation),
            Direction::Outbound => (field_nation, platform),
        }
    }
}

pub(super) async fn run(
    context: &Context,
    file: Option<&Path>,
    connector: Option<&ConnectorId>,
) -> Result<(), CliError> {
    let mut findings = Findings::default();
    let checked = match (file, connector) {
        (None, None) => mapping_findings(context, &mut findings).await,
        (file, connector) => {
            check_one(context, file, connector, &mut findings).await?;
            1
        }
    };
    let value = json!({
        "mappings": checked,
        "problems": findings.problems,
        "warnings": findings.warnings,
    });
    context.output.result(&value, |output| {
        let plural = if checked == 1 { "mapping" } else { "mappings" };
        findings_text(
            output,
            &findings,
            &format!("{checked} {plural}, no problems"),
        )
    })?;
    if findings.problems.is_empty() {
        Ok(())
    } else {
        Err(CliError::Told(1))
    }
}

/// Checks one file: the named one, or the connector's, against the connector's fields.
async fn check_one(
    context: &Context,
    file: Option<&Path>,
    connector: Option<&ConnectorId>,
    findings: &mut Findings,
) -> Result<(), CliError> {
    let fields = match connector {
        Some(connector) => BothSides::read(&context.connect().await?, connector).await?,
        None => BothSides::usual(),
    };
    let file = match (file, connector) {
        (Some(file), _) => file.to_owned(),
        (None, Some(connector)) => file_of(context, connector)?,
        (None, None) => return Ok(()),
    };
    if let Some(connector) = connector.filter(|_| fields.platform.is_none()) {
        context.output.note(&format!(
            "The platform's fields were never read; read them with: fieldbridge connector fields {connector} --refresh"
        ));
    }
    let text = text_of(&file)?;
    check_file(&file, &text, &fields, &evaluator(context), findings).await;
    Ok(())
}

/// Checks the mappings of all connectors; answers how many there are.
pub(super) async fn mapping_findings(context: &Context, findings: &mut Findings) -> usize {
    let evaluator = evaluator(context);
    let fields = BothSides::usual();
    let mut checked = 0;
    for LoadedConnector { mapping, .. } in &context.loaded().connectors {
        match fs::read_to_string(mapping) {
            Ok(text) => {
                checked += 1;
                check_file(mapping, &text, &fields, &evaluator, findings).await;
            }
            Err(error) => findings.problems.push(Problem::new(
                mapping,
                format!("the mapping can't be read: {error}"),
                "every connector needs one; `fieldbridge init --platform` writes one to start from",
            )),
        }
    }
    checked
}

async fn check_file(
    file: &Path,
    text: &str,
    fields: &BothSides,
    evaluator: &Evaluator,
    findings: &mut Findings,
) {
    let mapping = match parsed(file, text) {
        Ok(mapping) => mapping,
        Err(problems) => return findings.problems.extend(problems),
    };
    for direction in Direction::ALL {
        for problem in found(&mapping, direction, fields, evaluator).await {
            let list = match problem.severity {
                Severity::Error => &mut findings.problems,
                Severity::Warning => &mut findings.warnings,
            };
            list.push(located(file, problem));
        }
    }
}

async fn found(
    mapping: &Mapping,
    direction: Direction,
    fields: &BothSides,
    evaluator: &Evaluator,
) -> Vec<mapping::Problem> {
    let (source, target) = fields.of(direction);
    if fields.knowledge == Knowledge::Read {
        return mapping::check(mapping, direction, source, target, Some(evaluator)).await;
    }
    // Whether a field is needed is only certain where this company's fields were read.
    let optional = target.map(|target| {
        let mut target = target.clone();
        for field in &mut target.fields {
            field.required = false;
        }
        target
    });
    let mut found = mapping::check(
        mapping,
        direction,
        source,
        optional.as_ref(),
        Some(evaluator),
    )
    .await;
    let missing = target.map(|target| unmapped(mapping, direction, target));
    let missing = missing.into_iter().flatten();
    found.extend(missing.map(|problem| mapping::Problem {
        severity: Severity::Warning,
        ..problem
    }));
    found.sort_by(|one, other| one.position.cmp(&other.position));
    found
}
