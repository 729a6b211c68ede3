//! A load generator that costs little: keep-alive connections over plain sockets, one request in flight on each.

#![expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "figures for people"
)]

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// What a run measured.
pub struct Measured {
    pub accepted: u64,
    pub refused: u64,
    pub elapsed: Duration,
    pub latencies: Vec<Duration>,
}

impl Measured {
    pub fn per_second(&self) -> f64 {
        self.accepted as f64 / self.elapsed.as_secs_f64()
    }

    /// How many a second, over another time than the sending took.
    pub fn accepted_per(&self, elapsed: Duration) -> f64 {
        self.accepted as f64 / elapsed.as_secs_f64()
    }

    pub fn percentile(&self, share: f64) -> Duration {
        let place = ((self.latencies.len() as f64 - 1.0).max(0.0) * share) as usize;
        self.latencies.get(place).copied().unwrap_or_default()
    }
}

/// Sends `total` requests over `connections`; `request` writes the bytes of the n-th. On a thread of its own:
/// a generator that waits its turn behind the engine's tasks would measure its own patience.
pub async fn run(
    address: SocketAddr,
    connections: usize,
    total: u64,
    request: impl Fn(u64) -> Vec<u8> + Send + Sync + 'static,
) -> Measured {
    let (sender, receiver) = tokio::sync::oneshot::channel();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a runtime");
        let measured = runtime.block_on(generate(address, connections, total, request));
        let _ = sender.send(measured);
    });
    receiver.await.expect("the generator's thread")
}

async fn generate(
    address: SocketAddr,
    connections: usize,
    total: u64,
    request: impl Fn(u64) -> Vec<u8> + Send + Sync + 'static,
) -> Measured {
    let next = Arc::new(AtomicU64::new(0));
    let request = Arc::new(request);
    let started = Instant::now();
    let tasks: Vec<_> = (0..connections)
        .map(|_| tokio::spawn(one(address, next.clone(), total, request.clone())))
        .collect();
    let mut measured = Measured {
        accepted: 0,
        refused: 0,
        elapsed: Duration::ZERO,
        latencies: Vec::with_capacity(total as usize),
    };
    for task in tasks {
        let (accepted, refused, latencies) = task.await.expect("a connection panicked");
        measured.accepted += accepted;
        measured.refused += refused;
        measured.latencies.extend(latencies);
    }
    measured.elapsed = started.elapsed();
    measured.latencies.sort_unstable();
    measured
}

async fn one(
    address: SocketAddr,
    next: Arc<AtomicU64>,
    total: u64,
    request: Arc<impl Fn(u64) -> Vec<u8>>,
) -> (u64, u64, Vec<Duration>) {
    let mut stream = TcpStream::connect(address)
        .await
        .expect("the engine listens");
    stream.set_nodelay(true).expect("a socket option");
    let (mut accepted, mut refused, mut latencies) = (0, 0, Vec::new());
    let mut buffer = vec![0_u8; 16 * 1024];
    loop {
        let number = next.fetch_add(1, Ordering::Relaxed);
        if number >= total {
            return (accepted, refused, latencies);
        }
        let begun = Instant::now();
        stream
            .write_all(&request(number))
            .await
            .expect("the engine reads");
        let status = read_answer(&mut stream, &mut buffer).await;
        latencies.push(begun.elapsed());
        if (200..300).contains(&status) {
            accepted += 1;
        } else {
            refused += 1;
        }
    }
}

async fn read_answer(stream: &mut TcpStream, buffer: &mut [u8]) -> u16 {
    let mut filled = 0;
    loop {
        let count = stream
            .read(&mut buffer[filled..])
            .await
            .expect("the engine answers");
        assert!(count > 0, "the engine closed the connection");
        filled += count;
        let text = &buffer[..filled];
        let Some(end) = text.windows(4).position(|window| window == b"\r\n\r\n") else {
            continue;
        };
        let head = String::from_utf8_lossy(&text[..end]).to_ascii_lowercase();
        let length: usize = head
            .split("content-length: ")
            .nth(1)
            .and_then(|rest| rest.lines().next()?.trim().parse().ok())
            .unwrap_or(0);
        if filled >= end + 4 + length {
            return head
                .split(' ')
                .nth(1)
                .and_then(|code| code.parse().ok())
                .unwrap_or(0);
        }
    }
}
