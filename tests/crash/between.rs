//! Killed between a create and its link, on every platform: the other side made it, and nobody was told.

use fieldbridge::model::{Direction, PlatformKind, State, WorkOrderId};
use fieldbridge::sandbox::{Deliveries, Fault, FaultKind, available};
use http::Method;

use super::outbound_create::post_work_order;
use super::rig::Rig;

const FAST: Deliveries = Deliveries::Paced(0.01);

/// A ticket's work order exists, its answer is withheld, and the engine is killed.
async fn after_the_work_order(platform: PlatformKind) {
    let mut rig = Rig::new(platform, FAST).await;
    rig.engine.start().await;
    rig.listen_to_platform().await;
    let faults = rig.sandbox.field_nation.faults().clone();
    faults.push(Fault::once(FaultKind::WithheldResponse).on_end(&Method::POST, "/workorders"));
    let (_, record) = rig.dispatcher().dispatch();
    rig.until("the work order exists", || {
        !rig.orders_of(&record).is_empty()
    })
    .await;
    rig.until_withheld(&faults).await;
    rig.engine.kill();
    rig.engine.start().await;
    let order = rig.orders_of(&record)[0];
    rig.until_one("its transaction is done and knows the work order", |one| {
        one.direction == Direction::Inbound
            && one.state == State::Done
            && one.work_order == Some(WorkOrderId(order))
    })
    .await;
    assert_eq!(rig.orders_of(&record), [order]);
    assert_eq!(rig.sandbox.field_nation.work_order_ids(), [order]);
}

/// A work order's record exists, its answer is withheld, and the engine is killed.
async fn after_the_record(platform: PlatformKind) {
    let mut rig = Rig::creating(platform, FAST).await;
    rig.engine.start().await;
    rig.listen_to_field_nation().await;
    let faults = rig.desk().faults().clone();
    faults.push(
        rig.desk()
            .on_create(Fault::once(FaultKind::WithheldResponse)),
    );
    let order = post_work_order(&rig.sandbox.field_nation).await;
    rig.until("the record exists", || !rig.created().is_empty())
        .await;
    rig.until_withheld(&faults).await;
    rig.engine.kill();
    rig.engine.start().await;
    let ticket = rig.created()[0];
    let record = rig.desk().record_id(ticket);
    rig.until_one("its transaction is done and knows the record", |one| {
        one.direction == Direction::Outbound
            && one.state == State::Done
            && one.work_order == Some(WorkOrderId(order))
            && one.record.as_ref().is_some_and(|id| id.as_str() == record)
    })
    .await;
    assert_eq!(rig.created(), [ticket]);
}

macro_rules! killed_between_create_and_link {
    ($($name:ident: $platform:ident;)*) => {
        $(mod $name {
            use fieldbridge::model::PlatformKind::$platform as PLATFORM;

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn one_work_order_linked() {
                super::after_the_work_order(PLATFORM).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn one_record_linked() {
                super::after_the_record(PLATFORM).await;
            }
        })*

        #[test]
        fn no_platform_is_left_out() {
            assert_eq!([$(PlatformKind::$platform),*].as_slice(), available());
        }
    };
}

killed_between_create_and_link! {
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
