//! The one configuration: flags over `OSS_*` environment over a TOML file over the defaults.

mod token;

use anyhow::{Context, bail};
use figment::{
    Figment,
    providers::{Env, Format, Toml},
};
use oss_desk::{ApiToken, OpenId};
use oss_domain::AuthorityCode;
use oss_runtime::Secret;
use oss_storage::audit::{CheckpointKey, PublicKey};
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
};

/// Every key with its default and what it is for.
pub(crate) const DEFAULTS: &str = include_str!("config.default.toml");

/// The keys outside any section.
const TOP_LEVEL: [&str; 3] = ["authorities", "policy_file", "call_off_file"];

/// The configuration of a process.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Config {
    authorities: Vec<String>,
    pub(crate) policy_file: Option<PathBuf>,
    pub(crate) call_off_file: Option<PathBuf>,
    pub(crate) database: Database,
    pub(crate) nats: Nats,
    pub(crate) http: Http,
    pub(crate) signin: SignIn,
    pub(crate) ops: Ops,
    pub(crate) keys: Keys,
    pub(crate) log: Log,
    pub(crate) matcher: Matcher,
    pub(crate) shutdown: Shutdown,
}

/// Where the truth is.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Database {
    pub(crate) url: Secret<String>,
    pub(crate) owner_url: Option<Secret<String>>,
    pub(crate) max_connections: u32,
}

/// Where events come from and go to.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Nats {
    pub(crate) url: String,
    pub(crate) user: Option<String>,
    pub(crate) password: Option<Secret<String>>,
    pub(crate) password_file: Option<PathBuf>,
    pub(crate) inbox_prefix: String,
    pub(crate) tls: bool,
}

/// The JSON API and the pages.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Http {
    pub(crate) listen: SocketAddr,
    pub(crate) api_token: Option<Secret<String>>,
    pub(crate) api_token_file: Option<PathBuf>,
    tokens: Vec<token::Bearer>,
}

/// The council's identity provider.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SignIn {
    issuer: Option<String>,
    tenant: Option<String>,
    client_id: Option<String>,
    client_secret: Option<Secret<String>>,
    client_secret_file: Option<PathBuf>,
    redirect_url: Option<String>,
}

/// Metrics and health.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Ops {
    pub(crate) listen: SocketAddr,
}

/// Keys of the installation.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Keys {
    pub(crate) installation_key: Option<Secret<String>>,
    pub(crate) installation_key_file: Option<PathBuf>,
    pub(crate) checkpoint_key: Option<Secret<String>>,
    pub(crate) checkpoint_key_file: Option<PathBuf>,
    checkpoint_signers: Vec<String>,
}

/// What is logged, and how.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Log {
    pub(crate) filter: String,
    pub(crate) format: LogFormat,
}

/// How a log line is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum LogFormat {
    Json,
    Text,
}

/// How the matcher works.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Matcher {
    pub(crate) batch: usize,
    pub(crate) sweep_seconds: u64,
}

/// How the process stops.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Shutdown {
    pub(crate) grace_seconds: u64,
}

impl Log {
    /// As the telemetry crate names it.
    pub(crate) const fn format(&self) -> oss_telemetry::LogFormat {
        match self.format {
            LogFormat::Json => oss_telemetry::LogFormat::Json,
            LogFormat::Text => oss_telemetry::LogFormat::Text,
        }
    }
}

impl Config {
    /// Reads the configuration, with `file` if one is named.
    pub(crate) fn load(file: Option<&Path>) -> anyhow::Result<Self> {
        let mut figment = Figment::from(Toml::string(DEFAULTS));
        if let Some(file) = file {
            if !file.is_file() {
                bail!(
                    "there is no configuration file {}; name another with --config",
                    file.display()
                );
            }
            figment = figment.merge(Toml::file_exact(file));
        }
        let config: Self = figment
            .merge(
                // Other tools' OSS_… variables are no business of ours; a misspelt key of a
                // section is, and is an error.
                Env::prefixed("OSS_")
                    .filter(|key| {
                        let key = key.as_str();
                        key.contains("__") || TOP_LEVEL.contains(&key.to_ascii_lowercase().as_str())
                    })
                    .split("__"),
            )
            .extract()
            .context("the configuration is not valid; `oss config` shows every key")?;
        config.validate()?;
        Ok(config)
    }

    /// The councils served.
    pub(crate) fn authorities(&self) -> anyhow::Result<Vec<AuthorityCode>> {
        self.authorities
            .iter()
            .map(|code| code.parse().with_context(|| format!("authorities: {code}")))
            .collect()
    }

    /// Every value, but for secrets.
    pub(crate) fn shown(&self) -> serde_json::Value {
        let hidden = |is_set: bool| if is_set { "***" } else { "" };
        json!({
            "authorities": self.authorities,
            "policy_file": text(self.policy_file.as_deref()),
            "call_off_file": text(self.call_off_file.as_deref()),
            "database": {
                "url": hidden(true),
                "owner_url": hidden(self.database.owner_url.is_some()),
                "max_connections": self.database.max_connections,
            },
            "nats": {
                "url": self.nats.url,
                "user": self.nats.user.as_deref().unwrap_or_default(),
                "password": hidden(self.nats.password.is_some()),
                "password_file": text(self.nats.password_file.as_deref()),
                "inbox_prefix": self.nats.inbox_prefix,
                "tls": self.nats.tls,
            },
            "http": {
                "listen": self.http.listen,
                "api_token": hidden(self.http.api_token.is_some()),
                "api_token_file": text(self.http.api_token_file.as_deref()),
                "tokens": self.http.tokens.iter().map(token::Bearer::shown).collect::<Vec<_>>(),
            },
            "signin": {
                "issuer": self.issuer().unwrap_or_default(),
                "tenant": self.signin.tenant.as_deref().unwrap_or_default(),
                "client_id": self.signin.client_id.as_deref().unwrap_or_default(),
                "client_secret": hidden(self.signin.client_secret.is_some()),
                "client_secret_file": text(self.signin.client_secret_file.as_deref()),
                "redirect_url": self.signin.redirect_url.as_deref().unwrap_or_default(),
            },
            "ops": { "listen": self.ops.listen },
            "keys": {
                "installation_key": hidden(self.keys.installation_key.is_some()),
                "installation_key_file": text(self.keys.installation_key_file.as_deref()),
                "checkpoint_key": hidden(self.keys.checkpoint_key.is_some()),
                "checkpoint_key_file": text(self.keys.checkpoint_key_file.as_deref()),
                "checkpoint_signers": self.keys.checkpoint_signers,
            },
            "log": self.log,
            "matcher": self.matcher,
            "shutdown": self.shutdown,
        })
    }

    /// All that is wrong, at once.
    fn validate(&self) -> anyhow::Result<()> {
        let mut wrong = Vec::new();
        let served = self.authorities().unwrap_or_else(|error| {
            wrong.push(format!("{error:#}"));
            Vec::new()
        });
        if self.authorities.is_empty() {
            wrong.push("authorities: name at least one".to_owned());
        }
        if !(1..=256).contains(&self.matcher.batch) {
            wrong.push("matcher.batch: must be from 1 to 256".to_owned());
        }
        if !(1..=3600).contains(&self.matcher.sweep_seconds) {
            wrong.push("matcher.sweep_seconds: must be from 1 to 3600".to_owned());
        }
        if !(2..=100).contains(&self.database.max_connections) {
            wrong.push("database.max_connections: must be from 2 to 100".to_owned());
        }
        wrong.extend(token::faults(&self.http.tokens, &served));
        if wrong.is_empty() {
            Ok(())
        } else {
            bail!("the configuration is not valid:\n  {}", wrong.join("\n  "))
        }
    }

    /// The nats-server that `oss dev` is to use instead of looking for one: `$NATS_SERVER`.
    #[expect(clippy::disallowed_methods, reason = "configuration is read here")]
    pub(crate) fn nats_server() -> Option<PathBuf> {
        std::env::var("NATS_SERVER")
            .ok()
            .filter(|it| !it.is_empty())
            .map(PathBuf::from)
    }

    /// The broker password, from the value or its file.
    pub(crate) fn nats_password(&self) -> anyhow::Result<Option<Secret<String>>> {
        secret(
            self.nats.password.as_ref(),
            self.nats.password_file.as_deref(),
            "nats.password",
        )
    }

    /// The installation's own token, from the value or its file.
    pub(crate) fn api_token(&self) -> anyhow::Result<Option<Secret<String>>> {
        secret(
            self.http.api_token.as_ref(),
            self.http.api_token_file.as_deref(),
            "http.api_token",
        )
    }

    /// The other tokens of the API, each of somebody who works for the councils served.
    pub(crate) fn tokens(&self) -> anyhow::Result<Vec<ApiToken>> {
        let authorities = self.authorities()?;
        let bearers = self.http.tokens.iter();
        bearers.map(|bearer| bearer.read(&authorities)).collect()
    }

    /// Who vouches for people: as named, or the tenant's own in Entra ID.
    fn issuer(&self) -> Option<String> {
        let of_tenant =
            |tenant: &String| format!("https://login.microsoftonline.com/{tenant}/v2.0");
        let named = self.signin.issuer.clone();
        named.or_else(|| self.signin.tenant.as_ref().map(of_tenant))
    }

    /// The identity provider, where one is configured; all who sign in belong to `authority`.
    pub(crate) fn openid(&self, authority: AuthorityCode) -> anyhow::Result<Option<OpenId>> {
        let Some(issuer) = self.issuer() else {
            return Ok(None);
        };
        let SignIn {
            tenant,
            client_id,
            redirect_url,
            ..
        } = &self.signin;
        let client_id = client_id
            .as_deref()
            .context("signin.client_id is not set; it is the application's id at the provider")?;
        let redirect_url = redirect_url.as_deref().context(
            "signin.redirect_url is not set; it is https://<this host>/sign-in/callback",
        )?;
        let client_secret = secret(
            self.signin.client_secret.as_ref(),
            self.signin.client_secret_file.as_deref(),
            "signin.client_secret",
        )?
        .context("signin.client_secret_file is not set; name the file with the secret")?;
        let secret = client_secret.expose();
        OpenId::new(
            &issuer,
            client_id,
            secret,
            redirect_url,
            tenant.as_deref(),
            authority,
        )
        .context("signin: the identity provider cannot be used")
        .map(Some)
    }

    /// The installation's key.
    pub(crate) fn installation_key(&self) -> anyhow::Result<Secret<[u8; 32]>> {
        let text = secret(
            self.keys.installation_key.as_ref(),
            self.keys.installation_key_file.as_deref(),
            "keys.installation_key",
        )?
        .context("keys.installation_key_file is not set; name a file with 32 bytes in hex, such as `openssl rand -hex 32` writes")?;
        key_of_hex(text.expose(), "keys.installation_key").map(Secret::new)
    }

    /// The key that checkpoints of the audit are signed with, where there is one.
    pub(crate) fn checkpoint_key(&self) -> anyhow::Result<Option<CheckpointKey>> {
        let text = secret(
            self.keys.checkpoint_key.as_ref(),
            self.keys.checkpoint_key_file.as_deref(),
            "keys.checkpoint_key",
        )?;
        text.map(|text| {
            let key = key_of_hex(text.expose(), "keys.checkpoint_key")?;
            Ok(CheckpointKey::new(&key))
        })
        .transpose()
    }

    /// What checkpoints may be signed with: the keys that are named, and the one that is here.
    pub(crate) fn checkpoint_signers(&self) -> anyhow::Result<Vec<PublicKey>> {
        let name = "keys.checkpoint_signers";
        let named = self.keys.checkpoint_signers.iter().map(|text| {
            let key = PublicKey::new(&key_of_hex(text, name)?);
            key.with_context(|| format!("{name}: {text} is no key"))
        });
        let mut keys = named.collect::<anyhow::Result<Vec<_>>>()?;
        keys.extend(self.checkpoint_key()?.map(|key| key.public()));
        Ok(keys)
    }
}

fn key_of_hex(text: &str, name: &str) -> anyhow::Result<[u8; 32]> {
    let mut key = [0; 32];
    hex::decode_to_slice(text.trim(), &mut key)
        .with_context(|| format!("{name}: must be 64 hexadecimal digits"))?;
    Ok(key)
}

fn text(path: Option<&Path>) -> String {
    path.map(|path| path.display().to_string())
        .unwrap_or_default()
}

fn secret(
    value: Option<&Secret<String>>,
    file: Option<&Path>,
    name: &str,
) -> anyhow::Result<Option<Secret<String>>> {
    match (value, file) {
        (Some(_), Some(_)) => bail!("{name} and {name}_file are both set; keep one"),
        (Some(value), None) => Ok(Some(value.clone())),
        (None, Some(file)) => {
            let text = std::fs::read_to_string(file)
                .with_context(|| format!("{name}_file: cannot read {}", file.display()))?;
            Ok(Some(Secret::new(text.trim_end().to_owned())))
        }
        (None, None) => Ok(None),
    }
}
