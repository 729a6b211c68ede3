//! How a stand-in calls its subscribers: the outgoing client, the tasks under way, the pace of its waits.

use std::future::Future;
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::SandboxProblem;

/// Whether and how fast a stand-in delivers its webhooks.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Deliveries {
    /// Not at all: subscriptions are kept, nothing is sent.
    Off,
    /// As the vendor does, with the vendor's waits between attempts multiplied by this factor.
    Paced(f64),
}

impl Deliveries {
    /// With the vendor's own waits.
    pub const REAL: Self = Self::Paced(1.0);
}

/// How many calls a stand-in makes at a time.
const LINES: usize = 32;

/// Sends what a stand-in has to tell. Ends with it.
pub(super) struct Outbox {
    client: reqwest::Client,
    lines: Semaphore,
    deliveries: Deliveries,
    tasks: TaskTracker,
    stop: CancellationToken,
}

impl Outbox {
    /// An outbox whose calls may take so long.
    pub(super) fn new(deliveries: Deliveries, timeout: Duration) -> Result<Self, SandboxProblem> {
        // Whoever installs a provider first wins; a second one changes nothing.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::Client::builder()
            .timeout(timeout)
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .map_err(SandboxProblem::Client)?;
        Ok(Self {
            client,
            lines: Semaphore::new(LINES),
            deliveries,
            tasks: TaskTracker::new(),
            stop: CancellationToken::new(),
        })
    }

    pub(super) fn client(&self) -> &reqwest::Client {
        &self.client
    }

    /// Makes a call when a line is free. The status of the answer; 0 when there was none.
    pub(super) async fn call(&self, request: reqwest::RequestBuilder) -> u16 {
        let Ok(_line) = self.lines.acquire().await else {
            return 0;
        };
        request
            .send()
            .await
            .map_or(0, |response| response.status().as_u16())
    }

    /// Makes a call when a line is free, for vendors who read the answer. Its status and body; 0 when there was none.
    pub(super) async fn exchange(&self, request: reqwest::RequestBuilder) -> (u16, String) {
        let Ok(_line) = self.lines.acquire().await else {
            return (0, String::new());
        };
        let Ok(response) = request.send().await else {
            return (0, String::new());
        };
        let status = response.status().as_u16();
        (status, response.text().await.unwrap_or_default())
    }

    /// Whether there is any point in composing a delivery.
    pub(super) fn is_open(&self) -> bool {
        self.deliveries != Deliveries::Off
    }

    /// A wait of the vendor's, at this sandbox's pace.
    pub(super) fn paced(&self, wait: Duration) -> Duration {
        match self.deliveries {
            Deliveries::Off => wait,
            Deliveries::Paced(factor) => {
                Duration::try_from_secs_f64(wait.as_secs_f64() * factor).unwrap_or(wait)
            }
        }
    }

    /// Waits at this sandbox's pace.
    pub(super) async fn wait(&self, wait: Duration) {
        tokio::time::sleep(self.paced(wait)).await;
    }

    /// Runs a delivery until it is done or the stand-in stops.
    pub(super) fn send(&self, delivery: impl Future<Output = ()> + Send + 'static) {
        if !self.is_open() || self.stop.is_cancelled() {
            return;
        }
        let stop = self.stop.clone();
        self.tasks.spawn(async move {
            tokio::select! {
                () = stop.cancelled() => {}
                () = delivery => {}
            }
        });
    }

    /// How many deliveries are under way, waits between attempts included.
    pub(super) fn under_way(&self) -> usize {
        self.tasks.len()
    }

    /// Abandons what is under way, without waiting for it to end.
    pub(super) fn cancel(&self) {
        self.stop.cancel();
    }

    /// Abandons what is under way.
    pub(super) async fn stop(&self) {
        self.stop.cancel();
        self.tasks.close();
        self.tasks.wait().await;
    }
}
