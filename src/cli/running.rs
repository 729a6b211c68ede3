//! An engine in this process: everything it is made of, started in order and stopped in order.

use std::collections::BTreeSet;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use secrecy::SecretString;
use tokio::task::JoinHandle;
use tracing_appender::non_blocking::WorkerGuard;

use super::context::Context;
use super::failure::CliError;
use super::logging::{self, Audience};
use super::offline::{make_data_directory, open_store, open_vault, private_files, sealed_secrets};
use crate::api::{Server, ServerError, ServerSetup};
use crate::config::{Directory, NamedFile, SealedSecrets, Secrets, Settings, Vault, load, watch};
use crate::engine::{ConnectorFiles, Control, Engine, EngineSetup, Seal};
use crate::mapping::WorkerProgram;
use crate::model::{SystemRandom, TokioClock};
use crate::store::redb::RedbStore;

/// How long transactions in flight may take to end when the engine is asked to stop; the rest is resumed at its step
/// by the next start. Less than what systemd grants before it kills (90 s).
const GRACE: Duration = Duration::from_secs(25);

/// An engine in this process, with its control socket, its log and the watch over its files.
pub(super) struct Running {
    engine: Arc<Engine>,
    server: Arc<Server>,
    store: Arc<RedbStore>,
    watching: JoinHandle<()>,
    /// What was logged is on disk once this is dropped.
    _log: WorkerGuard,
}

impl Running {
    /// Starts an engine on the data directory. Refused with a sentence when another one holds it.
    pub(super) async fn start(context: &Context, audience: Audience) -> Result<Self, CliError> {
        private_files();
        if let Some(client) = context.connect_if_running().await? {
            return Err(CliError::Refused(format!(
                "an engine runs already (process {}, version {}); attach to it with: fieldbridge",
                client.hello().pid,
                client.hello().version
            )));
        }
        let loaded = context.loaded();
        let settings = loaded
            .settings
            .clone()
            .map_err(|problem| CliError::failed(problem.to_string()))?;
        let data = context.data()?;
        make_data_directory(&data)?;
        let log = logging::begin(&data.logs(), settings.engine.keep_logs_days, audience)?;
        let store = Arc::new(open_store(&data)?);
        let kept = KeptSecrets {
            vault: open_vault(&data)?,
            secrets: SealedSecrets::default(),
        };
        kept.open_all(&store).await?;
        let (connectors, problems) = ConnectorFiles::read(loaded);
        for warning in &loaded.warnings {
            tracing::warn!("{warning}");
        }
        let clock = Arc::new(TokioClock::start());
        let named = ConnectorFiles::named(&connectors);
        let engine = Engine::start(EngineSetup {
            settings: settings.clone(),
            connectors,
            problems,
            config_directory: context.directory.path().to_owned(),
            data_directory: data.path().to_owned(),
            store: store.clone(),
            secrets: Secrets::new(context.directory.path(), kept.secrets.clone()),
            vault: Arc::new(kept),
            clock: clock.clone(),
            random: Arc::new(SystemRandom),
            worker_program: WorkerProgram::this_binary(),
        })
        .await
        .map_err(|problem| CliError::failed(problem.to_string()))?;
        let served = Server::start(ServerSetup {
            control: engine.clone() as Arc<dyn Control>,
            socket: data.socket(),
            roles: settings.roles.clone(),
            name: name_of(&settings),
            clock,
        });
        let server = match served.await {
            Ok(server) => Arc::new(server),
            Err(error) => {
                engine.stop(Duration::ZERO).await;
                return Err(match error {
                    ServerError::InUse(_) => CliError::Refused(error.to_string()),
                    other => CliError::failed(other.to_string()),
                });
            }
        };
        let watching = tokio::spawn(follow_files(
            context.directory.clone(),
            named,
            engine.clone(),
            server.clone(),
        ));
        Ok(Self {
            engine,
            server,
            store,
            watching,
            _log: log,
        })
    }

    /// The engine, as people steer it.
    pub(super) fn control(&self) -> Arc<dyn Control> {
        self.engine.clone()
    }

    /// Where the engine listens for triggers and events.
    pub(super) fn address(&self) -> std::net::SocketAddr {
        self.engine.address()
    }

    /// Resolves when somebody asked the engine to stop over the control socket.
    pub(super) async fn stop_asked(&self) {
        self.engine.stop_asked().await;
    }

    /// Finishes what is in flight or leaves it to the next start, and closes everything in order.
    pub(super) async fn stop(self) {
        self.watching.abort();
        let _was_watching = self.watching.await;
        self.engine.stop(GRACE).await;
        if let Some(server) = Arc::into_inner(self.server) {
            server.stop().await;
        }
        if let Err(error) = self.store.close() {
            tracing::error!(%error, "the store could not be closed in order");
        }
    }
}

fn name_of(settings: &Settings) -> String {
    settings
        .name
        .clone()
        .unwrap_or_else(|| "fieldbridge".to_owned())
}

/// The vault, and the opened secrets that references are resolved from.
struct KeptSecrets {
    vault: Vault,
    secrets: SealedSecrets,
}

impl KeptSecrets {
    async fn open_all(&self, store: &RedbStore) -> Result<(), CliError> {
        let sealed = sealed_secrets(store).await;
        let sealed = sealed.map_err(|error| CliError::failed(error.to_string()))?;
        let sealed = sealed.iter().map(|(name, bytes)| (name.as_str(), &**bytes));
        for failure in self.vault.fill(&self.secrets, sealed) {
            tracing::error!("{failure}");
        }
        Ok(())
    }
}

impl Seal for KeptSecrets {
    fn seal(&self, name: &str, value: &SecretString) -> Result<Bytes, String> {
        let sealed = self.vault.seal(name, value);
        sealed.map(Into::into).map_err(|error| error.to_string())
    }

    fn publish(&self, name: &str, value: Option<SecretString>) {
        let mut secrets = self.secrets.write().unwrap_or_else(PoisonError::into_inner);
        match value {
            Some(value) => secrets.insert(name.to_owned(), value),
            None => secrets.remove(name),
        };
    }
}

/// Brings changed files in force for as long as the engine runs.
async fn follow_files(
    directory: Directory,
    named: BTreeSet<NamedFile>,
    engine: Arc<Engine>,
    server: Arc<Server>,
) {
    let mut watch = match watch(directory.path()) {
        Ok(watch) => watch,
        Err(why) => return tracing::warn!("{why}"),
    };
    watch.follow(named);
    while let Some(changed) = watch.changed().await {
        tracing::info!(?changed, "files have changed");
        let directory = directory.clone();
        let turn = engine.files_turn().await;
        let read = tokio::task::spawn_blocking(move || {
            let loaded = load(&directory);
            let (connectors, problems) = ConnectorFiles::read(&loaded);
            (loaded.settings, connectors, problems)
        });
        let Ok((settings, connectors, problems)) = read.await else {
            tracing::error!("the config directory could not be read");
            continue;
        };
        watch.follow(ConnectorFiles::named(&connectors));
        if let Ok(settings) = settings
            && let Err(error) = server.set_roles(settings.roles)
        {
            tracing::error!(%error, "the new roles are not in force");
        }
        if let Err(error) = engine.apply(connectors, problems).await {
            tracing::error!(%error, "the changed files are not in force");
        }
        drop(turn);
    }
}
