//! What a status ordinarily means.

use std::time::Duration;

use http::{HeaderMap, StatusCode};

use super::Response;
use crate::model::{Category, Failure, Timestamp};

/// The ordinary reading of an answer that is no success; an adapter knows its vendor better and may overrule it.
///
/// `what` names the call for people, e.g. `ConnectWise refused to update ticket 69`.
#[must_use]
pub fn classify(what: &str, response: &Response) -> Failure {
    let status = response.status;
    let category = match status {
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => Category::Authentication,
        StatusCode::TOO_MANY_REQUESTS => Category::RateLimited,
        StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_EARLY | StatusCode::LOCKED => {
            Category::Server
        }
        status if status.is_server_error() => Category::Server,
        _ => Category::Validation,
    };
    let failure = Failure::new(category, format!("{what}: {status}"))
        .retry_after(retry_after(&response.headers));
    // A gateway's error says nothing about what happened behind it.
    if status.is_server_error() {
        failure.effect_unknown()
    } else {
        failure
    }
}

/// A failure of transport: nothing was heard, so the effect is unknown unless the connection never stood.
#[must_use]
pub fn transport_failure(what: &str, error: &reqwest::Error) -> Failure {
    let cause = root_cause(error);
    let failure = Failure::new(Category::Network, format!("{what}: {cause}"));
    if error.is_connect() || error.is_builder() {
        failure.hint("Check the base URL, DNS, the firewall and whether the other side is up.")
    } else {
        failure.effect_unknown()
    }
}

fn root_cause(error: &reqwest::Error) -> String {
    if error.is_timeout() {
        return "no answer in time".to_owned();
    }
    let mut cause: &dyn std::error::Error = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    cause.to_string()
}

/// What `Retry-After` asks for, as seconds or as a date.
#[must_use]
pub fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = headers
        .get(http::header::RETRY_AFTER)?
        .to_str()
        .ok()?
        .trim();
    if let Ok(seconds) = text.parse::<f64>() {
        return (seconds.is_finite() && seconds >= 0.0)
            .then(|| Duration::from_secs_f64(seconds.min(86_400.0)));
    }
    let moment = jiff::fmt::rfc2822::parse(text).ok()?.timestamp();
    let wait = moment.duration_since(Timestamp::now());
    Some(Duration::try_from(wait).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16) -> Response {
        Response {
            status: StatusCode::from_u16(status).unwrap(),
            headers: HeaderMap::new(),
            body: bytes::Bytes::new(),
        }
    }

    #[test]
    fn statuses_mean_what_the_design_says() {
        for (status, category) in [
            (401, Category::Authentication),
            (403, Category::Authentication),
            (429, Category::RateLimited),
            (500, Category::Server),
            (503, Category::Server),
            (408, Category::Server),
            (400, Category::Validation),
            (404, Category::Validation),
            (422, Category::Validation),
        ] {
            assert_eq!(
                classify("x", &answer(status)).category,
                category,
                "{status}"
            );
        }
    }

    #[test]
    fn retry_after_reads_seconds_and_dates() {
        let headers =
            |text: &str| HeaderMap::from_iter([(http::header::RETRY_AFTER, text.parse().unwrap())]);
        assert_eq!(retry_after(&headers("30")), Some(Duration::from_secs(30)));
        assert_eq!(retry_after(&headers("-1")), None);
        assert_eq!(
            retry_after(&headers("Wed, 21 Oct 2015 07:28:00 GMT")),
            Some(Duration::ZERO)
        );
        assert_eq!(retry_after(&headers("soon")), None);
    }
}
