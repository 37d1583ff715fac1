//! Finding what a path names: ids of others are unique within a council only.

use crate::{app::App, caller::Caller, problem::Fault, query::Parameters};
use oss_domain::{AuthorityCode, ReferralId};
use oss_storage::referrals::StoredReferral;
use oss_workflow::{ReferralHead, Unit, Wanted};
use std::collections::BTreeSet;

/// The councils whose records are meant: the one in the query, or all that the caller works for.
pub(crate) fn authorities(
    caller: &Caller,
    parameters: &Parameters,
) -> Result<BTreeSet<AuthorityCode>, Fault> {
    match parameters.get::<AuthorityCode>("authority")? {
        None => Ok(caller.principal.authorities.clone()),
        Some(authority) => {
            caller.works_for(authority)?;
            Ok([authority].into())
        }
    }
}

/// The one of several councils' records that a path names.
///
/// # Errors
///
/// 404 where there is none, 409 where there are several.
pub(crate) fn only_one<T>(found: impl IntoIterator<Item = T>, what: &str) -> Result<T, Fault> {
    let mut found = found.into_iter();
    match (found.next(), found.next()) {
        (None, _) => Err(Fault::not_found(what)),
        (Some(it), None) => Ok(it),
        (Some(_), Some(_)) => Err(Fault::conflict(
            "ambiguous",
            "Several councils have this id",
            "Say which one is meant with the parameter authority.",
        )),
    }
}

/// Sees to it that what was found, if anything was, is of a council that the caller works for: to
/// others it does not exist.
pub(crate) fn own(
    caller: &Caller,
    found: Option<AuthorityCode>,
    what: &str,
) -> Result<AuthorityCode, Fault> {
    found
        .filter(|authority| caller.works_for(*authority).is_ok())
        .ok_or_else(|| Fault::not_found(what))
}

/// An id as a path gives it; what does not even have the form of one does not exist.
pub(crate) fn id<T: std::str::FromStr>(text: &str, what: &str) -> Result<T, Fault> {
    text.parse().map_err(|_| Fault::not_found(what))
}

/// The council whose list is meant.
///
/// # Errors
///
/// 400 where the caller works for several and does not say.
pub(crate) fn authority(caller: &Caller, parameters: &Parameters) -> Result<AuthorityCode, Fault> {
    let mut meant = authorities(caller, parameters)?.into_iter();
    match (meant.next(), meant.next()) {
        (Some(authority), None) => Ok(authority),
        (None, _) => Err(Fault::forbidden("You work for no council.")),
        (Some(_), Some(_)) => Err(Fault::not_understood(
            "ambiguous",
            "You work for several councils: say which one is meant with the parameter authority.",
        )),
    }
}

/// What a unit of work needs to see of the referral that the path names.
pub(crate) fn referral(
    caller: &Caller,
    text: &str,
    parameters: &Parameters,
) -> Result<Wanted, Fault> {
    let referral_id: ReferralId = id(text, "The referral")?;
    let authorities = authorities(caller, parameters)?;
    let referrals = authorities
        .into_iter()
        .map(|it| (it, referral_id.clone()))
        .collect();
    Ok(Wanted {
        referrals,
        ..Wanted::default()
    })
}

/// The referral that [`referral`] asked for.
pub(crate) fn the_referral(unit: &Unit) -> Result<&ReferralHead, Fault> {
    only_one(unit.referrals.values(), "The referral")
}

/// The referral that a path names, with all it tells.
pub(crate) async fn stored_referral(
    app: &App,
    caller: &Caller,
    text: &str,
    parameters: &Parameters,
) -> Result<StoredReferral, Fault> {
    let referral_id: ReferralId = id(text, "The referral")?;
    let mut found = Vec::new();
    for authority in authorities(caller, parameters)? {
        found.extend(app.store.referral(authority, &referral_id).await?);
    }
    only_one(found, "The referral")
}
