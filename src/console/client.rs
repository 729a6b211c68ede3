//! The console's engine over the control socket.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use serde_json::{Map, Value};
use tokio::sync::{mpsc, watch};
use uuid::Uuid;

use super::remote::{Feed, Identity, Remote, RemoteError, RemoteResult};
use crate::api::{Client, ClientError, UpdateBody, apply};
use crate::engine::{
    Bench, ControlError, DescriptionRequest, ImpactRequest, ImpactUpdate, MadeConnector,
    MakeConnector, PreviewRequest, PreviewResult, Publish, RecordCase, RecordedCase, Replay,
    ReplayPlan, RollBack, SaveDraft, TransactionDetail,
};
use crate::model::{ConnectorId, MappingVersion, PayloadKind, Transaction, TransactionId};
use crate::platform::{Offer, Probe};
use crate::store::{AuditEntry, Draft, ListQuery, MappingEntry, Page, PageCursor, PersonMove};

/// How long to wait before the first new connection, and at most.
const FIRST_PAUSE: Duration = Duration::from_millis(200);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

impl From<ClientError> for RemoteError {
    fn from(error: ClientError) -> Self {
        match error {
            ClientError::Control(ControlError::Stale(why)) => Self::Stale(why),
            ClientError::Control(other) => Self::Answered(other.to_string()),
            ClientError::Lost(why) => Self::Unreachable(why),
            other => Self::Unreachable(other.to_string()),
        }
    }
}

/// Follows one connection until it is lost, or nobody listens any more.
async fn follow_once(client: &Client, feed: &watch::Sender<Feed>) -> Result<(), ClientError> {
    let hello = client.hello();
    let identity = Identity {
        user: hello.user.clone(),
        role: hello.role,
    };
    let mut updates = client.updates().await?;
    let mut newest = None;
    loop {
        let update = tokio::select! {
            update = updates.next() => update?,
            () = feed.closed() => return Ok(()),
        };
        match update.body {
            UpdateBody::Snapshot(overview) => newest = Some(overview),
            UpdateBody::Delta(changes) => {
                if let Some(overview) = &mut newest {
                    apply(overview, changes);
                }
            }
        }
        if let Some(overview) = &newest {
            let overview = Arc::new(overview.as_ref().clone());
            feed.send_replace(Feed::Live(identity.clone(), overview));
        }
    }
}

async fn reconnect(
    socket: &Path,
    feed: &watch::Sender<Feed>,
    pause: &mut Duration,
) -> Option<Client> {
    loop {
        tokio::select! {
            () = tokio::time::sleep(*pause) => {}
            () = feed.closed() => return None,
        }
        *pause = (*pause * 2).min(LONGEST_PAUSE);
        match Client::connect(socket).await {
            Ok(client) => return Some(client),
            Err(error) => {
                feed.send_replace(Feed::Lost(error.to_string()));
            }
        }
    }
}

#[async_trait]
impl Remote for Client {
    async fn follow(&self, feed: watch::Sender<Feed>) {
        let mut client = self.clone();
        let mut pause = FIRST_PAUSE;
        loop {
            match follow_once(&client, &feed).await {
                Ok(()) => return,
                Err(error) => {
                    if matches!(*feed.borrow(), Feed::Live(..)) {
                        pause = FIRST_PAUSE;
                    }
                    feed.send_replace(Feed::Lost(error.to_string()));
                }
            }
            match reconnect(client.socket(), &feed, &mut pause).await {
                Some(connected) => client = connected,
                None => return,
            }
        }
    }

    async fn list(&self, query: ListQuery) -> RemoteResult<Page<Transaction>> {
        Ok(Client::list(self, &query).await?)
    }

    async fn transaction(&self, id: TransactionId) -> RemoteResult<TransactionDetail> {
        Ok(Client::transaction(self, id).await?)
    }

    async fn payload(&self, id: TransactionId, kind: PayloadKind) -> RemoteResult<Option<Bytes>> {
        Ok(Client::payload(self, id, kind).await?)
    }

    async fn command(
        &self,
        command: Uuid,
        transaction: TransactionId,
        seen: Option<u64>,
        action: PersonMove,
    ) -> RemoteResult<Transaction> {
        Ok(Client::command(self, transaction, action, seen, command).await?)
    }

    async fn plan_replay(&self, id: TransactionId, replay: Replay) -> RemoteResult<ReplayPlan> {
        Ok(Client::plan_replay(self, id, replay).await?)
    }

    async fn replay(
        &self,
        command: Uuid,
        id: TransactionId,
        replay: Replay,
        output: Option<Map<String, Value>>,
    ) -> RemoteResult<Transaction> {
        Ok(Client::replay(self, id, replay, output, command).await?)
    }

    async fn preview(&self, request: PreviewRequest) -> RemoteResult<PreviewResult> {
        Ok(Client::preview(self, &request).await?)
    }

    async fn pause(&self, connector: &ConnectorId) -> RemoteResult<u64> {
        Ok(Client::pause(self, connector).await?)
    }

    async fn resume(&self, connector: &ConnectorId) -> RemoteResult<u64> {
        Ok(Client::resume(self, connector).await?)
    }

    async fn probe(&self, connector: &ConnectorId) -> RemoteResult<Probe> {
        Ok(Client::probe(self, connector).await?)
    }

    async fn refresh_fields(&self, connector: &ConnectorId) -> RemoteResult<()> {
        Ok(Client::refresh_fields(self, connector).await?)
    }

    async fn trigger_url(&self, connector: &ConnectorId) -> RemoteResult<String> {
        Ok(Client::trigger_url(self, connector).await?)
    }

    async fn rotate_token(&self, connector: &ConnectorId) -> RemoteResult<String> {
        Ok(Client::rotate_token(self, connector).await?)
    }

    async fn audit(
        &self,
        limit: usize,
        before: Option<PageCursor>,
    ) -> RemoteResult<Page<AuditEntry>> {
        Ok(Client::audit(self, limit, before).await?)
    }

    async fn bench(&self, connector: &ConnectorId) -> RemoteResult<Bench> {
        Ok(Client::bench(self, connector).await?)
    }

    async fn save_draft(&self, connector: &ConnectorId, draft: SaveDraft) -> RemoteResult<Draft> {
        Ok(Client::save_draft(self, connector, &draft).await?)
    }

    async fn discard_draft(&self, connector: &ConnectorId) -> RemoteResult<()> {
        Ok(Client::discard_draft(self, connector).await?)
    }

    async fn publish(
        &self,
        connector: &ConnectorId,
        publish: Publish,
    ) -> RemoteResult<MappingEntry> {
        Ok(Client::publish(self, connector, &publish).await?)
    }

    async fn roll_back(
        &self,
        connector: &ConnectorId,
        roll_back: RollBack,
    ) -> RemoteResult<MappingEntry> {
        Ok(Client::roll_back(self, connector, &roll_back).await?)
    }

    async fn mapping_history(&self, connector: &ConnectorId) -> RemoteResult<Vec<MappingEntry>> {
        Ok(Client::mapping_history(self, connector).await?)
    }

    async fn mapping_text(&self, version: &MappingVersion) -> RemoteResult<String> {
        Ok(Client::mapping_text(self, version).await?)
    }

    async fn impact(
        &self,
        request: ImpactRequest,
    ) -> RemoteResult<mpsc::Receiver<RemoteResult<ImpactUpdate>>> {
        let mut run = Client::impact(self, &request).await?;
        let (sender, receiver) = mpsc::channel(8);
        tokio::spawn(async move {
            loop {
                let update = tokio::select! {
                    update = run.next() => update.map_err(RemoteError::from),
                    () = sender.closed() => return,
                };
                let over = !matches!(update, Ok(ImpactUpdate::Progress { .. }));
                if sender.send(update).await.is_err() || over {
                    return;
                }
            }
        });
        Ok(receiver)
    }

    async fn record_case(&self, record: RecordCase) -> RemoteResult<RecordedCase> {
        Ok(Client::record_case(self, &record).await?)
    }

    async fn describe(&self, request: DescriptionRequest) -> RemoteResult<Offer> {
        Ok(Client::describe(self, &request).await?)
    }

    async fn make_connector(&self, make: MakeConnector) -> RemoteResult<MadeConnector> {
        Ok(Client::make_connector(self, &make).await?)
    }
}
