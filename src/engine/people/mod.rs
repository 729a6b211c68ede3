//! What people ask of the engine, carried out.

mod case;
mod impact;
mod making;
mod metrics;
mod overview;
mod preview;
mod replay;
mod warnings;
mod workbench;

use std::sync::{Arc, LazyLock};

use async_trait::async_trait;
use bytes::Bytes;
use secrecy::SecretString;
use serde_json::{Map, Value};
use tokio::sync::{mpsc, watch};
use uuid::Uuid;

use super::connectors::{Active, Connector, ConnectorFiles};
use super::control::{Control, ControlError, PreviewRequest, PreviewResult, Replay, ReplayPlan};
use super::housekeeping;
use super::intake::inbound;
use super::making::{DescriptionRequest, MadeConnector, MakeConnector, Making};
use super::shared::Shared;
use super::sides;
use super::start::Engine;
use super::view::{Overview, TransactionDetail};
use super::workbench::{
    Bench, ImpactRequest, ImpactUpdate, Publish, RecordCase, RecordedCase, RollBack, SaveDraft,
    Workbench,
};
use crate::config::{Directory, load};
use crate::fieldnation::{FieldNation, Webhook, WebhookStatus};
use crate::http::Call;
use crate::model::{
    Catalogue, ConnectorId, Direction, Failure, MappingVersion, Origin, PayloadKind, Priority,
    RecordId, Transaction, TransactionId,
};
use crate::platform::{Offer, Probe, Standing, Subscription, SubscriptionPlan};
use crate::store::{
    Acceptance, Accepted, AuditEntry, Draft, FailureGroup, GroupQuery, Hold, ListQuery,
    MappingEntry, Page, PageCursor, PersonCommand, TriggerToken,
};

pub(super) use metrics::metrics;
pub(super) use workbench::{came_in_force, refuse_broken_scripts};

type Answered<T> = Result<T, ControlError>;

fn failed(failure: &Failure) -> ControlError {
    ControlError::Failed(match &failure.hint {
        Some(hint) => format!("{}. {hint}", failure.cause.trim_end_matches('.')),
        None => failure.cause.clone(),
    })
}

fn known(shared: &Shared, id: &ConnectorId) -> Answered<Arc<Connector>> {
    shared
        .connectors
        .get(id)
        .ok_or_else(|| ControlError::NotFound(format!("there is no connector `{id}`")))
}

fn in_force(shared: &Shared, id: &ConnectorId) -> Answered<(Arc<Connector>, Arc<Active>)> {
    let connector = known(shared, id)?;
    let active = connector.active.clone().ok_or_else(|| {
        let why = connector
            .problems
            .first()
            .map(ToString::to_string)
            .unwrap_or_default();
        ControlError::Refused(format!("the files of connector `{id}` are wrong: {why}"))
    })?;
    Ok((connector, active))
}

async fn note(
    shared: &Shared,
    by: &str,
    connector: Option<&ConnectorId>,
    action: impl Into<String>,
) -> Answered<()> {
    let entry = AuditEntry {
        id: TransactionId::generate(),
        at: shared.now(),
        by: by.to_owned(),
        action: action.into(),
        connector: connector.cloned(),
        transaction: None,
    };
    Ok(shared.store.audit(entry).await?)
}

/// Field Nation's catalogue for a company whose own has not been read yet.
pub(super) fn usual_catalogue() -> Arc<Catalogue> {
    static USUAL: LazyLock<Arc<Catalogue>> = LazyLock::new(|| {
        Arc::new(Catalogue {
            fields: FieldNation::static_catalogue().to_vec(),
            read_at: crate::model::Timestamp::UNIX_EPOCH,
        })
    });
    Arc::clone(&USUAL)
}

/// Refresh Fields: reads both sides' catalogues and keeps them.
pub(super) async fn refresh_fields(
    shared: &Shared,
    connector: &Connector,
    call: &Call,
) -> Answered<()> {
    let (_, active) = in_force(shared, &connector.id)?;
    let known = shared
        .store
        .catalogue(&connector.id, Direction::Outbound)
        .await?;
    let mut theirs = active
        .platform
        .discover(call)
        .await
        .map_err(|failure| failed(&failure))?;
    sides::tell(&mut theirs, &active.able.side_records);
    shared
        .store
        .put_catalogue(&connector.id, Direction::Outbound, theirs)
        .await?;
    if let Some(field_nation) = shared.field_nation.load_full() {
        let ours = field_nation
            .discover(call)
            .await
            .map_err(|failure| failed(&failure))?;
        shared
            .store
            .put_catalogue(&connector.id, Direction::Inbound, ours)
            .await?;
    }
    // What is read for the first time changes nothing; it is only known from then on.
    match known {
        Some(_) => warnings::look_after_refresh(shared, &connector.id).await,
        None => warnings::look(shared, &connector.id).await,
    }
    Ok(())
}

#[async_trait]
impl Control for Engine {
    async fn overview(&self) -> Answered<Overview> {
        overview::overview(&self.shared).await
    }

    fn changes(&self) -> watch::Receiver<u64> {
        self.shared.changes.subscribe()
    }

    async fn list(&self, query: ListQuery) -> Answered<Page<Transaction>> {
        Ok(self.shared.store.list(query).await?)
    }

    async fn groups(&self, query: GroupQuery) -> Answered<Vec<FailureGroup>> {
        Ok(self.shared.store.failure_groups(query).await?)
    }

    async fn transaction(&self, id: TransactionId) -> Answered<TransactionDetail> {
        overview::detail(&self.shared, id).await
    }

    async fn payload(&self, id: TransactionId, kind: PayloadKind) -> Answered<Option<Bytes>> {
        Ok(self.shared.store.payload(id, kind).await?)
    }

    async fn command(&self, command: PersonCommand) -> Answered<Transaction> {
        let transaction = self.shared.store.command(command).await?;
        self.shared.wake();
        Ok(transaction)
    }

    async fn plan_replay(&self, id: TransactionId, replay: Replay) -> Answered<ReplayPlan> {
        replay::plan(&self.shared, id, replay).await
    }

    async fn replay(
        &self,
        id: TransactionId,
        replay: Replay,
        output: Option<Map<String, Value>>,
        command: Uuid,
        by: &str,
    ) -> Answered<Transaction> {
        replay::run(&self.shared, id, replay, output, command, by).await
    }

    async fn trigger(
        &self,
        connector: &ConnectorId,
        record: &RecordId,
        by: &str,
    ) -> Answered<TransactionId> {
        let (connector, _) = in_force(&self.shared, connector)?;
        let acceptance = Acceptance {
            at: self.shared.now(),
            delivery: None,
            transactions: vec![inbound(&connector, record.clone(), Origin::Person)],
            body: Bytes::new(),
        };
        let accepted = self.shared.store.accept(acceptance).await?;
        note(
            &self.shared,
            by,
            Some(&connector.id),
            format!("triggered record {record}"),
        )
        .await?;
        self.shared.wake();
        match accepted {
            Accepted::Stored(ids) => ids
                .first()
                .copied()
                .ok_or_else(|| ControlError::Failed("the store kept nothing".into())),
            Accepted::Duplicate => Err(ControlError::Refused("this was queued already".into())),
        }
    }

    async fn preview(&self, request: PreviewRequest) -> Answered<PreviewResult> {
        preview::preview(&self.shared, &request).await
    }

    async fn pause(&self, connector: &ConnectorId, by: &str) -> Answered<u64> {
        let connector = known(&self.shared, connector)?;
        let hold = Hold {
            since: self.shared.now(),
            failure: None,
            by: Some(by.to_owned()),
        };
        connector.live.standing().hold = Some(hold.clone());
        let waiting = self.shared.store.pause(&connector.id, hold).await?;
        note(
            &self.shared,
            by,
            Some(&connector.id),
            "paused the connector",
        )
        .await?;
        self.shared.changed();
        Ok(waiting)
    }

    async fn resume(&self, connector: &ConnectorId, by: &str) -> Answered<u64> {
        let connector = known(&self.shared, connector)?;
        let released = self
            .shared
            .store
            .resume(&connector.id, self.shared.now())
            .await?;
        {
            let mut standing = connector.live.standing();
            standing.hold = None;
            standing.next_probe_at = None;
        }
        note(
            &self.shared,
            by,
            Some(&connector.id),
            "resumed the connector",
        )
        .await?;
        self.shared.wake();
        Ok(released)
    }

    async fn probe(&self, connector: &ConnectorId) -> Answered<Probe> {
        let (connector, active) = in_force(&self.shared, connector)?;
        let probe = active.platform.probe(&Call::new(Priority::Live)).await;
        let held_by_failure = connector
            .live
            .standing()
            .hold
            .as_ref()
            .is_some_and(|hold| hold.failure.is_some());
        if held_by_failure && probe.credential_failure().is_none() {
            housekeeping::probe_one(&self.shared, &connector).await;
        }
        Ok(probe)
    }

    async fn refresh_fields(&self, connector: &ConnectorId) -> Answered<()> {
        let connector = known(&self.shared, connector)?;
        refresh_fields(&self.shared, &connector, &Call::new(Priority::Live)).await
    }

    async fn fields(
        &self,
        connector: &ConnectorId,
        direction: Direction,
    ) -> Answered<Option<Catalogue>> {
        known(&self.shared, connector)?;
        let catalogue = self.shared.store.catalogue(connector, direction).await?;
        Ok(catalogue.map(Arc::unwrap_or_clone))
    }

    async fn trigger_url(&self, connector: &ConnectorId) -> Answered<String> {
        let connector = known(&self.shared, connector)?;
        self.shared
            .trigger_url(&connector)
            .ok_or_else(|| ControlError::Refused("the connector has no token yet".into()))
    }

    async fn rotate_token(&self, connector: &ConnectorId, by: &str) -> Answered<String> {
        let connector = known(&self.shared, connector)?;
        let before = connector.live.standing().token;
        let now = self.shared.now().as_second();
        let token = TriggerToken {
            number: before.map_or(1, |token| token.number),
            issued_at: before.map_or(now, |token| now.max(token.issued_at + 1)),
        };
        self.shared
            .store
            .set_trigger_token(&connector.id, token)
            .await?;
        connector.live.standing().token = Some(token);
        self.shared.index_tokens();
        note(
            &self.shared,
            by,
            Some(&connector.id),
            "rotated the trigger token",
        )
        .await?;
        self.trigger_url(&connector.id).await
    }

    async fn subscription_plan(&self, connector: &ConnectorId) -> Answered<SubscriptionPlan> {
        let (connector, active) = in_force(&self.shared, connector)?;
        let url = self.trigger_url(&connector.id).await?;
        Ok(active.platform.subscription_plan(&url))
    }

    async fn subscriptions(&self, connector: &ConnectorId) -> Answered<Vec<Subscription>> {
        let (connector, active) = in_force(&self.shared, connector)?;
        let url = self.trigger_url(&connector.id).await?;
        let call = Call::new(Priority::Live);
        active
            .platform
            .subscriptions(&call, &url)
            .await
            .map_err(|failure| failed(&failure))
    }

    async fn subscribe(&self, connector: &ConnectorId, by: &str) -> Answered<Subscription> {
        let (connector, active) = in_force(&self.shared, connector)?;
        let url = self.trigger_url(&connector.id).await?;
        let call = Call::new(Priority::Live);
        let subscription = active
            .platform
            .subscribe(&call, &url)
            .await
            .map_err(|failure| failed(&failure))?;
        note(
            &self.shared,
            by,
            Some(&connector.id),
            format!("made subscription {}", subscription.id),
        )
        .await?;
        Ok(subscription)
    }

    async fn unsubscribe(&self, connector: &ConnectorId, id: &str, by: &str) -> Answered<()> {
        let (connector, active) = in_force(&self.shared, connector)?;
        let call = Call::new(Priority::Live);
        active
            .platform
            .unsubscribe(&call, id)
            .await
            .map_err(|failure| failed(&failure))?;
        note(
            &self.shared,
            by,
            Some(&connector.id),
            format!("removed subscription {id}"),
        )
        .await
    }

    async fn webhooks(&self) -> Answered<Vec<Subscription>> {
        let webhooks = field_nation(&self.shared)?
            .webhooks(&Call::new(Priority::Live))
            .await
            .map_err(|failure| failed(&failure))?;
        Ok(webhooks.into_iter().map(as_subscription).collect())
    }

    async fn register_webhook(&self, by: &str) -> Answered<Subscription> {
        let field_nation = field_nation(&self.shared)?;
        let url = self.shared.events_url();
        let secret = field_nation.webhook_secret().cloned();
        let webhook = field_nation
            .register_webhook(&Call::new(Priority::Live), &url, secret.as_ref())
            .await
            .map_err(|failure| failed(&failure))?;
        note(
            &self.shared,
            by,
            None,
            format!("registered webhook {} at Field Nation", webhook.id),
        )
        .await?;
        Ok(as_subscription(webhook))
    }

    async fn remove_webhook(&self, id: &str, by: &str) -> Answered<()> {
        field_nation(&self.shared)?
            .remove_webhook(&Call::new(Priority::Live), id)
            .await
            .map_err(|failure| failed(&failure))?;
        note(
            &self.shared,
            by,
            None,
            format!("removed webhook {id} at Field Nation"),
        )
        .await
    }

    async fn audit(&self, limit: usize, before: Option<PageCursor>) -> Answered<Page<AuditEntry>> {
        Ok(self.shared.store.audit_trail(limit, before).await?)
    }

    async fn set_secret(&self, name: &str, value: Option<SecretString>, by: &str) -> Answered<()> {
        let sealed = value
            .as_ref()
            .map(|value| self.shared.vault.seal(name, value))
            .transpose()
            .map_err(ControlError::Failed)?;
        let action = if sealed.is_some() { "set" } else { "removed" };
        self.shared.store.put_secret(name, sealed).await?;
        self.shared.vault.publish(name, value);
        note(&self.shared, by, None, format!("{action} secret `{name}`")).await?;
        look_again(self).await
    }

    async fn secret_names(&self) -> Answered<Vec<String>> {
        Ok(self.shared.store.secret_names().await?)
    }

    async fn metrics(&self) -> Answered<String> {
        metrics(&self.shared).await
    }

    fn stop(&self, by: &str) {
        tracing::info!(%by, "the engine is asked to stop");
        self.shared.stopping.cancel();
    }
}

/// Reads the files anew when a connector or Field Nation waits for something: it may be the secret that was just kept.
async fn look_again(engine: &Engine) -> Answered<()> {
    let shared = &engine.shared;
    let all = shared.connectors.all();
    let waits = all.values().any(|connector| !connector.problems.is_empty());
    if !waits && shared.field_nation.load().is_some() {
        return Ok(());
    }
    let _turn = shared.files.lock().await;
    let directory = Directory::resolve(Some(&shared.config_directory))
        .map_err(|error| ControlError::Failed(error.to_string()))?;
    let read = tokio::task::spawn_blocking(move || ConnectorFiles::read(&load(&directory)));
    let (files, problems) = read
        .await
        .map_err(|error| ControlError::Failed(error.to_string()))?;
    let applied = engine.apply(files, problems).await;
    applied.map_err(|error| ControlError::Failed(error.to_string()))
}

#[async_trait]
impl Making for Engine {
    async fn describe(&self, request: DescriptionRequest) -> Answered<Offer> {
        making::describe(&self.shared, request).await
    }

    async fn make_connector(&self, make: MakeConnector, by: &str) -> Answered<MadeConnector> {
        making::make(&self.shared, make, by).await
    }
}

#[async_trait]
impl Workbench for Engine {
    async fn bench(&self, connector: &ConnectorId) -> Answered<Bench> {
        workbench::bench(&self.shared, connector).await
    }

    async fn save_draft(
        &self,
        connector: &ConnectorId,
        draft: SaveDraft,
        by: &str,
    ) -> Answered<Draft> {
        workbench::save_draft(&self.shared, connector, draft, by).await
    }

    async fn discard_draft(&self, connector: &ConnectorId, by: &str) -> Answered<()> {
        workbench::discard_draft(&self.shared, connector, by).await
    }

    async fn publish(
        &self,
        connector: &ConnectorId,
        publish: Publish,
        by: &str,
    ) -> Answered<MappingEntry> {
        workbench::publish(&self.shared, connector, publish, by).await
    }

    async fn mapping_history(&self, connector: &ConnectorId) -> Answered<Vec<MappingEntry>> {
        known(&self.shared, connector)?;
        Ok(self.shared.store.mapping_history(connector).await?)
    }

    async fn mapping_text(&self, version: &MappingVersion) -> Answered<String> {
        workbench::text(&self.shared, version).await
    }

    async fn roll_back(
        &self,
        connector: &ConnectorId,
        roll_back: RollBack,
        by: &str,
    ) -> Answered<MappingEntry> {
        workbench::roll_back(&self.shared, connector, roll_back, by).await
    }

    async fn impact(&self, request: ImpactRequest) -> Answered<mpsc::Receiver<ImpactUpdate>> {
        impact::begin(self.shared.clone(), request)
    }

    async fn record_case(&self, record: RecordCase, by: &str) -> Answered<RecordedCase> {
        case::record(&self.shared, record, by).await
    }
}

fn field_nation(shared: &Shared) -> Answered<Arc<FieldNation>> {
    shared.field_nation.load_full().ok_or_else(|| {
        ControlError::Refused("Field Nation is not configured: see fieldbridge.toml".into())
    })
}

fn as_subscription(webhook: Webhook) -> Subscription {
    Subscription {
        standing: match webhook.status {
            WebhookStatus::Active => Standing::Alive,
            WebhookStatus::Inactive | WebhookStatus::Archived => Standing::Disabled,
        },
        what: format!("{} events to {}", webhook.events.len(), webhook.url),
        id: webhook.id,
    }
}
