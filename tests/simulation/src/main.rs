//! Replays one simulated run: `cargo run -p oss-simulation -- SEED [STEPS [DEFECT]]`.

use oss_simulation::{Defect, run};
use std::{io::Write as _, process::ExitCode};

fn main() -> ExitCode {
    let mut words = std::env::args().skip(1);
    let seed = words.next().and_then(|word| word.parse().ok());
    let steps = words.next().map_or(Some(500), |word| word.parse().ok());
    let defect = words.next().map(|word| word.parse::<Defect>());
    let mut out = std::io::stdout().lock();
    // Whoever closes the pipe early does not want to hear the rest.
    let (Some(seed), Some(steps), Ok(defect)) = (seed, steps, defect.transpose()) else {
        let _closed = writeln!(out, "usage: oss-simulation SEED [STEPS [DEFECT]]");
        return ExitCode::from(2);
    };
    match run(seed, steps, defect) {
        Ok(report) => {
            let _closed = write!(out, "{report}");
            ExitCode::SUCCESS
        }
        Err(failure) => {
            let _closed = writeln!(out, "{failure}");
            ExitCode::FAILURE
        }
    }
}
