//! `cargo bench -p oss-end-to-end --bench pages`: a hundred people use the pages of a council with
//! a million past referrals.
//!
//! The real binary runs with servers of its own (`OSS_BINARY` names an optimised one); the past is
//! written into its database in bulk (`fill.rs` says what of it is left out); then requests begin
//! at a fixed rate, whatever becomes of those before (`visits.rs` has the mix). Each is timed from
//! the moment it was due. It ends by itself, and what it made is deleted.
//!
//! Knobs, each from the environment: `OSS_PAST` referrals, `OSS_RATE` a second, `OSS_SECONDS`.

#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a measurement prints what it found, and stops at a fault"
)]

mod fill;
mod people;
mod visits;

use oss_end_to_end::Product;
use people::Person;
use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::task::JoinSet;
use visits::{Asked, Visits};

/// How long somebody waits at most.
const PATIENCE: Duration = Duration::from_secs(30);

#[expect(clippy::disallowed_methods, reason = "the measurement's own knobs")]
fn knob(name: &str, usual: u32) -> u32 {
    let given = std::env::var(name).ok();
    given.map_or(usual, |text| text.parse().unwrap())
}

fn main() {
    let (past, rate, seconds) = (
        knob("OSS_PAST", 10_000),
        knob("OSS_RATE", 200),
        knob("OSS_SECONDS", 60),
    );
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let product = Product::start(&[]).await;
        let url = product.says("database_url");
        let since = Instant::now();
        fill::fill(url, past).await;
        let people = people::sign_in(url).await;
        println!("{past} past referrals, {}", fill::size(url).await);
        println!("filled in {:.0?}; {} people", since.elapsed(), people.len());
        let visits = Visits::prepare(product.says("http_url"), url, people, past).await;
        // Caches and prepared statements, as on any day.
        run(&visits, rate / 4, 10).await;
        let answers = run(&visits, rate, seconds).await;
        println!("{rate} requests a second for {seconds} s:");
        print(&answers);
        product.stop().await;
    });
}

/// What became of a request.
struct Answered {
    page: &'static str,
    took: Duration,
    /// None where there was no answer.
    status: Option<u16>,
}

/// Begins `rate` requests a second for so long, and waits for the answers.
async fn run(visits: &Arc<Visits>, rate: u32, seconds: u32) -> Vec<Answered> {
    let mut answers = JoinSet::new();
    let start = Instant::now();
    for n in 0..rate * seconds {
        let due = start + Duration::from_secs(1) * n / rate;
        tokio::time::sleep_until(due.into()).await;
        let visits = Arc::clone(visits);
        let asked = visits.choose(n);
        answers.spawn(async move { answer(&visits, asked, due).await });
    }
    answers.join_all().await
}

async fn answer(visits: &Visits, asked: Asked, due: Instant) -> Answered {
    let page = asked.page;
    let request = visits.request(&asked).timeout(PATIENCE);
    let status = async {
        let response = request.send().await.ok()?;
        let status = response.status().as_u16();
        response.bytes().await.ok()?;
        Some(status)
    };
    let status = status.await;
    visits.done(&asked, status);
    Answered {
        page,
        took: due.elapsed(),
        status,
    }
}

fn print(answers: &[Answered]) {
    println!(
        "page                      n    p50    p95    p99    max   ms; answers other than 2xx and 3xx"
    );
    let mut pages = BTreeMap::<_, Vec<_>>::new();
    for answered in answers {
        pages.entry(answered.page).or_default().push(answered);
        pages.entry("all").or_default().push(answered);
    }
    for (page, answers) in pages {
        let mut took: Vec<_> = answers.iter().map(|it| it.took).collect();
        took.sort_unstable();
        // The nearest rank.
        let at =
            |percent: usize| took[(took.len() * percent).div_ceil(100) - 1].as_secs_f64() * 1e3;
        let mut others = BTreeMap::<_, usize>::new();
        for answered in answers {
            match answered.status {
                Some(200..=399) => {}
                Some(status) => *others.entry(status.to_string()).or_default() += 1,
                None => *others.entry("none".to_owned()).or_default() += 1,
            }
        }
        println!(
            "{page:<20} {:>6} {:>6.1} {:>6.1} {:>6.1} {:>6.1}   {}",
            took.len(),
            at(50),
            at(95),
            at(99),
            at(100),
            if others.is_empty() {
                String::new()
            } else {
                format!("{others:?}")
            },
        );
    }
}

/// Only those of `people` that have one of `roles`.
fn having<'a>(people: &'a [Person], roles: &'a [&str]) -> impl Iterator<Item = &'a Person> {
    people.iter().filter(|person| roles.contains(&person.role))
}
