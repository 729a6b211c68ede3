//! Both ways into the stand-in, and what it tells those who stay outside.

use std::time::Duration;

use axum::http::Method;
use fieldbridge::model::Clock as _;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::bench::{KEY_EC, KEY_EC_PUBLIC, quiet, with_certificate};
use crate::integrator::{Integrator, Signing, refusal};

/// Makes one thing wrong.
type Change = fn(&mut Signing);

#[tokio::test]
async fn a_login_that_is_wrong_in_any_way_is_refused_without_a_reason() {
    let integrator = Integrator::meets(quiet()).await;
    let url = format!(
        "{}/services/rest/system/v1/serverTime",
        integrator.netsuite.base_url()
    );
    let ask = async |signing: Signing| {
        let header = integrator.header(&Method::GET, &url, &signing);
        let request = integrator.http.get(&url).header("authorization", header);
        request.send().await.unwrap()
    };
    let right = integrator.signing();
    let first = ask(right.clone()).await;
    assert_eq!(first.status(), StatusCode::OK);
    assert_eq!(first.headers()["date"], "Sun, 01 Mar 2026 12:00:00 GMT");
    let time: Value = first.json().await.unwrap();
    assert_eq!(time, json!({"serverTime": "2026-03-01T12:00:00.000Z"}));
    let wrong = [
        (
            "InvalidRealm",
            (|signing| signing.realm = "1234567-sb1".to_owned()) as Change,
        ),
        ("signature_method_rejected", |signing| {
            signing.method = "HMAC-SHA1".to_owned();
        }),
        ("InvalidTimestamp", |signing| signing.timestamp += 301),
        ("InvalidNonce", |signing| signing.nonce = "12345".to_owned()),
        ("InvalidSignature", |signing| {
            signing.secret = "guess".to_owned();
        }),
    ];
    for (reason, change) in wrong {
        let mut signing = integrator.signing();
        change(&mut signing);
        let refused = ask(signing).await;
        assert!(refused.headers().contains_key("www-authenticate"));
        assert_eq!(refusal(refused).await.1, "INVALID_LOGIN");
        assert_eq!(
            integrator.netsuite.login_audit_trail().last().unwrap(),
            reason
        );
    }
    assert_eq!(ask(right).await.status(), StatusCode::UNAUTHORIZED);
    assert_eq!(
        integrator.netsuite.login_audit_trail().last().unwrap(),
        "NonceUsed"
    );
    let bare = integrator.http.get(&url).send().await.unwrap();
    assert_eq!(bare.status(), StatusCode::UNAUTHORIZED);
    let mut signing = integrator.signing();
    signing.secret = "guess".to_owned();
    let url = format!(
        "{}/app/site/hosting/restlet.nl?script=1&deploy=1",
        integrator.netsuite.base_url()
    );
    let header = integrator.header(&Method::POST, &url, &signing);
    let refused = integrator
        .http
        .post(&url)
        .header("authorization", header)
        .json(&json!({}));
    let refused: Value = refused.send().await.unwrap().json().await.unwrap();
    assert_eq!(refused["error"]["code"], "INVALID_LOGIN_ATTEMPT");
}

#[tokio::test]
async fn the_parameters_of_the_query_are_signed() {
    let integrator = Integrator::meets(quiet()).await;
    let url = |query: &str| {
        format!(
            "{}/services/rest/record/v1/supportCase{query}",
            integrator.netsuite.base_url()
        )
    };
    let header = integrator.header(&Method::GET, &url(""), &integrator.signing());
    let unsigned = integrator
        .http
        .get(url("?limit=1"))
        .header("authorization", header);
    assert_eq!(
        unsigned.send().await.unwrap().status(),
        StatusCode::UNAUTHORIZED
    );
    let odd = "?limit=1&q=title%20IS%20%22a%7Eb%26c%2B%22";
    let header = integrator.header(&Method::GET, &url(odd), &integrator.signing());
    let signed = integrator
        .http
        .get(url(odd))
        .header("authorization", header);
    assert_eq!(signed.send().await.unwrap().status(), StatusCode::OK);
}

struct Claims {
    algorithm: Algorithm,
    kid: &'static str,
    body: Value,
}

#[tokio::test]
async fn a_certificate_gets_a_token_for_an_hour() {
    let integrator = Integrator::meets(with_certificate(KEY_EC_PUBLIC)).await;
    let endpoint = format!(
        "{}/services/rest/auth/oauth2/v1/token",
        integrator.netsuite.base_url()
    );
    let now = integrator.clock.now().as_second();
    let right = || Claims {
        algorithm: Algorithm::ES256,
        kid: "fake-certificate",
        body: json!({"iss": "not-a-real-client-id", "scope": ["restlets", "rest_webservices"],
            "aud": endpoint, "iat": now, "exp": now + 300}),
    };
    let ask = async |claims: Claims| {
        let mut header = Header::new(claims.algorithm);
        header.kid = Some(claims.kid.to_owned());
        let key = if claims.algorithm == Algorithm::HS256 {
            EncodingKey::from_secret(b"guess")
        } else {
            EncodingKey::from_ec_der(&der(KEY_EC))
        };
        let assertion = jsonwebtoken::encode(&header, &claims.body, &key).unwrap();
        let form = [
            ("grant_type", "client_credentials"),
            (
                "client_assertion_type",
                "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
            ),
            ("client_assertion", assertion.as_str()),
        ];
        integrator
            .http
            .post(&endpoint)
            .form(&form)
            .send()
            .await
            .unwrap()
    };
    let given = ask(right()).await;
    assert_eq!(given.status(), StatusCode::OK);
    let given: Value = given.json().await.unwrap();
    assert_eq!(
        (&given["expires_in"], &given["token_type"]),
        (&json!(3600), &json!("Bearer"))
    );
    let token = given["access_token"].as_str().unwrap();
    let url = format!(
        "{}/services/rest/system/v1/serverTime",
        integrator.netsuite.base_url()
    );
    let call = async || {
        integrator
            .http
            .get(&url)
            .bearer_auth(token)
            .send()
            .await
            .unwrap()
            .status()
    };
    assert_eq!(call().await, StatusCode::OK);
    let changed = |change: fn(&mut Claims)| {
        let mut claims = right();
        change(&mut claims);
        claims
    };
    for wrong in [
        changed(|claims| claims.algorithm = Algorithm::HS256),
        changed(|claims| claims.kid = "another"),
        changed(|claims| claims.body["iss"] = json!("guess")),
        changed(|claims| claims.body["aud"] = json!("https://elsewhere.example")),
        changed(|claims| claims.body["exp"] = json!(claims.body["iat"].as_i64().unwrap() + 3_600)),
        changed(|claims| claims.body["exp"] = json!(1)),
        changed(|claims| claims.body["scope"] = json!(["restlets"])),
    ] {
        let refused = ask(wrong).await;
        assert_eq!(refused.status(), StatusCode::BAD_REQUEST);
        let refused: Value = refused.json().await.unwrap();
        assert_eq!(refused, json!({"error": "invalid_request"}));
    }
    integrator.clock.advance(Duration::from_secs(3_600));
    assert_eq!(call().await, StatusCode::UNAUTHORIZED);
}

fn der(pem: &str) -> Vec<u8> {
    use base64::Engine;
    let body: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
    base64::engine::general_purpose::STANDARD
        .decode(body)
        .unwrap()
}
