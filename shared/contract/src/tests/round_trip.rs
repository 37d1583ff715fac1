//! What is written is read back as it was, and equal things are written with equal bytes.

use crate::{referral_from_json, referral_to_json, setting_from_json, setting_to_json};
use oss_domain::{
    Need,
    setting::{Kind, ParentAndChild, Quality, RestrictionReason, Sourcing},
    ssda903::{CategoryOfNeed, Ethnicity, LegalStatus},
    version,
};
use proptest::{prelude::*, sample::select, strategy::Union};
use serde_json::{Map, Value, json};
use std::fmt::Debug;

/// A value in some thousand ways to write it.
type Json = BoxedStrategy<Value>;

fn of<T: Into<Value> + Debug + 'static>(values: impl Strategy<Value = T> + 'static) -> Json {
    values.prop_map(Into::into).boxed()
}

fn codes(codes: &'static [&'static str]) -> Json {
    of(select(codes))
}

fn id() -> Json {
    of("[A-Za-z0-9_-]{1,40}")
}

fn text() -> Json {
    of(" {0,2}x[a-zéß€😀\\n\"\\\\]{1,40} {0,2}")
}

fn word() -> Json {
    of("[a-zé]{1,8}")
}

fn date() -> Json {
    let parts = (1900..2100_i32, 1..=12_u32, 1..=28_u32);
    of(parts.prop_map(|(year, month, day)| format!("{year:04}-{month:02}-{day:02}")))
}

fn instant() -> Json {
    let offset = select(vec!["Z", "+00:00", "+01:00", "-11:30"]);
    let fraction = select(vec!["", ".5", ".123456", ".000000001"]);
    of(
        (0..24_u8, fraction, offset).prop_map(|(hour, fraction, offset)| {
            format!("2026-11-23T{hour:02}:05:09{fraction}{offset}")
        }),
    )
}

fn postcode() -> Json {
    codes(&["DE1 2FS", "de12fs", " NG2 7QP ", "EC1A 1BB", "M1 1AA"])
}

fn authority() -> Json {
    codes(&["E06000015", "E10000007", "W06000015"])
}

fn list(item: Json, max: usize) -> Json {
    of(prop::collection::vec(item, 0..=max))
}

fn by_need(value: Json) -> Json {
    let map = prop::collection::vec((select(Need::CODES), value), 0..6);
    map.prop_map(|entries| {
        let entries = entries
            .into_iter()
            .map(|(need, value)| (need.to_owned(), value));
        Value::Object(entries.collect())
    })
    .boxed()
}

/// An object of fields that must be there and fields that may be, `null` included, in any order.
fn object(required: Vec<(&'static str, Json)>, optional: Vec<(&'static str, Json)>) -> Json {
    let optional = optional.into_iter().map(|(key, value)| {
        let value = Union::new([Just(None).boxed(), value.prop_map(Some).boxed()]);
        (
            Just(key),
            Union::new([value.boxed(), Just(Some(Value::Null)).boxed()]).boxed(),
        )
    });
    let required = required
        .into_iter()
        .map(|(key, value)| (Just(key), value.prop_map(Some).boxed()));
    let fields: Vec<_> = required.chain(optional).collect();
    fields
        .prop_shuffle()
        .prop_map(|fields| {
            let present = fields
                .into_iter()
                .filter_map(|(key, value)| Some((key.to_owned(), value?)));
            Value::Object(present.collect())
        })
        .boxed()
}

fn flag() -> Json {
    of(any::<bool>())
}

fn children() -> Json {
    let born = (1..=28_u8).prop_map(|day| format!("2015-02-{day:02}"));
    let child = object(
        vec![
            ("date_of_birth", of(born)),
            ("sex", codes(&["M", "F", "U"])),
        ],
        vec![
            ("ethnicity", codes(Ethnicity::CODES)),
            ("key_stage_4", flag()),
            ("uasc", flag()),
        ],
    );
    let children = prop::collection::vec(child, 1..=10);
    of(children.prop_map(|mut children| {
        for (idx, child) in children.iter_mut().enumerate() {
            child["child_id"] = format!("C-{idx}").into();
        }
        children
    }))
}

fn needs() -> Json {
    by_need(object(
        vec![("level", of(0..=4_u8))],
        vec![("essential", flag())],
    ))
}

fn locations() -> Json {
    object(
        vec![],
        vec![
            ("home", postcode()),
            ("school", postcode()),
            ("contact", list(postcode(), 3)),
        ],
    )
}

fn matching() -> Json {
    let flags = [
        "solo",
        "no_younger_children",
        "no_opposite_sex_children",
        "prefers_no_male_household",
        "wheelchair_accessible",
        "parent_and_child",
    ];
    let mut fields = vec![("avoid_children", list(id(), 4))];
    fields.extend(flags.map(|key| (key, flag())));
    object(vec![], fields)
}

/// What a referral may say besides.
fn besides() -> Vec<(&'static str, Json)> {
    let identity = object(
        vec![],
        vec![
            ("ethnicities", list(codes(Ethnicity::CODES), 3)),
            ("religion", word()),
            ("languages", list(word(), 3)),
        ],
    );
    let zone = object(
        vec![
            ("centre", postcode()),
            ("radius_tenths_of_mile", of(1..=1000_u16)),
        ],
        vec![],
    );
    let legal_authority = object(
        vec![],
        vec![("secure_order", flag()), ("secretary_of_state", flag())],
    );
    vec![
        ("identity", identity),
        ("matching", matching()),
        ("siblings_elsewhere", list(id(), 3)),
        ("exclusion_zones", list(zone, 3)),
        ("excluded_authorities", list(authority(), 3)),
        ("legal_authority", legal_authority),
        ("legal_status", codes(LegalStatus::CODES)),
        ("category_of_need", codes(CategoryOfNeed::CODES)),
        ("previous_setting", id()),
        ("title", text()),
        ("wishes_and_feelings", text()),
        ("reason", text()),
        ("contact_plan", text()),
        ("a_field_of_the_future", text()),
    ]
}

fn referral() -> Json {
    let kinds = prop::sample::subsequence(Kind::CODES, 1..=6).prop_shuffle();
    let always = vec![
        ("referral_id", id()),
        ("authority", authority()),
        ("revision", of(1..=version::MAX)),
        ("urgency", codes(&["planned", "urgent", "emergency"])),
        ("start_date", of(Just("2026-12-07"))),
        ("placement_types", of(kinds)),
        ("children", children()),
    ];
    let when_full = || vec![("needs", needs()), ("locations", locations())];
    let with = |fields: &[(&'static str, Json)], more: Vec<(&'static str, Json)>| {
        fields.iter().cloned().chain(more).collect::<Vec<_>>()
    };
    let full = object(
        with(&always, when_full()),
        with(&besides(), vec![("completeness", of(Just("full")))]),
    );
    let minimum = object(
        with(
            &always,
            vec![("completeness", of(Just("emergency_minimum")))],
        ),
        with(&besides(), when_full()),
    );
    Union::new([full, minimum]).boxed()
}

fn setting() -> Json {
    let ages = (0..=17_u8, 0..=17_u8).prop_map(|(a, b)| (a.min(b), a.max(b)));
    let approval = object(
        vec![
            ("places", of(0..=20_u16)),
            (
                "sexes",
                of(prop::sample::subsequence(vec!["M", "F"], 1..=2).prop_shuffle()),
            ),
            ("parent_and_child", codes(ParentAndChild::CODES)),
        ],
        vec![
            ("review_due", date()),
            (
                "status",
                codes(&["approved", "temporary", "not_yet_approved"]),
            ),
        ],
    );
    let approval = (approval, ages).prop_map(|(mut approval, (min_age, max_age))| {
        approval["min_age"] = min_age.into();
        approval["max_age"] = max_age.into();
        approval
    });
    let resident = object(
        vec![
            ("child_id", id()),
            ("sex", codes(&["M", "F", "U"])),
            ("age", of(0..=17_u8)),
        ],
        vec![],
    );
    let restriction = object(
        vec![("reason", codes(RestrictionReason::CODES))],
        vec![("until", date())],
    );
    object(
        vec![
            ("setting_id", id()),
            ("authority", authority()),
            ("version", of(1..=version::MAX)),
            (
                "provider",
                object(vec![("provider_id", id()), ("name", text())], vec![]),
            ),
            ("kind", codes(Kind::CODES)),
            ("sourcing", codes(Sourcing::CODES)),
            ("postcode", postcode()),
            (
                "registration",
                object(
                    vec![
                        ("registered", of(any::<bool>())),
                        ("quality", codes(Quality::CODES)),
                    ],
                    vec![("urn", text())],
                ),
            ),
            ("approval", approval.boxed()),
            ("residents", list(resident, 4)),
            ("capabilities", by_need(of(0..=4_u8))),
            ("weekly_cost_pence", of(any::<u32>())),
            ("connected_to_children", list(id(), 4)),
        ],
        vec![
            (
                "framework",
                object(
                    vec![("reference", text()), ("category", text())],
                    vec![("max_weekly_pence", of(any::<u32>()))],
                ),
            ),
            ("blocked_places", of(0..=3_u16)),
            ("bedrooms_free", of(0..=3_u16)),
            ("admission_criteria", by_need(of(0..=4_u8))),
            ("wheelchair_accessible", of(any::<bool>())),
            ("no_male_household", of(any::<bool>())),
            (
                "identity",
                object(
                    vec![],
                    vec![
                        ("ethnicities", list(codes(Ethnicity::CODES), 3)),
                        ("religions", list(word(), 3)),
                        ("languages", list(codes(&["en", "pl", "ur"]), 3)),
                    ],
                ),
            ),
            ("restrictions", list(restriction, 3)),
            ("occupancy_version", of(0..=version::MAX)),
            ("capacity_confirmed_at", instant()),
        ],
    )
}

/// The same object with its keys the other way round.
fn reversed(value: &Value) -> Value {
    match value {
        Value::Object(fields) => {
            let fields = fields.iter().rev();
            Value::Object(
                fields
                    .map(|(key, value)| (key.clone(), reversed(value)))
                    .collect::<Map<_, _>>(),
            )
        }
        Value::Array(items) => items.iter().map(reversed).collect(),
        other => other.clone(),
    }
}

proptest! {
    #[test]
    fn a_referral_is_read_back_as_it_was(value in referral()) {
        let referral = referral_from_json(&value).unwrap();
        let written = referral_to_json(&referral);
        prop_assert_eq!(&referral_from_json(&written).unwrap(), &referral);
        let again = referral_to_json(&referral_from_json(&reversed(&value)).unwrap());
        prop_assert_eq!(again.to_string(), written.to_string());
    }

    #[test]
    fn a_setting_is_read_back_as_it_was(value in setting()) {
        let setting = setting_from_json(&value).unwrap();
        let written = setting_to_json(&setting);
        prop_assert_eq!(&setting_from_json(&written).unwrap(), &setting);
        let again = setting_to_json(&setting_from_json(&reversed(&value)).unwrap());
        prop_assert_eq!(again.to_string(), written.to_string());
    }
}

#[test]
fn languages_default_to_english_and_an_empty_list_states_nothing() {
    let mut setting = super::example("setting.changed.connected")["data"].clone();
    let languages = |setting: &Value| {
        let languages = setting_from_json(setting).unwrap().identity.languages;
        languages
            .iter()
            .map(ToString::to_string)
            .collect::<Vec<_>>()
    };
    assert_eq!(languages(&setting), ["en"]);
    setting["identity"] = json!({});
    assert_eq!(languages(&setting), ["en"]);
    setting["identity"] = json!({ "languages": null });
    assert_eq!(languages(&setting), ["en"]);
    setting["identity"] = json!({ "languages": [] });
    assert_eq!(languages(&setting), [""; 0]);
}

#[test]
fn a_criterion_that_every_child_meets_is_none() {
    let mut setting = super::example("setting.changed")["data"].clone();
    setting["admission_criteria"] = json!({ "EMO": 0, "BEH": 3 });
    assert!(
        setting_from_json(&setting)
            .unwrap()
            .admission_criteria
            .is_empty()
    );
}
