//! How much went through, minute by minute.

use std::collections::VecDeque;

use super::view::Flow;
use crate::model::Timestamp;

/// For how many minutes numbers are kept.
const MINUTES: usize = 30;

/// Counts by the minute, for the last half hour.
#[derive(Debug, Default)]
pub(crate) struct FlowCounter {
    minute: i64,
    counts: VecDeque<u32>,
}

impl FlowCounter {
    /// One more went through.
    pub(crate) fn count(&mut self, now: Timestamp) {
        self.advance(now);
        if let Some(current) = self.counts.back_mut() {
            *current = current.saturating_add(1);
        }
    }

    /// The numbers up to now.
    pub(crate) fn view(&mut self, now: Timestamp) -> Flow {
        self.advance(now);
        Flow {
            per_minute: self.counts.iter().copied().collect(),
        }
    }

    fn advance(&mut self, now: Timestamp) {
        let minute = now.as_second().div_euclid(60);
        let passed = usize::try_from(minute - self.minute).unwrap_or(0);
        if self.counts.is_empty() || passed >= MINUTES {
            self.counts = std::iter::repeat_n(0, MINUTES).collect();
        } else {
            for _ in 0..passed {
                self.counts.pop_front();
                self.counts.push_back(0);
            }
        }
        self.minute = self.minute.max(minute);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + second).unwrap()
    }

    #[test]
    fn counts_move_with_the_minutes() {
        let mut counter = FlowCounter::default();
        counter.count(at(0));
        counter.count(at(59));
        counter.count(at(61));
        let flow = counter.view(at(120)).per_minute;
        assert_eq!(flow[flow.len() - 3..], [2, 1, 0]);
        assert_eq!(flow.len(), MINUTES);
        assert!(
            counter
                .view(at(100_000))
                .per_minute
                .iter()
                .all(|count| *count == 0)
        );
    }
}
