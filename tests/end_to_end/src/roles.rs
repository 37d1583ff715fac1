//! The roles as a deployment runs them: each a process of its own, configured by environment, on
//! servers that can be killed.

use crate::{
    Api, Observer, Producer, SOON,
    binary::{self, oss, root},
    free_port,
    product::temp_dir,
};
use oss_messaging::Settings;
use oss_runtime::{
    Secret,
    dev_servers::{
        Durability, PostgresServer,
        postgres::{self, Settings as PostgresSettings},
    },
};
use oss_testkit::{NatsServer, wait};
use std::{
    fs::{self, File},
    path::PathBuf,
};
use tempfile::TempDir;
use tokio::process::{Child, Command};

const TOKEN: &str = "a-token-of-the-tests";

/// The database's: as in production, nobody gets in without one.
const PASSWORD: &str = "a pass/word";

/// The same as an address has it.
const PASSWORD_IN_URL: &str = "a%20pass%2Fword";

/// NATS, PostgreSQL and the roles, at first one process of each.
#[derive(Debug)]
pub struct Deployment {
    /// The broker.
    pub nats: NatsServer,
    database: Database,
    dir: TempDir,
    http_port: u16,
    /// As they were started.
    roles: Vec<Role>,
    /// How many were started.
    n_started: usize,
}

#[derive(Debug)]
struct Role {
    name: &'static str,
    ops_port: u16,
    process: Child,
}

/// The tokens of two providers, by provider.
pub const PROVIDERS: [(&str, &str); 2] = [
    ("P-I02", "the-token-of-one-provider-0123456789"),
    ("P-I03", "the-token-of-the-other-one-0123456789"),
];

impl Deployment {
    /// Starts all of it, with an empty register.
    pub async fn start() -> Self {
        let dir = temp_dir();
        let (nats, database) = tokio::join!(NatsServer::start(), Database::start(&dir));
        let mut deployment = Self {
            nats,
            database,
            dir,
            http_port: free_port(),
            roles: Vec::new(),
            n_started: 0,
        };
        let migrated = deployment.run(&["migrate"]).await;
        assert_eq!(migrated.code, Some(0), "{}", migrated.stderr);
        for name in ["matcher", "relay", "desk"] {
            deployment.start_role(name);
        }
        wait::until(SOON, || deployment.is_ready()).await;
        deployment
    }

    /// Starts a process of a role, one more if there is one.
    pub fn start_role(&mut self, name: &'static str) {
        let ops_port = free_port();
        let log = self.dir.path().join(format!("{}.log", self.n_started));
        let log = File::create(log).expect("a file can be made");
        let process = self
            .oss()
            .arg(name)
            .env("OSS_OPS__LISTEN", format!("127.0.0.1:{ops_port}"))
            .stdout(log.try_clone().expect("a file can be shared"))
            .stderr(log)
            .spawn()
            .expect("oss can be started");
        self.roles.push(Role {
            name,
            ops_port,
            process,
        });
        self.n_started += 1;
    }

    /// Kills the process of a role that has run for the longest.
    pub async fn kill_oldest(&mut self, name: &str) {
        let mut role = self.roles.remove(self.oldest(name));
        role.process.kill().await.expect("it is our child");
    }

    /// The id of that process.
    pub fn pid_of_oldest(&self, name: &str) -> u32 {
        let process = &self.roles[self.oldest(name)].process;
        process.id().expect("it runs")
    }

    fn oldest(&self, name: &str) -> usize {
        let oldest = self.roles.iter().position(|role| role.name == name);
        oldest.expect("there is one")
    }

    /// A command with the deployment's configuration.
    fn oss(&self) -> Command {
        let tokens = PROVIDERS.map(|(id, token)| {
            format!(r#"{{id="{id}",roles=["provider"],provider="{id}",token="{token}"}}"#)
        });
        let mut command = oss();
        command
            .env("OSS_DATABASE__URL", self.database.url("oss_app"))
            .env("OSS_DATABASE__OWNER_URL", self.database.url("oss"))
            .env("OSS_NATS__URL", self.nats.url())
            .env("OSS_KEYS__INSTALLATION_KEY", "07".repeat(32))
            .env("OSS_HTTP__API_TOKEN", TOKEN)
            .env("OSS_HTTP__TOKENS", format!("[{}]", tokens.join(",")))
            .env("OSS_HTTP__LISTEN", format!("127.0.0.1:{}", self.http_port))
            .current_dir(self.dir.path());
        command
    }

    /// Runs a command with the deployment's configuration.
    pub async fn run(&self, args: &[&str]) -> binary::Ended {
        let output = self.oss().args(args).output().await.expect("oss runs");
        binary::Ended {
            code: output.status.code(),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    /// Whether every role says that it is ready.
    pub async fn is_ready(&self) -> bool {
        for role in &self.roles {
            let url = format!("http://127.0.0.1:{}/health/ready", role.ops_port);
            let answer = reqwest::get(url).await;
            if !answer.is_ok_and(|answer| answer.status().is_success()) {
                return false;
            }
        }
        true
    }

    /// Whether every role still runs as the process that was started.
    pub fn all_run(&mut self) -> bool {
        self.roles
            .iter_mut()
            .all(|role| matches!(role.process.try_wait(), Ok(None)))
    }

    /// The API.
    pub fn api(&self) -> Api {
        self.api_of(TOKEN)
    }

    /// The API, for whoever bears `token`.
    pub fn api_of(&self, token: &str) -> Api {
        Api::new(&format!("http://127.0.0.1:{}", self.http_port), token)
    }

    /// The address of the database, as who may see all of it.
    pub fn database_url(&self) -> String {
        self.database.url("oss")
    }

    /// Connects a producer and an observer.
    pub async fn clients(&self) -> (Producer, Observer) {
        let as_whom = |prefix: &str| Settings {
            inbox_prefix: format!("_INBOX.{prefix}"),
            ..Settings::open(&self.nats.url())
        };
        let observer = Observer::connect(&as_whom("observer")).await;
        (Producer::connect(&as_whom("producer")).await, observer)
    }

    /// Kills the database and starts it again.
    pub async fn restart_database(&mut self) {
        self.database.restart().await;
    }

    /// What the roles have logged.
    pub fn logs(&self) -> String {
        let logs = (0..self.n_started).map(|nth| {
            let log = self.dir.path().join(format!("{nth}.log"));
            fs::read_to_string(log).unwrap_or_default()
        });
        logs.collect()
    }

    /// Tells every role to stop; each ends cleanly.
    pub async fn stop(mut self) {
        for role in &self.roles {
            binary::signal("TERM", role.process.id().expect("it runs")).await;
        }
        for role in &mut self.roles {
            let ended = tokio::time::timeout(SOON, role.process.wait())
                .await
                .expect("it stops");
            assert_eq!(ended.expect("it is our child").code(), Some(0));
        }
    }
}

/// A PostgreSQL that keeps what it has committed, however it is killed.
#[derive(Debug)]
struct Database {
    dir: PathBuf,
    running: Option<PostgresServer>,
    port: u16,
    socket_dir: PathBuf,
}

impl Database {
    async fn start(dir: &TempDir) -> Self {
        let mut database = Self {
            dir: dir.path().join("postgres"),
            running: None,
            port: free_port(),
            socket_dir: PathBuf::new(),
        };
        database.restart().await;
        database
    }

    async fn restart(&mut self) {
        if let Some(running) = self.running.take() {
            running.kill().await;
        }
        let installation = postgres::find(&root().join(".tools"), None, &|_| {})
            .await
            .unwrap_or_else(|error| panic!("{error}"));
        let short_name = format!("e2e{}", self.port);
        let password = Secret::new(PASSWORD.to_owned());
        // What a killed server's clients still hold keeps the next one from starting for a moment.
        let running = wait::until_some(SOON, || async {
            let settings = PostgresSettings {
                installation: &installation,
                dir: &self.dir,
                port: Some(self.port),
                password: Some(&password),
                short_name: &short_name,
                durability: Durability::Kept,
            };
            PostgresServer::start(settings).await.ok()
        })
        .await
        .expect("PostgreSQL starts");
        running.socket_dir().clone_into(&mut self.socket_dir);
        self.running = Some(running);
    }

    fn url(&self, role: &str) -> String {
        let (port, dir) = (self.port, self.socket_dir.display());
        format!("postgres://{role}:{PASSWORD_IN_URL}@localhost:{port}/oss?host={dir}")
    }
}
