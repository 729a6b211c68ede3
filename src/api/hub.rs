//! Live updates: one task looks at the engine, any number of people listen.
//!
//! The engine never waits here: it only moves a number. While nobody listens, nothing is computed. A listener that
//! does not keep up loses deltas and gets a snapshot instead.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::Stream;
use futures_util::stream::unfold;
use tokio::sync::{Notify, broadcast, watch};
use tokio::time::{Instant, sleep, sleep_until};
use tokio_util::sync::CancellationToken;

use super::wire::{Update, UpdateBody, difference};
use crate::engine::{Control, Overview};

/// The least time between two looks.
const INTERVAL: Duration = Duration::from_millis(100);

/// How long a look that failed waits for the next if nothing changes meanwhile.
const AFTER_FAILURE: Duration = Duration::from_secs(1);

/// How many updates a listener may be behind before it gets a snapshot.
const BEHIND: usize = 16;

/// A numbered state of the engine.
struct Moment {
    sequence: u64,
    overview: Overview,
}

/// An update as it goes out, made once for all.
#[derive(Clone)]
struct Line {
    sequence: u64,
    bytes: Bytes,
}

/// Where listeners come to listen.
#[derive(Clone)]
pub(super) struct Hub {
    lines: broadcast::Sender<Line>,
    latest: watch::Sender<Option<Arc<Moment>>>,
    somebody: Arc<Notify>,
    end: CancellationToken,
}

impl Hub {
    /// A hub, and the task that must run for it to say anything.
    pub(super) fn new(
        control: Arc<dyn Control>,
        end: CancellationToken,
    ) -> (Self, impl Future<Output = ()> + Send) {
        let hub = Self {
            lines: broadcast::Sender::new(BEHIND),
            latest: watch::Sender::new(None),
            somebody: Arc::default(),
            end,
        };
        let watching = hub.clone().watch(control);
        (hub, watching)
    }

    /// NDJSON, beginning with a snapshot; ends with the hub.
    pub(super) fn listen(
        &self,
    ) -> impl Stream<Item = Result<Bytes, std::io::Error>> + Send + 'static {
        // Subscribed before the snapshot is taken: whatever comes after that snapshot will be heard.
        let listener = Listener {
            lines: self.lines.subscribe(),
            latest: self.latest.subscribe(),
            heard: None,
            end: self.end.clone(),
        };
        self.somebody.notify_one();
        unfold(listener, |mut listener| async {
            let line = listener.next().await?;
            Some((Ok(line), listener))
        })
    }

    async fn watch(self, control: Arc<dyn Control>) {
        tokio::select! {
            () = self.end.cancelled() => {}
            () = self.look_again_and_again(control) => {}
        }
        self.latest.send_replace(None);
    }

    async fn look_again_and_again(&self, control: Arc<dyn Control>) {
        let mut changes = control.changes();
        let mut sequence = 0;
        loop {
            if self.lines.receiver_count() == 0 {
                // What was seen before the pause is no base for a delta to those who come after it.
                self.latest.send_replace(None);
                self.somebody.notified().await;
                continue;
            }
            changes.mark_unchanged();
            let looked_at = Instant::now();
            match control.overview().await {
                Ok(overview) => self.publish(&mut sequence, overview),
                Err(error) => {
                    tracing::warn!(%error, "the overview could not be made");
                    tokio::select! {
                        _ = changes.changed() => {}
                        () = sleep(AFTER_FAILURE) => {}
                    }
                    continue;
                }
            }
            sleep_until(looked_at + INTERVAL).await;
            if changes.changed().await.is_err() {
                // The engine is gone; the server will be stopped.
                return;
            }
        }
    }

    /// Says what is new, if anything is.
    fn publish(&self, sequence: &mut u64, overview: Overview) {
        let before = self.latest.borrow().clone();
        let body = match before {
            Some(before) => {
                let changes = difference(&before.overview, &overview);
                if changes.is_empty() {
                    return;
                }
                UpdateBody::Delta(changes)
            }
            None => UpdateBody::Snapshot(Box::new(overview.clone())),
        };
        *sequence += 1;
        let line = line(*sequence, body);
        // The state first: who subscribes between the two takes the newer state and passes over the line.
        self.latest.send_replace(Some(Arc::new(Moment {
            sequence: *sequence,
            overview,
        })));
        let _nobody_listens = self.lines.send(line);
    }
}

/// One who listens.
struct Listener {
    lines: broadcast::Receiver<Line>,
    latest: watch::Receiver<Option<Arc<Moment>>>,
    /// The number of the last update that was passed on.
    heard: Option<u64>,
    end: CancellationToken,
}

impl Listener {
    async fn next(&mut self) -> Option<Bytes> {
        let end = self.end.clone();
        tokio::select! {
            () = end.cancelled() => None,
            line = self.line() => line,
        }
    }

    async fn line(&mut self) -> Option<Bytes> {
        loop {
            let Some(heard) = self.heard else {
                return self.snapshot().await;
            };
            match self.lines.recv().await {
                Ok(line) if line.sequence <= heard => {}
                Ok(line) => {
                    self.heard = Some(line.sequence);
                    return Some(line.bytes);
                }
                Err(broadcast::error::RecvError::Lagged(_)) => {
                    self.lines = self.lines.resubscribe();
                    self.heard = None;
                }
                Err(broadcast::error::RecvError::Closed) => return None,
            }
        }
    }

    async fn snapshot(&mut self) -> Option<Bytes> {
        let latest = self.latest.wait_for(Option::is_some).await.ok()?;
        let moment = latest.clone()?;
        drop(latest);
        self.heard = Some(moment.sequence);
        let body = UpdateBody::Snapshot(Box::new(moment.overview.clone()));
        Some(line(moment.sequence, body).bytes)
    }
}

fn line(sequence: u64, body: UpdateBody) -> Line {
    let mut bytes = serde_json::to_vec(&Update { sequence, body }).unwrap_or_else(|error| {
        // Plain data with text keys always serialises; an empty line would only end this listener's stream.
        tracing::error!(%error, "an update could not be written");
        Vec::new()
    });
    bytes.push(b'\n');
    Line {
        sequence,
        bytes: bytes.into(),
    }
}
