//! No suitable option: why, by a code and in words.

use super::form::{Fields, Form, Notice, once};
use crate::{
    act::act,
    api::find,
    app::App,
    pages::{
        layout::{Layout, Page, Section},
        matched::Matched,
    },
    problem::Fault,
    query::Parameters,
    session::Viewer,
};
use askama::Template;
use axum::{
    Form as Sent,
    extract::{Path, State},
    response::{IntoResponse, Response},
};
use oss_domain::codes;

codes! {
    /// Why none of the options will do.
    pub(crate) enum NoOption {
        /// No home is on the list.
        NoneLawful = "none_lawful",
        /// Every provider declined or did not answer.
        AllDeclined = "all_declined",
        /// Homes that might take the child do not meet the needs well enough.
        NeedsNotMet = "needs_not_met",
        /// Homes are too far away.
        TooFar = "too_far",
        /// The child does not want any of them.
        ChildDeclines = "child_declines",
        /// None is free in time.
        NotInTime = "not_in_time",
        /// Another reason.
        Other = "other",
    }
}

const fn in_words(reason: NoOption) -> &'static str {
    match reason {
        NoOption::NoneLawful => "No home may take the child",
        NoOption::AllDeclined => "Every provider declined or did not answer",
        NoOption::NeedsNotMet => "The needs are not met well enough",
        NoOption::TooFar => "The homes are too far away",
        NoOption::ChildDeclines => "The child does not want any of them",
        NoOption::NotInTime => "None is free in time",
        NoOption::Other => "Another reason",
    }
}

#[derive(Debug, Template)]
#[template(path = "unfilled.html")]
struct UnfilledPage {
    layout: Layout,
    form: Form,
    reference: String,
    link: String,
    ranked: usize,
    excluded: usize,
    reasons: Vec<(&'static str, &'static str)>,
    chosen: String,
    note: String,
}

/// `GET /referrals/{id}/unfilled`
pub(crate) async fn show(
    State(app): State<App>,
    viewer: Viewer,
    Path(id): Path<String>,
) -> Result<Response, Fault> {
    page(&app, &viewer, &id, &Fields::default(), None).await
}

async fn page(
    app: &App,
    viewer: &Viewer,
    id: &str,
    fields: &Fields,
    notice: Option<Notice>,
) -> Result<Response, Fault> {
    let matched = Matched::load(app, viewer, id, &Parameters::default(), "options.read").await?;
    let form = Form::new(app, viewer, notice);
    let status = form.status();
    let page = UnfilledPage {
        layout: Layout::new(app, viewer, Section::Queue),
        form,
        reference: matched.stored.referral_id.to_string(),
        link: matched.link(),
        ranked: matched.run.evaluation.ranked.len(),
        excluded: matched.run.evaluation.excluded.len(),
        reasons: NoOption::ALL
            .iter()
            .map(|it| (it.as_str(), in_words(*it)))
            .collect(),
        chosen: fields.get("why").to_owned(),
        note: fields.get("note").to_owned(),
    };
    Ok((status, Page(page)).into_response())
}

/// `POST /referrals/{id}/unfilled`
pub(crate) async fn send(
    State(app): State<App>,
    viewer: Viewer,
    Path(id): Path<String>,
    Sent(fields): Sent<Fields>,
) -> Result<Response, Fault> {
    let path = format!("/referrals/{id}/unfilled");
    let noting = async {
        let why: NoOption = fields.get("why").parse().map_err(|_| {
            Fault::invalid_field("/why", "required_tick", "choose why no option will do")
        })?;
        let note = fields.get("note");
        if note.is_empty() {
            return Err(Fault::invalid_field(
                "/note",
                "required",
                "must say what was tried",
            ));
        }
        let caller = viewer.caller();
        let wanted = find::referral(&caller, &id, &Parameters::default())?;
        act(&app, &caller, &wanted, |unit, context| {
            let head = find::the_referral(unit)?;
            if !head.state.is_open() {
                let detail = "The referral is decided, placed or withdrawn meanwhile.";
                return Err(Fault::conflict("not_open", "It is done with", detail));
            }
            let (authority, key) = (head.authority, head.key);
            let words = Some(format!("{}: {note}", in_words(why)));
            unit.record(
                context,
                authority,
                Some(key),
                "referral.no_suitable_option",
                why,
                words,
            );
            Ok(())
        })
        .await?;
        Ok(format!("/referrals/{id}"))
    };
    match once(&app, &viewer, &path, &fields, noting).await {
        Ok(done) => Ok(done),
        Err(fault) => page(&app, &viewer, &id, &fields, Some(Notice::of(fault)?)).await,
    }
}
