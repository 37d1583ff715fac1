//! Wiring: what the roles have in common, and how each is started.

use crate::{
    commands::broker,
    connection::Target,
    figures::Figures,
    ops::{self, Ops},
};
use anyhow::{Context, bail};
use oss_domain::{AuthorityCode, Clock};
use oss_geography::Gazetteer;
use oss_matching::Policy;
use oss_messaging::{Connection, Consumer, Publisher, State, access, topology};
use oss_runtime::{Lifecycle, SystemClock, seeded_rng};
use oss_storage::{ConnectOptions, InstallationKey, PgStore};
use oss_telemetry::{Health, Metrics, Status};
use oss_workflow::{OfferSeal, call_off::CallOff};
use std::{path::Path, sync::Arc, time::Duration};
use tokio::{net::TcpListener, sync::Notify};

/// A role of the product.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    Matcher,
    Relay,
    Desk,
}

/// What the roles of a process share.
pub(crate) struct Common<'a> {
    target: &'a Target,
    authorities: Vec<AuthorityCode>,
    policy: Arc<Policy>,
    call_off: Arc<CallOff>,
    gazetteer: Arc<Gazetteer>,
    seal: OfferSeal,
    clock: Arc<dyn Clock>,
    metrics: Metrics,
    health: Health,
    committed: Arc<Notify>,
    wake: Arc<Notify>,
}

impl<'a> Common<'a> {
    /// Reads what the roles need from the configuration and the database, which must be migrated.
    pub(crate) async fn prepare(target: &'a Target) -> anyhow::Result<Self> {
        let config = &target.config;
        let policy = policy(target)?;
        let authorities = config.authorities()?;
        for authority in &authorities {
            if policy.authority(*authority).is_none() {
                bail!(
                    "the policy {} does not serve {authority}; take it out of authorities, or add it to the policy",
                    policy.id()
                );
            }
        }
        let store = store(target, "oss")?;
        match store
            .pending_migrations()
            .await
            .context("the database does not answer")?
        {
            0 => {}
            n => bail!("the database lacks {n} migration(s); run `oss migrate` first"),
        }
        store.put_policy(&policy, policy.text()).await?;
        let seal = store.offer_seal().await?;
        let gazetteer = gazetteer(&store).await?;
        store.close().await;
        Ok(Self {
            target,
            authorities,
            policy: Arc::new(policy),
            call_off: Arc::new(call_off(target)?),
            gazetteer: Arc::new(gazetteer),
            seal,
            clock: Arc::new(SystemClock),
            metrics: Metrics::new(),
            health: Health::new(),
            committed: Arc::default(),
            wake: Arc::default(),
        })
    }

    /// The process's readiness.
    pub(crate) const fn health(&self) -> &Health {
        &self.health
    }

    /// Starts the operations listener, which every process has.
    pub(crate) fn start_ops(
        &self,
        lifecycle: &Lifecycle,
        listener: TcpListener,
    ) -> anyhow::Result<()> {
        self.metrics.describe_process(
            env!("CARGO_PKG_VERSION"),
            option_env!("OSS_COMMIT").unwrap_or("unknown"),
            option_env!("OSS_RUSTC").unwrap_or("unknown"),
            self.clock.now(),
        )?;
        let ops = Ops {
            metrics: self.metrics.clone(),
            health: self.health.clone(),
        };
        // It answers until the very end, so that a drain can be watched.
        lifecycle.spawn_critical("ops", ops::serve(listener, ops, lifecycle.soft_token()));
        Ok(())
    }

    /// Starts a role.
    pub(crate) async fn start(
        &self,
        role: Role,
        lifecycle: &Lifecycle,
        http: Option<TcpListener>,
    ) -> anyhow::Result<()> {
        match role {
            Role::Matcher => self.start_matcher(lifecycle).await,
            Role::Relay => self.start_relay(lifecycle).await,
            Role::Desk => self.start_desk(lifecycle, http),
        }
    }

    async fn start_matcher(&self, lifecycle: &Lifecycle) -> anyhow::Result<()> {
        let matcher = &self.target.config.matcher;
        let connection = self
            .broker(lifecycle, &access::matcher(), "nats_matcher")
            .await?;
        let consumer = Consumer::new(&connection, topology::INBOUND, topology::MATCHER);
        let store = self.store(lifecycle, "matcher")?;
        let figures = Figures::register(&self.metrics)?;
        lifecycle.spawn_critical(
            "figures",
            figures.keep_current(
                store.clone(),
                connection,
                self.authorities.clone(),
                self.clock.clone(),
                lifecycle.soft_token(),
            ),
        );
        let deps = oss_matcher::Deps {
            store,
            consumer,
            policy: self.policy.clone(),
            call_off: self.call_off.clone(),
            gazetteer: self.gazetteer.clone(),
            seal: self.seal.clone(),
            authorities: self.authorities.clone(),
            clock: self.clock.clone(),
            rng: Box::new(seeded_rng()),
            committed: self.committed.clone(),
            wake: self.wake.clone(),
            batch: matcher.batch,
            sweep_every: Duration::from_secs(matcher.sweep_seconds),
            metrics: oss_matcher::Metrics::register(&self.metrics)?,
        };
        lifecycle.spawn_critical("matcher", oss_matcher::run(deps, lifecycle.soft_token()));
        Ok(())
    }

    async fn start_relay(&self, lifecycle: &Lifecycle) -> anyhow::Result<()> {
        let connection = self
            .broker(lifecycle, &access::relay(), "nats_relay")
            .await?;
        let deps = oss_relay::Deps {
            store: self.store(lifecycle, "relay")?,
            publisher: Publisher::new(&connection),
            clock: self.clock.clone(),
            rng: Box::new(seeded_rng()),
            committed: self.committed.clone(),
            metrics: oss_relay::Metrics::register(&self.metrics)?,
        };
        lifecycle.spawn_critical("relay", oss_relay::run(deps, lifecycle.soft_token()));
        Ok(())
    }

    fn start_desk(&self, lifecycle: &Lifecycle, http: Option<TcpListener>) -> anyhow::Result<()> {
        let listener = http.context("the desk needs a listener")?;
        let sign_in = self.sign_in(&listener)?;
        let mut tokens = self.target.config.tokens()?;
        if let Some(token) = self.target.api_token()? {
            tokens.push(oss_desk::ApiToken::of_commissioner_and_operator(
                token.expose(),
                &self.authorities,
            ));
        }
        if let Some((one, other)) = oss_desk::shared_token(&tokens) {
            bail!("http.tokens: {one:?} and {other:?} have the same token; each needs its own");
        }
        let deps = oss_desk::Deps {
            listener,
            store: self.store(lifecycle, "desk")?,
            gazetteer: self.gazetteer.clone(),
            policy: self.policy.clone(),
            call_off: self.call_off.clone(),
            seal: self.seal.clone(),
            clock: self.clock.clone(),
            rng: Box::new(seeded_rng()),
            metrics: self.metrics.clone(),
            tokens,
            sign_in,
            limits: oss_desk::Limits::default(),
            committed: self.committed.clone(),
            wake: self.wake.clone(),
        };
        lifecycle.spawn_critical("desk", oss_desk::run(deps, lifecycle.soft_token()));
        Ok(())
    }

    /// How people sign in: as configured, and in development by password besides.
    #[cfg_attr(
        not(feature = "dev-login"),
        expect(
            unused_variables,
            reason = "passwords only where nobody else can reach it"
        )
    )]
    fn sign_in(&self, listener: &TcpListener) -> anyhow::Result<oss_desk::SignIn> {
        let Some(authority) = self.authorities.first().copied() else {
            return Ok(oss_desk::SignIn::default());
        };
        let sign_in = oss_desk::SignIn::by(self.target.config.openid(authority)?);
        #[cfg(feature = "dev-login")]
        if let Some(dev) = &self.target.dev
            && listener.local_addr()?.ip().is_loopback()
        {
            return Ok(sign_in.and_local(crate::logins::hashed(&dev.logins, authority)?));
        }
        Ok(sign_in)
    }

    /// A role's own pool, watched for readiness.
    fn store(&self, lifecycle: &Lifecycle, role: &'static str) -> anyhow::Result<Arc<PgStore>> {
        let store = Arc::new(store(self.target, role)?);
        let (watched, health, stop) = (store.clone(), self.health.clone(), lifecycle.soft_token());
        health.set("postgresql", Status::Down("not asked yet".to_owned()));
        lifecycle.spawn_critical(role, async move {
            loop {
                let status = match watched.ping().await {
                    Ok(()) => Status::Up,
                    Err(_) => Status::Down("does not answer".to_owned()),
                };
                health.set("postgresql", status);
                if stop
                    .run_until_cancelled(tokio::time::sleep(WATCH_EVERY))
                    .await
                    .is_none()
                {
                    return Ok::<(), std::convert::Infallible>(());
                }
            }
        });
        Ok(store)
    }

    /// A role's own connection to the broker, watched for readiness.
    async fn broker(
        &self,
        lifecycle: &Lifecycle,
        access: &oss_messaging::Access,
        check: &'static str,
    ) -> anyhow::Result<Connection> {
        let connection = Connection::open(&broker::settings(self.target, access)?).await?;
        let (watched, health, stop) = (
            connection.clone(),
            self.health.clone(),
            lifecycle.soft_token(),
        );
        lifecycle.spawn_critical(check, async move {
            loop {
                // The pages work without the broker; the outbox waits.
                let status = match watched.state() {
                    State::Connected => Status::Up,
                    State::Disconnected(why) => Status::Degraded(why),
                };
                health.set(check, status);
                if stop
                    .run_until_cancelled(tokio::time::sleep(WATCH_EVERY))
                    .await
                    .is_none()
                {
                    return Ok::<(), std::convert::Infallible>(());
                }
            }
        });
        Ok(connection)
    }
}

/// How often a role's dependencies are asked how they are.
const WATCH_EVERY: Duration = Duration::from_secs(1);

/// The policy: the configured file, or the built-in one.
pub(crate) fn policy(target: &Target) -> anyhow::Result<Policy> {
    configured(
        target.config.policy_file.as_deref(),
        Policy::parse,
        Policy::embedded,
    )
}

/// How providers are approached: the configured file, or the built-in one.
fn call_off(target: &Target) -> anyhow::Result<CallOff> {
    configured(
        target.config.call_off_file.as_deref(),
        CallOff::parse,
        CallOff::embedded,
    )
}

fn configured<T, E: std::error::Error + Send + Sync + 'static>(
    file: Option<&Path>,
    parse: impl FnOnce(&str) -> Result<T, E>,
    embedded: impl FnOnce() -> T,
) -> anyhow::Result<T> {
    let Some(file) = file else {
        return Ok(embedded());
    };
    let text = std::fs::read_to_string(file)
        .with_context(|| format!("cannot read the policy {}", file.display()))?;
    parse(&text).with_context(|| format!("the policy {} is not valid", file.display()))
}

/// The postcodes: the edition that was imported last, or the built-in one.
pub(crate) async fn gazetteer(store: &PgStore) -> anyhow::Result<Gazetteer> {
    let Some(edition) = store.newest_postcodes().await? else {
        return Ok(Gazetteer::embedded());
    };
    let pack = store
        .postcodes(&edition)
        .await?
        .context("the imported postcodes are gone")?;
    Gazetteer::from_pack(pack).context("the imported postcodes are damaged")
}

/// A pool for `role`.
pub(crate) fn store(target: &Target, role: &str) -> anyhow::Result<PgStore> {
    connect(target, role, |_| {})
}

/// The same for a command that goes over all there is, whose statements may take their time.
pub(crate) fn patient_store(target: &Target, role: &str) -> anyhow::Result<PgStore> {
    connect(target, role, |options| {
        options.statement_timeout = Duration::from_mins(10);
    })
}

fn connect(
    target: &Target,
    role: &str,
    adapt: impl FnOnce(&mut ConnectOptions),
) -> anyhow::Result<PgStore> {
    let config = &target.config;
    let mut options =
        ConnectOptions::new(config.database.url.expose(), role, &config.authorities()?);
    options.max_connections = config.database.max_connections;
    adapt(&mut options);
    let key = InstallationKey::new(*config.installation_key()?.expose());
    Ok(PgStore::connect(&options, key)?)
}
