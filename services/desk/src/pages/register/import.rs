//! Taking in a register's file: what it would change is shown before anything is.

pub(crate) mod progress;

use super::{Register, said};
use crate::{
    app::App,
    pages::{
        acts::{
            form::{Fields, Form},
            frame::{Deed, Question, Sheet},
        },
        layout::Layout,
        words,
    },
    problem::Fault,
    reading::record_reading,
    session::Viewer,
};
use askama::Template;
use oss_contract::register;
use oss_domain::{FieldError, Setting, SettingId};
use oss_workflow::{SettingHead, admission, supply};
use progress::Fate;
use std::collections::BTreeMap;

/// So many of a kind are told one by one; of the others only how many.
const TOLD: usize = 50;

#[derive(Debug, Template)]
#[template(path = "register_import.html")]
pub(crate) struct ImportPage {
    layout: Layout,
    form: Form,
    text: String,
}

/// Taking in a file.
#[derive(Debug)]
pub(crate) enum Import {}

impl Deed for Import {
    type To = Register;
    type Page = ImportPage;
    const HAS_FILE: bool = true;

    fn path((): &()) -> String {
        "/admin/import".to_owned()
    }

    fn page(sheet: Sheet<'_>, _: Register) -> ImportPage {
        // What is wrong in a file is put right in the file, and that is chosen anew.
        let text = match sheet.form.error(FILE) {
            None => sent(sheet.fields).1,
            Some(_) => sheet.fields.get(TEXT),
        };
        ImportPage {
            text: text.to_owned(),
            layout: sheet.layout,
            form: sheet.form,
        }
    }

    async fn looked_up_question(
        app: &App,
        viewer: &Viewer,
        _: &Register,
        fields: &Fields,
    ) -> Result<Option<Question>, Fault> {
        let file = File::read(app, viewer, fields)?;
        // What changes may tell of the children who live there.
        let at = (viewer.authority(), None);
        let thing = format!("those in a file of {}", file.n_settings());
        record_reading(app, &viewer.caller(), at, "settings.read", thing).await?;
        let heads = app.store.setting_heads(viewer.authority()).await?;
        Ok(Some(file.question(&heads)))
    }

    async fn carry_out(
        app: &App,
        viewer: &Viewer,
        (): &(),
        fields: &Fields,
    ) -> Result<String, Fault> {
        let file = File::read(app, viewer, fields)?;
        if !app.rehearses() {
            progress::begin(app, viewer, fields, file).await?;
        }
        Ok(progress::page_of(fields))
    }
}

const FILE: &str = "file";
const TEXT: &str = "text";

/// The field that holds the settings, and what is in it: the file that was chosen, or else what
/// was pasted.
fn sent(fields: &Fields) -> (&'static str, &str) {
    let field = |name| (name, fields.get(name));
    let filled = [FILE, TEXT].map(field).into_iter();
    let mut filled = filled.filter(|(_, text)| !text.is_empty());
    filled.next().unwrap_or((FILE, ""))
}

/// A file's entries.
struct File {
    good: Vec<Setting>,
    /// Which cannot be taken in, and why.
    refused: Vec<String>,
}

impl File {
    /// Reads what was sent.
    fn read(app: &App, viewer: &Viewer, fields: &Fields) -> Result<Self, Fault> {
        let (field, text) = sent(fields);
        let refused = |what: &str| {
            let pointer = format!("/{field}");
            Fault::invalid_field(&pointer, "required_tick", what)
        };
        let entries = register::entries(text)
            .map_err(|error| refused(&format!("the file is not JSON: {error}")))?;
        if entries.is_empty() {
            return Err(refused("choose a file, or paste one: it holds no setting"));
        }
        let mut file = Self {
            good: Vec::new(),
            refused: Vec::new(),
        };
        for (number, entry) in (1..).zip(entries) {
            match entry.and_then(|setting| admissible(app, viewer, setting)) {
                Ok(setting) => file.good.push(setting),
                Err(faults) => file.refused.push(told(number, &faults)),
            }
        }
        if file.good.is_empty() {
            let fault = |text: String| FieldError::new(format!("/{field}"), "required_tick", text);
            let faults: Vec<_> = one_by_one(&file.refused).into_iter().map(fault).collect();
            return Err(Fault::invalid(&faults));
        }
        Ok(file)
    }

    fn n_settings(&self) -> usize {
        self.good.len() + self.refused.len()
    }

    fn question(&self, heads: &BTreeMap<SettingId, SettingHead>) -> Question {
        let n_settings = i64::try_from(self.n_settings()).unwrap_or(i64::MAX);
        let mut rows = vec![("In the file", words::many(n_settings, "setting"))];
        let mut by_fate = BTreeMap::<Fate, Vec<_>>::new();
        for setting in &self.good {
            let effect = supply::effect(heads.get(&setting.setting_id), setting);
            by_fate.entry(effect.into()).or_default().push(setting);
        }
        for fate in Fate::ALL {
            let settings = by_fate.remove(&fate).unwrap_or_default();
            if fate != Fate::Changed {
                let ids = settings.iter().map(|it| it.setting_id.to_string());
                let ids = ids.collect::<Vec<_>>();
                rows.extend(listed(fate.in_words(), &ids, ", "));
                continue;
            }
            let changes = settings.iter().map(|setting| {
                let head = heads.get(&setting.setting_id);
                let stored = head.and_then(|head| head.setting.as_deref());
                let changes = stored.map(|stored| said::changes(stored, setting));
                let changes = changes.unwrap_or_default().join("; ");
                format!("{}: {changes}", setting.setting_id)
            });
            let changes = one_by_one(&changes.collect::<Vec<_>>());
            rows.extend(changes.into_iter().map(|text| (fate.in_words(), text)));
        }
        let refused = one_by_one(&self.refused).into_iter();
        rows.extend(refused.map(|text| (Fate::Refused.in_words(), text)));
        Question {
            caption: "Nothing has been changed yet".to_owned(),
            title: "Take in this file?".to_owned(),
            rows,
            warning: "Open referrals are ranked again at once. What is refused is left out.",
            button: "Take it in",
        }
    }
}

/// The entry, if the viewer's register can take it in.
fn admissible(app: &App, viewer: &Viewer, setting: Setting) -> Result<Setting, Vec<FieldError>> {
    let mut faults = admission::setting_faults(&setting, &app.gazetteer, &app.policy);
    if setting.authority != viewer.authority() {
        let detail = "must be the council that you work for";
        faults.push(FieldError::new("/authority", "other_authority", detail));
    }
    if faults.is_empty() {
        Ok(setting)
    } else {
        Err(faults)
    }
}

fn told(number: usize, faults: &[FieldError]) -> String {
    let fault = |fault: &FieldError| format!("{} {}", fault.pointer, fault.detail);
    let faults: Vec<_> = faults.iter().map(fault).collect();
    format!("Setting {number} of the file: {}", faults.join("; "))
}

fn listed(name: &'static str, items: &[String], between: &str) -> Option<(&'static str, String)> {
    let told: Vec<_> = items.iter().take(TOLD).map(String::as_str).collect();
    let more = items.len().saturating_sub(TOLD);
    let more = if more > 0 {
        format!(" and {more} more")
    } else {
        String::new()
    };
    let count = format!("{}: {}{more}", items.len(), told.join(between));
    (!items.is_empty()).then_some((name, count))
}

/// A text for each, and one for how many more there are.
fn one_by_one(items: &[String]) -> Vec<String> {
    let told = items.iter().take(TOLD).cloned();
    let more = items.len().saturating_sub(TOLD);
    let more = (more > 0).then(|| format!("and {more} more"));
    told.chain(more).collect()
}
