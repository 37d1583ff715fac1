//! A server's process, its guardian, and what an earlier one may have left behind.

use super::{Error, tail};
use std::{
    fs,
    path::{Path, PathBuf},
    process::{ExitStatus, Stdio},
    time::Duration,
};
use tokio::{
    process::{Child, Command},
    sync::watch,
    time::{Instant, sleep, timeout},
};

/// How often a condition outside our process is looked at again.
pub(super) const POLL: Duration = Duration::from_millis(10);

/// Waits for its standard input to close, stops the process `$2` with the signal `$1`, kills it if
/// it is still there after `$3` tenths of a second, and removes the folders that follow.
const GUARDIAN: &str = r#"
cat >/dev/null
kill -s "$1" "$2" 2>/dev/null
tries=0
while kill -0 "$2" 2>/dev/null && [ $tries -lt "$3" ]; do sleep 0.1; tries=$((tries + 1)); done
kill -s KILL "$2" 2>/dev/null
shift 3
[ $# = 0 ] || rm -rf "$@"
"#;

/// The user that a server runs as, where that is not ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RunAs {
    /// The user's number.
    pub uid: u32,
    /// The number of the user's main group.
    pub gid: u32,
}

/// How to start and stop a server.
#[derive(Debug)]
pub(super) struct Plan<'a> {
    pub(super) server: &'static str,
    pub(super) program: &'a Path,
    pub(super) args: Vec<String>,
    pub(super) run_as: Option<RunAs>,
    pub(super) log: PathBuf,
    /// Asks it to end cleanly.
    pub(super) stop_signal: &'static str,
    /// How long it may take for that.
    pub(super) grace: Duration,
    /// Folders that the guardian removes, once the server has ended.
    pub(super) leftovers: Vec<PathBuf>,
}

/// A running server. Dropped, it is stopped by its guardian.
#[derive(Debug)]
pub struct Process {
    server: &'static str,
    pid: u32,
    log: PathBuf,
    stop_signal: &'static str,
    grace: Duration,
    ended: watch::Receiver<Option<ExitStatus>>,
    guardian: Child,
}

impl Process {
    pub(super) fn start(plan: Plan<'_>) -> Result<Self, Error> {
        let failed = |error: &std::io::Error| Error::Command {
            what: format!("start {}", plan.program.display()),
            output: error.to_string(),
        };
        let log = fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(&plan.log)
            .map_err(Error::file("open", &plan.log))?;
        let log_too = log.try_clone().map_err(Error::file("open", &plan.log))?;
        let mut command = command(plan.program, plan.run_as);
        command
            .args(&plan.args)
            .stdin(Stdio::null())
            .stdout(log)
            .stderr(log_too)
            // Ctrl-C on the terminal is for us: we end the server when its users have ended.
            .process_group(0);
        let mut child = command.spawn().map_err(|error| failed(&error))?;
        let pid = child.id().unwrap_or_default();
        let guardian = Command::new("sh")
            .args(["-c", GUARDIAN, "oss-guardian", plan.stop_signal])
            .arg(pid.to_string())
            .arg((plan.grace.as_millis() / 100).to_string())
            .args(&plan.leftovers)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()
            .map_err(|error| failed(&error))?;
        let (tell, ended) = watch::channel(None);
        tokio::spawn(async move {
            let status = child.wait().await;
            tell.send_replace(Some(status.unwrap_or_default()));
        });
        Ok(Self {
            server: plan.server,
            pid,
            log: plan.log,
            stop_signal: plan.stop_signal,
            grace: plan.grace,
            ended,
            guardian,
        })
    }

    /// The process id.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.pid
    }

    /// Waits until `look` finds something, for at most `limit`, or until the process ends.
    pub(super) async fn ready<T>(
        &self,
        limit: Duration,
        mut look: impl FnMut() -> Option<T>,
    ) -> Result<T, Error> {
        let deadline = Instant::now() + limit;
        loop {
            if let Some(found) = look() {
                return Ok(found);
            }
            if self.ended.borrow().is_some() || Instant::now() > deadline {
                return Err(Error::DidNotStart {
                    server: self.server,
                    log: self.log.clone(),
                    tail: super::tail_of(&self.log),
                });
            }
            sleep(POLL).await;
        }
    }

    /// Waits until the process ends, which it should not do by itself.
    pub fn ended(&self) -> impl Future<Output = Error> + Send + 'static {
        let mut ended = self.ended.clone();
        let error = Error::Ended {
            server: self.server,
            log: self.log.clone(),
        };
        async move {
            let _ = ended.wait_for(Option::is_some).await;
            error
        }
    }

    /// Stops it: asks, waits, and kills it if it has not ended in time.
    pub async fn stop(mut self) {
        // First, so that it cannot signal a process that took over the id.
        let _ = self.guardian.kill().await;
        if self.ended.borrow().is_some() {
            return;
        }
        signal(self.pid, self.stop_signal).await;
        let ended = self.ended.wait_for(Option::is_some);
        if timeout(self.grace, ended).await.is_err() {
            tracing::warn!(
                server = self.server,
                "{} is killed: it did not end",
                self.server
            );
            signal(self.pid, "KILL").await;
            let _ = timeout(self.grace, self.ended.wait_for(Option::is_some)).await;
        }
    }

    /// Takes its guardian away, so that it outlives us.
    pub(super) async fn leave_running(mut self) {
        let _ = self.guardian.kill().await;
    }

    /// Ends it at once, as a crash would, and leaves its data. For tests.
    pub async fn kill(mut self) {
        let _ = self.guardian.kill().await;
        signal(self.pid, "KILL").await;
        let _ = timeout(self.grace, self.ended.wait_for(Option::is_some)).await;
    }
}

/// Stops what an earlier process started and could not stop: the process that `pid_file` names, if
/// its command line holds `marker`.
pub(super) async fn stop_orphan(
    pid_file: &Path,
    marker: &Path,
    stop_signal: &str,
    grace: Duration,
) {
    let Some(pid) = fs::read_to_string(pid_file)
        .ok()
        .and_then(|text| text.lines().next()?.trim().parse::<u32>().ok())
    else {
        return;
    };
    let marker = marker.to_string_lossy();
    for sent in [stop_signal, "KILL"] {
        if !command_line(pid).await.contains(marker.as_ref()) {
            return;
        }
        tracing::warn!(pid, "stopping a server that an earlier run left behind");
        signal(pid, sent).await;
        let deadline = Instant::now() + grace;
        while Instant::now() < deadline && command_line(pid).await.contains(marker.as_ref()) {
            sleep(POLL).await;
        }
    }
}

/// The command line of a process; empty where there is none, or a zombie.
async fn command_line(pid: u32) -> String {
    if Path::new("/proc/self/cmdline").exists() {
        let bytes = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        return String::from_utf8_lossy(&bytes).replace('\0', " ");
    }
    let mut ps = Command::new("ps");
    ps.args(["-o", "command=", "-p", &pid.to_string()]);
    run("look at a process", &mut ps).await.unwrap_or_default()
}

/// Sends a signal. The shell's own `kill` is used: it is everywhere, and needs no unsafe code.
pub(super) async fn signal(pid: u32, signal: &str) {
    let _ = Command::new("sh")
        .args(["-c", r#"kill -s "$1" "$2""#, "sh", signal, &pid.to_string()])
        .stderr(Stdio::null())
        .status()
        .await;
}

/// A program, to be run as another user where one is given.
pub(super) fn command(program: &Path, run_as: Option<RunAs>) -> Command {
    let mut command = Command::new(program);
    if let Some(RunAs { uid, gid }) = run_as {
        // A folder that this user may look at, unlike perhaps ours.
        command.uid(uid).gid(gid).current_dir("/");
    }
    command
}

/// Runs a program to its end and gives what it wrote.
///
/// # Errors
///
/// Returns the end of its output where it fails or cannot be started.
pub(super) async fn run(what: &str, command: &mut Command) -> Result<String, Error> {
    let failed = |output: String| Error::Command {
        what: what.to_owned(),
        output,
    };
    let output = command
        .stdin(Stdio::null())
        .output()
        .await
        .map_err(|error| failed(error.to_string()))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let both = [output.stdout, output.stderr].concat();
    Err(failed(format!(
        "{}: {}",
        output.status,
        tail(&String::from_utf8_lossy(&both))
    )))
}

/// Whether we are root.
#[must_use]
pub fn is_root() -> bool {
    id(&["-u"]) == Some(0)
}

/// The user that a server which refuses to run as root runs as: `postgres` if there is one, else
/// `nobody`.
///
/// # Errors
///
/// Returns an error where there is neither.
pub fn unprivileged_user() -> Result<RunAs, Error> {
    ["postgres", "nobody"]
        .into_iter()
        .find_map(|name| {
            Some(RunAs {
                uid: id(&["-u", name])?,
                gid: id(&["-g", name])?,
            })
        })
        .ok_or_else(|| Error::Command {
            what: "find a user for PostgreSQL, which does not run as root".to_owned(),
            output: "there is neither a user `postgres` nor `nobody`".to_owned(),
        })
}

fn id(args: &[&str]) -> Option<u32> {
    let output = std::process::Command::new("id").args(args).output().ok()?;
    String::from_utf8_lossy(&output.stdout).trim().parse().ok()
}
