//! How far the search has come: who was asked and answered, what is held, what was decided.

use super::{
    conditions::ConditionRow,
    form::Form,
    frame::{Sheet, Subject},
    words,
};
use crate::{
    act::act,
    api::find,
    app::App,
    pages::{
        layout::{Layout, Page, Section},
        words::{self as said, Tag},
    },
    problem::Fault,
    query::Parameters,
    session::Viewer,
};
use askama::Template;
use axum::{
    extract::{Path, State},
    response::IntoResponse,
};
use chrono::{DateTime, Utc};
use oss_storage::desk::Taken;
use oss_workflow::{
    SettingKey, Wanted,
    approvals::ApprovalTask,
    authorise::Act,
    conditions::Condition,
    decision::must_accept,
    occupancy::{Claim, Occupancy},
    offer::{OfferHead, OfferState},
    placement::{Placement, PlacementState},
};
use std::collections::HashMap;

/// Where a referral stands, read in one go, after a line in the audit.
#[derive(Debug)]
pub(crate) struct Progress {
    pub(crate) head: oss_workflow::ReferralHead,
    pub(crate) offers: Vec<OfferHead>,
    pub(crate) occupancies: Vec<Occupancy>,
    pub(crate) placements: Vec<Placement>,
    pub(crate) approvals: Vec<ApprovalTask>,
    pub(crate) conditions: Vec<Condition>,
    pub(crate) taken: Option<Taken>,
    /// What the providers of the offers' homes are called.
    providers: HashMap<SettingKey, String>,
}

impl Progress {
    async fn of(app: &App, viewer: &Viewer, id: &str) -> Result<Self, Fault> {
        let caller = viewer.caller();
        let wanted = find::referral(&caller, id, &Parameters::default())?;
        // Only read, so nobody who takes a place waits for it.
        let wanted = Wanted {
            life: true,
            ..wanted
        };
        let mut progress = act(app, &caller, &wanted, |unit, context| {
            let head = find::the_referral(unit)?.clone();
            let key = head.key;
            let thing = format!("revision {}", head.revision);
            unit.record(
                context,
                head.authority,
                Some(key),
                "progress.read",
                &thing,
                None,
            );
            let is_live = |it: &&Occupancy| it.referral == key && it.is_live();
            let mut offers: Vec<_> = unit
                .offers
                .values()
                .filter(|it| it.referral == key)
                .cloned()
                .collect();
            offers.sort_by_key(|it| it.approached_at);
            Ok(Self {
                occupancies: unit.occupancies.values().filter(is_live).cloned().collect(),
                placements: unit
                    .placements
                    .values()
                    .filter(|it| it.referral == key)
                    .cloned()
                    .collect(),
                approvals: unit
                    .approvals
                    .values()
                    .filter(|it| it.referral == key)
                    .cloned()
                    .collect(),
                conditions: unit
                    .conditions
                    .values()
                    .filter(|it| it.referral == key)
                    .cloned()
                    .collect(),
                offers,
                head,
                taken: None,
                providers: HashMap::new(),
            })
        })
        .await?;
        progress.taken = app.store.taken(progress.head.key).await?;
        let homes: Vec<_> = progress.offers.iter().map(|it| it.setting).collect();
        progress.providers = app.store.providers_of(&homes).await?;
        Ok(progress)
    }
}

impl Subject for Progress {
    /// The referral, and a setting that it is about.
    type At = (String, String);

    async fn load(app: &App, viewer: &Viewer, (id, _): &Self::At) -> Result<Self, Fault> {
        Self::of(app, viewer, id).await
    }

    fn section(&self) -> Section<'_> {
        Section::Case(self.taken.as_ref())
    }
}

#[derive(Debug, Template)]
#[template(path = "progress.html")]
pub(crate) struct ProgressPage {
    layout: Layout,
    form: Form,
    reference: String,
    link: String,
    state: Tag,
    next: &'static str,
    from: &'static str,
    offers: Vec<OfferRow>,
    placements: Vec<PlacementRow>,
    approvals: Vec<ApprovalRow>,
    conditions: Vec<ConditionRow>,
    may_act: bool,
    is_open: bool,
}

#[derive(Debug)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a link of its own in the row"
)]
struct OfferRow {
    setting_id: String,
    kind: &'static str,
    provider: String,
    state: Tag,
    told: String,
    /// Whether its place is taken for the child, and how.
    place: String,
    is_held: bool,
    may_answer: bool,
    may_approach: bool,
    may_withdraw: bool,
    may_decide: bool,
}

#[derive(Debug)]
struct PlacementRow {
    placement_id: String,
    setting_id: String,
    state: Tag,
    starts_on: String,
}

/// An approval, as lists show it.
#[derive(Debug)]
pub(crate) struct ApprovalRow {
    pub(crate) approval_id: String,
    pub(crate) code: &'static str,
    pub(crate) text: &'static str,
    pub(crate) approver: String,
    pub(crate) reference: String,
    pub(crate) due: String,
    pub(crate) late: bool,
    pub(crate) state: Tag,
    pub(crate) blocks_start: bool,
}

impl ApprovalRow {
    pub(crate) fn new(task: &ApprovalTask, now: DateTime<Utc>) -> Self {
        let rule = oss_matching::rules::rule(task.code);
        let state = match &task.record {
            Some(record) if record.granted => Tag {
                text: "Granted",
                class: "govuk-tag--green",
            },
            Some(_) => Tag {
                text: "Refused",
                class: "govuk-tag--red",
            },
            None if task.cancelled => Tag {
                text: "Not needed",
                class: "govuk-tag--grey",
            },
            None => Tag {
                text: "Waiting",
                class: "govuk-tag--yellow",
            },
        };
        let late = task.is_open() && task.due_at < now;
        Self {
            approval_id: task.approval_id.to_string(),
            code: task.code.as_str(),
            text: rule.text,
            approver: crate::pages::facts::capital(&said::code(&task.approver)),
            reference: task.referral_id.to_string(),
            due: said::at(task.due_at),
            late,
            state,
            blocks_start: task.blocks_start,
        }
    }
}

impl ProgressPage {
    pub(crate) fn new(sheet: Sheet<'_>, progress: &Progress) -> Self {
        let now = sheet.app.clock.now();
        let state = progress.head.state;
        let mut approvals = progress.approvals.iter();
        let (next, from) = said::next(state, approvals.any(ApprovalTask::holds_up_the_start));
        let offers = progress.offers.iter();
        let offers = offers.map(|head| offer_row(head, progress));
        let placements = progress.placements.iter().map(|placement| PlacementRow {
            placement_id: placement.placement_id.to_string(),
            setting_id: placement.setting_id.to_string(),
            state: words::placement(placement.state),
            starts_on: said::date(placement.starts_on),
        });
        let approvals = progress.approvals.iter();
        let conditions = progress.conditions.iter();
        Self {
            layout: sheet.layout,
            form: sheet.form,
            reference: progress.head.referral_id.to_string(),
            link: format!("/referrals/{}", progress.head.referral_id),
            state: said::state(state),
            next,
            from,
            offers: offers.collect(),
            placements: placements.collect(),
            approvals: approvals.map(|task| ApprovalRow::new(task, now)).collect(),
            conditions: conditions.map(|it| ConditionRow::new(it, now)).collect(),
            may_act: sheet.viewer.may(Act::Approach),
            is_open: state.is_open(),
        }
    }
}

/// `GET /referrals/{id}/progress`
pub(crate) async fn show(
    State(app): State<App>,
    viewer: Viewer,
    Path(id): Path<String>,
) -> Result<impl IntoResponse, Fault> {
    let progress = Progress::of(&app, &viewer, &id).await?;
    let sheet = Sheet::empty(&app, &viewer, progress.section());
    Ok(Page(ProgressPage::new(sheet, &progress)))
}

fn offer_row(head: &OfferHead, progress: &Progress) -> OfferRow {
    let is_open = progress.head.state.is_open();
    let mut occupancies = progress.occupancies.iter();
    let held = occupancies.find(|it| it.offer_id == head.offer_id && it.claim == Claim::Held);
    let told = match (head.state, head.answered_at, head.respond_by) {
        (OfferState::Declined, _, _) => {
            let why = head
                .terms
                .decline_reason
                .map_or("no reason given", words::decline);
            format!("Why: {}", why.to_lowercase())
        }
        (OfferState::Accepted, Some(at), _) => {
            let cost = head.terms.weekly_cost;
            let cost = cost.map_or(String::new(), |cost| format!(", at {cost} a week"));
            format!("Answered {}{cost}", said::at(at))
        }
        (OfferState::Approached, _, Some(by)) => format!("To answer by {}", said::at(by)),
        (_, Some(at), _) => format!("Answered {}", said::at(at)),
        _ => String::new(),
    };
    let asked = head.approached_at.is_some();
    let provider = progress.providers.get(&head.setting);
    let live = matches!(
        head.state,
        OfferState::Approached | OfferState::Accepted | OfferState::Declined | OfferState::Expired
    );
    OfferRow {
        setting_id: head.setting_id.to_string(),
        kind: said::kind(head.kind),
        provider: provider.map_or_else(|| head.provider_id.to_string(), Clone::clone),
        state: words::offer(head.state),
        told,
        place: place(head, held, &progress.placements),
        is_held: held.is_some(),
        may_answer: is_open && asked && live,
        may_approach: is_open && !head.state.is_live(),
        may_withdraw: is_open && head.state.is_live(),
        may_decide: is_open
            && head.state != OfferState::Declined
            && !must_accept(head.sourcing, head.state),
    }
}

/// What became of the home's place, which a placement keeps once its hold has ended.
fn place(head: &OfferHead, held: Option<&Occupancy>, placements: &[Placement]) -> String {
    let mut of_it = placements.iter().filter(|it| it.offer_id == head.offer_id);
    let live = of_it.find_map(|it| match it.state {
        PlacementState::Agreed => Some("Kept for the child"),
        PlacementState::Started => Some("The child lives there"),
        PlacementState::Ended | PlacementState::Cancelled => None,
    });
    match (live, held.map(|held| held.until)) {
        (Some(live), _) => live.to_owned(),
        (None, Some(Some(until))) => format!("Held until {}", said::at(until)),
        (None, Some(None)) => "Held".to_owned(),
        (None, None) => "Not held".to_owned(),
    }
}
