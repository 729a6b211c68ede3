//! A day's work in minutes: customers open tickets, dispatchers ask for technicians, technicians do the work.
//!
//! The same seed tells the same story; only the wall clock may blur its edges.

mod desks;
mod provider;
mod reckoning;
mod trouble;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::chance::Dice;
use super::{Deed, Doer, Sandbox, Thing};
use crate::model::{PlatformKind, Random};

pub use self::reckoning::Reckoning;

/// Whether things go wrong.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Trouble {
    /// Now and then, as in life: a bad value, a burst of 429, a lost answer, an expired key.
    #[default]
    Planted,
    /// Never.
    None,
}

/// What the traffic is like.
#[derive(Clone, Copy, Debug)]
pub struct TrafficSettings {
    /// What the story is made from.
    pub seed: u64,
    /// How often a ticket is opened, on all platforms together.
    pub tickets_per_second: f64,
    /// About how long a technician takes from one step to the next.
    pub step: Duration,
    /// Whether things go wrong.
    pub trouble: Trouble,
}

impl Default for TrafficSettings {
    fn default() -> Self {
        Self {
            seed: 1,
            tickets_per_second: 3.0,
            step: Duration::from_millis(600),
            trouble: Trouble::Planted,
        }
    }
}

/// What becomes of a dispatched ticket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Prospect {
    /// It can become a work order.
    WorkOrder,
    /// Field Nation will refuse it: its address or a picklist value is bad.
    Refusal,
}

/// A ticket for which a technician was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dispatched {
    /// Where it was opened.
    pub platform: PlatformKind,
    /// Its number there.
    pub ticket: u64,
    /// What must become of it.
    pub prospect: Prospect,
}

/// A message a technician posted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Posted {
    /// On which work order.
    pub work_order: u64,
    /// What it says; no two messages say the same.
    pub text: String,
}

/// What happened so far.
#[derive(Clone, Debug, Default)]
pub struct Story {
    /// The tickets for which a technician was asked, in order.
    pub dispatched: Vec<Dispatched>,
    /// The messages technicians posted, in order.
    pub posted: Vec<Posted>,
    /// The trouble that was planted, in words, in order.
    pub trouble: Vec<&'static str>,
}

/// Traffic under way. Stops when dropped.
pub struct Traffic {
    scene: Arc<Scene>,
    opening: CancellationToken,
    stop: CancellationToken,
    tasks: TaskTracker,
}

/// What everybody in the story shares.
struct Scene {
    sandbox: Arc<Sandbox>,
    settings: TrafficSettings,
    dice: Dice,
    story: Mutex<Story>,
}

impl Scene {
    fn story(&self) -> MutexGuard<'_, Story> {
        self.story.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for about so long.
    async fn pause(&self, about: Duration) {
        let factor = 0.5 + self.dice.fraction();
        tokio::time::sleep(about.mul_f64(factor)).await;
    }
}

impl Traffic {
    /// Begins. Needs a tokio runtime.
    #[must_use]
    pub fn start(sandbox: Arc<Sandbox>, settings: TrafficSettings) -> Self {
        let scene = Arc::new(Scene {
            sandbox,
            settings,
            dice: Dice::new(settings.seed),
            story: Mutex::default(),
        });
        let stop = CancellationToken::new();
        let traffic = Self {
            scene: scene.clone(),
            opening: stop.child_token(),
            stop,
            tasks: TaskTracker::new(),
        };
        traffic.run_until(&traffic.opening, desks::open_tickets(scene.clone()));
        let crew = provider::Crew {
            scene,
            stop: traffic.stop.clone(),
            tasks: traffic.tasks.clone(),
        };
        traffic.run_until(&traffic.stop, crew.take_jobs());
        traffic
    }

    fn run_until(&self, end: &CancellationToken, part: impl Future<Output = ()> + Send + 'static) {
        let end = end.clone();
        self.tasks.spawn(async move {
            tokio::select! {
                // The end goes first: nothing new begins once it was called.
                biased;
                () = end.cancelled() => {}
                () = part => {}
            }
        });
    }

    /// Opens no more tickets; what is under way goes on.
    pub fn stop_opening(&self) {
        self.opening.cancel();
    }

    /// Stops everything and waits until it has stopped.
    pub async fn stop(&self) {
        self.stop.cancel();
        self.tasks.close();
        self.tasks.wait().await;
    }

    /// What happened so far.
    #[must_use]
    pub fn story(&self) -> Story {
        self.scene.story().clone()
    }

    /// Compares what was asked for with what the stand-ins' journals show. `marker_of` says which value of the
    /// correlation field belongs to a ticket.
    #[must_use]
    pub fn reckon(&self, marker_of: impl Fn(PlatformKind, u64) -> String) -> Reckoning {
        reckoning::reckon(&self.scene.sandbox, &self.story(), marker_of)
    }
}

impl Drop for Traffic {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

/// How many work orders the API created.
fn work_orders_created(sandbox: &Sandbox) -> usize {
    let journal = sandbox.field_nation.journal();
    journal.count(Deed::Created, Thing::WorkOrder, Doer::Api)
}
