//! The binary under test.

use serde_json::Value;
use std::{
    ffi::OsString,
    path::{Path, PathBuf},
    process::Stdio,
    sync::OnceLock,
};
use tokio::process::Command;

/// The workspace's root.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The path of `oss`: `OSS_BINARY`, or built now with the cargo that runs the tests. Cargo hands
/// the binary's path to tests of its own package alone.
pub fn path() -> &'static Path {
    static PATH: OnceLock<PathBuf> = OnceLock::new();
    PATH.get_or_init(|| match std::env::var_os("OSS_BINARY") {
        Some(path) => PathBuf::from(path),
        None => build(),
    })
}

fn build() -> PathBuf {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo"));
    let mut cargo = std::process::Command::new(cargo);
    for (name, _) in std::env::vars_os() {
        // What the tests are told of their own package: ring is compiled anew where it differs.
        let bytes = name.as_encoded_bytes();
        if bytes.starts_with(b"CARGO_PKG_") || bytes.starts_with(b"CARGO_MANIFEST_") {
            cargo.env_remove(name);
        }
    }
    let output = cargo
        .current_dir(root())
        .args([
            "build",
            "--package",
            "oss",
            // As `deploy/run` builds it.
            "--features",
            "dev-login",
            "--locked",
            "--message-format=json-render-diagnostics",
        ])
        .stderr(Stdio::inherit())
        .output()
        .expect("cargo runs");
    assert!(output.status.success(), "`cargo build -p oss` failed");
    String::from_utf8_lossy(&output.stdout)
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .filter(|message| message["target"]["name"] == "oss")
        .find_map(|message| Some(PathBuf::from(message["executable"].as_str()?)))
        .expect("cargo names the binary")
}

/// `oss`, without this process's own configuration.
pub fn oss() -> Command {
    let mut command = Command::new(path());
    unconfigured(&mut command);
    command
}

/// Keeps this process's own configuration, and its standard input, from a command.
pub fn unconfigured(command: &mut Command) {
    for (name, _) in std::env::vars_os() {
        if name.as_encoded_bytes().starts_with(b"OSS_") {
            command.env_remove(name);
        }
    }
    command.stdin(Stdio::null()).kill_on_drop(true);
}

/// What a command said and how it ended.
#[derive(Debug)]
pub struct Ended {
    /// The code; none where a signal ended it.
    pub code: Option<i32>,
    /// Its standard output.
    pub stdout: String,
    /// Its standard error.
    pub stderr: String,
}

/// Runs `oss` with `args` to its end.
pub async fn run(args: &[&str]) -> Ended {
    let output = oss().args(args).output().await.expect("oss can be started");
    Ended {
        code: output.status.code(),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

/// Sends a signal to a process that we started.
pub async fn signal(name: &str, pid: u32) {
    let status = Command::new("kill")
        .args(["-s", name, &pid.to_string()])
        .status()
        .await
        .expect("`kill` runs");
    assert!(status.success(), "cannot signal {pid}");
}
