//! What is asked of a setting: every field of the contract that a person can state. The rest, such as
//! versions, is the product's own.

use crate::pages::{
    ask::{Ask, CHILD_ID, Options, Question, SEX, ethnicities, kinds},
    words,
};
use oss_domain::{
    Sex,
    setting::{ApprovalStatus, ParentAndChild, Quality, RestrictionReason, Sourcing},
};

/// The box by which somebody says that what is free was checked, as a field of the form.
pub(super) const CONFIRMED: &str = "confirmed/vacancy";

/// Questions that belong together.
#[derive(Debug)]
pub(super) struct Part {
    pub(super) title: &'static str,
    pub(super) questions: &'static [Question],
}

/// Every question of an entry, in order.
pub(super) fn questions() -> impl Iterator<Item = &'static Question> {
    PARTS.iter().flat_map(|part| part.questions)
}

/// What is asked only of a new entry: what it is called for ever.
pub(super) static ID: Question = Question {
    pointer: "/setting_id",
    label: "Id in the register",
    hint: "Up to 40 letters, digits, hyphens and underscores. It cannot be changed later",
    name: "the id",
    ask: Ask::Text,
};

pub(super) static PARTS: &[Part] = &[
    Part {
        title: "What it is, and who runs it",
        questions: &[
            Question {
                pointer: "/kind",
                label: "Kind of home",
                hint: "",
                name: "the kind of home",
                ask: Ask::Select(kinds),
            },
            Question {
                pointer: "/sourcing",
                label: "How the council comes by it",
                hint: "",
                name: "how the council comes by it",
                ask: Ask::Select(sourcings),
            },
            Question {
                pointer: "/provider/provider_id",
                label: "Id of who runs it",
                hint: "As in the register: who answers for this provider sees its homes",
                name: "the id of who runs it",
                ask: Ask::Text,
            },
            Question {
                pointer: "/provider/name",
                label: "Name of who runs it",
                hint: "",
                name: "the name of who runs it",
                ask: Ask::Text,
            },
            Question {
                pointer: "/postcode",
                label: "Postcode",
                hint: "",
                name: "the postcode",
                ask: Ask::Text,
            },
            Question {
                pointer: "/framework/reference",
                label: "Framework’s reference",
                hint: "Leave this and the next two empty if there is no framework",
                name: "the framework’s reference",
                ask: Ask::Text,
            },
            Question {
                pointer: "/framework/category",
                label: "Category in the framework",
                hint: "",
                name: "the category in the framework",
                ask: Ask::Text,
            },
            Question {
                pointer: "/framework/max_weekly_pence",
                label: "The framework’s highest price a week, in pounds",
                hint: "Leave empty if it sets none",
                name: "the framework’s highest price",
                ask: Ask::Pounds,
            },
            Question {
                pointer: "/weekly_cost_pence",
                label: "Cost a week, in pounds",
                hint: "All that the council pays, such as 1250.00",
                name: "the cost a week",
                ask: Ask::Pounds,
            },
        ],
    },
    Part {
        title: "Registration and approval",
        questions: &[
            Question {
                pointer: "/registration/registered",
                label: "Is it registered?",
                hint: "",
                name: "whether it is registered",
                ask: Ask::YesNo,
            },
            Question {
                pointer: "/registration/urn",
                label: "Registration number (URN)",
                hint: "Leave empty if there is none",
                name: "the registration number",
                ask: Ask::Text,
            },
            Question {
                pointer: "/registration/quality",
                label: "What the last inspection found",
                hint: "",
                name: "what the last inspection found",
                ask: Ask::Select(qualities),
            },
            Question {
                pointer: "/approval/places",
                label: "Places approved",
                hint: "",
                name: "the number of places",
                ask: Ask::Number,
            },
            Question {
                pointer: "/approval/min_age",
                label: "Youngest age",
                hint: "",
                name: "the youngest age",
                ask: Ask::Number,
            },
            Question {
                pointer: "/approval/max_age",
                label: "Oldest age",
                hint: "",
                name: "the oldest age",
                ask: Ask::Number,
            },
            Question {
                pointer: "/approval/sexes",
                label: "Whom it takes",
                hint: "",
                name: "whom it takes",
                ask: Ask::Checks(boys_girls),
            },
            Question {
                pointer: "/approval/parent_and_child",
                label: "A parent with a child",
                hint: "",
                name: "whether it takes a parent with a child",
                ask: Ask::Radios(parents),
            },
            Question {
                pointer: "/approval/status",
                label: "How far the approval has come",
                hint: "",
                name: "how far the approval has come",
                ask: Ask::Radios(statuses),
            },
            Question {
                pointer: "/approval/review_due",
                label: "The approval is reviewed on",
                hint: "Leave empty if no day is set",
                name: "the day of the review",
                ask: Ask::Date,
            },
            Question {
                pointer: "/connected_to_children",
                label: "Children it is connected to",
                hint: "For a connected person: the ids of the only children it may be shown for, each on a line of its own",
                name: "the id of a child it is connected to",
                ask: Ask::Lines,
            },
        ],
    },
    Part {
        title: "Who lives there, and what is free",
        questions: &[
            Question {
                pointer: "/residents",
                label: "Child",
                hint: "Every child who lives there, by the case system’s id: no names. Leave empty if nobody does",
                name: "the child",
                ask: Ask::Items(40, RESIDENT),
            },
            Question {
                pointer: "/blocked_places",
                label: "Places that cannot be used",
                hint: "",
                name: "the number of places that cannot be used",
                ask: Ask::Number,
            },
            Question {
                pointer: "/bedrooms_free",
                label: "Bedrooms free",
                hint: "Leave empty if it is not known",
                name: "the number of bedrooms free",
                ask: Ask::Number,
            },
            Question {
                pointer: "/restrictions",
                label: "Restriction",
                hint: "Why it takes no new children at present. Leave empty if it does",
                name: "the restriction",
                ask: Ask::Items(10, RESTRICTION),
            },
            // Not a field of the contract: it is taken in as `capacity_confirmed_at`.
            Question {
                pointer: "/confirmed",
                label: "Vacancy",
                hint: "What you change above counts as confirmed",
                name: "the vacancy",
                ask: Ask::Flags(&[(
                    "vacancy",
                    "I have checked with the home that this is so now",
                )]),
            },
        ],
    },
    Part {
        title: "What it offers",
        questions: &[
            Question {
                pointer: "/wheelchair_accessible",
                label: "Is it accessible by wheelchair?",
                hint: "",
                name: "whether it is accessible by wheelchair",
                ask: Ask::YesNo,
            },
            Question {
                pointer: "/no_male_household",
                label: "Is it a household without men?",
                hint: "",
                name: "whether it is a household without men",
                ask: Ask::YesNo,
            },
            Question {
                pointer: "/identity/languages",
                label: "Languages",
                hint: "Such as English or Urdu, each on a line of its own",
                name: "the languages",
                ask: Ask::Languages,
            },
            Question {
                pointer: "/identity/religions",
                label: "Religions",
                hint: "One word each, such as muslim, each on a line of its own",
                name: "the religions",
                ask: Ask::Words,
            },
            Question {
                pointer: "/identity/ethnicities",
                label: "Ethnicities",
                hint: "",
                name: "the ethnicities",
                ask: Ask::Checks(ethnicities),
            },
            Question {
                pointer: "/capabilities",
                label: "How well each need can be met",
                hint: "Choose nothing where it is not known: that counts as none",
                name: "how well a need can be met",
                ask: Ask::Capabilities,
            },
            Question {
                pointer: "/admission_criteria",
                label: "Whom it takes at least",
                hint: "A child must have at least one of these needs, that high. Choose nothing if it takes every child",
                name: "whom it takes at least",
                ask: Ask::Capabilities,
            },
        ],
    },
];

const RESIDENT: &[Question] = &[
    CHILD_ID,
    SEX,
    Question {
        pointer: "/age",
        label: "Age",
        hint: "In whole years",
        name: "the age",
        ask: Ask::Number,
    },
];

const RESTRICTION: &[Question] = &[
    Question {
        pointer: "/reason",
        label: "Why",
        hint: "",
        name: "why it takes no new children",
        ask: Ask::Select(restrictions),
    },
    Question {
        pointer: "/until",
        label: "Until",
        hint: "Leave empty if no day is set",
        name: "the day",
        ask: Ask::Date,
    },
];

fn sourcings() -> Options {
    let all = Sourcing::ALL.iter();
    all.map(|it| (it.as_str(), words::sourcing(*it))).collect()
}

fn qualities() -> Options {
    let all = Quality::ALL.iter();
    all.map(|it| (it.as_str(), words::quality(*it))).collect()
}

fn boys_girls() -> Options {
    vec![
        (Sex::Male.as_str(), "Boys"),
        (Sex::Female.as_str(), "Girls"),
    ]
}

fn parents() -> Options {
    let text = |it| match it {
        ParentAndChild::No => "No",
        ParentAndChild::Also => "Also",
        ParentAndChild::Only => "Nobody else",
    };
    let all = ParentAndChild::ALL.iter();
    all.map(|it| (it.as_str(), text(*it))).collect()
}

fn statuses() -> Options {
    let text = |it| match it {
        ApprovalStatus::Approved => "Approved",
        ApprovalStatus::Temporary => "Approved for a time",
        ApprovalStatus::NotYetApproved => "Not yet approved",
    };
    let all = ApprovalStatus::ALL.iter();
    all.map(|it| (it.as_str(), text(*it))).collect()
}

fn restrictions() -> Options {
    let text = |it| match it {
        RestrictionReason::Section47 => "An enquiry under section 47",
        RestrictionReason::StandardsOfCare => "A concern about standards of care",
        RestrictionReason::Section22bNotice => "A notice under section 22B",
        RestrictionReason::FrameworkSuspension => "Suspended from the framework",
        RestrictionReason::CarerUnavailable => "The carer is not available",
        RestrictionReason::NoticeGiven => "Notice has been given",
    };
    let all = RestrictionReason::ALL.iter();
    all.map(|it| (it.as_str(), text(*it))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pages::ask::asked_for;
    use serde_json::Value;
    use std::collections::BTreeSet;

    const CONTRACT: &str = include_str!("../../../../../docs/contract/in/setting.changed.v1.json");

    #[test]
    fn every_field_of_the_contract_is_asked_for_once_and_nothing_else() {
        let root: Value = serde_json::from_str(CONTRACT).unwrap();
        let own = [
            "/setting_id",
            "/authority",
            "/version",
            "/occupancy_version",
            "/capacity_confirmed_at",
        ];
        let own = own.map(str::to_owned).into();
        let maps = ["/capabilities", "/admission_criteria"];
        let all: BTreeSet<_> = asked_for::fields(&root, &maps);
        let expected: BTreeSet<_> = all.difference(&own).cloned().collect();
        let mut asked = asked_for::once(questions());
        // Stands for the last of our own.
        assert!(asked.remove(&format!("/{CONFIRMED}")));
        assert_eq!(asked, expected);
    }
}
