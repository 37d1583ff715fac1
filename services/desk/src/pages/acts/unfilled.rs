//! No suitable option: why, by a code and in words.

use super::{
    form::{Fields, Form},
    frame::{Deed, Question, Sheet},
};
use crate::{
    act::act,
    api::find,
    app::App,
    pages::{layout::Layout, matched::Matched},
    problem::Fault,
    query::Parameters,
    session::Viewer,
};
use askama::Template;
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
pub(crate) struct UnfilledPage {
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

/// Recording that no option of a referral will do.
#[derive(Debug)]
pub(crate) enum Unfilled {}

impl Deed for Unfilled {
    type To = Matched;
    type Page = UnfilledPage;

    fn path(id: &String) -> String {
        format!("/referrals/{id}/unfilled")
    }

    fn page(sheet: Sheet<'_>, matched: Matched) -> UnfilledPage {
        let reasons = NoOption::ALL.iter();
        UnfilledPage {
            chosen: sheet.typed("why"),
            note: sheet.typed("note"),
            layout: sheet.layout,
            form: sheet.form,
            reference: matched.stored.referral_id.to_string(),
            link: matched.link(),
            ranked: matched.run.evaluation.ranked.len(),
            excluded: matched.run.evaluation.excluded.len(),
            reasons: reasons.map(|it| (it.as_str(), in_words(*it))).collect(),
        }
    }

    fn question(matched: &Matched, fields: &Fields) -> Option<Question> {
        let why = fields.get("why").parse().map_or("", in_words);
        Some(Question {
            caption: format!("Referral {}", matched.stored.referral_id),
            title: "Record that no option is suitable?".to_owned(),
            rows: vec![
                ("Why no option will do", why.to_owned()),
                (
                    "What was tried, and what is next",
                    fields.get("note").to_owned(),
                ),
            ],
            warning: "It stays in the referral’s history, and counts in the reports on homes that were missing. This cannot be undone. The search goes on.",
            button: "Record this",
        })
    }

    async fn carry_out(
        app: &App,
        viewer: &Viewer,
        id: &String,
        fields: &Fields,
    ) -> Result<String, Fault> {
        let why: NoOption = fields.get("why").parse().map_err(|_| {
            let what = "choose why no option will do";
            Fault::invalid_field("/why", "required_tick", what)
        })?;
        let note = fields.text("note")?;
        if note.is_empty() {
            let what = "must say what was tried";
            return Err(Fault::invalid_field("/note", "required", what));
        }
        let caller = viewer.caller();
        let wanted = find::referral(&caller, id, &Parameters::default())?;
        act(app, &caller, &wanted, |unit, context| {
            let head = find::the_referral(unit)?;
            if !head.state.is_open() {
                let detail = "The referral is decided, placed or withdrawn meanwhile.";
                return Err(Fault::conflict("not_open", "It is done with", detail));
            }
            let (authority, key) = (head.authority, Some(head.key));
            let words = Some(format!("{}: {note}", in_words(why)));
            let done = "referral.no_suitable_option";
            unit.record(context, authority, key, done, why, words);
            Ok(())
        })
        .await?;
        Ok(format!("/referrals/{id}"))
    }
}
