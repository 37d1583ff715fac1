//! A referral on the wire.

use crate::{
    read::{self, ANY, Node},
    write::Object,
};
use chrono::NaiveDate;
use oss_domain::{
    Child, ChildId, FieldError, Level, Need, Needs, Referral, TenthsOfMile,
    child::age_on,
    identity::IdentityWanted,
    need::{Levels, NeedSet},
    referral::{
        Completeness, ExclusionZone, LegalAuthority, Locations, MAX_CHILDREN, MatchingConditions,
        Narrative,
    },
    setting::Kind,
};
use serde_json::Value;
use std::collections::BTreeSet;

/// The fields of `matching`.
const MATCHING: [&str; 7] = [
    "solo",
    "no_younger_children",
    "no_opposite_sex_children",
    "prefers_no_male_household",
    "wheelchair_accessible",
    "parent_and_child",
    "avoid_children",
];

/// Reads a referral.
///
/// # Errors
/// Every fault of every field, with its pointer. Whether postcodes exist, and whether the policy
/// knows the authority, is not asked here.
pub fn referral_from_json(value: &Value) -> Result<Referral, Vec<FieldError>> {
    read::read(value, referral)
}

pub(crate) fn referral(node: &Node<'_>) -> Option<Referral> {
    node.object()?;
    let referral_id = node.required("referral_id", Node::id);
    let authority = node.required("authority", Node::authority);
    let revision = node.required("revision", |node| node.version(1));
    let urgency = node.required("urgency", Node::code);
    let start_date = node.required("start_date", Node::date);
    let kinds = (1, Kind::ALL.len());
    let placement_types = node.required("placement_types", |node| {
        node.distinct(kinds, None, Node::code)
    });
    let children = node.required("children", |node| {
        let bounds = (1, MAX_CHILDREN);
        node.distinct(bounds, Some("child_id"), |node| child(node, start_date))
    });

    // A completeness that cannot be read asks for nothing more: that would only mislead.
    let completeness = if node.has("completeness") {
        node.optional("completeness", Node::code)
    } else {
        Some(Completeness::Full)
    };
    let full = completeness == Some(Completeness::Full);
    let needs = when(full, node, "needs", needs);
    let locations = when(full, node, "locations", locations);

    let matching = node.optional("matching", matching);
    let (matching, avoid_children) = matching.unwrap_or_default();
    let optional = |key| node.optional(key, Node::text);
    let optional_long = |key| node.optional(key, Node::long_text);
    let identity = node.optional("identity", identity);
    let siblings_elsewhere = node.optional("siblings_elsewhere", |node| node.set(Node::id));
    let exclusion_zones = node.optional("exclusion_zones", |node| node.list(ANY, exclusion_zone));
    let excluded_authorities =
        node.optional("excluded_authorities", |node| node.set(Node::authority));
    let legal_authority = node.optional("legal_authority", legal_authority);
    let legal_status = node.optional("legal_status", Node::code);
    let category_of_need = node.optional("category_of_need", Node::code);
    let previous_setting = node.optional("previous_setting", Node::id);
    let narrative = Narrative {
        title: optional("title"),
        wishes_and_feelings: optional_long("wishes_and_feelings"),
        reason: optional_long("reason"),
        contact_plan: optional_long("contact_plan"),
    };
    Some(Referral {
        referral_id: referral_id?,
        authority: authority?,
        revision: revision?,
        urgency: urgency?,
        start_date: start_date?,
        placement_types: placement_types?,
        children: children?,
        completeness: completeness?,
        needs: needs.unwrap_or_default(),
        locations: locations.unwrap_or_default(),
        identity: identity.unwrap_or_default(),
        matching,
        avoid_children,
        siblings_elsewhere: siblings_elsewhere.unwrap_or_default(),
        exclusion_zones: exclusion_zones.unwrap_or_default(),
        excluded_authorities: excluded_authorities.unwrap_or_default(),
        legal_authority: legal_authority.unwrap_or_default(),
        legal_status,
        category_of_need,
        previous_setting,
        narrative,
    })
}

/// Reads a field that is required only when `required`.
fn when<'a, T>(
    required: bool,
    node: &Node<'a>,
    key: &str,
    read: impl FnOnce(&Node<'a>) -> Option<T>,
) -> Option<T> {
    if required {
        node.required(key, read)
    } else {
        node.optional(key, read)
    }
}

fn child(node: &Node<'_>, start_date: Option<NaiveDate>) -> Option<Child> {
    node.object()?;
    let child_id = node.required("child_id", Node::id);
    let date_of_birth = node.required("date_of_birth", |node| {
        let born = node.date()?;
        match start_date {
            Some(start) if born > start => {
                node.fault("out_of_range", "must not be after the start date")
            }
            Some(start) if age_on(born, start).is_none() => {
                node.fault("out_of_range", "is not a living person's")
            }
            _ => Some(born),
        }
    });
    let sex = node.required("sex", Node::code);
    let ethnicity = node.optional("ethnicity", Node::code);
    let key_stage_4 = node.optional("key_stage_4", Node::boolean);
    let uasc = node.optional("uasc", Node::boolean);
    Some(Child {
        child_id: child_id?,
        date_of_birth: date_of_birth?,
        sex: sex?,
        ethnicity,
        key_stage_4: key_stage_4.unwrap_or_default(),
        uasc: uasc.unwrap_or_default(),
    })
}

/// A level from 0 to 4.
pub(crate) fn level(node: &Node<'_>) -> Option<Level> {
    let level = node.whole(0, Level::MAX.get().into())?;
    Level::new(level)
}

fn needs(node: &Node<'_>) -> Option<Needs> {
    let entries: Vec<(Need, _)> = node.entries(|node| {
        node.object()?;
        let level = node.required("level", level);
        let essential = node.optional("essential", Node::boolean);
        Some((level?, essential.unwrap_or_default()))
    })?;
    Some(Needs {
        levels: entries
            .iter()
            .map(|(need, (level, _))| (*need, *level))
            .collect(),
        essential: entries
            .iter()
            .filter(|(_, (_, essential))| *essential)
            .map(|(need, _)| *need)
            .collect(),
    })
}

fn locations(node: &Node<'_>) -> Option<Locations> {
    node.object()?;
    Some(Locations {
        home: node.optional("home", Node::postcode),
        school: node.optional("school", Node::postcode),
        contact: node
            .optional("contact", |node| node.list(ANY, Node::postcode))
            .unwrap_or_default(),
    })
}

fn identity(node: &Node<'_>) -> Option<IdentityWanted> {
    node.object()?;
    node.only(&["ethnicities", "religion", "languages"]);
    Some(IdentityWanted {
        ethnicities: node
            .optional("ethnicities", |node| node.set(Node::code))
            .unwrap_or_default(),
        religion: node.optional("religion", Node::word),
        languages: node
            .optional("languages", |node| node.set(Node::word))
            .unwrap_or_default(),
    })
}

fn matching(node: &Node<'_>) -> Option<(MatchingConditions, BTreeSet<ChildId>)> {
    node.object()?;
    node.only(&MATCHING);
    let flag = |key| node.optional(key, Node::boolean).unwrap_or_default();
    let conditions = MatchingConditions {
        solo: flag("solo"),
        no_younger_children: flag("no_younger_children"),
        no_opposite_sex_children: flag("no_opposite_sex_children"),
        prefers_no_male_household: flag("prefers_no_male_household"),
        wheelchair_accessible: flag("wheelchair_accessible"),
        parent_and_child: flag("parent_and_child"),
    };
    let avoid_children = node.optional("avoid_children", |node| node.set(Node::id));
    Some((conditions, avoid_children.unwrap_or_default()))
}

fn exclusion_zone(node: &Node<'_>) -> Option<ExclusionZone> {
    node.object()?;
    let centre = node.required("centre", Node::postcode);
    let radius = node.required("radius_tenths_of_mile", |node| node.whole(1, 1000));
    Some(ExclusionZone {
        centre: centre?,
        radius: TenthsOfMile::new(radius?),
    })
}

fn legal_authority(node: &Node<'_>) -> Option<LegalAuthority> {
    node.object()?;
    node.only(&["secure_order", "secretary_of_state"]);
    let flag = |key| node.optional(key, Node::boolean).unwrap_or_default();
    Some(LegalAuthority {
        secure_order: flag("secure_order"),
        secretary_of_state: flag("secretary_of_state"),
    })
}

/// Writes a referral in the contract's shape: defaults left out, keys in a fixed order, so that
/// equal referrals give equal bytes and other ones other bytes.
#[must_use]
pub fn referral_to_json(referral: &Referral) -> Value {
    let full = referral.completeness == Completeness::Full;
    let mut object = Object::new();
    object
        .text("referral_id", &referral.referral_id)
        .text("authority", referral.authority)
        .put("revision", referral.revision)
        .text("urgency", referral.urgency)
        .text("start_date", referral.start_date)
        .texts("placement_types", &referral.placement_types)
        .list("children", &referral.children, child_to_json);
    if !full {
        object.text("completeness", referral.completeness);
    }
    let needs = needs_to_json(&referral.needs);
    let locations = locations_to_json(&referral.locations);
    if full {
        object.put("needs", needs).put("locations", locations);
    } else {
        object
            .non_empty("needs", needs)
            .non_empty("locations", locations);
    }
    object
        .non_empty("identity", identity_to_json(&referral.identity))
        .non_empty("matching", matching_to_json(referral))
        .non_empty_texts("siblings_elsewhere", &referral.siblings_elsewhere)
        .non_empty_list("exclusion_zones", &referral.exclusion_zones, |zone| {
            let mut object = Object::new();
            object
                .text("centre", zone.centre)
                .put("radius_tenths_of_mile", zone.radius.get());
            object.into()
        })
        .non_empty_texts("excluded_authorities", &referral.excluded_authorities);
    let mut legal_authority = Object::new();
    legal_authority
        .flag("secure_order", referral.legal_authority.secure_order)
        .flag(
            "secretary_of_state",
            referral.legal_authority.secretary_of_state,
        );
    object
        .non_empty("legal_authority", legal_authority)
        .maybe("legal_status", referral.legal_status)
        .maybe("category_of_need", referral.category_of_need)
        .maybe("previous_setting", referral.previous_setting.as_ref())
        .maybe("title", referral.narrative.title.as_ref())
        .maybe(
            "wishes_and_feelings",
            referral.narrative.wishes_and_feelings.as_ref(),
        )
        .maybe("reason", referral.narrative.reason.as_ref())
        .maybe("contact_plan", referral.narrative.contact_plan.as_ref());
    object.into()
}

fn child_to_json(child: &Child) -> Value {
    let mut object = Object::new();
    object
        .text("child_id", &child.child_id)
        .text("date_of_birth", child.date_of_birth)
        .text("sex", child.sex)
        .maybe("ethnicity", child.ethnicity)
        .flag("key_stage_4", child.key_stage_4)
        .flag("uasc", child.uasc);
    object.into()
}

fn needs_to_json(needs: &Needs) -> Object {
    let named: NeedSet = needs
        .levels
        .present()
        .map(|(need, _)| need)
        .chain(needs.essential.iter())
        .collect();
    let mut object = Object::new();
    for need in named.iter() {
        let mut entry = Object::new();
        entry
            .put("level", needs.levels.get(need).get())
            .flag("essential", needs.essential.contains(need));
        object.put(need.as_str(), entry);
    }
    object
}

/// A map from need to level, those of no level left out.
pub(crate) fn levels_to_json(levels: &Levels) -> Object {
    let mut object = Object::new();
    for (need, level) in levels.present() {
        object.put(need.as_str(), level.get());
    }
    object
}

fn locations_to_json(locations: &Locations) -> Object {
    let mut object = Object::new();
    object
        .maybe("home", locations.home)
        .maybe("school", locations.school)
        .non_empty_texts("contact", &locations.contact);
    object
}

fn identity_to_json(identity: &IdentityWanted) -> Object {
    let mut object = Object::new();
    object
        .non_empty_texts("ethnicities", &identity.ethnicities)
        .maybe("religion", identity.religion.as_ref())
        .non_empty_texts("languages", &identity.languages);
    object
}

fn matching_to_json(referral: &Referral) -> Object {
    let conditions = &referral.matching;
    let mut object = Object::new();
    object
        .flag("solo", conditions.solo)
        .flag("no_younger_children", conditions.no_younger_children)
        .flag(
            "no_opposite_sex_children",
            conditions.no_opposite_sex_children,
        )
        .flag(
            "prefers_no_male_household",
            conditions.prefers_no_male_household,
        )
        .flag("wheelchair_accessible", conditions.wheelchair_accessible)
        .flag("parent_and_child", conditions.parent_and_child)
        .non_empty_texts("avoid_children", &referral.avoid_children);
    object
}
