//! Fails when the tree or a source file is not kept tidy.

use oss_architecture_tests::{Source, root, sources};
use sha2::{Digest, Sha256};
use std::{collections::BTreeSet, fs};

/// A file that has grown beyond this is two files.
const MAX_LINES: usize = 600;

/// What a visitor sees first: the user's choice. Tool settings are dot files, `target` is built.
const TOP_LEVEL: &[&str] = &[
    "Cargo.lock",
    "Cargo.toml",
    "README.md",
    "deploy",
    "docs",
    "services",
    "shared",
    "tests",
];

/// Words that may not be in any source, and what to do instead.
const FORBIDDEN: &[(&str, &str)] = &[
    ("#[allow(", "write #[expect(lint, reason = \"…\")]"),
    ("#![allow(", "write #![expect(lint, reason = \"…\")]"),
    ("todo!", "do it, or leave it out"),
    ("unimplemented!", "do it, or leave it out"),
    ("#[ignore", "a test that is not run is none"),
];

fn rust() -> Vec<Source> {
    sources(&["services", "shared", "tests"], ".rs")
}

/// The part of a source that is a test: all of it below `tests/`, else what follows
/// `#[cfg(test)]`.
fn test_part(source: &Source) -> &str {
    if source.path.split('/').any(|part| part == "tests") {
        &source.text
    } else {
        source
            .text
            .find("#[cfg(test)]")
            .map_or("", |at| &source.text[at..])
    }
}

/// Whether `test` sleeps other than between two looks at a condition, which has a deadline.
fn sleeps(test: &str) -> bool {
    let lines: Vec<&str> = test.lines().collect();
    lines.iter().enumerate().any(|(idx, line)| {
        let mut before = lines.iter().take(idx).rev().take(5);
        line.contains("sleep(") && !before.any(|line| line.contains("deadline"))
    })
}

/// What is wrong with `sources`, as sentences.
fn untidy(sources: &[Source]) -> Vec<String> {
    let mut found = Vec::new();
    for source in sources {
        let path = &source.path;
        let n_lines = source.text.lines().count();
        if n_lines > MAX_LINES {
            found.push(format!(
                "{path} has {n_lines} lines, more than {MAX_LINES}: split it"
            ));
        }
        let opens = path.ends_with("/src/lib.rs") || path.ends_with("/src/main.rs");
        if opens && !source.text.starts_with("//!") {
            found.push(format!(
                "{path} does not open with what the crate is for (//!)"
            ));
        }
        if path.ends_with("/mod.rs") {
            found.push(format!("{path}: name a module's file after the module"));
        }
        // This file must name what it forbids.
        if path.ends_with("architecture/tests/tidy.rs") {
            continue;
        }
        for (word, instead) in FORBIDDEN
            .iter()
            .filter(|(word, _)| source.text.contains(word))
        {
            found.push(format!("{path} has `{word}`: {instead}"));
        }
        if sleeps(test_part(source)) {
            found.push(format!(
                "{path} sleeps in a test: wait for a condition, with a deadline"
            ));
        }
    }
    found
}

/// What is wrong with the migrations' contents, given the list of those that were merged.
fn changed_migrations(migrations: &[Source], merged: &str) -> Vec<String> {
    let mut found = Vec::new();
    let listed: Vec<(&str, &str)> = merged
        .lines()
        .filter_map(|line| line.split_once("  "))
        .collect();
    for (_, name) in &listed {
        if !migrations.iter().any(|migration| migration.path == *name) {
            found.push(format!("{name} was merged and is gone: put it back"));
        }
    }
    for migration in migrations {
        let hash = hex::encode(Sha256::digest(&migration.text));
        match listed.iter().find(|(_, name)| *name == migration.path) {
            Some((listed, _)) if *listed != hash => found.push(format!(
                "{} was merged and has changed: put it back and write another migration",
                migration.path
            )),
            Some(_) => {}
            None => found.push(format!(
                "{} is not listed: sha256sum {0} >> tests/architecture/migrations.sha256",
                migration.path
            )),
        }
    }
    found
}

#[test]
fn sources_are_tidy() {
    let rust = rust();
    assert!(rust.len() > 40, "the sources are read");
    assert_eq!(untidy(&rust), Vec::<String>::new());
}

#[test]
fn untidiness_is_caught() {
    let source = |path: &str, text: &str| Source {
        path: path.to_owned(),
        text: text.to_owned(),
    };
    let long = "\n".repeat(MAX_LINES + 1);
    for (path, text, about) in [
        ("shared/a/src/long.rs", long.as_str(), "split it"),
        ("shared/a/src/lib.rs", "use std;", "//!"),
        ("shared/a/src/b/mod.rs", "", "after the module"),
        ("shared/a/src/a.rs", "#[allow(dead_code)]", "expect"),
        ("shared/a/src/a.rs", "fn a() { todo!() }", "do it"),
        ("shared/a/tests/a.rs", "tokio::time::sleep(x)", "condition"),
        (
            "shared/a/src/a.rs",
            "#[cfg(test)] mod t { sleep(x) }",
            "condition",
        ),
        (
            "tests/end_to_end/tests/a.rs",
            "thread::sleep(x)",
            "condition",
        ),
    ] {
        let found = untidy(&[source(path, text)]);
        assert!(
            found.len() == 1 && found[0].contains(about),
            "{path}: {found:?}"
        );
    }
    let backs_off = "fn back_off() { sleep(x) }";
    assert!(untidy(&[source("shared/a/src/a.rs", backs_off)]).is_empty());
    let looks_again = "while !there() {\n assert!(now() < deadline);\n sleep(x)\n}";
    assert!(untidy(&[source("shared/a/tests/a.rs", looks_again)]).is_empty());
}

#[test]
fn the_top_level_is_the_users() {
    let found: BTreeSet<String> = fs::read_dir(root())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
        .filter(|name| !name.starts_with('.') && name != "target")
        .collect();
    let expected: BTreeSet<String> = TOP_LEVEL.iter().map(|name| (*name).to_owned()).collect();
    assert_eq!(found, expected);
}

#[test]
fn merged_migrations_never_change() {
    let migrations = sources(&["shared/storage/migrations"], ".sql");
    let merged = oss_architecture_tests::read("tests/architecture/migrations.sha256");
    assert_eq!(
        changed_migrations(&migrations, &merged),
        Vec::<String>::new()
    );
}

#[test]
fn a_changed_migration_is_caught() {
    let migration = |text: &str| Source {
        path: "0001.sql".to_owned(),
        text: text.to_owned(),
    };
    let merged = format!("{}  0001.sql\n", hex::encode(Sha256::digest("CREATE")));
    assert!(changed_migrations(&[migration("CREATE")], &merged).is_empty());
    assert!(changed_migrations(&[migration("DROP")], &merged)[0].contains("has changed"));
    assert!(changed_migrations(&[migration("CREATE")], "")[0].contains("not listed"));
    assert!(changed_migrations(&[], &merged)[0].contains("gone"));
}

#[test]
fn tls_has_one_implementation() {
    let lock = oss_architecture_tests::read("Cargo.lock");
    assert!(lock.contains("name = \"rustls\""), "the lock file is read");
    for banned in ["openssl", "openssl-sys", "native-tls"] {
        assert!(
            !lock.contains(&format!("name = \"{banned}\"\n")),
            "{banned}"
        );
    }
}
