//! What we publish: the contract's shape, and nothing that identifies a child.

use super::published::validator;
use crate::{
    Message, render,
    run::MatchRun,
    schema::{self, Direction},
};
use chrono::{DateTime, NaiveDate, Utc};
use oss_domain::{
    Act, Approval, AuthorityCode, EventId, Exclusion, FieldError, HoldId, Level, Need, Needs,
    OfferId, Pence, PlacementId, ProviderId, Reason, ReferralId, RunId, SettingId, Sex,
    TenthsOfMile, Warning,
    lifecycle::Answer,
    need::NeedSet,
    reason::Detail,
    referral::Urgency,
    setting::{Kind, Sourcing},
};
use oss_geography::Precision;
use oss_matching::{Band, Distances, Evaluation, ExcludedSetting, Gap, NearMiss, Offer, Values};
use oss_workflow::{
    SupplyVersion,
    event::{Event, Outgoing, PlacementStage, Profile},
    ranking::{Proposal, RankedOffer, RunFacts},
};
use serde_json::{Value, json};
use std::{collections::BTreeMap, sync::Arc};

fn derby() -> AuthorityCode {
    "E06000015".parse().unwrap()
}

fn referral_id() -> ReferralId {
    "R16".parse().unwrap()
}

fn setting_id() -> SettingId {
    "F02".parse().unwrap()
}

fn provider_id() -> ProviderId {
    "IFA-3".parse().unwrap()
}

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

fn uuid(n: u128) -> uuid::Uuid {
    uuid::Uuid::from_u128(0x018b_cfe5_6800_715b_9d39_b5bf_90ae_8800 + n)
}

fn offer_id() -> OfferId {
    OfferId::from_uuid(uuid(1))
}

/// The offer that the contract shows, from R16.
fn offer() -> Offer {
    Offer {
        setting_id: setting_id(),
        provider_id: "DERBY".parse().unwrap(),
        kind: Kind::FosteringHousehold,
        sourcing: Sourcing::InHouse,
        band: Band::A,
        score: 9396,
        near: true,
        located_in: derby(),
        precision: Precision::Unit,
        distances: Distances {
            home: TenthsOfMile::new(21),
            derby: TenthsOfMile::new(28),
            school: Some(TenthsOfMile::new(21)),
        },
        weekly_cost: Pence::new(52_000),
        approvals: [].into_iter().collect(),
        warnings: [].into_iter().collect(),
        gaps: vec![Gap {
            need: Need::Emotional,
            level: Level::new(3).unwrap(),
            has: Level::new(2).unwrap(),
        }],
        values: Values {
            fit: 857_142,
            home: 997_368,
            derby: 1_000_000,
            in_area: 1_000_000,
            education: 1_000_000,
            identity: 1_000_000,
            quality: 800_000,
            cost: 1_000_000,
        },
    }
}

fn facts() -> RunFacts {
    RunFacts {
        run_id: RunId::from_uuid(uuid(2)),
        authority: derby(),
        referral_id: referral_id(),
        revision: 1,
        supply: SupplyVersion(7),
        policy_id: "derby-2026-11".into(),
        policy_sha256: [0xab; 32],
        engine: "1.0.0".into(),
        gazetteer: "2026-08".into(),
        evaluated_at: at("2026-11-23T09:30:00.5Z"),
    }
}

fn reason(code: Exclusion, detail: Option<Detail>) -> Reason {
    Reason { code, detail }
}

fn evaluation() -> Evaluation {
    let mut second = offer();
    second.setting_id = "I01".parse().unwrap();
    second.distances.school = None;
    second.approvals = [Approval::A01, Approval::A03].into_iter().collect();
    second.warnings = [Warning::W13].into_iter().collect();
    Evaluation {
        evaluated: 34,
        ranked: vec![offer(), second],
        excluded: vec![
            ExcludedSetting {
                setting_id: "F07".parse().unwrap(),
                reasons: [
                    reason(Exclusion::H06, None),
                    reason(Exclusion::H05, Some(Detail::Held)),
                ]
                .into_iter()
                .collect(),
                requires: [Act::C2].into_iter().collect(),
            },
            ExcludedSetting {
                setting_id: "P4".parse().unwrap(),
                reasons: [reason(Exclusion::H14, None)].into_iter().collect(),
                requires: [].into_iter().collect(),
            },
        ],
        near_misses: near_misses(),
        exclusion_counts: counts(),
    }
}

fn near_misses() -> Vec<NearMiss> {
    let near_miss = |id: &str, code, detail| NearMiss {
        setting_id: id.parse().unwrap(),
        reason: reason(code, detail),
    };
    vec![
        near_miss("C1", Exclusion::H05, None),
        near_miss("P2", Exclusion::H09, Some(Detail::Emo)),
    ]
}

fn counts() -> BTreeMap<Exclusion, u32> {
    BTreeMap::from([(Exclusion::H03, 6), (Exclusion::H14, 20)])
}

fn proposal(filled: bool) -> Proposal {
    let evaluation = evaluation();
    let offers = evaluation.ranked.iter().take(usize::from(filled));
    Proposal {
        facts: facts(),
        evaluated: 34,
        offers: offers
            .map(|offer| RankedOffer {
                offer_id: offer_id(),
                rank: 1,
                offer: offer.clone(),
            })
            .collect(),
        more: false,
        conditional: evaluation.conditional().cloned().collect(),
        exclusion_counts: counts(),
        near_misses: near_misses(),
    }
}

fn profile() -> Profile {
    Profile {
        children: vec![(11, Sex::Female), (15, Sex::Male)],
        urgency: Urgency::Planned,
        start_date: day("2026-12-07"),
        needs: Needs {
            levels: [(Need::Emotional, Level::MAX)].into_iter().collect(),
            essential: [Need::Emotional].into_iter().collect::<NeedSet>(),
        },
        religion: "christian".parse().ok(),
        languages: vec!["en".parse().unwrap()],
        wheelchair_accessible: false,
        parent_and_child: false,
        solo: false,
    }
}

/// One event of every kind.
fn every_event() -> Vec<Event> {
    let authority = derby();
    let referral_id = referral_id();
    let setting_id = setting_id();
    let provider_id = provider_id();
    let offer_id = offer_id();
    let hold_id = HoldId::from_uuid(uuid(3));
    let placement_id = PlacementId::from_uuid(uuid(4));
    let placement = |stage, ended_on| Event::Placement {
        stage,
        authority,
        placement_id,
        referral_id: referral_id.clone(),
        setting_id: setting_id.clone(),
        decided_by: "usr-7".into(),
        starts_on: day("2026-12-07"),
        ended_on,
    };
    vec![
        Event::ReferralReceived {
            authority,
            referral_id: referral_id.clone(),
            revision: 1,
            received_at: at("2026-11-23T09:30:00Z"),
        },
        Event::ReferralRejected {
            authority: Some(authority),
            referral_id: Some(referral_id.clone()),
            event_id: Some("5c1c2b6e".into()),
            source: Some("/derby/case-system".into()),
            code: "invalid_data",
            reason: "/children/0/sex must be one of M, F, U".into(),
            errors: vec![FieldError::new(
                "/children/0/sex",
                "unknown_code",
                "must be one of M, F, U",
            )],
        },
        Event::Proposed(proposal(true).into()),
        Event::Proposed(proposal(false).into()),
        Event::ReferralClosed {
            authority,
            referral_id: referral_id.clone(),
            placement_id: Some(placement_id),
        },
        Event::OfferApproached {
            authority,
            offer_id,
            provider_id: provider_id.clone(),
            setting_id: setting_id.clone(),
            reference: "Q7K-2M".into(),
            profile: Arc::new(profile()),
            respond_by: at("2026-11-24T09:30:00Z"),
        },
        Event::OfferRecorded {
            authority,
            offer_id,
            provider_id: provider_id.clone(),
            answer: Answer::Accepted,
        },
        Event::OfferExpired {
            authority,
            offer_id,
            provider_id: provider_id.clone(),
        },
        Event::OfferWithdrawn {
            authority,
            offer_id,
            provider_id,
            reason: "referral_withdrawn",
        },
        Event::PlaceHeld {
            authority,
            hold_id,
            offer_id,
            referral_id: referral_id.clone(),
            setting_id: setting_id.clone(),
            until: at("2026-11-25T09:30:00Z"),
        },
        Event::PlaceReleased {
            authority,
            hold_id,
            offer_id,
            referral_id: referral_id.clone(),
            setting_id: setting_id.clone(),
            reason: "expired",
        },
        placement(PlacementStage::Agreed, None),
        placement(PlacementStage::Started, None),
        placement(PlacementStage::Closed, Some(day("2027-06-30"))),
        Event::DeadLettered {
            authority: None,
            event_id: None,
            source: None,
            event_type: None,
            subject: "oss.in.v1.derby.referral.submitted".into(),
            reason: "the payload is not JSON".into(),
            attempts: 1,
        },
    ]
}

fn message(event: Event) -> (Message, Value) {
    let outgoing = Outgoing {
        event_id: EventId::from_uuid(uuid(9)),
        time: at("2026-11-23T09:30:01.25Z"),
        event,
        traceparent: Some("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01".into()),
    };
    let message = render(&outgoing).unwrap();
    let payload = serde_json::from_str(&message.payload).unwrap();
    (message, payload)
}

/// What we publish, by the name of its example.
pub(super) fn examples() -> BTreeMap<String, Value> {
    let events = every_event().into_iter();
    events
        .map(|event| {
            let (_, payload) = message(event);
            (super::noun_verb(&payload).to_owned(), payload)
        })
        .collect()
}

#[test]
fn every_outbound_event_is_valid_and_every_kind_is_rendered() {
    let examples = examples();
    let mut n_kinds = 0;
    for event in schema::events() {
        if event.direction == Direction::In {
            continue;
        }
        n_kinds += 1;
        let example = &examples[event.name];
        let errors: Vec<_> = validator(&event.schema)
            .iter_errors(&example["data"])
            .map(|error| error.to_string())
            .collect();
        assert!(errors.is_empty(), "{}: {errors:?}", event.name);
    }
    assert_eq!(n_kinds, examples.len());
}

#[test]
fn envelope_and_subject_follow_the_contract() {
    for event in every_event() {
        let (message, payload) = message(event);
        assert_eq!(payload["specversion"], "1.0");
        assert_eq!(payload["source"], "/oss");
        assert_eq!(payload["id"], json!(message.id));
        assert!(uuid::Uuid::parse_str(&message.id).is_ok());
        assert_eq!(payload["time"], "2026-11-23T09:30:01.250Z");
        assert_eq!(payload["traceparent"], json!(message.traceparent));
        let noun_verb = super::noun_verb(&payload);
        let authority = payload["data"]["authority"].as_str().unwrap_or("unknown");
        let expected = match payload["data"]["provider_id"].as_str() {
            Some(provider) => format!("oss.evt.v1.{authority}.provider.{provider}.{noun_verb}"),
            None => format!("oss.evt.v1.{authority}.{noun_verb}"),
        };
        assert_eq!(message.subject, expected);
    }
}

#[test]
fn offers_proposed_is_as_the_contract_shows_it() {
    let (message, payload) = message(Event::Proposed(proposal(true).into()));
    assert_eq!(message.subject, "oss.evt.v1.E06000015.offers.proposed");
    assert_eq!(payload["subject"], "R16");
    let offer = r#"{"offer_id":"off_018bcfe56800715b9d39b5bf90ae8801","rank":1,"setting_id":"F02","provider_id":"DERBY","kind":"fostering_household","sourcing":"in_house","band":"A","fit_ppm":857142,"score_hundredths":9396,"near":true,"located_in":"E06000015","precision":"unit","tenths_of_mile":{"home":21,"derby":28,"school":21},"weekly_cost_pence":52000,"approvals":[],"warnings":[],"gaps":[{"need":"EMO","level":3,"has":2}],"values_ppm":{"fit":857142,"home":997368,"derby":1000000,"in_area":1000000,"education":1000000,"identity":1000000,"quality":800000,"cost":1000000}}"#;
    let sha256 = "ab".repeat(32);
    let expected = format!(
        r#"{{"referral_id":"R16","authority":"E06000015","revision":1,"run_id":"run_018bcfe56800715b9d39b5bf90ae8802","policy":{{"id":"derby-2026-11","sha256":"{sha256}"}},"engine":"1.0.0","evaluated":34,"evaluated_at":"2026-11-23T09:30:00.500Z","offers":[{offer}],"conditional":[{{"setting_id":"F07","requires":["C2"],"reasons":["H05","H06"]}}],"exclusion_counts":{{"H03":6,"H14":20}},"more":false}}"#
    );
    // Byte for byte, the order of keys included.
    assert_eq!(payload["data"].to_string(), expected);
}

#[test]
fn an_unfilled_referral_is_told_its_near_misses() {
    let (message, payload) = message(Event::Proposed(proposal(false).into()));
    assert_eq!(message.event_type, "uk.oss.referral.unfilled.v1");
    assert_eq!(payload["data"]["offers"], json!([]));
    assert_eq!(
        payload["data"]["near_misses"],
        json!([
            { "setting_id": "C1", "code": "H05" },
            { "setting_id": "P2", "code": "H09", "detail": "EMO" },
        ])
    );
}

#[test]
fn the_full_record_has_everything() {
    let (facts, evaluation) = (facts(), evaluation());
    let record = MatchRun::new(&facts, &evaluation, 1, |_| offer_id());
    let record = serde_json::to_value(&record).unwrap();
    assert_eq!(record["offers"].as_array().unwrap().len(), 1);
    assert_eq!(record["ranked"].as_array().unwrap().len(), 2);
    assert_eq!(record["ranked"][1]["tenths_of_mile"]["school"], json!(null));
    assert_eq!(record["ranked"][1]["approvals"], json!(["A01", "A03"]));
    assert_eq!(record.get("more"), None);
    let excluded = &record["excluded"][0];
    assert_eq!(excluded["requires"], json!(["C2"]));
    assert_eq!(excluded["reasons"][0]["code"], "H05");
    assert_eq!(excluded["reasons"][0]["detail"], "held");
    assert!(!excluded["reasons"][0]["text"].as_str().unwrap().is_empty());
    assert_eq!(excluded["reasons"][1].get("detail"), None);
    assert_eq!(record["near_misses"].as_array().unwrap().len(), 2);
    let (_, record_schema) = schema::records().into_iter().next().unwrap();
    assert!(validator(&record_schema).is_valid(&record));
}

#[test]
fn nothing_that_identifies_a_child_can_go_out() {
    // `reason` stays: it is a code of ours there, or why an event was refused.
    let identifying = [
        "child_id",
        "date_of_birth",
        "ethnicity",
        "ethnicities",
        "postcode",
        "locations",
        "home_postcode",
        "title",
        "wishes_and_feelings",
        "contact_plan",
        "name",
        "avoid_children",
        "exclusion_zones",
        "legal_status",
    ];
    for event in schema::events() {
        if event.direction == Direction::In {
            continue;
        }
        let mut fields = Vec::new();
        collect_fields(&event.schema, &mut fields);
        // A problem's own title is "Fields are missing or wrong" and the like.
        let allowed = |field: &str| event.name == "referral.rejected" && field == "title";
        for field in fields {
            assert!(
                !identifying.contains(&field.as_str()) || allowed(&field),
                "{} has {field}",
                event.name
            );
        }
    }
}

fn collect_fields(schema: &Value, fields: &mut Vec<String>) {
    match schema {
        Value::Object(object) => {
            if let Some(Value::Object(properties)) = object.get("properties") {
                fields.extend(properties.keys().cloned());
            }
            object
                .values()
                .for_each(|value| collect_fields(value, fields));
        }
        Value::Array(items) => items.iter().for_each(|value| collect_fields(value, fields)),
        _ => {}
    }
}
