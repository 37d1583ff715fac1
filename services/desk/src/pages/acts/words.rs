//! What people read of answers, placements and refusals.

use crate::pages::words::Tag;
use oss_domain::{lifecycle::DeclineReason, ssda903::ReasonPlaceChange};
use oss_workflow::{
    approvals::Check, conditions::Outcome, offer::OfferState, placement::PlacementState,
};

/// Why a provider declines.
pub(crate) const fn decline(reason: DeclineReason) -> &'static str {
    use DeclineReason as R;
    match reason {
        R::NoVacancy => "No vacancy",
        R::AgeOrSexOutsideApproval => "Age or sex outside the approval",
        R::CannotMeetNeed => "The needs cannot be met",
        R::ImpactOnCurrentChildren => "The impact on children who live there",
        R::LocationRisk => "A risk in the area",
        R::CarerUnavailable => "The carer is not available",
        R::Staffing => "Staffing",
        R::SkillOrTrainingGap => "A gap in skill or training",
        R::TooFarFromSchoolOrContact => "Too far from school or contact",
        R::InsufficientInformation => "Too little is known of the child",
        R::Timescale => "The time is too short",
        R::Price => "The price",
        R::LegalStatus => "The legal status, such as remand",
        R::SiblingSize => "The size of the sibling group",
        R::InspectionConcern => "Concern about an inspection",
        R::NoResponse => "There was no response",
        R::Other => "Another reason",
    }
}

/// Why a placement ends.
pub(crate) const fn ending(reason: ReasonPlaceChange) -> &'static str {
    use ReasonPlaceChange as R;
    match reason {
        R::Carpl => "A change to the care plan",
        R::Close => "The home closes, or the carer resigns",
        R::Alleg => "An allegation (section 47)",
        R::Stand => "Concern about standards",
        R::Apprr => "The approval was removed",
        R::Creqb => "The carer asks, because of the child’s behaviour",
        R::Creqo => "The carer asks, for another reason",
        R::Child => "The child asks",
        R::Lareq => "The council asks",
        R::Place => "The status of the placement alone changes",
        R::Custod => "Custody",
        R::Other => "Another reason",
    }
}

/// Where an option stands that was acted on.
pub(crate) const fn offer(state: OfferState) -> Tag {
    match state {
        OfferState::Proposed => Tag {
            text: "Not asked yet",
            class: "govuk-tag--grey",
        },
        OfferState::Approached => Tag {
            text: "Asked",
            class: "govuk-tag--yellow",
        },
        OfferState::Accepted => Tag {
            text: "Says yes",
            class: "govuk-tag--green",
        },
        OfferState::Declined => Tag {
            text: "Says no",
            class: "govuk-tag--red",
        },
        OfferState::Expired => Tag {
            text: "No answer in time",
            class: "govuk-tag--orange",
        },
        OfferState::Withdrawn => Tag {
            text: "Taken back",
            class: "govuk-tag--grey",
        },
        OfferState::Selected => Tag {
            text: "Chosen",
            class: "govuk-tag--teal",
        },
        OfferState::NotSelected => Tag {
            text: "Not chosen",
            class: "govuk-tag--grey",
        },
    }
}

/// How far a placement has come.
pub(crate) const fn placement(state: PlacementState) -> Tag {
    match state {
        PlacementState::Agreed => Tag {
            text: "Agreed",
            class: "govuk-tag--teal",
        },
        PlacementState::Started => Tag {
            text: "Started",
            class: "govuk-tag--green",
        },
        PlacementState::Ended => Tag {
            text: "Ended",
            class: "govuk-tag--grey",
        },
        PlacementState::Cancelled => Tag {
            text: "Called off",
            class: "govuk-tag--red",
        },
    }
}

/// What came of a condition, if anything did yet.
pub(crate) const fn condition(outcome: Option<Outcome>) -> Tag {
    match outcome {
        None => Tag {
            text: "Waiting",
            class: "govuk-tag--yellow",
        },
        Some(Outcome::Met) => Tag {
            text: "Met",
            class: "govuk-tag--green",
        },
        Some(Outcome::NotMet) => Tag {
            text: "Not met",
            class: "govuk-tag--red",
        },
        Some(Outcome::NotNeeded) => Tag {
            text: "Not needed any more",
            class: "govuk-tag--grey",
        },
    }
}

/// What the regulation asks to be recorded with an approval.
pub(crate) const fn check(check: Check) -> &'static str {
    match check {
        Check::WishesAndFeelings => "The child’s wishes and feelings were considered",
        Check::MostAppropriate => {
            "It is the most appropriate placement, consistent with the care plan"
        }
        Check::RelativesConsulted => "Relatives were consulted where appropriate",
        Check::AreaAuthorityNotified => "The council of the area was notified",
        Check::AreaAuthorityConsulted => {
            "The council of the area was consulted and given the care plan"
        }
        Check::IroConsulted => "The independent reviewing officer was consulted",
        Check::NeedsAssessment => "The notice has the assessment of needs",
        Check::WhyMostSuitable => "The notice tells why this is the most suitable placement",
        Check::CarePlanCopy => "The notice has a copy of the care plan",
        Check::OwnPlacementsExhausted => {
            "No suitable home of the council or family is there in an acceptable time"
        }
        Check::SuitabilityAssessed => "The connected person was assessed as suitable",
        Check::EducationArranged => "Arrangements for the child’s education were made",
        Check::AuthorityConfirmed => "The council where the home lies was confirmed",
    }
}

/// What has changed meanwhile, by the refusal's code.
pub(crate) fn conflict(code: &str, detail: &str) -> String {
    let known = match code {
        "place_gone" => "The place went to another child meanwhile. Choose another home.",
        "not_lawful_any_more" => "The home may not take the child any more, by what is known now.",
        "not_open" => "The referral is decided, placed or withdrawn meanwhile.",
        "not_accepted" => "The provider has not accepted. Ask, or record the answer, first.",
        "ranking_changed" => "The homes were ranked again meanwhile. Look at the new list.",
        "child_held_elsewhere" => "A place is kept for the child elsewhere. Release that first.",
        "too_late" => {
            "The council has decided, or has taken the question back, or the home has closed."
        }
        "condition_open" => "What was to bring this home in is not recorded yet.",
        "condition_not_met" => {
            "What would have brought this home in was not met. It is to be seen to anew first."
        }
        "not_conditional" => "This alone would not bring the home in, as things are now.",
        "already_pursued" => "Somebody sees to this already.",
        "four_eyes" => "You chose this home, so somebody else must approve it.",
        "referral_changed" => "The children of the referral changed after the decision.",
        _ => return detail.to_owned(),
    };
    known.to_owned()
}

/// What is wrong with a field.
pub(crate) fn field(pointer: &str, code: &str, detail: &str) -> String {
    // Ours, which say it whole.
    if code == "required_tick" {
        return crate::pages::facts::capital(detail);
    }
    let name = match pointer {
        "/reason" => "The reason",
        "/reason_not_first" => "Why not the first of the list",
        "/weekly_cost_pence" => "The price a week",
        "/available_from" => "The day it is free from",
        "/decline_reason" => "Why the provider declines",
        "/respond_by" => "The time to answer by",
        "/task" => "Who does what",
        "/due_on" => "The day",
        "/evidence" => "What shows it",
        "/note" => "The note",
        "/ended_on" => "The last day",
        "/starts_on" => "The first day",
        "/reason_place_change" => "Why it ends",
        "/statement" => "The statement",
        "/answer" => "The answer",
        _ => "A field",
    };
    if code == "required" {
        format!("{name} is missing")
    } else {
        format!("{name} {detail}")
    }
}
