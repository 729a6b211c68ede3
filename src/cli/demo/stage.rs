//! The stage of the demo: stand-ins, a directory of its own, config files that point at the stand-ins.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::cli::context::Context;
use crate::cli::failure::CliError;
use crate::cli::running::Running;
use crate::config::default_mapping;
use crate::model::{ConnectorId, PlatformKind};
use crate::platform::SubscriptionPlan;
use crate::sandbox::{Deliveries, Sandbox, SandboxSettings};

/// The vendors' waits between deliveries, shortened: nobody watches a demo for an hour.
const PACE: f64 = 0.01;

const SEED: u64 = 20_261_122;

pub(super) struct Stage {
    sandbox: Arc<Sandbox>,
    directory: PathBuf,
}

impl Stage {
    /// Starts the stand-ins (on ports from `first_port` on, or on free ones where it is 0) and writes the config.
    pub(super) async fn set(platforms: &[PlatformKind], first_port: u16) -> Result<Self, CliError> {
        let settings = SandboxSettings {
            seed: SEED,
            platforms: platforms.to_vec(),
            first_port,
            deliveries: Deliveries::Paced(PACE),
        };
        let sandbox = Sandbox::start(settings)
            .await
            .map_err(|error| CliError::failed(error.to_string()))?;
        let directory = std::env::temp_dir().join(format!(
            "fieldbridge-demo-{}",
            uuid::Uuid::now_v7().simple()
        ));
        let stage = Self {
            sandbox: Arc::new(sandbox),
            directory,
        };
        stage.write_files().map_err(|error| {
            CliError::failed(format!(
                "the demo's files can't be written to {}: {error}",
                stage.directory.display()
            ))
        })?;
        Ok(stage)
    }

    pub(super) fn sandbox(&self) -> &Arc<Sandbox> {
        &self.sandbox
    }

    pub(super) fn directory(&self) -> &Path {
        &self.directory
    }

    /// The context in which the demo's engine runs.
    pub(super) fn context(&self, outer: &Context) -> Result<Context, CliError> {
        Context::new(&super::flags(&self.directory), outer.output.clone())
    }

    fn write_files(&self) -> std::io::Result<()> {
        use std::os::unix::fs::DirBuilderExt;
        let config = self.directory.join("config");
        std::fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&config)?;
        for folder in ["connectors", "mappings"] {
            std::fs::create_dir_all(config.join(folder))?;
        }
        std::fs::write(config.join("fieldbridge.toml"), self.settings())?;
        for desk in self.sandbox.desks() {
            let platform = desk.platform();
            let id = connector_id(platform);
            let connector = format!(
                "{}[settings]\n{}",
                head(platform),
                desk.connector_settings()
            );
            std::fs::write(config.join(format!("connectors/{id}.toml")), connector)?;
            let mapping = default_mapping(platform);
            std::fs::write(
                config.join(format!("mappings/{id}.toml")),
                format!("{mapping}{}", desk.demo_rules()),
            )?;
        }
        Ok(())
    }

    fn settings(&self) -> String {
        let field_nation = &self.sandbox.field_nation;
        let credentials = field_nation.credentials();
        format!(
            r#"name = "demo"

[server]
listen = "127.0.0.1:0"

[engine]
# Shorter than in earnest, so that a retry can be watched.
retry_waits = [0, 1, 2, 4, 8, 16]
probe_seconds = 2

[field_nation]
base_url = "{}"
client_id = "{}"
client_secret = "{}"
username = "{}"
password = "{}"
webhook_secret = "01999f51-5c66-4449-b441-6b4a053fee6a"
calls_per_minute = 100000
concurrency = 16
"#,
            field_nation.base_url(),
            credentials.client_id,
            credentials.client_secret,
            credentials.username,
            credentials.password,
        )
    }

    /// Tells the vendors where we are, each in its own way.
    pub(super) async fn connect(&self, running: &Running) -> Result<(), CliError> {
        const BY: &str = "demo";
        let control = running.control();
        control.register_webhook(BY).await?;
        for desk in self.sandbox.desks() {
            let id = ConnectorId::new(connector_id(desk.platform()))
                .map_err(|error| CliError::failed(error.to_string()))?;
            match control.subscription_plan(&id).await? {
                SubscriptionPlan::ByApi(_) => drop(control.subscribe(&id, BY).await?),
                SubscriptionPlan::ByHand(_) => {
                    desk.listen_by_hand(&control.trigger_url(&id).await?);
                }
            }
        }
        Ok(())
    }

    /// Stops the stand-ins and removes the directory.
    pub(super) async fn strike(&self) {
        self.sandbox.stop().await;
        // Left behind only when somebody else's process holds a file in it.
        let _ = std::fs::remove_dir_all(&self.directory);
    }
}

/// The demo's name for its connector to a platform.
pub(super) fn connector_id(platform: PlatformKind) -> &'static str {
    match platform {
        PlatformKind::Autotask => "at-main",
        PlatformKind::ConnectWise => "cw-main",
        PlatformKind::ServiceNow => "sn-emea",
        PlatformKind::Salesforce => "sf-cases",
        PlatformKind::Freshdesk => "fd-support",
        PlatformKind::NetSuite => "ns-cases",
        PlatformKind::Quickbase => "qb-jobs",
        PlatformKind::Smartsheet => "ss-rollout",
        PlatformKind::Rest => "rest-erp",
    }
}

/// The platform of one of the demo's connectors.
pub(super) fn platform_of(connector: &str) -> Option<PlatformKind> {
    let mut all = PlatformKind::ALL.into_iter();
    all.find(|platform| connector_id(*platform) == connector)
}

fn head(platform: PlatformKind) -> String {
    format!(
        r#"platform = "{platform}"
name = "{}"
notification_email_addresses = []

[features]
messages = "both"
message_visibility = "internal"
files = "both"
publish = true

[limits]
calls_per_minute = 100000
concurrency = 8

"#,
        platform.title()
    )
}
