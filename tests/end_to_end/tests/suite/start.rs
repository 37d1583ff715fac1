//! Starting and stopping.

use oss_end_to_end::{Home, Product, SOON, binary, data};
use serde_json::json;
use std::{net::TcpListener, os::unix::fs::PermissionsExt, process::Stdio, time::Duration};
use tokio::io::{AsyncBufReadExt, BufReader};

#[tokio::test]
async fn stops_when_told_and_keeps_its_data_for_a_quick_start() {
    let product = Product::start(&[]).await;
    let (producer, observer) = product.clients().await;
    producer
        .publish("referral.submitted", &data::referral("R01", "KEPT"))
        .await;
    let offers = observer
        .first("offers.proposed", "referral_id", "KEPT")
        .await;
    let (status, home) = product.stop().await;
    assert_eq!(status.code(), Some(0), "{}", home.output());

    let product = home.start(&[]).await;
    assert!(product.took < Duration::from_secs(3), "{:?}", product.took);
    assert_eq!(product.api().found("/referrals/KEPT/offers").await, offers);
    assert_eq!(
        product.api().all("/settings").await.len(),
        975,
        "the sample is loaded once"
    );

    // SIGINT is as good.
    binary::signal("INT", product.pid()).await;
    let (status, _) = product.ended().await;
    assert_eq!(status.code(), Some(0));
}

#[tokio::test]
async fn a_taken_port_is_a_clear_error() {
    let taken = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = taken.local_addr().unwrap().port();
    let home_with = |change: fn(&mut Home, u16)| {
        let mut home = Home::new();
        change(&mut home, port);
        home
    };
    for (flag, home) in [
        ("--http-port", home_with(|home, port| home.http_port = port)),
        ("--ops-port", home_with(|home, port| home.ops_port = port)),
        ("--nats-port", home_with(|home, port| home.nats_port = port)),
    ] {
        let mut child = home.spawn(&["--no-sample"]);
        let status = tokio::time::timeout(SOON, child.wait())
            .await
            .unwrap()
            .unwrap();
        assert_eq!(status.code(), Some(1), "{flag}");
        let said = home.output();
        assert!(
            said.contains(&port.to_string()) && said.contains(flag),
            "{said}"
        );
    }
}

#[tokio::test]
async fn one_data_directory_is_one_products() {
    let product = Product::start(&["--no-sample"]).await;
    let data_dir = product.data_dir();
    let second = binary::run(&[
        "dev",
        "--data-dir",
        &data_dir,
        "--http-port",
        "0",
        "--ops-port",
        "0",
        "--nats-port",
        &oss_end_to_end::free_port().to_string(),
    ])
    .await;
    assert_eq!(second.code, Some(1));
    assert!(second.stderr.contains("--data-dir"), "{}", second.stderr);
    assert_eq!(product.api().get("/settings").await.status, 200);
}

#[tokio::test]
async fn commands_end_with_what_the_contract_says() {
    assert_eq!(binary::run(&["--version"]).await.code, Some(0));
    assert_eq!(binary::run(&["offers"]).await.code, Some(2), "wrong usage");
    let nowhere = binary::run(&["offers", "R01", "--data-dir", "/nonexistent"]).await;
    assert_eq!(nowhere.code, Some(1));
    assert!(nowhere.stderr.contains("deploy/run"), "{}", nowhere.stderr);
    let config = binary::run(&["config", "--json"]).await;
    assert_eq!(config.code, Some(0), "{}", config.stderr);
}

/// Published from files and standard input, and the API's way in.
#[tokio::test]
async fn a_referral_may_come_by_command_and_by_http() {
    let product = Product::start(&["--no-sample"]).await;
    product.import(&data::supply_file()).await;
    let (_, observer) = product.clients().await;
    let file = product.home().data_dir().join("referral.json");
    std::fs::write(&file, data::referral("R01", "BARE").to_string()).unwrap();
    let published = product
        .run(&[
            "publish",
            "--type",
            "referral.submitted",
            &file.display().to_string(),
        ])
        .await;
    assert_eq!(published.code, Some(0), "{}", published.stderr);
    let by_command = observer
        .first("offers.proposed", "referral_id", "BARE")
        .await;

    let api = product.api();
    let referral = data::referral("R01", "POSTED");
    assert_eq!(api.post("/referrals", referral.clone()).await.status, 202);
    let by_http = observer
        .first("offers.proposed", "referral_id", "POSTED")
        .await;
    let ids = |offers: &serde_json::Value| -> Vec<_> {
        offers["offers"]
            .as_array()
            .unwrap()
            .iter()
            .map(|it| it["setting_id"].clone())
            .collect()
    };
    assert_eq!(ids(&by_command), ids(&by_http));
    assert_eq!(
        api.post("/referrals", referral.clone()).await.status,
        202,
        "the same again"
    );
    let mut other = referral;
    other["urgency"] = json!("urgent");
    assert_eq!(api.post("/referrals", other).await.status, 409);
}

/// As somebody who is not root, with a home of their own.
#[tokio::test]
async fn runs_as_nobody() {
    let is_root = std::process::Command::new("id")
        .arg("-u")
        .output()
        .unwrap()
        .stdout
        == b"0\n";
    if !is_root {
        return; // Then every other test shows it.
    }
    let dir = oss_end_to_end::product::temp_dir();
    std::fs::set_permissions(dir.path(), std::fs::Permissions::from_mode(0o777)).unwrap();
    // Neither the binary nor the servers need be where nobody can read them.
    let program = dir.path().join("oss");
    std::fs::copy(binary::path(), &program).unwrap();
    let tools = dir.path().join(".tools");
    let copied = std::process::Command::new("cp")
        .arg("-r")
        .arg(binary::root().join(".tools"))
        .arg(&tools)
        .status();
    assert!(copied.unwrap().success());
    let chmod = std::process::Command::new("chmod")
        .args(["-R", "a+rX"])
        .arg(&tools)
        .status();
    assert!(chmod.unwrap().success());
    let port = || oss_end_to_end::free_port().to_string();
    let mut command = tokio::process::Command::new("setpriv");
    binary::unconfigured(&mut command);
    let mut child = command
        .args([
            "--reuid=65534",
            "--regid=65534",
            "--clear-groups",
            "--inh-caps=-all",
        ])
        .arg(&program)
        .args(["dev", "--data-dir"])
        .arg(dir.path().join("data"))
        .args([
            "--http-port",
            &port(),
            "--ops-port",
            &port(),
            "--nats-port",
            &port(),
        ])
        .env("HOME", dir.path())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let ready = async {
        while let Some(line) = lines.next_line().await.unwrap() {
            if line.starts_with("ready ") {
                return true;
            }
        }
        false
    };
    assert!(tokio::time::timeout(SOON, ready).await.unwrap());
    binary::signal("TERM", child.id().unwrap()).await;
    let status = tokio::time::timeout(SOON, child.wait())
        .await
        .unwrap()
        .unwrap();
    assert_eq!(status.code(), Some(0));
}
