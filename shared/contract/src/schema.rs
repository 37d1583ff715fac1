//! The published form of the contract: a JSON Schema 2020-12 for each event's data, and AsyncAPI.
//!
//! Only with the feature `schema`; a test holds `docs/contract/` in step with it.
//!
//! To publish one more event: describe its body in `inbound.rs`, or derive the schema of its wire
//! type, and name it in [`events`].

mod asyncapi;
mod inbound;
mod refine;
mod types;

use crate::{
    body::{
        DeadLettered, OfferAnswer, OfferApproached, Place, Placement, ReferralClosed,
        ReferralReceived, ReferralRejected,
    },
    fact::FactKind,
    problem::Problem,
    run::{MatchRun, OffersProposed, ReferralUnfilled},
};
use schemars::{JsonSchema, generate::SchemaSettings};
use serde_json::{Value, json};

pub use asyncapi::asyncapi;

/// Which way an event goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// Others publish it.
    In,
    /// We publish it.
    Out,
}

/// An event of the contract, and the schema of its data.
#[derive(Debug)]
pub struct Published {
    /// Which way it goes.
    pub direction: Direction,
    /// Its noun and verb, such as `referral.submitted`.
    pub name: &'static str,
    /// Whether it is on one provider's subject.
    pub of_provider: bool,
    /// The schema of its data.
    pub schema: Value,
}

impl Published {
    /// The name of its file under `docs/contract/`.
    #[must_use]
    pub fn file(&self) -> String {
        match self.direction {
            Direction::In => format!("in/{}.v1.json", self.name),
            Direction::Out => format!("out/{}.v1.json", self.name),
        }
    }
}

/// Every event of the contract, in its order.
#[must_use]
pub fn events() -> Vec<Published> {
    let mut events: Vec<_> = FactKind::ALL.into_iter().map(inbound).collect();
    events.extend(outbound());
    events
}

fn inbound(kind: FactKind) -> Published {
    let name = kind.as_str();
    let schema = match kind {
        FactKind::ReferralSubmitted | FactKind::ReferralAmended => {
            schema::<inbound::Referral>(Direction::In, name)
        }
        FactKind::ReferralWithdrawn => schema::<inbound::ReferralWithdrawn>(Direction::In, name),
        FactKind::SettingChanged => schema::<inbound::Setting>(Direction::In, name),
        FactKind::SettingClosed => schema::<inbound::SettingClosed>(Direction::In, name),
        FactKind::VacancyChanged => schema::<inbound::VacancyChanged>(Direction::In, name),
        FactKind::OfferAnswered => schema::<inbound::OfferAnswered>(Direction::In, name),
        FactKind::PlacementEnded => schema::<inbound::PlacementEnded>(Direction::In, name),
    };
    Published {
        direction: Direction::In,
        name,
        of_provider: kind == FactKind::OfferAnswered,
        schema,
    }
}

fn outbound() -> Vec<Published> {
    vec![
        out::<ReferralReceived>("referral.received"),
        out::<ReferralRejected>("referral.rejected"),
        out::<OffersProposed<'_>>("offers.proposed"),
        out::<ReferralUnfilled<'_>>("referral.unfilled"),
        out::<ReferralClosed>("referral.closed"),
        to_provider::<OfferApproached>("offer.approached"),
        to_provider::<OfferAnswer>("offer.recorded"),
        to_provider::<OfferAnswer>("offer.expired"),
        to_provider::<OfferAnswer>("offer.withdrawn"),
        out::<Place>("place.held"),
        out::<Place>("place.released"),
        out::<Placement>("placement.agreed"),
        out::<Placement>("placement.started"),
        out::<Placement>("placement.closed"),
        out::<DeadLettered>("event.dead_lettered"),
    ]
}

fn out<T: JsonSchema>(name: &'static str) -> Published {
    let mut schema = schema::<T>(Direction::Out, name);
    refine::refine(&mut schema);
    Published {
        direction: Direction::Out,
        name,
        of_provider: false,
        schema,
    }
}

fn to_provider<T: JsonSchema>(name: &'static str) -> Published {
    Published {
        of_provider: true,
        ..out::<T>(name)
    }
}

/// The schemas of what the API answers in the contract's own shapes, by file name.
#[must_use]
pub fn records() -> Vec<(&'static str, Value)> {
    vec![
        ("match-run.json", record::<MatchRun<'_>>()),
        ("problem.json", record::<Problem>()),
    ]
}

fn record<T: JsonSchema>() -> Value {
    let generator = SchemaSettings::draft2020_12().into_generator();
    let mut schema = generator.into_root_schema_for::<T>().into();
    refine::refine(&mut schema);
    schema
}

/// The schema of a body, with its own address and name.
fn schema<T: JsonSchema>(direction: Direction, name: &str) -> Value {
    let generator = SchemaSettings::draft2020_12().into_generator();
    let mut schema = generator.into_root_schema_for::<T>();
    let way = match direction {
        Direction::In => "in",
        Direction::Out => "out",
    };
    schema.insert(
        "$id".into(),
        json!(format!("urn:oss:schema:{way}:{name}:v1")),
    );
    schema.insert("title".into(), json!(format!("{name}, version 1: data")));
    schema.into()
}
