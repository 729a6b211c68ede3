//! The life of a work order: which move leads where, and which events it fires.

use super::backend::{Actor, Consequences};
use super::company::Person;
use super::problem::{FieldProblem, Problem};
use super::work_order::{Stage, Status, TimeLog, WorkOrder};
use crate::model::{EventName, Timestamp};
use crate::sandbox::journal::{Deed, Thing, Write};

type Moved = Result<(), Problem>;

/// A move about to be made: by whom, when, and what follows from it.
pub(super) struct Move<'a> {
    pub(super) order: &'a mut WorkOrder,
    pub(super) consequences: &'a mut Consequences,
    pub(super) actor: Actor,
    pub(super) now: Timestamp,
}

impl Move<'_> {
    /// Refuses unless the work order is in one of these statuses.
    fn from(&self, allowed: &[Status], verb: &str) -> Moved {
        if allowed.contains(&self.order.status) {
            return Ok(());
        }
        let status = self.order.status.name();
        Err(Problem::invalid(format!(
            "A work order that is {status} can't be {verb}."
        )))
    }

    fn reach(&mut self, status: Status, stage: Option<Stage>, event: EventName) {
        self.order.status = status;
        self.order.stage = stage;
        let deed = match status {
            Status::Cancelled | Status::Deleted => Deed::Removed,
            _ => Deed::Updated,
        };
        self.note(deed, stage.map_or(status.name(), Stage::name));
        self.consequences.fire(event);
    }

    /// Journals a change of the work order itself.
    pub(super) fn note(&mut self, deed: Deed, detail: &str) {
        let write = Write::new(deed, Thing::WorkOrder, self.order.id, self.actor.doer);
        self.consequences.journal(write.called(detail));
    }

    fn complete_task(&mut self, key: &str) {
        let task = self.order.tasks.iter_mut().find(|task| task.key == key);
        if let Some(task) = task.filter(|task| task.completed.is_none()) {
            task.completed = Some(self.now);
            self.consequences.fire(EventName::TaskCompleted);
        }
    }
}

/// Offers it on the marketplace. Needs a place and a time (inferred: the facts are silent).
pub(super) fn publish(mut step: Move<'_>) -> Moved {
    step.from(&[Status::Draft, Status::Routed], "published")?;
    let mut missing = Vec::new();
    if step.order.location.is_none() {
        missing.push(FieldProblem::new(
            "location",
            "location is required to publish",
        ));
    }
    if step.order.window.is_none() {
        missing.push(FieldProblem::new(
            "schedule",
            "schedule is required to publish",
        ));
    }
    if !missing.is_empty() {
        return Err(Problem::fields(missing));
    }
    step.order.milestones.published = Some(step.now);
    step.reach(Status::Published, None, EventName::Published);
    Ok(())
}

/// Takes it off the marketplace.
pub(super) fn unpublish(mut step: Move<'_>) -> Moved {
    step.from(&[Status::Published], "unpublished")?;
    step.reach(Status::Draft, None, EventName::Draft);
    Ok(())
}

/// Makes it a draft again.
pub(super) fn revert(mut step: Move<'_>) -> Moved {
    let allowed = [
        Status::Published,
        Status::Routed,
        Status::Postponed,
        Status::Cancelled,
    ];
    step.from(&allowed, "reverted to draft")?;
    step.order.routed_to.clear();
    step.reach(Status::Draft, None, EventName::Draft);
    Ok(())
}

/// Offers it to chosen providers: one event for each, and one for the status.
pub(super) fn route(mut step: Move<'_>, providers: &[Person]) -> Moved {
    step.from(
        &[Status::Draft, Status::Published, Status::Routed],
        "routed",
    )?;
    for provider in providers {
        step.order.routed_to.push(provider.id);
        step.consequences.fire(EventName::Routed);
    }
    if step.order.status != Status::Routed {
        step.order.milestones.routed = Some(step.now);
        step.reach(Status::Routed, None, EventName::StatusRouted);
    }
    Ok(())
}

/// Withdraws the offer to a provider.
pub(super) fn unroute(mut step: Move<'_>, provider: u64) -> Moved {
    step.from(&[Status::Routed], "unrouted")?;
    step.order.routed_to.retain(|routed| *routed != provider);
    if step.order.routed_to.is_empty() {
        step.reach(Status::Draft, None, EventName::Draft);
    }
    Ok(())
}

/// Gives it to a provider.
pub(super) fn assign(mut step: Move<'_>, provider: Person) -> Moved {
    let allowed = [Status::Draft, Status::Published, Status::Routed];
    step.from(&allowed, "assigned")?;
    step.order.assignee = Some(provider);
    step.order.milestones.assigned = Some(step.now);
    step.reach(Status::Assigned, None, EventName::Assigned);
    Ok(())
}

/// Takes it from the provider.
pub(super) fn unassign(mut step: Move<'_>) -> Moved {
    step.from(&[Status::Assigned], "unassigned")?;
    step.order.assignee = None;
    step.reach(Status::Draft, None, EventName::AssignedCancelled);
    Ok(())
}

/// Moves an assigned work order to a sub-status.
fn progress(mut step: Move<'_>, stage: Stage, event: EventName) -> Moved {
    step.from(&[Status::Assigned], stage.name())?;
    step.reach(Status::Assigned, Some(stage), event);
    Ok(())
}

/// The provider confirms.
pub(super) fn confirm(step: Move<'_>) -> Moved {
    progress(step, Stage::Confirmed, EventName::Confirmed)
}

/// The provider sets out.
pub(super) fn on_my_way(step: Move<'_>) -> Moved {
    progress(step, Stage::OnMyWay, EventName::OnMyWay)
}

/// The provider will be late.
pub(super) fn delay(step: Move<'_>) -> Moved {
    progress(step, Stage::Delayed, EventName::Delayed)
}

/// The vendor doubts that it will be done in time.
pub(super) fn put_at_risk(step: Move<'_>) -> Moved {
    progress(step, Stage::AtRisk, EventName::AtRisk)
}

/// The provider arrives. One action, two events: the status and the task.
pub(super) fn check_in(mut step: Move<'_>) -> Moved {
    step.from(&[Status::Assigned], "checked in")?;
    let id = step.order.part_id();
    step.order.time_logs.push(TimeLog {
        id,
        checked_in: step.now,
        checked_out: None,
    });
    step.complete_task("checkin");
    progress(step, Stage::CheckedIn, EventName::CheckedIn)
}

/// The provider leaves.
pub(super) fn check_out(mut step: Move<'_>) -> Moved {
    step.from(&[Status::Assigned], "checked out")?;
    let open = step
        .order
        .time_logs
        .iter_mut()
        .find(|log| log.checked_out.is_none());
    let Some(log) = open else {
        return Err(Problem::invalid("Nobody is checked in."));
    };
    log.checked_out = Some(step.now);
    step.complete_task("checkout");
    progress(step, Stage::CheckedOut, EventName::CheckedOut)
}

/// The provider says that it is done.
pub(super) fn finish(mut step: Move<'_>, closing_notes: &str) -> Moved {
    step.from(&[Status::Assigned], "marked as done")?;
    closing_notes.clone_into(&mut step.order.closing_notes);
    step.order.milestones.work_done = Some(step.now);
    step.reach(Status::WorkDone, None, EventName::Done);
    Ok(())
}

/// The buyer sends it back to the provider.
pub(super) fn reopen(mut step: Move<'_>) -> Moved {
    step.from(&[Status::WorkDone], "marked as incomplete")?;
    step.order.milestones.work_done = None;
    step.reach(Status::Assigned, None, EventName::Assigned);
    Ok(())
}

/// The buyer agrees.
pub(super) fn approve(mut step: Move<'_>) -> Moved {
    step.from(&[Status::WorkDone], "approved")?;
    step.order.milestones.approved = Some(step.now);
    step.reach(Status::Approved, None, EventName::Approved);
    Ok(())
}

/// The provider is paid.
pub(super) fn pay_out(mut step: Move<'_>) -> Moved {
    step.from(&[Status::Approved], "paid")?;
    step.order.milestones.paid = Some(step.now);
    step.reach(Status::Paid, None, EventName::Paid);
    Ok(())
}

/// Calls it off; a draft is deleted instead.
pub(super) fn cancel(mut step: Move<'_>) -> Moved {
    if step.order.status == Status::Draft {
        step.reach(Status::Deleted, None, EventName::Deleted);
        return Ok(());
    }
    let allowed = [
        Status::Published,
        Status::Routed,
        Status::Assigned,
        Status::Postponed,
    ];
    step.from(&allowed, "cancelled")?;
    step.order.milestones.cancelled = Some(step.now);
    step.reach(Status::Cancelled, None, EventName::Cancelled);
    Ok(())
}

/// Puts it off.
pub(super) fn postpone(mut step: Move<'_>) -> Moved {
    let allowed = [Status::Published, Status::Routed, Status::Assigned];
    step.from(&allowed, "postponed")?;
    step.reach(Status::Postponed, None, EventName::Postponed);
    Ok(())
}
