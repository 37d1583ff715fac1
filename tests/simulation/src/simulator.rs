//! The scheduler: which handler runs next, what arrives, what goes wrong, all from one seed.

use crate::{
    act::{self, Work},
    check,
    defect::Defect,
    handler::{Done, Shared},
    message::{Fact, Message},
    scene,
    store::{Fault, MemoryStore, poll_once},
};
use chrono::TimeDelta;
use oss_domain::{Clock as _, ManualClock};
use oss_workflow::EventKey;
use rand::{Rng, SeedableRng, seq::IteratorRandom};
use rand_chacha::ChaCha8Rng;
use std::{
    collections::BTreeMap,
    fmt,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::Poll,
};

/// A run in which something was not as it must be.
#[derive(Clone, Debug)]
pub struct Failure {
    /// The seed.
    pub seed: u64,
    /// How many steps were asked for.
    pub steps: u32,
    /// The step after which it was seen.
    pub at_step: u32,
    /// The planted mistake, if any.
    pub defect: Option<Defect>,
    /// What is wrong.
    pub what: String,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            seed,
            steps,
            at_step,
            defect,
            what,
        } = self;
        let planted = defect.map(|it| format!(" {it}")).unwrap_or_default();
        write!(
            f,
            "step {at_step}: {what}\nreplay: cargo run -p oss-simulation -- {seed} {steps}{planted}"
        )
    }
}

impl std::error::Error for Failure {}

/// What a run did: to see that the faults and the states are reached at all.
#[derive(Clone, Debug, Default)]
pub struct Report {
    counts: BTreeMap<&'static str, u64>,
}

impl Report {
    /// How often something happened.
    #[must_use]
    pub fn count(&self, what: &str) -> u64 {
        self.counts.get(what).copied().unwrap_or_default()
    }

    /// Adds another run's counts.
    pub fn add(&mut self, other: &Self) {
        for (what, n) in &other.counts {
            *self.counts.entry(what).or_default() += n;
        }
    }

    fn note(&mut self, what: &'static str) {
        self.note_many(what, 1);
    }

    fn note_many(&mut self, what: &'static str, n: usize) {
        *self.counts.entry(what).or_default() += u64::try_from(n).unwrap_or(u64::MAX);
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (what, n) in &self.counts {
            writeln!(f, "{n:>10} {what}")?;
        }
        Ok(())
    }
}

/// Simulates `steps` steps from `seed`, then lets the faults stop and the work be done.
///
/// # Errors
/// The first thing that is not as it must be.
pub fn run(seed: u64, steps: u32, defect: Option<Defect>) -> Result<Report, Failure> {
    let shared = Shared {
        store: MemoryStore::with(defect),
        clock: ManualClock::starting_at(scene::beginning()),
        defect,
        published: Mutex::default(),
    };
    let mut simulator = Simulator {
        shared: &shared,
        chance: ChaCha8Rng::seed_from_u64(seed),
        stream: Vec::new(),
        accepted: Vec::new(),
        running: Vec::new(),
        versions: 0,
        report: Report::default(),
    };
    shared.store.note_time(shared.clock.now());
    simulator.begin();
    let fail = |at_step, what| Failure {
        seed,
        steps,
        at_step,
        defect,
        what,
    };
    for at_step in 0..steps {
        simulator.step();
        if let Some(what) = shared.store.first_violation() {
            return Err(fail(at_step, what));
        }
    }
    // Without faults the work gets done; then time passes, and what falls due is done as well.
    for days in [0, 1, 9, 200] {
        shared.clock.advance(TimeDelta::days(days));
        shared.store.note_time(shared.clock.now());
        simulator.settle();
        let tables = shared.store.tables();
        let at_rest = check::at_rest(&tables, &simulator.accepted, shared.clock.now());
        drop(tables);
        if let Some(what) = shared
            .store
            .first_violation()
            .or(at_rest.into_iter().next())
        {
            return Err(fail(steps, what));
        }
    }
    simulator.sum_up();
    Ok(simulator.report)
}

struct Running<'a> {
    work: Work,
    future: Pin<Box<dyn Future<Output = Done> + 'a>>,
}

struct Simulator<'a> {
    shared: &'a Shared,
    chance: ChaCha8Rng,
    /// Messages that wait for their acknowledgement.
    stream: Vec<Arc<Message>>,
    /// Every message that the stream has taken.
    accepted: Vec<EventKey>,
    running: Vec<Running<'a>>,
    versions: u64,
    report: Report,
}

/// How many handlers run at once.
const MAX_RUNNING: usize = 4;

impl Simulator<'_> {
    fn step(&mut self) {
        let dice = self.chance.random_range(0..100);
        match dice {
            0..48 => self.poll_any(),
            48..55 => self.publish_any(),
            55..65 => self.deliver_any(),
            65..84 => self.act_any(),
            84..88 => drop(self.start_due(false)),
            88..93 => drop(self.sweep()),
            93 => drop(self.relay(true)),
            94 => self.crash_any(),
            95 => self.break_store(),
            _ => self.move_clock(),
        }
    }

    fn poll_any(&mut self) {
        if let Some(at) = (0..self.running.len()).choose(&mut self.chance) {
            self.poll(at);
        }
    }

    /// Polls all in turn until all are done.
    fn poll_all(&mut self) {
        while !self.running.is_empty() {
            (0..self.running.len()).rev().for_each(|at| self.poll(at));
        }
    }

    fn poll(&mut self, at: usize) {
        let Some(running) = self.running.get_mut(at) else {
            return;
        };
        let Poll::Ready(done) = poll_once(running.future.as_mut()) else {
            return;
        };
        let work = self.running.swap_remove(at).work;
        match (&work, done) {
            (Work::Message(message), Done::Committed | Done::Refused(_)) => {
                let key = message.key.clone();
                self.stream.retain(|waiting| waiting.key != key);
            }
            (Work::Act(..), Done::Later) if self.chance.random_ratio(1, 2) => {
                self.report.note("an act is tried again");
                self.start(work);
            }
            _ => {}
        }
        self.report.note(match done {
            Done::Committed => "done",
            Done::Later => "put off",
            Done::Refused(code) => code,
        });
    }

    fn start(&mut self, work: Work) {
        let chance = ChaCha8Rng::from_rng(&mut self.chance);
        let future = Box::pin(self.shared.handle(work.clone(), chance));
        self.running.push(Running { work, future });
    }

    fn has_room(&self) -> bool {
        self.running.len() < MAX_RUNNING
    }

    /// The register, before anybody needs a home.
    fn begin(&mut self) {
        for council in scene::councils() {
            for n in 0..scene::N_SETTINGS {
                let setting = scene::any_setting(council, n, 1, &mut self.chance);
                self.publish(Fact::Setting(setting.into()));
            }
        }
    }

    fn publish_any(&mut self) {
        let (tables, now) = (self.shared.store.tables(), self.shared.clock.now());
        let fact = act::any_fact(&tables, &mut self.versions, now, &mut self.chance);
        drop(tables);
        if let Some(fact) = fact {
            self.publish(fact);
        }
    }

    fn publish(&mut self, fact: Fact) {
        let key = EventKey {
            source: "/simulated".into(),
            id: format!("e{}", self.accepted.len()).into(),
        };
        self.accepted.push(key.clone());
        self.stream.push(Arc::new(Message { key, fact }));
        self.report.note("published to us");
    }

    /// Delivers any waiting message: late, out of order, and again while it is being handled.
    fn deliver_any(&mut self) {
        if !self.has_room() {
            return;
        }
        let Some(at) = (0..self.stream.len()).choose(&mut self.chance) else {
            return;
        };
        let Some(message) = self.stream.get(at).cloned() else {
            return;
        };
        if self.shared.defect == Some(Defect::AcksEarly) {
            self.stream.swap_remove(at);
        }
        if self.is_handled_now(&message) {
            self.report.note("delivered twice at once");
        }
        self.start(Work::Message(message));
    }

    fn is_handled_now(&self, message: &Message) -> bool {
        self.running
            .iter()
            .any(|it| matches!(&it.work, Work::Message(running) if running.key == message.key))
    }

    fn act_any(&mut self) {
        if !self.has_room() {
            return;
        }
        let tables = self.shared.store.tables();
        let work = act::any_act(&tables, self.shared.clock.now(), &mut self.chance);
        drop(tables);
        if let Some(work) = work {
            self.start(work);
        }
    }

    /// Starts deadlines that are due by the scheduler's look at the rows: one, or all.
    fn start_due(&mut self, all: bool) -> bool {
        let mut now = self.shared.clock.now();
        if self.shared.defect == Some(Defect::ActsEarly) {
            now += TimeDelta::days(1);
        }
        let tables = self.shared.store.tables();
        let due = tables
            .deadlines
            .values()
            .filter(|it| it.is_due(now))
            .map(|it| it.deadline_id);
        let due: Vec<_> = due.take(if all { usize::MAX } else { 1 }).collect();
        drop(tables);
        let any = !due.is_empty();
        for deadline in due {
            if all || self.has_room() {
                self.start(Work::Deadline(deadline));
            }
        }
        any
    }

    /// Starts ranking for referrals whose run is not known to be right for the supply as it is.
    fn sweep(&mut self) -> bool {
        let tables = self.shared.store.tables();
        let stale = tables.referrals.iter().filter(|(at, head)| {
            let version = Some(tables.supply_version(at.0));
            let stale = match self.shared.defect {
                Some(Defect::SweepsOnlyNew) => head.evaluated.is_none(),
                _ => head.evaluated != version,
            };
            head.state.is_open() && head.referral.is_some() && stale
        });
        let stale: Vec<_> = stale.map(|(at, _)| at.clone()).collect();
        drop(tables);
        let any = !stale.is_empty();
        for at in stale {
            if self.has_room() {
                self.start(Work::Rank(at));
            }
        }
        any
    }

    /// Publishes what waits in the outbox, and dies at times before it has noted so.
    fn relay(&mut self, faulty: bool) -> bool {
        let mut tables = self.shared.store.tables();
        let mut any = false;
        for row in tables.outbox.iter_mut().filter(|row| !row.sent) {
            any = true;
            self.shared.publish(row.outgoing.event_id);
            if faulty && self.chance.random_ratio(1, 10) {
                self.report.note("published twice by us");
                break;
            }
            row.sent = true;
        }
        drop(tables);
        self.check_published();
        any
    }

    fn check_published(&self) {
        let mut published = self
            .shared
            .published
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let tables = self.shared.store.tables();
        // What was checked before is not looked at again.
        for event in published.drain(..) {
            if !tables
                .outbox
                .iter()
                .rev()
                .any(|row| row.outgoing.event_id == event)
            {
                self.shared
                    .store
                    .violate(format!("an event without its commit: {event}"));
            }
        }
    }

    fn crash_any(&mut self) {
        let Some(at) = (0..self.running.len()).choose(&mut self.chance) else {
            return;
        };
        drop(self.running.swap_remove(at));
        self.report.note("crashed");
    }

    fn break_store(&mut self) {
        let clash = self.chance.random();
        self.shared.store.fail_next(if clash {
            Fault::Clash
        } else {
            Fault::Unavailable
        });
        self.report.note("store broken");
    }

    /// Minutes mostly; at times a day ahead, or some hours back.
    fn move_clock(&mut self) {
        let minutes = match self.chance.random_range(0..20) {
            0 => self.chance.random_range(1_440..20_000),
            1 => {
                self.report.note("clock put back");
                -self.chance.random_range(1..600)
            }
            _ => self.chance.random_range(1..120),
        };
        self.shared.clock.advance(TimeDelta::minutes(minutes));
        self.shared.store.note_time(self.shared.clock.now());
    }

    /// Lets everything that waits be done, without faults.
    fn settle(&mut self) {
        const ROUNDS: usize = 200;
        for _ in 0..ROUNDS {
            self.poll_all();
            // What waits for a setting that never comes would be parked by now.
            let parked = self.stream.len();
            for message in self.stream.clone() {
                self.start(Work::Message(message));
            }
            let due = self.start_due(true);
            self.poll_all();
            let swept = self.sweep();
            let relayed = self.relay(false);
            if !(due || swept || relayed) && self.stream.len() == parked {
                break;
            }
        }
        for message in std::mem::take(&mut self.stream) {
            self.accepted.retain(|key| *key != message.key);
            self.report.note("parked");
        }
    }

    fn sum_up(&mut self) {
        let tables = self.shared.store.tables();
        for line in &tables.audit {
            self.report.note(line.act);
        }
        self.report.note_many("events", tables.outbox.len());
    }
}
