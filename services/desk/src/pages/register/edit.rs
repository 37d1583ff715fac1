//! Writing an entry of the register: a new one, or the next version of one.
//!
//! What is sent is put into the stored entry and read by the contract as `setting.changed` is, so the
//! same is refused; what is refused is told at its field. What it comes to is asked about first.

use super::{
    Register, as_seen, at,
    questions::{CONFIRMED, ID, PARTS, questions},
    refuse_stale, said, seen,
};
use crate::{
    act::act,
    api::settings,
    app::App,
    pages::{
        acts::{
            form::{Fields, Form, Notice},
            frame::{Deed, Question, Sheet},
        },
        ask::{self, Control, Field, Pressed, asking, press, put},
        layout::Layout,
    },
    problem::Fault,
    session::Viewer,
};
use askama::Template;
use oss_contract::{setting_from_json, setting_to_json};
use oss_domain::{
    AuthorityCode, FieldError, Setting, identity::IdentityOffered, setting::ApprovalStatus, version,
};
use oss_workflow::{Wanted, admission};
use serde_json::{Value, json};
use std::{iter::once, sync::Arc};

#[derive(Debug, Template)]
#[template(path = "setting_edit.html")]
pub(crate) struct EditPage {
    layout: Layout,
    form: Form,
    entry: Entry,
    parts: Vec<(&'static str, Vec<Field>)>,
}

/// What a page is about.
#[derive(Debug)]
struct Entry {
    title: String,
    /// Where the form is sent to.
    path: String,
    /// Where whoever gives up is led.
    back: String,
    /// What the page was made of.
    version: String,
    /// A new entry's id.
    id: Option<Field>,
}

impl EditPage {
    fn new(sheet: Sheet<'_>, entry: Entry, document: &Value) -> Self {
        let shown = |question: &ask::Question| question.show("", document);
        let parts = PARTS.iter();
        let parts = parts.map(|part| (part.title, part.questions.iter().map(shown).collect()));
        Self {
            parts: parts.collect(),
            entry,
            layout: sheet.layout,
            form: sheet.form,
        }
    }
}

/// Stands on the page of a new entry where that of a stored one has its version.
const NEW: &str = "new";

/// Changing an entry: of a setting.
#[derive(Debug)]
pub(crate) enum Edit {}

impl Deed for Edit {
    type To = Arc<Setting>;
    type Page = EditPage;

    fn path(id: &String) -> String {
        format!("/admin/settings/{id}/edit")
    }

    fn page(mut sheet: Sheet<'_>, setting: Arc<Setting>) -> EditPage {
        let mut document = whole(setting_to_json(&setting));
        match (sheet.fields.get("version"), &sheet.form.notice) {
            ("", _) => {}
            (version, notice) => match refuse_stale(&setting, version) {
                Ok(()) => document = shown_again(&mut sheet, document),
                // What was typed about another version is not repeated: the page shows the entry
                // as it is.
                Err(stale) if notice.is_none() => sheet.form.notice = Notice::of(stale).ok(),
                Err(_) => {}
            },
        }
        let id = setting.setting_id.to_string();
        let entry = Entry {
            title: format!("Change {id}"),
            path: Self::path(&id),
            back: format!("/admin/settings/{id}"),
            version: seen(&setting),
            id: None,
        };
        EditPage::new(sheet, entry, &document)
    }

    async fn looked_up_question(
        app: &App,
        _: &Viewer,
        stored: &Arc<Setting>,
        fields: &Fields,
    ) -> Result<Option<Question>, Fault> {
        refuse_stale(stored, fields.get("version"))?;
        let changed = changed(app, stored, fields)?;
        let changes = said::changes(stored, &changed).into_iter();
        let mut rows: Vec<_> = changes.map(|text| ("Changes", text)).collect();
        if rows.is_empty() {
            rows.push(("Changes", "Nothing that is shown here".to_owned()));
        }
        Ok(Some(asked(format!("Change {}?", stored.setting_id), rows)))
    }

    async fn carry_out(
        app: &App,
        viewer: &Viewer,
        id: &String,
        fields: &Fields,
    ) -> Result<String, Fault> {
        let at = at(viewer, id)?;
        let wanted = Wanted::settings([at.clone()]);
        act(app, &viewer.caller(), &wanted, |unit, context| {
            let changed = changed(app, as_seen(unit, &at, fields)?, fields)?;
            settings::change(unit, context, &changed)?;
            Ok(())
        })
        .await?;
        Ok(format!("/admin/settings/{id}"))
    }
}

/// Adding an entry.
#[derive(Debug)]
pub(crate) enum Add {}

impl Deed for Add {
    type To = Register;
    type Page = EditPage;

    fn path((): &()) -> String {
        "/admin/new-setting".to_owned()
    }

    fn page(mut sheet: Sheet<'_>, _: Register) -> EditPage {
        let mut document = whole(json!({}));
        if sheet.fields.get("version") == NEW {
            ID.read("", sheet.fields, &mut document);
            document = shown_again(&mut sheet, document);
        }
        let entry = Entry {
            title: "Add a home or carer".to_owned(),
            path: Self::path(&()),
            back: "/admin/settings".to_owned(),
            version: NEW.to_owned(),
            id: Some(ID.show("", &document)),
        };
        EditPage::new(sheet, entry, &document)
    }

    async fn looked_up_question(
        app: &App,
        viewer: &Viewer,
        _: &Register,
        fields: &Fields,
    ) -> Result<Option<Question>, Fault> {
        let added = added(app, viewer.authority(), fields)?;
        let title = format!("Add {} to the register?", added.setting_id);
        Ok(Some(asked(title, said::facts(true, &added))))
    }

    async fn carry_out(
        app: &App,
        viewer: &Viewer,
        (): &(),
        fields: &Fields,
    ) -> Result<String, Fault> {
        let added = added(app, viewer.authority(), fields)?;
        let at = (added.authority, added.setting_id.clone());
        let wanted = Wanted::settings([at.clone()]);
        act(app, &viewer.caller(), &wanted, |unit, context| {
            if unit.settings.contains_key(&at) {
                let what = "the register has, or had, another home of this id";
                return Err(Fault::invalid_field(ID.pointer, "required_tick", what));
            }
            settings::change(unit, context, &added)?;
            Ok(())
        })
        .await?;
        Ok(format!("/admin/settings/{}", added.setting_id))
    }
}

fn asked(title: String, rows: Vec<(&'static str, String)>) -> Question {
    Question {
        caption: "Nothing has been changed yet".to_owned(),
        title,
        rows,
        warning: "Open referrals are ranked again at once.",
        button: "Save",
    }
}

/// An entry with all that the contract leaves out because it goes without saying.
fn whole(mut document: Value) -> Value {
    let english = || {
        json!(
            IdentityOffered::default()
                .languages
                .iter()
                .map(ToString::to_string)
                .collect::<Vec<_>>()
        )
    };
    let unsaid = [
        ("/blocked_places", json!(0)),
        ("/wheelchair_accessible", json!(false)),
        ("/no_male_household", json!(false)),
        ("/approval/status", json!(ApprovalStatus::Approved.as_str())),
        ("/identity/languages", english()),
    ];
    for (pointer, stands_for) in unsaid {
        if document.pointer(pointer).is_none() {
            put(&mut document, pointer, Some(stands_for));
        }
    }
    document
}

/// The entry with what was typed, for the page that is shown again: with another item to fill in, or
/// one less, where a button said so, and else without items in which nothing is filled in.
fn shown_again(sheet: &mut Sheet<'_>, mut document: Value) -> Value {
    ask::read(questions(), "", sheet.fields, &mut document);
    match press(sheet.fields.pressed(), questions(), &mut document) {
        Pressed::Done => {}
        Pressed::Full(notice) => sheet.form.notice = Some(notice),
        Pressed::Other => questions().for_each(|it| it.tidy(&mut document)),
    }
    document
}

/// The entry that was typed over `document`, as far as it may be taken in.
fn understood(app: &App, mut document: Value, fields: &Fields) -> Result<Setting, Fault> {
    ask::read(questions(), "", fields, &mut document);
    let too_many = questions().find_map(|it| it.too_many(&document, 0));
    if let Some((field, text)) = too_many {
        return Err(Fault::invalid_field(
            &format!("/{field}"),
            "required_tick",
            &text,
        ));
    }
    questions().for_each(|it| it.tidy(&mut document));
    // Nobody, and no language, are answers too.
    for pointer in ["/residents", "/identity/languages"] {
        if document.pointer(pointer).is_none() {
            put(&mut document, pointer, Some(json!([])));
        }
    }
    // There is no framework of which nothing is said.
    if document.get("framework") == Some(&json!({})) {
        put(&mut document, "/framework", None);
    }
    let setting = setting_from_json(&document).map_err(|faults| refused(&faults))?;
    let faults = admission::setting_faults(&setting, &app.gazetteer, &app.policy);
    if faults.is_empty() {
        Ok(setting)
    } else {
        Err(refused(&faults))
    }
}

/// The refusal, each fault told at its field in plain words.
fn refused(faults: &[FieldError]) -> Fault {
    let all = || once(&ID).chain(questions()).map(|it| ((), it));
    let told = faults.iter().map(|fault| {
        let Some(((), question)) = asking(all, &fault.pointer) else {
            return fault.clone();
        };
        let (field, text) = question.fault(fault);
        FieldError::new(format!("/{field}"), "required_tick", text)
    });
    Fault::invalid(&told.collect::<Vec<_>>())
}

/// The stored entry with what was typed, in its next version. Who changes what is free, or ticks
/// that it was checked, has confirmed it; a new price says nothing of it.
fn changed(app: &App, stored: &Setting, fields: &Fields) -> Result<Setting, Fault> {
    let mut document = setting_to_json(stored);
    put(
        &mut document,
        "/version",
        Some(version::next(stored.version).into()),
    );
    let mut changed = understood(app, document, fields)?;
    let says_what_is_free = changed.occupancy != stored.occupancy;
    if says_what_is_free {
        changed.occupancy.version = version::next(stored.occupancy.version);
    }
    if says_what_is_free || !fields.get(CONFIRMED).is_empty() {
        changed.capacity_confirmed_at = Some(app.clock.now());
    }
    Ok(changed)
}

/// The new entry that was typed; what is free there is confirmed with it.
fn added(app: &App, authority: AuthorityCode, fields: &Fields) -> Result<Setting, Fault> {
    let mut document = json!({
        "authority": authority.as_str(), "version": 1, "occupancy_version": 1,
    });
    ID.read("", fields, &mut document);
    let mut added = understood(app, document, fields)?;
    added.capacity_confirmed_at = Some(app.clock.now());
    Ok(added)
}
