//! The client's side of making a connector.

use super::client::{Answer, Client};
use crate::engine::{DescriptionRequest, Extent, MadeConnector, MakeConnector};
use crate::platform::Offer;

impl Client {
    /// What a description offers.
    ///
    /// # Errors
    /// As of any call; not found or refused when it can't be read.
    pub async fn describe(&self, request: &DescriptionRequest) -> Answer<Offer> {
        self.ask(&["v1", "descriptions"], request).await
    }

    /// What a connector of a choice would be; or makes it.
    ///
    /// # Errors
    /// As of any call; refused when the id is taken or the choice can't be.
    pub async fn make_connector(&self, make: &MakeConnector) -> Answer<MadeConnector> {
        let path = ["v1", "connectors"];
        match make.extent {
            Extent::DryRun => self.ask(&path, make).await,
            Extent::Write => self.act(&path, make).await,
        }
    }
}
