//! Finding a running `deploy/run`: what `dev.json` in its data directory says.

use crate::{cli::Common, config::Config};
use anyhow::{Context, bail};
use oss_runtime::{
    Secret,
    dev_servers::{NatsUser, passwords::write_private},
};
use serde::{Deserialize, Serialize};
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

/// Where `deploy/run` keeps its data unless told otherwise.
pub(crate) const DEFAULT_DATA_DIR: &str = ".oss";

/// What a running `deploy/run` tells to those who may read its data directory (contract §5).
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct DevFile {
    pub(crate) http_url: String,
    pub(crate) ops_url: String,
    pub(crate) nats_url: String,
    pub(crate) database_url: String,
    pub(crate) nats: BTreeMap<String, BrokerUser>,
    pub(crate) api_token: String,
    pub(crate) logins: Vec<Login>,
    /// Ours, for `oss` commands that read what is stored encrypted.
    pub(crate) installation_key: String,
    /// Signs the audit's checkpoints.
    pub(crate) checkpoint_key: String,
    /// The councils served.
    pub(crate) authorities: Vec<String>,
}

/// A user of the broker.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct BrokerUser {
    pub(crate) user: String,
    pub(crate) password: String,
    pub(crate) inbox_prefix: String,
}

impl From<&NatsUser> for BrokerUser {
    fn from(user: &NatsUser) -> Self {
        Self {
            user: user.name.clone(),
            password: user.password.expose().clone(),
            inbox_prefix: format!("_INBOX.{}", user.name),
        }
    }
}

/// A local user of the pages.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Login {
    pub(crate) role: String,
    pub(crate) user: String,
    pub(crate) password: String,
}

impl DevFile {
    fn path(dir: &Path) -> PathBuf {
        dir.join("dev.json")
    }

    /// Writes it for the owner's eyes alone.
    pub(crate) fn write(&self, dir: &Path) -> anyhow::Result<()> {
        let text = serde_json::to_vec_pretty(self)?;
        let path = Self::path(dir);
        write_private(&path, &text).with_context(|| format!("cannot write {}", path.display()))
    }

    /// Reads it, if there is one.
    pub(crate) fn read(dir: &Path) -> anyhow::Result<Option<Self>> {
        let path = Self::path(dir);
        match std::fs::read(&path) {
            Ok(text) => serde_json::from_slice(&text)
                .map(Some)
                .with_context(|| format!("{} is not understood", path.display())),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error).with_context(|| format!("cannot read {}", path.display())),
        }
    }
}

/// What the commands talk to: a running `deploy/run`, or what the configuration says.
#[derive(Debug)]
pub(crate) struct Target {
    pub(crate) config: Config,
    pub(crate) dev: Option<DevFile>,
}

impl Target {
    /// Finds it: a data directory that is named, else a configuration that is named, else the
    /// usual data directory.
    pub(crate) fn find(common: &Common) -> anyhow::Result<Self> {
        let mut config = Config::load(common.config.as_deref())?;
        let dir = match (&common.data_dir, &common.config) {
            (Some(dir), _) => Some(dir.clone()),
            (None, Some(_)) => None,
            (None, None) => Some(PathBuf::from(DEFAULT_DATA_DIR)),
        };
        let dev = dir.as_deref().map(DevFile::read).transpose()?.flatten();
        match (&dev, &common.data_dir) {
            (Some(dev), _) => {
                config.database.url = Secret::new(dev.database_url.clone());
                config.nats.url.clone_from(&dev.nats_url);
                config.keys.installation_key = Some(Secret::new(dev.installation_key.clone()));
                config.keys.installation_key_file = None;
                config.keys.checkpoint_key = Some(Secret::new(dev.checkpoint_key.clone()));
                config.keys.checkpoint_key_file = None;
            }
            (None, Some(dir)) => bail!(
                "nothing runs with the data directory {}; start it with deploy/run --data-dir {}",
                dir.display(),
                dir.display()
            ),
            (None, None) => {}
        }
        Ok(Self { config, dev })
    }

    /// The token of the API.
    pub(crate) fn api_token(&self) -> anyhow::Result<Option<Secret<String>>> {
        match &self.dev {
            Some(dev) => Ok(Some(Secret::new(dev.api_token.clone()))),
            None => self.config.api_token(),
        }
    }
}
