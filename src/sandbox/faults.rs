//! Trouble on demand: what can go wrong on the way to a vendor and back.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::extract::{ConnectInfo, Request, State};
use axum::http::{Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};

use super::chance::Dice;
use super::control;
use super::server::Severance;
use crate::model::{Clock, Random, Timestamp};

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum FaultKind {
    /// The answer comes late.
    Latency {
        /// By how much.
        milliseconds: u64,
    },
    /// 429, in the vendor's own shape.
    RateLimited {
        /// What `Retry-After` says.
        retry_after_seconds: u64,
    },
    /// A 5xx, in the vendor's own shape.
    ServerError {
        /// The status: 500, 502, 503 or 504.
        status: u16,
    },
    /// The connection is reset before the request is handled.
    ResetBefore,
    /// The request takes effect, then the connection is reset: the answer is lost. Strikes only writes
    /// that succeeded.
    LostResponse,
    /// The request takes effect and its answer is held back: the connection stays open and silent until the caller
    /// hangs up. Strikes only writes that succeeded.
    WithheldResponse,
    /// 401, in the vendor's own shape, whatever the credentials: an expired or revoked key.
    Unauthorized,
}

/// How often it goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Extent {
    /// For the next so many requests in scope.
    Times(u32),
    /// With this chance (0 to 1) for every request in scope, until cleared.
    Chance(f64),
    /// For every request in scope during the next so many milliseconds.
    Milliseconds(u64),
}

/// Trouble in waiting: what, how often, for which requests.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Fault {
    /// What goes wrong.
    #[serde(flatten)]
    pub kind: FaultKind,
    /// How often.
    pub extent: Extent,
    /// Only requests of this method, e.g. `POST`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub method: Option<String>,
    /// Only requests whose path contains this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// Only requests whose path ends with this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path_end: Option<String>,
}

impl Fault {
    /// Trouble for the next request, whichever it is.
    #[must_use]
    pub fn once(kind: FaultKind) -> Self {
        Self::times(kind, 1)
    }

    /// Trouble for the next requests.
    #[must_use]
    pub fn times(kind: FaultKind, count: u32) -> Self {
        Self::of(kind, Extent::Times(count))
    }

    /// Trouble with a chance between 0 and 1.
    #[must_use]
    pub fn with_chance(kind: FaultKind, fraction: f64) -> Self {
        Self::of(kind, Extent::Chance(fraction))
    }

    /// Trouble for a while.
    #[must_use]
    pub fn lasting(kind: FaultKind, duration: Duration) -> Self {
        let milliseconds = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
        Self::of(kind, Extent::Milliseconds(milliseconds))
    }

    fn of(kind: FaultKind, extent: Extent) -> Self {
        Self {
            kind,
            extent,
            method: None,
            path: None,
            path_end: None,
        }
    }

    /// Only for requests of this method whose path contains this text.
    #[must_use]
    pub fn on(mut self, method: &Method, path: impl Into<String>) -> Self {
        self.method = Some(method.to_string());
        self.path = Some(path.into());
        self
    }

    /// Only for requests of this method whose path ends with this text.
    #[must_use]
    pub fn on_end(mut self, method: &Method, end: impl Into<String>) -> Self {
        self.method = Some(method.to_string());
        self.path_end = Some(end.into());
        self
    }

    fn concerns(&self, method: &Method, path: &str) -> bool {
        let same_method = |wanted: &String| wanted.eq_ignore_ascii_case(method.as_str());
        let is_in = |part: &String| path.contains(part.as_str());
        let is_end = |end: &String| path.ends_with(end.as_str());
        self.method.as_ref().is_none_or(same_method)
            && self.path.as_ref().is_none_or(is_in)
            && self.path_end.as_ref().is_none_or(is_end)
    }
}

struct Waiting {
    fault: Fault,
    until: Option<Timestamp>,
}

/// The trouble in waiting for one stand-in. Cheap to clone; clones share it.
#[derive(Clone)]
pub struct Faults(Arc<Shared>);

struct Shared {
    /// Read on every request, so that the usual case takes no lock.
    count: AtomicUsize,
    waiting: Mutex<Vec<Waiting>>,
    dice: Dice,
    clock: Arc<dyn Clock>,
}

impl Faults {
    pub(super) fn new(seed: u64, clock: Arc<dyn Clock>) -> Self {
        Self(Arc::new(Shared {
            count: AtomicUsize::new(0),
            waiting: Mutex::default(),
            dice: Dice::new(seed),
            clock,
        }))
    }

    /// Adds trouble; what was there before strikes first.
    pub fn push(&self, fault: Fault) {
        let until = match fault.extent {
            Extent::Milliseconds(count) => Some(later(self.0.clock.now(), count)),
            Extent::Times(_) | Extent::Chance(_) => None,
        };
        let mut waiting = self.lock();
        waiting.push(Waiting { fault, until });
        self.0.count.store(waiting.len(), Ordering::Release);
    }

    /// Removes all trouble.
    pub fn clear(&self) {
        self.lock().clear();
        self.0.count.store(0, Ordering::Release);
    }

    /// The trouble in waiting.
    #[must_use]
    pub fn list(&self) -> Vec<Fault> {
        let waiting = self.lock();
        waiting
            .iter()
            .map(|waiting| waiting.fault.clone())
            .collect()
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Waiting>> {
        self.0
            .waiting
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn are_none(&self) -> bool {
        self.0.count.load(Ordering::Acquire) == 0
    }

    /// Takes the first fault of a sort that concerns this request.
    fn strike(
        &self,
        method: &Method,
        path: &str,
        sort: impl Fn(FaultKind) -> bool,
    ) -> Option<FaultKind> {
        let now = self.0.clock.now();
        let mut waiting = self.lock();
        waiting.retain(|waiting| waiting.until.is_none_or(|until| now < until));
        let struck = waiting.iter_mut().find_map(|waiting| {
            let fault = &mut waiting.fault;
            if !sort(fault.kind) || !fault.concerns(method, path) {
                return None;
            }
            match &mut fault.extent {
                Extent::Times(0) => None,
                Extent::Times(count) => {
                    *count -= 1;
                    Some(fault.kind)
                }
                Extent::Chance(chance) => (self.0.dice.fraction() < *chance).then_some(fault.kind),
                Extent::Milliseconds(_) => Some(fault.kind),
            }
        });
        waiting.retain(|waiting| waiting.fault.extent != Extent::Times(0));
        self.0.count.store(waiting.len(), Ordering::Release);
        struck
    }
}

fn later(now: Timestamp, milliseconds: u64) -> Timestamp {
    now.checked_add(Duration::from_millis(milliseconds))
        .unwrap_or(Timestamp::MAX)
}

/// A refusal that every vendor words differently.
#[derive(Clone, Copy, Debug)]
pub(super) enum Refusal {
    RateLimited { retry_after_seconds: u64 },
    ServerError(StatusCode),
    Unauthorized,
}

/// What the fault layer of a stand-in needs: the trouble, and the vendor's way to refuse.
#[derive(Clone)]
pub(super) struct FaultLayer {
    pub(super) faults: Faults,
    pub(super) refuse: fn(Refusal) -> Response,
}

/// The layer: lets trouble strike before and after a request is handled.
pub(super) async fn strike(
    State(layer): State<FaultLayer>,
    ConnectInfo(severance): ConnectInfo<Severance>,
    request: Request,
    next: Next,
) -> Response {
    if layer.faults.are_none() || request.uri().path().starts_with(control::BASE) {
        return next.run(request).await;
    }
    let method = request.method().clone();
    let path = request.uri().path().to_owned();
    let is_latency = |kind| matches!(kind, FaultKind::Latency { .. });
    if let Some(FaultKind::Latency { milliseconds }) =
        layer.faults.strike(&method, &path, is_latency)
    {
        tokio::time::sleep(Duration::from_millis(milliseconds)).await;
    }
    let is_loss = |kind| matches!(kind, FaultKind::LostResponse | FaultKind::WithheldResponse);
    let is_refusal = |kind| !is_latency(kind) && !is_loss(kind);
    if let Some(kind) = layer.faults.strike(&method, &path, is_refusal) {
        return refuse(&layer, kind, &severance);
    }
    let response = next.run(request).await;
    let took_effect = response.status().is_success() && !method.is_safe();
    if !took_effect {
        return response;
    }
    match layer.faults.strike(&method, &path, is_loss) {
        // Ends with the connection, which drops whoever waits here.
        Some(FaultKind::WithheldResponse) => std::future::pending().await,
        Some(_) => severance.cut(),
        None => {}
    }
    response
}

fn refuse(layer: &FaultLayer, kind: FaultKind, severance: &Severance) -> Response {
    match kind {
        FaultKind::RateLimited {
            retry_after_seconds,
        } => (layer.refuse)(Refusal::RateLimited {
            retry_after_seconds,
        }),
        FaultKind::ServerError { status } => {
            let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            (layer.refuse)(Refusal::ServerError(status))
        }
        FaultKind::Unauthorized => (layer.refuse)(Refusal::Unauthorized),
        FaultKind::ResetBefore
        | FaultKind::LostResponse
        | FaultKind::WithheldResponse
        | FaultKind::Latency { .. } => {
            severance.cut();
            StatusCode::NO_CONTENT.into_response()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ManualClock;

    fn faults() -> (Faults, Arc<ManualClock>) {
        let clock = Arc::new(ManualClock::at(Timestamp::UNIX_EPOCH));
        (Faults::new(1, clock.clone()), clock)
    }

    fn any(_: FaultKind) -> bool {
        true
    }

    #[test]
    fn a_counted_fault_strikes_so_many_times_in_its_scope_only() {
        let (faults, _) = faults();
        faults.push(Fault::times(FaultKind::ResetBefore, 2).on(&Method::POST, "/workorders"));
        let strike = |method, path| faults.strike(&method, path, any);
        assert_eq!(strike(Method::GET, "/workorders"), None);
        assert_eq!(strike(Method::POST, "/other"), None);
        assert_eq!(
            strike(Method::POST, "/workorders"),
            Some(FaultKind::ResetBefore)
        );
        assert_eq!(
            strike(Method::POST, "/workorders/1"),
            Some(FaultKind::ResetBefore)
        );
        assert_eq!(strike(Method::POST, "/workorders"), None);
        assert!(faults.are_none());
        faults.push(Fault::once(FaultKind::WithheldResponse).on_end(&Method::POST, "/tickets"));
        assert_eq!(strike(Method::POST, "/tickets/query"), None);
        assert!(strike(Method::POST, "/v1/tickets").is_some());
    }

    #[test]
    fn a_lasting_fault_ends_with_its_time() {
        let (faults, clock) = faults();
        faults.push(Fault::lasting(
            FaultKind::Unauthorized,
            Duration::from_secs(3),
        ));
        assert!(faults.strike(&Method::GET, "/", any).is_some());
        clock.advance(Duration::from_secs(2));
        assert!(faults.strike(&Method::GET, "/", any).is_some());
        clock.advance(Duration::from_secs(1));
        assert!(faults.strike(&Method::GET, "/", any).is_none());
        assert!(faults.are_none());
    }

    #[test]
    fn a_chance_strikes_about_as_often_as_it_says() {
        let (faults, _) = faults();
        faults.push(Fault::with_chance(FaultKind::LostResponse, 0.25));
        let struck = (0..4_000).filter(|_| faults.strike(&Method::PUT, "/", any).is_some());
        let count = struck.count();
        assert!((850..1_150).contains(&count), "{count}");
    }

    #[test]
    fn faults_read_from_json_as_the_control_page_takes_them() {
        let text = r#"{"kind":"latency","milliseconds":200,"extent":{"times":3},"method":"POST"}"#;
        let fault: Fault = serde_json::from_str(text).unwrap();
        assert_eq!(fault.kind, FaultKind::Latency { milliseconds: 200 });
        assert_eq!(fault.extent, Extent::Times(3));
        let text = r#"{"kind":"reset_before","extent":{"milliseconds":50}}"#;
        let fault: Fault = serde_json::from_str(text).unwrap();
        assert_eq!(fault.extent, Extent::Milliseconds(50));
    }
}
