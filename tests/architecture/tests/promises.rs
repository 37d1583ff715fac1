//! Fails when alerts, dashboards or documents speak of what is not there.

use oss_architecture_tests::{Source, read, root, sources};
use std::collections::BTreeSet;

const ALERTS: &str = "deploy/prometheus/alerts.yml";
const ALERT_TESTS: &str = "deploy/prometheus/alerts_test.yml";

/// The names of the alerts in a rule file.
fn alerts(rules: &str) -> Vec<&str> {
    rules
        .lines()
        .filter_map(|line| line.trim().strip_prefix("- alert: "))
        .collect()
}

/// Our metrics that a rule file or dashboard uses, without the endings of a histogram's parts.
fn metrics(text: &str) -> BTreeSet<&str> {
    text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'))
        .filter(|word| word.starts_with("oss_"))
        .map(|word| {
            ["_bucket", "_sum", "_count"]
                .iter()
                .find_map(|ending| word.strip_suffix(ending))
                .unwrap_or(word)
        })
        .collect()
}

/// What is wrong with alerts, given their unit tests and the runbook.
fn unready(rules: &str, tests: &str, runbook: &str) -> Vec<String> {
    let mut found = Vec::new();
    for alert in alerts(rules) {
        let heading = format!("## {alert}");
        if !runbook.lines().any(|line| line == heading) {
            found.push(format!(
                "{alert} has no section `{heading}` in docs/operations.md"
            ));
        }
        // A unit test names the alert, then what it expects: nothing, or the alert with its labels.
        let expected: Vec<bool> = tests
            .split("alertname: ")
            .skip(1)
            .filter(|rest| rest.split_whitespace().next() == Some(alert))
            .map(|rest| {
                !rest
                    .lines()
                    .take(2)
                    .any(|line| line.trim() == "exp_alerts: []")
            })
            .collect();
        if !expected.contains(&true) {
            found.push(format!("{alert} has no unit test in which it fires"));
        }
        if !expected.contains(&false) {
            found.push(format!("{alert} has no unit test in which it stays silent"));
        }
    }
    found
}

#[test]
fn every_alert_has_its_tests_and_its_runbook_section() {
    let rules = read(ALERTS);
    assert!(alerts(&rules).len() >= 8, "the alerts are read");
    let found = unready(&rules, &read(ALERT_TESTS), &read("docs/operations.md"));
    assert_eq!(found, Vec::<String>::new());
}

#[test]
fn an_alert_without_them_is_caught() {
    let rules = "  - alert: Fire\n";
    let fires = "- alertname: Fire\n  exp_alerts:\n    - exp_labels: {}\n";
    let silent = "- alertname: Fire\n  exp_alerts: []\n";
    let both = format!("{fires}{silent}");
    assert!(unready(rules, &both, "## Fire\n").is_empty());
    assert!(unready(rules, &both, "")[0].contains("no section"));
    assert!(unready(rules, silent, "## Fire\n")[0].contains("fires"));
    assert!(unready(rules, fires, "## Fire\n")[0].contains("silent"));
}

#[test]
fn every_metric_that_is_used_is_registered() {
    let code = sources(&["services", "shared"], ".rs");
    let registered = |metric: &str| {
        let quoted = format!("\"{metric}\"");
        code.iter().any(|source| source.text.contains(&quoted))
    };
    let mut used = sources(&["deploy/grafana"], ".json");
    used.push(Source {
        path: ALERTS.to_owned(),
        text: read(ALERTS),
    });
    let missing: Vec<String> = used
        .iter()
        .flat_map(|file| {
            metrics(&file.text)
                .into_iter()
                .map(move |metric| (file, metric))
        })
        .filter(|(_, metric)| !registered(metric))
        .map(|(file, metric)| format!("{} uses {metric}, which no code registers", file.path))
        .collect();
    assert_eq!(missing, Vec::<String>::new());
}

#[test]
fn metrics_are_found_in_expressions() {
    let text = "sum(rate(oss_a_seconds_bucket{le=\"1\"}[5m])) / oss_b_total > up";
    assert_eq!(
        metrics(text),
        BTreeSet::from(["oss_a_seconds", "oss_b_total"])
    );
}

/// What is wrong with the names and headings of the decisions' records.
fn misnumbered(records: &[Source]) -> Vec<String> {
    let mut found = Vec::new();
    for (idx, record) in records.iter().enumerate() {
        let number = idx + 1;
        let name = record.path.rsplit('/').next().unwrap_or_default();
        if !name.starts_with(&format!("{number:04}-")) {
            found.push(format!("{name} is not number {number:04}"));
        }
        if !record.text.starts_with(&format!("# {number}. ")) {
            found.push(format!("{name} does not open with `# {number}. …`"));
        }
        for section in [
            "## Context",
            "## Decision",
            "## Alternatives",
            "## Consequences",
        ] {
            if !record.text.contains(section) {
                found.push(format!("{name} has no `{section}`"));
            }
        }
    }
    found
}

#[test]
fn decisions_are_numbered_and_whole() {
    let records = sources(&["docs/adr"], ".md");
    assert!(!records.is_empty());
    assert_eq!(misnumbered(&records), Vec::<String>::new());
}

#[test]
fn a_gap_in_the_numbers_is_caught() {
    let record = Source {
        path: "docs/adr/0002-two.md".to_owned(),
        text: "# 2. Two\n## Context\n## Decision\n## Alternatives\n## Consequences\n".to_owned(),
    };
    assert_eq!(misnumbered(&[record]).len(), 2);
}

/// Every target of a Markdown link in `text` that is a file of ours.
fn local_links(text: &str) -> Vec<&str> {
    text.split("](")
        .skip(1)
        .filter_map(|rest| rest.split(')').next())
        .filter_map(|target| target.split('#').next())
        .filter(|target| !target.is_empty() && !target.contains(':'))
        .collect()
}

#[test]
fn links_in_documents_lead_somewhere() {
    let mut documents = sources(&["docs"], ".md");
    documents.push(Source {
        path: "README.md".to_owned(),
        text: read("README.md"),
    });
    for document in &documents {
        let folder = root().join(&document.path);
        let folder = folder.parent().unwrap();
        for link in local_links(&document.text) {
            assert!(folder.join(link).exists(), "{}: {link}", document.path);
        }
    }
}

/// The tests that a document says hold something: names in backticks after `Held by`.
fn holders(text: &str) -> Vec<&str> {
    text.lines()
        .filter_map(|line| line.trim().strip_prefix("Held by "))
        .flat_map(|line| line.split('`').skip(1).step_by(2))
        .collect()
}

#[test]
fn every_invariant_is_held_by_a_test_that_exists() {
    let text = read("docs/architecture.md");
    let rust = sources(&["services", "shared", "tests"], ".rs");
    assert!(holders(&text).len() > 5, "the invariants are read");
    let missing: Vec<&str> = holders(&text)
        .into_iter()
        .filter(|name| {
            let function = format!("fn {name}(");
            !rust.iter().any(|source| source.text.contains(&function))
        })
        .collect();
    assert_eq!(
        missing,
        Vec::<&str>::new(),
        "docs/architecture.md names no such tests"
    );
}
