//! Tokens of the API besides the installation's own: who bears each, and what it may do.
//!
//! A provider's names the provider it is for and has no other role, so that it reaches that
//! provider's own offers and nothing else.

use super::secret;
use anyhow::{Context, bail, ensure};
use oss_desk::{ApiToken, Principal};
use oss_domain::{AuthorityCode, ProviderId, Role, text};
use oss_runtime::Secret;
use serde::Deserialize;
use serde_json::{Value, json};
use std::{collections::BTreeSet, path::PathBuf};

/// The longest id, in characters.
const LONGEST_ID: usize = 128;

/// Nobody guesses one of so many characters, if they are drawn by chance.
const SHORTEST: usize = 32;

/// An entry: who bears a token.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Bearer {
    /// As the audit names them.
    id: String,
    roles: Vec<String>,
    provider: Option<String>,
    /// For which of the councils served; all of them where it is not said.
    authorities: Option<Vec<String>>,
    token: Option<Secret<String>>,
    token_file: Option<PathBuf>,
}

/// All that is wrong with the entries, but for what is in the files, where `served` are served.
pub(super) fn faults(bearers: &[Bearer], served: &[AuthorityCode]) -> Vec<String> {
    let mut seen = BTreeSet::from(["api"]);
    let mut wrong = Vec::new();
    for bearer in bearers {
        if !seen.insert(&bearer.id) {
            wrong.push(format!("http.tokens: {:?} is taken", bearer.id));
        }
        if let Err(error) = bearer.principal(served) {
            wrong.push(format!("{error:#}"));
        }
    }
    wrong
}

impl Bearer {
    /// Without the token itself.
    pub(super) fn shown(&self) -> Value {
        json!({
            "id": self.id,
            "roles": self.roles,
            "provider": self.provider.as_deref().unwrap_or_default(),
            "authorities": self.authorities.as_deref().unwrap_or_default(),
            "token": if self.token.is_some() { "***" } else { "" },
            "token_file": super::text(self.token_file.as_deref()),
        })
    }

    fn name(&self) -> String {
        format!("http.tokens: {}", self.id)
    }

    /// Whom the API knows them as, where `served` are served.
    fn principal(&self, served: &[AuthorityCode]) -> anyhow::Result<Principal> {
        let fault = text::fault(self.id.trim(), LONGEST_ID);
        if let Some((_, what)) = fault {
            bail!("{}: id {what}", self.name());
        }
        let roles = self.roles.iter().map(|role| {
            let role = role.parse::<Role>();
            role.with_context(|| format!("{}: roles", self.name()))
        });
        let roles: BTreeSet<_> = roles.collect::<anyhow::Result<_>>()?;
        ensure!(!roles.is_empty(), "{}: roles must name one", self.name());
        let provider = self.provider.as_ref().map(|id| {
            let id = id.parse::<ProviderId>();
            id.with_context(|| format!("{}: provider", self.name()))
        });
        let provider = provider.transpose()?;
        let is_providers = roles.contains(&Role::Provider);
        ensure!(
            is_providers == provider.is_some(),
            "{}: the role provider and the key provider come together",
            self.name()
        );
        ensure!(
            !is_providers || roles.len() == 1,
            "{}: a provider has no other role",
            self.name()
        );
        Ok(Principal {
            id: self.id.as_str().into(),
            roles,
            authorities: self.councils(served)?,
            provider,
        })
    }

    /// For which of the councils `served` it is good.
    fn councils(&self, served: &[AuthorityCode]) -> anyhow::Result<BTreeSet<AuthorityCode>> {
        let Some(named) = &self.authorities else {
            ensure!(
                self.provider.is_none() || served.len() <= 1,
                "{}: authorities must say for which councils: another's provider may have this id",
                self.name()
            );
            return Ok(served.iter().copied().collect());
        };
        ensure!(
            !named.is_empty(),
            "{}: authorities must name one",
            self.name()
        );
        let councils = named.iter().map(|code| {
            let council = code.parse().ok().filter(|it| served.contains(it));
            council.with_context(|| format!("{}: authorities: {code} is not served", self.name()))
        });
        councils.collect()
    }

    /// The token itself, and whose it is.
    pub(super) fn read(&self, served: &[AuthorityCode]) -> anyhow::Result<ApiToken> {
        let name = self.name();
        let token = secret(self.token.as_ref(), self.token_file.as_deref(), &name)?;
        let token = token.with_context(|| format!("{name}: token_file is not set"))?;
        ensure!(
            token.expose().len() >= SHORTEST,
            "{name}: the token has fewer than {SHORTEST} characters; `openssl rand -hex 32` writes one"
        );
        Ok(ApiToken::new(token.expose(), self.principal(served)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bearer(entry: &str) -> Bearer {
        toml::from_str(entry).unwrap()
    }

    #[test]
    fn whoever_is_named_bears_it() {
        let it = bearer("id = 'ifa-3'\nroles = ['provider']\nprovider = 'IFA-3'");
        assert_eq!(faults(std::slice::from_ref(&it), &[]), [] as [String; 0]);
        let bearer = it.principal(&["E06000015".parse().unwrap()]).unwrap();
        assert_eq!(bearer.provider, Some("IFA-3".parse().unwrap()));
        assert_eq!(bearer.roles, BTreeSet::from([Role::Provider]));
        assert!(it.read(&[]).is_err(), "there is no token");
    }

    #[test]
    fn no_entry_says_more_or_less_than_it_must() {
        for (entry, fault) in [
            ("id = ' '\nroles = ['auditor']", "id must not be empty"),
            ("id = \"a\\u0000\"\nroles = ['auditor']", "id must not hold"),
            ("id = 'api'\nroles = ['auditor']", "is taken"),
            ("id = 'x'\nroles = []", "must name one"),
            ("id = 'x'\nroles = ['king']", "roles"),
            ("id = 'x'\nroles = ['provider']", "come together"),
            (
                "id = 'x'\nroles = ['auditor']\nprovider = 'P'",
                "come together",
            ),
            (
                "id = 'x'\nroles = ['provider']\nprovider = 'P.*'",
                "provider",
            ),
            (
                "id = 'x'\nroles = ['provider', 'manager']\nprovider = 'P'",
                "no other role",
            ),
        ] {
            let found = faults(&[bearer(entry)], &[]);
            assert!(
                found.len() == 1 && found[0].contains(fault),
                "{entry}: {found:?}"
            );
        }
        let twice = bearer("id = 'x'\nroles = ['auditor']");
        assert_eq!(faults(&[twice.clone(), twice], &[]).len(), 1);
    }

    #[test]
    fn a_providers_token_says_for_which_of_several_councils_it_is_good() {
        let served = ["E06000015", "E06000018"].map(|code| code.parse().unwrap());
        let provider = "id = 'x'\nroles = ['provider']\nprovider = 'P'";
        let councils = |more: &str| {
            let bearer = bearer(&format!("{provider}\n{more}")).principal(&served);
            bearer.map(|it| it.authorities).map_err(|it| it.to_string())
        };
        // Providers' ids are unique within a council only.
        assert!(councils("").unwrap_err().contains("for which councils"));
        let one = councils("authorities = ['E06000018']");
        assert_eq!(one.unwrap(), BTreeSet::from([served[1]]));
        for (wrong, why) in [("E10000007", "not served"), ("Derby", "not served")] {
            let refused = councils(&format!("authorities = ['{wrong}']")).unwrap_err();
            assert!(refused.contains(why), "{refused}");
        }
        assert!(councils("authorities = []").is_err());
        let auditor = bearer("id = 'x'\nroles = ['auditor']").principal(&served);
        assert_eq!(auditor.unwrap().authorities, BTreeSet::from(served));
    }

    #[test]
    fn no_token_is_short_enough_to_be_guessed() {
        for (length, is_taken) in [(0, false), (31, false), (32, true)] {
            let entry = format!(
                "id = 'x'\nroles = ['auditor']\ntoken = '{}'",
                "a".repeat(length)
            );
            assert_eq!(bearer(&entry).read(&[]).is_ok(), is_taken, "{length}");
        }
    }
}
