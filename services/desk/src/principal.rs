//! Who asks: known by a bearer token, of which only the SHA-256 is kept.

use oss_domain::{AuthorityCode, ProviderId, role::Role};
use sha2::{Digest, Sha256};
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    sync::Arc,
};
use subtle::{Choice, ConditionallySelectable, ConstantTimeEq};

/// A person or program that is known to us.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Principal {
    /// The user's id, as the audit names it.
    pub id: Arc<str>,
    /// What it is.
    pub roles: BTreeSet<Role>,
    /// For which councils.
    pub authorities: BTreeSet<AuthorityCode>,
    /// The provider it works for, if any.
    pub provider: Option<ProviderId>,
}

/// A bearer token and who bears it.
#[derive(Clone)]
pub struct ApiToken {
    sha256: [u8; 32],
    principal: Arc<Principal>,
}

impl ApiToken {
    /// The token `token` of `principal`. The token itself is not kept.
    #[must_use]
    pub fn new(token: &str, principal: Principal) -> Self {
        Self {
            sha256: Sha256::digest(token).into(),
            principal: principal.into(),
        }
    }

    /// The installation's own token, which may do what a commissioner and an operator may.
    #[must_use]
    pub fn of_commissioner_and_operator(token: &str, authorities: &[AuthorityCode]) -> Self {
        let principal = Principal {
            id: "api".into(),
            roles: [Role::Commissioner, Role::Operator].into(),
            authorities: authorities.iter().copied().collect(),
            provider: None,
        };
        Self::new(token, principal)
    }
}

impl fmt::Debug for ApiToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ApiToken")
            .field("principal", &self.principal.id)
            .finish_non_exhaustive()
    }
}

/// Two who bear the same token, by id, if there are any: one would be taken for the other.
#[must_use]
pub fn shared_token(tokens: &[ApiToken]) -> Option<(&str, &str)> {
    let mut bearers = BTreeMap::new();
    tokens.iter().find_map(|token| {
        let id = &*token.principal.id;
        bearers.insert(token.sha256, id).map(|other| (other, id))
    })
}

/// Finds who bears `token`, in a time that does not depend on which, or how much of it is right.
pub(crate) fn bearer<'a>(tokens: &'a [ApiToken], token: &str) -> Option<&'a Arc<Principal>> {
    let sha256: [u8; 32] = Sha256::digest(token).into();
    let mut found = Choice::from(0);
    let mut found_idx = 0_u64;
    for (idx, known) in (0_u64..).zip(tokens) {
        let same = known.sha256.ct_eq(&sha256);
        found_idx.conditional_assign(&idx, same);
        found |= same;
    }
    let known = tokens.get(usize::try_from(found_idx).ok()?)?;
    bool::from(found).then_some(&known.principal)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(id: &str) -> Principal {
        Principal {
            id: id.into(),
            roles: [Role::Operator].into(),
            authorities: BTreeSet::new(),
            provider: None,
        }
    }

    #[test]
    fn who_bears_the_token_of_another_is_found_out() {
        let mut tokens = vec![
            ApiToken::new("first", of("a")),
            ApiToken::new("second", of("b")),
        ];
        assert_eq!(shared_token(&tokens), None);
        tokens.push(ApiToken::new("first", of("c")));
        assert_eq!(shared_token(&tokens), Some(("a", "c")));
    }

    #[test]
    fn only_the_whole_token_counts() {
        let tokens = [
            ApiToken::new("first", of("a")),
            ApiToken::new("second", of("b")),
        ];
        assert_eq!(bearer(&tokens, "first").map(|it| &*it.id), Some("a"));
        assert_eq!(bearer(&tokens, "second").map(|it| &*it.id), Some("b"));
        for wrong in ["", "firs", "firstt", "First", " first"] {
            assert!(bearer(&tokens, wrong).is_none(), "{wrong:?}");
        }
        assert!(bearer(&[], "first").is_none());
        assert!(!format!("{tokens:?}").contains("first"));
    }
}
