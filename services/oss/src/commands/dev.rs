//! `oss dev`, which `deploy/run` execs: private servers, every role, sample data, in the foreground.

use crate::{
    cli,
    commands::{broker, import, offers, referral},
    config::Config,
    connection::{BrokerUser, DEFAULT_DATA_DIR, DevFile, Login, Target},
    ops, output,
    roles::{self, Common, Role},
};
use anyhow::{Context, bail};
use oss_contract::{Envelope, FactKind, envelope::CONTENT_TYPE, publish, referral_to_json};
use oss_domain::{Clock, EventId, Ids, Referral};
use oss_messaging::{Connection, Outgoing, Publisher, Topology, access};
use oss_runtime::{
    Lifecycle, Secret, SystemClock,
    dev_servers::{DataDir, DevServers, NatsUser, Options, Passwords, PostgresServer},
    seeded_rng,
};
use oss_storage::{InstallationKey, PgStore, migrate};
use rand_core::CryptoRng;
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    process::ExitCode,
    time::Duration,
};

/// The seed of the sample supply and referrals: the same for everybody.
const SAMPLE_SEED: u64 = 2026;

/// How long the roles may take until the first referral is ranked.
const RANKED_WITHIN: Duration = Duration::from_secs(30);

pub(crate) async fn run(args: cli::Dev, common: &cli::Common) -> anyhow::Result<ExitCode> {
    if !cfg!(feature = "dev-login") {
        bail!(
            "this oss is built for production, without users of its own; build it with `cargo build --package oss --features dev-login`, as deploy/run does"
        );
    }
    let config = Config::load(common.config.as_deref())?;
    // A person watches: warnings are enough, unless the environment asks for more.
    oss_telemetry::logging::init(oss_telemetry::LogFormat::Auto, &dev_filter(&config))?;
    let lifecycle = Lifecycle::new(Duration::from_secs(config.shutdown.grace_seconds))?;
    let http = ops::bind(([127, 0, 0, 1], args.http_port).into(), "--http-port").await?;
    let ops = ops::bind(([127, 0, 0, 1], args.ops_port).into(), "--ops-port").await?;
    let dir = common
        .data_dir
        .clone()
        .unwrap_or_else(|| PathBuf::from(DEFAULT_DATA_DIR));
    let data_dir = DataDir::open(&dir)?;
    let mut rng = seeded_rng();
    let mut passwords = Passwords::open(data_dir.path())?;
    let users = broker_users(&mut passwords, &mut rng)?;
    let tools = tools_dir(&dir);
    let servers = DevServers::start(
        Options {
            data_dir: &data_dir,
            tools_dir: &tools,
            nats_server: Config::nats_server().as_deref(),
            nats_port: Some(args.nats_port),
            postgres_port: None,
            nats_users: &users,
        },
        &mut rng,
        &|step| output::progress(step),
    )
    .await?;
    let started = start(
        &args,
        config,
        &lifecycle,
        &servers,
        &mut passwords,
        &users,
        (http, ops),
        &data_dir,
    )
    .await;
    let ending = match started {
        Ok(()) => {
            lifecycle.spawn_critical("servers", servers.watch(lifecycle.soft_token()));
            Ok(lifecycle.run().await)
        }
        Err(error) => Err(error),
    };
    output::progress("stopping");
    servers.stop().await;
    Ok(ending?.into())
}

#[expect(
    clippy::too_many_arguments,
    reason = "the parts of a start, each used once"
)]
async fn start(
    args: &cli::Dev,
    mut config: Config,
    lifecycle: &Lifecycle,
    servers: &DevServers,
    passwords: &mut Passwords,
    users: &[NatsUser],
    (http, ops): (tokio::net::TcpListener, tokio::net::TcpListener),
    data_dir: &DataDir,
) -> anyhow::Result<()> {
    let mut rng = seeded_rng();
    let key = generated_key("installation_key", passwords, &mut rng)?;
    let checkpoint_key = generated_key("checkpoint_key", passwords, &mut rng)?;
    output::progress("migrating the database");
    let owner = servers.postgres.socket_url("oss");
    migrate::migrate(
        owner.expose(),
        &InstallationKey::new(*key.expose()),
        &mut rng,
    )
    .await?;
    let app_password = passwords.get_or_generate("oss_app", &mut rng)?;
    migrate::set_app_password(owner.expose(), app_password.expose()).await?;

    let dev = DevFile {
        http_url: format!("http://{}", http.local_addr()?),
        ops_url: format!("http://{}", ops.local_addr()?),
        nats_url: servers.nats.url(),
        database_url: servers.postgres.url().expose().clone(),
        nats: users
            .iter()
            .map(|user| (user.name.clone(), BrokerUser::from(user)))
            .collect::<BTreeMap<_, _>>(),
        api_token: passwords
            .get_or_generate("api_token", &mut rng)?
            .expose()
            .clone(),
        logins: logins(passwords, &mut rng)?,
        installation_key: hex::encode(key.expose()),
        checkpoint_key: hex::encode(checkpoint_key.expose()),
        authorities: config
            .authorities()?
            .iter()
            .map(ToString::to_string)
            .collect(),
    };
    // The services connect as the role that row-level security binds.
    config.database.url = Secret::new(app_url(&servers.postgres, app_password.expose()));
    config.nats.url.clone_from(&dev.nats_url);
    config.keys.installation_key = Some(Secret::new(dev.installation_key.clone()));
    config.keys.installation_key_file = None;
    let (http_url, ops_url) = (dev.http_url.clone(), dev.ops_url.clone());
    dev.write(data_dir.path())?;
    let target = Target {
        config,
        dev: Some(dev),
    };

    let admin = Connection::open(&broker::settings(&target, &broker::admin())?).await?;
    admin.ready(Duration::from_secs(10)).await?;
    let topology = Topology::default();
    if !topology.ensure(&admin).await?.is_empty() {
        topology.repair(&admin).await?;
    }
    admin.close().await;

    let common = Common::prepare(&target).await?;
    let store = roles::store(&target, "oss dev")?;
    let authorities = target.config.authorities()?;
    let sample = !args.no_sample && store.open_settings().await? == 0;
    if let (true, Some(authority)) = (sample, authorities.first()) {
        output::progress("loading the sample supply (invented: no real person or company)");
        import::store_settings(
            &store,
            oss_sample::supply(SAMPLE_SEED, *authority),
            "oss dev",
        )
        .await?;
    }
    common.start_ops(lifecycle, ops)?;
    common.start(Role::Matcher, lifecycle, None).await?;
    common.start(Role::Relay, lifecycle, None).await?;
    common.start(Role::Desk, lifecycle, Some(http)).await?;
    common.health().started();
    if sample {
        show_sample(&target, &store, lifecycle).await?;
    }
    store.close().await;
    output::line(format_args!("metrics and health  {ops_url}"))?;
    output::line(format_args!(
        "NATS                {}",
        target.config.nats.url
    ))?;
    output::line(format_args!(
        "credentials         {}",
        data_dir.path().join("dev.json").display()
    ))?;
    output::line(format_args!("ready {http_url}"))?;
    Ok(())
}

/// A user for each role, for the pages.
#[cfg(feature = "dev-login")]
fn logins(passwords: &mut Passwords, rng: &mut impl CryptoRng) -> anyhow::Result<Vec<Login>> {
    crate::logins::generate(passwords, rng)
}

/// Nobody: see [`run`].
#[cfg(not(feature = "dev-login"))]
#[expect(clippy::unnecessary_wraps, reason = "with the feature it may fail")]
fn logins<R>(_: &mut Passwords, _: &mut R) -> anyhow::Result<Vec<Login>> {
    Ok(Vec::new())
}

/// Publishes the sample referrals as a case system would, and shows the first one's offers.
async fn show_sample(
    target: &Target,
    store: &PgStore,
    lifecycle: &Lifecycle,
) -> anyhow::Result<()> {
    let clock = SystemClock;
    let referrals = oss_sample::referrals(SAMPLE_SEED, clock.now().date_naive());
    output::progress(format_args!(
        "submitting {} sample referrals as events",
        referrals.len()
    ));
    let connection = broker::connect(target, "producer").await?;
    let messages = referrals
        .iter()
        .map(event)
        .collect::<anyhow::Result<Vec<_>>>()?;
    for result in Publisher::new(&connection).publish_all(messages).await {
        result?;
    }
    connection.close().await;
    let Some(first) = referrals.first() else {
        return Ok(());
    };
    let stored = tokio::time::timeout(RANKED_WITHIN, async {
        loop {
            let stored = store.referral(first.authority, &first.referral_id).await?;
            if let Some(stored) = stored.filter(|it| it.run_id.is_some()) {
                return Ok::<_, anyhow::Error>(Some(stored));
            }
            let pause = tokio::time::sleep(Duration::from_millis(20));
            if lifecycle
                .soft_token()
                .run_until_cancelled(pause)
                .await
                .is_none()
            {
                return Ok(None);
            }
        }
    })
    .await
    .context("the sample referral was not ranked in time")??;
    let Some(stored) = stored else { return Ok(()) };
    let run = referral::current_run(store, &stored).await?;
    output::line(format_args!(
        "\nOffers for the sample referral {} ({} settings evaluated; `oss explain {}` says why):",
        first.referral_id, run.evaluation.evaluated, first.referral_id
    ))?;
    offers::print(&run.evaluation, 10)?;
    output::line("")?;
    Ok(())
}

/// A referral as the event that a case system publishes.
pub(super) fn event(referral: &Referral) -> anyhow::Result<Outgoing> {
    let (clock, mut rng) = (SystemClock, seeded_rng());
    let id = EventId::generate(&mut Ids::new(&clock, &mut rng))
        .into_uuid()
        .to_string();
    let kind = FactKind::ReferralSubmitted;
    let source = "/oss/sample".to_owned();
    let data = referral_to_json(referral);
    let subject =
        publish::subject_for(kind, &data).context("a sample referral has no authority")?;
    let envelope = Envelope {
        id: id.clone(),
        source: source.clone(),
        event_type: kind.event_type(),
        subject: Some(referral.referral_id.to_string()),
        time: Some(clock.now()),
        traceparent: None,
    };
    Ok(Outgoing {
        subject,
        message_id: format!("{source}#{id}"),
        headers: vec![("Content-Type".to_owned(), CONTENT_TYPE.to_owned())],
        payload: publish::wrap(&envelope, data).to_string().into(),
    })
}

pub(super) fn broker_users(
    passwords: &mut Passwords,
    rng: &mut impl CryptoRng,
) -> anyhow::Result<Vec<NatsUser>> {
    access::all()
        .into_iter()
        .map(|access| {
            Ok(NatsUser {
                password: passwords.get_or_generate(&format!("nats_{}", access.name), rng)?,
                name: access.name,
                publish: access.publish,
                subscribe: access.subscribe,
            })
        })
        .collect()
}

/// A key of the installation, kept with the other generated secrets of the data directory.
pub(super) fn generated_key(
    name: &str,
    passwords: &mut Passwords,
    rng: &mut impl CryptoRng,
) -> anyhow::Result<Secret<[u8; 32]>> {
    // A generated password has 192 bits in hex; two of them make more than the key needs.
    let first = passwords.get_or_generate(&format!("{name}_1"), rng)?;
    let second = passwords.get_or_generate(&format!("{name}_2"), rng)?;
    let bytes = hex::decode(format!("{}{}", first.expose(), second.expose()))?;
    let mut key = [0; 32];
    for (to, from) in key.iter_mut().zip(bytes) {
        *to = from;
    }
    Ok(Secret::new(key))
}

pub(super) fn app_url(postgres: &PostgresServer, password: &str) -> String {
    let (port, dir) = (postgres.port(), postgres.socket_dir());
    format!(
        "postgres://oss_app:{password}@localhost:{port}/oss?host={}",
        dir.display()
    )
}

/// Wheels are kept beside the data, where a second data directory finds them too.
fn tools_dir(data_dir: &Path) -> PathBuf {
    match data_dir
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty())
    {
        Some(parent) => parent.join(".tools"),
        None => PathBuf::from(".tools"),
    }
}

fn dev_filter(config: &Config) -> String {
    if config.log.filter == "info" {
        "warn".to_owned()
    } else {
        config.log.filter.clone()
    }
}
