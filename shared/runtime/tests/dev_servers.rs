//! The private servers, as `oss dev` starts them.

#![expect(clippy::unwrap_used, reason = "a test may panic, in its helpers too")]

use oss_runtime::{
    Ending, Lifecycle, Secret,
    dev_servers::{DataDir, DevServers, Error, NatsUser, Options, Passwords, nats, postgres},
    seeded_rng,
};
use std::{
    fs,
    net::TcpListener,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

fn tools() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../.tools")
}

fn explicit() -> Option<PathBuf> {
    std::env::var_os("NATS_SERVER").map(PathBuf::from)
}

async fn start(dir: &DataDir, ports: (Option<u16>, Option<u16>)) -> Result<DevServers, Error> {
    let mut rng = seeded_rng();
    let password = Passwords::open(dir.path())?.get_or_generate("relay", &mut rng)?;
    let users = [NatsUser {
        name: "relay".to_owned(),
        password,
        publish: vec!["oss.evt.v1.>".to_owned()],
        subscribe: vec!["_INBOX.relay.>".to_owned()],
    }];
    let (tools, explicit) = (tools(), explicit());
    let options = Options {
        data_dir: dir,
        tools_dir: &tools,
        nats_server: explicit.as_deref(),
        nats_port: ports.0,
        postgres_port: ports.1,
        nats_users: &users,
    };
    DevServers::start(options, &mut rng, &|_| {}).await
}

fn psql(url: &Secret<String>, statement: &str) -> String {
    let output = Command::new("psql")
        .args([url.expose(), "--no-psqlrc", "-Atqc", statement])
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

fn runs(pid: u32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit_once(") ")
        .is_some_and(|(_, rest)| !rest.starts_with('Z'))
}

async fn until(what: &str, mut condition: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !condition() {
        assert!(Instant::now() < deadline, "in vain: {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn data_and_passwords_outlive_a_restart_which_is_quick() {
    let folder = tempfile::tempdir().unwrap();
    let dir = DataDir::open(&folder.path().join("data")).unwrap();
    let servers = start(&dir, (None, None)).await.unwrap();
    psql(
        &servers.postgres.url(),
        "CREATE TABLE kept AS SELECT 42 AS answer",
    );
    let url = servers.postgres.url();
    let (nats_port, postgres_port) = (servers.nats.port(), servers.postgres.port());
    let config = fs::metadata(dir.path().join("nats/nats.conf")).unwrap();
    assert_eq!(config.permissions().mode() & 0o777, 0o600);
    servers.stop().await;

    let started = Instant::now();
    let servers = start(&dir, (Some(nats_port), Some(postgres_port)))
        .await
        .unwrap();
    let took = started.elapsed();
    assert!(
        took < Duration::from_secs(3),
        "the second start took {took:?}"
    );
    assert_eq!(servers.postgres.url(), url);
    assert_eq!(psql(&url, "SELECT answer FROM kept"), "42");
    assert_eq!(
        psql(&servers.postgres.socket_url("oss"), "SHOW fsync"),
        "on"
    );
    let pids = [servers.nats.pid(), servers.postgres.pid()];
    servers.stop().await;
    assert!(!pids.into_iter().any(runs));
}

#[tokio::test]
async fn strangers_are_not_let_in() {
    let folder = tempfile::tempdir().unwrap();
    let dir = DataDir::open(folder.path()).unwrap();
    let servers = start(&dir, (None, None)).await.unwrap();
    let port = servers.postgres.port();
    let output = Command::new("psql")
        .arg(format!("postgres://oss:wrong@127.0.0.1:{port}/oss"))
        .args(["-c", "SELECT 1"])
        .output()
        .unwrap();
    assert!(!output.status.success());
    servers.stop().await;
}

#[tokio::test]
async fn a_taken_port_and_a_taken_folder_are_clear_errors() {
    let folder = tempfile::tempdir().unwrap();
    let dir = DataDir::open(folder.path()).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let error = start(&dir, (Some(port), None)).await.unwrap_err();
    assert!(
        error
            .to_string()
            .contains(&format!("port {port} for NATS is taken")),
        "{error}"
    );
    let error = DataDir::open(folder.path()).unwrap_err();
    assert!(error.to_string().contains("--data-dir"), "{error}");
}

#[tokio::test]
async fn a_server_that_dies_is_noticed() {
    let folder = tempfile::tempdir().unwrap();
    let dir = DataDir::open(folder.path()).unwrap();
    let servers = start(&dir, (None, None)).await.unwrap();
    let lifecycle = Lifecycle::new(Duration::from_secs(10)).unwrap();
    lifecycle.spawn_critical("servers", servers.watch(lifecycle.soft_token()));
    kill("KILL", servers.nats.pid());
    let ending = tokio::time::timeout(Duration::from_secs(10), lifecycle.run()).await;
    assert_eq!(ending.unwrap(), Ending::Failed);
    servers.stop().await;
}

fn kill(signal: &str, pid: u32) {
    let script = format!("kill -s {signal} {pid}");
    assert!(
        Command::new("sh")
            .args(["-c", &script])
            .status()
            .unwrap()
            .success()
    );
}

/// Run by the two tests below in a process of its own, to be killed.
#[tokio::test]
async fn in_a_process_of_its_own() {
    let Some(dir) = std::env::var_os("OSS_TEST_DATA_DIR") else {
        return;
    };
    let dir = DataDir::open(Path::new(&dir)).unwrap();
    let servers = start(&dir, (None, None)).await.unwrap();
    let pids = format!("{} {}", servers.nats.pid(), servers.postgres.pid());
    fs::write(dir.path().join("pids.part"), pids).unwrap();
    fs::rename(dir.path().join("pids.part"), dir.path().join("pids")).unwrap();
    std::future::pending::<()>().await;
}

async fn start_and_kill(dir: &Path, with_guardians: bool) -> Vec<u32> {
    let mut parent = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "in_a_process_of_its_own", "--nocapture"])
        .env("OSS_TEST_DATA_DIR", dir)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    until("the servers run", || dir.join("pids").exists()).await;
    let pids: Vec<u32> = fs::read_to_string(dir.join("pids"))
        .unwrap()
        .split(' ')
        .map(|pid| pid.parse().unwrap())
        .collect();
    assert!(pids.iter().copied().all(runs));
    if with_guardians {
        for guardian in guardians_of(&pids) {
            kill("KILL", guardian);
        }
    }
    parent.kill().unwrap();
    parent.wait().unwrap();
    pids
}

/// The shells whose command line names one of the servers.
fn guardians_of(pids: &[u32]) -> Vec<u32> {
    let of = |entry: fs::DirEntry| -> Option<u32> {
        let line = fs::read_to_string(entry.path().join("cmdline")).ok()?;
        let words: Vec<&str> = line.split('\0').collect();
        let ours = words.contains(&"oss-guardian")
            && pids
                .iter()
                .any(|pid| words.contains(&pid.to_string().as_str()));
        ours.then(|| entry.file_name().to_str()?.parse().ok())
            .flatten()
    };
    fs::read_dir("/proc")
        .unwrap()
        .filter_map(|entry| of(entry.unwrap()))
        .collect()
}

#[tokio::test]
async fn nothing_is_left_running_when_we_are_killed() {
    let folder = tempfile::tempdir().unwrap();
    let pids = start_and_kill(folder.path(), false).await;
    until("the guardians stop the servers", || {
        !pids.iter().copied().any(runs)
    })
    .await;
    let dir = DataDir::open(folder.path()).unwrap();
    start(&dir, (None, None)).await.unwrap().stop().await;
}

#[tokio::test]
async fn orphans_are_stopped_at_the_next_start() {
    let folder = tempfile::tempdir().unwrap();
    let orphans = start_and_kill(folder.path(), true).await;
    assert!(
        orphans.iter().copied().all(runs),
        "the guardians were killed too"
    );
    let dir = DataDir::open(folder.path()).unwrap();
    let servers = start(&dir, (None, None)).await.unwrap();
    assert!(!orphans.iter().copied().any(runs));
    servers.stop().await;
}

#[tokio::test]
async fn a_pid_file_that_names_a_stranger_harms_nobody() {
    let folder = tempfile::tempdir().unwrap();
    let dir = DataDir::open(folder.path()).unwrap();
    let mut stranger = Command::new("sleep").arg("60").spawn().unwrap();
    fs::create_dir_all(dir.path().join("nats")).unwrap();
    fs::write(dir.path().join("nats/nats.pid"), stranger.id().to_string()).unwrap();
    start(&dir, (None, None)).await.unwrap().stop().await;
    assert!(stranger.try_wait().unwrap().is_none(), "it still runs");
    stranger.kill().unwrap();
    stranger.wait().unwrap();
}

#[tokio::test]
async fn a_long_path_still_has_room_for_the_socket() {
    let folder = tempfile::tempdir().unwrap();
    let dir = DataDir::open(&folder.path().join("a-long-name".repeat(12))).unwrap();
    let servers = start(&dir, (None, None)).await.unwrap();
    assert_eq!(psql(&servers.postgres.socket_url("oss"), "SELECT 1"), "1");
    let socket_dir = servers.postgres.socket_dir().to_owned();
    servers.stop().await;
    assert!(!socket_dir.exists());
}

/// Root's home is closed to the user that PostgreSQL runs as.
#[tokio::test]
async fn a_folder_that_the_servers_user_cannot_reach_will_do() {
    let folder = tempfile::tempdir().unwrap();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o700)).unwrap();
    let open = || DataDir::open(&folder.path().join("data")).unwrap();
    let dir = open();
    let cluster = dir.path().join("postgres");
    for answer in ["1", "2"] {
        let servers = start(&dir, (None, None)).await.unwrap();
        let url = servers.postgres.url();
        psql(&url, "CREATE TABLE IF NOT EXISTS starts (id int)");
        psql(&url, "INSERT INTO starts VALUES (1)");
        assert_eq!(psql(&url, "SELECT count(*) FROM starts"), answer);
        servers.stop().await;
    }
    let Ok(before) = fs::read_link(&cluster) else {
        return; // We are not root: PostgreSQL runs as we do.
    };
    drop(dir);
    fs::remove_dir_all(folder.path().join("data")).unwrap();
    start(&open(), (None, None)).await.unwrap().stop().await;
    assert!(!before.exists(), "the old data went with the link to it");
    fs::remove_dir_all(fs::read_link(&cluster).unwrap()).unwrap();
}

#[tokio::test]
async fn an_unusable_nats_server_says_what_to_do() {
    let error = nats::find(Some(Path::new("/nowhere/nats-server")), &tools(), &|_| {}).await;
    let text = error.unwrap_err().to_string();
    assert!(
        text.contains("/nowhere/nats-server") && text.contains("NATS_SERVER"),
        "{text}"
    );
}

#[tokio::test]
async fn data_of_another_version_is_not_touched() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir_all(folder.path().join("data")).unwrap();
    fs::write(folder.path().join("data/PG_VERSION"), "15\n").unwrap();
    assert_eq!(postgres::version_of(folder.path()), Some(15));
    assert_eq!(postgres::version_of(&folder.path().join("nothing")), None);
}
