//! Customers and dispatchers: tickets are opened, noted upon, and sent to the field.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use serde_json::{Value, json};

use super::trouble::{self, Plan};
use super::{Desk, Dispatched, Prospect, Scene};
use crate::model::{Random, Timestamp};
use crate::sandbox::places::{PLACES, Place};
use crate::sandbox::{NotePlacement, NoteVisibility};

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

const SERVICE_LEVELS: [&str; 4] = ["Standard", "Next Day", "Same Day", "Emergency"];

/// A picture, as far as file types go.
const PICTURE: &[u8] = &[0x89, b'P', b'N', b'G', 0x0D, 0x0A, 0x1A, 0x0A, 0, 1, 2, 3];

/// Opens tickets until told to stop.
pub(super) async fn open_tickets(scene: Arc<Scene>) {
    let rate = scene.settings.tickets_per_second.max(0.001);
    let pause = Duration::from_secs_f64(1.0 / rate);
    for number in 1_u64.. {
        let plan = trouble::plan(scene.settings.trouble, number);
        trouble::plant(&scene, plan);
        // ConnectWise takes the odd tickets and Freshdesk the even ones, so that both have equal parts.
        let desk = if number % 2 == 1 {
            Desk::ConnectWise
        } else {
            Desk::Freshdesk
        };
        open(&scene, desk, number, plan).await;
        scene.pause(pause).await;
    }
}

async fn open(scene: &Scene, desk: Desk, number: u64, plan: Option<Plan>) {
    let place = scene.dice.pick(&PLACES).unwrap_or(&PLACES[0]);
    let (short, long) = scene.dice.pick(&COMPLAINTS).unwrap_or(&COMPLAINTS[0]);
    let case = Case {
        number,
        place,
        short,
        long,
        plan,
    };
    let opened = match desk {
        Desk::ConnectWise => case.open_on_connectwise(scene),
        Desk::Freshdesk => case.open_on_freshdesk(scene),
    };
    // A stand-in that refuses its own traffic is a fault in the sandbox; the log says so and the day goes on.
    let ticket = match opened {
        Ok(ticket) => ticket,
        Err(problem) => {
            tracing::warn!(%problem, "the sandbox's traffic could not open a ticket");
            return;
        }
    };
    scene.pause(scene.settings.step / 4).await;
    dispatch(scene, desk, ticket);
    let prospect = case.prospect();
    scene.story().dispatched.push(Dispatched {
        desk,
        ticket,
        prospect,
    });
}

/// A dispatcher asks for a technician.
fn dispatch(scene: &Scene, desk: Desk, ticket: u64) {
    let sandbox = &scene.sandbox;
    let dispatched = match desk {
        Desk::ConnectWise => {
            let status = sandbox.connectwise.trigger_status();
            sandbox
                .connectwise
                .set_status(ticket, status)
                .map_err(|problem| problem.to_string())
        }
        Desk::Freshdesk => {
            let status = sandbox.freshdesk.trigger_status();
            sandbox
                .freshdesk
                .set_status(ticket, status)
                .map_err(|problem| problem.to_string())
        }
    };
    if let Err(problem) = dispatched {
        tracing::warn!(problem, "the sandbox's traffic could not dispatch a ticket");
    }
}

/// What a ticket is about.
struct Case<'a> {
    number: u64,
    place: &'a Place,
    short: &'a str,
    long: &'a str,
    plan: Option<Plan>,
}

type Opened = Result<u64, String>;

impl Case<'_> {
    fn prospect(&self) -> Prospect {
        match self.plan {
            Some(Plan::SiteWithoutState | Plan::UnknownValue) => Prospect::Refusal,
            _ => Prospect::WorkOrder,
        }
    }

    fn has_note(&self) -> bool {
        self.number.is_multiple_of(3)
    }

    fn has_file(&self) -> bool {
        self.number.is_multiple_of(5)
    }

    fn note(&self) -> String {
        format!(
            "Please call the store before you leave (case {}).",
            self.number
        )
    }

    fn picture(&self) -> String {
        format!("case-{}.png", self.number)
    }

    fn open_on_connectwise(&self, scene: &Scene) -> Opened {
        let connectwise = &scene.sandbox.connectwise;
        let position = PLACES
            .iter()
            .position(|place| place.code == self.place.code);
        let offset = position
            .and_then(|position| u64::try_from(position).ok())
            .unwrap_or_default();
        let site = match self.plan {
            Some(Plan::SiteWithoutState) => connectwise.site_without_state(),
            _ => connectwise.sites().start + offset,
        };
        let service_level = match self.plan {
            Some(Plan::UnknownValue) => "White Glove",
            _ => scene.dice.pick(&SERVICE_LEVELS).unwrap_or(&"Standard"),
        };
        let start = Self::start(scene);
        let members = json!({
            "summary": format!("{} - {}", self.place.code, self.short),
            "initialDescription": self.long,
            "site": {"id": site},
            "contact": {"id": 77},
            "type": {"name": "Break/Fix"},
            "priority": {"id": if self.number.is_multiple_of(4) { 6 } else { 4 }},
            "requiredDate": start,
            "estimatedStartDate": start,
            "budgetHours": 2,
            "customFields": [
                {"id": 1, "value": self.place.code},
                {"id": 3, "value": service_level},
                {"id": 4, "value": self.number.is_multiple_of(6)},
                {"id": 5, "value": 150 + 25 * (self.number % 5)},
            ],
        });
        let text = |problem: crate::sandbox::EntryProblem| problem.to_string();
        let ticket = connectwise.open_ticket(&members).map_err(text)?;
        if self.has_note() {
            let placement = NotePlacement::Discussion;
            connectwise
                .add_note(ticket, &self.note(), placement)
                .map_err(text)?;
        }
        if self.has_file() {
            let picture = Bytes::from_static(PICTURE);
            let attached = connectwise.attach(ticket, &self.picture(), "image/png", picture);
            attached.map_err(text)?;
        }
        Ok(ticket)
    }

    fn open_on_freshdesk(&self, scene: &Scene) -> Opened {
        let freshdesk = &scene.sandbox.freshdesk;
        let mut members = json!({
            "subject": format!("{} - {}", self.place.code, self.short),
            "description": format!("<div>{}</div>", self.long),
            "type": "Field Service",
            "priority": if self.number.is_multiple_of(4) { 4 } else { 2 },
            "due_by": Self::start(scene),
            "custom_fields": self.custom_fields(),
        });
        if self.number.is_multiple_of(6) {
            members["tags"] = json!(["vip"]);
        }
        let text = |problem: crate::sandbox::DeskProblem| problem.to_string();
        let ticket = freshdesk.open_ticket(&members).map_err(text)?;
        if self.has_note() {
            let visibility = NoteVisibility::Public;
            freshdesk
                .add_note(ticket, &self.note(), visibility)
                .map_err(text)?;
        }
        if self.has_file() {
            let picture = Bytes::from_static(PICTURE);
            let attached = freshdesk.attach(ticket, &self.picture(), "image/png", picture);
            attached.map_err(text)?;
        }
        Ok(ticket)
    }

    fn custom_fields(&self) -> Value {
        // Somebody typed the state by hand, as people do.
        let state = match self.plan {
            Some(Plan::SiteWithoutState | Plan::UnknownValue) => "Minn.",
            _ => self.place.state,
        };
        json!({
            "cf_site_code": self.place.code,
            "cf_site_address": self.place.street,
            "cf_site_city": self.place.city,
            "cf_site_state": state,
            "cf_site_zip": self.place.zip,
            "cf_equipment_297457": "Register",
            "cf_lift_needed": self.number.is_multiple_of(6),
            "cf_budget": 150 + 25 * (self.number % 5),
        })
    }

    /// When the technician should come: in a day or so, on the hour.
    fn start(scene: &Scene) -> String {
        const HOUR: f64 = 3_600.0;
        let ahead = (24.0 + 48.0 * scene.dice.fraction()) * HOUR;
        let now = scene.sandbox.clock.now();
        let start = now
            .checked_add(Duration::from_secs_f64(ahead))
            .unwrap_or(now);
        let on_the_hour = start.as_second() / 3_600 * 3_600;
        Timestamp::from_second(on_the_hour)
            .unwrap_or(start)
            .to_string()
    }
}
