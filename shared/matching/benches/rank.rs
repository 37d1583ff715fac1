//! `cargo bench -p oss-matching`: one pass over a register, with every value and every reason.
//!
//! `cargo run --release -p oss-matching --example latency` prints the same per setting, with the
//! 99th percentile.

#![expect(clippy::unwrap_used, reason = "made-up data; a fault stops it")]

use divan::{Bencher, counter::ItemsCount};
use oss_matching::{Policy, evaluate, rank};

mod register;

use register::{Register, evaluated_at, query, supply};

const SIZES: [usize; 3] = [500, 3_000, 20_000];

fn main() {
    divan::main();
}

fn pass(bencher: Bencher<'_, '_>, register: Register, n: usize) {
    let policy = Policy::embedded();
    let (query, supply) = (query(register, &policy), supply(register, n));
    bencher
        .counter(ItemsCount::new(n))
        .bench(|| rank(divan::black_box(&query), &supply, &policy, evaluated_at()));
}

#[divan::bench(args = SIZES)]
fn typical(bencher: Bencher<'_, '_>, n: usize) {
    pass(bencher, Register::Typical, n);
}

#[divan::bench(args = SIZES)]
fn all_ranked(bencher: Bencher<'_, '_>, n: usize) {
    pass(bencher, Register::AllRanked, n);
}

/// Writing the outcome out, and telling whether it is the same as before.
#[divan::bench(args = SIZES)]
fn expand(bencher: Bencher<'_, '_>, n: usize) {
    let policy = Policy::embedded();
    let (query, supply) = (
        query(Register::Typical, &policy),
        supply(Register::Typical, n),
    );
    let outcome = rank(&query, &supply, &policy, evaluated_at());
    bencher
        .counter(ItemsCount::new(n))
        .bench(|| outcome.expand());
}

#[divan::bench(args = SIZES)]
fn digest(bencher: Bencher<'_, '_>, n: usize) {
    let policy = Policy::embedded();
    let (query, supply) = (
        query(Register::Typical, &policy),
        supply(Register::Typical, n),
    );
    let outcome = rank(&query, &supply, &policy, evaluated_at());
    bencher
        .counter(ItemsCount::new(n))
        .bench(|| outcome.digest());
}

#[divan::bench]
fn one_setting(bencher: Bencher<'_, '_>) {
    let policy = Policy::embedded();
    let (query, supply) = (
        query(Register::Typical, &policy),
        supply(Register::Typical, 3_000),
    );
    let id = "S001500".parse().unwrap();
    bencher.bench(|| {
        evaluate(
            &query,
            &supply,
            divan::black_box(&id),
            &policy,
            evaluated_at(),
        )
    });
}

#[divan::bench]
fn change_one_setting(bencher: Bencher<'_, '_>) {
    let mut supply = supply(Register::Typical, 20_000);
    let (setting, location) = {
        let entry = supply.iter().nth(10_000).unwrap();
        (entry.setting().clone(), *entry.location())
    };
    bencher.bench_local(|| supply.upsert(setting.clone(), location));
}
