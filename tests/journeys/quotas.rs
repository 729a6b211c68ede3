//! Vendors count by account: two connectors that sign in as the same one share what the vendor says.

use std::sync::Arc;
use std::time::Duration;

use fieldbridge::config::{ConnectorConfig, Secrets};
use fieldbridge::http::{Call, KeepsInMemory, QuotaBook};
use fieldbridge::model::{Priority, TokioClock};
use fieldbridge::platform::Platform;
use fieldbridge::platform::registry::{Setup, build};
use fieldbridge::sandbox::{Fault, FaultKind, Sandbox, SandboxSettings, ServiceDesk, available};

fn adapter(id: &str, desk: &dyn ServiceDesk, quotas: &QuotaBook) -> Arc<dyn Platform> {
    let text = format!(
        "platform = \"{}\"\n[settings]\n{}",
        desk.platform(),
        desk.connector_settings()
    );
    let file = format!("connectors/{id}.toml");
    let config = ConnectorConfig::parse(file.as_ref(), &text).unwrap();
    let setup = Setup {
        config: &config,
        secrets: &Secrets::default(),
        clock: Arc::new(TokioClock::start()),
        tokens: Arc::new(KeepsInMemory::default()),
        quotas,
    };
    build(&setup).unwrap_or_else(|problems| panic!("{problems:?}"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_vendor_that_asks_one_connector_to_wait_asks_all_of_the_account() {
    for kind in available() {
        let sandbox = Sandbox::start(SandboxSettings::of(&[*kind])).await.unwrap();
        let desk = sandbox.desk(*kind).unwrap();
        let book = QuotaBook::default();
        let one = adapter("one", desk, &book);
        let two = adapter("two", desk, &book);
        let stranger = adapter("one", desk, &QuotaBook::default());
        let slow = FaultKind::RateLimited {
            retry_after_seconds: 60,
        };
        // Signed in by then: the fault strikes a call of the API.
        one.probe(&Call::new(Priority::Live)).await;
        desk.faults().push(Fault::once(slow));
        one.probe(&Call::new(Priority::Live)).await;
        let wait = |platform: &Arc<dyn Platform>| platform.ready_in(Priority::Live);
        // Salesforce asks for less when it is crowded.
        assert!(wait(&one) > Duration::from_secs(1), "{kind}");
        assert!(wait(&two) > Duration::from_secs(1), "{kind}");
        assert!(
            wait(&stranger).is_zero(),
            "{kind}: another book knows nothing of it"
        );
        sandbox.stop().await;
    }
}
