//! Who may use which route: the table of roles and acts of `oss-workflow`, asked once for each request.
//!
//! `access.csv` beside this crate's Cargo.toml says the same by route, for people to read and
//! auditors to keep; a test holds the two together.

use crate::principal::Principal;
use oss_domain::role::Role;
use oss_workflow::authorise::{Act, may};

/// What a route asks of whoever uses it: an act, or nothing but to be known.
pub(crate) type Asked = Option<Act>;

/// Whether somebody who is `role` may use a route that asks for `act`.
pub(crate) fn allows(act: Asked, role: Role) -> bool {
    act.is_none_or(|act| may(role, act))
}

/// Whether `principal` may use such a route at all; for which councils, its `authorities` say.
pub(crate) fn is_allowed(principal: &Principal, act: Asked) -> bool {
    principal.roles.iter().any(|role| allows(act, *role))
}

/// What a route asks for, in a word.
pub(crate) const fn name(act: Asked) -> &'static str {
    match act {
        Some(act) => act.as_str(),
        None => "be_known",
    }
}
