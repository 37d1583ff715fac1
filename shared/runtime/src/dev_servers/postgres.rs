//! A private PostgreSQL.

mod cluster;
mod installation;

use super::{
    Durability, Error, check_port,
    process::{self, Plan, Process},
};
use crate::Secret;
use cluster::{create_cluster, make_owned_dir, reachable};
use std::{
    fs,
    net::TcpListener,
    path::{Path, PathBuf},
    time::Duration,
};
use tokio::process::Command;

pub use installation::{Installation, find, version_of};

/// How long the server may take to recover.
const START_LIMIT: Duration = Duration::from_mins(1);

/// How long it may take for its last checkpoint.
const GRACE: Duration = Duration::from_secs(30);

/// The longest path of a socket that the system takes, in bytes.
const SOCKET_PATH_MAX: usize = 107;

/// The superuser and its database.
const OWNER: &str = "oss";

/// What a server is started with.
#[derive(Debug)]
pub struct Settings<'a> {
    /// The programs.
    pub installation: &'a Installation,
    /// The server's own folder.
    pub dir: &'a Path,
    /// The port on loopback; `None` takes a free one.
    pub port: Option<u16>,
    /// The owner's password. Without one, anybody who can reach the socket (its folder's owner and
    /// root) may enter, and there is no port: for tests.
    pub password: Option<&'a Secret<String>>,
    /// A name that is not taken, for a folder in /tmp where `dir` is too long for a socket or where
    /// the server's user cannot reach it.
    pub short_name: &'a str,
    /// Whether data must survive.
    pub durability: Durability,
}

/// A running PostgreSQL.
#[derive(Debug)]
pub struct PostgresServer {
    process: Process,
    port: u16,
    socket_dir: PathBuf,
    short_dir: Option<PathBuf>,
    password: Option<Secret<String>>,
    psql: PathBuf,
}

impl PostgresServer {
    /// Makes the cluster if there is none, stops an orphan of this folder, starts the server and
    /// waits until it takes connections. There is a database `oss`.
    ///
    /// # Errors
    ///
    /// Returns an error where the port is taken, the data is of another version, or the server does
    /// not come up.
    pub async fn start(settings: Settings<'_>) -> Result<Self, Error> {
        let Settings {
            installation,
            dir,
            port,
            password,
            short_name,
            durability,
        } = settings;
        let run_as = process::is_root()
            .then(process::unprivileged_user)
            .transpose()?;
        let dir = &reachable(dir, run_as, short_name).await?;
        let data = dir.join("data");
        process::stop_orphan(&data.join("postmaster.pid"), &data, "INT", GRACE).await;
        check_port("PostgreSQL", "--postgres-port", port)?;
        create_cluster(installation, dir, run_as, password).await?;
        let long = dir.join(".s.PGSQL.65535").as_os_str().len() > SOCKET_PATH_MAX;
        let short_dir = long.then(|| PathBuf::from(format!("/tmp/oss-{short_name:.12}")));
        if let Some(short_dir) = &short_dir {
            make_owned_dir(short_dir, run_as)?;
        }
        let socket_dir = short_dir.clone().unwrap_or_else(|| dir.clone());
        let port = port.map_or_else(free_port, Ok)?;
        // What is left of a server that was killed would be taken for one that is ready.
        let pid_file = data.join("postmaster.pid");
        let _ = fs::remove_file(&pid_file);
        let throwaway = durability == Durability::Throwaway;
        let process = Process::start(Plan {
            server: "PostgreSQL",
            program: &installation.bin.join("postgres"),
            args: arguments(&data, port, &socket_dir, password.is_some(), durability),
            run_as,
            log: dir.join("postgres.log"),
            // "Fast": connections are closed, a checkpoint is written. "Immediate" for tests.
            stop_signal: if throwaway { "QUIT" } else { "INT" },
            grace: GRACE,
            leftovers: short_dir
                .clone()
                .into_iter()
                .chain(throwaway.then(|| dir.clone()))
                .collect(),
        })?;
        process
            .ready(START_LIMIT, || is_ready(&pid_file).then_some(()))
            .await?;
        let server = Self {
            process,
            port,
            socket_dir,
            short_dir,
            password: password.cloned(),
            psql: installation.bin.join("psql"),
        };
        let marker = dir.join("database-created");
        if !marker.exists() {
            server.create_database(OWNER).await?;
            fs::write(&marker, "").map_err(Error::file("write", &marker))?;
        }
        Ok(server)
    }

    /// Creates a database, if it does not exist.
    ///
    /// # Errors
    ///
    /// Returns an error where the name is unfit or the server refuses.
    pub async fn create_database(&self, name: &str) -> Result<(), Error> {
        create_database(
            &self.psql,
            &self.socket_dir,
            self.port,
            self.password.as_ref(),
            name,
        )
        .await
    }

    /// The address of the database `oss` on loopback, or on the socket where there is no password.
    #[must_use]
    pub fn url(&self) -> Secret<String> {
        let Some(password) = &self.password else {
            return self.socket_url(OWNER);
        };
        let (port, password) = (self.port, password.expose());
        Secret::new(format!(
            "postgres://{OWNER}:{password}@127.0.0.1:{port}/{OWNER}"
        ))
    }

    /// The address of a database on the socket: a little quicker.
    #[must_use]
    pub fn socket_url(&self, database: &str) -> Secret<String> {
        let password = self
            .password
            .as_ref()
            .map(|password| format!(":{}", password.expose()));
        Secret::new(format!(
            "postgres://{OWNER}{}@localhost:{}/{database}?host={}",
            password.unwrap_or_default(),
            self.port,
            self.socket_dir.display()
        ))
    }

    /// The folder of the socket.
    #[must_use]
    pub fn socket_dir(&self) -> &Path {
        &self.socket_dir
    }

    /// The port on loopback, and the number in the socket's name.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The process id.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.process.pid()
    }

    /// Waits until the server ends, which it should not do by itself.
    pub fn ended(&self) -> impl Future<Output = Error> + Send + 'static {
        self.process.ended()
    }

    /// Stops it cleanly; its folder stays.
    pub async fn stop(self) {
        self.process.stop().await;
        if let Some(short_dir) = &self.short_dir {
            let _ = fs::remove_dir_all(short_dir);
        }
    }

    /// Lets it go: it outlives us, and whoever asks for this sees to its end. For tests.
    pub async fn leave_running(self) {
        self.process.leave_running().await;
    }

    /// Ends it as a crash would; its folder stays. For tests.
    pub async fn kill(self) {
        self.process.kill().await;
    }
}

fn arguments(
    data: &Path,
    port: u16,
    socket_dir: &Path,
    on_loopback: bool,
    durability: Durability,
) -> Vec<String> {
    let mut settings = vec![
        format!(
            "listen_addresses={}",
            if on_loopback { "127.0.0.1" } else { "" }
        ),
        format!("unix_socket_directories={}", socket_dir.display()),
        format!("port={port}"),
        "max_connections=200".to_owned(),
        "timezone=UTC".to_owned(),
        // Commits wait for the disk while a new segment of the log is filled with zeros, and a new
        // cluster has none to use again. Its space is then found as it is written.
        "wal_init_zero=off".to_owned(),
    ];
    if durability == Durability::Throwaway {
        settings.extend(
            [
                "fsync=off",
                "synchronous_commit=off",
                "full_page_writes=off",
            ]
            .map(Into::into),
        );
    }
    let mut arguments = vec!["-D".to_owned(), data.display().to_string()];
    for setting in settings {
        arguments.extend(["-c".to_owned(), setting]);
    }
    arguments
}

/// The last line of this file is the server's state.
fn is_ready(pid_file: &Path) -> bool {
    fs::read_to_string(pid_file).is_ok_and(|text| {
        text.lines()
            .nth(7)
            .is_some_and(|state| state.trim() == "ready")
    })
}

fn free_port() -> Result<u16, Error> {
    TcpListener::bind(("127.0.0.1", 0))
        .and_then(|listener| listener.local_addr())
        .map(|address| address.port())
        .map_err(Error::file("take a free port for", Path::new("PostgreSQL")))
}

async fn create_database(
    psql: &Path,
    socket_dir: &Path,
    port: u16,
    password: Option<&Secret<String>>,
    name: &str,
) -> Result<(), Error> {
    let what = format!("create the database {name}");
    let fit = name
        .bytes()
        .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_');
    if !fit || name.is_empty() {
        return Err(Error::Command {
            what,
            output: "unfit for a name".to_owned(),
        });
    }
    let mut command = Command::new(psql);
    command
        .args([
            "--no-psqlrc",
            "--quiet",
            "--username",
            OWNER,
            "--dbname=postgres",
        ])
        .arg("--host")
        .arg(socket_dir)
        .args([
            "--port",
            &port.to_string(),
            "--command",
            &format!("CREATE DATABASE {name}"),
        ]);
    if let Some(password) = password {
        command.env("PGPASSWORD", password.expose());
    }
    match process::run(&what, &mut command).await {
        Err(Error::Command { output, .. }) if output.contains("already exists") => Ok(()),
        other => other.map(drop),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_throwaway_servers_are_not_synced() {
        let dir = Path::new("/d");
        let kept = arguments(dir, 1, dir, true, Durability::Kept).join(" ");
        assert!(
            !kept.contains("fsync") && !kept.contains("synchronous_commit"),
            "{kept}"
        );
    }
}
