//! The servers that are measured on, and the wiring of the roles to them.

use crate::{
    cli,
    commands::{broker, dev, import},
    config::Config,
    connection::{BrokerUser, DevFile, Target},
    output,
    roles::{self, Common, Role},
};
use anyhow::bail;
use oss_messaging::{Connection, Topology};
use oss_runtime::{
    Ending, Lifecycle, Secret,
    dev_servers::{
        DataDir, Durability, NatsServer, Passwords, PostgresServer,
        nats::{self, Settings as NatsSettings},
        postgres::{self, Settings as PostgresSettings},
    },
    seeded_rng,
};
use oss_storage::{InstallationKey, migrate};
use std::{path::Path, time::Duration};

/// Private servers with a migrated, empty database and empty streams.
#[derive(Debug)]
pub(super) struct Servers {
    nats: NatsServer,
    postgres: PostgresServer,
    pub(super) target: Target,
}

impl Servers {
    /// Starts them in `dir`: PostgreSQL syncs every commit, NATS every message unless `lazy`.
    pub(super) async fn start(
        dir: &Path,
        common: &cli::Common,
        lazy: bool,
    ) -> anyhow::Result<Self> {
        let mut config = Config::load(common.config.as_deref())?;
        let say = |step: &str| output::progress(step);
        let data_dir = DataDir::open(dir)?;
        let mut rng = seeded_rng();
        let mut passwords = Passwords::open(data_dir.path())?;
        let users = dev::broker_users(&mut passwords, &mut rng)?;
        let key = dev::generated_key("installation_key", &mut passwords, &mut rng)?;
        let tools = Path::new(".tools");
        let program = nats::find(Config::nats_server().as_deref(), tools, &say).await?;
        let installation = postgres::find(tools, None, &say).await?;
        let password = passwords.get_or_generate("postgres", &mut rng)?;
        let socket_name: Secret<String> = Secret::generate(&mut rng);
        let (cluster, streams) = (
            data_dir.path().join("postgres"),
            data_dir.path().join("nats"),
        );
        output::progress("starting private servers");
        let (postgres, nats) = tokio::try_join!(
            PostgresServer::start(PostgresSettings {
                installation: &installation,
                dir: &cluster,
                port: None,
                password: Some(&password),
                short_name: socket_name.expose(),
                durability: Durability::Kept,
            }),
            NatsServer::start(NatsSettings {
                program: &program,
                dir: &streams,
                port: None,
                users: &users,
                durability: if lazy {
                    Durability::Throwaway
                } else {
                    Durability::Kept
                },
            }),
        )?;
        let owner = postgres.socket_url("oss");
        migrate::migrate(
            owner.expose(),
            &InstallationKey::new(*key.expose()),
            &mut rng,
        )
        .await?;
        let app_password = passwords.get_or_generate("oss_app", &mut rng)?;
        migrate::set_app_password(owner.expose(), app_password.expose()).await?;
        config.database.url = Secret::new(dev::app_url(&postgres, app_password.expose()));
        config.nats.url = nats.url();
        config.keys.installation_key = Some(Secret::new(hex::encode(key.expose())));
        config.keys.installation_key_file = None;
        let dev = DevFile {
            http_url: String::new(),
            ops_url: String::new(),
            nats_url: nats.url(),
            database_url: owner.expose().clone(),
            nats: users
                .iter()
                .map(|user| (user.name.clone(), BrokerUser::from(user)))
                .collect(),
            api_token: String::new(),
            logins: Vec::new(),
            installation_key: hex::encode(key.expose()),
            checkpoint_key: String::new(),
            authorities: Vec::new(),
        };
        let servers = Self {
            nats,
            postgres,
            target: Target {
                config,
                dev: Some(dev),
            },
        };
        let admin = Connection::open(&broker::settings(&servers.target, &broker::admin())?).await?;
        admin.ready(Duration::from_secs(10)).await?;
        Topology::default().ensure(&admin).await?;
        admin.close().await;
        Ok(servers)
    }

    /// The address for the owner of the tables.
    pub(super) fn owner_url(&self) -> Secret<String> {
        self.postgres.socket_url("oss")
    }

    /// Stores an invented register of `n` settings.
    pub(super) async fn load_settings(&self, n: usize) -> anyhow::Result<()> {
        let store = roles::store(&self.target, "oss bench")?;
        let settings = oss_sample::scaled(super::SEED, n);
        import::store_settings(&store, settings, "oss bench").await?;
        store.close().await;
        Ok(())
    }

    /// Starts the matcher and the relay as one process runs them.
    pub(super) async fn start_roles(&self) -> anyhow::Result<Lifecycle> {
        let lifecycle = Lifecycle::new(Duration::from_secs(20))?;
        let common = Common::prepare(&self.target).await?;
        common.start(Role::Matcher, &lifecycle, None).await?;
        common.start(Role::Relay, &lifecycle, None).await?;
        Ok(lifecycle)
    }

    /// Stops both.
    pub(super) async fn stop(self) {
        tokio::join!(self.nats.stop(), self.postgres.stop());
    }
}

/// Lets the roles finish.
pub(super) async fn stop_roles(lifecycle: Lifecycle) -> anyhow::Result<()> {
    lifecycle.soft_token().cancel();
    match lifecycle.run().await {
        Ending::Clean => Ok(()),
        Ending::Failed => bail!("the roles did not stop cleanly"),
    }
}
