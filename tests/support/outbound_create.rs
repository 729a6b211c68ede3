//! What Outbound Create needs: the shipped mapping with its rules for it, and a work order that somebody posts.

use fieldbridge::config::default_mapping;
use fieldbridge::sandbox::{FieldNation, ServiceDesk};
use serde_json::{Value, json};

/// The line of a shipped mapping after which its rules for Outbound Create stand, commented out.
const BEGINNING: &str = "# With Outbound Create on,";

/// The shipped mapping with those rules switched on, the platform's own names in the place of made-up ones.
pub fn mapping(desk: &dyn ServiceDesk) -> String {
    let shipped = default_mapping(desk.platform());
    let (before, rules) = shipped.split_once(BEGINNING).unwrap();
    let rules = rules.lines().skip(1);
    let rules: Vec<&str> = rules
        .map(|line| {
            line.strip_prefix("# ")
                .unwrap_or(line.trim_start_matches('#'))
        })
        .collect();
    let mut rules = rules.join("\n");
    for (placeholder, own) in desk.own_names() {
        rules = rules.replace(placeholder, own);
    }
    format!("{before}\n{rules}")
}

/// Somebody posts a work order over REST, with a token of their own. Its id.
pub async fn post_work_order(field_nation: &FieldNation) -> u64 {
    drop(rustls::crypto::ring::default_provider().install_default());
    let http = reqwest::Client::new();
    let who = field_nation.credentials();
    let grant = json!({
        "grant_type": "password", "client_id": who.client_id, "client_secret": who.client_secret,
        "username": who.username, "password": who.password,
    });
    let url = format!("{}/authentication/api/oauth/token", field_nation.base_url());
    let token: Value = answer(http.post(url).json(&grant)).await;
    let order = json!({
        "title": "Replace the access point",
        "description": {"html": "<p>The one above lane 3.</p>"},
        "types_of_work": [{"id": 62, "isPrimary": true}],
        "location": {"mode": "custom", "address1": "123 Test St", "city": "Minneapolis", "state": "MN", "zip": "55401",
                     "country": "US"},
        "pay": {"type": "fixed", "base": {"amount": 100, "units": 1}},
        "schedule": {"service_window": {"mode": "exact", "start": {"utc": "2030-07-01 09:00:00"}}},
    });
    let url = format!("{}/workorders", field_nation.rest_url());
    let request = http
        .post(url)
        .bearer_auth(token["access_token"].as_str().unwrap());
    let made: Value = answer(request.json(&order)).await;
    made["id"].as_u64().unwrap()
}

async fn answer(request: reqwest::RequestBuilder) -> Value {
    let response = request.send().await.unwrap();
    response.error_for_status().unwrap().json().await.unwrap()
}
