//! The client's side of the mapping workbench.

use reqwest::Method;

use super::client::{Answer, Client, read};
use super::lines::Lines;
use crate::engine::{
    Bench, ImpactRequest, ImpactUpdate, Publish, RecordCase, RecordedCase, RollBack, SaveDraft,
};
use crate::model::{ConnectorId, MappingVersion};
use crate::store::{Draft, MappingEntry};

/// An impact that is being worked out. Dropping it ends the work.
#[derive(Debug)]
pub struct ImpactRun {
    lines: Lines,
}

impl ImpactRun {
    /// Waits for the next update; after `Done` or `Failed` there is none.
    ///
    /// # Errors
    /// As of any call.
    pub async fn next(&mut self) -> Answer<ImpactUpdate> {
        self.lines.next().await
    }
}

impl Client {
    /// All that the workbench starts from.
    ///
    /// # Errors
    /// As of any call.
    pub async fn bench(&self, connector: &ConnectorId) -> Answer<Bench> {
        let path = ["v1", "connectors", connector.as_str(), "bench"];
        read(self.send(self.request(Method::GET, &path)).await?).await
    }

    /// Keeps a draft.
    ///
    /// # Errors
    /// As of any call; stale when somebody else saved it meanwhile.
    pub async fn save_draft(&self, connector: &ConnectorId, draft: &SaveDraft) -> Answer<Draft> {
        let path = ["v1", "connectors", connector.as_str(), "draft"];
        self.act(&path, draft).await
    }

    /// Throws a draft away.
    ///
    /// # Errors
    /// As of any call.
    pub async fn discard_draft(&self, connector: &ConnectorId) -> Answer<()> {
        let path = ["v1", "connectors", connector.as_str(), "draft"];
        self.delete(&path).await
    }

    /// Brings a mapping in force.
    ///
    /// # Errors
    /// As of any call; refused with every problem when it can't be a mapping, stale when another version is in force.
    pub async fn publish(
        &self,
        connector: &ConnectorId,
        publish: &Publish,
    ) -> Answer<MappingEntry> {
        let path = ["v1", "connectors", connector.as_str(), "publish"];
        self.act(&path, publish).await
    }

    /// Brings an earlier version in force again.
    ///
    /// # Errors
    /// As of any call; stale when another version is in force than the person saw.
    pub async fn roll_back(
        &self,
        connector: &ConnectorId,
        roll_back: &RollBack,
    ) -> Answer<MappingEntry> {
        let path = ["v1", "connectors", connector.as_str(), "roll-back"];
        self.act(&path, roll_back).await
    }

    /// The versions that were in force, newest first.
    ///
    /// # Errors
    /// As of any call.
    pub async fn mapping_history(&self, connector: &ConnectorId) -> Answer<Vec<MappingEntry>> {
        let path = ["v1", "connectors", connector.as_str(), "mapping-history"];
        read(self.send(self.request(Method::GET, &path)).await?).await
    }

    /// The text of a version.
    ///
    /// # Errors
    /// As of any call.
    pub async fn mapping_text(&self, version: &MappingVersion) -> Answer<String> {
        let path = ["v1", "mappings", version.as_str()];
        read(self.send(self.request(Method::GET, &path)).await?).await
    }

    /// Begins to work out what a mapping would change.
    ///
    /// # Errors
    /// As of any call.
    pub async fn impact(&self, request: &ImpactRequest) -> Answer<ImpactRun> {
        let request = self.request(Method::POST, &["v1", "impact"]).json(request);
        let response = self.send(request).await?;
        Ok(ImpactRun {
            lines: Lines::new(response),
        })
    }

    /// Writes a transaction as a regression case beside its mapping.
    ///
    /// # Errors
    /// As of any call.
    pub async fn record_case(&self, record: &RecordCase) -> Answer<RecordedCase> {
        self.act(&["v1", "cases"], record).await
    }
}
