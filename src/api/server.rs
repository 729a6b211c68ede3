//! The control socket: made, guarded, served, taken away.

use std::fs::{self, DirBuilder, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, FileTypeExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use tokio::net::{UnixListener, UnixStream};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::hub::Hub;
use super::people::Peer;
use super::routes::{self, Served};
use crate::config::Roles;
use crate::engine::Control;
use crate::model::Clock;

/// How long requests under way may still take when the server stops.
const GRACE: Duration = Duration::from_secs(2);

/// What is served, and to whom.
pub struct ServerSetup {
    /// The engine.
    pub control: Arc<dyn Control>,
    /// Where to listen.
    pub socket: PathBuf,
    /// Who may do what.
    pub roles: Roles,
    /// What people call this installation.
    pub name: String,
    /// Where the time of commands comes from.
    pub clock: Arc<dyn Clock>,
}

/// Why the control socket can't be served.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// Another engine answers there.
    #[error(
        "an engine already answers at {}; attach to it with `fieldbridge`, or stop it first",
        .0.display()
    )]
    InUse(PathBuf),
    /// Something else is in the way.
    #[error("{} is in the way and is no socket; move it away", .0.display())]
    InTheWay(PathBuf),
    /// The path is longer than the system allows for a socket (about a hundred bytes).
    #[error(
        "the path of the control socket {} is too long; choose a data directory with a shorter path",
        .0.display()
    )]
    TooLong(PathBuf),
    /// The system refuses.
    #[error("the control socket {} can't be made: {error}", .path.display())]
    Io {
        /// The socket.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
}

/// A control socket that is served. Dropping it ends it at once; [`Server::stop`] ends it in order.
pub struct Server {
    tasks: JoinSet<()>,
    end: CancellationToken,
    socket: SocketFile,
    served: Arc<Served>,
}

impl Server {
    /// Listens at the socket and serves the engine there. Must be called within a tokio runtime.
    ///
    /// Only the engine's user can open the socket, unless roles name others: then anybody can, and whoever is not
    /// named is refused by the identity that the kernel vouches for.
    ///
    /// # Errors
    /// [`ServerError`], which says what is in the way.
    pub async fn start(setup: ServerSetup) -> Result<Self, ServerError> {
        let (listener, socket) = listen(&setup.socket, &setup.roles).await?;
        let end = CancellationToken::new();
        let (hub, watching) = Hub::new(Arc::clone(&setup.control), end.clone());
        let served = Arc::new(Served {
            control: setup.control,
            hub,
            roles: ArcSwap::from_pointee(setup.roles),
            name: setup.name,
            clock: setup.clock,
        });
        let routes = routes::routes(Arc::clone(&served));
        let service = routes.into_make_service_with_connect_info::<Peer>();
        let mut tasks = JoinSet::new();
        tasks.spawn(watching);
        let ended = end.clone().cancelled_owned();
        tasks.spawn(async move {
            let serving = axum::serve(listener, service).with_graceful_shutdown(ended);
            if let Err(error) = serving.await {
                tracing::error!(%error, "the control socket is no longer served");
            }
        });
        Ok(Self {
            tasks,
            end,
            socket,
            served,
        })
    }

    /// Where it listens.
    #[must_use]
    pub fn socket(&self) -> &Path {
        &self.socket.path
    }

    /// Puts other roles in force, for requests from now on.
    ///
    /// # Errors
    /// When the socket can't be opened to others or closed to them.
    pub fn set_roles(&self, roles: Roles) -> io::Result<()> {
        permit(&self.socket.path, &roles)?;
        self.served.roles.store(Arc::new(roles));
        Ok(())
    }

    /// Ends all listening, lets requests under way finish for a moment, and removes the socket.
    pub async fn stop(mut self) {
        self.end.cancel();
        let finished = async { while self.tasks.join_next().await.is_some() {} };
        if tokio::time::timeout(GRACE, finished).await.is_err() {
            tracing::warn!("a request at the control socket did not end in time and was cut off");
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.end.cancel();
    }
}

/// The socket's file, removed when it is dropped unless somebody else has put another in its place.
struct SocketFile {
    path: PathBuf,
    identity: Option<(u64, u64)>,
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        if self.identity.is_some() && identity(&self.path) == self.identity {
            let _gone_already = fs::remove_file(&self.path);
        }
    }
}

fn identity(path: &Path) -> Option<(u64, u64)> {
    let metadata = fs::symlink_metadata(path).ok()?;
    Some((metadata.dev(), metadata.ino()))
}

async fn listen(path: &Path, roles: &Roles) -> Result<(UnixListener, SocketFile), ServerError> {
    let failed = |error: io::Error| match error.kind() {
        io::ErrorKind::InvalidInput => ServerError::TooLong(path.to_owned()),
        _ => ServerError::Io {
            path: path.to_owned(),
            error,
        },
    };
    if let Some(directory) = path.parent().filter(|parent| !parent.exists()) {
        let mut builder = DirBuilder::new();
        let made = builder.recursive(true).mode(0o700).create(directory);
        made.map_err(failed)?;
    }
    make_way(path).await?;
    let listener = UnixListener::bind(path).map_err(failed)?;
    let socket = SocketFile {
        path: path.to_owned(),
        identity: identity(path),
    };
    permit(path, roles).map_err(failed)?;
    Ok((listener, socket))
}

/// Removes the socket that a crashed engine left behind, and nothing else.
async fn make_way(path: &Path) -> Result<(), ServerError> {
    let Ok(metadata) = fs::symlink_metadata(path) else {
        return Ok(());
    };
    if !metadata.file_type().is_socket() {
        return Err(ServerError::InTheWay(path.to_owned()));
    }
    match UnixStream::connect(path).await {
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => fs::remove_file(path)
            .map_err(|error| ServerError::Io {
                path: path.to_owned(),
                error,
            }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Ok(_) | Err(_) => Err(ServerError::InUse(path.to_owned())),
    }
}

/// Opens the socket to those who may have a role: the engine's user alone, or whoever the kernel then names.
fn permit(path: &Path, roles: &Roles) -> io::Result<()> {
    if roles.viewer.is_empty() && roles.support.is_empty() && roles.admin.is_empty() {
        return fs::set_permissions(path, Permissions::from_mode(0o600));
    }
    fs::set_permissions(path, Permissions::from_mode(0o666))?;
    let Some(directory) = path.parent() else {
        return Ok(());
    };
    // To reach the socket one must be able to pass through its directory, but not to list it.
    let mode = fs::metadata(directory)?.permissions().mode();
    if mode & 0o011 == 0o011 {
        return Ok(());
    }
    fs::set_permissions(directory, Permissions::from_mode(mode | 0o011))
}
