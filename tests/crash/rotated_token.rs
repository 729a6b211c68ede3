//! A refresh token that the vendor changed is the one used after a kill, and stands nowhere in plain.

use std::sync::Arc;

use fieldbridge::config::default_mapping;
use fieldbridge::model::{ConnectorId, PlatformKind, TokioClock};
use fieldbridge::sandbox::{
    Deliveries, FieldNation, FieldNationSettings, Salesforce, SalesforceSettings,
};

use super::engine::Engine;

/// How every token of the stand-in begins.
const TOKEN: &[u8] = b"not-a-real-refresh-token-";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rotated_refresh_token_outlives_a_kill() {
    let settings = SalesforceSettings {
        rotates_refresh_tokens: true,
        deliveries: Deliveries::Off,
        ..SalesforceSettings::default()
    };
    let clock = Arc::new(TokioClock::start());
    let company = FieldNation::start(FieldNationSettings::default(), clock.clone(), 1);
    let company = company.await.unwrap();
    let org = Salesforce::start(settings, clock, 1).await.unwrap();
    let keys = org.credentials();
    let mut engine = Engine::new();
    engine.write("fieldbridge.toml", &engine.settings(&company));
    engine.write(
        "connectors/sf.toml",
        &format!(
            "platform = \"salesforce\"\n[settings]\ninstance_name = \"demo\"\nbase_url = \"{}\"\ngrant_type = \"refresh_token\"\n\
             client_id = \"{}\"\nclient_secret = \"{}\"\nrefresh_token = \"{}\"\n",
            org.base_url(),
            keys.client_id,
            keys.client_secret,
            keys.refresh_token
        ),
    );
    let mapping = default_mapping(PlatformKind::Salesforce);
    engine.write("mappings/sf.toml", mapping);
    let connector = ConnectorId::new("sf").unwrap();
    for life in 1..=3 {
        engine.start().await;
        let control = engine.control().await;
        let probe = control.probe(&connector).await.unwrap();
        let failure = probe.credential_failure();
        assert!(failure.is_none(), "life {life}: {failure:?}");
        let names = control.secret_names().await.unwrap();
        assert_eq!(names, ["connector/sf/refresh-token"]);
        engine.kill();
    }
    for entry in std::fs::read_dir(engine.path("data")).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() {
            let bytes = std::fs::read(&path).unwrap();
            let is_plain = bytes.windows(TOKEN.len()).any(|window| window == TOKEN);
            assert!(!is_plain, "{} holds a token in plain", path.display());
        }
    }
}
