//! Technicians: they take every work order the API creates and see it through.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::{Posted, Scene};
use crate::sandbox::{ActProblem, Deed, Doer, NewFile, Status, Thing};

/// Those who wait for work.
pub(super) struct Crew {
    pub(super) scene: Arc<Scene>,
    pub(super) stop: CancellationToken,
    pub(super) tasks: TaskTracker,
}

impl Crew {
    /// Takes every work order as it comes.
    pub(super) async fn take_jobs(self) {
        let journal = self.scene.sandbox.field_nation.journal().clone();
        let mut latest = journal.latest();
        let mut seen = *latest.borrow_and_update();
        loop {
            for entry in journal.entries_after(seen) {
                seen = entry.sequence;
                let is_new = entry.deed == Deed::Created && entry.thing == Thing::WorkOrder;
                if is_new && entry.by == Doer::Api {
                    self.begin(entry.id);
                }
            }
            if latest.changed().await.is_err() {
                return;
            }
        }
    }

    fn begin(&self, work_order: u64) {
        let (scene, stop) = (self.scene.clone(), self.stop.clone());
        self.tasks.spawn(async move {
            let job = Job { scene, work_order };
            tokio::select! {
                () = stop.cancelled() => {}
                done = job.run() => {
                    // Somebody else may have cancelled the work order: that is life, and no fault.
                    if let Err(problem) = done {
                        tracing::debug!(%problem, "a technician could not go on");
                    }
                }
            }
        });
    }
}

/// One visit from publishing to approval.
struct Job {
    scene: Arc<Scene>,
    work_order: u64,
}

impl Job {
    async fn run(&self) -> Result<(), ActProblem> {
        let field_nation = &self.scene.sandbox.field_nation;
        let id = self.work_order;
        self.step().await;
        if field_nation.status_of(id) == Some(Status::Draft) {
            // The broker may leave that to the buyer. A draft that lacks a place or a time stays one, and is
            // assigned directly.
            let _ = field_nation.publish(id);
            self.step().await;
        }
        field_nation.assign(id)?;
        self.step().await;
        if id.is_multiple_of(13) {
            field_nation.post_message(id, &self.text("I can't make it, please cancel"))?;
            return field_nation.cancel(id);
        }
        field_nation.confirm(id)?;
        self.step().await;
        field_nation.on_my_way(id)?;
        self.step().await;
        field_nation.check_in(id)?;
        self.say("On site, starting work")?;
        self.step().await;
        if id.is_multiple_of(7) {
            field_nation.report_problem(id, &self.text("The part is not here yet"))?;
            self.step().await;
            field_nation.resolve_problems(id)?;
        }
        field_nation.upload(id, self.photo())?;
        field_nation.set_custom_field(id, SERIAL_NUMBER_FIELD, &format!("SN-{id}"))?;
        self.step().await;
        field_nation.check_out(id)?;
        self.step().await;
        field_nation.work_done(id, &self.text("Replaced and tested"))?;
        self.step().await;
        field_nation.approve(id)
    }

    async fn step(&self) {
        let step: Duration = self.scene.settings.step;
        self.scene.pause(step).await;
    }

    fn text(&self, what: &str) -> String {
        format!("{what} (visit {}).", self.work_order)
    }

    fn say(&self, what: &str) -> Result<(), ActProblem> {
        let text = self.text(what);
        self.scene
            .sandbox
            .field_nation
            .post_message(self.work_order, &text)?;
        self.scene.story().posted.push(Posted {
            work_order: self.work_order,
            text,
        });
        Ok(())
    }

    fn photo(&self) -> NewFile {
        NewFile {
            name: format!("after-{}.png", self.work_order),
            mime: "image/png".to_owned(),
            content: Bytes::from_static(&[0x89, b'P', b'N', b'G', 0x0D, 0x0A, 0x1A, 0x0A, 9, 9]),
        }
    }
}

/// The provider's custom field for what was put in.
const SERIAL_NUMBER_FIELD: u64 = 835;
