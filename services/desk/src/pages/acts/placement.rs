//! A placement: the facts of its individual placement agreement, its start and its end.

use super::{
    form::{Fields, Form, day_month_year},
    frame::{Deed, Question, Sheet, Subject},
    progress::ApprovalRow,
    words,
};
use crate::{
    act::act,
    api::{decision, find},
    app::App,
    body::{Json, JsonOrNothing},
    pages::{
        layout::{Layout, Menu, Page, Section},
        words::{self as said, Tag},
    },
    problem::Fault,
    session::Viewer,
};
use askama::Template;
use axum::{
    extract::{Path, State},
    response::IntoResponse,
};
use oss_domain::{PlacementId, ssda903::ReasonPlaceChange};
use oss_workflow::{
    Wanted,
    approvals::ApprovalTask,
    authorise::Act,
    placement::{Placement, PlacementState},
};
use serde_json::Value;

const YES_OR_NO: [(&str, &str); 2] = [("yes", "Yes"), ("no", "No")];

#[derive(Debug, Template)]
#[template(path = "agree.html")]
pub(crate) struct PlacementPage {
    layout: Layout,
    form: Form,
    reference: String,
    link: String,
    placement_id: String,
    state: Tag,
    rows: Vec<(&'static str, String)>,
    approvals: Vec<ApprovalRow>,
    /// What keeps it from starting.
    waits_for: usize,
    may_start: bool,
    may_end: bool,
    starts_on: [String; 3],
    ended_on: [String; 3],
    reason: String,
    planned: String,
    reasons: Vec<(&'static str, &'static str)>,
    yes_or_no: Vec<(&'static str, &'static str)>,
}

/// Loads it, after a line in the audit.
pub(crate) async fn load(
    app: &App,
    viewer: &Viewer,
    id: &str,
    read: &'static str,
) -> Result<Waiting, Fault> {
    let placement_id: PlacementId = find::id(id, "The placement")?;
    let caller = viewer.caller();
    let wanted = Wanted {
        placements: [placement_id].into(),
        ..Wanted::default()
    };
    act(app, &caller, &wanted, |unit, context| {
        let found = unit.placements.get(&placement_id).cloned();
        let authority = found.as_ref().map(|it| it.authority);
        let authority = find::own(&caller, authority, "The placement")?;
        let placement = found.ok_or_else(Fault::internal)?;
        unit.record(
            context,
            authority,
            Some(placement.referral),
            read,
            placement_id,
            None,
        );
        let approvals = unit
            .approvals
            .values()
            .filter(|it| it.placement_id == placement_id);
        Ok((placement, approvals.cloned().collect()))
    })
    .await
}

/// A placement with the approvals that it waits for.
type Waiting = (Placement, Vec<ApprovalTask>);

impl Subject for Waiting {
    type At = String;

    async fn load(app: &App, viewer: &Viewer, id: &String) -> Result<Self, Fault> {
        load(app, viewer, id, "placement.read").await
    }

    fn section(&self) -> Section<'_> {
        Section::Within(Menu::Queue)
    }
}

impl PlacementPage {
    /// Whether something was typed of its end, or is wrong with it.
    fn is_ending(&self) -> bool {
        let typed = self.ended_on.iter().chain([&self.reason, &self.planned]);
        let mut fields = ["ended_on", "reason_place_change", "planned"].into_iter();
        typed.into_iter().any(|it| !it.is_empty()) || fields.any(|it| self.form.error(it).is_some())
    }

    fn new(sheet: Sheet<'_>, (placement, approvals): &Waiting) -> Self {
        let now = sheet.app.clock.now();
        let waits = |it: &&ApprovalTask| it.holds_up_the_start();
        let may = sheet.viewer.may(Act::Place);
        let is_agreed = placement.state == PlacementState::Agreed;
        let reasons = ReasonPlaceChange::ALL.iter();
        Self {
            starts_on: match sheet.fields.day_month_year("starts_on") {
                ["", "", ""] => day_month_year(&placement.starts_on.to_string()),
                typed => typed.map(str::to_owned),
            },
            ended_on: sheet.typed_day("ended_on"),
            reason: sheet.typed("reason_place_change"),
            planned: sheet.typed("planned"),
            layout: sheet.layout,
            form: sheet.form,
            reference: placement.referral_id.to_string(),
            link: format!("/referrals/{}", placement.referral_id),
            placement_id: placement.placement_id.to_string(),
            state: words::placement(placement.state),
            rows: rows(placement),
            approvals: approvals
                .iter()
                .map(|task| ApprovalRow::new(task, now))
                .collect(),
            waits_for: approvals.iter().filter(waits).count(),
            may_start: may && is_agreed,
            may_end: may && (is_agreed || placement.state == PlacementState::Started),
            reasons: reasons
                .map(|reason| (reason.as_str(), words::ending(*reason)))
                .collect(),
            yes_or_no: YES_OR_NO.to_vec(),
        }
    }
}

/// `GET /placements/{id}`
pub(crate) async fn show(
    State(app): State<App>,
    viewer: Viewer,
    Path(id): Path<String>,
) -> Result<impl IntoResponse, Fault> {
    let waiting = load(&app, &viewer, &id, "placement.read").await?;
    let sheet = Sheet::empty(&app, &viewer, Section::Within(Menu::Queue));
    Ok(Page(PlacementPage::new(sheet, &waiting)))
}

/// What the agreement says.
pub(crate) fn rows(placement: &Placement) -> Vec<(&'static str, String)> {
    let codes = &placement.codes;
    let or_none = |code: Option<String>| code.unwrap_or_else(|| "not known".to_owned());
    let mut rows = vec![
        ("Home", placement.setting_id.to_string()),
        ("Provider", placement.provider_id.to_string()),
        ("Cost a week", placement.weekly_cost.to_string()),
        ("First day", said::date(placement.starts_on)),
        ("Decided", said::at(placement.decided_at)),
        ("Why this home", placement.reason.clone()),
    ];
    if let Some(reason) = &placement.reason_not_first {
        rows.push(("Why not the first of the list", reason.clone()));
    }
    if let Some(until) = placement.temporary_until {
        rows.push(("Temporary approval lasts until", said::date(until)));
    }
    let of_return = format!(
        "placement {}, provider {}, location {}, distance {}",
        codes.place,
        or_none(codes.provider.map(|it| it.to_string())),
        codes.location,
        or_none(codes.distance.map(|it| it.to_string())),
    );
    rows.push(("For the yearly return (SSDA903)", of_return));
    if let Some(ending) = placement.ending {
        let planned = if ending.planned {
            "planned"
        } else {
            "not planned"
        };
        rows.push(("Last day", said::date(ending.ended_on)));
        rows.push((
            "Why it ended",
            format!("{}, {planned}", words::ending(ending.reason)),
        ));
    }
    rows
}

/// Starting a placement, which its page offers.
#[derive(Debug)]
pub(crate) enum Start {}

impl Deed for Start {
    type To = Waiting;
    type Page = PlacementPage;

    fn path(id: &String) -> String {
        format!("/placements/{id}/start")
    }

    fn page(sheet: Sheet<'_>, waiting: Waiting) -> PlacementPage {
        PlacementPage::new(sheet, &waiting)
    }

    fn question((placement, _): &Waiting, fields: &Fields) -> Option<Question> {
        Some(Question {
            caption: format!("Referral {}", placement.referral_id),
            title: format!("Has the child moved into {}?", placement.setting_id),
            rows: vec![
                ("Home", placement.setting_id.to_string()),
                ("First day", day(&fields.day("starts_on"))),
                ("Cost a week", placement.weekly_cost.to_string()),
            ],
            warning: "The placement starts, and the referral is done with. This cannot be undone.",
            button: "Start the placement",
        })
    }

    async fn carry_out(
        app: &App,
        viewer: &Viewer,
        id: &String,
        fields: &Fields,
    ) -> Result<String, Fault> {
        let body = JsonOrNothing(Value::Object(fields.body(&["starts_on"])));
        decision::start(State(app.clone()), viewer.caller(), Path(id.clone()), body).await?;
        Ok(format!("/placements/{id}"))
    }
}

/// Ending a placement, which its page offers.
#[derive(Debug)]
pub(crate) enum End {}

impl Deed for End {
    type To = Waiting;
    type Page = PlacementPage;

    fn path(id: &String) -> String {
        format!("/placements/{id}/end")
    }

    fn page(sheet: Sheet<'_>, waiting: Waiting) -> PlacementPage {
        PlacementPage::new(sheet, &waiting)
    }

    fn question((placement, _): &Waiting, fields: &Fields) -> Option<Question> {
        let why = fields.get("reason_place_change").parse();
        let planned = YES_OR_NO
            .iter()
            .find(|(code, _)| *code == fields.get("planned"));
        Some(Question {
            caption: format!("Referral {}", placement.referral_id),
            title: format!("End the placement in {}?", placement.setting_id),
            rows: vec![
                ("Last day", day(&fields.day("ended_on"))),
                ("Why it ends", why.map_or("", words::ending).to_owned()),
                (
                    "Was the end planned?",
                    planned.map_or("", |(_, text)| text).to_owned(),
                ),
            ],
            warning: "The place is free for others at once. This cannot be undone.",
            button: "End the placement",
        })
    }

    async fn carry_out(
        app: &App,
        viewer: &Viewer,
        id: &String,
        fields: &Fields,
    ) -> Result<String, Fault> {
        let mut body = fields.body(&["ended_on", "reason_place_change"]);
        let planned = match fields.get("planned") {
            "yes" => true,
            "no" => false,
            _ => {
                let what = "choose whether the end was planned";
                return Err(Fault::invalid_field("/planned", "required_tick", what));
            }
        };
        body.insert("planned".to_owned(), planned.into());
        let body = Json(Value::Object(body));
        decision::end(State(app.clone()), viewer.caller(), Path(id.clone()), body).await?;
        Ok(format!("/placements/{id}"))
    }
}

/// A day as it was typed, as people read it.
fn day(typed: &str) -> String {
    typed.parse().map_or(typed.to_owned(), said::date)
}
