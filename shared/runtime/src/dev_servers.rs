//! Private PostgreSQL and NATS servers, for `deploy/run`, `oss dev` and tests.
//!
//! Servers are found or installed ([`nats::find`], [`postgres::find`]), run on loopback and on
//! sockets under a folder that is ours alone ([`DataDir`]), and are stopped by process id. Each has
//! a guardian: a shell that waits for a pipe from us to close, so that the server is stopped even
//! where we are killed. Should the guardian be killed too, the next start finds the orphan by its
//! pid file, makes sure by the command line that it is the server of this folder, and stops it.

pub mod nats;
pub mod passwords;
pub mod postgres;
pub mod process;
mod wheel;

use crate::Secret;
use rand_core::{CryptoRng, RngCore};
use std::{
    fs::{self, File, TryLockError},
    io,
    os::unix::fs::{DirBuilderExt, PermissionsExt},
    path::{Path, PathBuf},
};
use tokio_util::sync::CancellationToken;

pub use nats::{NatsServer, NatsUser};
pub use passwords::Passwords;
pub use postgres::PostgresServer;

/// Is told one line for each step that a person may have to wait for.
pub type Progress<'a> = &'a (dyn Fn(&str) + Send + Sync);

/// Why a server does not run, and what to do about it.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No usable server was found and none could be installed.
    #[error("no usable {server} was found: {tried}\n{remedy}")]
    NotFound {
        /// Which server.
        server: &'static str,
        /// What was tried.
        tried: String,
        /// The line to type.
        remedy: String,
    },
    /// A port that was asked for is in use.
    #[error("port {port} for {what} is taken: stop what uses it or choose another with {flag}")]
    PortTaken {
        /// For what it was meant.
        what: &'static str,
        /// The port.
        port: u16,
        /// The option of `deploy/run` that chooses another.
        flag: &'static str,
    },
    /// Another process works on this folder.
    #[error("{} is in use by another running One Stop Shop: stop that one, or choose another folder with --data-dir", dir.display())]
    InUse {
        /// The folder.
        dir: PathBuf,
    },
    /// A file or folder could not be read or written.
    #[error("could not {what} {}", path.display())]
    File {
        /// What was to be done.
        what: &'static str,
        /// With what.
        path: PathBuf,
        /// What went wrong.
        source: io::Error,
    },
    /// A program failed or could not be started.
    #[error("could not {what}: {output}")]
    Command {
        /// What it was to do.
        what: String,
        /// The end of what it wrote.
        output: String,
    },
    /// A server ended or hung before it was ready.
    #[error("{server} did not start; the end of {}:\n{tail}", log.display())]
    DidNotStart {
        /// Which server.
        server: &'static str,
        /// Where its log is.
        log: PathBuf,
        /// The log's last lines.
        tail: String,
    },
    /// A server ended although nobody stopped it.
    #[error("{server} ended by itself; see {}", log.display())]
    Ended {
        /// Which server.
        server: &'static str,
        /// Where its log is.
        log: PathBuf,
    },
}

impl Error {
    fn file(what: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::File { what, path, source }
    }
}

/// Whether data must survive a power cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durability {
    /// Synced to the disk before anything is acknowledged; data stays for the next start.
    Kept,
    /// For tests: not synced, and the folder is removed with the server.
    Throwaway,
}

/// A folder that one running process owns, for as long as this value lives.
#[derive(Debug)]
pub struct DataDir {
    path: PathBuf,
    _lock: File,
}

impl DataDir {
    /// Makes the folder if need be and takes its lock, which the system frees however we end.
    ///
    /// # Errors
    ///
    /// Returns [`Error::InUse`] where another process has it, [`Error::File`] where it cannot be made.
    pub fn open(path: &Path) -> Result<Self, Error> {
        // As root PostgreSQL runs as another user, who must be able to pass through; nothing in
        // here can be read without its own permission.
        let mode = if process::is_root() { 0o711 } else { 0o700 };
        make_dir(path, mode)?;
        let path = fs::canonicalize(path).map_err(Error::file("find", path))?;
        let lock_path = path.join("lock");
        let lock = File::create(&lock_path).map_err(Error::file("open", &lock_path))?;
        match lock.try_lock() {
            Ok(()) => Ok(Self { path, _lock: lock }),
            Err(TryLockError::WouldBlock) => Err(Error::InUse { dir: path }),
            Err(TryLockError::Error(source)) => Err(Error::file("lock", &lock_path)(source)),
        }
    }

    /// The folder, absolute.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }
}

/// What `oss dev` needs to know to start its servers.
#[derive(Debug)]
pub struct Options<'a> {
    /// Where all data is.
    pub data_dir: &'a DataDir,
    /// Where wheels are installed; may be shared by several data folders.
    pub tools_dir: &'a Path,
    /// `$NATS_SERVER`, if set.
    pub nats_server: Option<&'a Path>,
    /// NATS's port; `None` takes a free one.
    pub nats_port: Option<u16>,
    /// PostgreSQL's port; `None` takes a free one.
    pub postgres_port: Option<u16>,
    /// NATS's users; their passwords come from [`Passwords`].
    pub nats_users: &'a [NatsUser],
}

/// Both servers, running.
#[derive(Debug)]
pub struct DevServers {
    /// The message broker.
    pub nats: NatsServer,
    /// The database.
    pub postgres: PostgresServer,
}

impl DevServers {
    /// Finds or installs both servers and starts them side by side.
    ///
    /// # Errors
    ///
    /// Returns an [`Error`] that says what to do.
    pub async fn start<R: RngCore + CryptoRng + Send>(
        options: Options<'_>,
        rng: &mut R,
        progress: Progress<'_>,
    ) -> Result<Self, Error> {
        let nats_program = nats::find(options.nats_server, options.tools_dir, progress).await?;
        let dir = options.data_dir.path();
        let (cluster, broker) = (dir.join("postgres"), dir.join("nats"));
        let installation =
            postgres::find(options.tools_dir, postgres::version_of(&cluster), progress).await?;
        let password = Passwords::open(dir)?.get_or_generate("postgres", rng)?;
        let socket_name: Secret<String> = Secret::generate(rng);
        progress("starting PostgreSQL and NATS");
        let (postgres, nats) = tokio::try_join!(
            PostgresServer::start(postgres::Settings {
                installation: &installation,
                dir: &cluster,
                port: options.postgres_port,
                password: Some(&password),
                short_name: socket_name.expose(),
                durability: Durability::Kept,
            }),
            NatsServer::start(nats::Settings {
                program: &nats_program,
                dir: &broker,
                port: options.nats_port,
                users: options.nats_users,
                durability: Durability::Kept,
            }),
        )?;
        Ok(Self { nats, postgres })
    }

    /// Runs until `stop` is cancelled. For [`crate::Lifecycle::spawn_critical`]; [`Self::stop`] comes
    /// after the lifecycle's end, so that the roles can finish what is in hand.
    ///
    /// # Errors
    ///
    /// Fails where a server ends before that.
    pub fn watch(
        &self,
        stop: CancellationToken,
    ) -> impl Future<Output = Result<(), Error>> + Send + 'static {
        let (nats, postgres) = (self.nats.ended(), self.postgres.ended());
        async move {
            tokio::select! {
                () = stop.cancelled() => Ok(()),
                error = nats => Err(error),
                error = postgres => Err(error),
            }
        }
    }

    /// Stops both, cleanly, side by side.
    pub async fn stop(self) {
        tokio::join!(self.nats.stop(), self.postgres.stop());
    }
}

fn make_dir(path: &Path, mode: u32) -> Result<(), Error> {
    fs::DirBuilder::new()
        .recursive(true)
        .mode(mode)
        .create(path)
        .and_then(|()| fs::set_permissions(path, fs::Permissions::from_mode(mode)))
        .map_err(Error::file("make the folder", path))
}

/// Makes sure that nobody listens on a port that was asked for.
fn check_port(what: &'static str, flag: &'static str, port: Option<u16>) -> Result<(), Error> {
    match port {
        Some(port) if std::net::TcpListener::bind(("127.0.0.1", port)).is_err() => {
            Err(Error::PortTaken { what, port, flag })
        }
        _ => Ok(()),
    }
}

/// The last lines of a log, for an error.
fn tail_of(log: &Path) -> String {
    let bytes = fs::read(log).unwrap_or_default();
    tail(&String::from_utf8_lossy(&bytes))
}

fn tail(text: &str) -> String {
    const LINES: usize = 12;
    let lines: Vec<&str> = text.lines().collect();
    let skip = lines.len().saturating_sub(LINES);
    lines.into_iter().skip(skip).collect::<Vec<_>>().join("\n")
}
