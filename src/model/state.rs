//! The transaction state machine: every state, every move, and nowhere else.
//!
//! Drawn in `docs/architecture.md`. The store applies moves and the engine asks for them; neither
//! decides whether a move is legal.

use serde::{Deserialize, Serialize};

/// Where a transaction stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// Accepted and waiting for a worker (perhaps not before its due time, or behind its lane).
    Queued,
    /// Leased to a worker.
    Processing,
    /// Failed for a passing reason; waits for its due time.
    Retrying,
    /// Its connector is paused; nothing is tried and nothing is lost.
    Held,
    /// In the dead letter queue: will not be tried again without a person.
    Dead,
    /// Delivered.
    Done,
    /// Rightly not delivered, with a reason.
    Skipped,
    /// Given up by a person, with a reason; restorable for a period.
    Discarded,
}

/// What may happen to a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Move {
    /// A worker takes it under a lease.
    Claim,
    /// Delivered.
    Finish,
    /// There was nothing to deliver.
    Skip,
    /// A passing failure: wait, then try again.
    RetryLater,
    /// Not possible just now for a reason that is not its own (open breaker, empty quota): wait without using up an attempt.
    Postpone,
    /// A lasting failure, or the last attempt failed.
    Bury,
    /// Its connector was paused.
    Hold,
    /// Its connector runs again.
    Release,
    /// The lease ran out or its owner died.
    Reclaim,
    /// A person wants it tried (again) now.
    Requeue,
    /// A person gives it up.
    Discard,
    /// A person takes a discard back.
    Restore,
}

/// A move that the state does not allow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a transaction that is {} can't {}", from.word(), attempted.verb())]
pub struct IllegalMove {
    /// The state it was in.
    pub from: State,
    /// The move that was asked for.
    pub attempted: Move,
}

impl State {
    /// All states, in the order of a transaction's life.
    pub const ALL: [Self; 8] = [
        Self::Queued,
        Self::Processing,
        Self::Retrying,
        Self::Held,
        Self::Dead,
        Self::Done,
        Self::Skipped,
        Self::Discarded,
    ];

    /// The state after a move.
    ///
    /// # Errors
    /// [`IllegalMove`] when the machine has no such arrow.
    pub fn after(self, attempted: Move) -> Result<Self, IllegalMove> {
        use Move::{
            Bury, Claim, Discard, Finish, Hold, Postpone, Reclaim, Release, Requeue, Restore,
            RetryLater, Skip,
        };
        let next = match (self, attempted) {
            (Self::Queued | Self::Retrying, Claim) => Self::Processing,
            (Self::Processing, Finish) => Self::Done,
            (Self::Processing, Skip) => Self::Skipped,
            (Self::Processing, RetryLater) => Self::Retrying,
            (Self::Processing, Postpone | Reclaim)
            | (Self::Held, Release)
            | (Self::Retrying | Self::Dead | Self::Skipped, Requeue) => Self::Queued,
            (Self::Processing, Bury) | (Self::Discarded, Restore) => Self::Dead,
            (Self::Queued | Self::Processing | Self::Retrying, Hold) => Self::Held,
            (Self::Queued | Self::Retrying | Self::Held | Self::Dead, Discard) => Self::Discarded,
            (from, attempted) => return Err(IllegalMove { from, attempted }),
        };
        Ok(next)
    }

    /// Whether the transaction still occupies its place in its lane.
    #[must_use]
    pub fn is_active(self) -> bool {
        matches!(
            self,
            Self::Queued | Self::Processing | Self::Retrying | Self::Held
        )
    }

    /// The word for people and for config.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Processing => "processing",
            Self::Retrying => "retrying",
            Self::Held => "held",
            Self::Dead => "dead",
            Self::Done => "done",
            Self::Skipped => "skipped",
            Self::Discarded => "discarded",
        }
    }

    /// The small number that stands for the state in keys. Never changes its meaning.
    #[must_use]
    pub fn code(self) -> u8 {
        match self {
            Self::Queued => 0,
            Self::Processing => 1,
            Self::Retrying => 2,
            Self::Held => 3,
            Self::Dead => 4,
            Self::Done => 5,
            Self::Skipped => 6,
            Self::Discarded => 7,
        }
    }
}

impl std::str::FromStr for State {
    type Err = UnknownState;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|state| state.word() == text)
            .ok_or_else(|| UnknownState(text.chars().take(40).collect()))
    }
}

/// A word that names no state.
#[derive(Debug, thiserror::Error)]
#[error(
    "`{0}` is no state; there are: queued, processing, retrying, held, dead, done, skipped, discarded"
)]
pub struct UnknownState(String);

impl Move {
    /// All moves.
    pub const ALL: [Self; 12] = [
        Self::Claim,
        Self::Finish,
        Self::Skip,
        Self::RetryLater,
        Self::Postpone,
        Self::Bury,
        Self::Hold,
        Self::Release,
        Self::Reclaim,
        Self::Requeue,
        Self::Discard,
        Self::Restore,
    ];

    fn verb(self) -> &'static str {
        match self {
            Self::Claim => "be claimed",
            Self::Finish => "be finished",
            Self::Skip => "be skipped",
            Self::RetryLater => "be put off for a retry",
            Self::Postpone => "be postponed",
            Self::Bury => "be moved to the dead letter queue",
            Self::Hold => "be held",
            Self::Release => "be released",
            Self::Reclaim => "be reclaimed",
            Self::Requeue => "be retried",
            Self::Discard => "be discarded",
            Self::Restore => "be restored",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The whole machine, written a second time as a table: state, move, next state.
    const ARROWS: [(State, Move, State); 20] = [
        (State::Queued, Move::Claim, State::Processing),
        (State::Queued, Move::Hold, State::Held),
        (State::Queued, Move::Discard, State::Discarded),
        (State::Processing, Move::Finish, State::Done),
        (State::Processing, Move::Skip, State::Skipped),
        (State::Processing, Move::RetryLater, State::Retrying),
        (State::Processing, Move::Postpone, State::Queued),
        (State::Processing, Move::Bury, State::Dead),
        (State::Processing, Move::Hold, State::Held),
        (State::Processing, Move::Reclaim, State::Queued),
        (State::Retrying, Move::Claim, State::Processing),
        (State::Retrying, Move::Hold, State::Held),
        (State::Retrying, Move::Requeue, State::Queued),
        (State::Retrying, Move::Discard, State::Discarded),
        (State::Held, Move::Release, State::Queued),
        (State::Held, Move::Discard, State::Discarded),
        (State::Dead, Move::Requeue, State::Queued),
        (State::Dead, Move::Discard, State::Discarded),
        (State::Skipped, Move::Requeue, State::Queued),
        (State::Discarded, Move::Restore, State::Dead),
    ];

    #[test]
    fn every_legal_move_is_in_the_table_and_every_other_is_refused() {
        for from in State::ALL {
            for attempted in Move::ALL {
                let expected = ARROWS
                    .iter()
                    .find(|(state, step, _)| *state == from && *step == attempted)
                    .map(|(_, _, next)| *next)
                    .ok_or(IllegalMove { from, attempted });
                assert_eq!(from.after(attempted), expected, "{from:?} {attempted:?}");
            }
        }
    }

    #[test]
    fn codes_and_words_are_distinct_and_parse_back() {
        let mut codes: Vec<_> = State::ALL.iter().map(|state| state.code()).collect();
        codes.dedup();
        assert_eq!(codes.len(), State::ALL.len());
        for state in State::ALL {
            assert_eq!(state.word().parse::<State>().unwrap(), state);
        }
    }

    #[test]
    fn a_refusal_reads_as_a_sentence() {
        let refusal = State::Done.after(Move::Discard).unwrap_err();
        assert_eq!(
            refusal.to_string(),
            "a transaction that is done can't be discarded"
        );
    }
}
