//! One loopback server: listening, severing connections on demand, stopping.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Router;
use axum::extract::connect_info::Connected;
use axum::serve::{IncomingStream, Listener};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::SandboxProblem;

/// How long a stopping server waits for answers that are under way.
const PATIENCE: Duration = Duration::from_millis(500);

/// A socket that is bound and not served yet, so that a stand-in knows its address before it has any state.
pub(super) struct Door {
    listener: TcpListener,
    address: SocketAddr,
}

impl Door {
    /// Binds an address, which must be on loopback: stand-ins know no transport security.
    pub(super) async fn open(address: SocketAddr) -> Result<Self, SandboxProblem> {
        if !address.ip().is_loopback() {
            return Err(SandboxProblem::NotLoopback(address));
        }
        let bind = |source| SandboxProblem::Listen { address, source };
        let listener = TcpListener::bind(address).await.map_err(bind)?;
        let address = listener.local_addr().map_err(bind)?;
        Ok(Self { listener, address })
    }

    /// The address with the port that was given.
    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Begins to answer.
    pub(super) fn serve(self, routes: Router) -> Server {
        let stop = CancellationToken::new();
        let service = routes.into_make_service_with_connect_info::<Severance>();
        let stopped = stop.clone().cancelled_owned();
        let task = tokio::spawn(async move {
            // Serving ends only by the signal; the listener retries what it can't accept.
            let _ = axum::serve(Visitors(self.listener), service)
                .with_graceful_shutdown(stopped)
                .await;
        });
        Server { stop, task }
    }
}

/// A server at work. Dropping it stops it.
#[derive(Debug)]
pub(super) struct Server {
    stop: CancellationToken,
    task: JoinHandle<()>,
}

impl Server {
    /// Stops accepting, lets answers under way finish for a moment, then ends.
    pub(super) async fn stop(mut self) {
        self.stop.cancel();
        if tokio::time::timeout(PATIENCE, &mut self.task)
            .await
            .is_err()
        {
            self.task.abort();
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

/// Accepts connections that can be cut.
struct Visitors(TcpListener);

impl Listener for Visitors {
    type Io = Wire;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Wire, SocketAddr) {
        let (stream, address) = Listener::accept(&mut self.0).await;
        // Small answers must not wait for the peer's acknowledgement.
        let _ = stream.set_nodelay(true);
        let wire = Wire {
            stream,
            severance: Severance::default(),
        };
        (wire, address)
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        Listener::local_addr(&self.0)
    }
}

/// Cuts the connection a request came on: the caller sees a reset instead of an answer.
#[derive(Clone, Debug, Default)]
pub(super) struct Severance(Arc<AtomicBool>);

impl Severance {
    /// Lets nothing more through.
    pub(super) fn cut(&self) {
        self.0.store(true, Ordering::Release);
    }
}

impl Connected<IncomingStream<'_, Visitors>> for Severance {
    fn connect_info(stream: IncomingStream<'_, Visitors>) -> Self {
        stream.io().severance.clone()
    }
}

/// A connection whose writes fail once it is cut, which makes the server drop it with a reset.
struct Wire {
    stream: TcpStream,
    severance: Severance,
}

impl Wire {
    fn check(&self) -> io::Result<()> {
        if !self.severance.0.load(Ordering::Acquire) {
            return Ok(());
        }
        // Without lingering, closing sends RST and not FIN.
        let _ = self.stream.set_zero_linger();
        Err(io::ErrorKind::ConnectionReset.into())
    }
}

impl AsyncRead for Wire {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for Wire {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.check()?;
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.check()?;
        Pin::new(&mut self.stream).poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}
