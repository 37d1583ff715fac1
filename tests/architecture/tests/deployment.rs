//! Fails when the broker's configuration or the configuration's reference differ from the code.

use oss_architecture_tests::read;
use oss_messaging::{Access, access};
use std::collections::{BTreeMap, BTreeSet};

/// The subjects that each user of a broker's configuration may use.
fn granted(conf: &str) -> BTreeMap<String, BTreeSet<String>> {
    let lines = conf
        .lines()
        .map(str::trim)
        .filter(|line| !line.starts_with('#'));
    let text = lines.collect::<Vec<_>>().join("\n");
    text.split("user: ")
        .skip(1)
        .map(|user| {
            let name = user.split(',').next().unwrap_or_default().to_owned();
            let subjects = user.split('"').skip(1).step_by(2).map(str::to_owned);
            // Denying everything is how a list without subjects is written.
            (name, subjects.filter(|subject| subject != ">").collect())
        })
        .collect()
}

#[test]
fn the_brokers_configuration_grants_what_the_code_asks_for() {
    let asked = |user: Access| {
        (
            user.name,
            user.publish.into_iter().chain(user.subscribe).collect(),
        )
    };
    let asked: BTreeMap<String, BTreeSet<String>> = access::all().into_iter().map(asked).collect();
    assert_eq!(granted(&read("deploy/nats/nats.conf")), asked);
}

#[test]
fn grants_are_read() {
    let conf =
        "{\n # user: x\n user: a, password: $P\n publish: { deny: \">\" }\n allow: [\"s.>\"]";
    let expected = BTreeMap::from([("a".to_owned(), BTreeSet::from(["s.>".to_owned()]))]);
    assert_eq!(granted(conf), expected);
}

/// The keys of the configuration's defaults, those that are commented out too.
fn keys(defaults: &str) -> Vec<String> {
    let mut section = "";
    let mut keys = Vec::new();
    for line in defaults.lines() {
        let line = line.trim_start_matches("# ").trim();
        if let Some(name) = line
            .strip_prefix('[')
            .and_then(|rest| rest.strip_suffix(']'))
        {
            section = name;
        } else if let Some((key, _)) = line.split_once(" = ")
            && key.chars().all(|c| c.is_ascii_lowercase() || c == '_')
        {
            let dot = if section.is_empty() { "" } else { "." };
            keys.push(format!("{section}{dot}{key}"));
        }
    }
    keys
}

#[test]
fn every_key_of_the_configuration_is_described() {
    let reference = read("docs/configuration.md");
    let keys = keys(&read("services/oss/src/config.default.toml"));
    assert!(
        keys.contains(&"database.url".to_owned()),
        "the defaults are read"
    );
    for key in &keys {
        assert!(
            reference.contains(&format!("| `{key}` |")),
            "docs/configuration.md lacks {key}"
        );
    }
    let described = reference
        .lines()
        .filter(|line| line.starts_with("| `"))
        .count();
    assert_eq!(
        described,
        keys.len(),
        "docs/configuration.md describes keys that are not there"
    );
}
