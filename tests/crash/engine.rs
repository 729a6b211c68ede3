//! The real binary in a process of its own, on a config of its own.

use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use fieldbridge::api::Client;
use fieldbridge::config::DataDirectory;
use fieldbridge::sandbox::FieldNation;
use tokio::time::Instant;

/// Longer than anything here takes on a busy machine.
pub const PATIENCE: Duration = Duration::from_secs(60);

pub struct Engine {
    directory: tempfile::TempDir,
    port: u16,
    process: Option<Child>,
}

pub fn http() -> reqwest::Client {
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder()
        .timeout(Duration::from_secs(10))
        .build()
        .unwrap()
}

impl Engine {
    pub fn new() -> Self {
        let free = TcpListener::bind("127.0.0.1:0").unwrap();
        Self {
            directory: tempfile::tempdir().unwrap(),
            port: free.local_addr().unwrap().port(),
            process: None,
        }
    }

    /// The settings with which it talks to this company. It listens at the same port after each start, for vendors know
    /// its address.
    pub fn settings(&self, field_nation: &FieldNation) -> String {
        let credentials = field_nation.credentials();
        format!(
            "[server]\nlisten = \"127.0.0.1:{}\"\n[engine]\nretry_waits = [0, 1, 1, 2]\n[field_nation]\nbase_url = \"{}\"\n\
             client_id = \"{}\"\nclient_secret = \"{}\"\nusername = \"{}\"\npassword = \"{}\"\n\
             webhook_secret = \"01999f51-5c66-4449-b441-6b4a053fee6a\"\ncalls_per_minute = 1000000\n",
            self.port,
            field_nation.base_url(),
            credentials.client_id,
            credentials.client_secret,
            credentials.username,
            credentials.password
        )
    }

    /// Writes a file of the config directory.
    pub fn write(&self, name: &str, text: &str) {
        let path = self.path("config").join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    /// A path beside the config directory.
    pub fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// Starts it and waits until it is ready.
    pub async fn start(&mut self) {
        let process = Command::new(env!("CARGO_BIN_EXE_fieldbridge"))
            .arg("--config")
            .arg(self.path("config"))
            .arg("--data")
            .arg(self.path("data"))
            .arg("serve")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        self.process = Some(process);
        let ready = format!("http://127.0.0.1:{}/readyz", self.port);
        let http = http();
        let until = Instant::now() + PATIENCE;
        while !http
            .get(&ready)
            .send()
            .await
            .is_ok_and(|answer| answer.status().is_success())
        {
            assert!(Instant::now() < until, "the engine did not become ready");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// `kill -9`.
    pub fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.kill().unwrap();
            process.wait().unwrap();
        }
    }

    /// Its control socket.
    pub async fn control(&self) -> Client {
        let data = DataDirectory::resolve(Some(&self.path("data")), None).unwrap();
        let until = Instant::now() + PATIENCE;
        loop {
            match Client::connect(&data.socket()).await {
                Ok(client) => return client,
                // The listener is there a moment before the socket is.
                Err(error) => assert!(Instant::now() < until, "{error}"),
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        self.kill();
    }
}
