//! Fails when what `deploy` holds, or the configuration's reference, differs from the code or itself.

use oss_architecture_tests::{read, sources};
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

/// The words of a text that begin with `prefix` and go on in capitals.
fn names<'a>(text: &'a str, prefix: &'a str) -> impl Iterator<Item = &'a str> {
    let is_part = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_';
    text.split(move |c| !is_part(c) && c != '$' && c != '{')
        .filter_map(move |word| word.strip_prefix(prefix))
}

/// The variables that set a key which is not among `keys`; a secret has one for itself and one for
/// its file.
fn misspelt<'a>(text: &'a str, keys: &[String]) -> Vec<&'a str> {
    let known = |variable: &&str| {
        let key = variable.to_lowercase().replace("__", ".");
        keys.iter()
            .any(|it| *it == key || it.strip_suffix("_file") == Some(&*key))
    };
    names(text, "OSS_")
        .filter(|variable| variable.contains("__") && !known(variable))
        .collect()
}

#[test]
fn every_key_that_deployment_sets_is_one_of_the_configuration() {
    let keys = keys(&read("services/oss/src/config.default.toml"));
    let files = sources(&["deploy"], "");
    assert!(files.iter().any(|file| file.text.contains("OSS_NATS__")));
    for file in &files {
        let wrong = misspelt(&file.text, &keys);
        assert!(wrong.is_empty(), "{} sets {wrong:?}", file.path);
    }
    assert_eq!(misspelt("A=1 OSS_NATS__USERS: x", &keys), ["NATS__USERS"]);
    assert!(misspelt("OSS_NATS__PASSWORD", &keys).is_empty());
}

#[test]
fn the_composition_asks_for_the_secrets_of_the_example() {
    let compose = read("deploy/compose.yaml");
    let asked: BTreeSet<&str> = names(&compose, "${").collect();
    let example = read("deploy/example.env");
    let lines = example.lines().filter(|line| !line.starts_with('#'));
    let named: BTreeSet<&str> = lines.filter_map(|line| line.strip_suffix('=')).collect();
    assert!(!asked.is_empty());
    assert_eq!(asked, named);
}

fn word_after<'a>(line: &'a str, mark: &str) -> Option<&'a str> {
    line.split_once(mark)?.1.split([',', ' ', '}']).next()
}

/// The secrets that manifests name, with the keys they take of each.
fn taken(manifests: &str) -> BTreeSet<(&str, &str)> {
    let mut secret = "";
    let mut taken = BTreeSet::new();
    for line in manifests.lines() {
        secret = word_after(line, "name: oss-").unwrap_or(secret);
        taken.extend(word_after(line, " key: ").map(|key| (secret, key)));
    }
    taken
}

/// The secrets of the example, with the keys of each.
fn given(example: &str) -> BTreeSet<(&str, &str)> {
    let mut secret = "";
    let mut given = BTreeSet::new();
    for line in example.lines() {
        secret = word_after(line, "name: oss-").unwrap_or(secret);
        if let Some((key, _)) = line.strip_prefix("  ").and_then(|it| it.split_once(':')) {
            given.insert((secret, key));
        }
    }
    given
}

#[test]
fn every_secret_that_a_manifest_takes_is_in_the_example() {
    let manifests = sources(&["deploy/kubernetes"], ".yaml");
    let manifests: Vec<&str> = manifests.iter().map(|file| &*file.text).collect();
    let manifests = manifests.join("\n");
    let example = read("deploy/kubernetes/secrets.example.yaml");
    let (taken, mut given) = (taken(&manifests), given(&example));
    // Taken whole, so no manifest names its key.
    assert!(given.remove(&("installation", "installation-key")));
    assert_eq!(taken, given);
}
