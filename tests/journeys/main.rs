//! The same journeys on every platform, with an engine in this process and the stand-ins beside it: a record becomes
//! a work order, the work comes back, and neither refused keys, a slowed-down vendor nor a lost answer loses or
//! doubles anything. Nothing in this file knows a platform; what only some have stands in the others.

mod busy;
mod hostile;
mod notes;
#[path = "../support/outbound_create.rs"]
mod outbound_create;
mod quotas;
mod rig;
mod sides;
mod workbench;

use std::time::Duration;

use fieldbridge::engine::{ConnectorState, Control};
use fieldbridge::model::{EventName, PlatformKind, State};
use fieldbridge::sandbox::{Deed, Doer, Fault, FaultKind, Thing, available};
use reqwest::Method;
use rig::Rig;

const TEXT: &str = "Replaced the switch, port 12 is up (visit 1).";

/// Ticket, work order, visit, and back: status, message and file.
async fn there_and_back(platform: PlatformKind) {
    let rig = Rig::start(platform).await;
    let ticket = rig.dispatch(1);
    let order = rig.work_order_of(ticket).await;
    let title = rig.sandbox.field_nation.work_order(order).unwrap()["title"].clone();
    assert!(title.as_str().unwrap().contains("case 1"), "{title}");

    rig.visit(order, TEXT).await;
    let desk = rig.desk();
    rig.until("the record is closed", || {
        desk.is_closed(ticket) == Some(true)
    })
    .await;
    let written = |thing| {
        let entries = desk.journal().entries_after(0);
        entries
            .into_iter()
            .filter(move |entry| {
                entry.thing == thing && entry.deed == Deed::Created && entry.by == Doer::Api
            })
            .collect::<Vec<_>>()
    };
    if desk.note_call().is_some() {
        let notes = || {
            let notes = written(Thing::Note).into_iter();
            notes.filter(|note| note.detail.contains(TEXT)).count()
        };
        rig.until("the message stands on the record", || notes() == 1)
            .await;
    }
    rig.until("the file hangs on the record", || {
        !written(Thing::File).is_empty()
    })
    .await;
    rig.until_quiet().await;
    assert_eq!(rig.orders_of(ticket).len(), 1);
    assert_eq!(rig.count(State::Dead).await, 0, "{}", rig.failures().await);
    rig.stop().await;
}

/// Refused keys pause the connector; what comes meanwhile is held, and delivered once they work again.
async fn refused_keys(platform: PlatformKind) {
    let rig = Rig::start(platform).await;
    let first = rig.dispatch(1);
    rig.work_order_of(first).await;
    rig.until_quiet().await;
    rig.desk().faults().push(Fault::lasting(
        FaultKind::Unauthorized,
        Duration::from_secs(3),
    ));
    let tickets: Vec<u64> = (2..=4).map(|number| rig.dispatch(number)).collect();
    rig.until_state(ConnectorState::Held).await;
    rig.until_state(ConnectorState::Live).await;
    for ticket in tickets {
        rig.work_order_of(ticket).await;
        assert_eq!(rig.orders_of(ticket).len(), 1);
    }
    rig.until_quiet().await;
    assert_eq!(rig.count(State::Held).await, 0);
    assert_eq!(rig.count(State::Dead).await, 0, "{}", rig.failures().await);
    rig.stop().await;
}

/// A vendor that asks us to slow down, and a create whose answer is lost after it took effect.
async fn slowed_down_and_lost_answers(platform: PlatformKind) {
    let rig = Rig::start(platform).await;
    // Whatever the adapter reads once and keeps, it has read by then.
    let first = rig.dispatch(1);
    rig.work_order_of(first).await;
    rig.until_quiet().await;
    let slow = FaultKind::RateLimited {
        retry_after_seconds: 1,
    };
    rig.desk().faults().push(Fault::once(slow));
    let lost = Fault::once(FaultKind::LostResponse).on(&Method::POST, "/api/rest/v2/workorders");
    rig.sandbox.field_nation.faults().push(lost);
    let tickets: Vec<u64> = (2..=4).map(|number| rig.dispatch(number)).collect();
    for ticket in &tickets {
        rig.work_order_of(*ticket).await;
    }
    rig.until_quiet().await;
    for ticket in tickets {
        assert_eq!(rig.orders_of(ticket).len(), 1, "ticket {ticket}");
    }
    assert_eq!(rig.count(State::Dead).await, 0, "{}", rig.failures().await);
    rig.stop().await;
}

/// A work order that somebody posts in Field Nation becomes one record, and what happens to it reaches that record.
async fn outbound_create(platform: PlatformKind) {
    let rig = Rig::creating(platform).await;
    let order = outbound_create::post_work_order(&rig.sandbox.field_nation).await;
    rig.until("the record exists", || !rig.created().is_empty())
        .await;
    let [ticket] = rig.created()[..] else {
        panic!("{platform}: {:?} were created", rig.created());
    };
    rig.visit(order, TEXT).await;
    let desk = rig.desk();
    rig.until("the record is closed", || {
        desk.is_closed(ticket) == Some(true)
    })
    .await;
    rig.until_quiet().await;
    assert_eq!(rig.created(), [ticket]);
    assert_eq!(rig.records_of(order).await, [desk.record_id(ticket)]);
    assert_eq!(rig.sandbox.field_nation.work_order_ids(), [order]);
    assert_eq!(rig.count(State::Dead).await, 0, "{}", rig.failures().await);
    rig.stop().await;
}

/// An event that comes long after later ones brings nothing back that has changed since.
async fn a_late_event(platform: PlatformKind) {
    let rig = Rig::start(platform).await;
    let ticket = rig.dispatch(1);
    let order = rig.work_order_of(ticket).await;
    rig.until_quiet().await;
    let field_nation = &rig.sandbox.field_nation;
    field_nation.publish(order).unwrap();
    field_nation.assign(order).unwrap();
    let assigned = field_nation.work_order(order).unwrap();
    rig.until_quiet().await;
    rig.visit_on(order, TEXT).await;
    let desk = rig.desk();
    rig.until("the record is closed", || {
        desk.is_closed(ticket) == Some(true)
    })
    .await;
    rig.until_quiet().await;
    rig.tell_late(&assigned).await;
    rig.until_quiet().await;
    assert_eq!(desk.is_closed(ticket), Some(true));
    assert_eq!(rig.told(EventName::Assigned).await.len(), 2);
    assert_eq!(rig.count(State::Dead).await, 0, "{}", rig.failures().await);
    rig.stop().await;
}

/// The mapping that is shipped names no field that the platform does not have.
async fn the_shipped_mapping(platform: PlatformKind) {
    let rig = Rig::start(platform).await;
    rig.engine.refresh_fields(&rig.id).await.unwrap();
    let overview = rig.engine.overview().await.unwrap();
    assert_eq!(overview.connectors[0].warnings, []);
    rig.stop().await;
}

macro_rules! journeys {
    ($($name:ident: $platform:ident;)*) => {
        $(mod $name {
            use fieldbridge::model::PlatformKind::$platform as PLATFORM;

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn the_shipped_mapping_fits() {
                super::the_shipped_mapping(PLATFORM).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn there_and_back() {
                super::there_and_back(PLATFORM).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn refused_keys_hold_and_nothing_is_lost() {
                super::refused_keys(PLATFORM).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn slowed_down_and_lost_answers_double_nothing() {
                super::slowed_down_and_lost_answers(PLATFORM).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn a_late_event_brings_nothing_back() {
                super::a_late_event(PLATFORM).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn outbound_create_makes_one_record_and_keeps_it_in_step() {
                super::outbound_create(PLATFORM).await;
            }
        })*

        #[test]
        fn no_platform_is_left_out() {
            assert_eq!([$(PlatformKind::$platform),*].as_slice(), available());
        }
    };
}

journeys! {
    autotask: Autotask;
    connectwise: ConnectWise;
    servicenow: ServiceNow;
    salesforce: Salesforce;
    freshdesk: Freshdesk;
    netsuite: NetSuite;
    quickbase: Quickbase;
    smartsheet: Smartsheet;
    rest: Rest;
}
