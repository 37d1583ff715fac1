//! What is not known, of the child or of homes, and how many homes that matters to.

use super::words::many;
use oss_domain::{
    Approval, Exclusion, Referral, Sex, Warning, identity::IdentityWanted, reason::Detail,
    referral::Completeness,
};
use oss_matching::{
    Evaluation,
    evaluation::{ExcludedSetting, Offer},
    sets::ReasonSet,
};

/// Something that is not known.
#[derive(Debug)]
pub(crate) struct Missing {
    pub(crate) what: &'static str,
    /// What that costs.
    pub(crate) costs: String,
    /// The task that asks for it, where it is the child's.
    pub(crate) task: Option<&'static str>,
}

/// What the current run tells of how many homes something matters to.
struct Homes<'a>(Option<&'a Evaluation>);

impl Homes<'_> {
    fn ranked(&self, is: impl Fn(&Offer) -> bool) -> i64 {
        let ranked = self.0.iter().flat_map(|it| &it.ranked);
        number(ranked.filter(|offer| is(offer)).count())
    }

    /// How many are out for nothing but `reasons`.
    fn out_only_for(&self, reasons: ReasonSet) -> i64 {
        let excluded = self.0.iter().flat_map(|it| &it.excluded);
        let only = |it: &&ExcludedSetting| it.reasons.is_subset(reasons);
        number(excluded.filter(only).count())
    }

    /// All that are ranked, in words.
    fn all(&self) -> String {
        match self.0 {
            Some(found) => many(number(found.ranked.len()), "home"),
            None => "homes".to_owned(),
        }
    }
}

fn number(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// `1 home is`, `2 homes are`.
fn are(count: i64) -> String {
    format!(
        "{} {}",
        many(count, "home"),
        if count == 1 { "is" } else { "are" }
    )
}

/// What is not known, the dearest first; counted over the current run where there is one.
pub(crate) fn missing(referral: &Referral, run: Option<&Evaluation>) -> Vec<Missing> {
    let homes = Homes(run);
    let mut missing = of_the_child(referral, &homes);
    missing.extend(that_excludes(referral, &homes));
    missing.extend(of_the_homes(&homes));
    missing
}

fn of_the_child(referral: &Referral, homes: &Homes<'_>) -> Vec<Missing> {
    let all = homes.all();
    let mut missing = Vec::new();
    let mut add = |is_missing: bool, what, task: &'static str, costs: String| {
        if is_missing {
            let task = Some(task).filter(|task| !task.is_empty());
            missing.push(Missing { what, costs, task });
        }
    };
    let minimum = referral.completeness == Completeness::EmergencyMinimum;
    let due = "Only what an emergency needs is filled in. The rest is due within one working day.";
    add(minimum, "The rest of the referral", "", due.to_owned());
    let needs = format!("No home can be judged by how well it meets needs: all {all} count alike.");
    add(referral.needs.levels.is_empty(), "Needs", "needs", needs);

    let at = &referral.locations;
    let outside = homes.ranked(|offer| offer.located_in != referral.authority);
    let from_centre = "Distances run from the council’s centre. Knowing it would";
    let home = if outside == 0 {
        format!("{from_centre} place {all} rightly.")
    } else {
        let is = if outside == 1 { "is" } else { "are" };
        let outside = many(outside, "home");
        format!("{from_centre} tell whether {outside} outside the area {is} near.")
    };
    add(at.home.is_none(), "Home postcode", "places", home);
    let exams = referral.children.iter().any(|child| child.key_stage_4);
    let exams = if exams {
        ", and which need an approval because of key stage 4"
    } else {
        ""
    };
    let school = format!("Knowing it would let us judge the way to school from {all}{exams}.");
    add(at.school.is_none(), "School postcode", "places", school);

    let wishes = "The law asks for them before any decision (Children Act 1989, section 22).";
    let unsaid = referral.narrative.wishes_and_feelings.is_none();
    add(unsaid, "Wishes and feelings", "wishes", wishes.to_owned());
    let identity = format!("Knowing them would tell which of {all} reflect them.");
    let unasked = referral.identity == IdentityWanted::default();
    add(
        unasked,
        "Religion, language and background",
        "identity",
        identity,
    );
    let status = "Without it the yearly return on children looked after cannot be filled in.";
    let unstated = referral.legal_status.is_none();
    add(unstated, "Legal status", "law", status.to_owned());
    missing
}

/// What more of the child could bring in homes, or spare an approval.
fn that_excludes(referral: &Referral, homes: &Homes<'_>) -> Vec<Missing> {
    let mut missing = Vec::new();
    let mut add = |is_missing: bool, count: i64, what, task, costs: String| {
        if is_missing && count > 0 {
            let task = Some(task);
            missing.push(Missing { what, costs, task });
        }
    };
    let limit = homes.out_only_for(ReasonSet::all_of(Exclusion::H06));
    let siblings = format!(
        "{} out only for the usual limit of three, in which siblings who live there do not count.",
        are(limit)
    );
    let unnamed = referral.siblings_elsewhere.is_empty();
    add(
        unnamed,
        limit,
        "Siblings who live in a home already",
        "people",
        siblings,
    );
    let secure = homes.out_only_for(ReasonSet::all_of(Exclusion::H12));
    let order = format!("{} out only because no order is recorded.", are(secure));
    add(true, secure, "Secure accommodation order", "law", order);
    let either = homes.ranked(|offer| offer.approvals.contains(Approval::A16));
    let sex = format!(
        "Knowing it would spare an approval for {}.",
        many(either, "home")
    );
    let unknown = referral
        .children
        .iter()
        .any(|child| child.sex == Sex::Unknown);
    add(unknown, either, "Recorded sex", "children", sex);
    missing
}

/// What the register does not know.
fn of_the_homes(homes: &Homes<'_>) -> Vec<Missing> {
    let bedrooms = ReasonSet::of(Exclusion::H07, Some(Detail::Unknown));
    let bedrooms = homes.out_only_for(bedrooms);
    let old = homes.ranked(|offer| offer.warnings.contains(Warning::W13));
    let council = homes.ranked(|offer| offer.approvals.contains(Approval::A17));
    let confirmed = many(old, "home");
    let all = [
        (
            bedrooms,
            "Bedrooms",
            format!(
                "{} out only because the register does not say how many bedrooms are free.",
                are(bedrooms)
            ),
        ),
        (
            old,
            "Vacancies",
            format!(
                "{confirmed} said more than a day ago what is free: ask before you rely on it."
            ),
        ),
        (
            council,
            "The council of the area",
            format!(
                "{} placed only by the postcode’s sector: confirm whose area it is.",
                are(council)
            ),
        ),
    ];
    let missing = all.into_iter().filter(|(count, ..)| *count > 0);
    missing
        .map(|(_, what, costs)| Missing {
            what,
            costs,
            task: None,
        })
        .collect()
}
