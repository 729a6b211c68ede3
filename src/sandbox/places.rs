//! Where made-up work happens: real US cities and time zones, invented stores and streets.

use std::collections::HashMap;
use std::sync::LazyLock;

use jiff::tz::TimeZone;

/// A place where a technician is sent.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    /// What the customer calls it.
    pub(super) code: &'static str,
    pub(super) street: &'static str,
    pub(super) city: &'static str,
    pub(super) state: &'static str,
    pub(super) zip: &'static str,
}

const fn place(
    code: &'static str,
    street: &'static str,
    city: &'static str,
    state: &'static str,
    zip: &'static str,
) -> Place {
    Place {
        code,
        street,
        city,
        state,
        zip,
    }
}

/// The stores of the made-up customer.
pub(super) const PLACES: [Place; 12] = [
    place("HB-0101", "101 Sample Plaza", "Minneapolis", "MN", "55401"),
    place("HB-0102", "220 Placeholder Ave", "Columbus", "OH", "43215"),
    place("HB-0103", "35 Demo Square", "Austin", "TX", "78701"),
    place("HB-0104", "4810 Fixture Blvd", "Denver", "CO", "80202"),
    place("HB-0105", "77 Specimen St", "Portland", "OR", "97204"),
    place("HB-0106", "900 Mockingbird Mall", "Tampa", "FL", "33602"),
    place("HB-0107", "12 Example Row", "Boston", "MA", "02110"),
    place("HB-0108", "651 Trial Court", "Phoenix", "AZ", "85004"),
    place("HB-0109", "3300 Rehearsal Rd", "Nashville", "TN", "37203"),
    place("HB-0110", "18 Prototype Pkwy", "Raleigh", "NC", "27601"),
    place(
        "HB-0111",
        "2600 Standin Way",
        "Salt Lake City",
        "UT",
        "84101",
    ),
    place("HB-0112", "540 Dry Run Dr", "Sacramento", "CA", "95814"),
];

/// The time zone in which most of a state lives.
const STATES: [(&str, &str); 51] = [
    ("AL", "America/Chicago"),
    ("AK", "America/Anchorage"),
    ("AZ", "America/Phoenix"),
    ("AR", "America/Chicago"),
    ("CA", "America/Los_Angeles"),
    ("CO", "America/Denver"),
    ("CT", "America/New_York"),
    ("DC", "America/New_York"),
    ("DE", "America/New_York"),
    ("FL", "America/New_York"),
    ("GA", "America/New_York"),
    ("HI", "Pacific/Honolulu"),
    ("ID", "America/Boise"),
    ("IL", "America/Chicago"),
    ("IN", "America/Indiana/Indianapolis"),
    ("IA", "America/Chicago"),
    ("KS", "America/Chicago"),
    ("KY", "America/New_York"),
    ("LA", "America/Chicago"),
    ("ME", "America/New_York"),
    ("MD", "America/New_York"),
    ("MA", "America/New_York"),
    ("MI", "America/Detroit"),
    ("MN", "America/Chicago"),
    ("MS", "America/Chicago"),
    ("MO", "America/Chicago"),
    ("MT", "America/Denver"),
    ("NE", "America/Chicago"),
    ("NV", "America/Los_Angeles"),
    ("NH", "America/New_York"),
    ("NJ", "America/New_York"),
    ("NM", "America/Denver"),
    ("NY", "America/New_York"),
    ("NC", "America/New_York"),
    ("ND", "America/Chicago"),
    ("OH", "America/New_York"),
    ("OK", "America/Chicago"),
    ("OR", "America/Los_Angeles"),
    ("PA", "America/New_York"),
    ("RI", "America/New_York"),
    ("SC", "America/New_York"),
    ("SD", "America/Chicago"),
    ("TN", "America/Chicago"),
    ("TX", "America/Chicago"),
    ("UT", "America/Denver"),
    ("VT", "America/New_York"),
    ("VA", "America/New_York"),
    ("WA", "America/Los_Angeles"),
    ("WV", "America/New_York"),
    ("WI", "America/Chicago"),
    ("WY", "America/Denver"),
];

static ZONES: LazyLock<HashMap<&'static str, TimeZone>> = LazyLock::new(|| {
    let zone = |(state, name): (&'static str, &str)| Some((state, TimeZone::get(name).ok()?));
    STATES.into_iter().filter_map(zone).collect()
});

/// The time zone of a state, by its two letters.
pub(super) fn zone_of(state: &str) -> Option<&'static TimeZone> {
    ZONES.get(state)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_state_has_its_zone_and_every_place_its_state() {
        assert!(STATES.iter().all(|(state, _)| zone_of(state).is_some()));
        assert!(PLACES.iter().all(|place| zone_of(place.state).is_some()));
        assert!(zone_of("ZZ").is_none());
    }
}
