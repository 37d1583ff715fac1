//! Who may do what: one pure question, no by default.
//!
//! What a person may do also hangs on the thing: its authority, and for a provider whether it is
//! the provider's own. Steps ask for a person, and for another than the one who selected, by
//! themselves; this is what comes before.

use crate::approvals;
use oss_domain::{AuthorityCode, ProviderId, Role, codes};

codes! {
    /// Everything that somebody can ask the product to do.
    pub enum Act {
        /// Hand in, amend or withdraw a referral.
        WriteReferral = "write_referral",
        /// See a referral with what identifies the child.
        ReadReferral = "read_referral",
        /// See the list of referrals.
        ListReferrals = "list_referrals",
        /// See ranked offers and runs.
        ReadOffers = "read_offers",
        /// Approach providers, and take approaches back.
        Approach = "approach",
        /// Record an answer that came by telephone.
        RecordAnswer = "record_answer",
        /// See the approaches to oneself, and answer them.
        AnswerOwn = "answer_own",
        /// Hold and release places.
        Hold = "hold",
        /// Set going what would bring an excluded setting in, and record what came of it.
        Pursue = "pursue",
        /// Decide.
        Select = "select",
        /// See the approvals that are asked for.
        ReadApprovals = "read_approvals",
        /// Record the approval that the thing names the approver of.
        RecordApproval = "record_approval",
        /// Start and end placements.
        Place = "place",
        /// See the register.
        ReadSettings = "read_settings",
        /// Change the register.
        WriteSettings = "write_settings",
        /// See and retry events that could not be handled.
        MendEvents = "mend_events",
        /// See the audit.
        ReadAudit = "read_audit",
        /// See figures without anybody's data.
        ReadFigures = "read_figures",
    }
}

/// Who asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// What the person is.
    pub roles: Vec<Role>,
    /// The authority that the person works for, or supplies.
    pub authority: AuthorityCode,
    /// The provider that the person works for, if any.
    pub provider: Option<ProviderId>,
}

/// What it is done to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Thing<'a> {
    /// Whose record it is.
    pub authority: AuthorityCode,
    /// Whose offer it is, where it is one.
    pub provider: Option<&'a ProviderId>,
    /// Who records it, where it is an approval, in the policy's words.
    pub approver: Option<&'a str>,
}

impl Thing<'_> {
    /// Anything of `authority`.
    #[must_use]
    pub const fn of(authority: AuthorityCode) -> Self {
        Self {
            authority,
            provider: None,
            approver: None,
        }
    }
}

/// It is not allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Denied {
    /// No role of the caller may do this.
    #[error("no role of yours may do this")]
    Role,
    /// It is another council's, or another provider's: to the caller it does not exist.
    #[error("there is no such thing")]
    NotYours,
}

/// Whether `caller` may do `act` to `thing`.
///
/// # Errors
/// Why not.
pub fn authorise(caller: &Caller, act: Act, thing: Thing<'_>) -> Result<(), Denied> {
    if caller.authority != thing.authority {
        return Err(Denied::NotYours);
    }
    if !caller.roles.iter().any(|role| may(*role, act)) {
        return Err(Denied::Role);
    }
    match act {
        Act::AnswerOwn
            if caller.provider.is_none() || caller.provider.as_ref() != thing.provider =>
        {
            Err(Denied::NotYours)
        }
        Act::RecordApproval => {
            let role = thing.approver.and_then(approvals::role_of);
            let named = role.is_some_and(|role| caller.roles.contains(&role));
            if named { Ok(()) } else { Err(Denied::Role) }
        }
        _ => Ok(()),
    }
}

/// The table of roles and acts.
#[must_use]
pub const fn may(role: Role, act: Act) -> bool {
    use Role::{Auditor, Commissioner, Director, Manager, Operator, Provider, SocialWorker};
    match act {
        Act::WriteReferral => matches!(role, SocialWorker | Commissioner | Manager),
        Act::ReadReferral | Act::ListReferrals | Act::ReadOffers => {
            matches!(role, SocialWorker | Commissioner | Manager | Director)
        }
        Act::Approach | Act::RecordAnswer | Act::Hold | Act::Pursue | Act::Select | Act::Place => {
            matches!(role, Commissioner | Manager)
        }
        Act::AnswerOwn => matches!(role, Provider),
        Act::ReadApprovals | Act::RecordApproval => {
            matches!(role, Commissioner | Manager | Director)
        }
        Act::ReadSettings => matches!(role, Commissioner | Manager | Director | Operator),
        Act::WriteSettings => matches!(role, Commissioner | Manager),
        Act::MendEvents => matches!(role, Operator),
        Act::ReadAudit => matches!(role, Auditor),
        Act::ReadFigures => !matches!(role, Provider),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn caller(roles: &[Role]) -> Caller {
        Caller {
            roles: roles.to_vec(),
            authority: "E06000015".parse().unwrap(),
            provider: roles
                .contains(&Role::Provider)
                .then(|| "IFA1".parse().unwrap()),
        }
    }

    /// The table as it was agreed: a change is seen in review.
    #[test]
    fn roles_may_do_what_was_agreed() {
        let expected = "\
social_worker: write_referral read_referral list_referrals read_offers read_figures
commissioner: write_referral read_referral list_referrals read_offers approach record_answer hold \
pursue select read_approvals record_approval place read_settings write_settings read_figures
manager: write_referral read_referral list_referrals read_offers approach record_answer hold \
pursue select read_approvals record_approval place read_settings write_settings read_figures
director: read_referral list_referrals read_offers read_approvals record_approval read_settings \
read_figures
provider: answer_own
auditor: read_audit read_figures
operator: read_settings mend_events read_figures
";
        let row = |role: &Role| {
            let acts = Act::ALL
                .iter()
                .filter(|act| may(*role, **act))
                .map(|act| act.as_str());
            format!("{role}: {}\n", acts.collect::<Vec<_>>().join(" "))
        };
        let table: String = Role::ALL.iter().map(row).collect();
        assert_eq!(table, expected);
    }

    #[test]
    fn nobody_does_anything_to_another_councils_records() {
        let other = "E10000007".parse().unwrap();
        let thing = Thing {
            approver: Some("commissioner"),
            ..Thing::of(other)
        };
        for act in Act::ALL {
            let answer = authorise(&caller(Role::ALL), *act, thing);
            assert_eq!(answer, Err(Denied::NotYours), "{act}");
        }
        let derby = Thing::of("E06000015".parse().unwrap());
        for act in Act::ALL {
            assert_eq!(
                authorise(&caller(&[]), *act, derby),
                Err(Denied::Role),
                "{act}"
            );
        }
    }

    #[test]
    fn a_provider_sees_its_own_offers_alone() {
        let (mine, other) = ("IFA1".parse().unwrap(), "IFA2".parse().unwrap());
        let of = |provider| Thing {
            provider,
            ..Thing::of("E06000015".parse().unwrap())
        };
        let provider = caller(&[Role::Provider]);
        assert_eq!(
            authorise(&provider, Act::AnswerOwn, of(Some(&mine))),
            Ok(())
        );
        assert_eq!(
            authorise(&provider, Act::AnswerOwn, of(Some(&other))),
            Err(Denied::NotYours)
        );
        assert_eq!(
            authorise(&provider, Act::AnswerOwn, of(None)),
            Err(Denied::NotYours)
        );
        assert_eq!(
            authorise(&provider, Act::ReadReferral, of(Some(&mine))),
            Err(Denied::Role)
        );
        let nobody = Caller {
            provider: None,
            ..provider
        };
        assert_eq!(
            authorise(&nobody, Act::AnswerOwn, of(None)),
            Err(Denied::NotYours)
        );
    }

    #[test]
    fn an_approval_is_recorded_by_the_role_that_it_names() {
        let by = |approver| Thing {
            approver: Some(approver),
            ..Thing::of("E06000015".parse().unwrap())
        };
        let (manager, director) = (caller(&[Role::Manager]), caller(&[Role::Director]));
        assert_eq!(
            authorise(&manager, Act::RecordApproval, by("head_of_service")),
            Ok(())
        );
        let of_director = by("director_of_childrens_services");
        assert_eq!(
            authorise(&manager, Act::RecordApproval, of_director),
            Err(Denied::Role)
        );
        assert_eq!(
            authorise(&director, Act::RecordApproval, of_director),
            Ok(())
        );
        assert_eq!(
            authorise(&director, Act::RecordApproval, by("nobody")),
            Err(Denied::Role)
        );
    }
}
