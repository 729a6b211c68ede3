//! The real binary on a config of its own, and the stand-ins it talks to.

use std::collections::BTreeSet;
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use fieldbridge::model::{Clock, TokioClock};
use fieldbridge::sandbox::{
    Deliveries, FieldNation, FieldNationSettings, Freshdesk, FreshdeskSettings,
};
use tokio::time::Instant;

/// The status that dispatches.
const DISPATCH: u64 = 8;

pub struct Rig {
    pub field_nation: FieldNation,
    pub freshdesk: Arc<Freshdesk>,
    directory: tempfile::TempDir,
    port: u16,
    engine: Option<Child>,
    trigger_url: String,
}

pub fn client() -> reqwest::Client {
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder()
        .timeout(Duration::from_secs(10))
        .build()
        .unwrap()
}

/// Opens a ticket that is to be dispatched.
pub fn open(desk: &Freshdesk) -> u64 {
    let ticket = serde_json::json!({
        "subject": "Switch port flapping",
        "description": "<div>Port 14</div>",
        "status": DISPATCH,
        "type": "Field Service",
        "custom_fields": {
            "cf_site_address": "100 Sample Street", "cf_site_city": "Tulsa",
            "cf_site_state": "OK", "cf_site_zip": "74103",
        },
    });
    desk.open_ticket(&ticket).unwrap()
}

impl Rig {
    pub async fn new() -> Self {
        let clock: Arc<dyn Clock> = Arc::new(TokioClock::start());
        let field_nation = FieldNationSettings {
            deliveries: Deliveries::Off,
            ..FieldNationSettings::default()
        };
        let freshdesk = FreshdeskSettings {
            deliveries: Deliveries::Off,
            ..FreshdeskSettings::default()
        };
        let field_nation = FieldNation::start(field_nation, clock.clone(), 1)
            .await
            .unwrap();
        let freshdesk = Freshdesk::start(freshdesk, clock, 1).await.unwrap();
        let port = TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap()
            .port();
        let rig = Self {
            field_nation,
            freshdesk: Arc::new(freshdesk),
            directory: tempfile::tempdir().unwrap(),
            port,
            engine: None,
            trigger_url: String::new(),
        };
        rig.write_files();
        rig
    }

    fn write_files(&self) {
        let config = self.directory.path().join("config");
        for folder in ["connectors", "mappings"] {
            std::fs::create_dir_all(config.join(folder)).unwrap();
        }
        let credentials = self.field_nation.credentials();
        let settings = format!(
            "[server]\nlisten = \"127.0.0.1:{}\"\n[engine]\nretry_waits = [0, 1, 1, 2]\n[field_nation]\nbase_url = \"{}\"\n\
             client_id = \"{}\"\nclient_secret = \"{}\"\nusername = \"{}\"\npassword = \"{}\"\ncalls_per_minute = 1000000\n",
            self.port,
            self.field_nation.base_url(),
            credentials.client_id,
            credentials.client_secret,
            credentials.username,
            credentials.password
        );
        std::fs::write(config.join("fieldbridge.toml"), settings).unwrap();
        let connector = format!(
            "platform = \"freshdesk\"\n[limits]\ncalls_per_minute = 1000000\nmax_attempts = 20\n[settings]\napi_url = \"acme\"\n\
             base_url = \"{}\"\napi_key = \"{}\"\nmarker_field = \"cf_fn_work_order\"\ntrigger_on_status = {DISPATCH}\n",
            self.freshdesk.base_url(),
            self.freshdesk.credentials()
        );
        std::fs::write(config.join("connectors/fd.toml"), connector).unwrap();
        let mapping = include_str!("../../mappings/freshdesk.toml");
        std::fs::write(config.join("mappings/fd.toml"), mapping).unwrap();
    }

    fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_fieldbridge"));
        let path = |name: &str| -> PathBuf { self.directory.path().join(name) };
        command
            .arg("--config")
            .arg(path("config"))
            .arg("--data")
            .arg(path("data"));
        command
    }

    /// Starts the engine and waits until it is ready.
    pub async fn start(&mut self) {
        let engine = self
            .command()
            .arg("serve")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        self.engine = Some(engine);
        let ready = format!("http://127.0.0.1:{}/readyz", self.port);
        let client = client();
        let until = Instant::now() + Duration::from_secs(30);
        while !client
            .get(&ready)
            .send()
            .await
            .is_ok_and(|answer| answer.status().is_success())
        {
            assert!(Instant::now() < until, "the engine did not become ready");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        if self.trigger_url.is_empty() {
            let output = self
                .command()
                .args(["connector", "trigger-url", "fd"])
                .output()
                .unwrap();
            assert!(
                output.status.success(),
                "{}",
                String::from_utf8_lossy(&output.stderr)
            );
            let printed = String::from_utf8(output.stdout).unwrap();
            printed.trim().clone_into(&mut self.trigger_url);
        }
    }

    pub fn trigger_url(&self) -> &str {
        &self.trigger_url
    }

    /// The states of a ticket's transactions.
    pub fn states_of(&self, ticket: u64) -> Vec<String> {
        let ticket = ticket.to_string();
        let list = [
            "tx",
            "list",
            "--connector",
            "fd",
            "--record",
            &ticket,
            "--json",
        ];
        let output = self.command().args(list).output().unwrap();
        let page: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        println!("{page:#}");
        let items = page["items"].as_array().cloned().unwrap_or_default();
        items
            .iter()
            .map(|item| item["state"].as_str().unwrap_or_default().to_owned())
            .collect()
    }

    /// `kill -9`.
    pub fn kill(&mut self) {
        if let Some(mut engine) = self.engine.take() {
            engine.kill().unwrap();
            engine.wait().unwrap();
        }
    }

    /// Waits until each of these tickets has a work order; answers those that have none in time.
    pub async fn wait_for(&self, tickets: &BTreeSet<u64>, within: Duration) -> Vec<u64> {
        let until = Instant::now() + within;
        loop {
            let orders = self.field_nation.work_orders_by_correlation_value();
            let missing: Vec<u64> = tickets
                .iter()
                .copied()
                .filter(|ticket| !orders.contains_key(&format!("fd:{ticket}")))
                .collect();
            if missing.is_empty() || Instant::now() > until {
                return missing;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
}

impl Drop for Rig {
    fn drop(&mut self) {
        self.kill();
    }
}
