//! The stage of the demo: stand-ins, a directory of its own, config files that point at the stand-ins.

use std::fmt::Write as _;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::cli::context::Context;
use crate::cli::failure::CliError;
use crate::cli::running::Running;
use crate::config::default_mapping;
use crate::model::{ConnectorId, PlatformKind};
use crate::sandbox::{AutomationRule, Deliveries, RuleContent, Sandbox, SandboxSettings};

/// The connectors' ids.
pub(super) const CONNECTWISE: &str = "cw-main";
pub(super) const FRESHDESK: &str = "fd-support";
/// The vendors' waits between deliveries, shortened: nobody watches a demo for an hour.
const PACE: f64 = 0.01;
/// A rule of the demo's own, strict about a picklist: some of its tickets carry a value that is not on it.
const SERVICE_LEVEL: &str = r#"
[[inbound]]
note = "The service level must be one that was agreed upon"
source = 'customFields[caption="Service Level"].value'
target = 'custom_fields["Service Level"]'
action = "array_map"
no_match = "error"
mappings = [
  { compare = "Standard", value = "Standard" },
  { compare = "Next Day", value = "Next Day" },
  { compare = "Same Day", value = "Same Day" },
  { compare = "Emergency", value = "Emergency" },
]
"#;

const SEED: u64 = 20_261_122;

pub(super) struct Stage {
    sandbox: Arc<Sandbox>,
    directory: PathBuf,
}

impl Stage {
    /// Starts the stand-ins (on three ports from `port` on, or on free ones) and writes the config.
    pub(super) async fn set(port: u16) -> Result<Self, CliError> {
        let address = |offset: u16| {
            let port = if port == 0 {
                0
            } else {
                port.saturating_add(offset)
            };
            SocketAddr::from((Ipv4Addr::LOCALHOST, port))
        };
        let mut settings = SandboxSettings {
            seed: SEED,
            ..SandboxSettings::default()
        }
        .with_deliveries(Deliveries::Paced(PACE));
        settings.field_nation.address = address(0);
        settings.connectwise.address = address(1);
        settings.freshdesk.address = address(2);
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
        let files = [
            (CONNECTWISE, PlatformKind::ConnectWise, self.connectwise()),
            (FRESHDESK, PlatformKind::Freshdesk, self.freshdesk()),
        ];
        for (id, platform, text) in files {
            std::fs::write(config.join(format!("connectors/{id}.toml")), text)?;
            let mapping = default_mapping(platform).unwrap_or_default();
            let own = if platform == PlatformKind::ConnectWise {
                SERVICE_LEVEL
            } else {
                ""
            };
            std::fs::write(
                config.join(format!("mappings/{id}.toml")),
                format!("{mapping}{own}"),
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

    fn connectwise(&self) -> String {
        let stand_in = &self.sandbox.connectwise;
        let credentials = stand_in.credentials();
        let mut text = head("connectwise", "ConnectWise, field services board");
        let _ = write!(
            text,
            r#"[settings]
base_url = "{}"
site = "na.myconnectwise.net"
company = "{}"
public_key = "{}"
private_key = "{}"
client_id = "{}"
template_ticket_id = {}
trigger_on_status = "{}"
"#,
            stand_in.base_url(),
            credentials.company_id,
            credentials.public_key,
            credentials.private_key,
            credentials.client_id,
            stand_in.template_ticket(),
            stand_in.trigger_status(),
        );
        text
    }

    fn freshdesk(&self) -> String {
        let stand_in = &self.sandbox.freshdesk;
        let mut text = head("freshdesk", "Freshdesk, support");
        let _ = write!(
            text,
            r#"[settings]
api_url = "demo"
base_url = "{}"
api_key = "{}"
marker_field = "cf_fn_work_order"
trigger_on_status = {}
"#,
            stand_in.base_url(),
            stand_in.credentials(),
            stand_in.trigger_status(),
        );
        text
    }

    /// Tells the vendors where we are, each in its own way.
    pub(super) async fn connect(&self, running: &Running) -> Result<(), CliError> {
        const BY: &str = "demo";
        let control = running.control();
        let id = |text: &str| {
            ConnectorId::new(text).map_err(|error| CliError::failed(error.to_string()))
        };
        control.register_webhook(BY).await?;
        control.subscribe(&id(CONNECTWISE)?, BY).await?;
        let url = control.trigger_url(&id(FRESHDESK)?).await?;
        let rule = AutomationRule::new(
            format!("{url}&external_id={{{{ticket.id}}}}"),
            RuleContent::usual(),
        );
        // Changes by the API fire it too, as they do unless somebody thinks of it: the echoes are ours to know.
        self.sandbox
            .freshdesk
            .set_automation_rules(vec![AutomationRule {
                statuses: vec![self.sandbox.freshdesk.trigger_status(), 3, 4, 5],
                ..rule
            }]);
        Ok(())
    }

    /// Stops the stand-ins and removes the directory.
    pub(super) async fn strike(&self) {
        self.sandbox.stop().await;
        // Left behind only when somebody else's process holds a file in it.
        let _ = std::fs::remove_dir_all(&self.directory);
    }
}

fn head(platform: &str, name: &str) -> String {
    format!(
        r#"platform = "{platform}"
name = "{name}"
notification_email_addresses = []

[features]
messages = "both"
message_visibility = "internal"
files = "both"
publish = true

[limits]
calls_per_minute = 100000
concurrency = 8

"#
    )
}
