//! Taking in a register's file: what it would change is shown before anything is, and what it did
//! change after.

use super::said;
use crate::{
    act::act,
    api::settings,
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
    query::Parameters,
    session::Viewer,
};
use askama::Template;
use oss_contract::register;
use oss_domain::{FieldError, Setting, SettingId};
use oss_workflow::{
    SettingHead, Wanted, admission,
    supply::{self, Effect},
};
use std::collections::BTreeMap;

/// So many settings are committed together.
const CHUNK: usize = 200;
/// So many of a kind are told one by one; of the others only how many.
const TOLD: usize = 50;

/// What may become of a setting of the file: its name in addresses, and what people are told.
const EFFECTS: [(&str, &str); 5] = [
    ("new", "New"),
    ("changed", "Changed"),
    ("unchanged", "Unchanged"),
    ("ignored", "Ignored: not newer than what is stored"),
    ("refused", "Refused"),
];

const fn name(effect: Effect) -> &'static str {
    match effect {
        Effect::New => "new",
        Effect::Changed => "changed",
        Effect::Unchanged => "unchanged",
        Effect::Ignored => "ignored",
    }
}

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
    type To = ();
    type Page = ImportPage;
    const HAS_FILE: bool = true;

    fn path((): &()) -> String {
        "/admin/import".to_owned()
    }

    fn page(sheet: Sheet<'_>, (): ()) -> ImportPage {
        ImportPage {
            text: sent(sheet.fields).to_owned(),
            layout: sheet.layout,
            form: sheet.form,
        }
    }

    async fn looked_up_question(
        app: &App,
        viewer: &Viewer,
        (): &(),
        fields: &Fields,
    ) -> Result<Option<Question>, Fault> {
        let file = File::read(app, viewer, fields)?;
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
        if file.good.is_empty() && file.refused.is_empty() {
            let what = "choose a file, or paste one: it holds no setting";
            return Err(Fault::invalid_field("/text", "required_tick", what));
        }
        let caller = viewer.caller();
        let mut counts = BTreeMap::from([("refused", file.refused.len())]);
        for chunk in file.good.chunks(CHUNK) {
            let at = |it: &Setting| (it.authority, it.setting_id.clone());
            let wanted = Wanted {
                settings: chunk.iter().map(at).collect(),
                ..Wanted::default()
            };
            let effects = act(app, &caller, &wanted, |unit, context| {
                let mut effects = Vec::new();
                for setting in chunk {
                    // One that is too old is ignored, as from an event; so is one that became so
                    // since it was asked about.
                    let effect = supply::effect(unit.settings.get(&at(setting)), setting);
                    if effect != Effect::Ignored {
                        settings::change(unit, context, setting)?;
                    }
                    effects.push(effect);
                }
                Ok(effects)
            });
            for effect in effects.await? {
                *counts.entry(name(effect)).or_default() += 1;
            }
        }
        let counts = counts.iter().map(|(name, count)| (name, count.to_string()));
        let counts = form_urlencoded::Serializer::new(String::new())
            .extend_pairs(counts)
            .finish();
        Ok(format!("/admin/settings?{counts}"))
    }
}

/// What became of the settings of a file, where the register's page is shown after one.
pub(super) fn taken_in(parameters: &Parameters) -> Result<Vec<(&'static str, u32)>, Fault> {
    let counts = EFFECTS.map(|(name, text)| Ok((text, parameters.get::<u32>(name)?)));
    let counts: Vec<_> = counts.into_iter().collect::<Result<_, Fault>>()?;
    let told = |(text, count): (_, Option<u32>)| Some((text, count?)).filter(|it| it.1 > 0);
    Ok(counts.into_iter().filter_map(told).collect())
}

/// The text of the file: the one that was chosen, or else what was pasted.
fn sent(fields: &Fields) -> &str {
    match fields.get("file") {
        "" => fields.get("text"),
        file => file,
    }
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
        let entries = register::entries(sent(fields)).map_err(|error| {
            let what = format!("the file is not JSON: {error}");
            Fault::invalid_field("/text", "required_tick", &what)
        })?;
        let (mut good, mut refused) = (Vec::new(), Vec::new());
        for (number, entry) in (1..).zip(entries) {
            match entry.and_then(|setting| admissible(app, viewer, setting)) {
                Ok(setting) => good.push(setting),
                Err(faults) => refused.push(told(number, &faults)),
            }
        }
        Ok(Self { good, refused })
    }

    fn question(&self, heads: &BTreeMap<SettingId, SettingHead>) -> Question {
        let mut rows = vec![(
            "In the file",
            words::many(
                i64::try_from(self.good.len() + self.refused.len()).unwrap_or(i64::MAX),
                "setting",
            ),
        )];
        let mut by_effect = BTreeMap::<_, Vec<_>>::new();
        for setting in &self.good {
            let effect = supply::effect(heads.get(&setting.setting_id), setting);
            by_effect.entry(name(effect)).or_default().push(setting);
        }
        for (effect, text) in EFFECTS {
            let of_effect = by_effect.remove(effect).unwrap_or_default();
            if effect != name(Effect::Changed) {
                let ids = of_effect.iter().map(|it| it.setting_id.to_string());
                rows.extend(listed(text, &ids.collect::<Vec<_>>(), ", "));
                continue;
            }
            let changes = of_effect.iter().map(|setting| {
                let head = heads.get(&setting.setting_id);
                let stored = head.and_then(|head| head.setting.as_deref());
                let changes = stored.map(|stored| said::changes(stored, setting));
                let changes = changes.unwrap_or_default().join("; ");
                format!("{}: {changes}", setting.setting_id)
            });
            rows.extend(one_by_one(text, &changes.collect::<Vec<_>>()));
        }
        rows.extend(one_by_one("Refused", &self.refused));
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

/// A row for each, and one for how many more there are.
fn one_by_one(name: &'static str, items: &[String]) -> Vec<(&'static str, String)> {
    let told = items.iter().take(TOLD).cloned();
    let more = items.len().saturating_sub(TOLD);
    let more = (more > 0).then(|| format!("and {more} more"));
    told.chain(more).map(|text| (name, text)).collect()
}
