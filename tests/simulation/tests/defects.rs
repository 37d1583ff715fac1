//! Every planted mistake is found: so the checks can be believed when they find nothing.

use oss_simulation::{Defect, run};

#[test]
fn every_planted_defect_is_found() {
    let mut missed = Vec::new();
    for defect in Defect::ALL {
        let found = (0..200).find_map(|seed| run(seed, 500, Some(*defect)).err());
        match found {
            Some(failure) => {
                println!("{defect}: seed {}, {failure}", failure.seed);
                let replayed = run(failure.seed, failure.steps, failure.defect).unwrap_err();
                assert_eq!(
                    replayed.to_string(),
                    failure.to_string(),
                    "a replay is exact"
                );
            }
            None => missed.push(defect.as_str()),
        }
    }
    assert!(missed.is_empty(), "not found: {missed:?}");
}
