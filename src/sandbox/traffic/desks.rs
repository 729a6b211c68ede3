//! Customers and dispatchers: tickets are opened, noted upon, and sent to the field.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use super::trouble::{self, Plan};
use super::{Dispatched, Prospect, Scene};
use crate::model::{Random, Timestamp};
use crate::sandbox::places::PLACES;
use crate::sandbox::{Case, Picture, ServiceDesk};

/// What customers complain about: in short, and at length.
const COMPLAINTS: [(&str, &str); 8] = [
    (
        "Register 3 does not start",
        "The screen stays dark after the power cut this morning.",
    ),
    (
        "Receipt printer jams",
        "Paper tears on every second receipt; cleaning did not help.",
    ),
    (
        "Store is offline",
        "The router blinks red. The provider says that the line is fine.",
    ),
    (
        "Install new display",
        "The display arrived yesterday and waits in the back office.",
    ),
    (
        "Card reader rejects all cards",
        "Error 51 on both lanes since the last update.",
    ),
    (
        "Switch port dead",
        "Port 12 lost its link; the camera on it is down.",
    ),
    (
        "Replace battery backup",
        "It beeps and says that the battery must be replaced.",
    ),
    (
        "Scanner reads nothing",
        "The light is on but no code is recognised. \"Lane 4\" only.",
    ),
];

/// A picture, as far as file types go.
const PICTURE: &[u8] = &[0x89, b'P', b'N', b'G', 0x0D, 0x0A, 0x1A, 0x0A, 0, 1, 2, 3];

/// Opens tickets until told to stop, on one platform after the other.
pub(super) async fn open_tickets(scene: Arc<Scene>) {
    let rate = scene.settings.tickets_per_second.max(0.001);
    let pause = Duration::from_secs_f64(1.0 / rate);
    for number in 1_u64.. {
        let desks = scene.sandbox.desks();
        let turn = usize::try_from(number - 1).unwrap_or_default() % desks.len().max(1);
        let Some(desk) = desks.get(turn) else {
            return;
        };
        let plan = trouble::plan(scene.settings.trouble, number);
        trouble::plant(&scene, desk.as_ref(), plan);
        open(&scene, desk.as_ref(), number, plan).await;
        scene.pause(pause).await;
    }
}

async fn open(scene: &Scene, desk: &dyn ServiceDesk, number: u64, plan: Option<Plan>) {
    // A stand-in that refuses its own traffic is a fault in the sandbox; the log says so and the day goes on.
    let ticket = match desk.open(&case(scene, number, plan)) {
        Ok(ticket) => ticket,
        Err(problem) => {
            tracing::warn!(%problem, "the sandbox's traffic could not open a ticket");
            return;
        }
    };
    scene.pause(scene.settings.step / 4).await;
    if let Err(problem) = desk.dispatch(ticket) {
        tracing::warn!(problem, "the sandbox's traffic could not dispatch a ticket");
    }
    scene.story().dispatched.push(Dispatched {
        platform: desk.platform(),
        ticket,
        prospect: match plan.and_then(Plan::flaw) {
            Some(_) => Prospect::Refusal,
            None => Prospect::WorkOrder,
        },
    });
}

fn case(scene: &Scene, number: u64, plan: Option<Plan>) -> Case {
    let place = scene.dice.pick(&PLACES).unwrap_or(&PLACES[0]);
    let (short, long) = scene.dice.pick(&COMPLAINTS).unwrap_or(&COMPLAINTS[0]);
    let note = || format!("Please call the store before you leave (case {number}).");
    let picture = || Picture {
        name: format!("case-{number}.png"),
        media_type: "image/png".to_owned(),
        bytes: Bytes::from_static(PICTURE),
    };
    Case {
        number,
        place,
        summary: format!("{} - {short}", place.code),
        description: (*long).to_owned(),
        start: start(scene),
        flaw: plan.and_then(Plan::flaw),
        note: number.is_multiple_of(3).then(note),
        picture: number.is_multiple_of(5).then(picture),
    }
}

/// When the technician should come: in a day or so, on the hour.
fn start(scene: &Scene) -> Timestamp {
    const HOUR: f64 = 3_600.0;
    let ahead = (24.0 + 48.0 * scene.dice.fraction()) * HOUR;
    let now = scene.sandbox.clock.now();
    let start = now
        .checked_add(Duration::from_secs_f64(ahead))
        .unwrap_or(now);
    let on_the_hour = start.as_second() / 3_600 * 3_600;
    Timestamp::from_second(on_the_hour).unwrap_or(start)
}
