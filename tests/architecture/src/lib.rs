//! Holds the layers, the tidy rules and what deployment and documentation promise of the code.
//!
//! This library only reads the workspace; the rules are in `tests/`, one file for each subject.
//! What it does not do: judge whether code is right, or run any of it.
//!
//! Invariants
//! - A rule is a function from facts to the sentences it finds wrong, so that a test can show it a
//!   breach: a rule that catches nothing is no rule.
//! - A sentence names the file or crate and says what to do.
//!
//! To add a rule: write the function, a test that it finds nothing wrong here, and a test that it
//! finds a breach.

#![expect(
    clippy::expect_used,
    reason = "a helper of tests: its panic is the test's failure"
)]

use serde_json::Value;
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// A file of the workspace as text.
#[derive(Clone, Debug)]
pub struct Source {
    /// The path from the workspace's root, with `/`.
    pub path: String,
    /// What it says.
    pub text: String,
}

/// The workspace's root.
///
/// # Panics
/// Where this crate no longer lies two folders below it.
#[must_use]
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .ancestors()
        .nth(2)
        .expect("this crate lies in tests/architecture")
        .to_owned()
}

/// The text of the file at `path` from the root, or nothing where there is none.
#[must_use]
pub fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_default()
}

/// Every file below the folders whose name ends with `ending`, in order; hidden ones and built
/// ones are left out.
///
/// # Panics
/// Where a folder cannot be read.
#[must_use]
pub fn sources(folders: &[&str], ending: &str) -> Vec<Source> {
    let mut found = Vec::new();
    for folder in folders {
        collect(&root().join(folder), ending, &mut found);
    }
    found.sort_by(|a, b| a.path.cmp(&b.path));
    found
}

fn collect(folder: &Path, ending: &str, found: &mut Vec<Source>) {
    for entry in fs::read_dir(folder).expect("the folder is there") {
        let path = entry.expect("an entry").path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if name.starts_with('.') || name == "target" || name == "node_modules" {
            continue;
        }
        if path.is_dir() {
            collect(&path, ending, found);
        } else if name.ends_with(ending) {
            let text = String::from_utf8_lossy(&fs::read(&path).expect("a file")).into_owned();
            let path = path.strip_prefix(root()).unwrap_or(&path);
            found.push(Source {
                path: path.to_string_lossy().replace('\\', "/"),
                text,
            });
        }
    }
}

/// A package, ours or another's, as far as the layers are concerned.
#[derive(Clone, Debug, Default)]
pub struct Package {
    /// The top-level folder that one of ours lies in; none for another's.
    pub folder: Option<String>,
    /// What it depends on, tests and builds aside.
    pub dependencies: BTreeSet<String>,
}

/// Every package that building the workspace involves, by name.
///
/// # Panics
/// Where `cargo metadata` fails, as it does when the lock file is behind the manifests.
#[must_use]
pub fn packages() -> BTreeMap<String, Package> {
    // Packages for other platforms were never downloaded, so offline it must be told of this one.
    let platform = output_of("rustc", &["--print", "host-tuple"]);
    let metadata = output_of(
        env!("CARGO"),
        &[
            "metadata",
            "--format-version=1",
            "--offline",
            "--locked",
            "--filter-platform",
            platform.trim(),
        ],
    );
    let metadata: Value = serde_json::from_str(&metadata).expect("cargo writes JSON");
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let text = |value: Option<&Value>| {
        let text = value.and_then(Value::as_str);
        text.unwrap_or_default().to_owned()
    };

    let mut names = BTreeMap::new();
    let mut packages: BTreeMap<String, Package> = BTreeMap::new();
    for package in list(metadata.get("packages").unwrap_or(&Value::Null)) {
        let name = text(package.get("name"));
        let manifest = PathBuf::from(text(package.get("manifest_path")));
        let ours = manifest.strip_prefix(root()).ok();
        let folder = ours.and_then(|path| path.iter().next());
        packages.entry(name.clone()).or_default().folder =
            folder.map(|folder| folder.to_string_lossy().into_owned());
        names.insert(text(package.get("id")), name);
    }
    for node in list(metadata.pointer("/resolve/nodes").unwrap_or(&Value::Null)) {
        let dependencies = list(node.get("deps").unwrap_or(&Value::Null))
            .iter()
            .filter(|dependency| {
                list(dependency.get("dep_kinds").unwrap_or(&Value::Null))
                    .iter()
                    .any(|kind| kind.get("kind").is_none_or(Value::is_null))
            })
            .filter_map(|dependency| names.get(&text(dependency.get("pkg"))).cloned())
            .collect::<Vec<_>>();
        if let Some(package) = names
            .get(&text(node.get("id")))
            .and_then(|name| packages.get_mut(name))
        {
            // Two versions of one package are one here: what either may not, neither may.
            package.dependencies.extend(dependencies);
        }
    }
    packages
}

fn output_of(program: &str, args: &[&str]) -> String {
    let output = Command::new(program)
        .args(args)
        .current_dir(root())
        .output()
        .expect("the program runs");
    assert!(
        output.status.success(),
        "{program}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8_lossy(&output.stdout).into_owned()
}
