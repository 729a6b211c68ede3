//! What the demo came to, judged by the stand-ins' own journals.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use serde::Serialize;

use super::stage::{connector_id, platform_of};
use crate::cli::failure::CliError;
use crate::engine::{Control, QueueKind};
use crate::model::{ConnectorId, Direction, PlatformKind, RecordId, State, Transaction};
use crate::sandbox::{Reckoning, Sandbox, Status, Thing, Traffic};
use crate::store::ListQuery;

/// The figures of a run. `lost` and `duplicates` come from the stand-ins' journals.
#[derive(Debug, Default, Serialize)]
pub(super) struct Verdict {
    /// Transactions accepted.
    pub accepted: u64,
    /// Of them, delivered.
    pub done: u64,
    /// Rightly not delivered.
    pub skipped: u64,
    /// Tried more than once.
    pub retried: u64,
    /// In the dead letter queue.
    pub dead: u64,
    /// Work orders that the stand-in for Field Nation created for us.
    pub work_orders_created: usize,
    /// Writes that the platforms' stand-ins performed on tickets for us.
    pub records_updated: usize,
    /// Objects made twice.
    pub duplicates: usize,
    /// Dispatched tickets and finished work orders whose counterpart never learnt of it.
    pub lost: usize,
    /// Delivered, by connector and direction.
    pub done_by_connector: BTreeMap<String, BTreeMap<&'static str, u64>>,
    /// What was lost or doubled, in words.
    pub particulars: Vec<String>,
}

impl Verdict {
    pub(super) fn is_good(&self) -> bool {
        self.lost == 0 && self.duplicates == 0
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "accepted {}, done {}, skipped {}, retried {}, dead {}; {} work orders created, {} records updated; lost {}, doubled {}",
            self.accepted,
            self.done,
            self.skipped,
            self.retried,
            self.dead,
            self.work_orders_created,
            self.records_updated,
            self.lost,
            self.duplicates
        )
    }
}

/// Waits until nothing is under way any more, on either side.
pub(super) async fn drain(
    control: &dyn Control,
    sandbox: &Sandbox,
    within: Duration,
) -> Result<(), CliError> {
    let until = tokio::time::Instant::now() + within;
    let mut changes = control.changes();
    while tokio::time::Instant::now() < until {
        let overview = control.overview().await?;
        let waiting: u64 = overview
            .queues
            .iter()
            .filter(|queue| queue.kind != QueueKind::Dead)
            .map(|queue| queue.depth)
            .sum();
        if waiting == 0 && sandbox.deliveries_under_way() == 0 {
            return Ok(());
        }
        let _changed = tokio::time::timeout(Duration::from_millis(200), changes.changed()).await;
    }
    Ok(())
}

pub(super) async fn judge(
    control: &dyn Control,
    sandbox: &Sandbox,
    traffic: &Traffic,
) -> Result<Verdict, CliError> {
    let reckoning = traffic.reckon(|platform, ticket| {
        format!(
            "{}:{}",
            connector_id(platform),
            record_of(sandbox, platform, ticket)
        )
    });
    let mut verdict = Verdict {
        work_orders_created: reckoning.created,
        records_updated: reckoning.records_updated,
        ..Verdict::default()
    };
    let transactions = all(control).await?;
    count(&mut verdict, &transactions);
    doubled(&mut verdict, sandbox, &reckoning);
    lost_inbound(&mut verdict, sandbox, &reckoning, &transactions);
    lost_outbound(&mut verdict, sandbox, &transactions);
    lost_messages(&mut verdict, sandbox, &reckoning, &transactions);
    Ok(verdict)
}

/// The record id of a ticket; empty for a platform that is not there.
fn record_of(sandbox: &Sandbox, platform: PlatformKind, ticket: u64) -> String {
    let desk = sandbox.desk(platform);
    desk.map(|desk| desk.record_id(ticket)).unwrap_or_default()
}

async fn all(control: &dyn Control) -> Result<Vec<Transaction>, CliError> {
    let mut transactions = Vec::new();
    let mut after = None;
    loop {
        let query = ListQuery {
            after,
            limit: 500,
            ..ListQuery::default()
        };
        let page = control.list(query).await?;
        transactions.extend(page.items);
        after = page.next;
        if after.is_none() {
            return Ok(transactions);
        }
    }
}

fn count(verdict: &mut Verdict, transactions: &[Transaction]) {
    for transaction in transactions {
        verdict.accepted += 1;
        verdict.retried += u64::from(transaction.attempts > 1);
        match transaction.state {
            State::Done => {
                verdict.done += 1;
                let connector = verdict
                    .done_by_connector
                    .entry(transaction.connector.to_string())
                    .or_default();
                *connector.entry(transaction.direction.word()).or_default() += 1;
            }
            State::Skipped => verdict.skipped += 1,
            State::Dead => verdict.dead += 1,
            _ => {}
        }
    }
}

fn doubled(verdict: &mut Verdict, sandbox: &Sandbox, reckoning: &Reckoning) {
    let mut check = |what: &str, by_marker: BTreeMap<String, Vec<u64>>| {
        for (marker, ids) in by_marker.into_iter().filter(|(_, ids)| ids.len() > 1) {
            verdict.duplicates += ids.len() - 1;
            verdict
                .particulars
                .push(format!("{what} {ids:?} all carry {marker}"));
        }
    };
    check(
        "work orders",
        sandbox.field_nation.work_orders_by_correlation_value(),
    );
    for desk in sandbox.desks() {
        let what = format!("{} records", desk.platform().title());
        check(&what, desk.journal().by_marker(Thing::Ticket));
    }
    for posted in &reckoning.messages_doubled {
        verdict.duplicates += 1;
        verdict.particulars.push(format!(
            "the message `{}` arrived more than once",
            posted.text
        ));
    }
}

/// A dispatched ticket must have its work order, or a transaction that still says why not.
fn lost_inbound(
    verdict: &mut Verdict,
    sandbox: &Sandbox,
    reckoning: &Reckoning,
    transactions: &[Transaction],
) {
    for (platform, ticket) in &reckoning.missing {
        let connector = connector_id(*platform);
        let record = RecordId::new(record_of(sandbox, *platform, *ticket));
        if !is_accounted_for(transactions, connector, &record, Direction::Inbound) {
            verdict.lost += 1;
            verdict
                .particulars
                .push(format!("ticket {connector}:{record} has no work order"));
        }
    }
}

/// A technician's message must stand on the ticket, or a transaction must still say why not.
fn lost_messages(
    verdict: &mut Verdict,
    sandbox: &Sandbox,
    reckoning: &Reckoning,
    transactions: &[Transaction],
) {
    let orders = sandbox.field_nation.work_orders_by_correlation_value();
    for posted in &reckoning.messages_missing {
        let marker = orders
            .iter()
            .find(|(_, ids)| ids.contains(&posted.work_order));
        let Some((connector, ticket)) = marker.and_then(|(marker, _)| marker.split_once(':'))
        else {
            continue;
        };
        let record = RecordId::new(ticket);
        if !is_accounted_for(transactions, connector, &record, Direction::Outbound) {
            verdict.lost += 1;
            verdict.particulars.push(format!(
                "the message `{}` never reached {connector}:{ticket}",
                posted.text
            ));
        }
    }
}

/// An approved work order must have closed its ticket, or a transaction that still says why not.
fn lost_outbound(verdict: &mut Verdict, sandbox: &Sandbox, transactions: &[Transaction]) {
    for (marker, ids) in sandbox.field_nation.work_orders_by_correlation_value() {
        let Some((connector, ticket)) = marker.split_once(':') else {
            continue;
        };
        let approved = ids
            .iter()
            .any(|id| sandbox.field_nation.status_of(*id) == Some(Status::Approved));
        if !approved {
            continue;
        }
        let desk = platform_of(connector).and_then(|platform| sandbox.desk(platform));
        let closed = desk.is_none_or(|desk| {
            let ticket = desk.ticket_of(ticket);
            ticket.and_then(|ticket| desk.is_closed(ticket)) == Some(true)
        });
        let record = RecordId::new(ticket);
        if !closed && !is_accounted_for(transactions, connector, &record, Direction::Outbound) {
            verdict.lost += 1;
            verdict.particulars.push(format!(
                "{marker} was never told that its work order is approved"
            ));
        }
    }
}

/// Whether a transaction stands where a person can see it and act.
fn is_accounted_for(
    transactions: &[Transaction],
    connector: &str,
    record: &RecordId,
    direction: Direction,
) -> bool {
    let connector = ConnectorId::new(connector).ok();
    transactions.iter().any(|transaction| {
        Some(&transaction.connector) == connector.as_ref()
            && transaction.record.as_ref() == Some(record)
            && transaction.direction == direction
            && (transaction.state.is_active() || transaction.state == State::Dead)
    })
}
