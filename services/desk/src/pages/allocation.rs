//! Taking a referral on, giving it back, handing it over to a colleague.

use super::{
    acts::{
        form::{Fields, Form as FormParts, Notice},
        frame::{Deed, Sheet, Subject},
    },
    layout::{Layout, Section},
    referral,
};
use crate::{api::find, app::App, problem::Fault, query::Parameters, session::Viewer};
use askama::Template;
use axum::{
    Form,
    extract::{Path, State},
    response::{IntoResponse, Redirect, Response},
};
use oss_domain::{AuthorityCode, Ids};
use oss_storage::{desk::Taken, people::Person, referrals::StoredReferral};
use oss_workflow::{
    Actor, Context, Store,
    authorise::{Act, may},
};
use serde::Deserialize;
use std::sync::Arc;

/// People that are read at a time to look for colleagues.
const AT_ONCE: u32 = 500;

/// Who has it, as the page showed it, and what is to become of that.
#[derive(Debug, Deserialize)]
pub(crate) struct Change {
    #[serde(default)]
    from: String,
    to: To,
    #[serde(default)]
    back_to: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum To {
    Me,
    Nobody,
}

/// `GET /referrals/{id}/allocation`: for whoever had to sign in again before it was changed.
pub(crate) async fn back(Path(id): Path<String>) -> Redirect {
    Redirect::to(&format!("/referrals/{id}"))
}

/// `POST /referrals/{id}/allocation`
pub(crate) async fn change(
    State(app): State<App>,
    viewer: Viewer,
    Path(id): Path<String>,
    Form(change): Form<Change>,
) -> Result<Response, Fault> {
    let me = Taken {
        user_id: viewer.caller().principal.id.to_string(),
        user_name: viewer.name().to_owned(),
        since: app.clock.now(),
        given_by: None,
    };
    let (to, act) = match (change.to, &*change.from) {
        (To::Nobody, _) => (None, "referral.released"),
        (To::Me, "") => (Some(&me), "referral.taken"),
        (To::Me, _) => (Some(&me), "referral.taken_over"),
    };
    match give(&app, &viewer, &id, &change.from, to, (act, None)).await {
        // Only to pages of ours that show it.
        Ok(()) if change.back_to == "queue" => Ok(Redirect::to("/").into_response()),
        Ok(()) => Ok(Redirect::to(&format!("/referrals/{id}")).into_response()),
        Err(fault) => {
            let notice = Notice::of(fault)?;
            let parameters = Parameters::default();
            referral::page(&app, &viewer, &id, &parameters, Some(notice)).await
        }
    }
}

/// Gives it to somebody, or to nobody, if `from` has it still: nobody where that is empty. `said`
/// is the line of the audit, and why.
async fn give(
    app: &App,
    viewer: &Viewer,
    id: &str,
    from: &str,
    to: Option<&Taken>,
    (act, why): (&'static str, Option<String>),
) -> Result<(), Fault> {
    let caller = viewer.caller();
    let wanted = find::referral(&caller, id, &Parameters::default())?;
    let (mut unit, mut transaction) = app.store.open(&wanted).await?;
    let head = find::the_referral(&unit)?.clone();
    let from = (!from.is_empty()).then_some(from);
    let given = app.store.hand_over(&mut transaction, head.key, from, to);
    if !given.await? {
        let has = app.store.taken(head.key).await?;
        let has = has.map_or("Nobody".to_owned(), |taken| taken.user_name);
        let detail = format!("{has} has referral {id} now.");
        return Err(Fault::conflict(
            "taken_meanwhile",
            "Somebody was quicker",
            detail,
        ));
    }
    let thing = to.map_or("nobody", |to| &*to.user_id);
    app.with_chance(|rng| {
        let context = Context {
            actor: Actor::Person(Arc::clone(&caller.principal.id)),
            now: app.clock.now(),
            traceparent: caller.traceparent.clone(),
            ids: &mut Ids::new(&*app.clock, rng),
        };
        unit.record(&context, head.authority, Some(head.key), act, thing, why);
    });
    if !app.rehearses() {
        app.store.commit(unit, transaction).await?;
    }
    Ok(())
}

#[derive(Debug, Template)]
#[template(path = "hand_over.html")]
pub(crate) struct HandOverPage {
    layout: Layout,
    form: FormParts,
    reference: String,
    taken: Option<Taken>,
    own: bool,
    colleagues: Vec<(String, String)>,
    to: String,
    note: String,
}

/// A referral, who has it, and who else may have it.
#[derive(Debug)]
pub(crate) struct Allocated {
    stored: StoredReferral,
    taken: Option<Taken>,
    colleagues: Vec<Person>,
}

impl Subject for Allocated {
    type At = String;

    async fn load(app: &App, viewer: &Viewer, id: &String) -> Result<Self, Fault> {
        let parameters = Parameters::default();
        let stored = find::stored_referral(app, &viewer.caller(), id, &parameters).await?;
        let taken = app.store.taken(stored.key).await?;
        let has = taken.as_ref().map(|taken| &*taken.user_id);
        let mut colleagues = team(app, stored.authority).await?;
        colleagues.retain(|person| Some(&*person.user_id.to_string()) != has);
        Ok(Self {
            stored,
            taken,
            colleagues,
        })
    }

    fn section(&self) -> Section<'_> {
        Section::Case(self.taken.as_ref())
    }
}

/// Handing a referral over to a colleague.
#[derive(Debug)]
pub(crate) enum HandOver {}

impl Deed for HandOver {
    type To = Allocated;
    type Page = HandOverPage;

    fn path(id: &String) -> String {
        format!("/referrals/{id}/hand-over")
    }

    fn page(sheet: Sheet<'_>, allocated: Allocated) -> HandOverPage {
        let me = sheet.viewer.user_id();
        let taken = allocated.taken;
        let colleagues = allocated.colleagues.into_iter();
        let colleagues = colleagues.map(|person| {
            let you = if person.user_id == me { " (you)" } else { "" };
            (person.user_id.to_string(), format!("{}{you}", person.name))
        });
        HandOverPage {
            to: sheet.typed("to"),
            note: sheet.typed("note"),
            layout: sheet.layout,
            form: sheet.form,
            reference: allocated.stored.referral_id.to_string(),
            own: taken
                .as_ref()
                .is_some_and(|it| it.user_id == me.to_string()),
            taken,
            colleagues: colleagues.collect(),
        }
    }

    async fn carry_out(
        app: &App,
        viewer: &Viewer,
        id: &String,
        fields: &Fields,
    ) -> Result<String, Fault> {
        let note = fields.text("note")?;
        let parameters = Parameters::default();
        let stored = find::stored_referral(app, &viewer.caller(), id, &parameters).await?;
        let mut team = team(app, stored.authority).await?.into_iter();
        let person = team.find(|person| person.user_id.to_string() == fields.get("to"));
        let person = person.ok_or_else(|| {
            let what = "choose who is to work on it";
            Fault::invalid_field("/to", "required_tick", what)
        })?;
        let to = Taken {
            user_id: person.user_id.to_string(),
            user_name: person.name,
            since: app.clock.now(),
            given_by: Some(viewer.name().to_owned()),
        };
        let said = (!note.is_empty()).then(|| note.to_owned());
        let line = ("referral.handed_over", said);
        give(app, viewer, id, fields.get("from"), Some(&to), line).await?;
        Ok(format!("/referrals/{id}"))
    }
}

/// Who may work on a council's referrals, by name.
async fn team(app: &App, authority: AuthorityCode) -> Result<Vec<Person>, Fault> {
    let mut people: Vec<Person> = Vec::new();
    loop {
        let after = people.last().map(|person| person.user_id);
        let more = app.store.list_people(authority, after, AT_ONCE).await?;
        if more.is_empty() {
            break;
        }
        people.extend(more);
    }
    people.retain(|person| {
        let approaches = person.roles.iter().any(|role| may(*role, Act::Approach));
        person.disabled_at.is_none() && approaches
    });
    people.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(people)
}
