//! The trouble that is planted, by the number of the ticket.

use std::time::Duration;

use axum::http::Method;

use super::{Scene, Trouble};
use crate::sandbox::{Fault, FaultKind, Flaw, ServiceDesk};

/// A piece of trouble.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Plan {
    /// The ticket's site has no state, so that nobody can be sent there.
    SiteWithoutState,
    /// The ticket carries a value that Field Nation does not know: a service level, or a state typed by hand.
    UnknownValue,
    /// Field Nation answers 429 for a while.
    RateLimitBurst,
    /// The answer to the next create is lost after the work order came to be.
    LostCreate,
    /// The ticket's platform fails with 503 for a moment.
    PlatformDown,
    /// The credential for the ticket's platform is refused for a few seconds.
    ExpiredKey,
    /// The answers to the next notes are lost after the notes came to be.
    LostNotes,
    /// The next events arrive twice.
    DoubledEvents,
}

impl Plan {
    /// What is wrong with the ticket itself.
    pub(super) fn flaw(self) -> Option<Flaw> {
        match self {
            Self::SiteWithoutState => Some(Flaw::NoState),
            Self::UnknownValue => Some(Flaw::UnknownValue),
            _ => None,
        }
    }

    fn words(self) -> &'static str {
        match self {
            Self::SiteWithoutState => "a ticket whose site has no state",
            Self::UnknownValue => "a ticket with a value Field Nation does not know",
            Self::RateLimitBurst => "Field Nation answers 429 six times",
            Self::LostCreate => "the answer to a create is lost after it took effect",
            Self::PlatformDown => "a platform answers 503 three times",
            Self::ExpiredKey => "a platform refuses our credential for two seconds",
            Self::LostNotes => "the answers to two notes are lost after they took effect",
            Self::DoubledEvents => "three Field Nation events arrive twice",
        }
    }
}

/// The trouble repeats after so many tickets: a prime, so that it moves on from one platform to the next.
const CYCLE: u64 = 41;

/// The trouble that comes with a ticket.
pub(super) fn plan(trouble: Trouble, number: u64) -> Option<Plan> {
    if trouble == Trouble::None {
        return None;
    }
    match number % CYCLE {
        5 => Some(Plan::SiteWithoutState),
        7 => Some(Plan::RateLimitBurst),
        10 => Some(Plan::LostCreate),
        12 | 21 => Some(Plan::UnknownValue),
        15 => Some(Plan::PlatformDown),
        18 => Some(Plan::ExpiredKey),
        23 => Some(Plan::LostNotes),
        26 => Some(Plan::DoubledEvents),
        _ => None,
    }
}

/// Plants it. What is in the ticket itself needs nothing here.
pub(super) fn plant(scene: &Scene, desk: &dyn ServiceDesk, plan: Option<Plan>) {
    let Some(plan) = plan else {
        return;
    };
    scene.story().trouble.push(plan.words());
    let field_nation = &scene.sandbox.field_nation;
    match plan {
        Plan::SiteWithoutState | Plan::UnknownValue => {}
        Plan::RateLimitBurst => {
            let kind = FaultKind::RateLimited {
                retry_after_seconds: 1,
            };
            field_nation.faults().push(Fault::times(kind, 6));
        }
        Plan::LostCreate => {
            let lost = Fault::once(FaultKind::LostResponse);
            let lost = lost.on(&Method::POST, "/api/rest/v2/workorders");
            field_nation.faults().push(lost);
        }
        Plan::PlatformDown => {
            let kind = FaultKind::ServerError { status: 503 };
            desk.faults().push(Fault::times(kind, 3));
        }
        Plan::ExpiredKey => {
            let expired = Fault::lasting(FaultKind::Unauthorized, Duration::from_secs(2));
            desk.faults().push(expired);
        }
        Plan::LostNotes => {
            for desk in scene.sandbox.desks() {
                let (method, path) = desk.note_call();
                let lost = Fault::once(FaultKind::LostResponse).on(&method, path);
                desk.faults().push(lost);
            }
        }
        Plan::DoubledEvents => field_nation.duplicate_next_deliveries(3),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_trouble_comes_once_in_a_cycle_and_none_when_not_wanted() {
        let planned =
            |trouble| -> Vec<_> { (1..=CYCLE).filter_map(|n| plan(trouble, n)).collect() };
        assert_eq!(planned(Trouble::None), []);
        let plans = planned(Trouble::Planted);
        let expected = [
            Plan::SiteWithoutState,
            Plan::RateLimitBurst,
            Plan::LostCreate,
            Plan::UnknownValue,
            Plan::PlatformDown,
            Plan::ExpiredKey,
            Plan::UnknownValue,
            Plan::LostNotes,
            Plan::DoubledEvents,
        ];
        assert_eq!(plans, expected);
    }
}
