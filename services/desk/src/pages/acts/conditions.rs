//! What would bring a home in that was ruled out: set going as a task, and what came of it.

use super::{
    form::{Fields, Form},
    frame::{Deed, Question, Sheet, Subject},
    offer_id, words,
};
use crate::{
    act::act,
    api::{acts, find},
    app::App,
    pages::{
        layout::{Layout, Menu, Section},
        matched::Matched,
        words::{self as said, Tag},
    },
    problem::Fault,
    query::Parameters,
    session::Viewer,
};
use askama::Template;
use chrono::{DateTime, Utc};
use oss_domain::{ConditionId, OfferId, SettingId};
use oss_matching::{explain, rules::rule};
use oss_workflow::{
    Wanted,
    authorise::Act,
    conditions::{self, Condition, Outcome, Pursuit, Word},
};
use std::{collections::BTreeSet, str::FromStr};

/// A condition, as lists show it.
#[derive(Debug)]
pub(crate) struct ConditionRow {
    pub(crate) condition_id: String,
    pub(crate) act: &'static str,
    pub(crate) text: &'static str,
    pub(crate) task: String,
    pub(crate) due: String,
    pub(crate) late: bool,
    pub(crate) state: Tag,
    pub(crate) reason: String,
    pub(crate) evidence: String,
}

impl ConditionRow {
    pub(crate) fn new(condition: &Condition, now: DateTime<Utc>) -> Self {
        let record = condition.record.as_ref();
        let text = |get: fn(&conditions::Record) -> &String| record.map(get).cloned();
        Self {
            condition_id: condition.condition_id.to_string(),
            act: condition.act.as_str(),
            text: rule(condition.act).text,
            task: condition.task.clone(),
            due: said::at(condition.due_at),
            late: condition.is_open() && condition.due_at < now,
            state: words::condition(record.map(|record| record.outcome)),
            // A condition that ended with its referral has a code for a reason.
            reason: record
                .filter(|record| record.by.is_some())
                .map(|record| record.reason.clone())
                .unwrap_or_default(),
            evidence: text(|record| &record.evidence).unwrap_or_default(),
        }
    }
}

/// A home that was ruled out, and what is seen to for it.
#[derive(Debug)]
pub(crate) struct Conditional {
    matched: Matched,
    setting_id: SettingId,
    offer_id: OfferId,
    conditions: Vec<Condition>,
}

impl Subject for Conditional {
    type At = (String, String);

    async fn load(app: &App, viewer: &Viewer, (id, setting): &Self::At) -> Result<Self, Fault> {
        let setting_id: SettingId = find::id(setting, "The home")?;
        let none = Parameters::default();
        let matched = Matched::load(app, viewer, id, &none, "options.read").await?;
        let offer_id = offer_id(app, &matched, &setting_id);
        let mut conditions = app.store.conditions_of(matched.run.key).await?;
        conditions.retain(|it| it.offer_id == offer_id);
        let mut excluded = matched.run.evaluation.excluded.iter();
        if conditions.is_empty() && !excluded.any(|it| it.setting_id == setting_id) {
            return Err(Fault::not_found("Among what is not shown, this home"));
        }
        Ok(Self {
            matched,
            setting_id,
            offer_id,
            conditions,
        })
    }

    fn section(&self) -> Section<'_> {
        self.matched.section()
    }
}

#[derive(Debug, Template)]
#[template(path = "conditional.html")]
pub(crate) struct ConditionalPage {
    layout: Layout,
    form: Form,
    reference: String,
    link: String,
    setting_id: String,
    /// What is against it.
    reasons: Vec<String>,
    /// What would cure that, or was not met before: code and words.
    acts: Vec<(&'static str, &'static str)>,
    rows: Vec<ConditionRow>,
    may_act: bool,
    act: String,
    task: String,
    due_on: [String; 3],
}

/// Seeing to what would bring a home in: a referral and a setting.
#[derive(Debug)]
pub(crate) enum Pursue {}

impl Deed for Pursue {
    type To = Conditional;
    type Page = ConditionalPage;

    fn path((id, setting): &(String, String)) -> String {
        format!("/referrals/{id}/conditional/{setting}")
    }

    fn page(sheet: Sheet<'_>, to: Conditional) -> ConditionalPage {
        let mut excluded = to.matched.run.evaluation.excluded.iter();
        let excluded = excluded.find(|it| it.setting_id == to.setting_id);
        let help = excluded.iter().flat_map(|it| it.requires.iter());
        let again = conditions::not_met(to.conditions.iter(), to.offer_id);
        let acts: BTreeSet<_> = help.chain(again).collect();
        let acts = acts.into_iter().map(|it| (it.as_str(), rule(it).text));
        let acts: Vec<_> = acts.collect();
        let reasons = excluded.iter().flat_map(|it| it.reasons.iter());
        let now = sheet.app.clock.now();
        let rows = to.conditions.iter().map(|it| ConditionRow::new(it, now));
        let is_open = to.matched.stored.state.is_open();
        ConditionalPage {
            act: match acts.as_slice() {
                [(only, _)] => (*only).to_owned(),
                _ => sheet.typed("act"),
            },
            task: sheet.typed("task"),
            due_on: sheet.typed_day("due_on"),
            may_act: sheet.viewer.may(Act::Pursue) && is_open && !acts.is_empty(),
            layout: sheet.layout,
            form: sheet.form,
            reference: to.matched.stored.referral_id.to_string(),
            link: to.matched.link(),
            setting_id: to.setting_id.to_string(),
            reasons: reasons.map(explain::reason).collect(),
            acts,
            rows: rows.collect(),
        }
    }

    async fn carry_out(
        app: &App,
        viewer: &Viewer,
        at: &(String, String),
        fields: &Fields,
    ) -> Result<String, Fault> {
        must_pursue(viewer)?;
        let due_on = fields.day("due_on");
        let pursuit = Pursuit {
            offer_id: Conditional::load(app, viewer, at).await?.offer_id,
            act: chosen(fields, "act", "choose what is to be done")?,
            task: fields.text("task")?.to_owned(),
            due_on: due_on.parse().map_err(|_| {
                let (code, what) = match &*due_on {
                    "" => ("required", "is missing"),
                    _ => ("invalid_date", "must be a real date, such as 27 3 2027"),
                };
                Fault::invalid_field("/due_on", code, what)
            })?,
        };
        let caller = viewer.caller();
        let wanted = acts::wanted(app, pursuit.offer_id);
        act(app, &caller, &wanted, |unit, context| {
            acts::authority_of(app, &caller, unit, pursuit.offer_id)?;
            let pursuit = pursuit.clone();
            Ok(app.with_world(|world| conditions::pursue(unit, context, world, pursuit))?)
        })
        .await?;
        Ok(format!("/referrals/{}/progress", at.0))
    }
}

/// Reading is for more people than acting.
fn must_pursue(viewer: &Viewer) -> Result<(), Fault> {
    if viewer.may(Act::Pursue) {
        return Ok(());
    }
    Err(Fault::forbidden("No role of yours may do this."))
}

fn chosen<T: FromStr>(fields: &Fields, name: &str, what: &str) -> Result<T, Fault> {
    let missing = |_| Fault::invalid_field(&format!("/{name}"), "required_tick", what);
    fields.get(name).parse().map_err(missing)
}

#[derive(Debug, Template)]
#[template(path = "condition.html")]
pub(crate) struct ConditionPage {
    layout: Layout,
    form: Form,
    reference: String,
    row: ConditionRow,
    outcomes: Vec<(&'static str, &'static str)>,
    may_record: bool,
    outcome: String,
    reason: String,
    evidence: String,
}

impl Subject for Condition {
    type At = String;

    async fn load(app: &App, viewer: &Viewer, id: &String) -> Result<Self, Fault> {
        let condition_id: ConditionId = find::id(id, "The condition")?;
        let caller = viewer.caller();
        act(app, &caller, &wanted(condition_id), |unit, context| {
            let found = unit.conditions.get(&condition_id).cloned();
            let authority = found.as_ref().map(|it| it.authority);
            let authority = find::own(&caller, authority, "The condition")?;
            let found = found.ok_or_else(Fault::internal)?;
            let (key, read) = (Some(found.referral), "condition.read");
            unit.record(context, authority, key, read, condition_id, None);
            Ok(found)
        })
        .await
    }

    fn section(&self) -> Section<'_> {
        Section::Within(Menu::Queue)
    }
}

/// Recording what came of it.
#[derive(Debug)]
pub(crate) enum Note {}

impl Deed for Note {
    type To = Condition;
    type Page = ConditionPage;

    fn path(id: &String) -> String {
        format!("/conditions/{id}")
    }

    fn page(sheet: Sheet<'_>, condition: Condition) -> ConditionPage {
        let outcomes = Outcome::ALL.iter();
        let outcomes = outcomes.map(|it| (it.as_str(), words::condition(Some(*it)).text));
        ConditionPage {
            row: ConditionRow::new(&condition, sheet.app.clock.now()),
            outcomes: outcomes.collect(),
            may_record: sheet.viewer.may(Act::Pursue) && condition.is_open(),
            outcome: sheet.typed("outcome"),
            reason: sheet.typed("reason"),
            evidence: sheet.typed("evidence"),
            layout: sheet.layout,
            form: sheet.form,
            reference: condition.referral_id.to_string(),
        }
    }

    fn question(condition: &Condition, fields: &Fields) -> Option<Question> {
        let outcome: Outcome = fields.get("outcome").parse().ok()?;
        let text = |name: &str| fields.get(name).to_owned();
        Some(Question {
            caption: format!("Referral {}", condition.referral_id),
            title: format!("Record condition {}?", condition.act),
            rows: vec![
                (
                    "What came of it",
                    words::condition(Some(outcome)).text.to_owned(),
                ),
                ("Why", text("reason")),
                ("What shows it", text("evidence")),
            ],
            warning: "It cannot be changed afterwards. If it is not met, a placement that was \
                      agreed in this home is called off.",
            button: "Record",
        })
    }

    async fn carry_out(
        app: &App,
        viewer: &Viewer,
        id: &String,
        fields: &Fields,
    ) -> Result<String, Fault> {
        must_pursue(viewer)?;
        let condition_id: ConditionId = find::id(id, "The condition")?;
        let word = Word {
            outcome: chosen(fields, "outcome", "choose what came of it")?,
            reason: fields.text("reason")?.to_owned(),
            evidence: fields.text("evidence")?.to_owned(),
        };
        let caller = viewer.caller();
        let referral_id = act(app, &caller, &wanted(condition_id), |unit, context| {
            let found = unit.conditions.get(&condition_id);
            find::own(&caller, found.map(|it| it.authority), "The condition")?;
            let referral_id = found.map(|it| it.referral_id.clone());
            conditions::record(unit, context, condition_id, word.clone())?;
            referral_id.ok_or_else(Fault::internal)
        })
        .await?;
        Ok(format!("/referrals/{referral_id}/progress"))
    }
}

fn wanted(condition_id: ConditionId) -> Wanted {
    Wanted {
        conditions: [condition_id].into(),
        ..Wanted::default()
    }
}
