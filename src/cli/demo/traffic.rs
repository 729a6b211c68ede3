//! What people and providers do during the demo, with some trouble in it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use http::Method;
use serde_json::json;
use tokio_util::sync::CancellationToken;

use super::stage::{DISPATCH, Sandbox};
use crate::sandbox::{Dice, Fault, FaultKind, NewFile, NewTicket, NotePlacement, Status};

/// A ticket that was given to Field Nation.
#[derive(Clone, Debug)]
pub(super) struct Dispatched {
    /// On which connector.
    pub connector: &'static str,
    /// Its id there.
    pub ticket: u64,
    /// Whether it was made so that it can't become a work order.
    pub broken: bool,
}

/// The traffic under way.
pub(super) struct Traffic {
    stop: CancellationToken,
    tasks: Vec<tokio::task::JoinHandle<()>>,
    dispatched: Arc<Mutex<Vec<Dispatched>>>,
}

/// A new ticket each so often, on each platform in turn.
const TICKETS: Duration = Duration::from_millis(450);
/// Providers take a step each so often.
const STEPS: Duration = Duration::from_millis(700);
/// Each so many tickets one is broken.
const BROKEN: u64 = 9;

const TROUBLES: [(&str, &str); 6] = [
    (
        "AP down, floor 2",
        "Two access points on floor 2 do not come up after the power cut.",
    ),
    (
        "Register 3 prints blank receipts",
        "The thermal printer feeds paper but prints nothing.",
    ),
    (
        "Switch port flapping",
        "Port 14 of the closet switch goes up and down every minute.",
    ),
    (
        "Replace UPS battery",
        "The rack UPS reports \"replace battery\".",
    ),
    (
        "Camera over dock 1 offline",
        "No picture since this morning; the PoE light is off.",
    ),
    (
        "Install new time clock",
        "Mount and connect the time clock that was shipped yesterday.",
    ),
];

impl Traffic {
    pub(super) fn start(sandbox: &Arc<Sandbox>) -> Self {
        let stop = CancellationToken::new();
        let dispatched = Arc::new(Mutex::new(Vec::new()));
        let people = people(sandbox.clone(), stop.clone(), dispatched.clone());
        let providers = providers(sandbox.clone(), stop.clone());
        let trouble = trouble(sandbox.clone(), stop.clone());
        Self {
            tasks: vec![
                tokio::spawn(people),
                tokio::spawn(providers),
                tokio::spawn(trouble),
            ],
            stop,
            dispatched,
        }
    }

    /// Ends the traffic and clears the trouble; answers what was dispatched.
    pub(super) async fn stop(self) -> Vec<Dispatched> {
        self.stop.cancel();
        for task in self.tasks {
            let _ended = task.await;
        }
        self.dispatched
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

/// Waits; false when the traffic is to end.
async fn pause(stop: &CancellationToken, time: Duration) -> bool {
    tokio::select! {
        () = tokio::time::sleep(time) => true,
        () = stop.cancelled() => false,
    }
}

async fn people(
    sandbox: Arc<Sandbox>,
    stop: CancellationToken,
    dispatched: Arc<Mutex<Vec<Dispatched>>>,
) {
    let dice = Dice::new(1);
    let mut count = 0_u64;
    while pause(&stop, TICKETS).await {
        count += 1;
        let broken = count % BROKEN == 4;
        let ticket = if count.is_multiple_of(2) {
            open_on_freshdesk(&sandbox, &dice, broken)
        } else {
            open_on_connectwise(&sandbox, &dice, broken)
        };
        let Some(ticket) = ticket else { continue };
        let mut list = dispatched.lock().unwrap_or_else(PoisonError::into_inner);
        list.push(ticket);
        // Later, somebody adds to an earlier ticket.
        if count.is_multiple_of(3)
            && let Some(earlier) = list.iter().rev().nth(6).filter(|earlier| !earlier.broken)
        {
            write_more(&sandbox, earlier, count);
        }
    }
}

fn open_on_connectwise(sandbox: &Sandbox, dice: &Dice, broken: bool) -> Option<Dispatched> {
    let desk = &sandbox.connectwise;
    let (summary, description) = dice.pick(&TROUBLES)?;
    let sites: Vec<u64> = desk.sites().collect();
    let site = if broken {
        desk.site_without_state()
    } else {
        *dice.pick(&sites)?
    };
    let members = json!({
        "summary": summary, "initialDescription": description, "board": { "name": "Field Services" },
        "status": { "name": "New" }, "site": { "id": site },
        "requiredDate": soon(dice),
    });
    let ticket = desk.open_ticket(&members).ok()?;
    if dice.roll().is_multiple_of(3) {
        desk.attach(
            ticket,
            "photo.txt",
            "text/plain",
            bytes::Bytes::from_static(b"a picture of the rack"),
        )
        .ok()?;
    }
    desk.set_status(ticket, desk.trigger_status()).ok()?;
    Some(Dispatched {
        connector: super::stage::CONNECTWISE,
        ticket,
        broken,
    })
}

fn open_on_freshdesk(sandbox: &Sandbox, dice: &Dice, broken: bool) -> Option<Dispatched> {
    let desk = &sandbox.freshdesk;
    let (subject, description) = dice.pick(&TROUBLES)?;
    let (city, state, zip) = *dice.pick(&[
        ("Tulsa", "OK", "74103"),
        ("Columbus", "OH", "43215"),
        ("Denver", "CO", "80202"),
    ])?;
    let ticket = desk.open_ticket(NewTicket {
        subject: format!("{subject} \"urgent\""),
        description: format!("<div>{description}</div>"),
        requester: "Store Manager".into(),
        email: "store.manager@example.com".into(),
        priority: 1 + dice.roll() % 4,
        custom_fields: vec![
            ("cf_site_address", "100 Sample Street".into()),
            ("cf_site_city", city.into()),
            (
                "cf_site_state",
                if broken { String::new() } else { state.into() },
            ),
            ("cf_site_zip", zip.into()),
            ("cf_site_code", format!("S-{}", dice.roll() % 900 + 100)),
        ],
        ..NewTicket::default()
    });
    desk.set_status(ticket, DISPATCH);
    Some(Dispatched {
        connector: super::stage::FRESHDESK,
        ticket,
        broken,
    })
}

/// A date in the days to come, as ConnectWise has it.
fn soon(dice: &Dice) -> String {
    let days = i64::try_from(dice.roll() % 5).unwrap_or(0) + 1;
    let now = jiff::Timestamp::now();
    let then = now
        .checked_add(jiff::SignedDuration::from_hours(24 * days))
        .unwrap_or(now);
    then.strftime("%Y-%m-%dT14:00:00Z").to_string()
}

fn write_more(sandbox: &Sandbox, earlier: &Dispatched, count: u64) {
    let text = format!("Please bring a spare cable ({count}).");
    if earlier.connector == super::stage::FRESHDESK {
        sandbox.freshdesk.requester_replies(earlier.ticket, &text);
    } else {
        // Refused only for a ticket that is gone.
        let _ = sandbox
            .connectwise
            .add_note(earlier.ticket, &text, NotePlacement::Discussion);
    }
}

/// Providers carry each work order through its life, a step at a time.
async fn providers(sandbox: Arc<Sandbox>, stop: CancellationToken) {
    let mut steps: BTreeMap<u64, u8> = BTreeMap::new();
    while pause(&stop, STEPS).await {
        let desk = &sandbox.field_nation;
        for id in desk.work_order_ids() {
            let step = steps.entry(id).or_default();
            let ready = desk
                .status_of(id)
                .is_some_and(|status| status != Status::Draft);
            if *step < 8 && ready {
                act(&sandbox, id, *step);
                *step += 1;
            }
        }
    }
}

fn act(sandbox: &Sandbox, id: u64, step: u8) {
    let desk = &sandbox.field_nation;
    let acted = match step {
        1 => desk.assign(id),
        2 => desk.on_my_way(id),
        3 => desk.check_in(id),
        4 => desk.post_message(id, "On site, starting now."),
        5 => desk.upload(
            id,
            NewFile {
                name: "before.txt".into(),
                mime: "text/plain".into(),
                content: bytes::Bytes::from_static(b"what it looked like before"),
            },
        ),
        6 => desk
            .check_out(id)
            .and_then(|()| desk.work_done(id, "Replaced the part; tested with the store.")),
        7 => desk.approve(id),
        _ => Ok(()),
    };
    if let Err(problem) = acted {
        tracing::debug!(work_order = id, %problem, "a provider could not act");
    }
}

/// Trouble, in its order: an answer lost after a create, a rate limit, a failing server, an expired key.
async fn trouble(sandbox: Arc<Sandbox>, stop: CancellationToken) {
    let field_nation = sandbox.field_nation.faults();
    if !pause(&stop, Duration::from_secs(2)).await {
        return;
    }
    field_nation
        .push(Fault::once(FaultKind::LostResponse).on(&Method::POST, "/api/rest/v2/workorders"));
    if !pause(&stop, Duration::from_secs(2)).await {
        return;
    }
    sandbox.freshdesk.faults().push(Fault::times(
        FaultKind::RateLimited {
            retry_after_seconds: 1,
        },
        2,
    ));
    sandbox
        .connectwise
        .faults()
        .push(Fault::times(FaultKind::ServerError { status: 500 }, 2));
    if !pause(&stop, Duration::from_secs(3)).await {
        return;
    }
    sandbox.freshdesk.faults().push(Fault::lasting(
        FaultKind::Unauthorized,
        Duration::from_secs(2),
    ));
    if !pause(&stop, Duration::from_secs(4)).await {
        return;
    }
    field_nation
        .push(Fault::once(FaultKind::LostResponse).on(&Method::POST, "/api/rest/v2/workorders"));
    sandbox
        .connectwise
        .faults()
        .push(Fault::once(FaultKind::ResetBefore));
}
