//! Whether the process is alive, has started, and can do its work.

use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// How something that the process depends on is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Status {
    /// As it should be.
    Up,
    /// Work goes on without it, for now; the reason.
    Degraded(String),
    /// Work cannot go on; the reason.
    Down(String),
}

impl Status {
    fn parts(&self) -> (&'static str, Option<&str>) {
        match self {
            Self::Up => ("up", None),
            Self::Degraded(reason) => ("degraded", Some(reason)),
            Self::Down(reason) => ("down", Some(reason)),
        }
    }
}

/// An answer for a probe.
#[derive(Clone, Debug, PartialEq)]
pub struct Report {
    /// Whether the answer is yes: 200, else 503.
    pub ok: bool,
    /// The body, for people.
    pub body: Value,
}

/// The state of a process, which its parts set and the operations listener asks. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct Health {
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    started: bool,
    stopping: bool,
    checks: BTreeMap<&'static str, Status>,
}

impl Health {
    /// Nothing started, nothing checked.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Says how a part is; a part that was never mentioned does not count, so mention each as
    /// [`Status::Down`] first.
    pub fn set(&self, check: &'static str, status: Status) {
        self.state().checks.insert(check, status);
    }

    /// Says that everything has been started.
    pub fn started(&self) {
        self.state().started = true;
    }

    /// Says that the process is stopping: no longer ready, so that no new work is sent to it.
    pub fn stopping(&self) {
        self.state().stopping = true;
    }

    /// `/health/live`: that it can be asked is the answer. Dependencies do not count, since a
    /// restart would not mend them.
    #[must_use]
    pub fn live(&self) -> Report {
        Report {
            ok: true,
            body: json!({"status": "up"}),
        }
    }

    /// `/health/startup`: whether everything has been started.
    #[must_use]
    pub fn startup(&self) -> Report {
        let started = self.state().started;
        Report {
            ok: started,
            body: json!({"status": if started { "up" } else { "starting" }}),
        }
    }

    /// `/health/ready`: whether work should be sent here. What is merely degraded does not forbid it.
    #[must_use]
    pub fn ready(&self) -> Report {
        let state = self.state();
        let any = |wanted: fn(&Status) -> bool| state.checks.values().any(wanted);
        let status = if state.stopping {
            "stopping"
        } else if !state.started {
            "starting"
        } else if any(|status| matches!(status, Status::Down(_))) {
            "down"
        } else if any(|status| matches!(status, Status::Degraded(_))) {
            "degraded"
        } else {
            "up"
        };
        let checks: serde_json::Map<String, Value> = state
            .checks
            .iter()
            .map(|(name, check)| {
                let (status, reason) = check.parts();
                let told = reason.map_or_else(
                    || json!({"status": status}),
                    |reason| json!({"status": status, "reason": reason}),
                );
                ((*name).to_owned(), told)
            })
            .collect();
        Report {
            ok: matches!(status, "up" | "degraded"),
            body: json!({"status": status, "checks": checks}),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Whoever panicked while holding it left it whole: each change is one assignment.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn readiness_follows_the_life_of_a_process() {
        let health = Health::new();
        health.set("database", Status::Down("not connected yet".to_owned()));
        assert!(health.live().ok);
        assert!(!health.startup().ok && !health.ready().ok);

        health.started();
        assert!(health.startup().ok && !health.ready().ok);

        health.set("database", Status::Up);
        assert!(health.ready().ok);

        health.set("nats", Status::Degraded("reconnecting".to_owned()));
        assert_eq!(
            health.ready(),
            Report {
                ok: true,
                body: json!({"status": "degraded", "checks": {
                    "database": {"status": "up"},
                    "nats": {"status": "degraded", "reason": "reconnecting"},
                }}),
            }
        );

        health.stopping();
        assert!(!health.ready().ok && health.live().ok);
    }
}
