//! Fails when a crate depends on what its layer may not see.

use oss_architecture_tests::{Package, packages};
use std::collections::{BTreeMap, BTreeSet};

/// Our packages, lowest first: each may depend on those of lower layers only, never on its equals.
const LAYERS: &[&[&str]] = &[
    &["oss-domain"],
    &["oss-geography"],
    &["oss-matching", "oss-sample"],
    &["oss-workflow"],
    &["oss-contract"],
    &[
        "oss-storage",
        "oss-messaging",
        "oss-telemetry",
        "oss-runtime",
    ],
    &["oss-matcher", "oss-relay", "oss-desk", "oss-testkit"],
    &["oss"],
];

/// Decisions and nothing else: no clock, no socket, no database, no runtime, no wire format.
const PURE: &[&str] = &[
    "oss-domain",
    "oss-geography",
    "oss-matching",
    "oss-workflow",
];

/// What a pure package may not depend on, not even through another.
const FORBIDDEN_IN_PURE: &[&str] = &[
    "async-nats",
    "axum",
    "figment",
    "prometheus",
    "reqwest",
    "serde_json",
    "sqlx",
    "tokio",
    "tracing",
    "tracing-subscriber",
];

/// Nor this, of itself: the geo crate brings it along, for what we do not call.
const FORBIDDEN_IN_PURE_DIRECTLY: &[&str] = &["rand", "rand_chacha"];

/// What belongs to some packages alone.
const OWNED: &[(&str, &[&str])] = &[
    ("sqlx", &["oss-storage", "oss-testkit"]),
    ("async-nats", &["oss-messaging", "oss-testkit"]),
    // The binary's is the operations listener.
    ("axum", &["oss-desk", "oss"]),
    ("tower-http", &["oss-desk"]),
    ("askama", &["oss-desk"]),
    ("schemars", &["oss-contract"]),
    ("geo", &["oss-geography"]),
    ("clap", &["oss"]),
    ("figment", &["oss"]),
    ("anyhow", &["oss"]),
];

/// What no package may bring in: there is one TLS, and it is rustls.
const BANNED: &[&str] = &["openssl", "openssl-sys", "native-tls"];

fn layer(name: &str) -> Option<usize> {
    LAYERS.iter().position(|layer| layer.contains(&name))
}

/// All that `package` builds on, direct or through others.
fn closure(packages: &BTreeMap<String, Package>, package: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut open = vec![package.to_owned()];
    while let Some(name) = open.pop() {
        for dependency in packages
            .get(&name)
            .into_iter()
            .flat_map(|p| &p.dependencies)
        {
            if found.insert(dependency.clone()) {
                open.push(dependency.clone());
            }
        }
    }
    found
}

/// The rules that `packages` break, as sentences.
fn violations(packages: &BTreeMap<String, Package>) -> Vec<String> {
    let mut found = Vec::new();
    for (name, package) in packages {
        if BANNED.contains(&name.as_str()) {
            found.push(format!("`{name}` is banned: TLS is rustls"));
        }
        // Tests may see all of it.
        let Some(folder) = package
            .folder
            .as_deref()
            .filter(|folder| *folder != "tests")
        else {
            continue;
        };
        let Some(own_layer) = layer(name) else {
            found.push(format!("`{name}` has no layer; give it one in LAYERS"));
            continue;
        };
        for dependency in &package.dependencies {
            if let Some((_, owners)) = OWNED.iter().find(|(owned, _)| owned == dependency)
                && !owners.contains(&name.as_str())
            {
                found.push(format!(
                    "`{dependency}` is for {} alone, not for `{name}`",
                    owners.join(" and ")
                ));
            }
            let Some(target) = packages.get(dependency).and_then(|p| p.folder.as_deref()) else {
                continue;
            };
            if dependency == "oss-testkit" {
                found.push(format!("`{name}` may use `oss-testkit` in its tests only"));
            }
            if folder == "shared" && target == "services" {
                found.push(format!(
                    "`{name}` is shared and may not depend on the service `{dependency}`"
                ));
            } else if layer(dependency).is_none_or(|layer| layer >= own_layer) {
                found.push(format!(
                    "`{name}` may not depend on `{dependency}`, which is no lower"
                ));
            }
        }
        if PURE.contains(&name.as_str()) {
            let mut all = closure(packages, name);
            all.retain(|name| FORBIDDEN_IN_PURE.contains(&name.as_str()));
            let direct = package.dependencies.iter();
            all.extend(
                direct
                    .filter(|name| FORBIDDEN_IN_PURE_DIRECTLY.contains(&name.as_str()))
                    .cloned(),
            );
            for forbidden in all {
                found.push(format!(
                    "`{name}` is pure and may not depend on `{forbidden}`"
                ));
            }
        }
    }
    found
}

#[test]
fn layers_hold() {
    let packages = packages();
    assert!(packages.contains_key("oss-domain"), "the workspace is read");
    assert_eq!(violations(&packages), Vec::<String>::new());
}

/// What is found wrong with packages of these names, folders and dependencies.
fn found(packages: &[(&str, &str, &[&str])]) -> Vec<String> {
    let package = |folder: &str, dependencies: &[&str]| Package {
        folder: (!folder.is_empty()).then(|| folder.to_owned()),
        dependencies: dependencies.iter().map(|name| (*name).to_owned()).collect(),
    };
    let packages = packages
        .iter()
        .map(|(name, folder, dependencies)| ((*name).to_owned(), package(folder, dependencies)))
        .collect();
    violations(&packages)
}

#[test]
fn a_pure_crate_that_reaches_out_is_caught() {
    for reached in ["tokio", "rand"] {
        assert_eq!(
            found(&[("oss-matching", "shared", &[reached])]),
            [format!(
                "`oss-matching` is pure and may not depend on `{reached}`"
            )]
        );
    }
}

#[test]
fn so_is_one_that_reaches_out_through_another() {
    assert_eq!(
        found(&[
            ("oss-domain", "shared", &["innocent"]),
            ("innocent", "", &["sqlx"])
        ]),
        ["`oss-domain` is pure and may not depend on `sqlx`"]
    );
}

#[test]
fn a_role_that_depends_on_a_role_is_caught() {
    assert_eq!(
        found(&[
            ("oss-desk", "services", &["oss-relay"]),
            ("oss-relay", "services", &[])
        ]),
        ["`oss-desk` may not depend on `oss-relay`, which is no lower"]
    );
}

#[test]
fn shared_on_a_service_is_caught() {
    assert_eq!(
        found(&[
            ("oss-runtime", "shared", &["oss-desk"]),
            ("oss-desk", "services", &[])
        ]),
        ["`oss-runtime` is shared and may not depend on the service `oss-desk`"]
    );
}

#[test]
fn sql_outside_storage_is_caught() {
    assert_eq!(
        found(&[("oss-desk", "services", &["sqlx"])]),
        ["`sqlx` is for oss-storage and oss-testkit alone, not for `oss-desk`"]
    );
}

#[test]
fn the_testkit_in_production_is_caught() {
    assert_eq!(
        found(&[
            ("oss", "services", &["oss-testkit"]),
            ("oss-testkit", "shared", &[])
        ]),
        ["`oss` may use `oss-testkit` in its tests only"]
    );
}

#[test]
fn a_crate_without_a_layer_is_caught() {
    assert_eq!(
        found(&[("oss-new", "shared", &[])]),
        ["`oss-new` has no layer; give it one in LAYERS"]
    );
}

#[test]
fn another_tls_is_caught() {
    assert_eq!(
        found(&[("openssl", "", &[])]),
        ["`openssl` is banned: TLS is rustls"]
    );
}
