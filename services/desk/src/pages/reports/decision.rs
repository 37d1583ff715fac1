//! The record of a decision, to be printed; and a note for the child, "why this home".

use crate::{
    act::act,
    app::App,
    pages::{
        acts::{
            form::{Fields, Form},
            frame::{Deed, Sheet, Subject},
            placement::{load, rows},
            progress::ApprovalRow,
        },
        facts::Facts,
        layout::{Layout, Menu, Page, Section},
        words,
    },
    problem::Fault,
    session::Viewer,
};
use askama::Template;
use axum::{
    extract::{Path, State},
    response::IntoResponse,
};
use chrono::{DateTime, Utc};
use oss_workflow::{Wanted, authorise::Act, placement::Placement};

/// Options that the record shows besides the one chosen.
const SHOWN: usize = 10;
/// Lines of history that are looked through for the note.
const LINES: u32 = 200;
/// The line of the audit that the note is kept in.
const NOTE: &str = "placement.note_for_child";

#[derive(Debug, Template)]
#[template(path = "decision_record.html")]
struct RecordPage {
    layout: Layout,
    reference: String,
    placement_id: String,
    rows: Vec<(&'static str, String)>,
    decided_by: String,
    run: Vec<(&'static str, String)>,
    options: Vec<(usize, Facts)>,
    chosen: String,
    approvals: Vec<(ApprovalRow, String)>,
}

/// `GET /placements/{id}/decision`
pub(crate) async fn record(
    State(app): State<App>,
    viewer: Viewer,
    Path(id): Path<String>,
) -> Result<impl IntoResponse, Fault> {
    let (placement, tasks) = load(&app, &viewer, &id, "decision.read").await?;
    let run = app
        .store
        .run(placement.run_id)
        .await?
        .ok_or_else(Fault::internal)?;
    let facts = &run.facts;
    let names = app
        .store
        .setting_names_at(facts.authority, facts.supply)
        .await?;
    let name = |setting| names.get(setting).map_or("", |name| &*name.provider);
    let options = (1..)
        .zip(&run.evaluation.ranked)
        .filter(|(rank, offer)| *rank <= SHOWN || offer.setting_id == placement.setting_id);
    let options = options.map(|(rank, offer)| {
        (
            rank,
            Facts::new(offer, name(&offer.setting_id), &app.policy),
        )
    });
    let records = tasks.iter().filter_map(|task| task.record.as_ref());
    let deciders = records.map(|record| &*record.by);
    let deciders = deciders.chain([&*placement.decided_by]);
    let names = app.store.names_of(deciders).await?;
    let called = |id: &str| names.get(id).map_or(id.to_owned(), String::clone);
    let now = app.clock.now();
    let approvals = tasks.iter().map(|task| {
        let noted = task.record.as_ref().map(|record| {
            format!(
                "{}, {}: {}",
                called(&record.by),
                words::at(record.at),
                record.note
            )
        });
        (ApprovalRow::new(task, now), noted.unwrap_or_default())
    });
    Ok(Page(RecordPage {
        layout: Layout::new(&app, &viewer, Section::Within(Menu::Queue)),
        reference: placement.referral_id.to_string(),
        placement_id: placement.placement_id.to_string(),
        rows: rows(&placement),
        decided_by: called(&placement.decided_by),
        run: vec![
            ("Homes looked at", run.evaluation.evaluated.to_string()),
            ("May be offered", run.evaluation.ranked.len().to_string()),
            (
                "Not shown, with reasons",
                run.evaluation.excluded.len().to_string(),
            ),
            ("Looked at on", words::at(facts.evaluated_at)),
            ("Revision of the referral", facts.revision.to_string()),
            ("Policy", facts.policy_id.to_string()),
            ("Run", placement.run_id.to_string()),
        ],
        options: options.collect(),
        chosen: placement.setting_id.to_string(),
        approvals: approvals.collect(),
    }))
}

#[derive(Debug, Template)]
#[template(path = "why.html")]
pub(crate) struct WhyPage {
    layout: Layout,
    form: Form,
    reference: String,
    placement_id: String,
    note: String,
    /// When it was kept last.
    kept: Option<String>,
    may_write: bool,
}

/// A placement with what was kept for the child, or a draft of it.
#[derive(Debug)]
pub(crate) struct Noted {
    placement: Placement,
    note: String,
    kept: Option<DateTime<Utc>>,
}

impl Subject for Noted {
    type At = String;

    async fn load(app: &App, viewer: &Viewer, id: &String) -> Result<Self, Fault> {
        let (placement, _) = load(app, viewer, id, "placement.read").await?;
        let (authority, key) = (placement.authority, placement.referral);
        let lines = app.store.history(authority, key, None, LINES).await?;
        let thing = placement.placement_id.to_string();
        let kept = lines
            .into_iter()
            .find(|line| line.act == NOTE && line.thing == thing);
        let at = kept.as_ref().map(|line| line.at);
        let note = match kept.and_then(|line| line.reason) {
            Some(note) => note,
            None => draft(app, &placement).await?,
        };
        Ok(Self {
            placement,
            note,
            kept: at,
        })
    }

    fn section(&self) -> Section<'_> {
        Section::Within(Menu::Queue)
    }
}

/// Keeping a note for the child, once somebody has read it.
#[derive(Debug)]
pub(crate) enum Note {}

impl Deed for Note {
    type To = Noted;
    type Page = WhyPage;

    fn path(id: &String) -> String {
        format!("/placements/{id}/why")
    }

    fn page(sheet: Sheet<'_>, noted: Noted) -> WhyPage {
        WhyPage {
            note: match sheet.fields.get("note") {
                "" => noted.note,
                typed => typed.to_owned(),
            },
            may_write: sheet.viewer.may(Act::WriteReferral),
            layout: sheet.layout,
            form: sheet.form,
            reference: noted.placement.referral_id.to_string(),
            placement_id: noted.placement.placement_id.to_string(),
            kept: noted.kept.map(words::at),
        }
    }

    async fn carry_out(
        app: &App,
        viewer: &Viewer,
        id: &String,
        fields: &Fields,
    ) -> Result<String, Fault> {
        if !viewer.may(Act::WriteReferral) {
            let detail = "None of your roles allows write_referral.";
            return Err(Fault::forbidden(detail));
        }
        let note = fields.text("note")?;
        if note.is_empty() {
            let what = "write the note before you keep it";
            return Err(Fault::invalid_field("/note", "required_tick", what));
        }
        let (placement, _) = load(app, viewer, id, "placement.read").await?;
        let thing = placement.placement_id;
        let wanted = Wanted {
            placements: [thing].into(),
            ..Wanted::default()
        };
        act(app, &viewer.caller(), &wanted, |unit, context| {
            let (authority, key) = (placement.authority, Some(placement.referral));
            unit.record(context, authority, key, NOTE, thing, Some(note.to_owned()));
            Ok(())
        })
        .await?;
        Ok(Self::path(id))
    }
}

/// A first draft in plain words, for whoever knows the child to put right.
async fn draft(app: &App, placement: &Placement) -> Result<String, Fault> {
    let run = app
        .store
        .run(placement.run_id)
        .await?
        .ok_or_else(Fault::internal)?;
    let stored = app.store.referral_by_key(placement.referral).await?;
    let referral = stored.and_then(|stored| stored.referral);
    let wishes = referral.and_then(|it| it.narrative.wishes_and_feelings.clone());
    let ranked = &run.evaluation.ranked;
    let offer = ranked
        .iter()
        .find(|offer| offer.setting_id == placement.setting_id);
    let looked_at = words::many(run.evaluation.evaluated.into(), "home");
    let mut texts = vec![format!(
        "We looked at {looked_at} for you. {} could have been right.",
        ranked.len()
    )];
    texts.extend(wishes.map(|wishes| format!("You told us: {wishes}")));
    texts.push(format!("We chose this home because: {}", placement.reason));
    if let Some(offer) = offer {
        texts.push(format!(
            "It is {} from where you lived.",
            offer.distances.home
        ));
        let school = offer.distances.school;
        texts.extend(school.map(|school| format!("It is {school} from your school.")));
    }
    texts.push(format!(
        "You can move in on {}.",
        words::date(placement.starts_on)
    ));
    let otherwise = "If you do not agree, tell your social worker or ask for an advocate.";
    texts.push(otherwise.to_owned());
    Ok(texts.join("\n\n"))
}
