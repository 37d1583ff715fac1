//! A setting, and a change of its vacancies, on the wire.

use crate::{
    read::{self, ANY, Node},
    referral::{level, levels_to_json},
    write::{self, Object},
};
use oss_domain::{
    FieldError, Level, Pence, Setting, Sex, SexSet,
    identity::IdentityOffered,
    need::Levels,
    setting::{
        ApprovalStatus, Framework, Kind, Occupancy, Provider, Registration, Resident, Restriction,
        TermsOfApproval, VacancyChange,
    },
};
use serde_json::Value;

/// Reads a setting.
///
/// # Errors
/// Every fault of every field, with its pointer. Whether the postcode exists is not asked here.
pub fn setting_from_json(value: &Value) -> Result<Setting, Vec<FieldError>> {
    read::read(value, setting)
}

pub(crate) fn setting(node: &Node<'_>) -> Option<Setting> {
    node.object()?;
    let setting_id = node.required("setting_id", Node::id);
    let authority = node.required("authority", Node::authority);
    let version = node.required("version", |node| node.version(1));
    let provider = node.required("provider", provider);
    let kind = node.required("kind", Node::code);
    let sourcing = node.required("sourcing", Node::code);
    let framework = node.optional("framework", framework);
    let postcode = node.required("postcode", Node::postcode);
    let registration = node.required("registration", registration);
    let approval = node.required("approval", approval);
    let residents = node.required("residents", residents);
    let blocked_places = node.optional("blocked_places", small);
    let bedrooms_free = node.optional("bedrooms_free", small);
    let restrictions = node.optional("restrictions", restrictions);
    let occupancy_version = node.optional("occupancy_version", |node| node.version(0));
    let capabilities = node.required("capabilities", levels);
    let admission_criteria = node.optional("admission_criteria", admission_criteria);
    let wheelchair_accessible = node.optional("wheelchair_accessible", Node::boolean);
    let no_male_household = node.optional("no_male_household", Node::boolean);
    let identity = node.optional("identity", identity);
    let weekly_cost = node.required("weekly_cost_pence", pence);
    let connected = |node: &Node<'_>| node.set(Node::id);
    let connected_to_children = match kind {
        Some(Kind::ConnectedPerson) => node.required("connected_to_children", connected),
        _ => node.optional("connected_to_children", connected),
    };
    let capacity_confirmed_at = node.optional("capacity_confirmed_at", Node::instant);
    Some(Setting {
        setting_id: setting_id?,
        authority: authority?,
        version: version?,
        provider: provider?,
        kind: kind?,
        sourcing: sourcing?,
        framework,
        postcode: postcode?,
        registration: registration?,
        approval: approval?,
        occupancy: Occupancy {
            version: occupancy_version.unwrap_or_default(),
            residents: residents?,
            blocked_places: blocked_places.unwrap_or_default(),
            bedrooms_free,
            restrictions: restrictions.unwrap_or_default(),
        },
        capabilities: capabilities?,
        admission_criteria: admission_criteria.unwrap_or_default(),
        wheelchair_accessible: wheelchair_accessible.unwrap_or_default(),
        no_male_household: no_male_household.unwrap_or_default(),
        identity: identity.unwrap_or_default(),
        weekly_cost: weekly_cost?,
        connected_to_children: connected_to_children.unwrap_or_default(),
        capacity_confirmed_at,
    })
}

pub(crate) fn vacancy_change(node: &Node<'_>) -> Option<VacancyChange> {
    node.object()?;
    let setting_id = node.required("setting_id", Node::id);
    let authority = node.required("authority", Node::authority);
    let occupancy_version = node.required("occupancy_version", |node| node.version(0));
    let residents = node.optional("residents", residents);
    let blocked_places = node.optional("blocked_places", small);
    let bedrooms_free = node.optional("bedrooms_free", small);
    let restrictions = node.optional("restrictions", restrictions);
    let capacity_confirmed_at = node.optional("capacity_confirmed_at", Node::instant);
    Some(VacancyChange {
        setting_id: setting_id?,
        authority: authority?,
        occupancy_version: occupancy_version?,
        residents,
        blocked_places,
        bedrooms_free,
        restrictions,
        capacity_confirmed_at,
    })
}

fn small(node: &Node<'_>) -> Option<u16> {
    node.whole(0, u16::MAX.into())
}

fn age(node: &Node<'_>) -> Option<u8> {
    node.whole(0, u8::MAX.into())
}

pub(crate) fn pence(node: &Node<'_>) -> Option<Pence> {
    node.whole(0, u32::MAX.into()).map(Pence::new)
}

fn provider(node: &Node<'_>) -> Option<Provider> {
    node.object()?;
    let provider_id = node.required("provider_id", Node::id);
    let name = node.required("name", Node::text);
    Some(Provider {
        provider_id: provider_id?,
        name: name?,
    })
}

fn framework(node: &Node<'_>) -> Option<Framework> {
    node.object()?;
    let reference = node.required("reference", Node::text);
    let category = node.required("category", Node::text);
    let max_weekly = node.optional("max_weekly_pence", pence);
    Some(Framework {
        reference: reference?,
        category: category?,
        max_weekly,
    })
}

fn registration(node: &Node<'_>) -> Option<Registration> {
    node.object()?;
    let registered = node.required("registered", Node::boolean);
    let urn = node.optional("urn", Node::text);
    let quality = node.required("quality", Node::code);
    Some(Registration {
        registered: registered?,
        urn,
        quality: quality?,
    })
}

fn approval(node: &Node<'_>) -> Option<TermsOfApproval> {
    node.object()?;
    let places = node.required("places", small);
    let min_age = node.required("min_age", age);
    let max_age = node.required("max_age", age);
    let sexes = node.required("sexes", sexes);
    let parent_and_child = node.required("parent_and_child", Node::code);
    let review_due = node.optional("review_due", Node::date);
    let status = node.optional("status", Node::code);
    let (min_age, max_age) = (min_age?, max_age?);
    if min_age > max_age {
        return node.fault_of(
            "max_age",
            "out_of_range",
            "must not be below the youngest age",
        );
    }
    Some(TermsOfApproval {
        places: places?,
        min_age,
        max_age,
        sexes: sexes?,
        parent_and_child: parent_and_child?,
        review_due,
        status: status.unwrap_or(ApprovalStatus::Approved),
    })
}

fn sexes(node: &Node<'_>) -> Option<SexSet> {
    let read = |node: &Node<'_>| match node.code()? {
        Sex::Unknown => node.fault("unknown_code", "must be one of M, F"),
        sex => Some(sex),
    };
    let sexes = node.distinct((1, 2), None, read)?;
    match sexes.as_slice() {
        [Sex::Male] => Some(SexSet::Male),
        [Sex::Female] => Some(SexSet::Female),
        _ => Some(SexSet::Both),
    }
}

fn residents(node: &Node<'_>) -> Option<Vec<Resident>> {
    node.list(ANY, |node| {
        node.object()?;
        let child_id = node.required("child_id", Node::id);
        let sex = node.required("sex", Node::code);
        let age = node.required("age", age);
        Some(Resident {
            child_id: child_id?,
            sex: sex?,
            age: age?,
        })
    })
}

fn restrictions(node: &Node<'_>) -> Option<Vec<Restriction>> {
    node.list(ANY, |node| {
        node.object()?;
        let reason = node.required("reason", Node::code);
        let until = node.optional("until", Node::date);
        Some(Restriction {
            reason: reason?,
            until,
        })
    })
}

fn levels(node: &Node<'_>) -> Option<Levels> {
    Some(node.entries(level)?.into_iter().collect())
}

/// A criterion of level 0 is met by every child, and one that is met is enough: then there are in
/// effect no criteria.
fn admission_criteria(node: &Node<'_>) -> Option<Levels> {
    let criteria = node.entries(level)?;
    if criteria.iter().any(|(_, level)| *level == Level::NONE) {
        return Some(Levels::default());
    }
    Some(criteria.into_iter().collect())
}

fn identity(node: &Node<'_>) -> Option<IdentityOffered> {
    node.object()?;
    node.only(&["ethnicities", "religions", "languages"]);
    let ethnicities = node.optional("ethnicities", |node| node.set(Node::code));
    let religions = node.optional("religions", |node| node.set(Node::word));
    let languages = node.optional("languages", |node| node.set(Node::word));
    let default = IdentityOffered::default();
    Some(IdentityOffered {
        ethnicities: ethnicities.unwrap_or_default(),
        religions: religions.unwrap_or_default(),
        languages: languages.unwrap_or(default.languages),
    })
}

/// Writes a setting in the contract's shape: defaults left out, keys in a fixed order, so that
/// equal settings give equal bytes and other ones other bytes.
#[must_use]
pub fn setting_to_json(setting: &Setting) -> Value {
    let mut provider = Object::new();
    provider
        .text("provider_id", &setting.provider.provider_id)
        .text("name", &setting.provider.name);
    let mut registration = Object::new();
    registration
        .put("registered", setting.registration.registered)
        .maybe("urn", setting.registration.urn.as_ref())
        .text("quality", setting.registration.quality);
    let occupancy = &setting.occupancy;
    let mut object = Object::new();
    object
        .text("setting_id", &setting.setting_id)
        .text("authority", setting.authority)
        .put("version", setting.version)
        .put("provider", provider)
        .text("kind", setting.kind)
        .text("sourcing", setting.sourcing);
    if let Some(framework) = &setting.framework {
        object.put("framework", framework_to_json(framework));
    }
    object
        .text("postcode", setting.postcode)
        .put("registration", registration)
        .put("approval", approval_to_json(&setting.approval))
        .list("residents", &occupancy.residents, resident_to_json);
    if occupancy.blocked_places > 0 {
        object.put("blocked_places", occupancy.blocked_places);
    }
    if let Some(bedrooms_free) = occupancy.bedrooms_free {
        object.put("bedrooms_free", bedrooms_free);
    }
    object
        .put("capabilities", levels_to_json(&setting.capabilities))
        .non_empty(
            "admission_criteria",
            levels_to_json(&setting.admission_criteria),
        )
        .flag("wheelchair_accessible", setting.wheelchair_accessible)
        .flag("no_male_household", setting.no_male_household)
        .non_empty("identity", identity_to_json(&setting.identity))
        .put("weekly_cost_pence", setting.weekly_cost.get())
        .non_empty_list(
            "restrictions",
            occupancy.restrictions.iter().copied(),
            restriction_to_json,
        );
    if setting.kind == Kind::ConnectedPerson {
        object.texts("connected_to_children", &setting.connected_to_children);
    } else {
        object.non_empty_texts("connected_to_children", &setting.connected_to_children);
    }
    if occupancy.version > 0 {
        object.put("occupancy_version", occupancy.version);
    }
    object.maybe(
        "capacity_confirmed_at",
        setting.capacity_confirmed_at.map(write::instant),
    );
    object.into()
}

fn framework_to_json(framework: &Framework) -> Object {
    let mut object = Object::new();
    object
        .text("reference", &framework.reference)
        .text("category", &framework.category);
    if let Some(max_weekly) = framework.max_weekly {
        object.put("max_weekly_pence", max_weekly.get());
    }
    object
}

fn approval_to_json(approval: &TermsOfApproval) -> Object {
    let sexes: &[Sex] = match approval.sexes {
        SexSet::Male => &[Sex::Male],
        SexSet::Female => &[Sex::Female],
        SexSet::Both => &[Sex::Male, Sex::Female],
    };
    let mut object = Object::new();
    object
        .put("places", approval.places)
        .put("min_age", approval.min_age)
        .put("max_age", approval.max_age)
        .texts("sexes", sexes)
        .text("parent_and_child", approval.parent_and_child)
        .maybe("review_due", approval.review_due);
    if approval.status != ApprovalStatus::Approved {
        object.text("status", approval.status);
    }
    object
}

fn resident_to_json(resident: &Resident) -> Value {
    let mut object = Object::new();
    object
        .text("child_id", &resident.child_id)
        .text("sex", resident.sex)
        .put("age", resident.age);
    object.into()
}

fn restriction_to_json(restriction: Restriction) -> Value {
    let mut object = Object::new();
    object
        .text("reason", restriction.reason)
        .maybe("until", restriction.until);
    object.into()
}

fn identity_to_json(identity: &IdentityOffered) -> Object {
    let mut object = Object::new();
    object
        .non_empty_texts("ethnicities", &identity.ethnicities)
        .non_empty_texts("religions", &identity.religions);
    if identity.languages != IdentityOffered::default().languages {
        object.texts("languages", &identity.languages);
    }
    object
}
