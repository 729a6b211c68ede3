//! When a failed attempt is tried again.

use std::time::Duration;

use crate::model::Random;

/// How far chance may stretch a wait, so that what failed together does not come back together.
const JITTER: f64 = 0.2;

/// The longest wait that the other side may impose.
const LONGEST_IMPOSED: Duration = Duration::from_secs(3600);

/// The wait before the next attempt, `attempts` having been made; `waits` are the seconds before each attempt, the last
/// of them standing for all later ones.
///
/// Chance adds up to a fifth and never takes away. A `Retry-After` wins when it is longer, up to an hour: a vendor's
/// typing error must not bury a ticket for a year.
#[must_use]
pub(crate) fn wait_after(
    attempts: u32,
    imposed: Option<Duration>,
    waits: &[u64],
    random: &dyn Random,
) -> Duration {
    let place = usize::try_from(attempts).unwrap_or(usize::MAX);
    let seconds = waits
        .get(place)
        .or(waits.last())
        .copied()
        .unwrap_or_default();
    let scheduled = Duration::from_secs(seconds);
    let stretched = scheduled.mul_f64(1.0 + JITTER * random.fraction());
    let imposed = imposed.unwrap_or_default().min(LONGEST_IMPOSED);
    if imposed > stretched {
        imposed + Duration::from_millis(250).mul_f64(random.fraction())
    } else {
        stretched
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Fixed(f64);

    impl Random for Fixed {
        fn fraction(&self) -> f64 {
            self.0
        }
    }

    fn waits() -> Vec<u64> {
        crate::config::EngineSettings::default().retry_waits
    }

    #[test]
    fn the_table_is_the_brokers() {
        let waits: Vec<u64> = (1..9)
            .map(|made| wait_after(made, None, &waits(), &Fixed(0.0)).as_secs())
            .collect();
        assert_eq!(waits, [30, 60, 120, 240, 480, 480, 480, 480]);
    }

    #[test]
    fn jitter_only_stretches() {
        assert_eq!(
            wait_after(1, None, &waits(), &Fixed(1.0)),
            Duration::from_secs(36)
        );
    }

    #[test]
    fn a_longer_retry_after_wins_and_is_clamped() {
        let imposed = |seconds| {
            wait_after(1, Some(Duration::from_secs(seconds)), &waits(), &Fixed(0.0)).as_secs()
        };
        assert_eq!(imposed(5), 30);
        assert_eq!(imposed(90), 90);
        assert_eq!(imposed(10_000_000), 3600);
    }
}
