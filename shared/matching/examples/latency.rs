//! Nanoseconds a setting: median and 99th percentile of many passes, one thread.
//!
//! `cargo run --release -p oss-matching --example latency`

#![expect(clippy::print_stdout, reason = "a measurement prints what it found")]
#![expect(clippy::indexing_slicing, reason = "made-up data; a fault stops it")]

use oss_matching::{Policy, rank};
use std::{hint::black_box, time::Instant};

#[path = "../benches/register.rs"]
mod register;

use register::{Register, evaluated_at, query, supply};

const PASSES: usize = 2_000;

fn main() {
    let policy = Policy::embedded();
    println!("register     settings  ranked  median ns  p99 ns  p99/median");
    for register in [Register::Typical, Register::AllRanked] {
        for n in [500, 3_000, 20_000] {
            let (query, supply) = (query(register, &policy), supply(register, n));
            let pass = || rank(black_box(&query), &supply, &policy, evaluated_at());
            let mut nanos: Vec<u128> = (0..PASSES)
                .map(|_| {
                    let start = Instant::now();
                    let outcome = black_box(pass());
                    let elapsed = start.elapsed().as_nanos();
                    drop(outcome);
                    elapsed
                })
                .collect();
            nanos.sort_unstable();
            let (median, p99) = (nanos[PASSES / 2], nanos[PASSES * 99 / 100]);
            println!(
                "{:<12} {n:>8}  {:>6}  {:>9}  {:>6}  {:>6}.{}",
                format!("{register:?}"),
                pass().ranked().len(),
                median / n as u128,
                p99 / n as u128,
                p99 / median,
                p99 * 10 / median % 10,
            );
        }
    }
}
