//! Taking in a register's file: what it would change is shown before anything is.

use super::said;
use crate::{
    act::act,
    api::settings,
    app::App,
    pages::{
        acts::{
            form::{Fields, Form},
            frame::{Deed, Question, Sheet, Subject},
        },
        layout::Layout,
        words,
    },
    problem::Fault,
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

#[derive(Debug, Template)]
#[template(path = "register_import.html")]
pub(crate) struct ImportPage {
    layout: Layout,
    form: Form,
    text: String,
}

/// The register as it is: what a file is compared with.
#[derive(Debug)]
pub(crate) struct Register {
    app: App,
    viewer: Viewer,
    heads: BTreeMap<SettingId, SettingHead>,
}

impl Subject for Register {
    type At = ();

    async fn load(app: &App, viewer: &Viewer, (): &()) -> Result<Self, Fault> {
        Ok(Self {
            app: app.clone(),
            viewer: viewer.clone(),
            heads: app.store.setting_heads(viewer.authority()).await?,
        })
    }
}

/// Taking in a file.
#[derive(Debug)]
pub(crate) enum Import {}

impl Deed for Import {
    type To = Register;
    type Page = ImportPage;

    fn path((): &()) -> String {
        "/admin/import".to_owned()
    }

    fn page(sheet: Sheet<'_>, _: Register) -> ImportPage {
        ImportPage {
            text: sheet.typed("text"),
            layout: sheet.layout,
            form: sheet.form,
        }
    }

    fn question(register: &Register, fields: &Fields) -> Option<Question> {
        let file = File::read(&register.app, &register.viewer, fields).ok()?;
        Some(file.question(&register.heads))
    }

    async fn carry_out(
        app: &App,
        viewer: &Viewer,
        (): &(),
        fields: &Fields,
    ) -> Result<String, Fault> {
        let file = File::read(app, viewer, fields)?;
        if file.good.is_empty() && file.refused.is_empty() {
            let what = "paste the file: it holds no setting";
            return Err(Fault::invalid_field("/text", "required_tick", what));
        }
        for chunk in file.good.chunks(CHUNK) {
            let at = |it: &Setting| (it.authority, it.setting_id.clone());
            let wanted = Wanted {
                settings: chunk.iter().map(at).collect(),
                ..Wanted::default()
            };
            act(app, &viewer.caller(), &wanted, |unit, context| {
                for setting in chunk {
                    // One that is too old is ignored, as from an event: the page has said so.
                    let head = unit.settings.get(&at(setting));
                    if supply::effect(head, setting) != Effect::Ignored {
                        settings::change(unit, context, setting)?;
                    }
                }
                Ok(())
            })
            .await?;
        }
        Ok("/admin/settings".to_owned())
    }
}

/// A file's entries.
struct File {
    good: Vec<Setting>,
    /// Which cannot be taken in, and why.
    refused: Vec<String>,
}

impl File {
    /// Reads what was pasted.
    fn read(app: &App, viewer: &Viewer, fields: &Fields) -> Result<Self, Fault> {
        let entries = register::entries(fields.get("text")).map_err(|error| {
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
        let effects = [
            ("New", Effect::New),
            ("Changed", Effect::Changed),
            ("Ignored: not newer than what is stored", Effect::Ignored),
            ("Unchanged", Effect::Unchanged),
        ];
        for (name, effect) in effects {
            let of_effect = self.good.iter().filter(|setting| {
                supply::effect(heads.get(&setting.setting_id), setting) == effect
            });
            let of_effect: Vec<_> = of_effect.collect();
            if effect != Effect::Changed {
                let ids = of_effect.iter().map(|it| it.setting_id.to_string());
                rows.extend(listed(name, &ids.collect::<Vec<_>>(), ", "));
                continue;
            }
            let changes = of_effect.iter().map(|setting| {
                let head = heads.get(&setting.setting_id);
                let stored = head.and_then(|head| head.setting.as_deref());
                let changes = stored.map(|stored| said::changes(stored, setting));
                let changes = changes.unwrap_or_default().join("; ");
                format!("{}: {changes}", setting.setting_id)
            });
            rows.extend(one_by_one(name, &changes.collect::<Vec<_>>()));
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
