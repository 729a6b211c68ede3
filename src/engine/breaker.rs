//! A connector's circuit breaker: stops asking a platform that fails broadly, and finds out when it is well again.

use std::time::Duration;

use super::view::BreakerView;
use crate::model::Timestamp;

/// When it opens and for how long.
#[derive(Clone, Copy, Debug)]
pub(crate) struct BreakerSettings {
    pub failures: u32,
    pub wait: Duration,
}

/// The longest an open breaker waits for its next probe.
const LONGEST_WAIT: Duration = Duration::from_secs(600);

#[derive(Clone, Copy, Debug)]
enum Position {
    Closed { failures: u32 },
    Open { until: Timestamp, wait: Duration },
    HalfOpen { wait: Duration },
}

/// What a breaker lets through now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Leave {
    /// As much as there is.
    All,
    /// One transaction, to see.
    Probe,
    /// Nothing before this.
    NotBefore(Timestamp),
    /// Nothing until the probe under way has ended.
    WhenProbed,
}

#[derive(Debug)]
pub(crate) struct Breaker {
    settings: BreakerSettings,
    position: Position,
}

impl Breaker {
    pub(crate) fn new(settings: BreakerSettings) -> Self {
        Self {
            settings,
            position: Position::Closed { failures: 0 },
        }
    }

    /// What may go through. The caller that is told [`Leave::Probe`] says so with [`Self::probing`] once it has one.
    pub(crate) fn leave(&self, now: Timestamp) -> Leave {
        match self.position {
            Position::Closed { .. } => Leave::All,
            Position::Open { until, .. } if now < until => Leave::NotBefore(until),
            Position::Open { .. } => Leave::Probe,
            Position::HalfOpen { .. } => Leave::WhenProbed,
        }
    }

    /// A probe was let through.
    pub(crate) fn probing(&mut self) {
        if let Position::Open { wait, .. } = self.position {
            self.position = Position::HalfOpen { wait };
        }
    }

    /// The platform answered.
    pub(crate) fn succeeded(&mut self) {
        self.position = Position::Closed { failures: 0 };
    }

    /// The platform failed for reasons of its own.
    pub(crate) fn failed(&mut self, now: Timestamp) {
        self.position = match self.position {
            Position::Closed { failures } if failures + 1 < self.settings.failures => {
                Position::Closed {
                    failures: failures + 1,
                }
            }
            Position::Closed { .. } => open(now, self.settings.wait),
            Position::HalfOpen { wait } => {
                open(now, (wait * 2).min(LONGEST_WAIT.max(self.settings.wait)))
            }
            still @ Position::Open { .. } => still,
        };
    }

    /// The probe ended without touching the platform: let another through.
    pub(crate) fn undecided(&mut self, now: Timestamp) {
        if let Position::HalfOpen { wait } = self.position {
            self.position = Position::Open { until: now, wait };
        }
    }

    pub(crate) fn view(&self) -> BreakerView {
        match self.position {
            Position::Closed { .. } => BreakerView::Closed,
            Position::Open { until, .. } => BreakerView::Open { until },
            Position::HalfOpen { .. } => BreakerView::HalfOpen,
        }
    }
}

fn open(now: Timestamp, wait: Duration) -> Position {
    Position::Open {
        until: now.checked_add(wait).unwrap_or(Timestamp::MAX),
        wait,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SETTINGS: BreakerSettings = BreakerSettings {
        failures: 3,
        wait: Duration::from_secs(60),
    };

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn it_opens_after_failures_in_a_row_only() {
        let mut breaker = Breaker::new(SETTINGS);
        breaker.failed(at(0));
        breaker.failed(at(0));
        breaker.succeeded();
        breaker.failed(at(1));
        breaker.failed(at(1));
        assert_eq!(breaker.leave(at(1)), Leave::All);
        breaker.failed(at(2));
        assert_eq!(breaker.leave(at(2)), Leave::NotBefore(at(62)));
    }

    #[test]
    fn one_probe_decides() {
        let mut breaker = Breaker::new(SETTINGS);
        (0..3).for_each(|_| breaker.failed(at(0)));
        assert_eq!(breaker.leave(at(60)), Leave::Probe);
        breaker.probing();
        assert_eq!(breaker.leave(at(60)), Leave::WhenProbed);
        breaker.failed(at(61));
        assert_eq!(breaker.leave(at(100)), Leave::NotBefore(at(181)));
        breaker.probing();
        breaker.undecided(at(181));
        assert_eq!(breaker.leave(at(181)), Leave::Probe);
        breaker.probing();
        breaker.succeeded();
        assert_eq!(breaker.leave(at(182)), Leave::All);
    }
}
