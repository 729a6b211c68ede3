//! Starting and stopping.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use arc_swap::{ArcSwap, ArcSwapOption};
use tokio::net::TcpListener;
use tokio::sync::{Notify, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{info, warn};

use super::connectors::{ConnectorFiles, Connectors, Materials};
use super::intake::{self, TokenKey};
use super::notify::Notifier;
use super::shared::{Seal, Shared};
use super::{housekeeping, scheduler};
use crate::config::{JsonnetSettings, Problem, Secrets, Settings};
use crate::fieldnation::FieldNation;
use crate::http::{Call, QuotaBook};
use crate::mapping::{Evaluator, Limits, WorkerProgram};
use crate::model::{Clock, OwnerId, Priority, Random};
use crate::store::{SharedStore, TriggerToken};

/// What an engine is started with.
pub struct EngineSetup {
    /// The settings.
    pub settings: Settings,
    /// The connectors' files.
    pub connectors: Vec<ConnectorFiles>,
    /// What else is wrong in the config directory.
    pub problems: Vec<Problem>,
    /// The config directory.
    pub config_directory: PathBuf,
    /// The data directory.
    pub data_directory: PathBuf,
    /// The store.
    pub store: SharedStore,
    /// Where secrets come from.
    pub secrets: Secrets,
    /// Seals secrets that people set.
    pub vault: Arc<dyn Seal>,
    /// Where the time comes from.
    pub clock: Arc<dyn Clock>,
    /// Where chance comes from.
    pub random: Arc<dyn Random>,
    /// How Jsonnet children are started.
    pub worker_program: WorkerProgram,
}

/// Why an engine can't start.
#[derive(Debug, thiserror::Error)]
pub enum StartProblem {
    /// It can't listen.
    #[error(
        "the engine can't listen on {address}: {why}. Is another program using the port? Set server.listen in fieldbridge.toml."
    )]
    Listen {
        /// Where.
        address: std::net::SocketAddr,
        /// Why not.
        why: std::io::Error,
    },
    /// The data directory does not work.
    #[error("{path}: {why}")]
    Data {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it.
        why: std::io::Error,
    },
    /// The store refuses.
    #[error(transparent)]
    Store(#[from] crate::store::StoreError),
    /// A setting can't work.
    #[error("{0}")]
    Setting(String),
}

/// A running engine.
pub struct Engine {
    pub(super) shared: Arc<Shared>,
    workers: TaskTracker,
    helpers: TaskTracker,
    listener_closed: CancellationToken,
    address: std::net::SocketAddr,
}

impl Engine {
    /// Opens the listener, resumes what a crash left half done, and begins to work.
    ///
    /// # Errors
    /// [`StartProblem`]; nothing is left running.
    pub async fn start(setup: EngineSetup) -> Result<Arc<Self>, StartProblem> {
        let listen = setup.settings.server.listen;
        let listener = TcpListener::bind(listen)
            .await
            .map_err(|why| StartProblem::Listen {
                address: listen,
                why,
            })?;
        let address = listener.local_addr().map_err(|why| StartProblem::Listen {
            address: listen,
            why,
        })?;
        let key_path = setup.data_directory.join("trigger.key");
        let token_key = TokenKey::open(&key_path).map_err(|why| StartProblem::Data {
            path: key_path,
            why,
        })?;
        let stopping = CancellationToken::new();
        let installation = setup
            .settings
            .name
            .clone()
            .unwrap_or_else(|| "fieldbridge".to_owned());
        let (notifier, _mailer) = Notifier::start(
            setup.settings.mail.as_ref(),
            &setup.secrets,
            installation,
            stopping.clone(),
        )
        .map_err(StartProblem::Setting)?;
        let limits = limits(&setup.settings.jsonnet);
        let shared = Arc::new(Shared {
            public_url: public_url(&setup.settings, address),
            listening_on: address.to_string(),
            connectors: Connectors::new(&setup.settings.engine),
            quotas: QuotaBook::default(),
            files: tokio::sync::Mutex::default(),
            evaluator: Evaluator::new(limits, setup.worker_program.clone()),
            preview_evaluator: Evaluator::new(
                // A child of its own, so that what somebody is just typing delays no transaction.
                Limits {
                    workers: 1,
                    ..limits
                },
                setup.worker_program,
            ),
            owner: OwnerId::generate(),
            started_at: setup.clock.now(),
            settings: setup.settings,
            config_directory: setup.config_directory,
            store: setup.store,
            secrets: setup.secrets,
            vault: setup.vault,
            clock: setup.clock,
            random: setup.random,
            field_nation: ArcSwapOption::empty(),
            field_nation_failure: std::sync::Mutex::default(),
            problems: std::sync::Mutex::default(),
            notifier,
            token_key,
            tokens: ArcSwap::default(),
            history: std::sync::Mutex::default(),
            work: Notify::new(),
            changes: watch::Sender::new(0),
            stopping,
            accepting: AtomicBool::new(true),
        });
        let engine = Arc::new(Self {
            shared,
            workers: TaskTracker::new(),
            helpers: TaskTracker::new(),
            listener_closed: CancellationToken::new(),
            address,
        });
        engine.apply(setup.connectors, setup.problems).await?;
        engine.run(listener);
        Ok(engine)
    }

    /// Where the engine listens for triggers and events.
    #[must_use]
    pub fn address(&self) -> std::net::SocketAddr {
        self.address
    }

    /// Waits for one's turn with the files of the config directory: what is read during it and then brought in force
    /// is not written meanwhile.
    pub async fn files_turn(&self) -> tokio::sync::MutexGuard<'_, ()> {
        self.shared.files.lock().await
    }

    /// Brings changed files in force. What is wrong is shown and leaves the last good version in force.
    ///
    /// # Errors
    /// When the store refuses to tell or keep what it must about a connector.
    pub async fn apply(
        &self,
        mut files: Vec<ConnectorFiles>,
        problems: Vec<Problem>,
    ) -> Result<(), StartProblem> {
        let shared = &self.shared;
        for files in &mut files {
            super::people::refuse_broken_scripts(shared, files).await;
        }
        *shared
            .problems
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner) = problems;
        if shared.field_nation.load().is_none() {
            // A secret that was missing may be kept by now; else why nothing is synced goes on being told.
            self.connect_field_nation();
        }
        let materials = Materials {
            secrets: &shared.secrets,
            clock: &shared.clock,
            vault: &shared.vault,
            store: &shared.store,
            quotas: &shared.quotas,
        };
        let changed = shared.connectors.apply(files, &materials);
        for (id, connector) in shared.connectors.all().iter() {
            self.remember(id, connector).await?;
        }
        shared.index_tokens();
        for id in &changed {
            let Some(connector) = shared.connectors.get(id) else {
                continue;
            };
            if let Some(active) = &connector.active {
                super::people::came_in_force(shared, id, &active.mapping).await?;
            }
            info!(connector = %id, "the connector's files are in force");
            // What was wrong may be mended now: a held connector is probed at once.
            connector.live.standing().next_probe_at = None;
        }
        shared.wake();
        Ok(())
    }

    async fn remember(
        &self,
        id: &crate::model::ConnectorId,
        connector: &super::connectors::Connector,
    ) -> Result<(), StartProblem> {
        let shared = &self.shared;
        if connector.live.standing().token.is_some() {
            return Ok(());
        }
        let status = shared.store.connector_status(id).await?;
        let token = if let Some(token) = status.trigger_token {
            token
        } else {
            let token = TriggerToken {
                number: random_number(),
                issued_at: shared.now().as_second(),
            };
            shared.store.set_trigger_token(id, token).await?;
            token
        };
        let mut standing = connector.live.standing();
        standing.token = Some(token);
        standing.hold = status.hold;
        Ok(())
    }

    fn connect_field_nation(&self) {
        let shared = &self.shared;
        let file = shared.config_directory.join("fieldbridge.toml");
        let Some(settings) = &shared.settings.field_nation else {
            warn!("Field Nation is not configured; nothing is synced");
            return self.add_problem(Problem::new(
                &file,
                "there is no [field_nation] table",
                "add it with base_url, client_id, client_secret, username and password, and start the engine again",
            ));
        };
        match FieldNation::new(settings, &shared.secrets, shared.clock.clone(), &file) {
            Ok(field_nation) => shared.field_nation.store(Some(Arc::new(field_nation))),
            Err(problems) => problems
                .into_iter()
                .for_each(|problem| self.add_problem(problem)),
        }
    }

    fn add_problem(&self, problem: Problem) {
        let mut problems = self
            .shared
            .problems
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        problems.push(problem);
    }

    fn run(self: &Arc<Self>, listener: TcpListener) {
        let shared = &self.shared;
        let closed = self.listener_closed.clone();
        let serve = axum::serve(listener, intake::router(shared.clone()))
            .with_graceful_shutdown(async move { closed.cancelled().await });
        self.helpers.spawn(async move {
            if let Err(error) = serve.await {
                warn!(%error, "the listener ended");
            }
        });
        self.helpers
            .spawn(scheduler::run(shared.clone(), self.workers.clone()));
        self.helpers.spawn(housekeeping::probe_held(shared.clone()));
        self.helpers.spawn({
            let shared = shared.clone();
            async move {
                // First what was missed, then "we are listening": the mark would hide the outage.
                housekeeping::catch_up(shared.clone()).await;
                housekeeping::pulse(shared).await;
            }
        });
        self.helpers.spawn(housekeeping::rounds(shared.clone()));
        self.helpers.spawn(refresh_missing_catalogues(self.clone()));
        info!(address = %self.address, "the engine listens");
    }

    /// Resolves when somebody asked the engine to stop.
    pub async fn stop_asked(&self) {
        self.shared.stopping.cancelled().await;
    }

    /// Takes on no more work, lets what is in flight end within the time given, and closes the listener. What does not
    /// end in time is resumed at its step by the next start.
    pub async fn stop(&self, within: Duration) {
        let shared = &self.shared;
        shared.accepting.store(false, Ordering::Release);
        shared.stopping.cancel();
        self.workers.close();
        if tokio::time::timeout(within, self.workers.wait())
            .await
            .is_err()
        {
            warn!(
                left = self.workers.len(),
                "transactions in flight are left to the next start"
            );
        }
        self.listener_closed.cancel();
        self.helpers.close();
        let _ = tokio::time::timeout(Duration::from_secs(2), self.helpers.wait()).await;
        info!("the engine has stopped");
    }
}

/// Reads the catalogues that were never read, so that checks and conversions know their types.
async fn refresh_missing_catalogues(engine: Arc<Engine>) {
    let shared = &engine.shared;
    for connector in shared.connectors.all().values() {
        let known = shared
            .store
            .catalogue(&connector.id, crate::model::Direction::Outbound)
            .await;
        if matches!(known, Ok(None)) && connector.is_on() && !connector.live.is_held() {
            let call = Call::new(Priority::Background);
            if let Err(refusal) = super::people::refresh_fields(shared, connector, &call).await {
                warn!(connector = %connector.id, %refusal, "the fields could not be read; use Refresh Fields");
            }
        }
    }
}

fn limits(settings: &JsonnetSettings) -> Limits {
    Limits {
        deadline: Duration::from_millis(settings.deadline_ms.max(1)),
        memory: settings.memory_mb.max(64) * 1024 * 1024,
        workers: settings.workers.max(1),
        ..Limits::default()
    }
}

fn public_url(settings: &Settings, address: std::net::SocketAddr) -> String {
    let configured = settings
        .server
        .public_url
        .as_deref()
        .map(|url| url.trim_end_matches('/').to_owned());
    configured.unwrap_or_else(|| format!("http://{address}"))
}

/// A number for a connector's token; it only has to differ from the other connectors'.
fn random_number() -> u64 {
    getrandom::u64().map_or(1, |bits| bits >> 24)
}

/// Where the engine's files are, for messages.
#[must_use]
pub fn database_path(data_directory: &Path) -> PathBuf {
    data_directory.join("fieldbridge.redb")
}
