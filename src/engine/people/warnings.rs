//! What is doubtful about a mapping in force, now that the fields of both sides are known.

use std::collections::HashMap;

use crate::config::{Place, Problem};
use crate::engine::connectors::{Active, Connector};
use crate::mapping::{Mapping, check};
use crate::model::{Catalogue, ConnectorId, Direction};

use super::Shared;

/// Checks a connector's mapping against both catalogues, and keeps what it says where people see it.
pub(in crate::engine) async fn look(shared: &Shared, id: &ConnectorId) {
    let Some((connector, active)) = shared
        .connectors
        .get(id)
        .and_then(|connector| Some((connector.clone(), connector.active.clone()?)))
    else {
        return;
    };
    let found = found(shared, &connector, &active).await;
    connector.live.standing().warnings = found;
    shared.changed();
}

/// The same after the fields were read anew: what was not so before is said to have come by that.
pub(super) async fn look_after_refresh(shared: &Shared, id: &ConnectorId) {
    let before: HashMap<String, Problem> =
        shared
            .connectors
            .get(id)
            .map_or_else(HashMap::new, |known| {
                let warnings = known.live.standing().warnings.clone();
                let by_what = warnings.into_iter();
                by_what
                    .map(|one| (plain(&one.what).to_owned(), one))
                    .collect()
            });
    look(shared, id).await;
    let Some(connector) = shared.connectors.get(id) else {
        return;
    };
    let at = shared.now().strftime("%F %H:%M UTC").to_string();
    let mut standing = connector.live.standing();
    for warning in &mut standing.warnings {
        match before.get(&warning.what) {
            // Since when it is so was told then.
            Some(known) => warning.what.clone_from(&known.what),
            None => warning.what = format!("{}{SINCE}{at}", warning.what),
        }
    }
}

/// What stands between a warning and the moment at which it became true.
const SINCE: &str = "; so since the fields were read at ";

fn plain(what: &str) -> &str {
    what.split(SINCE).next().unwrap_or(what)
}

/// What a check of one direction's rules against both catalogues says. Scripts are left out: evaluating them says it
/// better.
pub(super) async fn findings(
    shared: &Shared,
    id: &ConnectorId,
    active: &Active,
    mapping: &Mapping,
    direction: Direction,
) -> Vec<crate::mapping::Problem> {
    let side = async |direction| shared.store.catalogue(id, direction).await.ok()?;
    let platform = side(Direction::Outbound).await;
    let field_nation = side(Direction::Inbound).await;
    let field_nation = field_nation.unwrap_or_else(super::usual_catalogue);
    if direction == Direction::Inbound {
        let (source, target) = (platform.as_deref(), Some(&*field_nation));
        return check(mapping, direction, source, target, None).await;
    }
    let updated = platform.as_deref().map(Catalogue::without_requirements);
    let target = if active.config.outbound_create {
        platform.as_deref()
    } else {
        updated.as_ref()
    };
    check(mapping, direction, Some(&field_nation), target, None).await
}

async fn found(shared: &Shared, connector: &Connector, active: &Active) -> Vec<Problem> {
    let mut found = Vec::new();
    for direction in Direction::ALL {
        let (id, mapping) = (&connector.id, &active.mapping);
        let problems = findings(shared, id, active, mapping, direction).await;
        found.extend(problems.into_iter().map(|problem| {
            let place = Place {
                line: problem.position.line,
                column: problem.position.column,
            };
            let mend = problem.mend.unwrap_or_default();
            Problem::new(&connector.mapping_file, problem.what, mend).at(Some(place))
        }));
    }
    found
}
