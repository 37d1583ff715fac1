//! The folder and the files of a cluster.

use super::{Installation, OWNER};
use crate::{
    Secret,
    dev_servers::{
        Error, make_dir,
        passwords::write_private,
        process::{self, RunAs},
    },
};
use std::{
    fs,
    os::unix::fs::{chown, symlink},
    path::{Path, PathBuf},
};

/// Where clusters go that cannot be where they should be.
const ELSEWHERE: &str = "/var/lib";
const ELSEWHERE_PREFIX: &str = "oss-postgres-";

/// The folder for the cluster: `dir`, or where the server's user cannot reach that (root's home is
/// closed to others), one under /var/lib with a link to it at `dir`.
pub(super) async fn reachable(
    dir: &Path,
    run_as: Option<RunAs>,
    short_name: &str,
) -> Result<PathBuf, Error> {
    if let Ok(linked) = fs::read_link(dir) {
        if linked.exists() {
            return Ok(linked);
        }
        fs::remove_file(dir).map_err(Error::file("remove the broken link", dir))?;
    }
    make_owned_dir(dir, run_as)?;
    let mut test = process::command(Path::new("test"), run_as);
    test.arg("-x").arg(dir);
    if process::run("reach the folder", &mut test).await.is_ok() {
        return Ok(dir.to_owned());
    }
    remove_abandoned(dir);
    let elsewhere = Path::new(ELSEWHERE).join(format!("{ELSEWHERE_PREFIX}{short_name:.12}"));
    make_owned_dir(&elsewhere, run_as)?;
    let note = elsewhere.join("linked-from");
    fs::write(&note, dir.as_os_str().as_encoded_bytes()).map_err(Error::file("write", &note))?;
    fs::remove_dir(dir)
        .and_then(|()| symlink(&elsewhere, dir))
        .map_err(Error::file("link", dir))?;
    Ok(elsewhere)
}

/// Removes clusters that were linked from `dir` before somebody removed the link, to start afresh.
fn remove_abandoned(dir: &Path) {
    for entry in fs::read_dir(ELSEWHERE).into_iter().flatten().flatten() {
        let path = entry.path();
        let ours = entry
            .file_name()
            .to_string_lossy()
            .starts_with(ELSEWHERE_PREFIX)
            && fs::read(path.join("linked-from"))
                .is_ok_and(|from| from == dir.as_os_str().as_encoded_bytes());
        if ours {
            let _ = fs::remove_dir_all(path);
        }
    }
}

pub(super) fn make_owned_dir(dir: &Path, run_as: Option<RunAs>) -> Result<(), Error> {
    make_dir(dir, 0o700)?;
    own(dir, run_as)
}

fn own(path: &Path, run_as: Option<RunAs>) -> Result<(), Error> {
    match run_as {
        Some(RunAs { uid, gid }) => {
            chown(path, Some(uid), Some(gid)).map_err(Error::file("change the owner of", path))
        }
        None => Ok(()),
    }
}

/// Makes the cluster, under another name first: what is called `data` is whole.
pub(super) async fn create_cluster(
    installation: &Installation,
    dir: &Path,
    run_as: Option<RunAs>,
    password: Option<&Secret<String>>,
) -> Result<(), Error> {
    let (data, part) = (dir.join("data"), dir.join("data.part"));
    if data.exists() {
        return Ok(());
    }
    let _ = fs::remove_dir_all(&part);
    let password_file = dir.join("password");
    let mut initdb = process::command(&installation.bin.join("initdb"), run_as);
    initdb.arg("--pgdata").arg(&part).args([
        "--username",
        OWNER,
        "--encoding=UTF8",
        "--locale=C.UTF-8",
        "--no-sync",
    ]);
    if let Some(password) = password {
        write_private(&password_file, password.expose().as_bytes())
            .map_err(Error::file("write", &password_file))?;
        own(&password_file, run_as)?;
        initdb
            .arg("--auth=scram-sha-256")
            .arg("--pwfile")
            .arg(&password_file);
    } else {
        initdb.arg("--auth=trust");
    }
    let made = process::run("create the database cluster", &mut initdb).await;
    let _ = fs::remove_file(&password_file);
    made?;
    fs::rename(&part, &data).map_err(Error::file("name the cluster", &data))
}
