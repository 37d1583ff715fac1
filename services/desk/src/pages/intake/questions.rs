//! What is asked of a referral: the one declaration that the task list, its pages, the check of the
//! answers and the changes follow from. A question is a field of the contract, by its JSON pointer.

use crate::pages::ask::{Ask, CHILD_ID, Options, Question, SEX, asking, ethnicities, kinds};
use oss_domain::{
    referral::{MAX_CHILDREN, Urgency},
    ssda903::{CategoryOfNeed, LegalStatus},
};

/// Tasks that belong together.
#[derive(Debug)]
pub(crate) struct Section {
    pub(crate) title: &'static str,
    pub(crate) tasks: &'static [Task],
}

/// A page of questions about one thing.
#[derive(Debug)]
pub(crate) struct Task {
    /// Its place in addresses.
    pub(crate) id: &'static str,
    pub(crate) title: &'static str,
    pub(crate) hint: &'static str,
    pub(crate) needed: Needed,
    pub(crate) questions: &'static [Question],
}

/// When a task must be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Needed {
    /// Before anything can be looked for.
    Now,
    /// Before anything is looked for, but in an emergency.
    InFull,
    /// Only if there is something to say.
    Never,
}

/// Every task, in order.
pub(crate) fn tasks() -> impl Iterator<Item = &'static Task> {
    SECTIONS.iter().flat_map(|section| section.tasks)
}

/// The task of that id.
pub(crate) fn task(id: &str) -> Option<&'static Task> {
    tasks().find(|task| task.id == id)
}

/// The task that the field at `pointer` belongs to, and the question that asks for it.
pub(crate) fn asked_at(pointer: &str) -> Option<(&'static Task, &'static Question)> {
    let all = || tasks().flat_map(|task| task.questions.iter().map(move |it| (task, it)));
    asking(all, pointer)
}

pub(crate) static SECTIONS: &[Section] = &[
    Section {
        title: "When, and what kind of home",
        tasks: &[
            Task {
                id: "when",
                title: "How soon a home is needed",
                hint: "",
                needed: Needed::Now,
                questions: &[
                    Question {
                        pointer: "/urgency",
                        label: "How soon is a home needed?",
                        hint: "",
                        name: "how soon a home is needed",
                        ask: Ask::Radios(urgencies),
                    },
                    Question {
                        pointer: "/start_date",
                        label: "The day it is to start",
                        hint: "For example, 27 3 2027. Ages are worked out on this day",
                        name: "the day it is to start",
                        ask: Ask::Date,
                    },
                ],
            },
            Task {
                id: "kinds",
                title: "Kinds of home in the care plan",
                hint: "",
                needed: Needed::Now,
                questions: &[Question {
                    pointer: "/placement_types",
                    label: "Which kinds, in the care plan’s order",
                    hint: "Only these are looked at; a kind that comes first is put before the others",
                    name: "a kind of home",
                    ask: Ask::Ordered(kinds),
                }],
            },
        ],
    },
    Section {
        title: "About the child",
        tasks: &[
            Task {
                id: "children",
                title: "The child, or the children to live together",
                hint: "By the case system’s id: no names",
                needed: Needed::Now,
                questions: &[Question {
                    pointer: "/children",
                    label: "Child",
                    hint: "Siblings who are to live together are one referral. In parent and child, the parent is listed only if looked after too",
                    name: "the child",
                    ask: Ask::Items(MAX_CHILDREN, CHILD),
                }],
            },
            Task {
                id: "wishes",
                title: "Wishes and feelings",
                hint: "",
                needed: Needed::Never,
                questions: &[Question {
                    pointer: "/wishes_and_feelings",
                    label: "What does the child wish and feel?",
                    hint: "In the child’s own words where you can; without names. It is shown first to whoever decides, and never ranked on",
                    name: "the wishes and feelings",
                    ask: Ask::Long,
                }],
            },
            Task {
                id: "identity",
                title: "What the care should reflect",
                hint: "Religion, language and background",
                needed: Needed::Never,
                questions: &[
                    Question {
                        pointer: "/identity/religion",
                        label: "Religion",
                        hint: "One word, such as muslim. Leave empty if it does not matter to the child",
                        name: "the religion",
                        ask: Ask::Word,
                    },
                    Question {
                        pointer: "/identity/languages",
                        label: "Languages",
                        hint: "Such as Urdu or British Sign Language, each on a line of its own",
                        name: "the languages",
                        ask: Ask::Languages,
                    },
                    Question {
                        pointer: "/identity/ethnicities",
                        label: "Ethnicities",
                        hint: "A home with any of these counts as reflecting the child’s background",
                        name: "the ethnicities",
                        ask: Ask::Checks(ethnicities),
                    },
                ],
            },
        ],
    },
    Section {
        title: "Where home and school are",
        tasks: &[Task {
            id: "places",
            title: "Home, school and the people the child sees",
            hint: "Postcodes only",
            needed: Needed::InFull,
            questions: &[
                Question {
                    pointer: "/locations/home",
                    label: "Postcode of home",
                    hint: "Leave empty if there is none: distances then run from the council’s centre",
                    name: "the postcode of home",
                    ask: Ask::Text,
                },
                Question {
                    pointer: "/locations/school",
                    label: "Postcode of school",
                    hint: "Leave empty if there is none",
                    name: "the postcode of school",
                    ask: Ask::Text,
                },
                Question {
                    pointer: "/locations/contact",
                    label: "Postcodes of people the child sees",
                    hint: "Each on a line of its own",
                    name: "a postcode of people the child sees",
                    ask: Ask::Lines,
                },
            ],
        }],
    },
    Section {
        title: "Needs",
        tasks: &[Task {
            id: "needs",
            title: "What the child needs",
            hint: "For a group, the highest of its members",
            needed: Needed::InFull,
            questions: &[Question {
                pointer: "/needs",
                label: "Level of each need",
                hint: "A home that does not meet an essential need in full is not offered",
                name: "the needs",
                ask: Ask::Levels,
            }],
        }],
    },
    Section {
        title: "Law and plan",
        tasks: &[
            Task {
                id: "law",
                title: "Legal status and orders",
                hint: "",
                needed: Needed::Never,
                questions: &[
                    Question {
                        pointer: "/legal_status",
                        label: "Legal status",
                        hint: "",
                        name: "the legal status",
                        ask: Ask::Select(legal_statuses),
                    },
                    Question {
                        pointer: "/category_of_need",
                        label: "Category of need",
                        hint: "",
                        name: "the category of need",
                        ask: Ask::Select(categories),
                    },
                    Question {
                        pointer: "/legal_authority",
                        label: "Orders that allow secure accommodation",
                        hint: "Tick only what has been made: without an order no secure home is offered",
                        name: "the orders",
                        ask: Ask::Flags(&[
                            ("secure_order", "A secure accommodation order (section 25)"),
                            (
                                "secretary_of_state",
                                "The Secretary of State’s approval, for a child under 13",
                            ),
                        ]),
                    },
                ],
            },
            Task {
                id: "areas",
                title: "Areas that are ruled out",
                hint: "",
                needed: Needed::Never,
                questions: &[Question {
                    pointer: "/excluded_authorities",
                    label: "Councils’ areas that a court or the plan rules out",
                    hint: "The names of county or city councils, such as Nottingham, each on a line of its own",
                    name: "the areas",
                    ask: Ask::Councils,
                }],
            },
        ],
    },
    Section {
        title: "Risks and people",
        tasks: &[
            Task {
                id: "people",
                title: "Who may live there too",
                hint: "",
                needed: Needed::Never,
                questions: &[
                    Question {
                        pointer: "/matching",
                        label: "Who else may live there, and what the home must be",
                        hint: "Tick all that are so",
                        name: "the conditions",
                        ask: Ask::Flags(&[
                            ("solo", "The child must live without other children"),
                            ("no_younger_children", "No younger children"),
                            (
                                "no_opposite_sex_children",
                                "No children of the opposite sex",
                            ),
                            (
                                "prefers_no_male_household",
                                "A household without men is preferred",
                            ),
                            ("wheelchair_accessible", "Accessible by wheelchair"),
                            ("parent_and_child", "A parent and child together"),
                        ]),
                    },
                    Question {
                        pointer: "/matching/avoid_children",
                        label: "Children who must not live there",
                        hint: "Their ids in the case system, each on a line of its own",
                        name: "the id of a child to avoid",
                        ask: Ask::Lines,
                    },
                    Question {
                        pointer: "/siblings_elsewhere",
                        label: "Siblings who live in a home already",
                        hint: "Their ids in the case system, each on a line of its own. Joining them may go beyond the usual limit of three",
                        name: "the id of a sibling",
                        ask: Ask::Lines,
                    },
                    Question {
                        pointer: "/previous_setting",
                        label: "The home the child lived in before",
                        hint: "Its id in the register",
                        name: "the id of the home before",
                        ask: Ask::Text,
                    },
                ],
            },
            Task {
                id: "zones",
                title: "Places to stay away from",
                hint: "",
                needed: Needed::Never,
                questions: &[Question {
                    pointer: "/exclusion_zones",
                    label: "Place",
                    hint: "No home within the distance is offered",
                    name: "the place",
                    ask: Ask::Items(20, ZONE),
                }],
            },
        ],
    },
    Section {
        title: "In words",
        tasks: &[Task {
            id: "story",
            title: "Why a home is needed, and contact",
            hint: "Without names",
            needed: Needed::Never,
            questions: &[
                Question {
                    pointer: "/title",
                    label: "A short title",
                    hint: "What the team calls this, such as Near school, long term",
                    name: "the title",
                    ask: Ask::Text,
                },
                Question {
                    pointer: "/reason",
                    label: "Why a home is needed",
                    hint: "",
                    name: "why a home is needed",
                    ask: Ask::Long,
                },
                Question {
                    pointer: "/contact_plan",
                    label: "Whom the child is to see, and how",
                    hint: "",
                    name: "the contact plan",
                    ask: Ask::Long,
                },
            ],
        }],
    },
];

const CHILD: &[Question] = &[
    CHILD_ID,
    Question {
        pointer: "/date_of_birth",
        label: "Date of birth",
        hint: "For example, 27 3 2014",
        name: "the date of birth",
        ask: Ask::Date,
    },
    SEX,
    Question {
        pointer: "/ethnicity",
        label: "Ethnicity",
        hint: "",
        name: "the ethnicity",
        ask: Ask::Select(ethnicities),
    },
    Question {
        pointer: "",
        label: "Is any of this so?",
        hint: "",
        name: "what is so",
        ask: Ask::Flags(&[
            ("key_stage_4", "In year 10 or 11 (key stage 4)"),
            ("uasc", "Unaccompanied and seeking asylum"),
        ]),
    },
];

const ZONE: &[Question] = &[
    Question {
        pointer: "/centre",
        label: "Postcode in the middle",
        hint: "",
        name: "the postcode in the middle",
        ask: Ask::Text,
    },
    Question {
        pointer: "/radius_tenths_of_mile",
        label: "How far around it, in miles",
        hint: "Such as 5 or 2.5",
        name: "the distance",
        ask: Ask::Miles,
    },
];

fn urgencies() -> Options {
    let text = |urgency| match urgency {
        Urgency::Emergency => "Today: an emergency",
        Urgency::Urgent => "Within 72 hours: urgent",
        Urgency::Planned => "By the start date: planned",
    };
    let all = Urgency::ALL.iter();
    all.map(|it| (it.as_str(), text(*it))).collect()
}

fn legal_statuses() -> Options {
    let all = LegalStatus::ALL.iter();
    all.map(|it| (it.as_str(), it.in_words())).collect()
}

fn categories() -> Options {
    let all = CategoryOfNeed::ALL.iter();
    all.map(|it| (it.as_str(), it.in_words())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pages::ask::asked_for;
    use serde_json::Value;

    const CONTRACT: &str =
        include_str!("../../../../../docs/contract/in/referral.submitted.v1.json");

    #[test]
    fn every_field_of_the_contract_is_asked_for_once_and_nothing_else() {
        let root: Value = serde_json::from_str(CONTRACT).unwrap();
        let mut expected = asked_for::fields(&root, &["/needs"]);
        // The product's own to fill in.
        for known in ["/referral_id", "/authority", "/revision", "/completeness"] {
            assert!(expected.remove(known), "{known}");
        }
        let questions = tasks().flat_map(|task| task.questions);
        assert_eq!(asked_for::once(questions), expected);
    }

    #[test]
    fn a_fault_is_told_on_the_page_that_asks_for_it() {
        let on = |pointer| asked_at(pointer).map(|(task, question)| (task.id, question.pointer));
        assert_eq!(on("/children/0/sex"), Some(("children", "/children")));
        assert_eq!(on("/locations"), Some(("places", "/locations/home")));
        assert_eq!(on("/matching/solo"), Some(("people", "/matching")));
        let avoid = ("people", "/matching/avoid_children");
        assert_eq!(on("/matching/avoid_children/3"), Some(avoid));
        assert_eq!(on("/referral_id"), None);
        assert_eq!(on(""), None);
    }
}
