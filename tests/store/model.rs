//! Random verbs, carried out on the real store and on the one in memory: every answer and every row
//! must be the same, and whatever happens, lanes stay exclusive, counts true, and moves legal.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use fieldbridge::model::{
    DeliveryKey, Move, OwnerId, Priority, Progress, RecordId, SkipReason, State, Step, Transaction,
    WorkOrderId,
};
use fieldbridge::store::{
    Acceptance, ClaimRequest, GroupQuery, Hold, LeaseToken, NewTransaction, Outcome, PersonCommand,
    PersonMove, StepRecord, Store,
};
use proptest::prelude::*;
use proptest::sample::Index;
use uuid::Uuid;

use super::memory::{lane, recount};
use super::{World, connector, everything, failure, link, token};

const CONNECTORS: [&str; 2] = ["alpha", "beta"];

/// The one worker of both worlds.
fn owner() -> OwnerId {
    OwnerId::from_u128(3)
}

#[derive(Clone, Debug)]
pub enum Verb {
    Accept {
        connector: usize,
        side: Side,
        background: bool,
        delivery: Option<u8>,
        out_of_order: bool,
    },
    Claim {
        each: [usize; 2],
        at_most: usize,
    },
    Record {
        of: Index,
        step: RandomStep,
    },
    Conclude {
        of: Index,
        end: End,
        step: RandomStep,
    },
    LateConclude {
        of: Index,
    },
    Renew {
        of: Index,
        seconds: u64,
    },
    Reclaim,
    Wait {
        seconds: u64,
    },
    Link {
        connector: usize,
        record: u8,
        work_order: u8,
    },
    Pause {
        connector: usize,
        by_person: bool,
    },
    Resume {
        connector: usize,
    },
    Command {
        of: Index,
        action: Action,
        stale: bool,
        again: bool,
    },
    Forget {
        age: u64,
    },
}

#[derive(Clone, Copy, Debug)]
pub enum Side {
    Record(u8),
    WorkOrder(u8),
    Neither,
}

#[derive(Clone, Copy, Debug)]
pub enum End {
    Done,
    Skipped,
    Retry(u64),
    Postponed(u64),
    Dead(u8),
    Held,
}

#[derive(Clone, Copy, Debug)]
pub enum Action {
    Retry,
    Discard,
    Restore,
}

#[derive(Clone, Debug)]
pub struct RandomStep {
    fetched: bool,
    record: Option<u8>,
    work_order: Option<u8>,
    link: Option<(u8, u8)>,
}

impl RandomStep {
    fn of(&self, row: &Transaction) -> StepRecord {
        let connector = row.connector.as_str();
        let progress = Progress {
            fetched: true,
            ..Progress::default()
        };
        let link = self
            .link
            .map(|(record, number)| link(connector, &record.to_string(), u64::from(number)));
        StepRecord {
            progress: self.fetched.then_some(progress),
            record: self.record.map(|record| RecordId::new(record.to_string())),
            work_order: self.work_order.map(|number| WorkOrderId(u64::from(number))),
            link: link.map(Box::new),
            ..StepRecord::default()
        }
    }
}

fn step() -> impl Strategy<Value = RandomStep> {
    let rarely = || proptest::option::weighted(0.1, 0..3_u8);
    let link = proptest::option::weighted(0.15, (0..3_u8, 0..3_u8));
    (any::<bool>(), rarely(), rarely(), link).prop_map(|(fetched, record, work_order, link)| {
        RandomStep {
            fetched,
            record,
            work_order,
            link,
        }
    })
}

pub fn verbs() -> impl Strategy<Value = Vec<Verb>> {
    let index = any::<Index>;
    let side = prop_oneof![
        4 => (0..3_u8).prop_map(Side::Record),
        4 => (0..3_u8).prop_map(Side::WorkOrder),
        1 => Just(Side::Neither)
    ];
    let end = prop_oneof![
        3 => Just(End::Done),
        1 => Just(End::Skipped),
        3 => (0..40_u64).prop_map(End::Retry),
        2 => (0..40_u64).prop_map(End::Postponed),
        2 => (0..3_u8).prop_map(End::Dead),
        1 => Just(End::Held)
    ];
    let action = prop_oneof![
        Just(Action::Retry),
        Just(Action::Discard),
        Just(Action::Restore)
    ];
    let delivery = proptest::option::weighted(0.2, 0..4_u8);
    let verb = prop_oneof![
        8 => (0..2_usize, side, any::<bool>(), delivery, prop::bool::weighted(0.1)).prop_map(
            |(connector, side, background, delivery, out_of_order)| {
                Verb::Accept { connector, side, background, delivery, out_of_order }
            }
        ),
        5 => ([0..4_usize, 0..4_usize], 0..6_usize).prop_map(|(each, at_most)| Verb::Claim { each, at_most }),
        3 => (index(), step()).prop_map(|(of, step)| Verb::Record { of, step }),
        6 => (index(), end, step()).prop_map(|(of, end, step)| Verb::Conclude { of, end, step }),
        1 => index().prop_map(|of| Verb::LateConclude { of }),
        1 => (index(), 0..90_u64).prop_map(|(of, seconds)| Verb::Renew { of, seconds }),
        2 => Just(Verb::Reclaim),
        3 => (1..30_u64).prop_map(|seconds| Verb::Wait { seconds }),
        1 => (0..2_usize, 0..3_u8, 0..3_u8).prop_map(|(connector, record, work_order)| {
            Verb::Link { connector, record, work_order }
        }),
        1 => (0..2_usize, any::<bool>()).prop_map(|(connector, by_person)| Verb::Pause { connector, by_person }),
        2 => (0..2_usize).prop_map(|connector| Verb::Resume { connector }),
        4 => (index(), action, prop::bool::weighted(0.2), prop::bool::weighted(0.2)).prop_map(
            |(of, action, stale, again)| Verb::Command { of, action, stale, again }
        ),
        1 => (0..60_u64).prop_map(|age| Verb::Forget { age })
    ];
    proptest::collection::vec(verb, 1..60)
}

/// The real store and the model, side by side.
pub struct Pair {
    real: World,
    model: World,
    rows: Vec<Transaction>,
}

impl Pair {
    pub fn new(real: World, model: World) -> Self {
        Self {
            real,
            model,
            rows: Vec::new(),
        }
    }

    /// Carries out a verb on both and compares.
    pub async fn carry_out(&mut self, verb: &Verb) {
        let call = self.prepare(verb);
        let (real, model) = (call.on(&self.real).await, call.on(&self.model).await);
        assert_eq!(real, model, "{verb:?}");
        let rows = everything(self.real.store.as_ref()).await;
        assert_eq!(
            rows,
            everything(self.model.store.as_ref()).await,
            "after {verb:?}"
        );
        assert_eq!(
            self.real.store.counts().await.unwrap(),
            recount(&rows),
            "after {verb:?}"
        );
        self.compare_beside_rows().await;
        self.check_moves(&rows, verb);
        self.check_claims(&rows, verb);
        self.rows = rows;
    }

    async fn compare_beside_rows(&self) {
        let connectors = CONNECTORS.map(connector);
        let groups = GroupQuery {
            connector: None,
            limit: 100,
        };
        let real = self
            .real
            .store
            .failure_groups(groups.clone())
            .await
            .unwrap();
        assert_eq!(real, self.model.store.failure_groups(groups).await.unwrap());
        let real = self
            .real
            .store
            .next_due(&connectors, self.real.now())
            .await
            .unwrap();
        assert_eq!(
            real,
            self.model
                .store
                .next_due(&connectors, self.real.now())
                .await
                .unwrap()
        );
        for number in 0..3 {
            let work_order = WorkOrderId(number);
            let real = self.real.store.correlations_of(work_order).await.unwrap();
            assert_eq!(
                real,
                self.model.store.correlations_of(work_order).await.unwrap()
            );
        }
    }

    /// A row goes from one state to another only by moves that the state machine has.
    fn check_moves(&self, rows: &[Transaction], verb: &Verb) {
        let before: BTreeMap<_, _> = self.rows.iter().map(|row| (row.id, row)).collect();
        for row in rows {
            let Some(old) = before.get(&row.id) else {
                continue;
            };
            let direct = old.state == row.state
                || Move::ALL
                    .iter()
                    .any(|step| old.state.after(*step) == Ok(row.state));
            // An end or a retry under a pause makes two moves at once.
            let through = Move::ALL
                .iter()
                .filter_map(|step| old.state.after(*step).ok());
            let by_two = through.into_iter().any(|state| {
                [Move::Hold, Move::Release]
                    .iter()
                    .any(|step| state.after(*step) == Ok(row.state))
            });
            assert!(
                direct || by_two,
                "{:?} became {:?} by {verb:?}",
                old.state,
                row.state
            );
            assert!(row.revision >= old.revision);
        }
    }

    /// A claim takes nothing from a lane in which something is in flight, and no two of one lane.
    fn check_claims(&self, rows: &[Transaction], verb: &Verb) {
        if !matches!(verb, Verb::Claim { .. }) {
            return;
        }
        let in_flight = |row: &&Transaction| row.state == State::Processing;
        let before: BTreeSet<_> = self
            .rows
            .iter()
            .filter(in_flight)
            .map(|row| row.id)
            .collect();
        let mut busy: BTreeSet<_> = self.rows.iter().filter(in_flight).map(lane).collect();
        for row in rows
            .iter()
            .filter(in_flight)
            .filter(|row| !before.contains(&row.id))
        {
            assert!(busy.insert(lane(row)), "two in flight in {}", lane(row));
        }
    }

    /// One of the transactions in flight.
    fn leased(&self, of: Index) -> Option<&Transaction> {
        let leased: Vec<_> = self.rows.iter().filter(|row| row.lease.is_some()).collect();
        (!leased.is_empty()).then(|| *of.get::<&Transaction>(&leased))
    }

    fn prepare(&self, verb: &Verb) -> Call {
        let now = self.real.now();
        let leased = |of: Index, call: &dyn Fn(&Transaction) -> Call| {
            self.leased(of).map_or(Call::Nothing, call)
        };
        match verb {
            Verb::Accept { .. } => self.arrival(verb),
            Verb::Claim { each, at_most } => Call::Claim(ClaimRequest {
                owner: owner(),
                now,
                lease: Duration::from_secs(45),
                wanted: CONNECTORS.map(connector).into_iter().zip(*each).collect(),
                at_most: *at_most,
            }),
            Verb::Record { of, step } => leased(*of, &|row| Call::Record(token(row), step.of(row))),
            Verb::Conclude { of, end, step } => leased(*of, &|row| {
                Call::Conclude(token(row), self.end(*end), step.of(row))
            }),
            Verb::LateConclude { of } => self.late(*of),
            Verb::Renew { of, seconds } => leased(*of, &|row| {
                Call::Renew(token(row), self.real.later(*seconds))
            }),
            Verb::Reclaim => Call::Reclaim,
            Verb::Wait { seconds } => Call::Wait(*seconds),
            Verb::Link {
                connector,
                record,
                work_order,
            } => Call::Link(CONNECTORS[*connector], *record, *work_order),
            Verb::Pause {
                connector,
                by_person,
            } => {
                let by = by_person.then(|| "casey".to_owned());
                Call::Pause(
                    CONNECTORS[*connector],
                    Hold {
                        since: now,
                        failure: None,
                        by,
                    },
                )
            }
            Verb::Resume { connector } => Call::Resume(CONNECTORS[*connector]),
            Verb::Command { .. } => self.person(verb),
            Verb::Forget { age } => Call::Forget(now - Duration::from_secs(*age)),
        }
    }

    fn arrival(&self, verb: &Verb) -> Call {
        let Verb::Accept {
            connector,
            side,
            background,
            delivery,
            out_of_order,
        } = verb
        else {
            return Call::Nothing;
        };
        let name = CONNECTORS[*connector];
        let mut new = match side {
            Side::Record(record) => self.real.inbound(name, &record.to_string()),
            Side::WorkOrder(number) => self.real.outbound(name, u64::from(*number)),
            Side::Neither => NewTransaction {
                record: None,
                ..self.real.inbound(name, "none")
            },
        };
        if *out_of_order {
            new.id = id_before(new.id);
        }
        if *background {
            new.priority = Priority::Background;
        }
        Call::Accept(Acceptance {
            delivery: delivery.map(|number| DeliveryKey::new(number.to_string())),
            ..self.real.acceptance(vec![new])
        })
    }

    /// A worker that comes back with the token of the attempt before.
    fn late(&self, of: Index) -> Call {
        if self.rows.is_empty() {
            return Call::Nothing;
        }
        let row = of.get(&self.rows);
        let token = LeaseToken {
            transaction: row.id,
            owner: owner(),
            attempt: row.attempts.wrapping_sub(1),
        };
        Call::Conclude(token, Outcome::Done, StepRecord::default())
    }

    fn person(&self, verb: &Verb) -> Call {
        let Verb::Command {
            of,
            action,
            stale,
            again,
        } = verb
        else {
            return Call::Nothing;
        };
        if self.rows.is_empty() {
            return Call::Nothing;
        }
        let row = of.get(&self.rows);
        let action = match action {
            Action::Retry => PersonMove::Retry,
            Action::Discard => PersonMove::Discard {
                reason: "enough".to_owned(),
            },
            Action::Restore => PersonMove::Restore,
        };
        let mut command = self.real.person(row.id, action);
        command.seen = if *stale {
            row.revision.checked_sub(1)
        } else {
            Some(row.revision)
        };
        if *again {
            command.id = Uuid::from_u128(1);
        }
        Call::Command(command)
    }

    fn end(&self, end: End) -> Outcome {
        match end {
            End::Done => Outcome::Done,
            End::Skipped => Outcome::Skipped(SkipReason::Echo),
            End::Retry(seconds) => super::retry_at(self.real.later(seconds)),
            End::Postponed(seconds) => Outcome::Postponed(self.real.later(seconds), None),
            End::Dead(kind) => Outcome::Dead(
                Step::Deliver,
                failure(["refused", "gone", "no such site"][usize::from(kind)]),
            ),
            End::Held => Outcome::Held(None),
        }
    }
}

/// An id that lies two acceptances back.
fn id_before(id: fieldbridge::model::TransactionId) -> fieldbridge::model::TransactionId {
    let number = id.as_u128();
    fieldbridge::model::TransactionId::from_u128(number.saturating_sub((2 << 64) + (number >> 64)))
}

/// A verb with everything it needs, to be carried out twice.
enum Call {
    Nothing,
    Accept(Acceptance),
    Claim(ClaimRequest),
    Record(LeaseToken, StepRecord),
    Conclude(LeaseToken, Outcome, StepRecord),
    Renew(LeaseToken, fieldbridge::model::Timestamp),
    Reclaim,
    Wait(u64),
    Link(&'static str, u8, u8),
    Pause(&'static str, Hold),
    Resume(&'static str),
    Command(PersonCommand),
    Forget(fieldbridge::model::Timestamp),
}

impl Call {
    /// Carries it out; answers what came back, in words that can be compared.
    async fn on(&self, world: &World) -> String {
        let store: &dyn Store = world.store.as_ref();
        match self {
            Self::Nothing => String::new(),
            Self::Accept(acceptance) => format!("{:?}", store.accept(acceptance.clone()).await),
            Self::Claim(request) => format!("{:?}", store.claim(request.clone()).await),
            Self::Record(token, step) => format!("{:?}", store.record(token, step.clone()).await),
            Self::Conclude(token, end, step) => {
                format!(
                    "{:?}",
                    store.conclude(token, end.clone(), step.clone()).await
                )
            }
            Self::Renew(token, until) => format!("{:?}", store.renew(token, *until).await),
            Self::Reclaim => format!("{:?}", store.reclaim(world.now()).await),
            Self::Wait(seconds) => {
                world.wait(*seconds);
                String::new()
            }
            Self::Link(name, record, work_order) => {
                let link = link(name, &record.to_string(), u64::from(*work_order));
                format!("{:?}", store.link(link).await)
            }
            Self::Pause(name, hold) => {
                format!("{:?}", store.pause(&connector(name), hold.clone()).await)
            }
            Self::Resume(name) => {
                format!("{:?}", store.resume(&connector(name), world.now()).await)
            }
            Self::Command(command) => format!("{:?}", store.command(command.clone()).await),
            Self::Forget(moment) => format!("{:?}", store.forget_before(*moment).await),
        }
    }
}
