//! The cases: families and younger children, older children, those the law protects most, and
//! those whom someone in the register knows already.

use super::draft::{Desk, needs};
use crate::made;
use oss_domain::{
    Need::{
        Autism, Behaviour, Education, Emotional, HarmfulSexualBehaviour, Independence,
        LearningDisability, Medical, Offending, Physical, Relationships, Risk, SelfHarm,
        Substances,
    },
    Referral, Setting,
    Sex::{Female, Male, Unknown},
    TenthsOfMile,
    need::Needs,
    referral::{
        Completeness, ExclusionZone, Locations,
        Urgency::{Emergency, Planned, Urgent},
    },
    setting::Kind::{
        self, ChildrensHome, ConnectedPerson, FosteringHousehold, ResidentialFamilyCentre,
        SecureChildrensHome, SupportedAccommodation,
    },
    ssda903::{
        CategoryOfNeed,
        Ethnicity::{Aind, Bafr, Mwbc},
        LegalStatus,
    },
};

/// Babies, young children, siblings, parents with a child.
pub(super) fn families(desk: &mut Desk) -> Vec<Referral> {
    let mut tonight = desk.referral(Emergency, "Girl of 7, tonight", &[FosteringHousehold]);
    desk.add(&mut tonight, 7, Female);
    tonight.completeness = Completeness::EmergencyMinimum;
    tonight.locations = Locations::default();
    tonight.legal_status = Some(LegalStatus::L1);
    tonight.category_of_need = None;

    let mut baby = desk.referral(Planned, "Baby, from hospital", &[FosteringHousehold]);
    desk.add(&mut baby, 0, Unknown);
    baby.needs = needs(&[(Medical, 2, true), (Relationships, 1, false)]);
    baby.locations.school = None;
    baby.matching.prefers_no_male_household = true;

    let mut brothers = desk.referral(
        Planned,
        "Two brothers, near their school",
        &[FosteringHousehold],
    );
    desk.add(&mut brothers, 5, Male);
    desk.add(&mut brothers, 8, Male);
    brothers.needs = needs(&[(Emotional, 2, false), (Education, 2, false)]);
    brothers.narrative.wishes_and_feelings =
        Some("Both want to stay together and to keep going to football on Saturdays.".to_owned());

    let mut three = desk.referral(Urgent, "Three siblings together", &[FosteringHousehold]);
    for (age, sex) in [(3, Female), (6, Male), (9, Female)] {
        desk.add(&mut three, age, sex);
    }
    three.needs = needs(&[(Emotional, 2, false), (Relationships, 2, false)]);

    let kinds = [FosteringHousehold, ResidentialFamilyCentre];
    let mut assessment = desk.referral(Urgent, "Baby with her mother, who is an adult", &kinds);
    desk.add(&mut assessment, 0, Female);
    assessment.matching.parent_and_child = true;
    assessment.locations.school = None;
    assessment.needs = needs(&[(Relationships, 3, false), (Medical, 1, false)]);

    let mut young_mother = desk.referral(Planned, "Mother of 16 and her son", &kinds);
    desk.add(&mut young_mother, 16, Female);
    desk.add(&mut young_mother, 0, Male);
    young_mother.matching.parent_and_child = true;
    young_mother.needs = needs(&[(Relationships, 2, false), (Independence, 2, true)]);

    let mut faith = desk.referral(
        Planned,
        "Girl of 9, Sikh, Punjabi at home",
        &[FosteringHousehold],
    );
    desk.add(&mut faith, 9, Female);
    for child in &mut faith.children {
        child.ethnicity = Some(Aind);
    }
    faith.identity.ethnicities.insert(Aind);
    faith.identity.religion = Some(made("sikh"));
    faith.identity.languages.extend([made("pa"), made("en")]);
    faith.needs = needs(&[(Emotional, 1, false)]);

    vec![
        tonight,
        baby,
        brothers,
        three,
        assessment,
        young_mother,
        faith,
    ]
}

/// Eleven and over, towards independence.
pub(super) fn older(desk: &mut Desk) -> Vec<Referral> {
    let both = [FosteringHousehold, ChildrensHome];
    let mut twelve = desk.referral(Urgent, "Boy of 12, placement has broken down", &both);
    desk.add(&mut twelve, 12, Male);
    twelve.needs = needs(&[
        (Behaviour, 3, false),
        (Emotional, 2, false),
        (Education, 2, false),
    ]);
    twelve.category_of_need = Some(CategoryOfNeed::N5);

    let mut exams = desk.referral(Planned, "Girl of 15 in her GCSE year", &both);
    desk.add(&mut exams, 15, Female);
    exams.needs = needs(&[(Emotional, 2, false), (Education, 3, true)]);
    exams.narrative.wishes_and_feelings =
        Some("Does not want to change school before the exams.".to_owned());

    let mut no_younger = desk.referral(Planned, "Boy of 15, no younger children", &both);
    desk.add(&mut no_younger, 15, Male);
    no_younger.matching.no_younger_children = true;
    no_younger.matching.no_opposite_sex_children = true;
    no_younger.needs = needs(&[(Behaviour, 2, false), (HarmfulSexualBehaviour, 1, false)]);

    let kinds = [FosteringHousehold, SupportedAccommodation];
    let mut unaccompanied = desk.referral(Emergency, "Unaccompanied boy of 16", &kinds);
    desk.add(&mut unaccompanied, 16, Male);
    for child in &mut unaccompanied.children {
        child.uasc = true;
        child.ethnicity = Some(Bafr);
    }
    unaccompanied.locations = Locations::default();
    unaccompanied.identity.religion = Some(made("muslim"));
    unaccompanied.identity.languages.insert(made("ar"));
    unaccompanied.needs = needs(&[(Emotional, 2, false), (Independence, 2, false)]);
    unaccompanied.legal_status = Some(LegalStatus::V2);
    unaccompanied.category_of_need = Some(CategoryOfNeed::N8);

    let alone = [SupportedAccommodation];
    let mut seventeen = desk.referral(Planned, "Young woman of 17, first step alone", &alone);
    desk.add(&mut seventeen, 17, Female);
    seventeen.needs = needs(&[(Independence, 3, false), (Education, 1, false)]);

    let mut leaving_home = desk.referral(
        Planned,
        "Boy of 16, from a home to supported accommodation",
        &[SupportedAccommodation, ChildrensHome],
    );
    desk.add(&mut leaving_home, 16, Male);
    leaving_home.needs = needs(&[(Offending, 2, false), (Substances, 2, false)]);

    vec![
        twelve,
        exams,
        no_younger,
        unaccompanied,
        seventeen,
        leaving_home,
    ]
}

/// Where the law, a court or safety narrows the choice.
pub(super) fn protected(desk: &mut Desk) -> Vec<Referral> {
    let home = [ChildrensHome];
    let mut solo = desk.referral(Urgent, "Boy of 14 who must live alone", &home);
    desk.add(&mut solo, 14, Male);
    solo.matching.solo = true;
    solo.needs = needs(&[
        (Behaviour, 4, false),
        (HarmfulSexualBehaviour, 3, true),
        (SelfHarm, 2, false),
    ]);

    let mut exploited = desk.referral(Urgent, "Girl of 13, away from those who exploit her", &home);
    desk.add(&mut exploited, 13, Female);
    exploited.needs = needs(&[(Risk, 3, true), (Emotional, 3, false)]);
    let centre = desk.places.local(&mut desk.chance);
    exploited.exclusion_zones.push(ExclusionZone {
        centre,
        radius: TenthsOfMile::new(80),
    });
    exploited.excluded_authorities.insert(made("E06000018"));
    exploited.locations.school = None;

    let mut disabled = desk.referral(Planned, "Girl of 10, uses a wheelchair", &both_families());
    desk.add(&mut disabled, 10, Female);
    disabled.matching.wheelchair_accessible = true;
    disabled.needs = disability();
    disabled.category_of_need = Some(CategoryOfNeed::N2);

    let mut secure = desk.referral(Emergency, "Boy of 15, secure order", &[SecureChildrensHome]);
    desk.add(&mut secure, 15, Male);
    secure.legal_authority.secure_order = true;
    secure.needs = needs(&[(Risk, 4, true), (Offending, 3, false)]);

    // Nothing may lawfully be offered: an order is missing, and at 12 the Secretary of State too.
    let mut unlawful = desk.referral(
        Emergency,
        "Girl of 12, secure without an order",
        &[SecureChildrensHome],
    );
    desk.add(&mut unlawful, 12, Female);
    unlawful.needs = needs(&[(SelfHarm, 4, true), (Risk, 3, false)]);

    vec![solo, exploited, disabled, secure, unlawful]
}

/// Whom someone in the register knows: a sibling, a former carer, an aunt, a child to stay away
/// from.
pub(super) fn known_to_carers(desk: &mut Desk, register: &[Setting]) -> Vec<Referral> {
    let family = [ConnectedPerson, FosteringHousehold];
    let mut aunt = desk.referral(Planned, "Boy of 6, his aunt has come forward", &family);
    desk.add(&mut aunt, 6, Male);
    // Her register entry names the child: this referral takes that child's pseudonym.
    let known = with_room(register, ConnectedPerson).and_then(|setting| {
        let mut children = setting.connected_to_children.iter();
        children.next_back().cloned()
    });
    for (child, known) in aunt.children.iter_mut().zip(known) {
        child.child_id = known;
        child.ethnicity = Some(Mwbc);
    }
    aunt.needs = needs(&[(Emotional, 1, false)]);

    let mut sister = desk.referral(Planned, "Girl of 8, to live with her brother", &family);
    desk.add(&mut sister, 8, Female);
    sister.siblings_elsewhere.extend(
        register
            .iter()
            .filter(|setting| setting.kind == FosteringHousehold && free(setting) > 0)
            .find_map(|setting| setting.occupancy.residents.first())
            .map(|resident| resident.child_id.clone()),
    );
    sister.needs = needs(&[(Relationships, 2, false)]);

    let mut back = desk.referral(
        Urgent,
        "Boy of 11, back to his former carer",
        &both_families(),
    );
    desk.add(&mut back, 11, Male);
    back.previous_setting =
        with_room(register, FosteringHousehold).map(|setting| setting.setting_id.clone());
    back.needs = needs(&[(Behaviour, 2, false), (Relationships, 2, false)]);

    let mut apart = desk.referral(
        Planned,
        "Girl of 14, not with a child she knows",
        &[ChildrensHome],
    );
    desk.add(&mut apart, 14, Female);
    apart.avoid_children.extend(
        register
            .iter()
            .filter(|setting| setting.kind == ChildrensHome && free(setting) > 0)
            .find_map(|setting| setting.occupancy.residents.first())
            .map(|resident| resident.child_id.clone()),
    );
    apart.needs = needs(&[(Emotional, 3, false), (SelfHarm, 2, false)]);

    vec![aunt, sister, back, apart]
}

const fn both_families() -> [Kind; 2] {
    [FosteringHousehold, ChildrensHome]
}

fn disability() -> Needs {
    needs(&[
        (LearningDisability, 3, true),
        (Autism, 2, false),
        (Physical, 2, true),
    ])
}

/// The first setting of `kind` with a free place that takes children now.
fn with_room(register: &[Setting], kind: Kind) -> Option<&Setting> {
    register.iter().find(|setting| {
        setting.kind == kind && free(setting) > 0 && setting.occupancy.restrictions.is_empty()
    })
}

fn free(setting: &Setting) -> usize {
    usize::from(setting.approval.places)
        .saturating_sub(setting.occupancy.residents.len())
        .saturating_sub(setting.occupancy.blocked_places.into())
}
