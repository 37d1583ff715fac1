//! Starting and stopping a process.

use std::{
    future::Future,
    process::ExitCode,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// How long dropped tasks have to let go of what they hold.
const LETTING_GO: Duration = Duration::from_secs(2);

/// How a process came to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// It was told to stop and every task ended in time and well.
    Clean,
    /// A critical task ended before, failed or panicked, or did not end in time.
    Failed,
}

impl From<Ending> for ExitCode {
    fn from(ending: Ending) -> Self {
        match ending {
            Ending::Clean => Self::SUCCESS,
            Ending::Failed => Self::FAILURE,
        }
    }
}

/// Holds what every long-running task needs to stop in time.
///
/// SIGTERM, SIGINT or SIGHUP, or the end of a critical task, cancels the soft token: finish what is
/// in hand. A second signal, or the end of the grace period, cancels the hard one: drop it.
#[derive(Debug)]
pub struct Lifecycle {
    soft: CancellationToken,
    hard: CancellationToken,
    tasks: TaskTracker,
    failed: Arc<AtomicBool>,
    grace: Duration,
    signals: Signals,
}

#[derive(Debug)]
struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hangup: Signal,
}

impl Signals {
    async fn recv(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
            _ = self.hangup.recv() => {}
        }
    }
}

impl Lifecycle {
    /// Installs the signal handlers; from here on a signal is remembered until [`Self::run`].
    ///
    /// # Errors
    ///
    /// Returns an error where a signal handler cannot be installed.
    pub fn new(grace: Duration) -> std::io::Result<Self> {
        let hard = CancellationToken::new();
        Ok(Self {
            soft: hard.child_token(),
            hard,
            tasks: TaskTracker::new(),
            failed: Arc::default(),
            grace,
            signals: Signals {
                terminate: signal(SignalKind::terminate())?,
                interrupt: signal(SignalKind::interrupt())?,
                hangup: signal(SignalKind::hangup())?,
            },
        })
    }

    /// Cancelled when work should be finished and no new work taken.
    #[must_use]
    pub fn soft_token(&self) -> CancellationToken {
        self.soft.clone()
    }

    /// Cancelled when the grace period is over and work must be dropped.
    #[must_use]
    pub fn hard_token(&self) -> CancellationToken {
        self.hard.clone()
    }

    /// Starts a task without which the process is worth nothing: where it ends before shutdown,
    /// fails or panics, the whole process stops and has failed.
    pub fn spawn_critical<F, E>(&self, name: &'static str, task: F)
    where
        F: Future<Output = Result<(), E>> + Send + 'static,
        E: std::error::Error + Send + 'static,
    {
        let guard = EndGuard {
            soft: self.soft.clone(),
            failed: Arc::clone(&self.failed),
            well: false,
        };
        let hard = self.hard.clone();
        self.tasks.spawn(async move {
            let mut guard = guard;
            let Some(result) = hard.run_until_cancelled(task).await else {
                tracing::error!(task.name = name, "task `{name}` was dropped");
                return;
            };
            match result {
                Ok(()) if guard.soft.is_cancelled() => {
                    guard.well = true;
                    tracing::info!(task.name = name, "task `{name}` stopped");
                }
                Ok(()) => tracing::error!(task.name = name, "task `{name}` ended before shutdown"),
                Err(error) => tracing::error!(
                    task.name = name,
                    error = with_causes(&error),
                    "task `{name}` failed"
                ),
            }
        });
    }

    /// Runs until a signal or the end of a critical task, and then until all have ended or the
    /// grace period has.
    pub async fn run(mut self) -> Ending {
        tokio::select! {
            () = self.soft.cancelled() => {}
            () = self.signals.recv() => tracing::info!("stopping"),
        }
        self.soft.cancel();
        self.tasks.close();
        let in_time = tokio::select! {
            () = self.tasks.wait() => true,
            () = tokio::time::sleep(self.grace) => false,
            () = self.signals.recv() => false,
        };
        self.hard.cancel();
        if !in_time {
            let _ = tokio::time::timeout(LETTING_GO, self.tasks.wait()).await;
        }
        if in_time && !self.failed.load(Ordering::SeqCst) {
            Ending::Clean
        } else {
            Ending::Failed
        }
    }
}

/// An error and its causes on one line: JSON logs would leave the causes out.
fn with_causes(error: &(dyn std::error::Error + 'static)) -> String {
    let chain = std::iter::successors(Some(error), |error| error.source());
    chain
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(": ")
}

/// Stops the process when its task is over, also where that panics.
struct EndGuard {
    soft: CancellationToken,
    failed: Arc<AtomicBool>,
    well: bool,
}

impl Drop for EndGuard {
    fn drop(&mut self) {
        if !self.well {
            self.failed.store(true, Ordering::SeqCst);
        }
        self.soft.cancel();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lifecycle() -> Lifecycle {
        Lifecycle::new(Duration::from_millis(200)).unwrap()
    }

    #[tokio::test]
    async fn a_failed_task_stops_the_process() {
        let lifecycle = lifecycle();
        lifecycle.spawn_critical("fails", async { Err(std::io::Error::other("boom")) });
        assert_eq!(lifecycle.run().await, Ending::Failed);
    }

    #[tokio::test]
    async fn a_task_that_ends_early_stops_the_process() {
        let lifecycle = lifecycle();
        lifecycle.spawn_critical("ends", async { Ok::<(), std::io::Error>(()) });
        assert_eq!(lifecycle.run().await, Ending::Failed);
    }

    #[tokio::test]
    async fn a_panicked_task_stops_the_process() {
        let lifecycle = lifecycle();
        lifecycle.spawn_critical("panics", async {
            assert_eq!(1, 2, "a handler's bug");
            Ok::<(), std::io::Error>(())
        });
        assert_eq!(lifecycle.run().await, Ending::Failed);
    }

    #[tokio::test]
    async fn tasks_that_stop_when_told_end_well() {
        let lifecycle = lifecycle();
        let soft = lifecycle.soft_token();
        lifecycle.spawn_critical("obeys", async move {
            soft.cancelled().await;
            Ok::<(), std::io::Error>(())
        });
        lifecycle.soft_token().cancel();
        assert_eq!(lifecycle.run().await, Ending::Clean);
    }

    #[tokio::test]
    async fn a_task_that_fails_while_stopping_is_a_failure() {
        let lifecycle = lifecycle();
        let soft = lifecycle.soft_token();
        lifecycle.spawn_critical("fails late", async move {
            soft.cancelled().await;
            Err(std::io::Error::other("could not flush"))
        });
        lifecycle.soft_token().cancel();
        assert_eq!(lifecycle.run().await, Ending::Failed);
    }

    #[tokio::test]
    async fn a_task_that_does_not_stop_is_dropped_after_the_grace_period() {
        let lifecycle = lifecycle();
        lifecycle.spawn_critical(
            "hangs",
            std::future::pending::<Result<(), std::io::Error>>(),
        );
        lifecycle.soft_token().cancel();
        let ending = tokio::time::timeout(Duration::from_secs(5), lifecycle.run()).await;
        assert_eq!(ending.unwrap(), Ending::Failed);
    }
}
