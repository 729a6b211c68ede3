//! The connectors in force. A broken file never replaces a good one.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwap;

use super::breaker::{Breaker, BreakerSettings};
use super::flow::FlowCounter;
use super::kept_token::KeptToken;
use super::shared::Seal;
use crate::config::{
    ConnectorConfig, EngineSettings, FilesSeen, Loaded, NamedFile, Place, Problem, Secrets,
};
use crate::http::{QuotaBook, TokenKeeper};
use crate::mapping::Mapping;
use crate::model::{Clock, ConnectorId, Direction, PlatformKind, Timestamp};
use crate::platform::{Capabilities, Platform, registry};
use crate::store::{Hold, SharedStore, TriggerToken};

/// A connector's files as they were read.
#[derive(Clone, Debug)]
pub struct ConnectorFiles {
    /// The connector's id, from the file's name.
    pub id: ConnectorId,
    /// Its own file, or what is wrong with it.
    pub config: Result<ConnectorConfig, Problem>,
    /// Where its mapping stands.
    pub mapping_file: PathBuf,
    /// The mapping's text, or why it can't be read.
    pub mapping: Result<String, Problem>,
}

impl ConnectorFiles {
    /// What the settings of connectors name beside their own files.
    #[must_use]
    pub fn named(all: &[Self]) -> BTreeSet<NamedFile> {
        let configs = all.iter().filter_map(|files| files.config.as_ref().ok());
        configs.flat_map(registry::named_files).collect()
    }

    /// Reads the mappings beside the connector files of a config directory. What can't be made a connector of (a file
    /// whose name is no id) is answered as a problem. Blocks while it reads.
    #[must_use]
    pub fn read(loaded: &Loaded) -> (Vec<Self>, Vec<Problem>) {
        let mut problems: Vec<Problem> = loaded
            .settings
            .as_ref()
            .err()
            .into_iter()
            .cloned()
            .collect();
        let mut files = Vec::with_capacity(loaded.connectors.len());
        for connector in &loaded.connectors {
            let stem = connector.file.file_stem().and_then(|stem| stem.to_str());
            match (
                stem.and_then(|stem| ConnectorId::new(stem).ok()),
                &connector.config,
            ) {
                (Some(id), config) => files.push(Self {
                    id,
                    config: config.clone(),
                    mapping_file: connector.mapping.clone(),
                    mapping: read_text(&connector.mapping),
                }),
                (None, Err(problem)) => problems.push(problem.clone()),
                (None, Ok(_)) => {}
            }
        }
        (files, problems)
    }
}

fn read_text(file: &Path) -> Result<String, Problem> {
    std::fs::read_to_string(file).map_err(|error| {
        Problem::new(
            file,
            format!("the mapping can't be read: {error}"),
            "write the mapping, or start from the shipped one: fieldbridge init --platform …",
        )
    })
}

/// What is in force of a connector.
pub(crate) struct Active {
    pub config: ConnectorConfig,
    pub platform: Arc<dyn Platform>,
    /// What the platform can do with these settings; it is asked for nothing else.
    pub able: Capabilities,
    pub mapping: Arc<Mapping>,
    pub mapping_text: String,
    /// How the files stood that the settings name.
    pub named: FilesSeen,
}

impl Active {
    /// Whether notes become messages: wanted, and the platform has them.
    pub(crate) fn notes_in(&self) -> bool {
        self.config.features.messages.inbound() && self.able.read_notes
    }

    /// Whether messages become notes.
    pub(crate) fn notes_out(&self) -> bool {
        self.config.features.messages.outbound() && self.able.write_notes
    }

    /// Whether a record's files go to its work order.
    pub(crate) fn files_in(&self) -> bool {
        self.config.features.files.inbound() && self.able.read_files
    }

    /// Whether a work order's files go to its record.
    pub(crate) fn files_out(&self) -> bool {
        self.config.features.files.outbound() && self.able.write_files
    }
}

/// What of a connector outlives a change of its files.
pub(crate) struct Live {
    pub breaker: Mutex<Breaker>,
    pub in_flight: AtomicUsize,
    pub standing: Mutex<StandingNow>,
}

/// What is known of a connector at this moment.
#[derive(Default)]
pub(crate) struct StandingNow {
    pub inbound: FlowCounter,
    pub outbound: FlowCounter,
    pub last_success_at: Option<Timestamp>,
    pub hold: Option<Hold>,
    pub next_probe_at: Option<Timestamp>,
    pub probes: u32,
    pub token: Option<TriggerToken>,
    /// What is doubtful about the mapping in force.
    pub warnings: Vec<Problem>,
}

/// One connector: what is in force, what lives on, and what is wrong with its files.
#[derive(Clone)]
pub(crate) struct Connector {
    pub id: ConnectorId,
    pub name: String,
    pub platform: Option<PlatformKind>,
    pub active: Option<Arc<Active>>,
    pub live: Arc<Live>,
    pub problems: Vec<Problem>,
    pub mapping_file: PathBuf,
}

/// What adapters are built with besides their files.
pub(crate) struct Materials<'a> {
    pub secrets: &'a Secrets,
    pub clock: &'a Arc<dyn Clock>,
    pub vault: &'a Arc<dyn Seal>,
    pub store: &'a SharedStore,
    pub quotas: &'a QuotaBook,
}

impl Materials<'_> {
    fn tokens_of(&self, connector: &ConnectorId) -> Arc<dyn TokenKeeper> {
        let (vault, store) = (Arc::clone(self.vault), Arc::clone(self.store));
        Arc::new(KeptToken::of(connector, self.secrets.clone(), vault, store))
    }
}

/// All connectors, replaced as a whole when files change.
pub(crate) struct Connectors {
    map: ArcSwap<BTreeMap<ConnectorId, Arc<Connector>>>,
    breaker: BreakerSettings,
}

impl Live {
    fn new(breaker: BreakerSettings) -> Self {
        Self {
            breaker: Mutex::new(Breaker::new(breaker)),
            in_flight: AtomicUsize::new(0),
            standing: Mutex::default(),
        }
    }

    pub(crate) fn breaker(&self) -> MutexGuard<'_, Breaker> {
        self.breaker.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn standing(&self) -> MutexGuard<'_, StandingNow> {
        self.standing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn is_held(&self) -> bool {
        self.standing().hold.is_some()
    }

    pub(crate) fn delivered(&self, direction: Direction, now: Timestamp) {
        let mut standing = self.standing();
        standing.last_success_at = Some(now);
        match direction {
            Direction::Inbound => standing.inbound.count(now),
            Direction::Outbound => standing.outbound.count(now),
        }
    }
}

impl Connector {
    /// How many more transactions it may take on now, its own limits alone considered.
    pub(crate) fn free(&self) -> usize {
        let Some(active) = &self.active else { return 0 };
        let limit = active.config.limits.concurrency.unwrap_or(usize::MAX);
        let limit = limit.min(active.platform.concurrency()).max(1);
        limit.saturating_sub(self.live.in_flight.load(Ordering::Acquire))
    }

    /// Whether it may sync at all.
    pub(crate) fn is_on(&self) -> bool {
        self.active
            .as_ref()
            .is_some_and(|active| active.config.enabled)
    }
}

impl Connectors {
    pub(crate) fn new(settings: &EngineSettings) -> Self {
        Self {
            map: ArcSwap::default(),
            breaker: BreakerSettings {
                failures: settings.breaker_failures.max(1),
                wait: Duration::from_secs(settings.breaker_seconds.max(1)),
            },
        }
    }

    pub(crate) fn all(&self) -> Arc<BTreeMap<ConnectorId, Arc<Connector>>> {
        self.map.load_full()
    }

    pub(crate) fn get(&self, id: &ConnectorId) -> Option<Arc<Connector>> {
        self.map.load().get(id).cloned()
    }

    /// Brings files in force, connector by connector; answers those whose settings or mapping changed.
    pub(crate) fn apply(
        &self,
        files: Vec<ConnectorFiles>,
        materials: &Materials<'_>,
    ) -> Vec<ConnectorId> {
        let before = self.map.load_full();
        let mut changed = Vec::new();
        let after: BTreeMap<_, _> = files
            .into_iter()
            .map(|files| {
                let previous = before.get(&files.id);
                let connector = self.apply_one(&files, previous, materials);
                if connector.is_other_than(previous) {
                    changed.push(files.id.clone());
                }
                (files.id, Arc::new(connector))
            })
            .collect();
        self.map.store(Arc::new(after));
        changed
    }

    /// Replaces the mapping of one connector.
    pub(crate) fn change_mapping(&self, id: &ConnectorId, mapping: &Arc<Mapping>, text: &str) {
        self.map.rcu(|before| {
            let mut after = BTreeMap::clone(before);
            let changed = after.get(id).and_then(|connector| {
                let active = connector.active.as_ref()?;
                let active = Active {
                    config: active.config.clone(),
                    platform: active.platform.clone(),
                    able: active.able.clone(),
                    mapping: mapping.clone(),
                    mapping_text: text.to_owned(),
                    named: active.named.clone(),
                };
                let file = &connector.mapping_file;
                let problems = connector.problems.iter();
                Some(Connector {
                    active: Some(Arc::new(active)),
                    // Those of the mapping file are over with it.
                    problems: problems.filter(|one| one.file != *file).cloned().collect(),
                    ..Connector::clone(connector)
                })
            });
            if let Some(changed) = changed {
                after.insert(id.clone(), Arc::new(changed));
            }
            after
        });
    }

    fn apply_one(
        &self,
        files: &ConnectorFiles,
        previous: Option<&Arc<Connector>>,
        materials: &Materials<'_>,
    ) -> Connector {
        let mut problems = Vec::new();
        let active = previous.and_then(|connector| connector.active.clone());
        let built = build(files, active.as_ref(), materials, &mut problems);
        let named = files.config.as_ref().ok();
        Connector {
            id: files.id.clone(),
            name: named.map_or_else(|| files.id.to_string(), |config| config.name.clone()),
            platform: named
                .map(|config| config.platform)
                .or_else(|| previous.and_then(|connector| connector.platform)),
            active: built.or(active),
            live: previous.map_or_else(
                || Arc::new(Live::new(self.breaker)),
                |connector| connector.live.clone(),
            ),
            problems,
            mapping_file: files.mapping_file.clone(),
        }
    }
}

impl Connector {
    fn is_other_than(&self, previous: Option<&Arc<Connector>>) -> bool {
        let before = previous.and_then(|connector| connector.active.as_ref());
        match (before, &self.active) {
            (Some(before), Some(now)) => !Arc::ptr_eq(before, now),
            (None, None) => false,
            _ => true,
        }
    }
}

/// Builds what is to be in force, taking over the parts whose text did not change. `None` when anything is wrong.
fn build(
    files: &ConnectorFiles,
    before: Option<&Arc<Active>>,
    materials: &Materials<'_>,
    problems: &mut Vec<Problem>,
) -> Option<Arc<Active>> {
    let config = files
        .config
        .as_ref()
        .map_err(|problem| problems.push(problem.clone()))
        .ok();
    let text = files
        .mapping
        .as_ref()
        .map_err(|problem| problems.push(problem.clone()))
        .ok();
    let mapping =
        text.and_then(
            |text| match before.filter(|active| active.mapping_text == *text) {
                Some(active) if active.mapping.sources().files.is_empty() => {
                    Some(active.mapping.clone())
                }
                _ => read_mapping(files, text, problems),
            },
        );
    // Looked at before they are read: what changes meanwhile is another change.
    let named = config.map_or_else(FilesSeen::default, |config| {
        FilesSeen::now(&registry::named_files(config))
    });
    let is_same = |active: &&Arc<Active>, config: &ConnectorConfig| {
        active.config.text() == config.text() && active.named == named
    };
    let platform =
        config.and_then(
            |config| match before.filter(|active| is_same(active, config)) {
                Some(active) => Some(active.platform.clone()),
                None => build_platform(&files.id, config, materials, problems),
            },
        );
    let (config, text, mapping, platform) = (config?, text?, mapping?, platform?);
    if let Some(active) = before
        && Arc::ptr_eq(&active.platform, &platform)
        && active.mapping.version() == mapping.version()
    {
        return Some(active.clone());
    }
    Some(Arc::new(Active {
        config: config.clone(),
        able: platform.capabilities(),
        platform,
        mapping,
        mapping_text: text.clone(),
        named,
    }))
}

/// A mapping under the name of its file, which imports from that file's directory.
pub(crate) fn parse_mapping(
    file: &Path,
    text: &str,
) -> Result<Mapping, Vec<crate::mapping::Problem>> {
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    Mapping::parse(text, &name, file.parent())
}

fn read_mapping(
    files: &ConnectorFiles,
    text: &str,
    problems: &mut Vec<Problem>,
) -> Option<Arc<Mapping>> {
    match parse_mapping(&files.mapping_file, text) {
        Ok(mapping) => Some(Arc::new(mapping)),
        Err(found) => {
            problems.extend(found.into_iter().map(|problem| told(files, problem)));
            None
        }
    }
}

/// A mapping's problem as one of the connector's files.
fn told(files: &ConnectorFiles, problem: crate::mapping::Problem) -> Problem {
    let place = Place {
        line: problem.position.line,
        column: problem.position.column,
    };
    Problem::new(
        &files.mapping_file,
        problem.what,
        problem.mend.unwrap_or_default(),
    )
    .at(Some(place))
}

fn build_platform(
    id: &ConnectorId,
    config: &ConnectorConfig,
    materials: &Materials<'_>,
    problems: &mut Vec<Problem>,
) -> Option<Arc<dyn Platform>> {
    let setup = registry::Setup {
        config,
        secrets: materials.secrets,
        clock: materials.clock.clone(),
        tokens: materials.tokens_of(id),
        quotas: materials.quotas,
    };
    registry::build(&setup)
        .map_err(|found| problems.extend(found))
        .ok()
}
