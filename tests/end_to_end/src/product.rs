//! A running `oss dev`, which `deploy/run` execs.

use crate::{
    Api, Observer, Producer, SOON,
    binary::{self, oss, root},
    free_port,
};
use oss_messaging::{Credentials, Settings};
use oss_testkit::wait;
use serde_json::Value;
use std::{
    fs::{self, File},
    os::unix::fs::{PermissionsExt, symlink},
    path::{Path, PathBuf},
    process::ExitStatus,
    time::{Duration, Instant},
};
use tempfile::TempDir;
use tokio::process::Child;

/// How long a start may take before the test fails.
const START_LIMIT: Duration = Duration::from_mins(1);

/// A data directory with ports, in which the product is started and stopped.
#[derive(Debug)]
pub struct Home {
    dir: TempDir,
    /// The port of the API.
    pub http_port: u16,
    /// The port of metrics and health.
    pub ops_port: u16,
    /// The port of NATS.
    pub nats_port: u16,
}

impl Home {
    /// An empty one.
    pub fn new() -> Self {
        let dir = temp_dir();
        // Servers that are not on the machine are installed once, beside the data directory.
        let tools = root().join(".tools");
        std::fs::create_dir_all(&tools).expect("a folder can be made");
        symlink(tools, dir.path().join(".tools")).expect("a link can be made");
        Self {
            dir,
            http_port: free_port(),
            ops_port: free_port(),
            nats_port: free_port(),
        }
    }

    /// The data directory.
    pub fn data_dir(&self) -> PathBuf {
        self.dir.path().join("data")
    }

    /// What the product has written to its terminal since its last start.
    pub fn output(&self) -> String {
        ["stdout", "stderr"]
            .map(|name| fs::read_to_string(self.dir.path().join(name)).unwrap_or_default())
            .concat()
    }

    fn file(&self, name: &str) -> File {
        File::create(self.dir.path().join(name)).expect("a file can be made")
    }

    /// Starts `oss dev` and waits for nothing.
    pub fn spawn(&self, args: &[&str]) -> Child {
        let mut command = oss();
        command
            .arg("dev")
            .arg("--data-dir")
            .arg(self.data_dir())
            .args(["--http-port", &self.http_port.to_string()])
            .args(["--ops-port", &self.ops_port.to_string()])
            .args(["--nats-port", &self.nats_port.to_string()])
            .args(args)
            .stdout(self.file("stdout"))
            .stderr(self.file("stderr"));
        command.spawn().expect("oss can be started")
    }

    /// Starts it and waits until it says that it is ready.
    pub async fn start(self, args: &[&str]) -> Product {
        let since = Instant::now();
        let child = self.spawn(args);
        let mut product = Product {
            home: self,
            child,
            dev: Value::Null,
            took: Duration::ZERO,
        };
        product.until_ready().await;
        product.took = since.elapsed();
        product
    }
}

/// A folder that the database's own user can pass through.
pub fn temp_dir() -> TempDir {
    let dir = TempDir::with_prefix("oss-e2e-").expect("a temporary folder can be made");
    let mode = fs::Permissions::from_mode(0o711);
    fs::set_permissions(dir.path(), mode).expect("it is ours");
    dir
}

impl Default for Home {
    fn default() -> Self {
        Self::new()
    }
}

/// A running product.
#[derive(Debug)]
pub struct Product {
    home: Home,
    child: Child,
    /// What `dev.json` says.
    pub dev: Value,
    /// How long it took until it was ready.
    pub took: Duration,
}

impl Product {
    /// A new one.
    pub async fn start(args: &[&str]) -> Self {
        Home::new().start(args).await
    }

    async fn until_ready(&mut self) {
        let stdout = self.home.dir.path().join("stdout");
        let ready = wait::until_some(START_LIMIT, || {
            let text = fs::read_to_string(&stdout).unwrap_or_default();
            let ended = self.child.try_wait().expect("it is our child");
            async move {
                let line = text.lines().find_map(|line| line.strip_prefix("ready "));
                (line.map(str::to_owned).map(Ok)).or(ended.map(Err))
            }
        })
        .await;
        let Some(Ok(url)) = ready else {
            panic!("not ready ({ready:?}):\n{}", self.home.output());
        };
        let text = fs::read(self.home.data_dir().join("dev.json")).expect("it is written");
        self.dev = serde_json::from_slice(&text).expect("it is JSON");
        assert_eq!(self.dev["http_url"], url.as_str());
    }

    /// Where it runs.
    pub const fn home(&self) -> &Home {
        &self.home
    }

    /// The data directory, as a command line takes it.
    pub fn data_dir(&self) -> String {
        self.home.data_dir().display().to_string()
    }

    /// A value of `dev.json`.
    pub fn says(&self, key: &str) -> &str {
        self.dev[key].as_str().expect("dev.json has it")
    }

    /// The process id.
    pub fn pid(&self) -> u32 {
        self.child.id().expect("it runs")
    }

    /// The API, as a commissioner.
    pub fn api(&self) -> Api {
        Api::new(self.says("http_url"), self.says("api_token"))
    }

    /// How `user` of `dev.json` connects to the broker.
    pub fn broker(&self, user: &str) -> Settings {
        let it = &self.dev["nats"][user];
        let text = |key: &str| it[key].as_str().expect("dev.json has it").to_owned();
        Settings {
            url: self.says("nats_url").to_owned(),
            name: format!("test {user}"),
            credentials: Some(Credentials {
                user: text("user"),
                password: text("password"),
            }),
            inbox_prefix: text("inbox_prefix"),
            tls: false,
        }
    }

    /// Connects as the producer and as the observer.
    pub async fn clients(&self) -> (Producer, Observer) {
        let observer = Observer::connect(&self.broker("observer")).await;
        (Producer::connect(&self.broker("producer")).await, observer)
    }

    /// Runs a command against it.
    pub async fn run(&self, args: &[&str]) -> binary::Ended {
        let data_dir = self.data_dir();
        let args: Vec<&str> = args
            .iter()
            .copied()
            .chain(["--data-dir", &data_dir])
            .collect();
        binary::run(&args).await
    }

    /// Imports settings from a file.
    pub async fn import(&self, file: &Path) {
        let ended = self
            .run(&["import", "settings", &file.display().to_string()])
            .await;
        assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    }

    /// Every check of `oss doctor` holds.
    pub async fn is_sound(&self) {
        let ended = self.run(&["doctor"]).await;
        assert_eq!(ended.code, Some(0), "{}{}", ended.stdout, ended.stderr);
    }

    /// Asks it to stop, and waits until it has.
    pub async fn stop(self) -> (ExitStatus, Home) {
        binary::signal("TERM", self.pid()).await;
        self.ended().await
    }

    /// Waits until it has ended.
    pub async fn ended(mut self) -> (ExitStatus, Home) {
        let ended = tokio::time::timeout(SOON, self.child.wait()).await;
        let status = ended
            .unwrap_or_else(|_| panic!("it does not stop:\n{}", self.home.output()))
            .expect("it is our child");
        (status, self.home)
    }

    /// Kills it, as the system does when memory is short.
    pub async fn kill(mut self) -> Home {
        self.child.kill().await.expect("it runs");
        self.home
    }
}
