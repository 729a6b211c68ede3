//! Time logs, expenses and visits beside a record: a lost answer doubles none of them, however alike they are. A
//! doubled charge is billed twice.

use fieldbridge::config::default_mapping;
use fieldbridge::model::{EventName, PlatformKind, State};
use fieldbridge::sandbox::{Deed, Doer, Fault, FaultKind, Thing};
use reqwest::Method;

use super::rig::Rig;

/// One kind of side record on one platform.
struct Beside {
    platform: PlatformKind,
    settings: &'static str,
    /// The first part of the mapping's target.
    target: &'static str,
    /// Its fields, as members of a script's object.
    fields: &'static str,
    /// Aims a fault at the call that makes one.
    aim: fn(Fault) -> Fault,
    thing: Thing,
}

impl Beside {
    fn autotask_charge() -> Self {
        Self {
            platform: PlatformKind::Autotask,
            settings: "expense_sync_target = \"charge\"\n",
            target: "charge",
            fields: "name: 'Parking', billingCodeID: 3, unitPrice: 12",
            aim: |fault| fault.on_end(&Method::POST, "/Charges"),
            thing: Thing::Charge,
        }
    }

    fn connectwise_time() -> Self {
        Self {
            platform: PlatformKind::ConnectWise,
            settings: "side_records = [\"time\"]\n",
            target: "time_entry",
            fields: "timeStart: '2026-05-01T08:00:00Z', actualHours: 2",
            aim: |fault| fault.on_end(&Method::POST, "/time/entries"),
            thing: Thing::TimeEntry,
        }
    }

    fn servicenow_time() -> Self {
        Self {
            platform: PlatformKind::ServiceNow,
            settings: "time_table = \"time_card\"\ntime_parent_field = \"task\"\n",
            target: "time_entry",
            fields: "total: 1.5, comments: 'On site'",
            aim: |fault| fault.on_end(&Method::POST, "/table/time_card"),
            thing: Thing::TimeEntry,
        }
    }

    fn salesforce_charge() -> Self {
        Self {
            platform: PlatformKind::Salesforce,
            settings: "charge = { object_name = \"FN_Charge__c\", parent_field = \"Case__c\", external_id_field = \"FN_Id__c\" }\n",
            target: "charge",
            fields: "Amount__c: 12.5",
            aim: |fault| fault.on(&Method::PATCH, "/FN_Charge__c/FN_Id__c/"),
            thing: Thing::Charge,
        }
    }

    /// Without a field for our mark.
    fn salesforce_visit() -> Self {
        Self {
            platform: PlatformKind::Salesforce,
            settings: "schedule = { object_name = \"ServiceAppointment\", parent_field = \"ParentRecordId\" }\n",
            target: "schedule",
            fields: "Subject: 'Visit', SchedStartTime: '2026-07-02T08:00:00Z'",
            aim: |fault| fault.on_end(&Method::POST, "/sobjects/ServiceAppointment"),
            thing: Thing::ScheduleEntry,
        }
    }

    fn freshdesk_time() -> Self {
        Self {
            platform: PlatformKind::Freshdesk,
            settings: "",
            target: "time_entry",
            fields: "time_spent: '01:30', note: 'On site'",
            aim: |fault| fault.on_end(&Method::POST, "/time_entries"),
            thing: Thing::TimeEntry,
        }
    }

    fn netsuite_visit() -> Self {
        Self {
            platform: PlatformKind::NetSuite,
            settings: "schedule_record = { record_type = \"customrecord_fn_visit\", parent_field = \"custrecord_fn_visit_case\" }\n",
            target: "schedule",
            fields: "custrecord_fn_visit_start: '2026-03-03T15:00:00Z'",
            aim: |fault| fault.on(&Method::PUT, "/customrecord_fn_visit/"),
            thing: Thing::ScheduleEntry,
        }
    }

    fn quickbase_time() -> Self {
        Self {
            platform: PlatformKind::Quickbase,
            settings: "",
            target: "time_entry",
            fields: "'6': 1.5, '9': 'On site'",
            aim: |fault| fault.on_end(&Method::POST, "/v1/records"),
            thing: Thing::TimeEntry,
        }
    }

    /// The shipped rules for the way in, and one rule for the way out: a script that makes these side records.
    fn mapping(&self, made: &str) -> String {
        let shipped = default_mapping(self.platform);
        let inbound = shipped.split_once("[[outbound]]").unwrap().0;
        format!(
            "{inbound}[[outbound]]\nevents = [\"FN_WO_ASSIGNED\", \"FN_WO_CONFIRMED\"]\naction = \"custom\"\ntarget = \"{}\"\nscript = '''\n{made}\n'''\n",
            self.target
        )
    }

    /// Loses the answer to the first that is made; answers how many stand there in the end.
    async fn written(&self, made: &str) -> usize {
        let rig = Rig::beside(self.platform, self.settings, &self.mapping(made)).await;
        let ticket = rig.dispatch(1);
        let order = rig.work_order_of(ticket).await;
        rig.until_quiet().await;
        let lost = (self.aim)(Fault::once(FaultKind::LostResponse));
        rig.desk().faults().push(lost);
        let field_nation = &rig.sandbox.field_nation;
        field_nation.publish(order).unwrap();
        rig.until_quiet().await;
        field_nation.assign(order).unwrap();
        rig.until_quiet().await;
        let told = rig.told(EventName::Assigned).await;
        assert!(
            told[0].attempts > 1,
            "no answer was lost: {}",
            rig.failures().await
        );
        field_nation.confirm(order).unwrap();
        rig.until_quiet().await;
        assert_eq!(rig.count(State::Dead).await, 0, "{}", rig.failures().await);
        let entries = rig.desk().journal().entries_after(0).into_iter();
        let ours = entries.filter(|entry| {
            (entry.deed, entry.thing, entry.by) == (Deed::Created, self.thing, Doer::Api)
        });
        let count = ours.count();
        rig.stop().await;
        count
    }
}

async fn a_lost_answer_doubles_nothing(beside: Beside) {
    let fields = beside.fields;
    let one = format!("{{ {fields} }}");
    assert_eq!(beside.written(&one).await, 1, "one for the work order");
    let two = format!("[{{ fieldNationID: 501, {fields} }}, {{ fieldNationID: 502, {fields} }}]");
    assert_eq!(beside.written(&two).await, 2, "one for each of two alike");
}

macro_rules! sides {
    ($($name:ident)*) => {
        $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $name() {
            a_lost_answer_doubles_nothing(Beside::$name()).await;
        })*
    };
}

sides! {
    autotask_charge
    connectwise_time
    servicenow_time
    salesforce_charge
    salesforce_visit
    freshdesk_time
    netsuite_visit
    quickbase_time
}
