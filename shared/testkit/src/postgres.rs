//! PostgreSQL for tests: one server for all that run, a database for each.

use crate::{say, tools_dir};
use oss_runtime::{
    Secret,
    dev_servers::{
        self, Durability,
        postgres::{self, Settings},
    },
    seeded_rng,
};
use std::{
    fs::{self, File},
    os::unix::{net::UnixStream, process::CommandExt},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::atomic::{AtomicU32, Ordering},
};
use tokio::sync::OnceCell;

/// Keeps the server until no test has used it for ten seconds, then stops it and removes its data.
/// `$1` is the folder, `$2` the server's process id.
///
/// Every test process holds the lock `users` shared for as long as it lives, however it ends;
/// whoever gets it alone knows that there is none.
const GUARDIAN: &str = r#"
while kill -0 "$2" 2>/dev/null; do
  flock --exclusive "$1/users" true
  sleep 10
  flock --exclusive --nonblock "$1/users" \
    sh -c 'kill -s QUIT "$2"; rm -rf "$1/server" "$1/address"' sh "$1" "$2"
done
"#;

/// A PostgreSQL without syncing, shared by all tests that this user runs on this machine.
#[derive(Debug)]
pub struct PostgresServer {
    psql: PathBuf,
    socket_dir: PathBuf,
    port: u16,
    /// Keeps two processes' databases apart.
    tag: String,
    made: AtomicU32,
    _in_use: File,
}

impl PostgresServer {
    /// The server: running already, or started now, which takes about a second.
    pub async fn shared() -> &'static Self {
        static SHARED: OnceCell<PostgresServer> = OnceCell::const_new();
        SHARED.get_or_init(Self::start_or_find).await
    }

    async fn start_or_find() -> Self {
        let uid = Command::new("id").arg("-u").output().expect("`id` runs");
        let uid = String::from_utf8_lossy(&uid.stdout).trim().to_owned();
        let dir = PathBuf::from(format!("/tmp/oss-tests-{uid}"));
        fs::create_dir_all(&dir).expect("a folder can be made in /tmp");
        let in_use = locked(&dir.join("users"), File::lock_shared).await;
        let _starting = locked(&dir.join("start"), File::lock).await;
        let installation = postgres::find(&tools_dir(), None, &say)
            .await
            .unwrap_or_else(|error| panic!("{error}"));
        let tag: Secret<String> = Secret::generate(&mut seeded_rng());
        let address = dir.join("address");
        let (socket_dir, port) = match running(&address) {
            Some(found) => found,
            None => start(&dir, &address, &installation, tag.expose()).await,
        };
        Self {
            psql: installation.bin.join("psql"),
            socket_dir,
            port,
            tag: tag.expose().chars().take(12).collect(),
            made: AtomicU32::new(0),
            _in_use: in_use,
        }
    }

    /// Creates an empty database and gives its address. It goes when the server goes.
    pub async fn create_database(&self) -> String {
        let number = self.made.fetch_add(1, Ordering::Relaxed);
        let name = format!("t_{}_{number}", self.tag);
        let output = tokio::process::Command::new(&self.psql)
            .args([
                "--no-psqlrc",
                "--quiet",
                "--username=oss",
                "--dbname=postgres",
            ])
            .arg("--host")
            .arg(&self.socket_dir)
            .args(["--port", &self.port.to_string()])
            .args(["--command", &format!("CREATE DATABASE {name}")])
            .output()
            .await
            .expect("psql runs");
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        let (port, socket_dir) = (self.port, self.socket_dir.display());
        format!("postgres://oss@localhost:{port}/{name}?host={socket_dir}")
    }

    /// The folder of the socket, `.s.PGSQL.<port>`, for a [`crate::FaultProxy`].
    #[must_use]
    pub fn socket(&self) -> PathBuf {
        socket(&self.socket_dir, self.port)
    }
}

/// A PostgreSQL of one's own in `dir` that syncs every commit, for measurements.
pub async fn synced(dir: &Path) -> dev_servers::PostgresServer {
    let installation = postgres::find(&tools_dir(), None, &say)
        .await
        .unwrap_or_else(|error| panic!("{error}"));
    let settings = Settings {
        installation: &installation,
        dir,
        port: None,
        password: None,
        short_name: &format!("synced{}", std::process::id()),
        durability: Durability::Kept,
    };
    let started = dev_servers::PostgresServer::start(settings).await;
    started.unwrap_or_else(|error| panic!("{error}"))
}

async fn locked(path: &Path, lock: fn(&File) -> std::io::Result<()>) -> File {
    let file = File::create(path).expect("a lock file can be made");
    tokio::task::spawn_blocking(move || {
        lock(&file).expect("the file system has locks");
        file
    })
    .await
    .expect("waiting for a lock does not panic")
}

fn socket(dir: &Path, port: u16) -> PathBuf {
    dir.join(format!(".s.PGSQL.{port}"))
}

/// The server that another test process started, if it takes connections.
fn running(address: &Path) -> Option<(PathBuf, u16)> {
    let text = fs::read_to_string(address).ok()?;
    let (port, dir) = text.split_once(' ')?;
    let (dir, port) = (PathBuf::from(dir), port.parse().ok()?);
    UnixStream::connect(socket(&dir, port)).ok()?;
    Some((dir, port))
}

async fn start(
    dir: &Path,
    address: &Path,
    installation: &postgres::Installation,
    short_name: &str,
) -> (PathBuf, u16) {
    let home = dir.join("server");
    let _ = fs::remove_dir_all(&home);
    let server = dev_servers::PostgresServer::start(Settings {
        installation,
        dir: &home,
        port: None,
        password: None,
        short_name,
        durability: Durability::Throwaway,
    })
    .await
    .unwrap_or_else(|error| panic!("{error}"));
    let (socket_dir, port, pid) = (server.socket_dir().to_owned(), server.port(), server.pid());
    guard(dir, pid);
    fs::write(address, format!("{port} {}", socket_dir.display())).expect("/tmp can be written");
    server.leave_running().await;
    (socket_dir, port)
}

#[expect(
    clippy::zombie_processes,
    reason = "it outlives this process, that is what it is for"
)]
fn guard(dir: &Path, pid: u32) {
    Command::new("sh")
        .args(["-c", GUARDIAN, "oss-test-guardian"])
        .arg(dir)
        .arg(pid.to_string())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .process_group(0)
        .spawn()
        .expect("a shell can be started");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn each_test_has_a_database_of_its_own() {
        let server = PostgresServer::shared().await;
        let (first, second) = tokio::join!(server.create_database(), server.create_database());
        assert_ne!(first, second);
        let psql = |url: &str, statement: &str| {
            let output = Command::new(&server.psql)
                .args([url, "-Atqc", statement])
                .output()
                .unwrap();
            String::from_utf8(output.stdout).unwrap()
        };
        psql(&first, "CREATE TABLE mine (id int)");
        let tables = "SELECT count(*) FROM pg_tables WHERE tablename = 'mine'";
        assert_eq!(psql(&first, tables).trim(), "1");
        assert_eq!(psql(&second, tables).trim(), "0");
    }

    #[tokio::test]
    async fn another_process_finds_the_same_server() {
        let server = PostgresServer::shared().await;
        let other = PostgresServer::start_or_find().await;
        assert_eq!(server.socket(), other.socket());
        assert_ne!(server.tag, other.tag);
    }
}
